/* start.h — from an object to a running pod: images, launch, keeper.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"
#include "keeper/client.h"
#include "sandbox/launch.h"

enum start_how {
	START_HOLD = 1,    /* its programs wait for an attach */
	START_PUBLISH = 2, /* ports without a hostPort get a free one */
	START_REMOVE = 4,  /* it is deleted when it has ended, unless it could not be started */
	START_EXPOSED = 8, /* so do the ports that the images of its containers expose */
};

/* Resolves the images of POD, gives it a uid and starts its keeper, HOW (sandbox/launch.h). RANGES: that ports of it choose from; NULL: none. A
 * connection that reports (keeper/client.h), or negative. */
int pod_start(struct context *x, struct pod *pod, enum start_how how, const struct host_ranges *ranges,
	      struct error *err);

/* Every pod started so far has reported, so images may be removed again (else at the command's end). */
void pod_started(struct context *x);

/* Starts a keeper for the launch in TEXT that another keeper had (sandbox/launch.h): since then the layers of its images may have been let go. */
int pod_spawn(struct context *x, const char *text, size_t size, struct error *err);

/* Starts the keeper of a pod that has ended, from what it left: the same pod, its counters from the beginning. */
int pod_start_again(struct context *x, const struct pod *pod, struct error *err);

/* A connection to the keeper of POD that reports as that of pod_start does. */
int pod_watch(struct context *x, const struct pod *pod, struct error *err);

/* Gives a pod that is there what WANTED says. 1: it has changed; 0: it was so already; negative: it cannot be changed as it is, and err names the
 * fields (Kubernetes docs "Pod update and replacement"; labels, annotations and images can be changed). */
struct found_pod;
int pod_configure(struct context *x, const struct found_pod *there, struct pod *wanted, struct error *err);

/* Adds C to the ephemeral containers of POD, which runs. */
int pod_add_container(struct context *x, struct pod *pod, const struct container *c, enum start_how how,
		      struct error *err);

enum wait_for { WAIT_SETTLED, WAIT_RUNNING, WAIT_READY };

/* Reads reports until what is waited for is so. TIMEOUT_MS < 0: for ever. An error of the keeper is returned; a container that could not be
 * started makes it -EREMOTEIO, with its sentence. */
int pod_wait(struct context *x, int fd, enum wait_for what, int timeout_ms, struct error *err);

/* Waits for one report on FD, until UNTIL_US (CLOCK_BOOTTIME). 1; 0: the keeper has ended; -ETIMEDOUT or another. */
int pod_wait_change(struct context *x, int fd, uint64_t until_us, struct error *err);

/* Reads until "ended" or the end of the connection. */
int pod_wait_end(struct context *x, int fd, struct error *err);
