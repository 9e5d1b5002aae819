/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an association file beside the loop.
 *
 * A day of ten thousand satellites is a quarter of a million associations, which take some tenths
 * of a second to read, check and put in order; a handover must not wait for them. So a thread of
 * its own reads them, with what follows from the file alone, and touches nothing of the core's;
 * the loop asks now and then whether it has come to an end, and takes over what there is. A small
 * file is waited for.
 */
#ifndef SNO_CORE_SCHEDULE_READING_H
#define SNO_CORE_SCHEDULE_READING_H

#include "association.h"
#include "lab_time.h"

/* A satellite goes from one core to another. Times are those of the wall clock. */
struct schedule_change {
	usec_t until, at; /* the old association ends, the new one begins */
	const char *satellite, *from, *to;
	usec_t early; /* before until: when the home addresses are led away, once prepared */
	bool switched;
	unsigned int advertised; /* so often has the new core said that it is here */
};

/* What was read. Zeroed, it is empty. */
struct schedule_content {
	struct associations associations; /* in real times, with names of the protocol */
	const struct association **cores; /* per core the first row of the file with it */
	size_t core_count;
	usec_t end;			 /* of the last one */
	struct schedule_change *changes; /* by at */
	size_t change_count;
};
void schedule_content_free(struct schedule_content *content);
/* Empties it at once; a thread gives the memory back, which takes milliseconds when it is much. */
void schedule_content_put_away(struct schedule_content *content);

/* Receives what is wrong, on the thread that calls schedule_reading_end(). */
typedef association_report_fn schedule_report_fn;

struct schedule_reading;

/* Begins to read. gap: as long may a satellite be without a core between two. NULL: out of memory,
 * or no thread. */
struct schedule_reading *schedule_reading_begin(const char *path, const struct lab_time *time,
						usec_t gap);
/* True when schedule_reading_end() need not wait. */
bool schedule_reading_done(const struct schedule_reading *reading);
/* Waits for the end, reports faults, and frees the reading. 0, and *content is to be given to
 * schedule_content_free(); or what association_load() returns, or -ENOMEM: then it is empty. */
int schedule_reading_end(struct schedule_reading *reading, struct schedule_content *content,
			 schedule_report_fn *report, void *arg);
/* Nobody wants to know any more; it is freed when it has come to its end. NULL is none. */
void schedule_reading_abandon(struct schedule_reading *reading);

#endif
