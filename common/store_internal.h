/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the store share: rows on their way (store.c), and whose they are, of which life
 * and which version (store_claim.c). Only store*.c include this.
 */
#ifndef SNO_STORE_INTERNAL_H
#define SNO_STORE_INTERNAL_H

#include "database.h"
#include "journal.h"
#include "keys.h"
#include "seal.h"
#include "store.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define STORE_BATCH	 4096 /* rows in a transaction */
#define STORE_NONCE	 16
#define STORE_SEALED_MAX (STORE_NONCE + STORE_VALUE_MAX + SEAL_TAG)

_Static_assert(STORE_SEALED_MAX <= JOURNAL_VALUE_MAX, "a sealed row fits into a record");

/* What a row is told apart by: its kind and its key. The associated data of its seal. */
struct store_name {
	uint8_t octets[1 + JOURNAL_KEY_MAX];
	size_t length;
};

struct waiting;

struct store {
	char path[PATH_MAX];
	struct database *database;
	struct journal *journal;
	uint8_t key[KEY_LENGTH];
	uint8_t nonce[STORE_NONCE]; /* of the row sealed last */
	bool resumes;
	struct waiting *waiting;
	bool lost; /* a row could not even wait: this life is not to be resumed */
	bool put;  /* since the writer was woken last */
	uint64_t rows;
	int told; /* the writer's error that was logged last */

	/* The writer's, once it runs. */
	pthread_t writer;
	bool running;
	sem_t wake;
	atomic_bool sleeping, stop;
	atomic_int error; /* -errno of the last transaction, 0: it was good */
	_Atomic uint64_t commits, failed;
};

/* Logs what is wrong with the store, and what to do. Returns the error. */
int store_refuse(const char *path, int error);

struct store_name store_name(uint8_t kind, const char *key);
/* Seals a value. Octets of that. */
size_t store_seal_row(struct store *s, const struct store_name *name, const void *value,
		      size_t length, uint8_t out[STORE_SEALED_MAX]);
/* Octets of the value, or -EBADMSG. */
int store_open_row(const struct store *s, const struct store_name *name, const uint8_t *sealed,
		   size_t length, uint8_t out[STORE_VALUE_MAX]);

/*
 * What is in the journal, in one transaction but no more than so many rows. How many were taken, or
 * -errno and the journal as before.
 */
int store_take(struct store *s, unsigned int limit);

/* Opens the files of a store, for whom the options say: store_open(). 0 or -errno, logged. */
int store_claim(struct store *s, const struct store_options *options);

#endif
