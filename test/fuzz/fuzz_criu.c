/* fuzz_criu.c — what criu, or what was put in its place, may answer: Protocol Buffers (runtime/criu.h). */
#include <stdint.h>
#include <string.h>

#include "runtime/criu.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What it says goes to a terminal: one line without control characters, whatever it was. */
static void is_tame(const char *text, size_t space)
{
	size_t n = strnlen(text, space);

	must(n < space);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)text[i] >= ' ' && text[i] != 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct criu_answer a, again;

	if (!criu_read_answer(data, size, &a))
		return 0;
	must(a.kind != 0);
	is_tame(a.script, sizeof(a.script));
	is_tame(a.message, sizeof(a.message));
	must(criu_read_answer(data, size, &again) && memcmp(&a, &again, sizeof(a)) == 0);
	return 0;
}
