/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: what was put is there again, after an orderly end and after SIGKILL at any moment;
 * what it must not take for its own it refuses, and leaves as it is.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "database.h"
#include "log.h"

#define KIND	1
#define OTHER	2
#define LASTING (3 | STORE_LASTING)
#define ROOM	65536

struct place {
	char directory[64], state[96], journal[96], database[128];
	uint8_t key[KEY_LENGTH];
	struct store_options options;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	log_init("test-store", LOG_LEVEL_ERROR, LOG_TO_STDERR);
	snprintf(p->directory, sizeof(p->directory), "/tmp/test-store.XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	snprintf(p->state, sizeof(p->state), "%s/state", p->directory);
	snprintf(p->journal, sizeof(p->journal), "%s/x.journal", p->directory);
	snprintf(p->database, sizeof(p->database), "%s/x.db", p->state);
	keys_random(p->key, sizeof(p->key));
	p->options = (struct store_options){.directory = p->state,
					    .program = "x",
					    .journal = p->journal,
					    .capacity = ROOM,
					    .owner = "a.example",
					    .private_key = p->key};
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char path[160];

	chmod(p->state, 0700);
	unlink(p->database);
	snprintf(path, sizeof(path), "%s-wal", p->database);
	unlink(path);
	rmdir(p->state);
	unlink(p->journal);
	rmdir(p->directory);
	free(p);
	return 0;
}

static struct store *opened(const struct place *p)
{
	struct store *s = NULL;

	assert_int_equal(store_open(&s, &p->options), 0);
	return s;
}

static struct store *begun(const struct place *p)
{
	struct store *s = opened(p);

	assert_int_equal(store_begin(s), 0);
	return s;
}

static void put(struct store *s, uint8_t kind, const char *key, const char *value)
{
	store_put(s, kind, key, value, strlen(value));
}

/* All rows of a kind as "key=value ", in the order of their keys. */
static int collect(void *arg, const char *key, const uint8_t *value, size_t length)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s=%.*s ", key, (int)length, (const char *)value);
	return 0;
}

static void assert_rows(struct store *s, uint8_t kind, const char *expected)
{
	char text[1024] = "";

	assert_int_equal(store_each(s, kind, collect, text), 0);
	assert_string_equal(text, expected);
}

static void test_rows(void **state)
{
	const struct place *p = *state;
	struct store *s = begun(p);

	assert_false(store_resumes(s));
	put(s, KIND, "one", "1");
	put(s, KIND, "two", "2");
	put(s, OTHER, "one", "other");
	put(s, KIND, "one", "11");
	put(s, KIND, "three", "3");
	store_remove(s, KIND, "two");
	store_remove(s, KIND, "never");
	put(s, KIND, "", "");
	store_close(s);

	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "= one=11 three=3 ");
	assert_rows(s, OTHER, "one=other ");
	store_close(s);
}

static int count_row(void *arg, const char *key, const uint8_t *value, size_t length)
{
	(void)key;
	(void)value;
	(void)length;
	++*(int *)arg;
	return 0;
}

static int stop(void *arg, const char *key, const uint8_t *value, size_t length)
{
	count_row(arg, key, value, length);
	return 7;
}

/* The writer sleeps until the event loop is about to, and then writes. */
static void test_written(void **state)
{
	struct store *s = begun(*state);

	for (uint64_t commits = 1; commits <= 3; commits++) {
		usleep(20000); /* for the writer to find nothing to do */
		put(s, KIND, "one", "1");
		store_tick(s);
		for (int i = 0; i < 50000 && store_figures(s).commits < commits; i++)
			usleep(1000);
		assert_int_equal(store_figures(s).commits, commits);
	}
	store_close(s);
}

static void test_each_stops(void **state)
{
	struct store *s = begun(*state);
	int calls = 0;

	put(s, KIND, "one", "1");
	put(s, KIND, "two", "2");
	store_close(s);
	s = opened(*state);
	assert_int_equal(store_each(s, KIND, stop, &calls), 7);
	assert_int_equal(calls, 1);
	store_close(s);
}

static void test_none(void **state)
{
	(void)state;
	store_put(NULL, KIND, "one", "1", 1);
	store_remove(NULL, KIND, "one");
	store_tick(NULL);
	assert_false(store_resumes(NULL));
	assert_int_equal(store_each(NULL, KIND, collect, NULL), 0);
	assert_int_equal(store_begin(NULL), 0);
	store_close(NULL);
}

