/* test_keeper_logfile.c — container logs as the CRI writes them: lines, parts, rotation, a full disk (src/keeper/logfile.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "keeper/logfile.h"

static char directory[64];
static int dir;

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/seapod-test.XXXXXX");
	dir = mkdtemp(directory) ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return dir < 0;
}

static int teardown(void **state)
{
	(void)state;
	umount2(directory, MNT_DETACH);
	close(dir);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

static void begin(struct logfile *log, unsigned restart, uint64_t max_bytes, unsigned max_files)
{
	struct error err = {};
	int copy = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(logfile_open(log, copy, restart, max_bytes, max_files, &err), 0);
}

static int say(struct logfile *log, struct log_stream *stream, const char *text)
{
	return logfile_write(log, stream, text, strlen(text));
}

/* The file NAME with each time replaced by "T"; every line must begin with one. */
static char *content(const char *name)
{
	_cleanup_free_ char *data = NULL;
	struct text out = {};
	size_t size;
	struct error err = {};
	assert_int_equal(file_read(dir, name, 1 << 26, &data, &size, &err), 0);
	for (char *line = data; *line;) {
		char *end = strchr(line, '\n');
		assert_non_null(end); /* half a line is never there */
		int year, month, day, hour, minute, second, nano, n = 0;
		assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%9dZ %n", &year, &month, &day, &hour,
					&minute, &second, &nano, &n),
				 7);
		assert_int_equal(n, 31);
		text_add(&out, "T ");
		text_add_n(&out, line + n, (size_t)(end + 1 - line - n));
		line = end + 1;
	}
	return text_take(&out);
}

static void expect(const char *name, const char *text)
{
	_cleanup_free_ char *is = content(name);
	assert_string_equal(is, text);
}

static unsigned count_files(void)
{
	unsigned n = 0;
	int copy = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fdopendir(copy);
	for (struct dirent *e; (e = readdir(d));)
		n += *e->d_name != '.';
	return n;
}

static void lines_of_two_streams(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 }, err = { "stderr", NULL, 0 };

	begin(&log, 0, 0, 5);
	say(&log, &out, "one\ntwo\nthr");
	say(&log, &err, "oops\n");
	say(&log, &out, "ee\n\n");
	say(&log, &out, "last");
	logfile_flush(&log, &out);
	logfile_flush(&log, &err); /* nothing waits: nothing is written */
	logfile_close(&log);
	expect("0.log", "T stdout F one\nT stdout F two\nT stderr F oops\nT stdout F three\nT stdout F \nT "
			"stdout F last\n");
}

static void bytes_one_by_one_are_the_same_lines(void **state)
{
	(void)state;
	const char *text = "first\nsecond \001\377 line\n";
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };

	begin(&log, 3, 0, 5);
	for (const char *at = text; *at; at++)
		logfile_write(&log, &out, at, 1);
	logfile_close(&log);
	expect("3.log", "T stdout F first\nT stdout F second \001\377 line\n");
}

/* SIZE bytes before the newline, written in CHUNKs: how many parts, and that together they are whole. */
static void check_long(size_t size, size_t chunk, unsigned parts)
{
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };
	_cleanup_free_ char *line = memory_new(size + 2, 1);
	memset(line, 'x', size);
	line[size] = '\n';

	unlinkat(dir, "0.log", 0);
	begin(&log, 0, 0, 5);
	for (size_t at = 0; at < size + 1; at += chunk)
		assert_int_equal(
			logfile_write(&log, &out, line + at, size + 1 - at < chunk ? size + 1 - at : chunk),
			0);
	logfile_close(&log);
	assert_null(out.partial);

	_cleanup_free_ char *is = content("0.log");
	size_t bytes = 0;
	unsigned partial = 0, full = 0;
	for (char *at = is; *at; at = strchr(at, '\n') + 1) {
		assert_true(text_starts(at, "T stdout P ") || text_starts(at, "T stdout F "));
		partial += at[9] == 'P';
		full += at[9] == 'F';
		size_t n = strcspn(at + 11, "\n");
		assert_true(n <= LOG_LINE_MAX && (at[9] == 'F' || n == LOG_LINE_MAX));
		bytes += n;
	}
	assert_int_equal(bytes, size);
	assert_int_equal(partial, parts);
	assert_int_equal(full, 1);
}

static void long_lines_come_in_parts(void **state)
{
	(void)state;
	static const size_t chunks[] = {
		1, 7, 4096, LOG_LINE_MAX - 1, LOG_LINE_MAX, LOG_LINE_MAX + 1, 100000
	};
	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		check_long(LOG_LINE_MAX - 1, chunks[i], 0);
		check_long(LOG_LINE_MAX, chunks[i], 0);
		check_long(LOG_LINE_MAX + 1, chunks[i], 1);
		check_long(3 * LOG_LINE_MAX + 5, chunks[i], 3);
	}
}

