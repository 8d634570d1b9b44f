/* systemd_main.c — the program seapod-systemd: asks systemd for the units of containers (systemd.h).
 *
 *	seapod-systemd start|set|stop UNIT SLICE [--user]
 *
 * Standard input and output are one socket: a message with the properties comes, an answer goes. With `start` it is then the process that
 * keeps the scope alive until the other end of the socket is closed. It is a program of its own so that D-Bus costs only those who ask
 * for it.
 *
 * Source: org.freedesktop.systemd1(5), https://systemd.io/CONTROL_GROUP_INTERFACE.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/systemd.h"

#define SERVICE      "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"

enum { PATIENCE_US = 60 * 1000 * 1000 };

struct session {
	sd_bus *bus;
	const char *unit, *slice;
	char *properties; /* lines */
	char *job;        /* what is waited for */
	char result[32];  /* of it, once it has ended */
	char answer[4096];
};

static bool is_slice(const char *unit)
{
	return text_ends(unit, ".slice");
}

static int fail(struct session *s, int r, const sd_bus_error *why, const char *what)
{
	if (sd_bus_error_has_name(why, SERVICE ".UnitExists"))
		snprintf(s->answer, sizeof(s->answer), "%clinux.cgroupsPath: systemd has a unit '%s' already",
			 SYSTEMD_FAILED, s->unit);
	else
		snprintf(s->answer, sizeof(s->answer), "%c%s: %s", SYSTEMD_FAILED, what,
			 why && why->message ? why->message : strerror(-r));
	return r < 0 ? r : -EIO;
}

/* --- jobs --- */

static int on_removed(sd_bus_message *m, void *context, sd_bus_error *error)
{
	struct session *s = context;
	const char *job, *unit, *result;
	uint32_t id;
	(void)error;

	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) >= 0 && text_is(job, s->job))
		snprintf(s->result, sizeof(s->result), "%s", result);
	return 0;
}

/* The answer to a call is the job that does it. */
static int wait_for_job(struct session *s, sd_bus_message *reply)
{
	const char *job;
	int r = sd_bus_message_read(reply, "o", &job);

	if (r < 0)
		return fail(s, r, NULL, "systemd's answer cannot be read");
	s->job = strdup(job);
	while (s->job && !*s->result) {
		r = sd_bus_process(s->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(s->bus, PATIENCE_US);
		if (r <= 0 && !*s->result)
			return fail(s, r < 0 ? r : -ETIMEDOUT, NULL, "systemd does not do it");
	}
	if (text_is(s->result, "done"))
		return 0;
	snprintf(s->answer, sizeof(s->answer), "%csystemd could not start the unit '%s': %s", SYSTEMD_FAILED,
		 s->unit, s->result);
	return -EIO;
}

/* --- properties --- */

static int append_bytes(sd_bus_message *m, const char *hex)
{
	unsigned char bytes[256];
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n && i < sizeof(bytes); i++)
		if (sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1)
			return -EINVAL;
	return n > sizeof(bytes) ? -E2BIG : sd_bus_message_append_array(m, 'y', bytes, n);
}

