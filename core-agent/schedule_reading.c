/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the rows of the file to what a core does about them. */
#include "schedule_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many changes are given back at once, more by a thread. */
#define MANY 1000

void schedule_content_free(struct schedule_content *content)
{
	association_free(&content->associations);
	free(content->cores);
	free(content->changes);
	free(content->path);
	*content = (struct schedule_content){0};
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int by_core(const void *one, const void *two)
{
	const struct association *const *a = one, *const *b = two;
	int order = strcmp((*a)->core, (*b)->core);

	return order ? order : ((*a)->line > (*b)->line) - ((*a)->line < (*b)->line);
}

static int by_time(const void *one, const void *two)
{
	const struct schedule_change *a = one, *b = two;

	return (a->at > b->at) - (a->at < b->at);
}

/* The first row of each core, and when all is over. -ENOMEM */
static int find_cores(struct schedule_content *content)
{
	const struct associations *a = &content->associations;
	size_t count = 0;

	content->cores = calloc(a->count + 1, sizeof(*content->cores));
	if (!content->cores)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		content->cores[i] = &a->rows[i];
		if (i == 0 || a->rows[i].until > content->end)
			content->end = a->rows[i].until;
	}
	qsort(content->cores, a->count, sizeof(*content->cores), by_core);
	for (size_t i = 0; i < a->count; i++)
		if (count == 0 ||
		    strcmp(content->cores[count - 1]->core, content->cores[i]->core) != 0)
			content->cores[count++] = content->cores[i];
	content->core_count = count;
	return 0;
}

/*
 * All changes of core. A gap that is longer than packets are held is none: the terminals look for
 * another satellite. -ENOMEM
 */
static int find_changes(struct schedule_content *content, usec_t gap)
{
	const struct associations *a = &content->associations;
	size_t count = 0;

	content->changes = calloc(a->count + 1, sizeof(*content->changes));
	if (!content->changes)
		return -ENOMEM;
	for (size_t i = 1; i < a->count; i++) {
		const struct association *is = &a->rows[i - 1], *next = &a->rows[i];

		if (strcmp(is->satellite, next->satellite) != 0 || !strcmp(is->core, next->core) ||
		    next->from - is->until > gap)
			continue;
		content->changes[count++] = (struct schedule_change){.until = is->until,
								     .at = next->from,
								     .satellite = is->satellite,
								     .from = is->core,
								     .to = next->core};
	}
	qsort(content->changes, count, sizeof(*content->changes), by_time);
	content->change_count = count;
	return 0;
}

static int read_content(void *object, association_report_fn *report, void *arg)
{
	struct schedule_content *content = object;
	int result = association_load(&content->associations, content->path, NULL, report, arg);

	if (result < 0)
		return result;
	lab_time_associations(&content->time, &content->associations);
	association_fold(&content->associations);
	result = find_cores(content);
	return result < 0 ? result : find_changes(content, content->gap);
}

static void free_content(void *object)
{
	schedule_content_free(object);
	free(object);
}

static const struct reading_kind kind = {read_content, free_content};

/* ---- the loop -------------------------------------------------------------------------------- */

void schedule_content_put_away(struct schedule_content *content)
{
	struct schedule_content *old = content->change_count > MANY ? malloc(sizeof(*old)) : NULL;

	if (!old) {
		schedule_content_free(content);
		return;
	}
	*old = *content;
	*content = (struct schedule_content){0};
	reading_put_away(&kind, old);
}

struct reading *schedule_reading_begin(const char *path, const struct lab_time *time, usec_t gap)
{
	struct schedule_content *content = calloc(1, sizeof(*content));

	if (!content)
		return NULL;
	*content = (struct schedule_content){.path = strdup(path), .time = *time, .gap = gap};
	if (!content->path) {
		free(content);
		return NULL;
	}
	return reading_begin(&kind, content);
}

int schedule_reading_end(struct reading *reading, struct schedule_content *content,
			 association_report_fn *report, void *arg)
{
	void *object;
	int result = reading_end(reading, &object, report, arg);

	*content = (struct schedule_content){0};
	if (result < 0)
		return result;
	*content = *(struct schedule_content *)object;
	free(object);
	return 0;
}
