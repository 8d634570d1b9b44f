/* get_watch.c — see get_watch.h. A keeper replaces status.json by rename, and a pod's name comes and goes in RUN/names: these are the events. */
#include "cli/get_watch.h"

#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"

static int add(int watch, const char *path, uint32_t events, struct error *err)
{
	return inotify_add_watch(watch, path, events | IN_ONLYDIR) < 0
		       ? error_errno(err, "cannot watch '%s'", path)
		       : 0;
}

int pods_watch_begin(const struct instance *in, struct error *err)
{
	_cleanup_free_ char *names = memory_printf("%s/names", in->run);
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0)
		return error_errno(err, "cannot watch files");
	if (access(names, F_OK) < 0) /* there never was a pod */
		snprintf(names, strlen(names) + 1, "%s", in->run);
	int r = add(watch, names, IN_CREATE | IN_DELETE | IN_MOVED_TO, err);
	return r < 0 ? r : take_fd(&watch);
}

int pods_watch(int watch, const struct instance *in, const struct found_pods *pods, struct error *err)
{
	enum { MANY = 16384 };
	char events[MANY];

	list_each(pod, pods) {
		_cleanup_free_ char *path = memory_printf("%s/pods/%s", in->run, pod->pod->metadata.uid);
		add(watch, path, IN_MOVED_TO | IN_DELETE_SELF,
		    NULL); /* again is no harm; gone is an event of its own */
	}
	return read(watch, events, sizeof(events)) < 0 ? error_errno(err, "cannot watch files") : 0;
}