/* A journal that is lost, or of another boot, ends the life: only what lasts is there. */
static void test_boot(void **state)
{
	const struct place *p = *state;
	struct store *s = begun(p);
	int fd;

	put(s, KIND, "one", "1");
	put(s, LASTING, "lease", "10.1.0.1");
	store_close(s);
	unlink(p->journal);
	s = begun(p);
	assert_false(store_resumes(s));
	put(s, KIND, "two", "2");
	store_close(s);
	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "two=2 ");
	assert_rows(s, LASTING, "lease=10.1.0.1 ");
	store_close(s);

	/* The name of the boot stands behind magic, format, mark, capacity and life. */
	fd = open(p->journal, O_WRONLY);
	assert_int_equal(pwrite(fd, "another", 7, 8 + 4 + 4 + 8 + 16), 7);
	close(fd);
	s = opened(p);
	assert_false(store_resumes(s));
	assert_rows(s, KIND, "");
	store_close(s);
}

/* A database that was put back from a copy does not go with the journal of a later life. */
static void test_copy(void **state)
{
	const struct place *p = *state;
	struct store *s = begun(p);
	char copy[160], journal[160];

	put(s, KIND, "one", "1");
	store_close(s);
	snprintf(copy, sizeof(copy), "%s.copy", p->database);
	snprintf(journal, sizeof(journal), "%s.kept", p->journal);
	assert_int_equal(rename(p->database, copy), 0);
	s = begun(p);
	assert_false(store_resumes(s));
	store_close(s);
	assert_int_equal(rename(copy, p->database), 0);
	s = opened(p);
	assert_false(store_resumes(s));
	store_close(s);
}

/* ---- SIGKILL -------------------------------------------------------------------------------- */

/* Puts rows 0, 1, 2, ... and says of each that it was put. */
static void put_for_ever(const struct place *p, int out)
{
	struct store *s = NULL;
	char key[16], value[16];

	if (store_open(&s, &p->options) < 0 || store_begin(s) < 0)
		_exit(1);
	for (uint32_t i = 0;; i++) {
		snprintf(key, sizeof(key), "%u", i % 100);
		snprintf(value, sizeof(value), "%u", i);
		store_put(s, KIND, key, value, strlen(value));
		store_tick(s);
		if (store_figures(s).waiting == 0 && write(out, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

struct newest {
	uint32_t value[100];
};

static int note(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct newest *newest = arg;
	char text[16];

	snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)value);
	newest->value[atoi(key)] = (uint32_t)atoi(text);
	return 0;
}

static void test_killed(void **state)
{
	struct place *p = *state;

	p->options.capacity = 64 * ROOM; /* for all that a pipe lets the child tell of */

	for (unsigned int round = 0; round < 20; round++) {
		struct newest newest = {{0}};
		uint32_t last = 0, next;
		int pipes[2], status;
		struct store *s;
		pid_t child;

		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (child == 0) {
			close(pipes[0]);
			put_for_ever(p, pipes[1]);
		}
		close(pipes[1]);
		/* In the midst of it, each time somewhere else. */
		for (unsigned int i = 0; i < 300 + 617 * round; i++)
			assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(pipes[0], &next, sizeof(next)) == sizeof(next))
			last = next;
		close(pipes[0]);

		s = opened(p);
		assert_true(store_resumes(s));
		assert_int_equal(store_each(s, KIND, note, &newest), 0);
		/* All that it has told of, and at most one more that it was about to. */
		for (uint32_t i = last < 100 ? 0 : last - 99; i <= last; i++)
			assert_in_range(newest.value[i % 100], i,
					i == last + 1 - 100 ? last + 1 : i);
		store_close(s);
		unlink(p->journal); /* each child begins anew */
	}
}

/* A writer that never ran has lost nothing either: the journal has it. */
static void test_journal_alone(void **state)
{
	struct store *s = opened(*state);

	put(s, KIND, "one", "1");
	put(s, KIND, "two", "2");
	store_remove(s, KIND, "one");
	store_close(s);
	s = opened(*state);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "two=2 ");
	store_close(s);
}

/* ---- no room -------------------------------------------------------------------------------- */

/* More than the journal has room for, while nobody takes anything from it. */
static void overflow(struct store *s)
{
	char value[1024], key[16];

	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		store_put(s, KIND, key, value, sizeof(value));
	}
}

