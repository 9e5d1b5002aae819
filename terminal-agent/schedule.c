/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up satellites in the association file; see schedule.h. */
#include "terminal-agent/schedule.h"

#include <errno.h>

#include "log.h"

static void report(void *arg, const char *message)
{
	(void)arg;
	log_warnx("%s", message);
}

int schedule_load(struct schedule *s, const char *path, const struct lab_time *time)
{
	struct associations table = {0};
	int error = path ? association_load(&table, path, NULL, report, NULL) : 0;

	if (error < 0)
		return error;
	lab_time_associations(time, &table);
	association_free(&s->table);
	s->table = table;
	if (path)
		log_info("%s: %zu associations", path, table.count);
	return 0;
}

void schedule_free(struct schedule *s)
{
	association_free(&s->table);
}

void schedule_clock(struct schedule *s, usec_t now, usec_t wall)
{
	s->offset = wall - now;
}

const char *schedule_core(const struct schedule *s, const char *satellite, usec_t at)
{
	size_t count;
	const struct association *rows = association_of(&s->table, satellite, &count);
	const struct association *row = rows ? association_at(rows, count, at + s->offset) : NULL;

	return row ? row->core : NULL;
}

usec_t schedule_end(const struct schedule *s, const char *satellite, usec_t now)
{
	size_t count;
	const struct association *rows = association_of(&s->table, satellite, &count), *row;
	usec_t at = now + s->offset;

	if (!rows || !association_at(rows, count, at))
		return USEC_NEVER;
	while ((row = association_at(rows, count, at)))
		at = row->until;
	/* The last row's end is where the plan ends, not the service. */
	return at == rows[count - 1].until ? USEC_NEVER : at - s->offset;
}
