/* commands.h — the functions behind the table of commands in main.c, one file each.
 *
 * Each returns 0, or a negative number: -EXIT_USAGE after usage_error; otherwise the command exits with 1 and says err, unless
 * err->code is 0 (said already). What exits with a program's own code returns that code, positive.
 */
#pragma once

#include "command/command.h"

int run_apply(struct context *x, int argc, char **argv, struct error *err);
int run_delete(struct context *x, int argc, char **argv, struct error *err);
int run_describe(struct context *x, int argc, char **argv, struct error *err);
int run_events(struct context *x, int argc, char **argv, struct error *err);
int run_copy(struct context *x, int argc, char **argv, struct error *err);
int run_port_forward(struct context *x, int argc, char **argv, struct error *err);
int run_top(struct context *x, int argc, char **argv, struct error *err);
int run_wait(struct context *x, int argc, char **argv, struct error *err);
int run_attach(struct context *x, int argc, char **argv, struct error *err);
int run_start(struct context *x, int argc, char **argv, struct error *err);
int run_stop(struct context *x, int argc, char **argv, struct error *err);
int run_restart(struct context *x, int argc, char **argv, struct error *err);
int run_kill(struct context *x, int argc, char **argv, struct error *err);
int run_get(struct context *x, int argc, char **argv, struct error *err);
int run_ps(struct context *x, int argc, char **argv, struct error *err);
int run_debug(struct context *x, int argc, char **argv, struct error *err);
int run_exec(struct context *x, int argc, char **argv, struct error *err);
int run_run(struct context *x, int argc, char **argv, struct error *err);
int run_logs(struct context *x, int argc, char **argv, struct error *err);
int run_image(struct context *x, int argc, char **argv, struct error *err);
int run_pull(struct context *x, int argc, char **argv, struct error *err);
int run_push(struct context *x, int argc, char **argv, struct error *err);
int run_login(struct context *x, int argc, char **argv, struct error *err);
int run_logout(struct context *x, int argc, char **argv, struct error *err);
int run_load(struct context *x, int argc, char **argv, struct error *err);
int run_save(struct context *x, int argc, char **argv, struct error *err);
int run_label(struct context *x, int argc, char **argv, struct error *err);
int run_inspect(struct context *x, int argc, char **argv, struct error *err);
int run_port(struct context *x, int argc, char **argv, struct error *err);
int run_rmi(struct context *x, int argc, char **argv, struct error *err);
int run_tag(struct context *x, int argc, char **argv, struct error *err);
int run_info(struct context *x, int argc, char **argv, struct error *err);
int run_images(struct context *x, int argc, char **argv, struct error *err);
int run_commit(struct context *x, int argc, char **argv, struct error *err);
int run_build(struct context *x, int argc, char **argv, struct error *err);
int run_explain(struct context *x, int argc, char **argv, struct error *err);
int run_network(struct context *x, int argc, char **argv, struct error *err);
int run_volume(struct context *x, int argc, char **argv, struct error *err);
int run_resize(struct context *x, int argc, char **argv, struct error *err);
int run_dns(struct context *x, int argc, char **argv, struct error *err);
int run_oci(struct context *x, int argc, char **argv, struct error *err);
int restore_pods(struct context *x, struct error *err);            /* system restore */
int system_check(struct context *x, bool json, struct error *err); /* system check */
int run_system(struct context *x, int argc, char **argv, struct error *err);
int run_completion(struct context *x, int argc, char **argv, struct error *err);
int run_help(struct context *x, int argc, char **argv, struct error *err);
int run_version(struct context *x, int argc, char **argv, struct error *err);

extern const struct option_spec apply_options[], events_options[], top_options[], copy_options[],
	port_forward_options[], describe_options[], wait_options[], attach_options[], start_options[],
	delete_options[], rm_options[], stop_options[], restart_options[], kill_options[], get_options[],
	ps_options[], exec_options[], debug_options[], run_options[], network_options[], logs_options[],
	load_options[], image_options[], build_options[], images_options[], save_options[], volume_options[],
	dns_options[], system_options[], resize_options[], help_options[], explain_options[];
extern const struct option_spec label_options[], inspect_options[], port_options[];
extern const struct option_absent run_absent[], inspect_absent[];
extern const struct option_spec pull_options[], login_options[], logout_options[], commit_options[];
