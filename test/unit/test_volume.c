/* test_volume.c — volumes as descriptors: emptyDir, hostPath of each type, objects' files and their update, sub-paths (src/volume). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/read.h"
#include "api/store.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "object/json.h"
#include "volume/env_file.h"
#include "volume/volume.h"

enum { TMPFS = 0x01021994 };

static struct arena *arena;
static struct instance in;
static struct volume_set set;
static struct volume_images images;
static struct error err;
static char directory[64];
static const struct pod_facts facts = { .pod_ip = "192.0.2.7",
					.host_ip = "192.0.2.1",
					.node_name = "node",
					.node_memory_bytes = 1 << 30,
					.node_cpu_milli = 4000 };

static int setup(void **state)
{
	(void)state;
	char root[80], run[80];
	arena = arena_new();
	err = (struct error){};
	strcpy(directory, "/tmp/seapod-test.XXXXXX");
	snprintf(root, sizeof(root), "%s/root", mkdtemp(directory));
	snprintf(run, sizeof(run), "%s/run", directory);
	return geteuid() == 0 ? instance_open(&in, root, run, &err) : -1;
}

static int teardown(void **state)
{
	(void)state;
	volumes_close(&set);
	instance_close(&in);
	arena_free(arena);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

/* Prepares VOLUMES (JSON) of a pod; SECURITY: its securityContext. */
static int prepare(const char *volumes, const char *security)
{
	struct problems problems = { .arena = arena };
	struct objects objects = {};
	const char *text = arena_printf(arena,
					"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
					"\"web\",\"labels\":{\"a\":\"b\"}},"
					"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],"
					"\"securityContext\":%s,\"volumes\":%s}}",
					security, volumes);
	objects_parse("test", text, strlen(text), NULL, arena, &objects, &problems);
	if (problems.errors.n)
		fail_msg("%s", problems.errors.at[0].text);
	volumes_close(&set);
	err = (struct error){};
	set = (struct volume_set){ .in = &in,
				   .pod = objects.at[0].pod,
				   .facts = &facts,
				   .images = &images,
				   .disk = "pods/uid/volumes" };
	return volumes_prepare(&set, &err);
}

static void prepared(const char *volumes, const char *security)
{
	if (prepare(volumes, security) < 0)
		fail_msg("%s", err.text);
}

static void refused(const char *volumes, const char *says)
{
	assert_true(prepare(volumes, "{}") < 0);
	if (!strstr(err.text, says))
		fail_msg("wanted '%s': %s", says, err.text);
}

/* Prepared but for what is not there, which volumes_complete names. */
static void waits(const char *volumes, const char *says)
{
	prepared(volumes, "{}");
	assert_int_equal(volumes_complete(&set, &err), -ENODATA);
	assert_int_equal(set.at[0].fd, -1);
	if (!strstr(err.text, says))
		fail_msg("wanted '%s': %s", says, err.text);
	assert_int_equal(volumes_update(&set, &err), 0);
}

static void put_config(const char *data)
{
	const char *text = arena_printf(
		arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"words\"},%s}",
		data);
	struct node *n = node_from_json(arena, text, strlen(text), &err);
	assert_non_null(n);
	assert_true(store_put(&in, "configmaps", "default", "words", n, &err) >= 0);
}

/* What PATH in the first volume holds; NULL: it is not there. */
static const char *content(const char *path)
{
	_cleanup_free_ char *text = NULL;
	return file_read(set.at[0].fd, path, 1 << 20, &text, NULL, NULL) < 0 ? NULL
									     : arena_strdup(arena, text);
}

static mode_t mode(const char *path)
{
	struct stat st;
	assert_int_equal(fstatat(set.at[0].fd, path, &st, *path ? 0 : AT_EMPTY_PATH), 0);
	return st.st_mode & 07777;
}

static long file_system(void)
{
	struct statfs st;
	assert_int_equal(fstatfs(set.at[0].fd, &st), 0);
	return st.f_type;
}

static void empty_dirs(void **state)
{
	(void)state;
	struct statfs st;
	struct stat there;
	prepared("[{\"name\":\"v\",\"emptyDir\":{}}]", "{}");
	assert_int_equal(mode(""), 0777);
	assert_int_equal(fstatat(in.rootfd, "pods/uid/volumes/v", &there, 0), 0);
	assert_int_equal(there.st_mode & 07777, 0777);
	prepared("[{\"name\":\"v\",\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"64Ki\"}}]", "{}");
	assert_int_equal(file_system(), TMPFS);
	assert_int_equal(mode(""), 0777);
	assert_int_equal(fstatfs(set.at[0].fd, &st), 0);
	assert_int_equal(st.f_blocks * (unsigned long)st.f_bsize, 65536);
}

