/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address pools: what is handed out, in which order, and when there is no more. */
#include "core-agent/pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static size_t parse(struct prefix prefixes[4], const char *text)
{
	char copy[256], *rest = copy, *word;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) && *word)
		assert_int_equal(prefix_parse(&prefixes[count++], word), 0);
	return count;
}

static struct pool *pool_of(const char *text)
{
	struct prefix prefixes[4];
	struct pool *pool = pool_new(prefixes, parse(prefixes, text));

	assert_non_null(pool);
	return pool;
}

static void assert_takes(struct pool *pool, const char *wanted)
{
	char text[ADDR_TEXT];
	struct addr a;

	assert_int_equal(pool_take(pool, &a), 0);
	assert_string_equal(addr_format(&a, text), wanted);
}

static void assert_exhausted(struct pool *pool)
{
	struct addr a = {.family = AF_UNSPEC};

	assert_int_equal(pool_take(pool, &a), -EADDRNOTAVAIL);
	assert_true(addr_none(&a));
}

static void give(struct pool *pool, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	pool_give(pool, &a);
}

static int reserve(struct pool *pool, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return pool_reserve(pool, &a);
}

static void test_usable(void **state)
{
	static const struct {
		const char *prefixes, *first, *last;
		uint64_t size;
	} table[] = {
		{"192.0.2.5/32", "192.0.2.5", "192.0.2.5", 1},
		{"192.0.2.4/31", "192.0.2.4", "192.0.2.5", 2},
		{"192.0.2.4/30", "192.0.2.5", "192.0.2.6", 2},
		{"192.0.2.0/24", "192.0.2.1", "192.0.2.254", 254},
		{"192.0.2.5/32 192.0.2.8/30", "192.0.2.5", "192.0.2.10", 3},
		{"2001:db8::5/128", "2001:db8::5", "2001:db8::5", 1},
		{"2001:db8::4/127", "2001:db8::5", "2001:db8::5", 1},
		{"2001:db8::4/126", "2001:db8::5", "2001:db8::7", 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct pool *pool = pool_of(table[i].prefixes);
		char text[ADDR_TEXT] = "";
		struct addr a;

		assert_int_equal(pool_size(pool), table[i].size);
		assert_takes(pool, table[i].first);
		for (uint64_t n = 1; n < table[i].size; n++)
			assert_int_equal(pool_take(pool, &a), 0);
		if (table[i].size > 1)
			assert_string_equal(addr_format(&a, text), table[i].last);
		assert_int_equal(pool_used(pool), table[i].size);
		assert_exhausted(pool);
		give(pool, table[i].last);
		assert_takes(pool, table[i].last);
		assert_exhausted(pool);
		pool_free(pool);
	}
}

static void test_large(void **state)
{
	struct pool *pool = pool_of("2001:db8::/64 2001:db8:1::/48");

	(void)state;
	assert_true(pool_size(pool) == UINT64_MAX);
	assert_takes(pool, "2001:db8::1");
	assert_takes(pool, "2001:db8::2");
	pool_free(pool);
	pool = pool_of("2001:db8::/65");
	assert_true(pool_size(pool) == UINT64_MAX / 2);
	pool_free(pool);
}

static void test_empty(void **state)
{
	struct pool *pool = pool_of("");

	(void)state;
	assert_int_equal(pool_size(pool), 0);
	assert_exhausted(pool);
	pool_free(pool);
	pool_free(NULL);
}

/* It goes round: what was given back comes last, though it is free. */
static void test_round(void **state)
{
	struct pool *pool = pool_of("192.0.2.0/29 192.0.2.32/32");

	(void)state;
	assert_takes(pool, "192.0.2.1");
	give(pool, "192.0.2.1");
	assert_takes(pool, "192.0.2.2");
	assert_int_equal(reserve(pool, "192.0.2.4"), 0);
	assert_takes(pool, "192.0.2.3");
	assert_takes(pool, "192.0.2.5");
	assert_takes(pool, "192.0.2.6");
	assert_takes(pool, "192.0.2.32");
	assert_takes(pool, "192.0.2.1");
	assert_exhausted(pool);
	pool_free(pool);
}

static void test_reserve(void **state)
{
	struct pool *pool = pool_of("192.0.2.0/30");

	(void)state;
	assert_int_equal(reserve(pool, "192.0.2.2"), 0);
	assert_int_equal(reserve(pool, "192.0.2.2"), -EEXIST);
	assert_takes(pool, "192.0.2.1");
	assert_int_equal(reserve(pool, "192.0.2.1"), -EEXIST);
	assert_exhausted(pool);
	/* Outside of it, too: an address that a configuration has given for good. */
	assert_int_equal(reserve(pool, "192.0.2.77"), 0);
	assert_int_equal(pool_used(pool), 3);
	assert_exhausted(pool);
	give(pool, "192.0.2.77");
	give(pool, "192.0.2.77");
	give(pool, "198.51.100.1");
	assert_int_equal(pool_used(pool), 2);
	pool_give(pool, &(struct addr){.family = AF_UNSPEC});
	pool_free(pool);
}

/* An address of the other family with the same octets is another address. */
static void test_families(void **state)
{
	struct pool *pool = pool_of("c000:201::/126");

	(void)state;
	assert_int_equal(reserve(pool, "c000:201::"), 0);
	give(pool, "192.0.2.1");
	assert_int_equal(pool_used(pool), 1);
	pool_free(pool);
}

static void test_change(void **state)
{
	struct pool *pool = pool_of("192.0.2.0/29");
	struct prefix prefixes[4];
	struct addr a;

	(void)state;
	assert_takes(pool, "192.0.2.1");
	assert_takes(pool, "192.0.2.2");
	give(pool, "192.0.2.1");
	/* The same again: it goes on where it was. */
	assert_int_equal(pool_change(pool, prefixes, parse(prefixes, "192.0.2.0/29")), 0);
	assert_takes(pool, "192.0.2.3");
	/* Others: what is in use stays in use, but lies in no prefix. */
	assert_int_equal(pool_change(pool, prefixes, parse(prefixes, "198.51.100.8/30")), 0);
	assert_int_equal(pool_used(pool), 2);
	assert_int_equal(addr_parse(&a, "192.0.2.2"), 0);
	assert_false(pool_covers(pool, &a));
	assert_takes(pool, "198.51.100.9");
	assert_int_equal(addr_parse(&a, "198.51.100.9"), 0);
	assert_true(pool_covers(pool, &a));
	assert_takes(pool, "198.51.100.10");
	assert_exhausted(pool);
	give(pool, "192.0.2.2");
	assert_exhausted(pool);
	/* To the same number, in another order, and to none. */
	assert_int_equal(pool_change(pool, prefixes, parse(prefixes, "192.0.2.0/30")), 0);
	assert_takes(pool, "192.0.2.1");
	assert_int_equal(pool_change(pool, NULL, 0), 0);
	assert_exhausted(pool);
	assert_int_equal(pool_size(pool), 0);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usable),	cmocka_unit_test(test_large),
		cmocka_unit_test(test_empty),	cmocka_unit_test(test_round),
		cmocka_unit_test(test_reserve), cmocka_unit_test(test_families),
		cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
