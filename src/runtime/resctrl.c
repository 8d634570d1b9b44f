/* resctrl.c — see resctrl.h. */
#include "runtime/resctrl.h"

#include <ctype.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { SCHEMATA_MAX = 64 * 1024 };

#define PROPERTY "linux.intelRdt"

static bool has_schema(const struct config_intel_rdt *c)
{
	return !text_empty(c->l3CacheSchema) || !text_empty(c->memBwSchema) || c->schemata.n;
}

static bool is_own(const struct resctrl *r)
{
	return text_empty(r->config->closID);
}

/* The class's directory below the root. "/" is the class of all who are in no other. */
static const char *class_name(const struct resctrl *r)
{
	return is_own(r) ? r->id : text_is(r->config->closID, "/") ? "." : r->config->closID;
}

/* --- what the configuration may say --- */

static const char *name_check(const char *name)
{
	static const char *const kernels[] = { ".", "..", "info", "mon_groups", "mon_data" };

	if (strchr(name, '/') || strchr(name, '\n'))
		return "is not the name of one directory";
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		if (text_is(name, kernels[i]))
			return "is a name of the kernel's";
	return NULL;
}

int resctrl_check(const struct config_intel_rdt *c, struct error *err)
{
	const char *wrong = text_empty(c->closID) || text_is(c->closID, "/") ? NULL : name_check(c->closID);

	if (wrong)
		return error_set(err, EINVAL, PROPERTY ".closID: '%s' %s", c->closID, wrong);
	if (c->l3CacheSchema && strchr(c->l3CacheSchema, '\n'))
		return error_set(err, EINVAL, PROPERTY ".l3CacheSchema: it has more than one line");
	if (!text_empty(c->memBwSchema) && !text_starts(c->memBwSchema, "MB:"))
		return error_set(err, EINVAL,
				 PROPERTY ".memBwSchema: '%s' does not begin with MB:", c->memBwSchema);
	if (c->memBwSchema && strchr(c->memBwSchema, '\n'))
		return error_set(err, EINVAL, PROPERTY ".memBwSchema: it has more than one line");
	for (size_t i = 0; i < c->schemata.n; i++)
		if (strchr(c->schemata.at[i], '\n'))
			return error_set(err, EINVAL, PROPERTY ".schemata[%zu]: it has more than one line",
					 i);
	return 0;
}

/* --- comparing --- */

/* Goes behind blanks and zeros that mean nothing. */
static const char *digits(const char *at)
{
	at += strspn(at, " \t");
	while (*at == '0' && isxdigit((unsigned char)at[1]))
		at++;
	return at;
}

/* Is the value at A, up to ; or the line's end, the one at B? */
static bool same_value(const char *a, const char *b)
{
	a = digits(a);
	b = digits(b);
	size_t n = strcspn(a, "; \t\n"), m = strcspn(b, "; \t\n");
	return n == m && strncasecmp(a, b, n) == 0;
}

/* The value of DOMAIN (N characters) in a line behind its "L3:"; NULL: it is not there. */
static const char *value_of(const char *line, const char *domain, size_t n)
{
	for (const char *at = line; at && *at && *at != '\n';) {
		at += strspn(at, " \t");
		size_t name = strcspn(at, "=;\n");
		if (at[name] == '=' && name == n && strncmp(at, domain, n) == 0)
			return at + name + 1;
		at += strcspn(at, ";\n");
		at += *at == ';';
	}
	return NULL;
}

bool resctrl_agrees(const char *wanted, const char *have)
{
	const char *line = have;
	size_t type;

	wanted += strspn(wanted, " \t");
	type = strcspn(wanted, ":");
	for (; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		line += strspn(line, " \t");
		if (strncmp(line, wanted, type) == 0 && line[type] == ':')
			break;
	}
	if (!line || !*line || wanted[type] != ':')
		return false;
	line += type + 1;
	for (const char *at = wanted + type + 1; *at;) {
		at += strspn(at, " \t");
		size_t name = strcspn(at, "=;");
		const char *value = at[name] == '=' ? value_of(line, at, name) : NULL;
		if (!value || !same_value(at + name + 1, value))
			return false;
		at += strcspn(at, ";");
		at += *at == ';';
	}
	return true;
}

/* --- the file system --- */

static int find_mount(struct error *err)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mounts", "re");
	const struct mntent *m = NULL;

	while (mounts && (m = getmntent(mounts)) && !text_is(m->mnt_type, "resctrl"))
		;
	if (!m)
		return error_set(err, EOPNOTSUPP, PROPERTY ": no resctrl file system is mounted");
	int fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, PROPERTY ": cannot open '%s'", m->mnt_dir) : fd;
}

int resctrl_open(struct resctrl *r, const struct config_intel_rdt *config, const char *id, struct error *err)
{
	*r = (struct resctrl){ .root = -1, .config = config, .id = id };
	if (!config)
		return 0;
	const char *wrong = text_empty(config->closID) || config->enableMonitoring ? name_check(id) : NULL;
	if (wrong)
		return error_set(err, EINVAL, PROPERTY ": the container's id '%s' %s", id, wrong);
	r->root = find_mount(err);
	return r->root < 0 ? r->root : 0;
}

void resctrl_close(struct resctrl *r)
{
	close_fd(&r->root);
}

