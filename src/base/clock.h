/* clock.h — the two clocks and Kubernetes' way of writing a time.
 *
 * Durations and timers use the clock that never jumps and goes on while the machine sleeps (CLOCK_BOOTTIME), in microseconds; what a person or an API client reads is wall-clock
 * time in RFC 3339, UTC (metav1.Time: whole seconds; metav1.MicroTime and CRI logs: with a fraction).
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define US_PER_SECOND UINT64_C(1000000)

uint64_t clock_boot_us(void); /* since the boot */
struct timespec clock_wall(void);

enum { CLOCK_TEXT_SIZE = 40 };

/* "2026-11-23T18:31:32Z" into BUFFER; returns BUFFER. */
char *clock_rfc3339(struct timespec t, char buffer[static CLOCK_TEXT_SIZE]);

/* "2026-11-23T18:31:32.123456789Z" into BUFFER; returns BUFFER. */
char *clock_rfc3339_nano(struct timespec t, char buffer[static CLOCK_TEXT_SIZE]);

/* Reads RFC 3339 with or without fraction and with any offset; 0 or -EINVAL. */
int clock_parse_rfc3339(const char *s, struct timespec *t);
