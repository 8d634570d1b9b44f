/* cni.c — the operations on an attachment; see cni.h. */
#include "net/cni.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/cni_list.h"
#include "net/cni_plugin.h"
#include "object/json.h"

enum { TIMEOUT_S = 30, TIMEOUT_MOST_S = 600, RECORD_SIZE = 64 };
#define INTERFACE "eth0"

/* What is written down, JSON: {"list":…,"runtime":…,"plugins":"…","args":"…","result":…} */
struct attachment {
	const char *uid, *plugins, *timeout, *args;
	struct cni_list list;
	const struct node *runtime, *result; /* RESULT: NULL before ADD has succeeded */
};

static int timeout_s(const char *text)
{
	long long seconds = TIMEOUT_S;

	if (text)
		text_to_int(text, 1, TIMEOUT_MOST_S, &seconds);
	return (int)seconds;
}

/* --- what is written down ---------------------------------------------------------------------------------------------- */

static const char *record_path(const char *uid, char path[static RECORD_SIZE])
{
	snprintf(path, RECORD_SIZE, "cni/%.40s.json", uid);
	return path;
}

static int write_record(const struct instance *in, const struct attachment *at, struct arena *a,
			struct error *err)
{
	struct node *top = node_new(a, NODE_MAP);
	_cleanup_text_ struct text text = {};
	char path[RECORD_SIZE];
	int r = file_make_dirs(in->rootfd, "cni", 0700, err);

	node_put(a, top, "list", node_copy(a, at->list.whole));
	node_put(a, top, "runtime", node_copy(a, at->runtime));
	node_put(a, top, "plugins", node_string(a, at->plugins));
	if (at->timeout)
		node_put(a, top, "timeout", node_string(a, at->timeout));
	node_put(a, top, "args", node_string(a, at->args));
	if (at->result)
		node_put(a, top, "result", node_copy(a, at->result));
	node_to_json(top, false, &text);
	return r < 0 ? r
		     : file_write_atomic(in->rootfd, record_path(at->uid, path), text.at, text.n, 0600, err);
}

/* -ENOENT: there is no such attachment. */
static int read_record(const struct instance *in, const char *uid, struct arena *a, struct attachment *at,
		       struct error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[RECORD_SIZE];
	size_t size;
	int r = file_read(in->rootfd, record_path(uid, path), NODE_BYTES_MAX, &text, &size, err);
	struct node *top = r < 0 ? NULL : node_from_json(a, text, size, err);

	if (!top)
		return r < 0 ? r : -EINVAL;
	*at = (struct attachment){ .uid = arena_strdup(a, uid),
				   .plugins = node_get_string(top, "plugins"),
				   .timeout = node_get_string(top, "timeout"),
				   .args = node_get_string(top, "args"),
				   .runtime = node_get(top, "runtime"),
				   .result = node_get(top, "result") };
	const struct node *list = node_get(top, "list");
	if (!list || !at->plugins || cni_list_read(list, a, &at->list, err) < 0)
		return error_set(err, EINVAL, "the file '%s/%s' is no attachment to a CNI network", in->root,
				 path);
	return 0;
}

static void remove_record(const struct instance *in, const char *uid)
{
	char path[RECORD_SIZE];
	unlinkat(in->rootfd, record_path(uid, path), 0);
}

/* --- plugins of a list ------------------------------------------------------------------------------------------------- */

struct place {
	int host;
	pid_t keeper; /* 0: its namespace is gone */
};

static int ask(const struct attachment *at, const char *command, size_t i, const struct place *where,
	       const struct node *before, struct arena *a, struct node **result, struct error *err)
{
	const struct node *plugin = at->list.plugins->items.at[i];
	bool of_pod = !text_is(command, "STATUS") && !text_is(command, "GC");
	const struct cni_call call = {
		.command = command,
		.network = at->list.name,
		.type = node_get_string(plugin, "type"),
		.plugins = at->plugins,
		.id = of_pod ? at->uid : NULL,
		.netns = !of_pod         ? NULL
			 : where->keeper ? arena_printf(a, "/proc/%d/ns/net", (int)where->keeper)
					 : "",
		.interface = of_pod ? INTERFACE : NULL,
		.args = of_pod ? at->args : NULL,
		.host = where->host,
		.timeout_s = timeout_s(at->timeout),
	};
	return cni_call(&call, cni_request(&at->list, i, of_pod ? at->runtime : NULL, before, a), a, result,
			err);
}