static void test_overflow_recovers(void **state)
{
	struct store *s = opened(*state);
	char text[4] = "";

	overflow(s);
	assert_int_not_equal(store_figures(s).waiting, 0);
	/* The newest of a key waits, and nothing passes it. */
	put(s, KIND, "99", "old");
	put(s, KIND, "99", "new");
	store_remove(s, KIND, "98");
	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < 50000 && store_figures(s).waiting; i++) {
		usleep(1000);
		store_tick(s);
	}
	assert_int_equal(store_figures(s).waiting, 0);
	store_close(s);
	s = opened(*state);
	assert_true(store_resumes(s));
	for (int i = 0; i < 98; i++)
		store_remove(s, KIND, (snprintf(text, sizeof(text), "%d", i), text));
	store_close(s);
	s = opened(*state);
	assert_rows(s, KIND, "99=new ");
	store_close(s);
}

/* What ends while something waits does not pretend to know everything. */
static void test_overflow_ends(void **state)
{
	struct store *s = opened(*state);

	overflow(s);
	store_close(s);
	s = opened(*state);
	assert_false(store_resumes(s));
	store_close(s);
}

/* But at an orderly end it is written, however much more it is than there was room for. */
static void test_overflow_written(void **state)
{
	struct store *s = opened(*state);
	char value[1024] = "", key[16];
	int count = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "%d", i);
		store_put(s, KIND, key, value, sizeof(value));
	}
	assert_in_range(store_figures(s).waiting, 200, 299);
	assert_int_equal(store_begin(s), 0);
	store_close(s);
	s = opened(*state);
	assert_true(store_resumes(s));
	assert_int_equal(store_each(s, KIND, count_row, &count), 0);
	assert_int_equal(count, 300);
	store_close(s);
}

