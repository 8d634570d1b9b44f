/* cni_list.c — see cni_list.h. */
#include "net/cni_list.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

static bool is_set(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, key);
	return value && value->kind == NODE_BOOL && value->boolean;
}

/* A file's name and nothing else: it is looked for in the plugins' directories. */
static bool is_plugin(const struct node *plugin)
{
	const char *type = node_get_string(plugin, "type");
	return !text_empty(type) && !strchr(type, '/') && *type != '.';
}

int cni_list_read(const struct node *tree, struct arena *a, struct cni_list *out, struct error *err)
{
	struct node *plugins = node_get(tree, "plugins");

	if (tree->kind != NODE_MAP)
		return error_set(err, EINVAL, "it is no map");
	if (!plugins && node_get(tree, "type")) {
		plugins = node_new(a, NODE_LIST);
		node_append(a, plugins, node_copy(a, tree));
	}
	*out = (struct cni_list){ .name = node_get_string(tree, "name"),
				  .version = node_get_string(tree, "cniVersion"),
				  .plugins = plugins,
				  .no_check = is_set(tree, "disableCheck"),
				  .no_gc = is_set(tree, "disableGC"),
				  .whole = tree };
	if (text_empty(out->name))
		return error_set(err, EINVAL, "it has no name");
	if (text_empty(out->version))
		out->version = "0.1.0";
	if (!plugins || plugins->kind != NODE_LIST || plugins->items.n == 0)
		return error_set(err, EINVAL, "it has no plugins");
	if (plugins->items.n > CNI_PLUGINS_MOST)
		return error_set(err, EINVAL, "it has more than %d plugins", CNI_PLUGINS_MOST);
	for (size_t i = 0; i < plugins->items.n; i++)
		if (!is_plugin(plugins->items.at[i]))
			return error_set(err, EINVAL, "plugins[%zu] has no type that is a plugin's name", i);
	return 0;
}

static int is_configuration(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (text_ends(entry->d_name, ".conflist") || text_ends(entry->d_name, ".conf") ||
		text_ends(entry->d_name, ".json"));
}

/* 0: it is the list NAME. -ENOENT: it is another one. */
static int read_file(int dir, const char *path, const char *file, const char *name, struct arena *a,
		     struct cni_list *out, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read(dir, file, CNI_TEXT_MOST, &text, &size, err);
	struct node *tree = r < 0 ? NULL : node_from_json(a, text, size, err);

	if (!tree)
		return error_prefix(err, "the CNI configuration '%s/%s'", path, file);
	if (!text_is(node_get_string(tree, "name"), name))
		return -ENOENT;
	r = cni_list_read(tree, a, out, err);
	return r < 0 ? error_prefix(err, "the CNI configuration '%s/%s'", path, file) : 0;
}

/* What cannot be read is said only if no other file has the name. */
static int find_in(const char *path, const char *name, struct arena *a, struct cni_list *out,
		   struct error *err)
{
	struct dirent **entries;
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = dir < 0 ? 0 : scandirat(dir, ".", &entries, is_configuration, alphasort), found = -ENOENT;
	bool done = false;

	for (int i = 0; i < n; i++) {
		int r = done ? 0 : read_file(dir, path, entries[i]->d_name, name, a, out, err);
		if (r != -ENOENT && !done) {
			found = r;
			done = r == 0 || (out->name && text_is(out->name, name));
		}
		free(entries[i]);
	}
	if (n > 0)
		free(entries);
	return found;
}

int cni_list_find(const char *dirs, const char *name, struct arena *a, struct cni_list *out,
		  struct error *err)
{
	char *copy = arena_strdup(a, dirs), *state;
	int result = -ENOENT;

	*out = (struct cni_list){};
	for (char *dir = strtok_r(copy, ":", &state); dir; dir = strtok_r(NULL, ":", &state)) {
		int r = find_in(dir, name, a, out, err);
		if (r != -ENOENT)
			result = r;
		if (r == 0 || out->name)
			return r;
	}
	return result == -ENOENT
		       ? error_set(err, ENOENT, "there is no CNI configuration with the name '%.60s' in %s",
				   name, dirs)
		       : result;
}

