/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows, sealed, on their way from the event loop to the database; see store.h.
 *
 * A value is sealed as
 *
 *	nonce (16) || ciphertext || tag (16)
 *
 * under DERIVE(store key, "sno row", nonce), once and with counter 0; kind and key are the
 * associated data, so that no row can take another one's place. The first nonce of a life is
 * random, each further one is the next number: a row is put while a terminal waits for an answer,
 * and should not have to ask the kernel for anything.
 */
#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uthash.h>

#include "aside.h"
#include "log.h"

#define RETRY 1 /* s after the disk has refused */

/* A row that has no place in the journal: the newest one of its name. */
struct waiting {
	UT_hash_handle hh; /* by name */
	struct store_name name;
	bool removed;
	size_t length;
	uint8_t value[];
};

/* ---- errors --------------------------------------------------------------------------------- */

/* What to do about an error. */
static const char *advice(int error)
{
	switch (-error) {
	case EBADMSG:
		return "it is damaged or no store: put a copy of it back, or move it away, which "
		       "takes new registrations";
	case EPROTONOSUPPORT:
		return "a newer version of this program has written it: install that again, or "
		       "move it away, which takes new registrations";
	case EKEYREJECTED:
		return "it is sealed for another private key: give that key back, or, if it was "
		       "replaced on purpose, move the store away";
	case EEXIST:
		return "it is of another name: give that back, or use another state directory, or "
		       "move the store away";
	case EBUSY:
		return "another process uses it: end that, or give each instance a state directory "
		       "of its own (-N, or the key state)";
	case ENOSPC:
		return "there is no room left on the device";
	case EPERM:
		return "it must belong to this daemon's user, with a directory that no other may "
		       "write (chmod go-w) and a file that no other may read (chmod 600)";
	case EROFS:
	case EACCES:
		return "it must be writable for this daemon's user";
	default:
		return "it must be possible to read and write it";
	}
}

int store_refuse(const char *path, int error)
{
	log_warnx("state in %s cannot be used (%s): %s", path, strerror(-error), advice(error));
	return error;
}

/* ---- sealing -------------------------------------------------------------------------------- */

struct store_name store_name(uint8_t kind, const char *key)
{
	struct store_name name = {.octets = {kind}, .length = 1 + strlen(key)};

	if (name.length > sizeof(name.octets))
		name.length = sizeof(name.octets);
	memcpy(name.octets + 1, key, name.length - 1);
	return name;
}

size_t store_seal_row(struct store *s, const struct store_name *name, const void *value,
		      size_t length, uint8_t out[STORE_SEALED_MAX])
{
	uint8_t key[KEY_LENGTH];

	keys_next(s->nonce, STORE_NONCE);
	memcpy(out, s->nonce, STORE_NONCE);
	keys_derive(key, s->key, "sno row", out, STORE_NONCE);
	seal_encrypt(key, 0, name->octets, name->length, value, length, out + STORE_NONCE);
	keys_wipe(key, sizeof(key));
	return STORE_NONCE + length + SEAL_TAG;
}

int store_open_row(const struct store *s, const struct store_name *name, const uint8_t *sealed,
		   size_t length, uint8_t out[STORE_VALUE_MAX])
{
	uint8_t key[KEY_LENGTH];
	int result;

	if (length < STORE_NONCE + SEAL_TAG || length > STORE_SEALED_MAX)
		return -EBADMSG;
	keys_derive(key, s->key, "sno row", sealed, STORE_NONCE);
	result = seal_decrypt(key, 0, name->octets, name->length, sealed + STORE_NONCE,
			      length - STORE_NONCE, out);
	keys_wipe(key, sizeof(key));
	return result < 0 ? result : (int)(length - STORE_NONCE - SEAL_TAG);
}

