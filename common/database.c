/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows in SQLite; see database.h. */
#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#define APPLICATION 0x534e4f73 /* "SNOs" */

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

static const char meta_table[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";
static const char state_table[] =
	"CREATE TABLE state (kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY (kind, key)) WITHOUT ROWID";

struct database {
	sqlite3 *db;
	sqlite3_stmt *put, *remove;
};

static int run(const struct database *d, const char *sql)
{
	return to_errno(sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

/* The one number that a statement returns. */
static int number(const struct database *d, const char *sql, int *value)
{
	sqlite3_stmt *statement;
	int result = to_errno(sqlite3_prepare_v2(d->db, sql, -1, &statement, NULL));

	if (result < 0)
		return result;
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return result == SQLITE_ROW ? 0 : result == SQLITE_DONE ? -EBADMSG : to_errno(result);
}

/* Is it sound, and ours? */
static int check(const struct database *d, int *version)
{
	int application = 0, tables = 0;
	sqlite3_stmt *statement;
	int result = number(d, "PRAGMA user_version", version);

	if (result == 0)
		result = number(d, "PRAGMA application_id", &application);
	if (result == 0)
		result = number(d, "SELECT count(*) FROM sqlite_master", &tables);
	if (result < 0)
		return result;
	if (tables == 0) {
		*version = 0;
		return 0;
	}
	if (application != APPLICATION || *version < 1)
		return -EBADMSG;
	if (*version > DATABASE_VERSION)
		return -EPROTONOSUPPORT;
	result = to_errno(sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &statement, NULL));
	if (result < 0)
		return result;
	if (sqlite3_step(statement) != SQLITE_ROW ||
	    strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		result = -EBADMSG;
	sqlite3_finalize(statement);
	return result;
}

static int set_version(const struct database *d)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION, DATABASE_VERSION);
	return run(d, sql);
}

/* Ends a transaction: for good when result is 0. */
static int end(const struct database *d, int result)
{
	if (result == 0)
		result = run(d, "COMMIT");
	if (result != 0)
		run(d, "ROLLBACK");
	return result;
}

/* What a new file is made of. */
static int make(const struct database *d)
{
	int result = run(d, "BEGIN IMMEDIATE");

	if (result == 0)
		result = run(d, meta_table);
	if (result == 0)
		result = run(d, state_table);
	if (result == 0)
		result = set_version(d);
	return end(d, result);
}

int database_meta(struct database *d, const char *name, uint8_t *out, size_t capacity)
{
	sqlite3_stmt *statement;
	int length, result = to_errno(sqlite3_prepare_v2(
			    d->db, "SELECT value FROM meta WHERE name = ?", -1, &statement, NULL));

	if (result < 0)
		return result;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	result = sqlite3_step(statement);
	if (result != SQLITE_ROW) {
		sqlite3_finalize(statement);
		return result == SQLITE_DONE ? -ENOENT : to_errno(result);
	}
	length = sqlite3_column_bytes(statement, 0);
	if ((size_t)length > capacity)
		length = -EBADMSG;
	else if (length > 0)
		memcpy(out, sqlite3_column_blob(statement, 0), (size_t)length);
	sqlite3_finalize(statement);
	return length;
}

int database_set_meta(struct database *d, const char *name, const void *value, size_t length)
{
	sqlite3_stmt *statement;
	int result = to_errno(sqlite3_prepare_v2(d->db, "INSERT OR REPLACE INTO meta VALUES (?, ?)",
						 -1, &statement, NULL));

	if (result < 0)
		return result;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 2, value, (int)length, SQLITE_STATIC);
	result = to_errno(sqlite3_step(statement));
	sqlite3_finalize(statement);
	return result;
}

int database_begin(struct database *d)
{
	return run(d, "BEGIN IMMEDIATE");
}

int database_commit(struct database *d)
{
	return run(d, "COMMIT");
}

void database_rollback(struct database *d)
{
	run(d, "ROLLBACK");
}

