/* seccomp_main.c — the program seapod-seccomp: a profile on standard input, its compiled filter on standard output.
 *
 *	seapod-seccomp CAPABILITIES <profile.json >filter.bpf          (CAPABILITIES: a mask in hexadecimal)
 *
 * The first four bytes are the flags to load the filter with. On an error the sentence is on standard output, and the exit status 1. It is
 * a program of its own so that libseccomp's memory and time are spent once a profile, not by every keeper (seccomp.h).
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "oci/seccomp.h"
#include "oci/seccomp_compile.h"

static int compile(const char *capabilities, struct text *out, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct seccomp_machine machine = seccomp_this_machine(strtoull(capabilities, NULL, 16));
	_cleanup_free_ char *text = NULL;
	struct seccomp_rules rules;
	size_t size;

	int r = file_read_fd(STDIN_FILENO, "the profile", SECCOMP_PROFILE_MAX, &text, &size, err);
	if (r == 0)
		r = seccomp_profile_read(text, size, &machine, a, &rules, err);
	if (r < 0)
		return r;
	const uint32_t flags = rules.flags;
	text_add_n(out, (const char *)&flags, sizeof(flags));
	return seccomp_compile(&rules, &machine, out, err);
}

int main(int argc, char **argv)
{
	_cleanup_text_ struct text out = {};
	struct error err = {};

	if (argc != 2)
		return 2;
	if (compile(argv[1], &out, &err) < 0) {
		(void)!write(STDOUT_FILENO, err.text, strlen(err.text));
		return 1;
	}
	return write_all(STDOUT_FILENO, out.at, out.n) < 0;
}
