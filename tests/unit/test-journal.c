/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: what was put comes out again, in order, wherever in the ring it lies. */
#include "journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPACITY 4096
#define LONGEST	 300

static const uint8_t life[JOURNAL_LIFE] = "one";

static struct journal *opened(const char *path)
{
	struct journal *j = NULL;

	assert_int_equal(journal_open(&j, path, CAPACITY), 0);
	return j;
}

static int setup(void **state)
{
	char path[] = "/tmp/test-journal.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	close(fd);
	*state = strdup(path);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	unlink(*state);
	free(*state);
	return 0;
}

/* The nth record, of so many octets. */
static struct journal_record record(unsigned int n, size_t length, uint8_t value[LONGEST])
{
	static const char key[] = "a key of some length";

	memset(value, (int)(n & 0xff), length);
	return (struct journal_record){.kind = (uint8_t)(n % 3 + 1),
				       .removed = length == 0,
				       .key = &key[n % 20],
				       .key_length = 20 - n % 20,
				       .value = value,
				       .length = length};
}

static bool same(const struct journal_record *a, const struct journal_record *b)
{
	return a->kind == b->kind && a->removed == b->removed && a->key_length == b->key_length &&
	       !memcmp(a->key, b->key, a->key_length) && a->length == b->length &&
	       !memcmp(a->value, b->value, a->length);
}

/* Records of all lengths meet the end of the ring in every way they can. */
static void test_ring(void **state)
{
	struct journal *j = opened(*state);
	uint8_t value[LONGEST];

	journal_begin(j, life);
	for (unsigned int n = 0; n < 20000; n++) {
		struct journal_record is, put = record(n, n * 7 % LONGEST, value);
		uint64_t position;

		assert_true(journal_put(j, &put));
		if (n % 1000 == 999) { /* whoever opens it finds it whole */
			journal_close(j);
			j = opened(*state);
			assert_non_null(journal_life(j));
		}
		position = journal_start(j);
		assert_true(journal_next(j, &position, &is));
		assert_true(same(&is, &put));
		assert_false(journal_next(j, &position, &is));
		journal_done(j, position);
	}
	journal_close(j);
}

/* A full ring takes nothing, and gives back all that it took. */
static void test_full(void **state)
{
	struct journal *j = opened(*state);
	uint8_t value[LONGEST];

	journal_begin(j, life);
	for (unsigned int round = 0; round < 500; round++) {
		unsigned int count = 0, n = 0;
		uint64_t position = journal_start(j);
		struct journal_record put = record(0, round % LONGEST, value), is;

		for (; journal_put(j, &put); put = record(count, round % LONGEST, value))
			count++;
		assert_in_range(count, 9, CAPACITY / 16);
		for (; journal_next(j, &position, &is); n++) {
			put = record(n, round % LONGEST, value);
			assert_true(same(&is, &put));
		}
		assert_int_equal(n, count);
		journal_done(j, position);
	}
	journal_close(j);
}

/* An entry as the version before has written it: padded to 8 octets. */
static void write_older(int fd, off_t at, const char *key, const char *value)
{
	const uint8_t size = (uint8_t)((16 + strlen(key) + strlen(value) + 7) / 8 * 8);
	const uint8_t head[16] = {size, [4] = (uint8_t)strlen(value), [6] = (uint8_t)strlen(key),
				  1};
	char text[64];

	snprintf(text, sizeof(text), "%s%s", key, value);
	assert_int_equal(pwrite(fd, head, sizeof(head), 4096 + at), sizeof(head));
	assert_int_equal(pwrite(fd, text, strlen(text), 4096 + at + 16), strlen(text));
}

/* What the version before has left is read, and nothing is written behind it. */
static void test_older(void **state)
{
	const char *const path = *state;
	const uint64_t head = 56;
	const uint32_t older = 1;
	struct journal *j = opened(path);
	struct journal_record is;
	uint64_t position;
	int fd;

	journal_begin(j, life);
	assert_false(journal_older(j));
	journal_close(j);
	fd = open(path, O_WRONLY);
	write_older(fd, 0, "a", "first");     /* 24 octets */
	write_older(fd, 24, "b", "the next"); /* 32 octets */
	assert_int_equal(pwrite(fd, &older, sizeof(older), 8), sizeof(older));
	assert_int_equal(pwrite(fd, &head, sizeof(head), 80), sizeof(head));
	close(fd);

	j = opened(path);
	assert_memory_equal(journal_life(j), life, sizeof(life));
	assert_true(journal_older(j));
	position = journal_start(j);
	assert_true(journal_next(j, &position, &is));
	assert_memory_equal(is.value, "first", 5);
	assert_true(journal_next(j, &position, &is));
	assert_memory_equal(is.value, "the next", 8);
	assert_int_equal(is.length, 8);
	assert_false(journal_next(j, &position, &is));
	journal_done(j, position);
	journal_begin(j, life);
	assert_false(journal_older(j));
	journal_close(j);
	j = opened(path);
	assert_memory_equal(journal_life(j), life, sizeof(life));
	assert_false(journal_older(j));
	journal_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
