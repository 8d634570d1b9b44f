/* cgroup_file.h — a cgroup's files, read and written; for linux/ and oci/ only. */
#pragma once

#include <stdint.h>

/* 0 or -errno; an empty or refused write is an error, too. DIR -1: -EBADF. */
int cgroup_file_write(int dir, const char *file, const char *text);
int cgroup_file_write_number(int dir, const char *file, uint64_t value);

/* The whole file, on the heap; NULL when it cannot be read. */
char *cgroup_file_read(int dir, const char *file);

/* The number after KEY in a file of "key value" lines; with KEY NULL the file's only number. 0 when there is none, or "max". */
uint64_t cgroup_file_number(int dir, const char *file, const char *key);