static void an_fs_group_owns_what_is_made(void **state)
{
	(void)state;
	struct stat st;
	static const char *const empty[] = { "{}", "{\"medium\":\"Memory\"}" };
	for (int i = 0; i < 2; i++) {
		prepared(arena_printf(arena, "[{\"name\":\"v\",\"emptyDir\":%s}]", empty[i]),
			 "{\"fsGroup\":2000}");
		assert_int_equal(fstat(set.at[0].fd, &st), 0);
		assert_int_equal(st.st_gid, 2000);
		assert_int_equal(st.st_mode & 07777, 02777);
	}
}

static void host_path(const char *name, const char *type, const char *says)
{
	const char *volume =
		arena_printf(arena, "[{\"name\":\"v\",\"hostPath\":{\"path\":\"%s%s%s\",\"type\":\"%s\"}}]",
			     *name == '/' ? "" : directory, *name == '/' ? "" : "/", name, type);
	if (says)
		refused(volume, says);
	else
		prepared(volume, "{}");
}

static void host_paths_of_every_type(void **state)
{
	(void)state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_close_ int top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			    s = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", directory);
	assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(file_write_atomic(top, "file", "x", 1, 0644, &err), 0);
	assert_int_equal(mkdirat(top, "dir", 0755), 0);
	assert_int_equal(symlinkat("dir", top, "link"), 0);
	static const struct {
		const char *name, *type, *says;
	} cases[] = {
		{ "dir", "", NULL },
		{ "file", "", NULL },
		{ "socket", "", NULL },
		{ "dir", "Directory", NULL },
		{ "file", "File", NULL },
		{ "socket", "Socket", NULL },
		{ "/dev/null", "CharDevice", NULL },
		{ "link", "Directory", NULL },
		{ "nosuch", "", "the host has no" },
		{ "nosuch", "Directory", "the host has no" },
		{ "nosuch", "File", "the host has no" },
		{ "file", "Directory", "is not a directory" },
		{ "dir", "File", "is not a file" },
		{ "file", "Socket", "is not a socket" },
		{ "file", "CharDevice", "is not a character" },
		{ "/dev/null", "BlockDevice", "is not a block device" },
		{ "dir", "FileOrCreate", "is not a file" },
		{ "file", "DirectoryOrCreate", "is not a directory" },
		{ "nosuch/file", "FileOrCreate", "cannot make" },
		{ "new/deep", "DirectoryOrCreate", NULL },
		{ "new/deep", "Directory", NULL },
		{ "new/file", "FileOrCreate", NULL },
		{ "new/file", "File", NULL },
		{ "new/file/x", "DirectoryOrCreate", "the host has no" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		host_path(cases[i].name, cases[i].type, cases[i].says);
}

static void an_object_becomes_files(void **state)
{
	(void)state;
	put_config("\"data\":{\"one\":\"1\",\"two\":\"22\"},\"binaryData\":{\"raw\":\"AP8A\"}");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\"}}]", "{}");
	assert_int_equal(file_system(), TMPFS);
	assert_string_equal(content("one"), "1");
	assert_string_equal(content("two"), "22");
	struct stat st;
	assert_int_equal(fstatat(set.at[0].fd, "raw", &st, 0), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(mode("one"), 0644);

	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\",\"defaultMode\":256,\"items\":[{\"key\":"
		 "\"one\",\"path\":\"a/b/c\"},"
		 "{\"key\":\"two\",\"path\":\"a/d\",\"mode\":384}]}}]",
		 "{}");
	assert_string_equal(content("a/b/c"), "1");
	assert_int_equal(mode("a/b/c"), 0400);
	assert_int_equal(mode("a/d"), 0600);
	assert_null(content("one"));
}

static void what_an_object_lacks(void **state)
{
	(void)state;
	waits("[{\"name\":\"v\",\"configMap\":{\"name\":\"nosuch\"}}]", "there is no configmap 'nosuch'");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"nosuch\",\"optional\":true}}]", "{}");
	put_config("\"data\":{\"one\":\"1\"}");
	waits("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\",\"items\":[{\"key\":\"two\",\"path\":"
	      "\"x\"}]}}]",
	      "no key 'two'");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\",\"optional\":true,\"items\":[{\"key\":"
		 "\"two\",\"path\":\"x\"}]}}]",
		 "{}");
	waits("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\",\"items\":[{\"key\":\"later\",\"path\":"
	      "\"x\"}]}}]",
	      "no key 'later'");
	put_config("\"data\":{\"later\":\"1\"}");
	assert_int_equal(volumes_complete(&set, &err), 0);
	assert_string_equal(content("x"), "1");
	waits("[{\"name\":\"v\",\"secret\":{\"secretName\":\"words\"}}]", "there is no secret 'words'");
}

