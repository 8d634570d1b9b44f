/* main.c — the program seapod: a table of commands, and what holds for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/help.h"

const struct command commands[] = {
	{ "apply", "Pods", "-f FILE", "create or change objects by manifests", apply_options, run_apply },
	{ "delete", "Pods", "KIND NAME... | -f FILE | -l LABELS", "end pods, remove objects", delete_options,
	  run_delete, .arguments = "KIND OBJECT" },
	{ "get", "Pods", "KIND[,KIND] [NAME...] | -f FILE", "show pods, configmaps, secrets, services",
	  get_options, run_get, .arguments = "KIND OBJECT" },
	{ "describe", "Pods", "KIND NAME... | -f FILE", "tell all about a pod, or another object",
	  describe_options, run_describe, .arguments = "KIND OBJECT" },
	{ "events", "Pods", "[POD...]", "tell what has happened to pods", events_options, run_events,
	  .arguments = "POD" },
	{ "cp", "Pods", "POD:PATH PATH|- | PATH|- POD:PATH", "copy files from a container, or into one",
	  copy_options, run_copy, .arguments = "FILE" },
	{ "port-forward", "Pods", "POD [LOCAL:]PORT...", "lead ports of this machine into a pod",
	  port_forward_options, run_port_forward, .arguments = "POD" },
	{ "top", "Pods", "[pod] [NAME...]", "show what pods and containers use", top_options, run_top,
	  .arguments = "POD" },
	{ "wait", "Pods", "pod NAME... --for=condition=Ready", "wait until something is so", wait_options,
	  run_wait, .arguments = "KIND OBJECT" },
	{ "logs", "Pods", "POD [-c CONTAINER]", "show what a container has said", logs_options, run_logs,
	  .arguments = "POD CONTAINER" },
	{ "debug", "Pods", "[-it] POD --image IMAGE [--target CONTAINER] [-- COMMAND...]",
	  "look at a running pod from a container with other tools", debug_options, run_debug, true, "POD" },
	{ "exec", "Pods", "[-it] POD [-c CONTAINER] -- COMMAND...", "run a command in a container",
	  exec_options, run_exec, true, "POD" },
	{ "attach", "Pods", "[-i] POD [-c CONTAINER]", "see what a container says, and speak to it",
	  attach_options, run_attach, .arguments = "POD CONTAINER" },
	{ "resize", "Pods", "pod NAME [-c CONTAINER] --cpu N --memory N",
	  "change the limits of a pod that runs", resize_options, run_resize, .arguments = "KIND OBJECT" },
	{ "label", "Pods", "KIND NAME... LABEL=VALUE|LABEL-...", "change labels", label_options, run_label,
	  .arguments = "KIND OBJECT" },
	{ "annotate", "Pods", "KIND NAME... NAME=VALUE|NAME-...", "change annotations", label_options,
	  run_label, .arguments = "KIND OBJECT" },
	{ "explain", "Pods", "KIND[.FIELD...]", "say what a field means and what Seapod does with it",
	  explain_options, run_explain, .arguments = "KIND", .apart = true },
	{ "run", "As Docker's", "[-d] [--rm] [-p PORT] IMAGE [COMMAND...]", "run a program from an image",
	  run_options, run_run, true, "IMAGE", .absent = run_absent },
	{ "ps", "As Docker's", "[-aq]", "list pods", ps_options, run_ps },
	{ "stop", "As Docker's", "POD...", "end pods, keep them listed", stop_options, run_stop,
	  .arguments = "POD" },
	{ "start", "As Docker's", "POD...", "start pods that have ended", start_options, run_start,
	  .arguments = "POD" },
	{ "restart", "As Docker's", "POD...", "end containers and start them again in the same pod",
	  restart_options, run_restart, .arguments = "POD" },
	{ "kill", "As Docker's", "[-s SIGNAL] POD...", "send a signal", kill_options, run_kill,
	  .arguments = "POD" },
	{ "rm", "As Docker's", "[-f] POD...", "end and delete pods", rm_options, run_delete,
	  .arguments = "POD" },
	{ "inspect", "As Docker's", "NAME...", "print all of a pod or an image", inspect_options, run_inspect,
	  .arguments = "POD", .absent = inspect_absent },
	{ "port", "As Docker's", "POD [PORT[/PROTO]]", "list published ports", port_options, run_port,
	  .arguments = "POD" },
	{ "stats", "As Docker's", "[POD...]", "show what pods use: top", top_options, run_top,
	  .arguments = "POD" },
	{ "info", "As Docker's", "", "show this instance: system info", NULL, run_info },
	{ "pull", "Images", "IMAGE...", "bring images from registries", pull_options, run_pull,
	  .arguments = "IMAGE" },
	{ "push", "Images", "IMAGE [NAME]", "send an image to a registry", pull_options, run_push,
	  .arguments = "IMAGE" },
	{ "load", "Images", "FILE", "load images from an archive", load_options, run_load,
	  .arguments = "FILE" },
	{ "save", "Images", "[-o FILE] IMAGE...", "write images to an archive", save_options, run_save,
	  .arguments = "IMAGE" },
	{ "build", "Images", "-t NAME DIR", "make an image from a Dockerfile", build_options, run_build,
	  .arguments = "FILE" },
	{ "commit", "Images", "POD[/CONTAINER] NAME", "make an image of a container", commit_options,
	  run_commit, .arguments = "POD" },
	{ "images", "Images", "[NAME]", "list images", images_options, run_images, .arguments = "IMAGE" },
	{ "image", "Images", "ls|inspect|load|import|save|tag|rm|prune|... ...", "list and change images",
	  image_options, run_image,
	  .arguments = "ls|inspect|pull|push|tags|catalog|referrers|load|import|save|tag|rm|prune IMAGE" },
	{ "rmi", "Images", "[-f] IMAGE...", "remove images: image rm", image_options, run_rmi,
	  .arguments = "IMAGE" },
	{ "tag", "Images", "IMAGE NAME", "give an image one more name: image tag", NULL, run_tag,
	  .arguments = "IMAGE" },
	{ "login", "Images", "-u NAME REGISTRY", "keep a login at a registry", login_options, run_login },
	{ "logout", "Images", "REGISTRY", "forget a login", logout_options, run_logout },
	{ "network", "System", "create|ls|inspect|reload|rm [NETWORK]", "make, show and remove networks",
	  network_options, run_network, .arguments = "create|ls|inspect|reload|rm" },
	{ "volume", "System", "create|ls|inspect|rm|prune [VOLUME...]",
	  "storage with names, which outlives pods", volume_options, run_volume,
	  .arguments = "create|ls|inspect|rm|prune" },
	{ "dns", "System", "serve|on|off|status", "a DNS server for pods, Services and this host",
	  dns_options, run_dns, .arguments = "serve|on|off|status" },
	{ "oci", "System", "COMMAND ...", "be an OCI runtime, as runc and crun are", NULL, run_oci, true,
	  .apart = true },
	{ "system", "System", "info|check|df|prune|restore",
	  "show, check or tidy this instance, start its pods after a boot", system_options, run_system,
	  .arguments = "info|check|df|prune|restore" },
	{ "completion", "System", "bash|zsh|fish", "complete commands in a shell", NULL, run_completion, true,
	  "bash|zsh|fish", .apart = true },
	{ "help", "System", "[COMMAND]", "list the commands, or tell about one", help_options, run_help,
	  .arguments = "COMMAND", .apart = true },
	{ "version", "System", "", "show the version", NULL, run_version, .apart = true },
	{},
};

static int finish(int r, const struct error *err)
{
	fflush(stdout);
	if (r < 0 && err->code)
		fprintf(stderr, "seapod: %s\n", err->text);
	return r >= 0 ? r : r <= -EXIT_WITH(0) ? -r - EXIT_WITH(0) : 1;
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct context x = { .arena = arena, .namespace = "default" };
	struct globals globals = {};
	struct error err = {};
	int at = 1, r;

	while ((r = globals_take(&globals, argc, argv, &at, true, &err)) > 0)
		;
	if (r < 0)
		return finish(r, &err);
	if (at == argc) {
		help_all(stdout);
		return 2;
	}
	if (text_is(argv[at], "oci")) /* a program of its own, with all that follows */
		return finish(run_oci(&x, argc - at - 1, argv + at + 1, &err), &err);
	x.command = command_find(argv[at], &err);
	argc -= at + 1;
	argv += at + 1;
	if (!x.command || globals_take_all(&globals, x.command, &argc, argv, &err) < 0)
		return finish(-EXIT_USAGE, &err);
	if (globals.help) {
		help_command(x.command, stdout);
		return 0;
	}
	if (globals.namespace)
		use_namespace(&x, globals.namespace);
	if (!x.command->apart && instance_open(&x.in, globals.root, globals.run, &err) < 0) {
		if (geteuid() != 0)
			error_hint(&err, "it needs root: try it with sudo");
		return finish(-EXIT_FAILED, &err);
	}
	int code = finish(x.command->run(&x, argc, argv, &err), &err);
	if (!x.command->apart)
		instance_close(&x.in);
	return code;
}
