/* fuzz_object.c — what a stranger may write in a manifest.
 *
 * The text is read as manifests. Whatever is accepted must survive: written as JSON and read by the keeper's reader, and written
 * as YAML and read by ours, it is the same object.
 */
#include <stdint.h>
#include <stdlib.h>

#include "api/read.h"
#include "base/cleanup.h"
#include "object/json.h"
#include "object/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool it_holds)
{
	if (!it_holds)
		abort();
}

static void check_json(const struct table *table, const struct node *n, struct arena *a)
{
	_cleanup_text_ struct text text = {};
	struct problems problems = { .arena = a };
	struct error err = {};
	void *again = arena_alloc(a, table->size);

	node_to_json(n, false, &text);
	struct node *read = node_from_json(a, text.at, text.n, &err);
	must(read);
	must(object_decode(table, read, again, a, NULL, &problems));
	must(node_equal(n, object_encode(table, again, a)));
}

static void check_yaml(const struct node *n, struct arena *a)
{
	_cleanup_text_ struct text text = {};
	struct problems problems = { .arena = a };
	struct yaml_documents documents = {};

	node_to_yaml(n, &text);
	must(yaml_read(a, "again", text.at, text.n, &documents, &problems) == 0);
	must(documents.n == 1 && node_equal(n, documents.at[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct problems problems = { .arena = a };
	struct objects objects = {};
	struct error err = {};

	node_from_json(a, (const char *)data, size, &err);
	objects_parse("fuzz", (const char *)data, size, NULL, a, &objects, &problems);
	list_each(o, &objects) {
		const struct table *table = kind_at(o->kind)->table;
		struct node *n = object_encode(table, o->pod, a);
		check_json(table, n, a);
		check_yaml(n, a);
	}
	return 0;
}
