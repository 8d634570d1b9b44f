/* duration.h — "30s", "2m", "1m30s", "200ms" (Go's time.ParseDuration, as kubectl takes them), or seconds as a bare number.
 */
#pragma once

/* Milliseconds into *MS, at most some 24 days; 0 or -EINVAL. */
int duration_parse(const char *text, int *ms);
