/* maker.c — see maker.h. */
#include "registry/maker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/process.h"

enum { WORDS_MAX = 4096 };

static void become_maker(const char *program, char *const *argv, int words)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(words, STDERR_FILENO);
	execv(program, argv);
	dprintf(STDERR_FILENO, "seapod: cannot execute '%s'\n", program);
	_exit(1);
}

int maker_start(const struct instance *in, const char *digest, const char *diff_id, int *maker, int *words,
		struct error *err)
{
	char program[PATH_MAX];
	char *argv[] = { "seapod-image", in->root, in->run, "layer", (char *)digest, (char *)diff_id, NULL };

	instance_helper("seapod-image", program);
	*words = memfd_create("words", MFD_CLOEXEC);
	if (*words < 0)
		return error_errno(err, "cannot unpack a layer");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		become_maker(program, argv, *words);
	*maker = pid < 0 ? -1 : process_open(pid);
	if (*maker >= 0)
		return 0;
	int r = error_errno(err, "cannot start '%s'", program);
	close_fd(words);
	return r;
}

/* What it said, without its "seapod: ". */
static int failed(int words, struct error *err)
{
	_cleanup_free_ char *text = NULL;

	lseek(words, 0, SEEK_SET);
	if (file_read_fd(words, "its words", WORDS_MAX, &text, NULL, err) < 0)
		return -EIO;
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, EBADMSG, "%s",
			 text_starts(text, "seapod: ") ? text + strlen("seapod: ")
			 : *text                       ? text
						       : "a layer cannot be unpacked");
}

int maker_ended(int *maker, int *words, struct error *err)
{
	struct exit_status status;
	int r = process_reap(*maker, &status);

	if (r == 0)
		return 0;
	r = r > 0 && status.code == 0 ? 1 : failed(*words, err);
	close_fd(maker);
	close_fd(words);
	return r;
}

void maker_stop(int *maker, int *words)
{
	struct exit_status status;

	process_signal(*maker, SIGTERM);
	process_wait(*maker, &status);
	close_fd(maker);
	close_fd(words);
}