static int add_all(struct attachment *at, const struct place *where, struct arena *a, struct error *err)
{
	struct node *result = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && cni_list_is(&at->list, 1, 1) && i < at->list.plugins->items.n; i++)
		r = ask(at, "STATUS", i, where, NULL, a, &result, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < at->list.plugins->items.n; i++)
		r = ask(at, "ADD", i, where, at->result, a, &result, err) < 0 ? -err->code
									      : (at->result = result, 0);
	return r;
}

/* All of them, the last first; the first error is told. */
static int delete_all(const struct attachment *at, const struct place *where, struct arena *a,
		      struct error *err)
{
	const struct node *before = cni_list_is(&at->list, 0, 4) ? at->result : NULL;
	struct node *ignored;
	int result = 0;

	for (size_t i = at->list.plugins->items.n; i-- > 0;) {
		int r = ask(at, "DEL", i, where, before, a, &ignored, result < 0 ? NULL : err);
		result = result < 0 ? result : r;
	}
	return result;
}

/* --- the operations ---------------------------------------------------------------------------------------------------- */

static int check_wish(const struct attachment *at, struct error *err)
{
	const char *missing = cni_missing(&at->list, at->runtime);

	if (missing)
		return error_set(
			err, EINVAL,
			"the CNI network '%s' has no plugin with the capability '%s', which the pod needs%s",
			at->list.name, missing,
			text_is(missing, "portMappings") ? " (it publishes ports)"
			: text_is(missing, "bandwidth")  ? " (its bandwidth is limited)"
							 : "");
	return 0;
}

int cni_add(const struct instance *in, const struct cni_wish *wish, int host, pid_t keeper,
	    char ip[static INET_ADDRSTRLEN], struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct place where = { host, keeper };
	struct attachment at = { .uid = wish->uid,
				 .plugins = wish->plugins ? wish->plugins : CNI_PLUGIN_DIRS,
				 .timeout = wish->timeout,
				 .runtime = cni_runtime(wish, a) };

	at.args = arena_printf(
		a, "IgnoreUnknown=1;K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_INFRA_CONTAINER_ID=%s",
		wish->namespace, wish->pod, wish->uid);
	int r = cni_list_find(wish->configurations ? wish->configurations : CNI_CONFIG_DIRS, wish->network, a,
			      &at.list, err);
	if (r == 0)
		r = check_wish(&at, err);
	if (r == 0)
		r = write_record(in, &at, a, err);
	if (r < 0)
		return r;
	r = add_all(&at, &where, a, err);
	if (r == 0)
		r = write_record(in, &at, a, err);
	if (r < 0) {
		delete_all(&at, &where, a, NULL);
		remove_record(in, wish->uid);
		return r;
	}
	cni_result_ip(at.result, ip);
	return 0;
}

