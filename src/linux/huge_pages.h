/* huge_pages.h — the sizes of huge pages that this machine has (Linux Documentation/admin-guide/mm/hugetlbpage.rst).
 */
#pragma once

#include <stdint.h>

enum { HUGE_SIZES_MAX = 8, HUGE_LABEL_SIZE = 16 };

struct huge_sizes {
	unsigned n;
	uint64_t bytes[HUGE_SIZES_MAX];
};

/* What /sys/kernel/mm/hugepages has; nothing on a kernel without huge pages. */
void huge_sizes_find(struct huge_sizes *sizes);

/* Bytes in all huge pages of that size, used or not; 0: the machine has none. */
uint64_t huge_pages_bytes(uint64_t page_bytes);

/* As files of the cgroup controller have it: "64KB", "2MB", "1GB" (mm/hugetlb_cgroup.c). Returns BUFFER. */
char *huge_label(uint64_t page_bytes, char buffer[static HUGE_LABEL_SIZE]);
