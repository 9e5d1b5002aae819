/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an association file beside the loop.
 *
 * What a core makes of the file follows from the file alone, and is made on the thread (reading.h):
 * the changes of core in their order, and the cores that it names.
 */
#ifndef SNO_CORE_SCHEDULE_READING_H
#define SNO_CORE_SCHEDULE_READING_H

#include "association.h"
#include "lab_time.h"
#include "reading.h"

/* A satellite goes from one core to another. Times are those of the wall clock. */
struct schedule_change {
	usec_t until, at; /* the old association ends, the new one begins */
	const char *satellite, *from, *to;
	usec_t early; /* before until: when the home addresses are led away, once prepared */
	bool switched;
	unsigned int advertised; /* so often has the new core said that it is here */
};

/* What was read, and from where. Zeroed, it is empty. */
struct schedule_content {
	char *path;
	struct lab_time time;
	usec_t gap; /* as long may a satellite be without a core between two */
	struct associations associations; /* in real times, with names of the protocol */
	const struct association **cores; /* per core the first row of the file with it */
	size_t core_count;
	usec_t end;			 /* of the last one */
	struct schedule_change *changes; /* by at */
	size_t change_count;
};
void schedule_content_free(struct schedule_content *content);
/* Empties it at once; a thread gives the memory back when it is much. */
void schedule_content_put_away(struct schedule_content *content);

/* Begins to read into a struct schedule_content. NULL: out of memory, or no thread. */
struct reading *schedule_reading_begin(const char *path, const struct lab_time *time, usec_t gap);
/* reading_end() of it. 0, and *content is to be given to schedule_content_free(); or what
 * association_load() returns, or -ENOMEM: then it is empty. */
int schedule_reading_end(struct reading *reading, struct schedule_content *content,
			 association_report_fn *report, void *arg);

#endif