int cni_delete(const struct instance *in, const char *uid, int host, pid_t keeper, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct place where = { host, keeper };
	struct attachment at;
	int r = read_record(in, uid, a, &at, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = delete_all(&at, &where, a, err);
	if (r == 0)
		remove_record(in, uid);
	return r;
}

static int is_record(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_ends(entry->d_name, ".json");
}

/* Calls DO for every attachment: the uid of its pod, and whether the pod is there. */
static int each_record(const struct instance *in,
		       int (*visit)(const struct instance *, const char *, bool, void *), void *data)
{
	struct dirent **entries;
	int n = scandirat(in->rootfd, "cni", &entries, is_record, alphasort), result = 0;

	for (int i = 0; i < n; i++) {
		char *uid = entries[i]->d_name;
		uid[strlen(uid) - strlen(".json")] = '\0';
		_cleanup_free_ char *pod = memory_printf("pods/%s", uid);
		int r = visit(in, uid, file_exists(in->runfd, pod), data);
		result = result < 0 ? result : r;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return result;
}

static int sweep_one(const struct instance *in, const char *uid, bool there, void *data)
{
	struct error err = {};
	(void)data;

	if (!there && cni_delete(in, uid, -1, 0, &err) < 0)
		log_warning("%s", err.text);
	return 0;
}

void cni_sweep(const struct instance *in)
{
	each_record(in, sweep_one, NULL);
}

/* --- GC ----------------------------------------------------------------------------------------------------------------- */

struct garbage {
	struct arena *a;
	struct LIST(struct attachment) lists; /* one of each name */
	struct LIST(struct node *) valid;     /* the attachments of each, as GC is told */
};

static int gather_one(const struct instance *in, const char *uid, bool there, void *data)
{
	struct garbage *g = data;
	struct node *one = node_new(g->a, NODE_MAP);
	struct attachment at;
	size_t i = 0;

	if (!there || read_record(in, uid, g->a, &at, NULL) < 0 || at.list.no_gc ||
	    !cni_list_is(&at.list, 1, 1))
		return 0;
	while (i < g->lists.n && !text_is(g->lists.at[i].list.name, at.list.name))
		i++;
	if (i == g->lists.n) {
		*list_add(g->a, &g->lists) = at;
		*list_add(g->a, &g->valid) = node_new(g->a, NODE_LIST);
	}
	node_put(g->a, one, "containerID", node_string(g->a, uid));
	node_put(g->a, one, "ifname", node_string(g->a, INTERFACE));
	node_append(g->a, g->valid.at[i], one);
	return 0;
}

int cni_collect(const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct garbage g = { .a = a };
	int r = each_record(in, gather_one, &g);

	for (size_t i = 0; r == 0 && i < g.lists.n; i++) {
		struct cni_list *l = &g.lists.at[i].list;
		for (size_t j = 0; r == 0 && j < l->plugins->items.n; j++) {
			struct node *request = cni_request(l, j, NULL, NULL, a), *ignored;
			const struct cni_call call = { .command = "GC",
						       .network = l->name,
						       .type = node_get_string(request, "type"),
						       .plugins = g.lists.at[i].plugins,
						       .host = -1,
						       .timeout_s = timeout_s(g.lists.at[i].timeout) };
			node_put(a, request, "cni.dev/valid-attachments", g.valid.at[i]);
			r = cni_call(&call, request, a, &ignored, err);
		}
	}
	return r;
}

/* --- CHECK -------------------------------------------------------------------------------------------------------------- */

static pid_t keeper_of(const struct instance *in, const char *uid)
{
	_cleanup_free_ char *path = memory_printf("pods/%s/ns/net", uid);
	char link[64] = "";
	int pid = 0;

	if (readlinkat(in->runfd, path, link, sizeof(link) - 1) < 0 || sscanf(link, "/proc/%d/", &pid) != 1)
		return 0;
	snprintf(link, sizeof(link), "/proc/%d/ns/net", pid);
	return access(link, F_OK) == 0 ? pid : 0;
}

static int check_one(const struct instance *in, const char *uid, bool there, void *data)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct place where = { -1, there ? keeper_of(in, uid) : 0 };
	struct attachment at;
	struct error err = {};
	struct node *ignored;
	int r = where.keeper ? read_record(in, uid, a, &at, &err) : 0;

	(void)data;
	if (!where.keeper || r < 0 || !at.result || at.list.no_check || !cni_list_is(&at.list, 0, 4))
		return r;
	for (size_t i = 0; r == 0 && i < at.list.plugins->items.n; i++)
		r = ask(&at, "CHECK", i, &where, at.result, a, &ignored, &err);
	if (r < 0)
		log_warning("%s", err.text);
	return 0;
}

void cni_check(const struct instance *in)
{
	each_record(in, check_one, NULL);
}