static int append_value(sd_bus_message *m, const char *signature, char *value)
{
	int r = sd_bus_message_open_container(m, 'v', signature);

	if (r < 0)
		return r;
	if (text_is(signature, "t"))
		r = sd_bus_message_append(m, "t", (uint64_t)strtoull(value, NULL, 10));
	else if (text_is(signature, "s"))
		r = sd_bus_message_append(m, "s", value);
	else if (text_is(signature, "ay"))
		r = append_bytes(m, value);
	else { /* a(ss): one pair */
		char *second = strchr(value, ' ');
		if (!second)
			return -EINVAL;
		*second++ = '\0';
		r = sd_bus_message_append(m, "a(ss)", 1, value, second);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_properties(struct session *s, sd_bus_message *m)
{
	char *state;
	int r = 0;

	for (char *line = strtok_r(s->properties, "\n", &state); line && r >= 0;
	     line = strtok_r(NULL, "\n", &state)) {
		char *signature = strchr(line, ' '), *value = signature ? strchr(signature + 1, ' ') : NULL;
		if (!value)
			return -EINVAL;
		*signature++ = *value++ = '\0';
		r = sd_bus_message_open_container(m, 'r', "sv");
		if (r >= 0)
			r = sd_bus_message_append(m, "s", line);
		if (r >= 0)
			r = append_value(m, signature, value);
		if (r >= 0)
			r = sd_bus_message_close_container(m);
	}
	return r;
}

/* Delegated: what is in the scope is ours to arrange. Without dependencies it is not a part of anything. Collected even if it has failed. */
static int append_nature(const struct session *s, sd_bus_message *m)
{
	int r = sd_bus_message_append(m, "(sv)(sv)", "Description", "s", "container of seapod-oci",
				      "DefaultDependencies", "b", 0);

	if (r >= 0 && is_slice(s->unit))
		return sd_bus_message_append(m, "(sv)", "Wants", "as", 1, s->slice);
	if (r >= 0)
		r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Slice", "s", s->slice, "Delegate", "b", 1,
					  "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 1,
					  (uint32_t)getpid());
	return r;
}

/* --- verbs --- */

static int answer_path(struct session *s)
{
	_cleanup_free_ char *object = NULL, *path = NULL;
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_path_encode(MANAGER_PATH "/unit", s->unit, &object);

	if (r >= 0)
		r = sd_bus_get_property_string(s->bus, SERVICE, object,
					       is_slice(s->unit) ? SERVICE ".Slice" : SERVICE ".Scope",
					       "ControlGroup", &why, &path);
	if (r < 0 || text_empty(path))
		r = fail(s, r < 0 ? r : -ENOENT, &why, "cannot ask systemd for the unit's cgroup");
	else
		snprintf(s->answer, sizeof(s->answer), "%c%s", SYSTEMD_FINE, path);
	sd_bus_error_free(&why);
	return r;
}

static int call_start(struct session *s, sd_bus_message **m, sd_bus_message **reply, sd_bus_error *why)
{
	int r = sd_bus_match_signal(s->bus, NULL, SERVICE, MANAGER_PATH, MANAGER, "JobRemoved", on_removed,
				    s);

	if (r >= 0)
		r = sd_bus_message_new_method_call(s->bus, m, SERVICE, MANAGER_PATH, MANAGER,
						   "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(*m, "ss", s->unit, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(*m, 'a', "(sv)");
	if (r >= 0)
		r = append_nature(s, *m);
	if (r >= 0)
		r = append_properties(s, *m);
	if (r >= 0)
		r = sd_bus_message_close_container(*m);
	if (r >= 0)
		r = sd_bus_message_append(*m, "a(sa(sv))", 0);
	return r < 0 ? r : sd_bus_call(s->bus, *m, PATIENCE_US, why, reply);
}

static int start(struct session *s)
{
	sd_bus_message *m = NULL, *reply = NULL;
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = call_start(s, &m, &reply, &why);

	if (r < 0)
		r = fail(s, r, &why, "systemd does not start the unit");
	else
		r = wait_for_job(s, reply);
	if (r >= 0)
		r = answer_path(s);
	sd_bus_error_free(&why);
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
	return r;
}

static int set(struct session *s)
{
	sd_bus_message *m = NULL;
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_message_new_method_call(s->bus, &m, SERVICE, MANAGER_PATH, MANAGER,
					       "SetUnitProperties");

	if (r >= 0)
		r = sd_bus_message_append(m, "sb", s->unit, 1);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = append_properties(s, m);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_call(s->bus, m, PATIENCE_US, &why, NULL);
	if (r < 0)
		r = fail(s, r, &why, "systemd does not change the unit");
	sd_bus_error_free(&why);
	sd_bus_message_unref(m);
	return r;
}

static int stop(struct session *s)
{
	sd_bus_message *reply = NULL;
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_match_signal(s->bus, NULL, SERVICE, MANAGER_PATH, MANAGER, "JobRemoved", on_removed,
				    s);

	if (r >= 0)
		r = sd_bus_call_method(s->bus, SERVICE, MANAGER_PATH, MANAGER, "StopUnit", &why, &reply, "ss",
				       s->unit, "replace");
	if (r < 0 && sd_bus_error_has_name(&why, SERVICE ".NoSuchUnit"))
		r = 0;
	else if (r < 0)
		r = fail(s, r, &why, "systemd does not stop the unit");
	else
		r = wait_for_job(s, reply);
	sd_bus_error_free(&why);
	sd_bus_message_unref(reply);
	return r;
}

static const struct {
	const char *name;
	int (*function)(struct session *s);
} verbs[] = { { "start", start }, { "set", set }, { "stop", stop } };

static int serve(struct session *s, const char *verb, bool user)
{
	int r = user ? sd_bus_default_user(&s->bus) : sd_bus_default_system(&s->bus);

	if (r < 0)
		return fail(s, r, NULL,
			    user ? "cannot connect to the user's D-Bus"
				 : "cannot connect to the system's D-Bus");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_is(verbs[i].name, verb))
			return verbs[i].function(s);
	return fail(s, -EINVAL, NULL, "there is no such verb");
}

int main(int argc, char **argv)
{
	static char message[SYSTEMD_MESSAGE_MAX];
	struct session s = { .properties = message, .answer = { SYSTEMD_FINE } };

	if (argc < 4)
		return 2;
	s.unit = argv[2];
	s.slice = argv[3];
	ssize_t n = recv(STDIN_FILENO, message, sizeof(message) - 1, 0);
	if (n <= 0)
		return 1;
	int r = serve(&s, argv[1], argc > 4);
	sd_bus_flush_close_unref(s.bus);
	send(STDIN_FILENO, s.answer, strlen(s.answer), MSG_NOSIGNAL);
	while (r >= 0 && recv(STDIN_FILENO, message, sizeof(message), 0) > 0)
		;
	free(s.job);
	return r < 0;
}
