/* fuzz_http.c — what a container may answer to a health check: an HTTP answer in one piece and in beginnings, and the place its redirect leads to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/http_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int it_holds)
{
	if (!it_holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_place place = {};
	struct http_answer answer, beginning;
	char *copy = malloc(size + 1); /* of its own size, so that one byte too much is seen */

	memcpy(copy, data, size);
	ssize_t n = http_answer_read(copy, size, &answer);
	must(n <= (ssize_t)size);
	if (n > 0) {
		must(answer.status >= 101 && answer.status <= 999);
		must(http_answer_read(copy, (size_t)n - 1, &beginning) <=
		     0); /* it is not whole any earlier */
		must(http_place_set(&place, false, "10.0.0.1", 80, "/a/b?c") == 0);
		if (answer.location && http_place_follow(&place, answer.location, answer.location_size) == 1)
			must(strcasecmp(place.host, "10.0.0.1") == 0 && place.path[0] == '/' &&
			     place.port > 0 && !strpbrk(place.path, " \r\n"));
	}
	free(copy);
	return 0;
}
