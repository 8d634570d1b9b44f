/* pods.c — see pods.h. */
#include "cli/pods.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "object/json.h"
#include "sandbox/name.h"
#include "sandbox/sandbox.h"

enum { PATIENCE_US = 5 * 1000 * 1000 }; /* for a pod that is just being made */

static bool read_part(const struct instance *in, const char *uid, const char *file, const struct table *table,
		      void *out, struct arena *a)
{
	_cleanup_free_ char *path = memory_printf("pods/%s/%s", uid, file), *text = NULL;
	struct problems ignored = { .arena = a };
	size_t size;

	if (file_read(in->runfd, path, NODE_BYTES_MAX, &text, &size, NULL) < 0)
		return false;
	struct node *n = node_from_json(a, text, size, NULL);
	return n && object_decode(table, n, out, a, NULL, &ignored);
}

/* A keeper that has finished leaves a status whose phase is final; one that was killed does not. */
static bool was_killed(const struct pod *pod)
{
	return !text_is(pod->status.phase, "Succeeded") && !text_is(pod->status.phase, "Failed");
}

/* -EAGAIN: it is just being made; OUT->pod may have no name yet. */
static int load(const struct instance *in, const char *namespace, const char *name, struct arena *a,
		struct found_pod *out)
{
	char uid[UID_SIZE], ctl[64];
	int r = name_holder(in, namespace, name, uid, &out->alive);

	if (r < 0)
		return r;
	out->pod = arena_one(a, struct pod);
	snprintf(ctl, sizeof(ctl), "pods/%s/ctl", uid);
	bool known = read_part(in, uid, "pod.json", &pod_table, out->pod, a);
	if (known)
		read_part(in, uid, "status.json", &pod_status_table, &out->pod->status, a);
	if (out->alive) /* the socket is the last thing that a keeper makes */
		return known && file_exists(in->runfd, ctl) ? 0 : -EAGAIN;
	if (known && !was_killed(out->pod))
		return 0;
	sandbox_sweep(in, uid, namespace, name);
	return -ENOENT;
}

int pods_find(const struct instance *in, const char *namespace, const char *name, struct arena *a,
	      struct found_pod *out, struct error *err)
{
	const uint64_t until = clock_boot_us() + PATIENCE_US;
	int r;

	if (text_starts(name, "pod/") || text_starts(name, "pods/") ||
	    text_starts(name, "po/")) /* as -o name prints it */
		name = strchr(name, '/') + 1;
	if (strchr(name, '/') || strchr(name, '_'))
		return error_set(err, ENOENT, "there is no pod '%s' in the namespace '%s'", name, namespace);
	sandbox_sweep_left(in);
	while ((r = load(in, namespace, name, a, out)) == -EAGAIN && clock_boot_us() < until)
		usleep(1000);

	if (r == -ENOENT || r == -ENAMETOOLONG)
		return error_set(err, ENOENT, "there is no pod '%s' in the namespace '%s'", name, namespace);
	if (r < 0)
		return error_set(err, -r, "the pod '%s' is just being made", name);
	return 0;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int pods_list(const struct instance *in, const char *namespace, struct arena *a, struct found_pods *out,
	      struct error *err)
{
	struct dirent **entries;

	sandbox_sweep_left(in);
	int n = scandirat(in->runfd, "names", &entries, is_name, alphasort);

	if (n < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot list the pods");
	for (int i = 0; i < n; i++) {
		char *name = strchr(entries[i]->d_name, '_');
		struct found_pod found = {};
		if (name) {
			*name++ = '\0';
			bool wanted = !namespace || text_is(namespace, entries[i]->d_name);
			int r = wanted ? load(in, entries[i]->d_name, name, a, &found) : -ENOENT;
			if (r == 0 || (r == -EAGAIN && found.pod->metadata.name))
				*list_add(a, out) = found;
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}
