/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See planned.h. */
#include "planned.h"

#include "association.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static usec_t noon(void)
{
	usec_t at;

	assert_int_equal(association_time_parse("2026-07-29T12:00:00Z", &at), 0);
	return at;
}

const char *planned_path(const struct world *w)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/plan", w->directory);
	return path;
}

void planned_write(const struct world *w, const struct row *rows, size_t count)
{
	char text[ASSOCIATION_TIME_TEXT], fresh[112];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", planned_path(w));
	file = fopen(fresh, "w");
	assert_non_null(file);
	association_print_heading(file, false);
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%s,", association_time_format(noon() + rows[i].from * SEC, text));
		fprintf(file, "%s,%s,%s,\n",
			association_time_format(noon() + rows[i].until * SEC, text),
			rows[i].satellite, rows[i].core);
	}
	fclose(file);
	assert_int_equal(rename(fresh, planned_path(w)), 0);
}

void planned_noon(struct world *w)
{
	w->core.wall_ahead = noon() - w->now;
}

struct world *planned_world(const struct row *rows, size_t count)
{
	const struct world_text text = {.pools = PLANNED_WITH("")};
	struct world *w = otto_world(NULL);

	planned_write(w, rows, count);
	planned_noon(w);
	assert_int_equal(world_reload(w, &text), 0);
	return w;
}

void planned_free(struct world *w)
{
	unlink(planned_path(w));
	world_free(w);
}

void planned_run(struct world *w, double seconds)
{
	world_run(w, noon() + (usec_t)(seconds * 1e6) - (w->now + w->core.wall_ahead));
}
