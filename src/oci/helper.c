/* helper.c — see helper.h. */
#include "oci/helper.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "base/instance.h"

int helper_spawn(char *const argv[], char *const envp[], int in, int out, pid_t *pid, struct error *err)
{
	char path[PATH_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults, none;

	instance_helper(argv[0], path);
	sigfillset(&defaults);
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	int r = posix_spawn(pid, path, &actions, &attributes, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return r == 0 ? 0 : error_set(err, r, "cannot run '%s': %s", path, error_meaning(r));
}
