/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: what a daemon must know again when it is started after it has ended, however it has
 * ended. Rows of a kind, named by a key, each sealed under a key that is derived from the daemon's
 * private key. They lie in an SQLite database in the state directory (write-ahead log).
 *
 * The event loop never waits for the disk. A row is sealed and copied into the journal (journal.h),
 * from where it is safe from the end of this process; a thread takes what has come together to the
 * database, all in one transaction. So nothing is lost by SIGKILL at whatever moment, and whoever
 * puts a row before he sends what the row tells of never says what he will not know later: no
 * counter is used twice.
 *
 * When the machine has been booted since, or when something could not be written down, the store
 * does not resume: it gives the lasting rows only, and its owner begins a new life.
 */
#ifndef SNO_STORE_H
#define SNO_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys.h"

/* Kinds of rows, from 1; those with this bit outlive the machine's boot. */
#define STORE_LASTING 0x80

#define STORE_VALUE_MAX 8192 /* octets of a row before sealing */

struct store;

/*
 * Makes what this version has of a row of an older one (DATABASE_VERSION says what they differ in):
 * value, of STORE_VALUE_MAX octets, and *length. 0; or -EBADMSG, it is none.
 */
typedef int store_upgrade_fn(int version, uint8_t kind, uint8_t *value, size_t *length);

struct store_options {
	const char *directory; /* made if it is missing, and its parent */
	const char *program;   /* "core-agent": DIRECTORY/core-agent.db */
	const char *journal;   /* path of the journal */
	size_t capacity;       /* octets of it */
	const char *owner;     /* whose state it is: another one's is not taken for it */
	const uint8_t *private_key;
	store_upgrade_fn *upgrade; /* NULL: rows are what they always were */
};

/*
 * Opens the store, or makes it, takes over what the journal holds, and brings what an older version
 * has left up to this one, as a whole or not at all. 0; or -errno, logged with
 * what to do, and nothing was changed: -EBUSY another process has it; -EPROTONOSUPPORT it is of a
 * newer version of this program; -EKEYREJECTED of another private key; -EEXIST of another owner;
 * -EBADMSG it is damaged; -EACCES, -EROFS, -ENOSPC ... as the kernel says.
 */
int store_open(struct store **store, const struct store_options *options);

/* True when nothing has been forgotten since the last row was put. */
bool store_resumes(const struct store *store);

/*
 * Calls back with each row of a kind, opened, until one call returns non-zero, which is returned.
 * Only before store_begin(). -EBADMSG, logged with what to do, when a row cannot be opened.
 */
typedef int store_row_fn(void *arg, const char *key, const uint8_t *value, size_t length);
int store_each(struct store *store, uint8_t kind, store_row_fn *fn, void *arg);

/* From here on rows are written to the database, by a thread of its own. 0 or -errno, logged. */
int store_begin(struct store *store);

/* All of these do nothing where store is NULL: nothing is kept. */

/* There is this row now, in place of one with the same key; or there is none any more. */
void store_put(struct store *store, uint8_t kind, const char *key, const void *value,
	       size_t length);
void store_remove(struct store *store, uint8_t kind, const char *key);
/*
 * Whenever the event loop is about to sleep: the writer is woken for what was put since then, and
 * what had to wait for room is tried again.
 */
void store_tick(struct store *store);
/* Writes what is left, as far as the disk takes it, and closes. */
void store_close(struct store *store);

struct store_figures {
	uint64_t rows;	  /* put and removed */
	uint64_t commits; /* transactions */
	uint64_t failed;  /* of them */
	size_t waiting;	  /* rows that have no place in the journal: 0 unless the disk refuses */
};
struct store_figures store_figures(const struct store *store);

#endif