static void a_large_file_is_rotated_and_the_oldest_goes(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };
	char line[100];
	struct stat st;

	begin(&log, 0, 4096, 3);
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		say(&log, &out, line);
	}
	logfile_close(&log);
	assert_int_equal(count_files(), 3);
	assert_int_equal(fstatat(dir, "0.log", &st, 0), 0);
	assert_true(st.st_size < 4096 + 100);
}

static void only_the_run_before_stays(void **state)
{
	(void)state;
	struct logfile log;

	for (unsigned run = 0; run < 12; run++) {
		begin(&log, run, 0, 5);
		logfile_close(&log);
		assert_int_equal(count_files(), run == 0 ? 1 : 2);
	}
	assert_true(file_exists(dir, "10.log") && file_exists(dir, "11.log"));
	close(openat(dir, "11.log.20261123-183132", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	begin(&log, 13, 0, 5);
	logfile_close(&log);
	assert_int_equal(count_files(), 1);
}

static void check_tail(struct logfile *log, unsigned lines, size_t bytes, const char *wanted)
{
	_cleanup_text_ struct text is = {};
	logfile_tail(log, lines, bytes, &is);
	assert_string_equal(text_str(&is), wanted);
}

static void the_end_of_a_log(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };
	_cleanup_free_ char *line = memory_new(LOG_LINE_MAX + 100, 1);

	begin(&log, 0, 0, 5);
	check_tail(&log, 80, 2048, "");
	say(&log, &out, "one two\n\nthree  F four\n");
	check_tail(&log, 80, 2048, "one two\n\nthree  F four\n");
	check_tail(&log, 2, 2048, "\nthree  F four\n");
	check_tail(&log, 1, 2048, "three  F four\n");
	check_tail(&log, 80, 6, " four\n");
	for (int i = 0; i < 1000; i++)
		say(&log, &out, "x\n");
	_cleanup_text_ struct text is = {};
	logfile_tail(&log, 80, 2048, &is);
	assert_int_equal(is.n, 160);
	/* A line in parts is one line, and may be longer than what is looked at. */
	memset(line, 'l', LOG_LINE_MAX + 50);
	strcpy(line + LOG_LINE_MAX + 50, "end\n");
	say(&log, &out, line);
	_cleanup_text_ struct text is_long = {};
	logfile_tail(&log, 80, 2048, &is_long);
	assert_int_equal(is_long.n, 2048);
	assert_true(text_starts(is_long.at, "lllll") && text_ends(is_long.at, "lend\n") &&
		    strspn(is_long.at, "l") == 2044);
	logfile_close(&log);
}

static void a_log_goes_on_where_it_was(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };

	for (int i = 0; i < 2; i++) {
		begin(&log, 0, 0, 5);
		say(&log, &out, "again\n");
		logfile_close(&log);
	}
	expect("0.log", "T stdout F again\nT stdout F again\n");
}

static void a_full_disk_loses_whole_lines(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };
	char line[1000];
	int r = 0, lost = 0;

	if (mount("small", directory, "tmpfs", 0, "size=64k") < 0)
		skip();
	memset(line, 'y', sizeof(line) - 2);
	strcpy(line + sizeof(line) - 2, "\n");
	close(dir);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin(&log, 0, 0, 5);
	for (int i = 0; i < 100; i++)
		lost += (r = say(&log, &out, line)) < 0;
	assert_int_equal(r, -ENOSPC);
	assert_true(lost > 30 && lost < 40);
	assert_int_equal(mount("small", directory, "tmpfs", MS_REMOUNT, "size=128k"), 0);
	assert_int_equal(say(&log, &out, "there is room again\n"), 0);
	logfile_close(&log);
	_cleanup_free_ char *is = content("0.log"); /* which knows whole lines only */
	assert_true(text_ends(is, "T stdout F there is room again\n"));
}

static void a_file_that_cannot_be_made_is_tried_again(void **state)
{
	(void)state;
	struct logfile log;
	struct log_stream out = { "stdout", NULL, 0 };

	begin(&log, 0, 0, 5);
	close_fd(&log.fd); /* as when the rotated one's successor could not be opened */
	assert_int_equal(unlinkat(dir, "0.log", 0), 0);
	assert_int_equal(mkdirat(dir, "0.log", 0700), 0);
	assert_true(say(&log, &out, "lost\n") < 0);
	assert_int_equal(unlinkat(dir, "0.log", AT_REMOVEDIR), 0);
	assert_int_equal(say(&log, &out, "found\n"), 0);
	logfile_close(&log);
	expect("0.log", "T stdout F found\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_of_two_streams),
		TEST(bytes_one_by_one_are_the_same_lines),
		TEST(long_lines_come_in_parts),
		TEST(a_large_file_is_rotated_and_the_oldest_goes),
		TEST(only_the_run_before_stays),
		TEST(the_end_of_a_log),
		TEST(a_log_goes_on_where_it_was),
		TEST(a_full_disk_loses_whole_lines),
		TEST(a_file_that_cannot_be_made_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
