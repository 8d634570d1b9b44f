/* knot.h — libknot, the DNS library of Knot DNS: names, records, messages. It has a macro of the same name as one of ours; ours stays.
 */
#pragma once

#pragma push_macro("_cleanup_")
#undef _cleanup_
#include <libknot/libknot.h>
#pragma pop_macro("_cleanup_")

/* Copies NAME; a name that is one always fits. */
static inline void name_store(knot_dname_storage_t out, const knot_dname_t *name)
{
	if (knot_dname_store(out, name) == 0)
		out[0] = 0;
}
