/* support.h — docs/support.md: every field that Seapod knows and what it does with it, from the field tables. */
#pragma once

#include "base/text.h"

void support_write(struct text *out);
