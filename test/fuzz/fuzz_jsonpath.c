/* fuzz_jsonpath.c — a template of JSONPath, and the object that it is asked of: two parts of the input, the first to its NUL. */
#include <stdint.h>

#include "base/cleanup.h"
#include "object/json.h"
#include "object/jsonpath.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text out = {};
	struct error err = {};
	struct found_nodes found = {};
	size_t at = 0, n;
	const char *text = part(data, size, &at, &n), *template = arena_strndup(a, text, n);

	text = part(data, size, &at, &n);
	const struct node *root = node_from_json(a, text, n, &err);
	const struct jsonpath *p = jsonpath_template(template, a, &err);
	const struct jsonpath *path = jsonpath_path(template, a, &err);
	if (p && root)
		jsonpath_print(p, root, &out, &err);
	if (path && root && jsonpath_find(path, root, a, &found, &err) == 0)
		must(found.n <= JSONPATH_FOUND_MAX);
	return 0;
}
