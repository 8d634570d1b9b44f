/* config_tables.h — what the tables of config*.c share among themselves. */
#pragma once

#include "runtime/config.h"

extern const struct table id_mapping_table;
