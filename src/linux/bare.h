/* bare.h — system calls without the C library: for a process that has none of its memory (oci/child_birth.c) or was never given any
 * (runtime_cli/oci_main.c). They give -errno. On other processors than these two the library does it (HAS_BARE is 0).
 */
#pragma once

#include <sys/syscall.h>

#if defined(__x86_64__) || defined(__aarch64__)
enum { HAS_BARE = 1 };
#else
#include <errno.h>
#include <unistd.h>
enum { HAS_BARE = 0 };
#endif

static inline long bare(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = 0;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
	long r = syscall(number, a, b, c, d, e, 0L);

	return r < 0 ? -errno : r;
#endif
}
