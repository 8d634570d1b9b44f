/* support_main.c — writes docs/support.md to standard output. */
#include <unistd.h>

#include "api/support.h"
#include "base/cleanup.h"
#include "base/file.h"

int main(void)
{
	_cleanup_text_ struct text out = {};

	support_write(&out);
	return write_all(STDOUT_FILENO, out.at, out.n) < 0;
}
