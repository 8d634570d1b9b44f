/* cni_list.h — a configuration list of CNI, and what is said to its plugins. Pure, but for cni_list_find. */
#pragma once

#include "net/cni.h"
#include "object/node.h"

/* A plugin has no more to say than this, and a list neither. */
enum { CNI_TEXT_MOST = 1 << 20, CNI_PLUGINS_MOST = 32 };

struct cni_list {
	const char *name, *version;
	const struct node *plugins; /* a list of maps, each with a "type" that is a file's name */
	bool no_check, no_gc;
	const struct node *whole;
};

/* The list called NAME in the directories DIRS ("a:b"), by the names of their files. Memory in A. */
int cni_list_find(const char *dirs, const char *name, struct arena *a, struct cni_list *out,
		  struct error *err);

/* Takes TREE as a list; one plugin alone is a list of one (the older form). -EINVAL with what is wrong. */
int cni_list_read(const struct node *tree, struct arena *a, struct cni_list *out, struct error *err);

/* Is L's version at least MAJOR.MINOR? */
bool cni_list_is(const struct cni_list *l, int major, int minor);

/* What the plugin I is told: its part of the list, name, version, runtimeConfig of its capabilities, the result before (may be NULL). */
struct node *cni_request(const struct cni_list *l, size_t i, const struct node *runtime,
			 const struct node *before, struct arena *a);

/* What W asks for, by capability: {"portMappings": …}. */
struct node *cni_runtime(const struct cni_wish *w, struct arena *a);

/* The first thing of RUNTIME for which no plugin has the capability; NULL: all can be had. */
const char *cni_missing(const struct cni_list *l, const struct node *runtime);

/* The first IPv4 address of RESULT (without its prefix), or "". */
void cni_result_ip(const struct node *result, char ip[static INET_ADDRSTRLEN]);