/* The kernel's reason, which is better than errno's (info/last_cmd_status). */
static int refused(const struct resctrl *r, int code, const char *what, struct error *err)
{
	_cleanup_free_ char *why = NULL;

	if (file_read(r->root, "info/last_cmd_status", 512, &why, NULL, NULL) == 0) {
		why[strcspn(why, "\n")] = '\0';
		if (*why && !text_is(why, "ok"))
			return error_set(err, -code, PROPERTY ": cannot %s: %s", what, why);
	}
	return error_code(err, code, PROPERTY ": cannot %s", what);
}

/* As a shell's redirection does it; the kernel lets nobody make files there. */
static int write_file(const struct resctrl *r, int dir, const char *name, const char *text, const char *what,
		      struct error *err)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int code = fd < 0 ? -errno : write_all(fd, text, strlen(text));

	return code < 0 ? refused(r, code, what, err) : 0;
}

static int open_class(const struct resctrl *r, struct error *err)
{
	int dir = openat(r->root, class_name(r), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return dir < 0 ? error_errno(err, PROPERTY ".closID: cannot open the class '%s'", class_name(r))
		       : dir;
}

static int compare(const struct resctrl *r, int dir, struct error *err)
{
	const char *const wanted[] = { r->config->l3CacheSchema, r->config->memBwSchema };
	static const char *const names[] = { "l3CacheSchema", "memBwSchema" };
	_cleanup_free_ char *have = NULL;

	if (text_empty(wanted[0]) && text_empty(wanted[1]))
		return 0;
	int code = file_read(dir, "schemata", SCHEMATA_MAX, &have, NULL, err);
	if (code < 0)
		return error_prefix(err, PROPERTY ".closID");
	for (int i = 0; i < 2; i++)
		if (!text_empty(wanted[i]) && !resctrl_agrees(wanted[i], have))
			return error_set(err, EINVAL,
					 PROPERTY
					 ".%s: the class '%s' is there and has another one than '%s'",
					 names[i], class_name(r), wanted[i]);
	return 0;
}

/* The cache first, bandwidth then, `schemata` last: all in one write, which the kernel takes as a whole or not at all. */
static int set_schema(const struct resctrl *r, int dir, struct error *err)
{
	_cleanup_text_ struct text text = {};

	if (!has_schema(r->config))
		return 0;
	if (!text_empty(r->config->l3CacheSchema))
		text_printf(&text, "%s\n", r->config->l3CacheSchema);
	if (!text_empty(r->config->memBwSchema))
		text_printf(&text, "%s\n", r->config->memBwSchema);
	list_each(line, &r->config->schemata)
		text_printf(&text, "%s\n", *line);
	return write_file(r, dir, "schemata", text_str(&text), "write the schemata", err);
}

static int make_class(struct resctrl *r, struct error *err)
{
	const char *name = class_name(r);

	if (!is_own(r) && !has_schema(r->config))
		return 0; /* it must be there: open_class */
	r->made_class = mkdirat(r->root, name, 0755) == 0;
	if (r->made_class || (errno == EEXIST && !is_own(r)))
		return 0;
	if (errno == EEXIST)
		return error_set(err, EEXIST, PROPERTY ": a class '%s' is there already", name);
	return refused(r, -errno, "make a class", err);
}

static int make_monitor(struct resctrl *r, int dir, struct error *err)
{
	if (!r->config->enableMonitoring)
		return 0;
	_cleanup_close_ int groups =
		openat(dir, "mon_groups", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (groups < 0)
		return error_errno(err, PROPERTY ".enableMonitoring: this machine cannot monitor");
	if (mkdirat(groups, r->id, 0755) < 0)
		return refused(r, -errno, "make a monitoring group", err);
	r->made_monitor = true;
	return 0;
}

int resctrl_make(struct resctrl *r, struct error *err)
{
	int code;

	if (r->root < 0)
		return 0;
	if ((code = make_class(r, err)) < 0)
		return code;
	_cleanup_close_ int dir = open_class(r, err);
	if (dir < 0)
		return dir;
	if (!r->made_class && (code = compare(r, dir, err)) < 0)
		return code;
	if ((code = set_schema(r, dir, err)) < 0)
		return code;
	return make_monitor(r, dir, err);
}

/* One who enters a class leaves every monitoring group of another one. */
int resctrl_enter(const struct resctrl *r, pid_t pid, struct error *err)
{
	char text[16], tasks[PATH_MAX];

	if (r->root < 0)
		return 0;
	_cleanup_close_ int dir = open_class(r, err);
	if (dir < 0)
		return dir;
	snprintf(text, sizeof(text), "%d", (int)pid);
	int code = write_file(r, dir, "tasks", text, "enter the class", err);
	if (code < 0 || !r->config->enableMonitoring)
		return code;
	snprintf(tasks, sizeof(tasks), "mon_groups/%s/tasks", r->id);
	return write_file(r, dir, tasks, text, "enter the monitoring group", err);
}

static int remove_monitor(const struct resctrl *r)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/mon_groups/%s", class_name(r), r->id);
	return unlinkat(r->root, path, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_class(const struct resctrl *r)
{
	return unlinkat(r->root, class_name(r), AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int resctrl_remove(const struct resctrl *r, struct error *err)
{
	if (r->root < 0)
		return 0;
	int code = r->config->enableMonitoring ? remove_monitor(r) : 0;
	if (code == 0 && is_own(r))
		code = remove_class(r);
	return code < 0 ? error_code(err, code, PROPERTY ": cannot remove the class of '%s'", r->id) : 0;
}

void resctrl_undo(struct resctrl *r)
{
	if (r->root >= 0 && r->made_monitor)
		remove_monitor(r);
	if (r->root >= 0 && r->made_class)
		remove_class(r);
}
