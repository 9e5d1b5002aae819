/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a two-line element set: what tle.c reads, column by column. */
#include "orbit/tle.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "orbit/tle_private.h"

#define EPOCH_UNIT    864 /* microseconds of the last digit: 1e-8 days */
#define DAY	      (86400 * USEC_PER_SEC)
#define FIRST_YEAR    1957
#define FIRST_INSTANT (-4748 * DAY) /* 1957-01-01 */
#define LAST_INSTANT  (31777 * DAY) /* 2057-01-01: from here on the year would be 1957 again */

/* Adds the checksum. */
static void finish(char line[TLE_LINE + 1])
{
	line[TLE_LINE - 1] = tle_checksum(line);
	line[TLE_LINE] = '\0';
}

static bool number_text(unsigned int number, char text[6])
{
	static const char letters[] = TLE_ALPHA5;
	unsigned int high = number / 10000;

	if (high > 33)
		return false;
	snprintf(text, 6, "%c%04u", high > 9 ? letters[high - 10] : (char)('0' + high),
		 number % 10000);
	return true;
}

/* ".11606e-4" as " 11606-4", eight columns. What is too small is zero. */
static bool drag_text(double value, char text[9])
{
	int exponent = value != 0 ? (int)floor(log10(fabs(value))) + 1 : 0;
	unsigned long mantissa = (unsigned long)lround(fabs(value) * pow(10, 5 - exponent));

	if (mantissa > 99999) {
		mantissa = 10000;
		exponent++;
	}
	if (exponent > 9)
		return false;
	if (exponent < -9)
		mantissa = 0;
	if (!mantissa)
		exponent = 0;
	snprintf(text, 9, "%c%05lu%c%u", value < 0 && mantissa ? '-' : ' ', mantissa % 100000,
		 exponent < 0 ? '-' : '+',
		 (unsigned int)(exponent < 0 ? -exponent : exponent) % 10);
	return true;
}

/* An angle rounded to the digits of the format, which has no 360.0000. */
static double degrees(double value)
{
	value = fmod(round(value * 1e4) / 1e4, 360);
	return value < 0 ? value + 360 : value;
}

/* A name that would read as one of the three lines gets the number of its own. */
static bool ambiguous(const char *name)
{
	return name[0] >= '0' && name[0] <= '2' && name[1] == ' ';
}

int tle_print(FILE *out, const struct element_set *set)
{
	char first[TLE_LINE + 32], second[TLE_LINE + 64], number[6], drag[9];
	long eccentricity = lround(set->eccentricity * 1e7);
	unsigned int year = FIRST_YEAR;
	int64_t units, day, length;

	if (set->epoch < FIRST_INSTANT || set->epoch >= LAST_INSTANT - EPOCH_UNIT / 2 ||
	    !number_text(set->number, number) || !drag_text(set->bstar, drag) ||
	    !(set->motion > 0 && set->motion < 99.999999995) || eccentricity < 0 ||
	    eccentricity > 9999999)
		return -ERANGE;
	units = (set->epoch - FIRST_INSTANT + EPOCH_UNIT / 2) / EPOCH_UNIT;
	for (day = units / 100000000; day >= (length = year % 4 ? 365 : 366); year++)
		day -= length;
	snprintf(first, sizeof(first),
		 "1 %sU %02u001A   %02u%03u.%08u  .00000000  00000+0 %s 0  999", number, year % 100,
		 year % 100, (unsigned int)(day + 1), (unsigned int)(units % 100000000), drag);
	snprintf(second, sizeof(second), "2 %s %8.4f %8.4f %07ld %8.4f %8.4f %11.8f%5u", number,
		 set->inclination, degrees(set->node), eccentricity, degrees(set->perigee),
		 degrees(set->anomaly), set->motion, 1u);
	finish(first);
	finish(second);
	return fprintf(out, "%s%s\n%s\n%s\n", ambiguous(set->name) ? "0 " : "", set->name, first,
		       second) < 0
		       ? -EIO
		       : 0;
}
