/* fuzz_state.c — what may be found in a container's state.json: another version's, half of one, or what a stranger has written. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "object/json.h"
#include "runtime/state.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {};
	struct oci_state s;
	static int root = -1;

	if (root < 0) {
		root = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(mkdirat(root, "c", 0700) == 0);
	}
	must(file_write_atomic(root, "c/state.json", data, size, 0600, &err) == 0);
	for (int lock = 0; lock < 2; lock++) {
		_cleanup_text_ struct text text = {};
		if (oci_state_open(root, "c", lock, &s, &err) == 0) {
			node_to_json(oci_state_node(&s, NULL, s.arena), false, &text);
			must(node_from_json(s.arena, text.at, text.n, &err));
			if (lock) /* what was written is read again */
				must(oci_state_write(&s, &err) == 0);
		}
		oci_state_close(&s);
	}
	return 0;
}
