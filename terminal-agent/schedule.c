/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up satellites in the association file; see schedule.h. */
#include "terminal-agent/schedule.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Whether all of it is past: then somebody has forgotten to make a new one. */
static bool over(const struct associations *table, usec_t planned)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].until > planned)
			return false;
	return true;
}

int schedule_read(struct associations *table, const char *path, usec_t planned,
		  association_report_fn *report, void *arg)
{
	char message[PATH_MAX + 32];
	int error;

	*table = (struct associations){0};
	if (!path)
		return 0;
	error = association_load(table, path, NULL, report, arg);
	if (error < 0)
		return error;
	if (over(table, planned)) {
		snprintf(message, sizeof(message), "%s: all associations are over", path);
		report(arg, message);
		association_free(table);
		return -EINVAL;
	}
	association_fold(table);
	return 0;
}

void schedule_take(struct schedule *s, struct associations *table)
{
	association_free(&s->table);
	s->table = *table;
	*table = (struct associations){0};
}

void schedule_free(struct schedule *s)
{
	association_free(&s->table);
}

void schedule_clock(struct schedule *s, usec_t now, usec_t wall)
{
	s->offset = wall - now;
}

usec_t schedule_planned(const struct schedule *s, usec_t at)
{
	return lab_time_planned(&s->time, at + s->offset);
}

usec_t schedule_instant(const struct schedule *s, usec_t planned)
{
	return lab_time_real(&s->time, planned) - s->offset;
}

/* The row of a satellite that holds at an instant, and the first one of the satellite. */
static const struct association *row_at(const struct schedule *s, const char *satellite, usec_t at,
					const struct association **first)
{
	size_t count;
	const struct association *rows = association_of(&s->table, satellite, &count);

	*first = rows;
	return rows ? association_at(rows, count, schedule_planned(s, at)) : NULL;
}

const char *schedule_core(const struct schedule *s, const char *satellite, usec_t at)
{
	const struct association *first, *row = row_at(s, satellite, at, &first);

	return row ? row->core : NULL;
}

usec_t schedule_since(const struct schedule *s, const char *satellite, usec_t at)
{
	const struct association *first, *row = row_at(s, satellite, at, &first);

	if (!row)
		return USEC_NEVER;
	/* Another station of the same core is no other core. */
	while (row > first && row[-1].until == row->from && strcmp(row[-1].core, row->core) == 0)
		row--;
	return schedule_instant(s, row->from);
}

usec_t schedule_until(const struct schedule *s, const char *satellite, usec_t at)
{
	size_t count;
	const struct association *first = association_of(&s->table, satellite, &count), *row, *last;

	row = first ? association_at(first, count, schedule_planned(s, at)) : NULL;
	if (!row)
		return USEC_NEVER;
	last = first + count - 1;
	while (row < last && row[1].from == row->until && strcmp(row[1].core, row->core) == 0)
		row++;
	return row == last ? USEC_NEVER : schedule_instant(s, row->until);
}

usec_t schedule_end(const struct schedule *s, const char *satellite, usec_t now)
{
	size_t count;
	const struct association *rows = association_of(&s->table, satellite, &count), *row;
	usec_t at = schedule_planned(s, now);

	if (!rows || !association_at(rows, count, at))
		return USEC_NEVER;
	while ((row = association_at(rows, count, at)))
		at = row->until;
	/* The last row's end is where the plan ends, not the service. */
	return at == rows[count - 1].until ? USEC_NEVER : schedule_instant(s, at);
}
