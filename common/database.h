/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database of a store (store.h): SQLite, and the only file that knows it.
 *
 * It belongs to this process alone (exclusive locking, so that it needs no shared memory of its
 * own) and logs ahead of its writing (WAL), so that a process that ends in the middle of a
 * transaction, and a machine that does, leave it as it was before. Its version is user_version, its
 * application_id says what it is. `state` has the rows, `meta` what is said of all of them.
 */
#ifndef SNO_DATABASE_H
#define SNO_DATABASE_H

#include <stddef.h>
#include <stdint.h>

/*
 * 1	of SQLite's tables those of database.c
 * 2	the same; a core's sessions have the answer that their terminal may still ask for, and
 *	paths their DF bit
 */
#define DATABASE_VERSION 2

struct database;

/*
 * Opens the file or makes it, mode 0600. 0; or -errno, and it is as before: -EBADMSG it is damaged
 * or none of ours, -EPROTONOSUPPORT of a newer version, -EBUSY another process has it, -EACCES,
 * -EROFS, -ENOSPC, -EIO. *version is the one that it has, which stays until database_upgrade().
 */
int database_open(struct database **database, const char *path, int *version);
/* NULL is allowed. */
void database_close(struct database *d);

/*
 * Brings one of an older version up to this one, as a whole or not at all. Each row is given to fn,
 * who puts it back by database_set() as it is to be. 0, -errno, or what a call has returned that
 * was not 0, after which there were no further ones.
 */
typedef int database_upgrade_fn(void *arg, uint8_t kind, const char *key, const uint8_t *value,
				size_t length);
int database_upgrade(struct database *d, database_upgrade_fn *fn, void *arg);

/* What is done between the two is done as a whole or not at all. 0 or -errno. */
int database_begin(struct database *d);
int database_commit(struct database *d);
void database_rollback(struct database *d);

/* Octets of a value of `meta`, which fit into so many; -ENOENT without it; -errno. */
int database_meta(struct database *d, const char *name, uint8_t *out, size_t capacity);
int database_set_meta(struct database *d, const char *name, const void *value, size_t length);

/* A row in place of the one of that kind and key, or (value NULL) none. 0 or -errno. */
int database_set(struct database *d, uint8_t kind, const char *key, size_t key_length,
		 const void *value, size_t length);
/* Removes all rows of kinds below this one. 0 or -errno. */
int database_clear(struct database *d, uint8_t below);

/* Calls back with each row of a kind until one call returns non-zero, which is returned. */
typedef int database_row_fn(void *arg, const char *key, const uint8_t *value, size_t length);
int database_each(struct database *d, uint8_t kind, database_row_fn *fn, void *arg);

#endif