int store_take(struct store *s, unsigned int limit)
{
	uint64_t position = journal_start(s->journal), next = position;
	struct journal_record record;
	unsigned int count = 0;
	int result;

	if (!journal_next(s->journal, &next, &record))
		return 0;
	result = database_begin(s->database);
	while (result == 0 && count < limit && journal_next(s->journal, &position, &record)) {
		result = database_set(s->database, record.kind, record.key, record.key_length,
				      record.removed ? NULL : record.value, record.length);
		count++;
	}
	if (result == 0)
		result = database_commit(s->database);
	if (result < 0) {
		database_rollback(s->database);
		return result;
	}
	journal_done(s->journal, position);
	return (int)count;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void store_free(struct store *s)
{
	struct waiting *w, *next;

	HASH_ITER (hh, s->waiting, w, next) {
		HASH_DEL(s->waiting, w);
		free(w);
	}
	database_close(s->database);
	journal_close(s->journal);
	sem_destroy(&s->wake);
	keys_wipe(s->key, sizeof(s->key));
	free(s);
}

int store_open(struct store **store, const struct store_options *o)
{
	struct store *s = calloc(1, sizeof(*s));
	int result;

	if (!s)
		return -ENOMEM;
	sem_init(&s->wake, 0, 0);
	keys_derive(s->key, o->private_key, "sno store", NULL, 0);
	keys_random(s->nonce, sizeof(s->nonce));
	snprintf(s->path, sizeof(s->path), "%s/%s.db", o->directory, o->program);
	result = store_claim(s, o);
	if (result < 0) {
		store_free(s);
		return result;
	}
	*store = s;
	return 0;
}

bool store_resumes(const struct store *s)
{
	return s && s->resumes;
}

struct each {
	const struct store *store;
	uint8_t kind;
	store_row_fn *fn;
	void *arg;
	bool told; /* by who is called back */
};

static int each_row(void *arg, const char *key, const uint8_t *sealed, size_t length)
{
	struct each *each = arg;
	const struct store_name name = store_name(each->kind, key);
	uint8_t value[STORE_VALUE_MAX];
	int result = store_open_row(each->store, &name, sealed, length, value);

	if (result >= 0) {
		result = each->fn(each->arg, key, value, (size_t)result);
		each->told = result < 0;
	}
	keys_wipe(value, sizeof(value));
	return result;
}

int store_each(struct store *s, uint8_t kind, store_row_fn *fn, void *arg)
{
	struct each each = {.store = s, .kind = kind, .fn = fn, .arg = arg};
	int result = s ? database_each(s->database, kind, each_row, &each) : 0;

	return result < 0 && !each.told ? store_refuse(each.store->path, result) : result;
}

/* ---- the writer ----------------------------------------------------------------------------- */

/* Until there is something to do; a while after the disk has refused. */
static void writer_sleep(struct store *s, bool refused)
{
	const struct timespec a_while = {.tv_sec = RETRY};
	struct journal_record record;
	uint64_t position;

	if (refused) {
		nanosleep(&a_while, NULL);
		return;
	}
	atomic_store(&s->sleeping, true);
	/* What was put just before would not wake us. */
	position = journal_start(s->journal);
	if (!atomic_load(&s->stop) && !journal_next(s->journal, &position, &record))
		sem_wait(&s->wake);
	atomic_store(&s->sleeping, false);
}

static void *writer(void *arg)
{
	struct store *s = arg;

	for (;;) {
		bool stop = atomic_load(&s->stop);
		int taken = store_take(s, STORE_BATCH);

		if (taken != 0)
			atomic_fetch_add(taken < 0 ? &s->failed : &s->commits, 1);
		atomic_store(&s->error, taken < 0 ? taken : 0);
		if (stop && taken <= 0)
			return NULL;
		if (taken <= 0)
			writer_sleep(s, taken < 0);
	}
}

int store_begin(struct store *s)
{
	int result;

	if (!s)
		return 0;
	result = aside_start(&s->writer, writer, s);
	if (result < 0)
		log_warnx("state in %s cannot be written: %s", s->path, strerror(-result));
	s->running = result == 0;
	return result;
}

/* ---- putting -------------------------------------------------------------------------------- */

static void wake(struct store *s)
{
	s->put = false;
	if (atomic_exchange(&s->sleeping, false))
		sem_post(&s->wake);
}

/* The newest row of this key waits until there is room. */
static void wait_for_room(struct store *s, const struct store_name *name, const uint8_t *value,
			  size_t length)
{
	struct waiting *w, *before;

	journal_lacks(s->journal, true);
	w = malloc(sizeof(*w) + length);
	if (!w) {
		s->lost = true;
		return;
	}
	w->name = *name;
	w->removed = !value;
	w->length = length;
	if (length)
		memcpy(w->value, value, length);
	HASH_FIND(hh, s->waiting, name->octets, name->length, before);
	if (before) {
		HASH_DEL(s->waiting, before);
		free(before);
	}
	HASH_ADD_KEYPTR(hh, s->waiting, w->name.octets, w->name.length, w);
}

static bool write_down(struct store *s, const struct store_name *name, bool removed,
		       const uint8_t *value, size_t length)
{
	const struct journal_record record = {.kind = name->octets[0],
					      .removed = removed,
					      .key = (const char *)name->octets + 1,
					      .key_length = name->length - 1,
					      .value = value,
					      .length = length};

	return journal_put(s->journal, &record);
}

static void change(struct store *s, const struct store_name *name, const uint8_t *value,
		   size_t length)
{
	s->rows++;
	s->put = true;
	/* Not past one that waits: the newest is the one that counts. */
	if (!s->waiting && write_down(s, name, !value, value, length))
		return;
	wait_for_room(s, name, value, length);
	wake(s);
}

void store_put(struct store *s, uint8_t kind, const char *key, const void *value, size_t length)
{
	uint8_t sealed[STORE_SEALED_MAX];
	struct store_name name;

	if (!s || length > STORE_VALUE_MAX)
		return;
	name = store_name(kind, key);
	change(s, &name, sealed, store_seal_row(s, &name, value, length, sealed));
}

void store_remove(struct store *s, uint8_t kind, const char *key)
{
	struct store_name name;

	if (!s)
		return;
	name = store_name(kind, key);
	change(s, &name, NULL, 0);
}

static void tell(struct store *s)
{
	int error = atomic_load(&s->error);

	if (error == s->told)
		return;
	s->told = error;
	if (error < 0)
		log_warnx("state cannot be written to %s (%s): %s; until then everything goes on, "
			  "but a crash may take new registrations",
			  s->path, strerror(-error), advice(error));
	else
		log_notice("state is written to %s again", s->path);
}

/* In the order in which they came, as long as there is room. */
static void place_waiting(struct store *s)
{
	struct waiting *w, *next;

	HASH_ITER (hh, s->waiting, w, next) {
		if (!write_down(s, &w->name, w->removed, w->value, w->length))
			break;
		HASH_DEL(s->waiting, w);
		free(w);
	}
	if (!s->waiting && !s->lost)
		journal_lacks(s->journal, false);
}

void store_tick(struct store *s)
{
	if (!s)
		return;
	tell(s);
	if (s->waiting) {
		place_waiting(s);
		s->put = true;
	}
	/* Not sooner: the peers' answers are on their way now, and nobody waits for the writer. */
	if (s->put)
		wake(s);
}

/* What waited for room has it, now that the writer has made it; as much as the disk takes. */
static void write_rest(struct store *s)
{
	int taken = 1;

	while (s->waiting && taken > 0) {
		place_waiting(s);
		taken = store_take(s, STORE_BATCH);
		atomic_store(&s->error, taken < 0 ? taken : 0);
	}
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->running) {
		atomic_store(&s->stop, true);
		sem_post(&s->wake);
		pthread_join(s->writer, NULL);
		write_rest(s);
		tell(s);
	}
	store_free(s);
}

struct store_figures store_figures(const struct store *s)
{
	struct store_figures figures = {0};

	if (s)
		figures = (struct store_figures){.rows = s->rows,
						 .commits = atomic_load(&s->commits),
						 .failed = atomic_load(&s->failed),
						 .waiting = HASH_COUNT(s->waiting)};
	return figures;
}
