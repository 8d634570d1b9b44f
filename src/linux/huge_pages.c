/* huge_pages.c — see huge_pages.h. */
#include "linux/huge_pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "linux/cgroup_file.h"

static const char place[] = "/sys/kernel/mm/hugepages";

void huge_sizes_find(struct huge_sizes *sizes)
{
	_cleanup_closedir_ DIR *dir = opendir(place);
	uint64_t kib;

	sizes->n = 0;
	for (struct dirent *e; dir && sizes->n < HUGE_SIZES_MAX && (e = readdir(dir));)
		if (sscanf(e->d_name, "hugepages-%" SCNu64 "kB", &kib) == 1)
			sizes->bytes[sizes->n++] = kib * 1024;
}

uint64_t huge_pages_bytes(uint64_t page_bytes)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/hugepages-%" PRIu64 "kB/nr_hugepages", place, page_bytes / 1024);
	return cgroup_file_number(AT_FDCWD, path, NULL) * page_bytes;
}

char *huge_label(uint64_t page_bytes, char buffer[static HUGE_LABEL_SIZE])
{
	static const char *const units[] = { "KB", "MB", "GB" };
	uint64_t value = page_bytes / 1024;
	int unit = 0;

	for (; unit < 2 && value >= 1024; unit++)
		value /= 1024;
	snprintf(buffer, HUGE_LABEL_SIZE, "%" PRIu64 "%s", value, units[unit]);
	return buffer;
}
