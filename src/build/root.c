/* root.c — see root.h. */
#include "build/root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/layer.h"
#include "linux/mount.h"

enum { LAYERS_MAX = 500, OPTION_MAX = 250, PAGE_MAX = 4000 };

/* lowerdir+ (Linux 6.5) takes one directory at a time; before it all of them must fit one page. */
static int mount_overlay(const struct strings *lower, const char *scratch, struct arena *a)
{
	struct mount_option options[LAYERS_MAX + 2];
	const char *upper = arena_printf(a, "%s/upper", scratch), *work = arena_printf(a, "%s/work", scratch);
	const char *at = arena_printf(a, "%s/root", scratch), *joined = "";
	unsigned n = 0;

	for (size_t i = lower->n; i-- > 0;) {
		options[n++] = (struct mount_option){ "lowerdir+", lower->at[i] };
		joined = arena_printf(a, "%s%s%s", joined, *joined ? ":" : "", lower->at[i]);
	}
	options[n++] = (struct mount_option){ "upperdir", upper };
	options[n++] = (struct mount_option){ "workdir", work };
	int fd = mount_make("overlay", options, n, 0);
	if (fd != -EINVAL)
		return fd;
	const char *page = arena_printf(a, "lowerdir=%s,upperdir=%s,workdir=%s", joined, upper, work);
	int r = strlen(page) > PAGE_MAX ? -E2BIG : mount_classic("overlay", at, page);
	return r < 0 ? r : open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int make_directories(const char *scratch, struct arena *a, struct error *err)
{
	static const char *const names[] = { "upper", "work", "root", "empty" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++)
		r = file_make_dirs(AT_FDCWD, arena_printf(a, "%s/%s", scratch, names[i]), 0755, err);
	return r;
}

/* The upper directory's mode becomes that of "/". */
static void take_mode(const char *upper, const char *layer)
{
	struct stat st;

	if (stat(layer, &st) == 0)
		chmod(upper, st.st_mode & 07777);
}

int build_root_open(struct build_root *root, const struct instance *in, const struct strings *diff_ids,
		    const char *scratch, struct arena *a, struct error *err)
{
	struct strings lower = {};
	char path[PATH_MAX];
	int r = make_directories(scratch, a, err);

	root->fd = root->upper = -1;
	if (r == 0 && diff_ids->n > LAYERS_MAX - 1)
		return error_set(err, E2BIG, "an image has at most %d layers", LAYERS_MAX - 1);
	*list_add(a, &lower) = arena_printf(a, "%s/empty", scratch); /* an overlay needs a lower directory */
	list_each(id, diff_ids) {
		if (r == 0)
			r = layer_ready(in, *id, path, err);
		*list_add(a, &lower) = arena_strdup(a, path);
	}
	if (r < 0)
		return r;
	const char *upper = arena_printf(a, "%s/upper", scratch);
	take_mode(upper, lower.at[lower.n - 1]);
	if ((r = mount_leave()) < 0 || (root->fd = mount_overlay(&lower, scratch, a)) < 0) {
		errno = r < 0 ? -r : -root->fd;
		root->fd = -1;
		return error_errno(err, "cannot mount the layers of the step");
	}
	root->upper = file_open_dir(AT_FDCWD, upper, 0, err);
	return root->upper < 0 ? root->upper : 0;
}

void build_root_close(struct build_root *root)
{
	close_fd(&root->fd);
	close_fd(&root->upper);
}
