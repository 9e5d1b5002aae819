/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a store is, and that it is this life's and of this version.
 *
 * Beside the rows the database has three values: whose the store is, a row that only its private
 * key opens, and the life that it shares with the journal.
 */
#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const char meta_owner[] = "owner", meta_check[] = "check", meta_life[] = "life";

/* ---- whose it is ---------------------------------------------------------------------------- */

/* As systemd's StateDirectory makes it; its parent is made as well, further ones are not. */
static void make_directory(const char *directory)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(directory, '/');

	if (mkdir(directory, 0750) == 0 || errno != ENOENT || !slash || slash == directory)
		return;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - directory), directory);
	mkdir(parent, 0750);
	mkdir(directory, 0750);
}

/* The directory is nobody's to write but ours, and the file, if it is there, nobody's to read. */
static int trust(const struct store *s, const char *directory)
{
	const uid_t me = geteuid();
	struct stat st;

	make_directory(directory);
	if (stat(directory, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if ((st.st_mode & 022) || (st.st_uid != 0 && st.st_uid != me))
		return -EPERM;
	if (lstat(s->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	return (st.st_mode & 077) || (st.st_uid != 0 && st.st_uid != me) ? -EPERM : 0;
}

/* Is it this owner's, and of this private key? A store without an owner becomes his. */
static int claim(struct store *s, const char *owner)
{
	const struct store_name name = store_name(0, owner);
	uint8_t octets[STORE_SEALED_MAX], opened[STORE_VALUE_MAX];
	int length = database_meta(s->database, meta_owner, octets, sizeof(octets));
	size_t sealed;

	if (length == -ENOENT) {
		sealed = store_seal_row(s, &name, owner, strlen(owner), octets);
		/* In this order: what has an owner has all of it. */
		length = database_set_meta(s->database, meta_check, octets, sealed);
		return length < 0
			       ? length
			       : database_set_meta(s->database, meta_owner, owner, strlen(owner));
	}
	if (length < 0)
		return length;
	if ((size_t)length != strlen(owner) || memcmp(octets, owner, (size_t)length) != 0)
		return -EEXIST;
	length = database_meta(s->database, meta_check, octets, sizeof(octets));
	if (length < 0)
		return length == -ENOENT ? -EBADMSG : length;
	return store_open_row(s, &name, octets, (size_t)length, opened) < 0 ? -EKEYREJECTED : 0;
}

/* What the kernel knows is what is known here, or it is of another life. */
static int settle(struct store *s)
{
	const uint8_t *journal = journal_life(s->journal);
	uint8_t life[JOURNAL_LIFE];
	int result = database_meta(s->database, meta_life, life, sizeof(life));

	if (result < 0 && result != -ENOENT)
		return result;
	s->resumes = journal && result == JOURNAL_LIFE && !memcmp(journal, life, JOURNAL_LIFE);
	if (s->resumes) {
		do
			result = store_take(s, STORE_BATCH);
		while (result > 0);
		if (result == 0 && journal_older(s->journal))
			journal_begin(s->journal, life);
		return result;
	}
	keys_random(life, sizeof(life));
	result = database_begin(s->database);
	if (result == 0)
		result = database_clear(s->database, STORE_LASTING);
	if (result == 0)
		result = database_set_meta(s->database, meta_life, life, sizeof(life));
	if (result == 0)
		result = database_commit(s->database);
	if (result < 0)
		database_rollback(s->database);
	else
		journal_begin(s->journal, life);
	return result;
}

/* ---- upgrading ------------------------------------------------------------------------------ */

/* Rows on their way from an older version. */
struct upgrading {
	struct store *store;
	int version; /* that they are of */
	store_upgrade_fn *fn;
};

static int upgrade_row(void *arg, uint8_t kind, const char *key, const uint8_t *sealed,
		       size_t length)
{
	const struct upgrading *u = arg;
	struct store *s = u->store;
	const struct store_name name = store_name(kind, key);
	uint8_t value[STORE_VALUE_MAX], again[STORE_SEALED_MAX];
	int result = store_open_row(s, &name, sealed, length, value);

	length = result < 0 ? 0 : (size_t)result;
	if (result >= 0)
		result = u->fn ? u->fn(u->version, kind, value, &length) : 0;
	if (result == 0)
		result = database_set(s->database, kind, key, strlen(key), again,
				      store_seal_row(s, &name, value, length, again));
	keys_wipe(value, sizeof(value));
	return result;
}

/* Every row of the older version is there, those of the journal too. */
static int upgrade(struct store *s, int version, store_upgrade_fn *fn)
{
	struct upgrading upgrading = {.store = s, .version = version, .fn = fn};
	int result = database_upgrade(s->database, upgrade_row, &upgrading);

	if (result == 0)
		log_notice("state in %s is upgraded from version %d to %d", s->path, version,
			   DATABASE_VERSION);
	return result;
}

/* ---- all of it ------------------------------------------------------------------------------ */

int store_claim(struct store *s, const struct store_options *o)
{
	int version = 0, result = trust(s, o->directory);

	if (result < 0)
		return store_refuse(s->path, result);
	result = journal_open(&s->journal, o->journal, o->capacity);
	if (result < 0)
		return store_refuse(o->journal, result);
	result = database_open(&s->database, s->path, &version);
	if (result == 0)
		result = claim(s, o->owner);
	if (result == 0)
		result = settle(s);
	if (result == 0 && version < DATABASE_VERSION)
		result = upgrade(s, version, o->upgrade);
	return result < 0 ? store_refuse(s->path, result) : 0;
}
