/* fuzz_names.c — the small texts that an image or a user gives: references, image configurations, /etc/passwd, /etc/group, and the user who is
 * looked for in them. Parts of the input, each to its NUL.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/reference.h"
#include "image/store.h"
#include "object/json.h"
#include "sandbox/user.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reference(const char *name, struct arena *a)
{
	struct error err = {};
	const char *full = reference_complete(name, a, &err);

	if (!full)
		return;
	struct reference r = reference_split(full, a);
	must(*r.registry && *r.path && (r.tag || r.digest));
	must(text_is(reference_complete(full, a, &err), full));
	must(!strstr(full, "/../") && !strchr(full, '\n') && !strchr(full, ' '));
}

static void check_config(const char *text, size_t n, struct arena *a)
{
	struct problems problems = { .arena = a };
	struct image_config config = {};
	struct error err = {};
	struct node *node = node_from_json(a, text, n, &err);

	if (node)
		object_decode(&image_config_table, node, &config, a, NULL, &problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = { "etc/passwd", "etc/group" };
	_cleanup_arena_ struct arena *a = arena_new();
	struct error err = {};
	struct user user;
	static int root = -1;
	size_t at = 0, n;

	if (root < 0) {
		root = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(mkdirat(root, "etc", 0700) == 0);
	}
	const char *text = part(data, size, &at, &n);
	check_reference(arena_strndup(a, text, n), a);
	text = part(data, size, &at, &n);
	check_config(text, n, a);
	for (int i = 0; i < 2; i++) {
		text = part(data, size, &at, &n);
		must(file_write_atomic(root, files[i], text, n, 0600, &err) == 0);
	}
	text = part(data, size, &at, &n);
	const struct user_wish wish = { .name = arena_strndup(a, text, n) };
	if (user_find(&root, 1, &wish, a, &user, &err) == 0)
		must(user.uid != UINT32_MAX && user.home);
	return 0;
}