int database_set(struct database *d, uint8_t kind, const char *key, size_t key_length,
		 const void *value, size_t length)
{
	sqlite3_stmt *statement = value ? d->put : d->remove;
	int result;

	sqlite3_bind_int(statement, 1, kind);
	sqlite3_bind_text(statement, 2, key, (int)key_length, SQLITE_STATIC);
	if (value)
		sqlite3_bind_blob(statement, 3, value, (int)length, SQLITE_STATIC);
	result = to_errno(sqlite3_step(statement));
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return result;
}

int database_clear(struct database *d, uint8_t below)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "DELETE FROM state WHERE kind < %u", below);
	return run(d, sql);
}

int database_each(struct database *d, uint8_t kind, database_row_fn *fn, void *arg)
{
	sqlite3_stmt *statement;
	int result = to_errno(sqlite3_prepare_v2(
		d->db, "SELECT key, value FROM state WHERE kind = ?", -1, &statement, NULL));

	if (result < 0)
		return result;
	sqlite3_bind_int(statement, 1, kind);
	do {
		int step = sqlite3_step(statement);
		const char *key;

		result = to_errno(step);
		if (step != SQLITE_ROW)
			break;
		key = (const char *)sqlite3_column_text(statement, 0);
		result = fn(arg, key ? key : "", sqlite3_column_blob(statement, 1),
			    (size_t)sqlite3_column_bytes(statement, 1));
	} while (result == 0);
	sqlite3_finalize(statement);
	return result;
}

/* ---- upgrading ------------------------------------------------------------------------------ */

/* All rows of the table that the older version has had. */
static int each_old(const struct database *d, database_upgrade_fn *fn, void *arg)
{
	sqlite3_stmt *statement;
	int step, result = to_errno(sqlite3_prepare_v2(d->db, "SELECT kind, key, value FROM old",
						       -1, &statement, NULL));

	while (result == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
		const char *key;

		result = to_errno(step);
		if (result < 0)
			break;
		key = (const char *)sqlite3_column_text(statement, 1);
		result = fn(arg, (uint8_t)sqlite3_column_int(statement, 0), key ? key : "",
			    sqlite3_column_blob(statement, 2),
			    (size_t)sqlite3_column_bytes(statement, 2));
	}
	sqlite3_finalize(statement);
	return result;
}

int database_upgrade(struct database *d, database_upgrade_fn *fn, void *arg)
{
	int result = run(d, "BEGIN IMMEDIATE");

	if (result == 0)
		result = run(d, "ALTER TABLE state RENAME TO old");
	if (result == 0)
		result = run(d, state_table);
	if (result == 0)
		result = each_old(d, fn, arg);
	if (result == 0)
		result = run(d, "DROP TABLE old");
	if (result == 0)
		result = set_version(d);
	return end(d, result);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int prepare(struct database *d)
{
	int result =
		to_errno(sqlite3_prepare_v3(d->db, "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
					    -1, SQLITE_PREPARE_PERSISTENT, &d->put, NULL));

	return result < 0 ? result
			  : to_errno(sqlite3_prepare_v3(
				    d->db, "DELETE FROM state WHERE kind = ? AND key = ?", -1,
				    SQLITE_PREPARE_PERSISTENT, &d->remove, NULL));
}

static int open_all(struct database *d, const char *path, int *version)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int result = to_errno(sqlite3_open_v2(path, &d->db, flags, NULL));

	/* Exclusively from the first look, so that there is no shared memory. */
	if (result == 0)
		result = run(d, "PRAGMA locking_mode = EXCLUSIVE");
	if (result == 0)
		result = check(d, version);
	if (result == 0)
		result = run(d, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				"PRAGMA secure_delete = ON");
	if (result == 0 && *version == 0) {
		result = make(d);
		*version = DATABASE_VERSION;
	}
	return result < 0 ? result : prepare(d);
}

int database_open(struct database **database, const char *path, int *version)
{
	struct database *d = calloc(1, sizeof(*d));
	const mode_t mask = umask(0077);
	int result = d ? open_all(d, path, version) : -ENOMEM;

	umask(mask);
	if (result < 0) {
		database_close(d);
		return result;
	}
	*database = d;
	return 0;
}

void database_close(struct database *d)
{
	if (!d)
		return;
	sqlite3_finalize(d->put);
	sqlite3_finalize(d->remove);
	sqlite3_close(d->db);
	free(d);
}
