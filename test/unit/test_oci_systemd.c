/* Units of systemd for containers: their names, where they are, and resources as properties. No systemd is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "runtime/systemd.h"

static const struct {
	const char *path, *name, *slice, *place; /* NAME NULL: refused */
} units[] = {
	{ "machine.slice:libpod:ab12", "libpod-ab12.scope", "machine.slice",
	  "/machine.slice/libpod-ab12.scope" },
	{ "", "seapod-oci-id.scope", "system.slice", "/system.slice/seapod-oci-id.scope" },
	{ ":p:n", "p-n.scope", "system.slice", "/system.slice/p-n.scope" },
	{ "a-b-c.slice:p:n", "p-n.scope", "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope" },
	{ "-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope" },
	{ "kubepods.slice::kubepods-podx.slice", "kubepods-podx.slice", "kubepods.slice",
	  "/kubepods.slice/kubepods-podx.slice" },
	{ "a.slice::n", "n.scope", "a.slice", "/a.slice/n.scope" },
	{ .path = "/a/b" },
	{ .path = "a.slice:b" },
	{ .path = "a.slice:b:c:d" },
	{ .path = "a:b:c" },
	{ .path = ".slice:b:c" },
	{ .path = "-a.slice:b:c" },
	{ .path = "a--b.slice:b:c" },
	{ .path = "a-.slice:b:c" },
	{ .path = "../a.slice:b:c" },
	{ .path = "a.slice:b/c:d" },
	{ .path = "a.slice:b:c\nd" },
};

static void a_path_is_a_unit_in_a_slice(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct error err = {};
		struct oci_unit unit;
		int r = systemd_unit_read(units[i].path, "id", false, a, &unit, &err);
		if (!units[i].name) {
			assert_true(r < 0);
			assert_memory_equal(err.text, "linux.cgroupsPath: ", 19);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(unit.name, units[i].name);
		assert_string_equal(unit.slice, units[i].slice);
		assert_string_equal(systemd_unit_path(&unit, a), units[i].place);
	}
}

static void is(const char *resources, bool v2, const char *properties)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct config_resources r = {};
	struct error err = {};

	assert_int_equal(oci_config_read_resources(resources, strlen(resources), a, &r, &err), 0);
	systemd_properties(&r, v2, &text);
	assert_string_equal(text_str(&text), properties);
}

static void limits_are_properties(void **state)
{
	(void)state;

	is("{}", true, "");
	is("{\"memory\":{\"limit\":100,\"reservation\":50,\"swap\":300},\"pids\":{\"limit\":7}}", true,
	   "MemoryMax t 100\nMemoryLow t 50\nMemorySwapMax t 200\nTasksMax t 7\n");
	is("{\"memory\":{\"limit\":100,\"reservation\":50,\"swap\":300},\"pids\":{\"limit\":-1}}", false,
	   "MemoryLimit t 100\nTasksMax t 18446744073709551615\n");
	is("{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":100000,\"cpus\":\"0-2,9\",\"mems\":\"0\"}}",
	   true,
	   "CPUWeight t 100\nCPUQuotaPeriodUSec t 100000\nCPUQuotaPerSecUSec t 500000\n"
	   "AllowedCPUs ay 0702\nAllowedMemoryNodes ay 01\n");
	is("{\"cpu\":{\"shares\":512,\"quota\":-1,\"cpus\":\"0\"}}", false,
	   "CPUShares t 512\nCPUQuotaPerSecUSec t 18446744073709551615\n");
	is("{\"blockIO\":{\"weight\":1000}}", true, "IOWeight t 10000\n");
	is("{\"unified\":{\"memory.high\":\"5\",\"pids.max\":\"max\",\"io.max\":\"x\"}}", true,
	   "MemoryHigh t 5\nTasksMax t 18446744073709551615\n");
}

/* The usual devices follow, as without systemd. */
static void devices_are_properties(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	const char rules[] = "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
			     "{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"},"
			     "{\"allow\":true,\"type\":\"b\",\"major\":8},{\"allow\":true,\"type\":\"c\","
			     "\"access\":\"m\"}]}";
	struct config_resources r = {};
	struct error err = {};
	(void)state;

	is("{\"devices\":[{\"allow\":false},{\"allow\":true}]}", true, "");
	is("{\"devices\":[{\"allow\":false,\"type\":\"c\",\"major\":1}]}", true, "");
	assert_int_equal(oci_config_read_resources(rules, strlen(rules), a, &r, &err), 0);
	systemd_properties(&r, true, &text);
	const char wanted[] = "DevicePolicy s strict\nDeviceAllow a(ss) /dev/char/10:229 rw\nDeviceAllow "
			      "a(ss) block-8 rwm\n"
			      "DeviceAllow a(ss) char-* m\n";
	assert_memory_equal(text.at, wanted, sizeof(wanted) - 1);
	assert_non_null(strstr(text.at, "DeviceAllow a(ss) /dev/char/1:3 rwm\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_a_unit_in_a_slice),
		cmocka_unit_test(limits_are_properties),
		cmocka_unit_test(devices_are_properties),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
