/* quantity.c — see quantity.h. */
#include "object/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NANO ((__int128)1000000000)

struct suffix {
	const char *text;
	unsigned base, power;
};

static const struct suffix suffixes[] = {
	{ "Ki", 1024, 1 }, { "Mi", 1024, 2 }, { "Gi", 1024, 3 }, { "Ti", 1024, 4 }, { "Pi", 1024, 5 },
	{ "Ei", 1024, 6 }, { "k", 1000, 1 },  { "M", 1000, 2 },  { "G", 1000, 3 },  { "T", 1000, 4 },
	{ "P", 1000, 5 },  { "E", 1000, 6 },  { "", 1000, 0 },
};

static const __int128 most = (__int128)INT64_MAX * 1000000000;

/* *VALUE times BASE to the POWER, or divided by it when POWER is negative (rounded up). */
static int scale(__int128 *value, unsigned base, int power)
{
	for (; power > 0; power--) {
		*value *= base;
		if (*value > most || *value < -most)
			return -ERANGE;
	}
	for (; power < 0; power++) {
		bool rest = *value % base != 0;
		*value = *value / base + (rest && *value > 0);
	}
	return 0;
}

static int parse_suffix(const char *s, __int128 *value, enum quantity_format *format)
{
	long long exponent;

	if (strcmp(s, "m") == 0)
		return scale(value, 1000, -1);
	if (strcmp(s, "u") == 0)
		return scale(value, 1000, -2);
	if (strcmp(s, "n") == 0)
		return scale(value, 1000, -3);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if (strcmp(s, suffixes[i].text) == 0) {
			*format = suffixes[i].base == 1024 ? QUANTITY_BINARY : QUANTITY_DECIMAL;
			return scale(value, suffixes[i].base, (int)suffixes[i].power);
		}
	}
	if (*s != 'e' && *s != 'E')
		return -EINVAL;
	if ((s[1] == '+' && s[2] == '-') || text_to_int(s[1] == '+' ? s + 2 : s + 1, -30, 30, &exponent) < 0)
		return -EINVAL;
	*format = QUANTITY_EXPONENT;
	return scale(value, 10, (int)exponent);
}

int quantity_parse(const char *text, struct quantity *q)
{
	const char *s = text;
	bool negative = *s == '-';
	bool digits = false;
	__int128 value = 0, unit = NANO;

	if (*s == '-' || *s == '+')
		s++;
	for (; *s >= '0' && *s <= '9'; s++, digits = true) {
		value = value * 10 + (*s - '0') * NANO;
		if (value > most)
			return -ERANGE;
	}
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, digits = true) {
			unit /= 10;
			value += unit ? (*s - '0') * unit
				      : (*s != '0'); /* finer than a billionth: rounded up */
		}
	}
	if (!digits)
		return -EINVAL;
	enum quantity_format format = QUANTITY_DECIMAL;
	int r = parse_suffix(s, &value, &format);
	if (r < 0)
		return r;
	*q = (struct quantity){
		.set = true, .format = format, .nano = negative ? -value : value, .text = text
	};
	return 0;
}

static char *write_number(__int128 value, bool negative, const char *suffix, char *buffer)
{
	char digits[44], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + (int)(value % 10));
	while (value /= 10);
	snprintf(buffer, QUANTITY_TEXT_SIZE, "%s%s%s", negative ? "-" : "", at, suffix);
	return buffer;
}

char *quantity_text(const struct quantity *q, char buffer[static QUANTITY_TEXT_SIZE])
{
	static const char *const binary[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	static const char *const decimal[] = { "n", "u", "m", "", "k", "M", "G", "T", "P", "E" };
	static const char *const exponent[] = {
		"e-9", "e-6", "e-3", "", "e3", "e6", "e9", "e12", "e15", "e18"
	};
	bool negative = q->nano < 0;
	__int128 value = negative ? -q->nano : q->nano;
	size_t power = 0;

	if (value == 0)
		return write_number(0, false, "", buffer);
	if (q->format == QUANTITY_BINARY && value >= 1024 * NANO && value % NANO == 0) {
		for (value /= NANO; power < 6 && value % 1024 == 0; power++)
			value /= 1024;
		return write_number(value, negative, binary[power], buffer);
	}
	for (; power < 9 && value % 1000 == 0; power++)
		value /= 1000;
	return write_number(value, negative,
			    q->format == QUANTITY_EXPONENT ? exponent[power] : decimal[power], buffer);
}

static int64_t rounded_up(__int128 nano, __int128 unit)
{
	__int128 value = nano / unit + (nano % unit > 0);
	return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

int64_t quantity_value(const struct quantity *q)
{
	return rounded_up(q->nano, NANO);
}

int64_t quantity_milli(const struct quantity *q)
{
	return rounded_up(q->nano, NANO / 1000);
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
	__int128 x = a->set ? a->nano : 0, y = b->set ? b->nano : 0;
	return x < y ? -1 : x > y;
}
