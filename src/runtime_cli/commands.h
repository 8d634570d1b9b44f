/* commands.h — the program seapod-oci (also `seapod oci`): an OCI runtime with the command line of runc and crun, as conmon, Podman and containerd
 * call it. It is apart from seapod because it is started several times a container: no YAML, no network, and its start counts.
 */
#pragma once

#include "command/command.h"

/* What the options before the command say. */
struct oci_options {
	int rootfd; /* of --root */
	bool systemd_cgroup;
	bool is_json;     /* --log-format json */
	int log;          /* --log, or -1 */
	const char *criu; /* --criu, or NULL */
	char **argv;      /* the whole command line */
};
extern struct oci_options oci;

/* To the log, or standard error. */
void oci_warn(const char *text);

/* main.c: the id of the container, of a command that has no option, or one that is a flag (*FLAG; NULL: none). NULL: wrong usage. */
const char *oci_id_and_flag(struct context *x, int argc, char **argv, struct options *o, bool *flag,
			    struct error *err);

/* help.c: of the program, of a command, and both as a part of the manual page. */
void oci_help(void);
void oci_help_command(const struct command *c);
void oci_help_scdoc(void);
extern const struct option_spec oci_globals[];

int oci_run_create(struct context *x, int argc, char **argv, struct error *err);
int oci_run_run(struct context *x, int argc, char **argv, struct error *err);
int oci_run_start(struct context *x, int argc, char **argv, struct error *err);
int oci_run_exec(struct context *x, int argc, char **argv, struct error *err);
int oci_run_kill(struct context *x, int argc, char **argv, struct error *err);
int oci_run_delete(struct context *x, int argc, char **argv, struct error *err);
int oci_run_state(struct context *x, int argc, char **argv, struct error *err);
int oci_run_list(struct context *x, int argc, char **argv, struct error *err);
int oci_run_ps(struct context *x, int argc, char **argv, struct error *err);
int oci_run_pause(struct context *x, int argc, char **argv, struct error *err);
int oci_run_resume(struct context *x, int argc, char **argv, struct error *err);
int oci_run_update(struct context *x, int argc, char **argv, struct error *err);
int oci_run_checkpoint(struct context *x, int argc, char **argv, struct error *err);
int oci_run_restore(struct context *x, int argc, char **argv, struct error *err);
int oci_run_events(struct context *x, int argc, char **argv, struct error *err);
int oci_run_spec(struct context *x, int argc, char **argv, struct error *err);
int oci_run_features(struct context *x, int argc, char **argv, struct error *err);

extern const struct option_spec oci_create_options[], oci_run_options[], oci_exec_options[],
	oci_kill_options[], oci_delete_options[], oci_list_options[], oci_ps_options[], oci_update_options[],
	oci_events_options[], oci_spec_options[], oci_checkpoint_options[], oci_restore_options[];
