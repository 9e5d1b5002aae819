/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From seconds after noon to the times of association files. */
#include "plan_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "association.h"

static const char *after_noon(double seconds, char text[ASSOCIATION_TIME_TEXT])
{
	return association_time_format(NOON * USEC_PER_SEC + clock_from_seconds(seconds), text);
}

void plan_rows_write(const char *path, const char *rows, bool relays)
{
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT], rest[64];
	FILE *out = fopen(path, "w");
	double f, u;
	int n;

	assert_non_null(out);
	association_print_heading(out, relays);
	for (; sscanf(rows, "%lf,%lf,%63s %n", &f, &u, rest, &n) == 3; rows += n)
		fprintf(out, "%s,%s,%s\n", after_noon(f, from), after_noon(u, until), rest);
	fclose(out);
}
