/* maker.c — see maker.h. */
#include "registry/maker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/arrivals.h"
#include "linux/process.h"

enum { WORDS_MAX = 4096, ARRIVALS = 3 };

/* Descriptor 3 stays open in the program, and standard input is the blob, if it follows one. */
static void become_maker(const char *program, char *const *argv, const struct maker *maker, int blob,
			 pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	dup2(maker->words, STDERR_FILENO);
	if (blob >= 0) {
		int arrivals = fcntl(maker->arrivals, F_DUPFD, ARRIVALS + 1); /* out of the way of the two */
		dup2(blob, STDIN_FILENO);
		dup2(arrivals, ARRIVALS);
		close(arrivals);
	}
	execv(program, argv);
	dprintf(STDERR_FILENO, "seapod: cannot execute '%s'\n", program);
	_exit(1);
}

static void release(struct maker *maker)
{
	close_fd(&maker->process);
	close_fd(&maker->words);
	close_fd(&maker->arrivals);
}

/* The file BLOB anew, for reading only and without the lock that its writer has by that descriptor. */
static int open_again(int blob)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", blob);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int maker_start(const struct instance *in, const char *digest, const char *diff_id, int blob,
		struct maker *maker, struct error *err)
{
	char program[PATH_MAX];
	bool follows = blob >= 0;
	char *argv[] = { "seapod-image", in->root,        in->run, follows ? "follow" : "layer",
			 (char *)digest, (char *)diff_id, NULL };
	_cleanup_close_ int file = follows ? open_again(blob) : -1;

	instance_helper("seapod-image", program);
	*maker = MAKER_NONE;
	maker->words = memfd_create("words", MFD_CLOEXEC);
	if (follows)
		maker->arrivals = arrivals_open();
	if (maker->words < 0 || (follows && (file < 0 || maker->arrivals < 0))) {
		release(maker);
		return error_errno(err, "cannot unpack a layer");
	}
	fflush(NULL);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		become_maker(program, argv, maker, file, parent);
	maker->process = pid < 0 ? -1 : process_open(pid);
	if (maker->process >= 0)
		return 0;
	int r = error_errno(err, "cannot start '%s'", program);
	release(maker);
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

int maker_ended(struct maker *maker, struct error *err)
{
	struct exit_status status;
	int r = process_reap(maker->process, &status);

	if (r == 0)
		return 0;
	r = r > 0 && status.code == 0 ? 1 : failed(maker->words, err);
	release(maker);
	return r;
}

void maker_stop(struct maker *maker)
{
	struct exit_status status;

	if (maker->process < 0)
		return;
	process_signal(maker->process, SIGTERM);
	process_wait(maker->process, &status);
	release(maker);
}
