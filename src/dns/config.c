/* config.c — see config.h. */
#include "dns/config.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

#define FILE_NAME "dns.json"

enum { FILE_MAX = 65536 };

static const struct field settings_fields[] = { VALUE(dns_settings, enabled), VALUE(dns_settings, options) };
static const struct table settings_table = TABLE(dns_settings, settings_fields, "The DNS server of pods.");

bool dns_settings_read(const struct instance *in, struct arena *a, struct dns_settings *out)
{
	_cleanup_free_ char *text = NULL;
	struct problems ignored = { .arena = a };
	size_t size;

	*out = (struct dns_settings){};
	if (file_read(in->rootfd, FILE_NAME, FILE_MAX, &text, &size, NULL) < 0)
		return false;
	const struct node *n = node_from_json(a, text, size, NULL);
	return n && n->kind == NODE_MAP && object_decode(&settings_table, n, out, a, NULL, &ignored);
}

int dns_settings_write(const struct instance *in, const struct dns_settings *settings, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};

	node_to_json(object_encode(&settings_table, settings, a), false, &text);
	return file_write_atomic(in->rootfd, FILE_NAME, text.at, text.n, 0600, err);
}

const char *dns_settings_zone(const struct dns_settings *settings)
{
	const char *zone = DNS_ZONE;

	for (size_t i = 0; i + 1 < settings->options.n; i += 2)
		if (text_is(settings->options.at[i], "--zone"))
			zone = settings->options.at[i + 1];
	return zone;
}
