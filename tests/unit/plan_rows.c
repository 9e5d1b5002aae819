/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From seconds after noon to the times of association files. */
#include "plan_rows.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "association.h"

static const char *after_noon(double seconds, char text[ASSOCIATION_TIME_TEXT])
{
	return association_time_format(NOON * USEC_PER_SEC + clock_from_seconds(seconds), text);
}

static void write_rows(FILE *out, const char *rows)
{
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT], rest[64];
	double f, u;
	int n;

	for (; sscanf(rows, "%lf,%lf,%63s %n", &f, &u, rest, &n) == 3; rows += n)
		fprintf(out, "%s,%s,%s\n", after_noon(f, from), after_noon(u, until), rest);
}

void plan_rows_write(const char *path, const char *rows, bool relays)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	association_print_heading(out, relays);
	write_rows(out, rows);
	fclose(out);
}

void plan_rows_write_day(const char *path, double begin, const char *rows)
{
	char fresh[PATH_MAX], from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT];
	FILE *out;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	out = fopen(fresh, "w");
	assert_non_null(out);
	association_print_heading(out, false);
	for (unsigned int i = 0; i < PLAN_ROWS_DAY; i++)
		fprintf(out, "%s,%s,sat-%05u,%c.example,station-%u\n",
			after_noon(begin + i % 24 * 3600, from),
			after_noon(begin + (i % 24 + 1) * 3600, until), i / 24,
			"abc"[(i / 24 + i % 24) % 3], i / 24 % 60);
	write_rows(out, rows);
	fclose(out);
	assert_int_equal(rename(fresh, path), 0);
}

int64_t plan_rows_used(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * USEC_PER_SEC + time.tv_nsec / 1000;
}

int64_t plan_rows_cost(const char *path)
{
	struct associations table;
	int64_t before = plan_rows_used();

	assert_int_equal(association_load(&table, path, NULL, NULL, NULL), 0);
	association_free(&table);
	return plan_rows_used() - before;
}
