/* test_user.c — whose ids a process gets: the Pod's, the image's, and what /etc/passwd of the layers says (src/sandbox/user.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "sandbox/user.h"

static struct arena *arena;
static char directory[64];
static int roots[2]; /* the upper one first */

static void put(int root, const char *name, const char *text)
{
	struct error err = {};
	assert_int_equal(file_make_dirs(root, "etc", 0755, &err), 0);
	assert_int_equal(file_write_atomic(root, name, text, strlen(text), 0644, &err), 0);
}

static int setup(void **state)
{
	(void)state;
	struct error err = {};
	arena = arena_new();
	strcpy(directory, "/tmp/seapod-test.XXXXXX");
	_cleanup_close_ int top = open(mkdtemp(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	roots[0] = file_open_dir(top, "upper", 0755, &err);
	roots[1] = file_open_dir(top, "lower", 0755, &err);
	put(roots[1], "etc/passwd",
	    "root:x:0:0:root:/root:/bin/sh\nbroken\n::::\nweb:x:101:102:web:/srv/web:/bin/sh\n"
	    "huge:x:4294967295:1::/:\nminus:x:-1:1::/:\nnohome:x:103:103\nnumbers:x:7x:1::/:\n");
	put(roots[1], "etc/group",
	    "root:x:0:\nweb:x:102:\nlogs:x:200:other,web\nextra:x:201:web,web\nnear:x:202:"
	    "webmaster\nbroken\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(roots[0]);
	close(roots[1]);
	arena_free(arena);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

static struct user find(const struct user_wish *wish)
{
	struct error err = {};
	struct user user = {};
	if (user_find(roots, 2, wish, arena, &user, &err) < 0)
		fail_msg("%s", err.text);
	return user;
}

static void check(const char *name, uid_t uid, gid_t gid, const char *home, size_t groups)
{
	struct user u = find(&(struct user_wish){ .name = name });
	assert_int_equal(u.uid, uid);
	assert_int_equal(u.gid, gid);
	assert_string_equal(u.home, home);
	assert_int_equal(u.groups.n, groups);
}

static void check_unknown(const char *name, const char *says)
{
	struct error err = {};
	struct user user = {};
	assert_int_equal(user_find(roots, 2, &(struct user_wish){ .name = name }, arena, &user, &err),
			 -ENOENT);
	if (!strstr(err.text, says))
		fail_msg("wanted '%s': %s", says, err.text);
}

static void names_and_numbers_of_the_image(void **state)
{
	(void)state;
	check(NULL, 0, 0, "/root", 0);
	check("", 0, 0, "/root", 0);
	check("web", 101, 102, "/srv/web", 2);
	check("101", 101, 102, "/srv/web", 2);
	check("nohome", 103, 103, "/", 0);
	check("4711", 4711, 0, "/", 0); /* in no file: only the number, and group 0 (as every runtime) */
	check("web:logs", 101, 200, "/srv/web", 0);
	check("web:4712", 101, 4712, "/srv/web", 0);
	check("101:logs", 101, 200, "/srv/web", 0);
	check("web:", 101, 102, "/srv/web", 2);
	check(":logs", 0, 200, "/root", 0);
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	check_unknown("nobody", "user 'nobody'");
	check_unknown("we", "user 'we'");
	check_unknown("web:nosuch", "group 'nosuch'");
	/* Broken lines and ids that no process can have are passed over. */
	check_unknown("huge", "user 'huge'");
	check_unknown("minus", "user 'minus'");
	check_unknown("numbers", "user 'numbers'");
	check_unknown("broken", "user 'broken'");
	check_unknown("-1", "user '-1'");
	check_unknown("4294967295", "user '4294967295'");
	check_unknown("99999999999999999999", "user '99999999999999999999'");
}

static void the_pod_wins(void **state)
{
	(void)state;
	const gid_t more[] = { 500, 501, 500 };
	struct user u = find(&(struct user_wish){ .name = "web", .has_uid = true, .uid = 1000 });
	assert_true(u.uid == 1000 && u.gid == 0 && u.groups.n == 0);
	assert_string_equal(u.home, "/");
	u = find(&(struct user_wish){
		.name = "nobody", .has_uid = true, .uid = 101 }); /* the name counts no more */
	assert_true(u.uid == 101 && u.gid == 102 && u.groups.n == 2);
	u = find(&(struct user_wish){ .name = "web", .has_gid = true, .gid = 9 });
	assert_true(u.uid == 101 && u.gid == 9);
	u = find(&(struct user_wish){ .name = "web", .groups = more, .group_count = 3 });
	assert_int_equal(u.groups.n, 4); /* 500, 501, 200, 201: each once */
	u = find(&(struct user_wish){ .name = "web", .groups = more, .group_count = 3, .strict = true });
	assert_int_equal(u.groups.n, 2); /* KEP-3619: Strict */
}

static void the_uppermost_layer_counts(void **state)
{
	(void)state;
	put(roots[0], "etc/passwd", "web:x:1:2::/new:\n");
	check("web", 1, 2, "/new", 2);
	check_unknown("nohome", "nohome"); /* the file below is hidden as a whole */
}

static void a_whiteout_hides_what_is_below(void **state)
{
	(void)state;
	struct error err = {};
	assert_int_equal(file_make_dirs(roots[0], "etc", 0755, &err), 0);
	if (mknodat(roots[0], "etc/passwd", S_IFCHR, makedev(0, 0)) < 0)
		skip();
	check_unknown("web", "web");
}

static void an_opaque_directory_hides_what_is_below(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_close_ int etc = file_open_dir(roots[0], "etc", 0755, &err);
	if (fsetxattr(etc, "trusted.overlay.opaque", "y", 1, 0) < 0)
		skip();
	check_unknown("web", "web");
}

/* The files are an image's: links in them lead nowhere but into it, and what is no file is not read. */
static void the_image_cannot_show_us_the_hosts_files(void **state)
{
	(void)state;
	static const char *const links[] = { "/etc/passwd", "../../../../../../etc/passwd",
					     "/proc/self/root/etc/passwd", "passwd" };
	struct error err = {};

	put(roots[1], "etc/passwd", "");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		unlinkat(roots[1], "etc/passwd", 0);
		assert_int_equal(symlinkat(links[i], roots[1], "etc/passwd"), 0);
		check_unknown("daemon", "daemon");
	}
	unlinkat(roots[1], "etc/passwd", 0);
	assert_int_equal(mkfifoat(roots[1], "etc/passwd", 0644), 0); /* does not hang */
	check_unknown("daemon", "daemon");
	unlinkat(roots[1], "etc/passwd", 0);
	assert_int_equal(file_make_dirs(roots[1], "etc/passwd", 0755, &err), 0);
	check_unknown("daemon", "daemon");
	check("12", 12, 0, "/", 0);
}

static void a_link_inside_the_image_is_followed(void **state)
{
	(void)state;
	put(roots[1], "etc/real", "linked:x:5:6::/l:\n");
	unlinkat(roots[1], "etc/passwd", 0);
	assert_int_equal(symlinkat("/etc/real", roots[1], "etc/passwd"), 0);
	check("linked", 5, 6, "/l", 0);
}

static void a_huge_file_is_not_read(void **state)
{
	(void)state;
	_cleanup_close_ int fd = openat(roots[1], "etc/passwd", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 1LL << 32), 0);
	check_unknown("web", "web");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_and_numbers_of_the_image),
		TEST(what_is_not_there_is_said),
		TEST(the_pod_wins),
		TEST(the_uppermost_layer_counts),
		TEST(a_whiteout_hides_what_is_below),
		TEST(an_opaque_directory_hides_what_is_below),
		TEST(the_image_cannot_show_us_the_hosts_files),
		TEST(a_link_inside_the_image_is_followed),
		TEST(a_huge_file_is_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
