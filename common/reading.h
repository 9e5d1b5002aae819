/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading files beside the loop.
 *
 * A day of ten thousand satellites is a quarter of a million associations, which take some tenths
 * of a second to read, check and put in order; a handover must not wait for them. So a thread of
 * its own reads them, with what follows from the files alone, and touches nothing of the daemon's;
 * the loop asks now and then whether it has come to an end, and takes over what there is. What is
 * small is waited for.
 */
#ifndef SNO_READING_H
#define SNO_READING_H

#include "association.h"

#include <stdbool.h>
#include <sys/types.h>

/* Files of up to so many octets are read in a millisecond or two, and waited for. */
#define READING_SMALL 65536
/* How often the loop asks for the end of a reading. */
#define READING_POLL (5 * USEC_PER_MSEC)

/* What tells one content of a file from another. */
struct file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	usec_t changed; /* 0: there is no file */
};

/* Of the file at this path now. */
struct file_state file_state(const char *path);
bool file_same(const struct file_state *a, const struct file_state *b);

/* What is read into: an object that is the reader's alone until it is given back. */
struct reading_kind {
	/* On a thread: reads what the object says is to be read. 0, or -errno with every fault
	 * reported. */
	int (*read)(void *object, association_report_fn *report, void *arg);
	/* On any thread: frees the object and all that it holds. */
	void (*free)(void *object);
};

struct reading;

/* Begins to read into the object, which it takes over. NULL: out of memory, or no thread; then the
 * object has been freed. */
struct reading *reading_begin(const struct reading_kind *kind, void *object);
/* True when reading_end() need not wait. */
bool reading_done(const struct reading *reading);
/* Waits for the end, reports faults on the thread that calls, and frees the reading. Returns what
 * the kind's read() did; *object is the caller's again, or freed and NULL unless that is 0. */
int reading_end(struct reading *reading, void **object, association_report_fn *report, void *arg);
/* Nobody wants to know any more; it is freed when it has come to its end. NULL is none. */
void reading_abandon(struct reading *reading);
/* Frees an object on a thread: to give much memory back takes milliseconds. NULL is none. */
void reading_put_away(const struct reading_kind *kind, void *object);

#endif