/* Who has a directory open sees the old files; who comes by the link sees the new ones; nobody a mixture. */
static void an_update_is_one_step(void **state)
{
	(void)state;
	struct stat before, after;
	put_config("\"data\":{\"one\":\"old\",\"gone\":\"x\"}");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\"}}]", "{}");
	assert_int_equal(fstatat(set.at[0].fd, "..data", &before, 0), 0);
	_cleanup_close_ int held = openat(set.at[0].fd, "one", O_RDONLY | O_CLOEXEC);
	put_config("\"data\":{\"one\":\"new\",\"more\":\"y\"}");
	assert_int_equal(volumes_update(&set, &err), 0);
	assert_int_equal(fstatat(set.at[0].fd, "..data", &after, 0), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_string_equal(content("one"), "new");
	assert_string_equal(content("more"), "y");
	struct stat st;
	assert_int_equal(fstatat(set.at[0].fd, "gone", &st, AT_SYMLINK_NOFOLLOW), -1);
	char text[4] = "";
	assert_int_equal(read(held, text, 3), 3);
	assert_string_equal(text, "old");
	/* An object that has gone is no reason to take away what is there. */
	assert_int_equal(store_remove(&in, "configmaps", "default", "words", &err), 0);
	assert_true(volumes_update(&set, &err) < 0);
	assert_string_equal(content("one"), "new");
}

static void an_update_that_fails_changes_nothing(void **state)
{
	(void)state;
	struct statfs before, after;
	put_config("\"data\":{\"one\":\"old\"}");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\"}}]", "{}");
	assert_int_equal(fstatfs(set.at[0].fd, &before), 0);
	/* "a" cannot be a file and a directory. */
	struct key_to_path items[] = { { "one", "a", {} }, { "one", "a/b", {} } };
	struct config_map_volume *source = set.at[0].volume->configMap;
	source->items.at = items;
	source->items.n = 2;
	for (int i = 0; i < 5; i++)
		assert_true(volumes_update(&set, &err) < 0);
	assert_string_equal(content("one"), "old");
	assert_int_equal(fstatfs(set.at[0].fd, &after), 0);
	assert_int_equal(before.f_ffree, after.f_ffree);
	assert_int_equal(before.f_bfree, after.f_bfree);
}

/* ..data is what it is in the keeper's memory, whatever a container with the means to has made of it. */
static void the_volume_is_not_believed(void **state)
{
	(void)state;
	_cleanup_close_ int top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(top, "precious", 0755), 0);
	put_config("\"data\":{\"one\":\"old\"}");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\"}}]", "{}");
	_cleanup_close_ int root = openat(set.at[0].fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(root, "..data", 0), 0);
	assert_int_equal(symlinkat(arena_printf(arena, "%s/precious", directory), root, "..data"), 0);
	put_config("\"data\":{\"one\":\"new\"}");
	assert_int_equal(volumes_update(&set, &err), 0);
	assert_true(file_exists(top, "precious"));
	assert_string_equal(content("one"), "new");
}

static void the_pod_about_itself(void **state)
{
	(void)state;
	prepared("[{\"name\":\"v\",\"downwardAPI\":{\"items\":[{\"path\":\"labels\",\"fieldRef\":{"
		 "\"fieldPath\":\"metadata.labels\"}},"
		 "{\"path\":\"cpu\",\"resourceFieldRef\":{\"containerName\":\"c\",\"resource\":\"limits."
		 "cpu\"}}]}}]",
		 "{}");
	assert_string_equal(content("labels"), "a=\"b\"\n");
	assert_string_equal(content("cpu"), "4");
}

static int source_of(const char *sub_path, struct volume_source *source)
{
	const struct volume_mount mount = { .name = "v", .mountPath = "/v" };
	err = (struct error){};
	return volume_source(&set, &mount, sub_path, source, &err);
}

