/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that is started over a store that an older version of it has left, with the journal of
 * that one: it goes on, and its terminals do not notice. core-agent-1.sql is such a store.
 */
#include "core-agent/keep.h"
#include "core-agent/resume.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "cursor.h"
#include "journal.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

#define JOURNAL (4 << 20)

/* What the core and tina, its visitor, had when it was written. */
static const char key[] = "0H9BkjchGM5wAzb34gLuj1LGCYlOsgKoVDD16VI4tHY=\n";
static const uint64_t epoch = 0x2024ea737cebe750;
static const char tina_up[] = "04a4438fe9b65f41988104638795fa94e9d1c818d6bcce2eda6111ceba0bdd69";
static const char tina_down[] = "f5870ae7affb596ffb88b34764ddc74fa2db0de4a118c589b9f30a14d0375710";

static const char *path_in(const struct world *w, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", w->directory, name);
	return path;
}

static char *fixture(void)
{
	const char *top = getenv("SRCDIR");
	char path[4096], *text = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/unit/core-agent-1.sql", top ? top : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static sqlite3 *open_database(const struct world *w)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path_in(w, "state/core-agent.db"), &db), SQLITE_OK);
	return db;
}

static void run(const struct world *w, const char *sql)
{
	sqlite3 *db = open_database(w);
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	sqlite3_close(db);
	chmod(path_in(w, "state/core-agent.db"), 0600);
}

static int ask(const struct world *w, const char *sql)
{
	sqlite3 *db = open_database(w);
	sqlite3_stmt *statement;
	int value;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

/* The older version's journal of that life; empty, as after a stop. */
static void write_journal(const struct world *w)
{
	const uint32_t older = 1;
	uint8_t life[JOURNAL_LIFE];
	sqlite3 *db = open_database(w);
	sqlite3_stmt *statement;
	struct journal *j;
	int fd;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'life'", -1,
					    &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	memcpy(life, sqlite3_column_blob(statement, 0), sizeof(life));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	unlink(w->journal);
	assert_int_equal(journal_open(&j, w->journal, JOURNAL), 0);
	journal_begin(j, life);
	journal_close(j);
	fd = open(w->journal, O_WRONLY);
	assert_int_equal(pwrite(fd, &older, sizeof(older), 8), sizeof(older));
	close(fd);
}

/* A world whose core has ended, and left what version 1 leaves. */
static struct world *world_old(void)
{
	char *sql = fixture();
	struct world *w;
	FILE *file;

	world_keeps = true;
	w = world_new(NULL);
	world_run(w, 2 * SEC);
	core_close(&w->core);
	unlink(path_in(w, "state/core-agent.db"));
	unlink(path_in(w, "state/core-agent.db-wal"));
	run(w, sql);
	free(sql);
	file = fopen(path_in(w, "key"), "w");
	assert_non_null(file);
	fputs(key, file);
	fclose(file);
	write_journal(w);
	return w;
}

static void open_core(struct world *w)
{
	const struct core_io io = w->core.io;

	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	assert_int_equal(resume(&w->core, w->now), 0);
}

static void get_key(uint8_t octets[KEY_LENGTH], const char *hex)
{
	for (size_t i = 0; i < KEY_LENGTH; i++) {
		const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		octets[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

/* Tina as she was: she is heard under the keys that she has, and answered. */
static void assert_served(struct world *w, uint64_t counter)
{
	struct access_session *access = &w->tina.access;
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	get_key(access->tx.key, tina_up);
	get_key(access->rx.key, tina_down);
	access->tx.counter = counter;
	access->local_index = 460294959;
	access->remote_index = 3297980224;
	w->tina.received[MESSAGE_KEEPALIVE] = 0;
	message_init(&m, MESSAGE_KEEPALIVE, 0);
	length = access_seal(access, &m, datagram, sizeof(datagram));
	assert_true(length > 0);
	terminal_send(w, &w->tina, "s2", datagram, (size_t)length);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_KEEPALIVE], 1);
}

static void test_goes_on(void **state)
{
	struct world *w = world_old();
	const struct session *s;

	(void)state;
	open_core(w);
	assert_true(w->core.resumed);
	assert_true(w->core.epoch == epoch);
	s = session_find(&w->core, "tina@a.example");
	assert_non_null(s);
	assert_int_equal(s->state, SESSION_REGISTERED);
	assert_int_equal(s->done_length, 0);
	assert_int_equal(subscriber_find(&w->core, "otto")->binding.state, BINDING_HOME);
	assert_int_equal(kernel_fake_count("route 10.1.0.7/32"), 1);
	assert_int_equal(kernel_fake_count("route 10.2.0.9/32"), 1);
	assert_served(w, 0);
	world_restart(w, NULL);
	assert_true(w->core.epoch == epoch);
	assert_served(w, 100);
	core_close(&w->core);
	assert_int_equal(ask(w, "PRAGMA user_version"), 2);
	assert_int_equal(ask(w, "SELECT count(*) FROM sqlite_master WHERE name = 'old'"), 0);
	open_core(w);
	world_free(w);
}

/* One row that cannot be read, and nothing is changed. */
static void test_damaged(void **state)
{
	struct world *w = world_old();
	const struct core_io io = w->core.io;

	(void)state;
	run(w, "CREATE TABLE saved AS SELECT * FROM state WHERE key = 'otto';"
	       "UPDATE state SET value = zeroblob(100) WHERE key = 'otto'");
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), -EBADMSG);
	assert_int_equal(ask(w, "PRAGMA user_version"), 1);
	assert_int_equal(ask(w, "SELECT count(*) FROM state"), 4);
	run(w, "INSERT OR REPLACE INTO state SELECT * FROM saved; DROP TABLE saved");
	w->core.io = io;
	open_core(w);
	assert_served(w, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_damaged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
