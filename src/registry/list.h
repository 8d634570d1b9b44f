/* list.h — what a registry has: tags, repositories, and what refers to an image (distribution-spec "Content Discovery", "Listing Referrers").
 *
 * Printed to standard output, a name a line. Long lists come in pages (Link headers), which are followed to their end.
 */
#pragma once

#include "registry/session.h"

/* ARGV: NAME. The tags of its repository. */
int registry_tags(struct registry_session *s, char **argv, struct error *err);

/* ARGV: REGISTRY. Its repositories, as far as it tells. */
int registry_catalog(struct registry_session *s, char **argv, struct error *err);

/* ARGV: NAME. Signatures, lists of contents and other artifacts that refer to it: digest, type, size. */
int registry_referrers(struct registry_session *s, char **argv, struct error *err);

/* Pure: the path of the next page from the value of a Link header, in A; NULL: there is none, or it leads elsewhere. */
const char *link_next(const char *value, struct arena *a);