static void sub_paths_stay_in_their_volume(void **state)
{
	(void)state;
	struct volume_source source;
	struct stat root, st;
	prepared("[{\"name\":\"v\",\"emptyDir\":{}}]", "{}");
	int v = set.at[0].fd;
	assert_int_equal(fstat(v, &root), 0);
	assert_int_equal(symlinkat("/etc", v, "absolute"), 0);
	assert_int_equal(symlinkat("../../../../../../etc", v, "upwards"), 0);
	assert_int_equal(symlinkat("/proc/self/root/etc", v, "magic"), 0);
	static const char *const paths[] = { "absolute",        "upwards", "magic",         "absolute/passwd",
					     "../../../../etc", "/etc",    "a/../../../etc" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (source_of(paths[i], &source) < 0)
			continue;
		assert_int_equal(fstat(source.fd, &st), 0);
		assert_int_equal(st.st_dev, root.st_dev);
		struct stat etc, passwd;
		assert_true(stat("/etc", &etc) == 0 && stat("/etc/passwd", &passwd) == 0);
		assert_true(st.st_ino != etc.st_ino && st.st_ino != passwd.st_ino);
		close(source.fd);
	}
}

static void sub_paths_are_made_or_are_files(void **state)
{
	(void)state;
	struct volume_source source;
	prepared("[{\"name\":\"v\",\"emptyDir\":{}}]", "{}");
	assert_int_equal(source_of("new/deep", &source), 0);
	assert_true(!source.is_file && !source.read_only);
	close(source.fd);
	assert_int_equal(mode("new/deep"), 0755);
	assert_int_equal(file_write_atomic(set.at[0].fd, "new/file", "x", 1, 0644, &err), 0);
	assert_int_equal(source_of("new/file", &source), 0);
	assert_true(source.is_file);
	close(source.fd);
	assert_true(source_of("new/file/x", &source) < 0);
	put_config("\"data\":{\"one\":\"1\"}");
	prepared("[{\"name\":\"v\",\"configMap\":{\"name\":\"words\"}}]", "{}");
	assert_int_equal(source_of("one", &source), 0);
	assert_true(source.is_file && source.read_only);
	close(source.fd);
	const struct volume_mount other = { .name = "other" };
	assert_int_equal(volume_source(&set, &other, NULL, &source, &err), -ENOENT);
}

static void variables_are_read_as_a_shell_reads_quotes(void **state)
{
	static const struct {
		const char *text, *key, *value, *says;
	} cases[] = {
		{ "A='1'\nB='2'\n", "B", "2", NULL },
		{ "# c\n\n \t A='x y' # c", "A", "x y", NULL },
		{ "A='two\nlines'\nB='b'", "A", "two\nlines", NULL },
		{ "A='two\nlines'\nB='b'", "B", "b", NULL },
		{ "A=\nB='b'", "A", "", NULL },
		{ "A= 'x'", "A", "", NULL },
		{ "A='$B\\n'", "A", "$B\\n", NULL },
		{ "A='1'", "B", NULL, NULL },
		{ "A='1'", "AA", NULL, NULL },
		{ "A='1'\nA='2'", "A", "1", NULL },
		{ "", "A", NULL, NULL },
		{ "A=1", "A", NULL, "line 1: the value must be in single quotes" },
		{ "A=\"1\"", "A", NULL, "single quotes" },
		{ "A='1'x", "A", NULL, "single quotes" },
		{ "\nA ='1'", "A", NULL, "line 2 is not NAME='value'" },
		{ "='1'", "A", NULL, "line 1 is not" },
		{ "A", "A", NULL, "line 1 is not" },
		{ "A='1\n2", "A", NULL, "no closing quote" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = (struct error){};
		const char *value;
		int r = env_file_find(cases[i].text, cases[i].key, a, &value, &err);
		if (cases[i].says ? r == 0 || !strstr(err.text, cases[i].says) : r < 0)
			fail_msg("%zu: %d '%s'", i, r, err.text);
		if (!cases[i].says &&
		    !text_is(value ? value : "none", cases[i].value ? cases[i].value : "none"))
			fail_msg("%zu: '%s'", i, value);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_read_as_a_shell_reads_quotes),
		TEST(empty_dirs),
		TEST(an_fs_group_owns_what_is_made),
		TEST(host_paths_of_every_type),
		TEST(an_object_becomes_files),
		TEST(what_an_object_lacks),
		TEST(an_update_is_one_step),
		TEST(an_update_that_fails_changes_nothing),
		TEST(the_volume_is_not_believed),
		TEST(the_pod_about_itself),
		TEST(sub_paths_stay_in_their_volume),
		TEST(sub_paths_are_made_or_are_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
