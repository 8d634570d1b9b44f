/* run.h — the pod that `seapod run` makes of Docker's options.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"
#include "sandbox/launch.h"

struct running {
	struct pod pod;
	struct container *container;
	struct security_context security;
	struct pod_security_context pod_security;
	struct host_ranges ranges; /* that ports choose from */
	bool detach, remove, exposed;
	const char *id_file; /* --cidfile */
};

/* One option of run. 0 or negative. */
int run_take_option(struct context *x, struct running *r, const struct option_spec *option, const char *value,
		    struct error *err);

/* -v SRC:DST[:OPTIONS]; --mount type=bind,source=…,target=…; --tmpfs PATH[:OPTIONS]; --shm-size AMOUNT */
int run_add_volume(struct context *x, struct running *r, const char *value, struct error *err);
int run_add_mount(struct context *x, struct running *r, const char *value, struct error *err);
int run_add_tmpfs(struct context *x, struct running *r, const char *value, struct error *err);
int run_set_shm_size(struct context *x, struct running *r, const char *value, struct error *err);

/* Docker's 512m is mebibytes, Kubernetes' would be thousandths: a bare small letter is Docker's. -EINVAL. */
int docker_bytes(const char *text, struct arena *a, struct quantity *out);
