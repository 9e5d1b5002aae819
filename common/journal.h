/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: what the event loop has written down and the store (store.h) has not taken yet.
 *
 * A ring of records in a file below /run that is mapped into memory. To write a record is to copy
 * it: no system call, no waiting. What was written survives the end of the process, however that
 * came, because the pages are the kernel's; it does not survive the machine's next boot, after
 * which the kernel has forgotten its routes and associations as well. So a journal that is intact
 * proves that nothing has been forgotten since, and that is what its life is for: a random name
 * that journal and store share.
 *
 * One thread writes, one other thread reads (single producer, single consumer).
 */
#ifndef SNO_JOURNAL_H
#define SNO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LIFE	  16	/* octets of a life's name */
#define JOURNAL_KEY_MAX	  255	/* octets of a record's key */
#define JOURNAL_VALUE_MAX 16384 /* and of its value */

struct journal;

struct journal_record {
	uint8_t kind;
	bool removed; /* there is no such row any more; without a value */
	const char *key;
	size_t key_length;
	const uint8_t *value;
	size_t length;
};

/*
 * Opens or makes the file, for this process alone, with room for so many octets of records. 0; or
 * -EBUSY when another process has it, -ENOSPC, or what the kernel said.
 */
int journal_open(struct journal **journal, const char *path, size_t capacity);
/* The file stays. NULL is allowed. */
void journal_close(struct journal *journal);

/* The life that it belongs to; NULL when it is of an earlier boot, or not whole, or new. */
const uint8_t *journal_life(const struct journal *journal);
/* An older version of this program has written it: it can be read, and has to be begun anew. */
bool journal_older(const struct journal *journal);
/* Empties it, for this life. */
void journal_begin(struct journal *journal, const uint8_t life[JOURNAL_LIFE]);

/* Writes a record. False when there is no room, or when it is too long. */
bool journal_put(struct journal *journal, const struct journal_record *record);
/*
 * Something is missing in it, or nothing any more: while it is marked so, journal_life() of the
 * next process is NULL.
 */
void journal_lacks(struct journal *journal, bool something);

/*
 * Reading: from *position, which begins as journal_start(), one record and the next position. False
 * when there is none. The record points into the ring until journal_done() of a position beyond it.
 */
uint64_t journal_start(const struct journal *journal);
bool journal_next(const struct journal *journal, uint64_t *position, struct journal_record *record);
/* Everything before this position has been taken. */
void journal_done(struct journal *journal, uint64_t position);

#endif
