/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread per reading; whoever is the last to need it frees it. */
#include "schedule_reading.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Of the faults association_load() reports so many and a line that says how many more. */
#define MESSAGES_MAX (ASSOCIATION_FAULTS_MAX + 2)

enum progress { RUNNING, DONE, ABANDONED };

struct schedule_reading {
	pthread_t thread;
	atomic_int progress;
	char *path;
	struct lab_time time;
	usec_t gap;
	/* of the thread until it is done: */
	struct schedule_content content;
	int result;
	char *messages[MESSAGES_MAX];
	size_t message_count;
};

void schedule_content_free(struct schedule_content *content)
{
	association_free(&content->associations);
	free(content->cores);
	free(content->changes);
	*content = (struct schedule_content){0};
}

static void reading_free(struct schedule_reading *reading)
{
	schedule_content_free(&reading->content);
	for (size_t i = 0; i < reading->message_count; i++)
		free(reading->messages[i]);
	free(reading->path);
	free(reading);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Messages are kept: the log is the loop's. */
static void keep(void *arg, const char *message)
{
	struct schedule_reading *reading = arg;

	if (reading->message_count < MESSAGES_MAX)
		reading->messages[reading->message_count] = strdup(message);
	if (reading->message_count < MESSAGES_MAX && reading->messages[reading->message_count])
		reading->message_count++;
}

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

static int read_all(struct schedule_reading *reading)
{
	struct schedule_content *content = &reading->content;
	int result = association_load(&content->associations, reading->path, NULL, keep, reading);

	if (result < 0)
		return result;
	lab_time_associations(&reading->time, &content->associations);
	association_fold(&content->associations);
	result = find_cores(content);
	if (result == 0)
		result = find_changes(content, reading->gap);
	if (result < 0)
		schedule_content_free(content);
	return result;
}

static void *run(void *arg)
{
	struct schedule_reading *reading = arg;

	reading->result = read_all(reading);
	if (atomic_exchange(&reading->progress, DONE) == ABANDONED)
		reading_free(reading);
	return NULL;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Signals are for the loop. */
static int start(pthread_t *thread, void *(*function)(void *), void *arg)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(thread, NULL, function, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

static void *put_away(void *arg)
{
	struct schedule_content *content = arg;

	schedule_content_free(content);
	free(content);
	return NULL;
}

void schedule_content_put_away(struct schedule_content *content)
{
	struct schedule_content *old = malloc(sizeof(*old));
	pthread_t thread;

	if (!old || start(&thread, put_away, memcpy(old, content, sizeof(*old))) < 0) {
		free(old);
		schedule_content_free(content);
		return;
	}
	pthread_detach(thread);
	*content = (struct schedule_content){0};
	/* cppcheck-suppress memleak; it is the thread's */
}

struct schedule_reading *schedule_reading_begin(const char *path, const struct lab_time *time,
						usec_t gap)
{
	struct schedule_reading *reading = calloc(1, sizeof(*reading));

	if (!reading)
		return NULL;
	reading->path = strdup(path);
	reading->time = *time;
	reading->gap = gap;
	if (!reading->path || start(&reading->thread, run, reading) < 0) {
		reading_free(reading);
		return NULL;
	}
	return reading;
}

bool schedule_reading_done(const struct schedule_reading *reading)
{
	return atomic_load(&reading->progress) == DONE;
}

int schedule_reading_end(struct schedule_reading *reading, struct schedule_content *content,
			 schedule_report_fn *report, void *arg)
{
	int result;

	pthread_join(reading->thread, NULL);
	for (size_t i = 0; i < reading->message_count; i++)
		report(arg, reading->messages[i]);
	result = reading->result;
	*content = reading->content;
	reading->content = (struct schedule_content){0};
	reading_free(reading);
	return result;
}

void schedule_reading_abandon(struct schedule_reading *reading)
{
	if (!reading)
		return;
	pthread_detach(reading->thread);
	if (atomic_exchange(&reading->progress, ABANDONED) == DONE)
		reading_free(reading);
}
