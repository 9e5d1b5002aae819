/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instants as the association file writes them: ISO 8601, UTC, with fractions of a second.
 *
 * strptime(3) and timegm(3) know neither fractions nor what is out of range, so the few lines are
 * here. A 61st second is refused: POSIX time cannot tell it from the next one.
 */
#include "association.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define DAY  INT64_C(86400)
#define LAST INT64_C(253402300800) /* 10000-01-01, in seconds */

/* Days from 1970-01-01 in the proleptic Gregorian calendar (years counted from March). */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = z / 146097, of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `digits` of them and then the character `end`, unless that is 0. */
static bool take(const char **text, int digits, char end, int *value)
{
	*value = 0;
	for (; digits; digits--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	if (end && **text != end)
		return false;
	*text += end != 0;
	return true;
}

/* ".5" to microseconds; what is finer is cut off. */
static bool take_fraction(const char **text, int64_t *usec)
{
	int64_t unit = USEC_PER_SEC;
	int digits = 0;

	*usec = 0;
	if (**text != '.')
		return true;
	for ((*text)++; isdigit((unsigned char)**text); (*text)++) {
		unit /= 10;
		*usec += (**text - '0') * unit;
		digits++;
	}
	return digits >= 1 && digits <= 9;
}

int association_time_parse(const char *text, usec_t *instant)
{
	int year, month, day, hour, minute, second;
	int64_t usec;

	if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) ||
	    !take(&text, 2, 'T', &day) || !take(&text, 2, ':', &hour) ||
	    !take(&text, 2, ':', &minute) || !take(&text, 2, 0, &second) ||
	    !take_fraction(&text, &usec) || (strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0))
		return -EINVAL;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	*instant = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	*instant = *instant * USEC_PER_SEC + usec;
	return 0;
}

const char *association_time_format(usec_t instant, char text[ASSOCIATION_TIME_TEXT])
{
	int64_t seconds = instant / USEC_PER_SEC, usec = instant % USEC_PER_SEC;
	int year, month, day, length;

	if (instant < 0 || seconds >= LAST) {
		strcpy(text, "never");
		return text;
	}
	date_of(seconds / DAY, &year, &month, &day);
	/* The sizes are what the values have; the masks tell the compiler. */
	length = snprintf(text, ASSOCIATION_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u",
			  (unsigned int)year & 0x3fff, (unsigned int)month & 0xf,
			  (unsigned int)day & 0x1f, (unsigned int)(seconds / 3600 % 24),
			  (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
	if (usec) {
		length += snprintf(text + length, (size_t)(ASSOCIATION_TIME_TEXT - length), ".%06u",
				   (unsigned int)usec);
		while (text[length - 1] == '0')
			length--;
	}
	strcpy(text + length, "Z");
	return text;
}
