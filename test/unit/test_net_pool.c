/* test_net_pool.c — addresses and their records: files, locks, and what is left of who died. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "net/pool.h"
#include "net/record.h"

static char directory[] = "/tmp/seapod-pool-XXXXXX";
static int pool = -1;

static int make_pool(void **state)
{
	struct instance in = {};
	(void)state;

	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	in.runfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pool = pool_open(&in, "test", NULL);
	close(in.runfd);
	return pool < 0;
}

static int remove_pool(void **state)
{
	(void)state;
	close(pool);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

/* The last number of the address that is claimed from 192.0.2.0/PREFIX. */
static int claim(unsigned prefix, int *fd, bool *left, struct error *err)
{
	const struct pool_range range = { 0xc0000201, 0xc0000200 + (1u << (32 - prefix)) - 2, 0xc0000201 };
	struct in_addr address = {};

	*fd = pool_claim(pool, &range, &address, left, err);
	return *fd < 0 ? *fd : (int)(ntohl(address.s_addr) & 255);
}

static void give_back(int number, int fd)
{
	pool_release(pool, (struct in_addr){ htonl(0xc0000200 | (uint32_t)number) });
	close(fd);
}

static void addresses_are_given_in_turn(void **state)
{
	int first, second, third;
	bool left;
	(void)state;

	assert_int_equal(claim(24, &first, &left, NULL), 2);
	assert_int_equal(claim(24, &second, &left, NULL), 3);
	give_back(2, first);
	assert_int_equal(claim(24, &third, &left, NULL), 4);
	close(second);
	close(third);
}

static void a_full_network_says_so_and_takes_again_what_was_given_back(void **state)
{
	struct error err = {};
	int fds[5], extra;
	bool left;
	(void)state;

	for (int i = 0; i < 5; i++) /* 192.0.2.0/29: .0 the network, .1 the gateway, .7 broadcast */
		assert_int_equal(claim(29, &fds[i], &left, NULL), 2 + i);
	assert_int_equal(claim(29, &extra, &left, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "all 5 addresses"));
	give_back(4, fds[2]);
	assert_int_equal(claim(29, &fds[2], &left, NULL), 4);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

static void what_the_dead_left_is_noticed(void **state)
{
	bool left = true;
	int fd;
	(void)state;

	assert_int_equal(claim(30, &fd, &left, NULL), 2); /* there is only this one */
	assert_false(left);
	assert_int_equal(write(fd, "{}", 2), 2);
	close(fd); /* without giving it back: as the kernel does of a killed process */
	assert_int_equal(claim(30, &fd, &left, NULL), 2);
	assert_true(left);
	close(fd);
}

static void a_wrong_turn_file_does_no_harm(void **state)
{
	static const char *const texts[] = { "",          "192.0.2.0", "192.0.2.1", "192.0.2.7",
					     "192.0.3.9", "10.0.0.1",  "nonsense",  "255.255.255.255" };
	bool left;
	int fd;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(file_write_atomic(pool, ".next", texts[i], strlen(texts[i]), 0600, NULL), 0);
		assert_int_equal(claim(29, &fd, &left, NULL), 2);
		give_back(2, fd);
	}
}

static void records_of_the_living_only(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct port_record port = { "TCP", "127.0.0.1", 8080, 80 };
	struct endpoint_record living = { .pod = "a",
					  .namespace = "default",
					  .uid = "u",
					  .keeper = 1,
					  .address = "192.0.2.2",
					  .link = "x2",
					  .ports = { &port, 1 } };
	struct endpoint_record dead = { .pod = "b",
					.namespace = "other",
					.uid = "v",
					.keeper = 2,
					.address = "192.0.2.3",
					.link = "x3" };
	struct endpoint_records all = {}, rest = {};
	int fds[3];
	bool left;
	(void)state;

	for (int i = 0; i < 3; i++) /* the third has written nothing yet */
		claim(24, &fds[i], &left, NULL);
	assert_int_equal(record_write(fds[0], &living, NULL), 0);
	assert_int_equal(record_write(fds[1], &dead, NULL), 0);
	assert_int_equal(records_list(pool, false, a, &all, NULL), 0);
	assert_int_equal(all.n, 2);
	close(fds[1]);
	assert_int_equal(records_list(pool, true, a, &rest, NULL), 0);
	assert_int_equal(rest.n, 1);
	assert_string_equal(rest.at[0].pod, "a");
	assert_string_equal(rest.at[0].ports.at[0].hostIP, "127.0.0.1");
	assert_int_equal(rest.at[0].ports.at[0].hostPort, 8080);
	assert_string_equal(record_pod_name(&rest.at[0], a), "a");
	assert_string_equal(record_pod_name(&all.at[1], a), "other/b");
	assert_false(file_exists(pool, "192.0.2.3"));
	assert_true(file_exists(pool, "192.0.2.4"));
	close(fds[0]);
	close(fds[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(addresses_are_given_in_turn, make_pool, remove_pool),
		cmocka_unit_test_setup_teardown(a_full_network_says_so_and_takes_again_what_was_given_back,
						make_pool, remove_pool),
		cmocka_unit_test_setup_teardown(what_the_dead_left_is_noticed, make_pool, remove_pool),
		cmocka_unit_test_setup_teardown(a_wrong_turn_file_does_no_harm, make_pool, remove_pool),
		cmocka_unit_test_setup_teardown(records_of_the_living_only, make_pool, remove_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
