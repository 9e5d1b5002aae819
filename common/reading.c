/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread per reading; whoever is the last to need it frees it. */
#include "reading.h"

#include "aside.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of the faults of a file so many are reported, and a line that says how many more; so many files
 * may be read in one go. */
#define MESSAGES_MAX ((size_t)4 * (ASSOCIATION_FAULTS_MAX + 2))

enum progress { RUNNING, DONE, ABANDONED };

struct reading {
	pthread_t thread;
	atomic_int progress;
	const struct reading_kind *kind;
	/* of the thread until it is done: */
	void *object;
	int result;
	char *messages[MESSAGES_MAX];
	size_t message_count;
};

/* An object that is put away. */
struct refuse {
	const struct reading_kind *kind;
	void *object;
};

struct file_state file_state(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct file_state){0};
	return (struct file_state){.device = st.st_dev,
				   .inode = st.st_ino,
				   .size = st.st_size,
				   .changed = st.st_mtim.tv_sec * USEC_PER_SEC +
					      st.st_mtim.tv_nsec / 1000 + 1};
}

bool file_same(const struct file_state *a, const struct file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed == b->changed;
}

static void reading_free(struct reading *reading)
{
	if (reading->object)
		reading->kind->free(reading->object);
	for (size_t i = 0; i < reading->message_count; i++)
		free(reading->messages[i]);
	free(reading);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Messages are kept: the log is the loop's. */
static void keep(void *arg, const char *message)
{
	struct reading *reading = arg;

	if (reading->message_count < MESSAGES_MAX)
		reading->messages[reading->message_count] = strdup(message);
	if (reading->message_count < MESSAGES_MAX && reading->messages[reading->message_count])
		reading->message_count++;
}

static void *run(void *arg)
{
	struct reading *reading = arg;

	reading->result = reading->kind->read(reading->object, keep, reading);
	if (atomic_exchange(&reading->progress, DONE) == ABANDONED)
		reading_free(reading);
	return NULL;
}

static void *put_away(void *arg)
{
	struct refuse *refuse = arg;

	refuse->kind->free(refuse->object);
	free(refuse);
	return NULL;
}

/* ---- the loop -------------------------------------------------------------------------------- */

struct reading *reading_begin(const struct reading_kind *kind, void *object)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (!reading) {
		kind->free(object);
		return NULL;
	}
	reading->kind = kind;
	reading->object = object;
	if (aside_start(&reading->thread, run, reading) < 0) {
		reading_free(reading);
		return NULL;
	}
	return reading;
}

bool reading_done(const struct reading *reading)
{
	return atomic_load(&reading->progress) == DONE;
}

int reading_end(struct reading *reading, void **object, association_report_fn *report, void *arg)
{
	int result;

	pthread_join(reading->thread, NULL);
	for (size_t i = 0; i < reading->message_count; i++)
		report(arg, reading->messages[i]);
	result = reading->result;
	*object = NULL;
	if (result == 0) {
		*object = reading->object;
		reading->object = NULL;
	}
	reading_free(reading);
	return result;
}

void reading_abandon(struct reading *reading)
{
	if (!reading)
		return;
	pthread_detach(reading->thread);
	if (atomic_exchange(&reading->progress, ABANDONED) == DONE)
		reading_free(reading);
}

void reading_put_away(const struct reading_kind *kind, void *object)
{
	struct refuse *refuse;
	pthread_t thread;

	if (!object)
		return;
	refuse = malloc(sizeof(*refuse));
	if (refuse)
		*refuse = (struct refuse){kind, object};
	if (!refuse || aside_start(&thread, put_away, refuse) < 0) {
		free(refuse);
		kind->free(object);
		return;
	}
	pthread_detach(thread);
	/* cppcheck-suppress memleak; it is the thread's */
}
