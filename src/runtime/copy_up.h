/* copy_up.h — two things that are done for a bundle's mounts before the clone. */
#pragma once

#include "runtime/config.h"

/* Copies what is in the directory FROM (of the image) into the directory TO (a new tmpfs), with owners and modes, never leaving FROM's
 * file system and following no link ("tmpcopyup"). */
int copy_up(int from, int to, struct error *err);

/* A user namespace with these mappings (user_namespaces(7)), for mount_setattr(2) MOUNT_ATTR_IDMAP: a descriptor or negative. */
int user_namespace_with(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err);
