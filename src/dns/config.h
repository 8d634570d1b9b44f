/* config.h — ROOT/dns.json: whether pods have DNS, and with which options their server is started.
 *
 *	{"enabled":true,"options":["--upstream","192.0.2.1"]}
 *
 * Without the file they have not.
 */
#pragma once

#include "base/instance.h"
#include "object/field.h"

/* Where the host is answered. */
#define DNS_HOST_ADDRESS "127.0.0.56"

/* The zone, unless the options say another one. */
#define DNS_ZONE "cluster.local"

/* The domain of what is in etcd, unless the options say another one: SkyDNS' own. */
#define DNS_DOMAIN "skydns.local"

struct dns_settings {
	bool enabled;
	struct strings options; /* of seapod-dns (main.c) */
};

/* Memory is in A. False: there is no such file, or nothing in it to go by. */
bool dns_settings_read(const struct instance *in, struct arena *a, struct dns_settings *out);
int dns_settings_write(const struct instance *in, const struct dns_settings *settings, struct error *err);

/* The zone of those options. */
const char *dns_settings_zone(const struct dns_settings *settings);
