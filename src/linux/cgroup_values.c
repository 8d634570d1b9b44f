/* cgroup_values.c — from Kubernetes' amounts to the kernel's; see cgroup.h. Pure.
 *
 * The few logarithms are computed here: a library of mathematics would be one more file in the memory of every pod.
 */
#include "linux/cgroup.h"

enum { SHARES_MIN = 2, SHARES_MAX = 262144, WEIGHT_MAX = 10000, QUOTA_MIN_US = 1000, PIDS_DEFAULT = 4096 };

/* More than any machine has, and small enough for all that is computed with it and for the kernel. */
static const uint64_t milli_max = UINT64_C(10000000000);

uint64_t cgroup_cpu_shares(uint64_t milli)
{
	uint64_t shares = (milli < milli_max ? milli : milli_max) * 1024 / 1000;
	return shares < SHARES_MIN ? SHARES_MIN : shares > SHARES_MAX ? SHARES_MAX : shares;
}

/* X >= 1. The fraction bit by bit: squaring doubles the logarithm. */
static double log_2(double x)
{
	double result = 0;

	for (; x >= 2; x /= 2)
		result++;
	for (double bit = 0.5; bit > 1e-12; bit /= 2) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			result += bit;
		}
	}
	return result;
}

/* 10 to the power of X, by the series of e^(X ln 10). */
static double power_10(double x)
{
	double sum = 1, term = 1;

	for (int i = 1; i < 80; i++)
		sum += term *= x * 2.302585092994046 / i;
	return sum;
}

uint64_t cgroup_cpu_weight(uint64_t shares)
{
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	double l = log_2((double)shares), weight = power_10((l * l + 125 * l) / 612 - 7.0 / 34);
	uint64_t whole = (uint64_t)weight;
	return weight - (double)whole > 1e-6 ? whole + 1 : whole; /* rounded up; 100 is not 100.0000001 */
}

uint64_t cgroup_cpu_quota_us(uint64_t milli)
{
	uint64_t quota = (milli < milli_max ? milli : milli_max) * CGROUP_CPU_PERIOD_US / 1000;
	return quota < QUOTA_MIN_US ? QUOTA_MIN_US : quota;
}

uint64_t cgroup_memory_high(uint64_t request, uint64_t limit, uint32_t factor_nano, uint64_t page)
{
	if (limit <= request || factor_nano == 0)
		return 0;
	uint64_t high = request + (uint64_t)((unsigned __int128)(limit - request) * factor_nano / 1000000000);
	high -= high % page;
	return high > request ? high : 0;
}

uint64_t cgroup_default_pids(uint64_t threads_max)
{
	return threads_max && threads_max / 2 < PIDS_DEFAULT ? threads_max / 2 : PIDS_DEFAULT;
}
