/* duration.h — "30s", "2m", "1m30s", "200ms" (Go's time.ParseDuration, as kubectl takes them), or seconds as a bare number.
 */
#pragma once

#include <stdint.h>

/* Milliseconds into *MS, at most some 24 days; 0 or -EINVAL. */
int duration_parse(const char *text, int *ms);

/* The same in whole seconds, however long. */
int duration_seconds(const char *text, int64_t *seconds);