/* The disk refuses, here for a limit on files: everything goes on, and is made up for later. */
static void test_disk_full(void **state)
{
	const struct place *p = *state;
	struct rlimit before, limit;
	struct store *s = begun(p);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 30000, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	overflow(s);
	for (int i = 0; i < 50000 && store_figures(s).failed == 0; i++)
		usleep(1000);
	assert_int_not_equal(store_figures(s).failed, 0);
	store_tick(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	for (int i = 0; i < 50000 && store_figures(s).waiting; i++) {
		usleep(1000);
		store_tick(s);
	}
	put(s, KIND, "0", "after");
	store_close(s);
	s = opened(p);
	assert_true(store_resumes(s));
	store_close(s);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void assert_refused(const struct place *p, int error)
{
	struct store *s = NULL;

	assert_int_equal(store_open(&s, &p->options), error);
	assert_null(s);
}

static void sql(const struct place *p, const char *text)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(p->database, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	sqlite3_close(db);
	chmod(p->database, 0600);
}

/* One that was interrupted when it was to become its owner's becomes that at the next start. */
static void test_half_claimed(void **state)
{
	struct place *p = *state;
	struct store *s = NULL;

	store_close(begun(p));
	sql(p, "DELETE FROM meta; CREATE TRIGGER half BEFORE INSERT ON meta "
	       "WHEN (SELECT count(*) FROM meta) = 1 BEGIN SELECT RAISE(ABORT, 'no more'); END");
	assert_true(store_open(&s, &p->options) < 0);
	sql(p, "DROP TRIGGER half");
	store_close(opened(p));
}

/* A store with one row, closed. */
static void make(const struct place *p)
{
	struct store *s = begun(p);

	put(s, KIND, "one", "1");
	store_close(s);
}

static void test_other_key(void **state)
{
	struct place *p = *state;
	struct store *s;

	make(p);
	p->key[3] ^= 1;
	assert_refused(p, -EKEYREJECTED);
	p->key[3] ^= 1;
	p->options.owner = "b.example";
	assert_refused(p, -EEXIST);
	p->options.owner = "a.example";
	s = opened(p);
	assert_rows(s, KIND, "one=1 ");
	store_close(s);
}

static void test_newer(void **state)
{
	const struct place *p = *state;
	struct store *s;

	make(p);
	sql(p, "PRAGMA user_version = 99");
	assert_refused(p, -EPROTONOSUPPORT);
	sql(p, "PRAGMA user_version = 2");
	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "one=1 ");
	store_close(s);
}

/* ---- upgrading ------------------------------------------------------------------------------ */

/* In the older version a row of this kind had no exclamation mark. */
static int mark(int version, uint8_t kind, uint8_t *value, size_t *length)
{
	assert_int_equal(version, 1);
	if (kind == OTHER && *length == 3)
		return -EBADMSG;
	if (kind == KIND)
		value[(*length)++] = '!';
	return 0;
}

static int number(const struct place *p, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int value;

	assert_int_equal(sqlite3_open(p->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	chmod(p->database, 0600);
	return value;
}

/* Rows of the database and of the journal, in place, once; those that last when nothing else does.
 */
static void test_upgrade(void **state)
{
	struct place *p = *state;
	struct store *s;

	p->options.upgrade = mark;
	make(p);
	sql(p, "PRAGMA user_version = 1");
	s = opened(p); /* brought up, and made the older one again, with rows in the journal */
	assert_rows(s, KIND, "one=1! ");
	put(s, KIND, "two", "2");
	put(s, OTHER, "o", "22");
	put(s, LASTING, "lease", "10.1.0.1");
	store_close(s);
	sql(p, "PRAGMA user_version = 1");
	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "one=1!! two=2! ");
	assert_rows(s, OTHER, "o=22 ");
	assert_rows(s, LASTING, "lease=10.1.0.1 ");
	store_close(s);
	assert_int_equal(number(p, "PRAGMA user_version"), 2);
	assert_int_equal(number(p, "SELECT count(*) FROM sqlite_master WHERE name = 'old'"), 0);
	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "one=1!! two=2! ");
	store_close(s);
	sql(p, "PRAGMA user_version = 1");
	unlink(p->journal);
	s = opened(p);
	assert_false(store_resumes(s));
	assert_rows(s, LASTING, "lease=10.1.0.1 ");
	store_close(s);
}

/* What cannot be brought up stays what it was, for the version that can read it. */
static void test_upgrade_refused(void **state)
{
	struct place *p = *state;
	struct store *s;

	make(p);
	s = begun(p);
	put(s, OTHER, "bad", "bad");
	store_close(s);
	sql(p, "PRAGMA user_version = 1");
	p->options.upgrade = mark;
	assert_refused(p, -EBADMSG);
	assert_int_equal(number(p, "PRAGMA user_version"), 1);
	assert_int_equal(number(p, "SELECT count(*) FROM state"), 2);
	assert_int_equal(number(p, "SELECT count(*) FROM sqlite_master WHERE name = 'old'"), 0);
	p->options.upgrade = NULL;
	s = opened(p);
	assert_true(store_resumes(s));
	assert_rows(s, KIND, "one=1 ");
	assert_rows(s, OTHER, "bad=bad ");
	store_close(s);
}

static void overwrite(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static void test_damaged(void **state)
{
	const struct place *p = *state;
	struct stat before, after;

	make(p);
	overwrite(p->database, 0, "No SQLite database begins like this.");
	assert_int_equal(stat(p->database, &before), 0);
	assert_refused(p, -EBADMSG);
	assert_int_equal(stat(p->database, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	unlink(p->database);
	/* Somebody else's database. */
	sql(p, "CREATE TABLE theirs (a); PRAGMA user_version = 1");
	assert_refused(p, -EBADMSG);
	unlink(p->database);
	/* Pages that are no pages. */
	make(p);
	for (off_t at = 4096; at < before.st_size; at += 16)
		overwrite(p->database, at, "0123456789abcdef");
	assert_refused(p, -EBADMSG);
}

/* A row that was exchanged for another one, or altered, is none. */
static void test_forged(void **state)
{
	const struct place *p = *state;
	char text[64] = "";
	struct store *s;

	make(p);
	sql(p, "UPDATE state SET key = 'two' WHERE key = 'one'");
	s = opened(p);
	assert_int_equal(store_each(s, KIND, collect, text), -EBADMSG);
	store_close(s);
	sql(p, "UPDATE state SET key = 'one', kind = 2");
	s = opened(p);
	assert_int_equal(store_each(s, OTHER, collect, text), -EBADMSG);
	store_close(s);
	sql(p, "UPDATE state SET value = zeroblob(length(value))");
	s = opened(p);
	assert_int_equal(store_each(s, OTHER, collect, text), -EBADMSG);
	store_close(s);
	assert_string_equal(text, "");
}

static const char *find(const char *octets, size_t length, const char *text)
{
	for (size_t i = 0; i + strlen(text) <= length; i++)
		if (!memcmp(octets + i, text, strlen(text)))
			return octets + i;
	return NULL;
}

/* Nothing of a row, and no key, can be read in the files. */
static void test_sealed(void **state)
{
	const struct place *p = *state;
	struct store *s = begun(p);
	char octets[ROOM + 4096], name[160];
	struct stat st;

	put(s, KIND, "one", "what nobody may read");
	store_close(s);
	for (int i = 0; i < 2; i++) {
		const char *path = i == 0 ? p->database : p->journal;
		int fd = open(path, O_RDONLY);
		ssize_t length = read(fd, octets, sizeof(octets));

		assert_true(length > 4096);
		assert_null(find(octets, (size_t)length, "what nobody"));
		assert_non_null(find(octets, (size_t)length, "one"));
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		close(fd);
	}
	snprintf(name, sizeof(name), "%s-shm", p->database);
	assert_int_equal(access(name, F_OK), -1);
}

/* The nonces of the rows on disk, of each key its own, in the order of the keys. */
struct nonces {
	uint8_t octets[8][16];
	size_t count;
};

static int collect_nonce(void *arg, const char *key, const uint8_t *sealed, size_t length)
{
	struct nonces *n = arg;

	(void)key;
	assert_true(length > sizeof(n->octets[0]));
	assert_true(n->count < 8);
	memcpy(n->octets[n->count++], sealed, sizeof(n->octets[0]));
	return 0;
}

static void collect_nonces(const struct place *p, struct nonces *n)
{
	struct database *d = NULL;
	int version = 0;

	assert_int_equal(database_open(&d, p->database, &version), 0);
	assert_int_equal(database_each(d, KIND, collect_nonce, n), 0);
	database_close(d);
}

/* Each row has a key of its own: no nonce serves twice, in one life or in the next. */
static void test_nonces(void **state)
{
	const struct place *p = *state;
	struct nonces n = {0};

	for (int life = 0; life < 2; life++) {
		struct store *s = begun(p);

		put(s, KIND, "one", "the same");
		put(s, KIND, "two", "the same");
		put(s, KIND, "three", "the same");
		store_close(s);
		collect_nonces(p, &n);
	}
	assert_int_equal(n.count, 6);
	for (size_t i = 0; i < n.count; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(n.octets[i], n.octets[j], sizeof(n.octets[i]));
}

/* Refused, and the log names the file that stands in the way. */
static void assert_blamed(const struct place *p, int error, const char *path)
{
	char text[512] = "", wanted[192];
	int ends[2], old = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_set_level(LOG_LEVEL_WARNING);
	assert_refused(p, error);
	log_set_level(LOG_LEVEL_ERROR);
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	close(ends[0]);
	snprintf(wanted, sizeof(wanted), "state in %s cannot be used", path);
	assert_non_null(strstr(text, wanted));
}

static void test_two(void **state)
{
	struct place *p = *state;
	struct store *s = opened(p);
	char other[128];

	assert_blamed(p, -EBUSY, p->journal);
	/* With another journal, but the same database. */
	snprintf(other, sizeof(other), "%s.2", p->journal);
	p->options.journal = other;
	assert_blamed(p, -EBUSY, p->database);
	unlink(other);
	store_close(s);
}

static void test_permissions(void **state)
{
	const struct place *p = *state;

	make(p);
	chmod(p->database, 0640);
	assert_refused(p, -EPERM);
	chmod(p->database, 0600);
	chmod(p->state, 0770);
	assert_refused(p, -EPERM);
	chmod(p->state, 0700);
	unlink(p->database);
	assert_int_equal(symlink("/dev/null", p->database), 0);
	assert_refused(p, -EBADMSG);
}

/* As another user, since root may write everywhere. */
static void test_read_only(void **state)
{
	const struct place *p = *state;
	pid_t child;
	int status;

	make(p);
	child = fork();
	if (child == 0) {
		struct store *s;

		if (geteuid() == 0) {
			if (chown(p->database, 65534, 65534) || chown(p->journal, 65534, 65534) ||
			    chmod(p->directory, 0755) || chmod(p->state, 0755) || setuid(65534))
				_exit(10);
		} else if (chmod(p->state, 0500)) {
			_exit(11);
		}
		_exit(store_open(&s, &p->options) == 0 ? 12 : 0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_stops, setup, teardown),
		cmocka_unit_test(test_none),
		cmocka_unit_test_setup_teardown(test_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow_recovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_claimed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upgrade, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upgrade_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two, setup, teardown),
		cmocka_unit_test_setup_teardown(test_permissions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
	};

	if (keys_init() < 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
