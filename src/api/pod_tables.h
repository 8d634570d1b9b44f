/* pod_tables.h — tables that the files of the Pod's tables share; not for other rooms. */
#pragma once

#include "object/field.h"

extern const struct table field_ref_table, resource_ref_table;