bool cni_list_is(const struct cni_list *l, int major, int minor)
{
	int has_major = 0, has_minor = 0;

	sscanf(l->version, "%d.%d", &has_major, &has_minor);
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* --- what a plugin is told --------------------------------------------------------------------------------------------- */

struct node *cni_request(const struct cni_list *l, size_t i, const struct node *runtime,
			 const struct node *before, struct arena *a)
{
	struct node *request = node_copy(a, l->plugins->items.at[i]), *told = node_new(a, NODE_MAP);
	const struct node *capabilities = node_get(request, "capabilities");

	node_put(a, request, "name", node_string(a, l->name));
	node_put(a, request, "cniVersion", node_string(a, l->version));
	for (size_t j = 0; runtime && j < runtime->pairs.n; j++)
		if (is_set(capabilities, runtime->pairs.at[j].key))
			node_put(a, told, runtime->pairs.at[j].key, node_copy(a, runtime->pairs.at[j].value));
	if (told->pairs.n)
		node_put(a, request, "runtimeConfig", told);
	if (before)
		node_put(a, request, "prevResult", node_copy(a, before));
	return request;
}

const char *cni_missing(const struct cni_list *l, const struct node *runtime)
{
	for (size_t j = 0; j < runtime->pairs.n; j++) {
		bool has = false;
		for (size_t i = 0; i < l->plugins->items.n; i++)
			has = has || is_set(node_get(l->plugins->items.at[i], "capabilities"),
					    runtime->pairs.at[j].key);
		if (!has)
			return runtime->pairs.at[j].key;
	}
	return NULL;
}

static void put_number(struct arena *a, struct node *map, const char *key, int64_t value)
{
	node_put(a, map, key, node_int(a, value));
}

static struct node *port_mappings(const struct cni_wish *w, struct arena *a)
{
	struct node *list = node_new(a, NODE_LIST);
	char address[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < w->port_count; i++) {
		const struct port_wish *p = &w->ports[i];
		struct node *one = node_new(a, NODE_MAP);
		put_number(a, one, "hostPort", p->host_port);
		put_number(a, one, "containerPort", p->pod_port);
		node_put(a, one, "protocol",
			 node_string(a, p->protocol == IPPROTO_UDP    ? "udp"
					: p->protocol == IPPROTO_SCTP ? "sctp"
								      : "tcp"));
		if (p->host.family)
			node_put(a, one, "hostIP",
				 node_string(a, inet_ntop(p->host.family, &p->host.v4, address,
							  sizeof(address))));
		node_append(a, list, one);
	}
	return list;
}

/* Bits, and a tenth of a second's worth of them as the burst. */
static struct node *bandwidth(const struct cni_wish *w, struct arena *a)
{
	struct node *one = node_new(a, NODE_MAP);
	const struct {
		const char *rate, *burst;
		int64_t bits;
	} ways[] = { { "ingressRate", "ingressBurst", w->ingress * 8 },
		     { "egressRate", "egressBurst", w->egress * 8 } };

	for (size_t i = 0; i < 2; i++)
		if (ways[i].bits) {
			put_number(a, one, ways[i].rate, ways[i].bits);
			put_number(a, one, ways[i].burst, ways[i].bits / 10);
		}
	return one;
}

struct node *cni_runtime(const struct cni_wish *w, struct arena *a)
{
	struct node *runtime = node_new(a, NODE_MAP);

	if (w->port_count)
		node_put(a, runtime, "portMappings", port_mappings(w, a));
	if (w->ingress || w->egress)
		node_put(a, runtime, "bandwidth", bandwidth(w, a));
	if (w->ip) {
		struct node *ips = node_new(a, NODE_LIST);
		node_append(a, ips, node_string(a, w->ip));
		node_put(a, runtime, "ips", ips);
	}
	if (w->mac)
		node_put(a, runtime, "mac", node_string(a, w->mac));
	return runtime;
}

void cni_result_ip(const struct node *result, char ip[static INET_ADDRSTRLEN])
{
	const struct node *ips = node_get(result, "ips");
	struct in_addr four;

	*ip = '\0';
	for (size_t i = 0; ips && ips->kind == NODE_LIST && i < ips->items.n; i++) {
		char text[INET6_ADDRSTRLEN + 4];
		const char *address = node_get_string(ips->items.at[i], "address");
		snprintf(text, sizeof(text), "%s", address ? address : "");
		text[strcspn(text, "/")] = '\0';
		if (inet_pton(AF_INET, text, &four) == 1) {
			inet_ntop(AF_INET, &four, ip, INET_ADDRSTRLEN);
			return;
		}
	}
}
