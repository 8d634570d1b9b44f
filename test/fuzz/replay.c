/* replay.c — `make test` gives every fuzz target its corpus: what was once found stays found, with the compiler and options of everybody. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	_cleanup_closedir_ DIR *corpus = argc == 2 ? opendir(argv[1]) : NULL;
	struct error err = {};
	int n = 0;

	for (struct dirent *e; corpus && (e = readdir(corpus));) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		if (e->d_type != DT_REG)
			continue;
		fprintf(stderr, "%s\n", e->d_name);
		if (file_read(dirfd(corpus), e->d_name, 1 << 20, &text, &size, &err) < 0)
			return 1;
		LLVMFuzzerTestOneInput((const uint8_t *)text, size);
		n++;
	}
	return n ? 0 : 1;
}
