/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root of a registration: whose keys are given out, once, and which arrivals it proves. */
#include "core-agent/root.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t one[KEY_LENGTH] = {1}, two[KEY_LENGTH] = {2}, zero[KEY_LENGTH];

static void test_keys(void **state)
{
	struct root root = {0};
	uint8_t key[KEY_LENGTH], expected[KEY_LENGTH];

	(void)state;
	assert_int_equal(root_give(&root, "b.example", 1, key), -ENOKEY);
	root_set(&root, one);
	assert_int_equal(root_give(&root, "b.example", 1, key), 0);
	assert_int_equal(handover_key(expected, one, "b.example", 1), 0);
	assert_memory_equal(key, expected, KEY_LENGTH);
	assert_int_equal(root_give(&root, "", 1, key), -EINVAL);
	assert_memory_equal(key, zero, KEY_LENGTH);
	root_wipe(&root);
	assert_false(root.known);
	assert_memory_equal(root.key, zero, KEY_LENGTH);
}

/* For each target only upwards, and for none what has led somewhere. */
static void test_once(void **state)
{
	struct root root = {0};
	uint8_t key[KEY_LENGTH];

	(void)state;
	root_set(&root, one);
	assert_int_equal(root_give(&root, "b.example", 3, key), 0);
	memset(key, 0xff, sizeof(key));
	assert_int_equal(root_give(&root, "b.example", 3, key), -EEXIST);
	assert_memory_equal(key, zero, KEY_LENGTH);
	assert_int_equal(root_give(&root, "b.example", 2, key), -EEXIST);
	assert_int_equal(root_give(&root, "c.example", 2, key), 0);
	assert_int_equal(root_give(&root, "b.example", 4, key), 0);
	root_moved(&root, 5);
	assert_int_equal(root_give(&root, "c.example", 5, key), -EEXIST);
	assert_int_equal(root_give(&root, "d.example", 4, key), -EEXIST);
	assert_int_equal(root_give(&root, "d.example", 6, key), 0);
	/* An older move that is told of late takes nothing back. */
	root_moved(&root, 1);
	assert_int_equal(root_give(&root, "c.example", 5, key), -EEXIST);
	/* Another root, another life. */
	root_set(&root, two);
	assert_int_equal(root_give(&root, "b.example", 1, key), 0);
	root_wipe(&root);
}

static void test_numbers(void **state)
{
	struct root root = {0};

	(void)state;
	root_set(&root, one);
	assert_true(root_next(&root) == 1);
	root_announced(&root, 7);
	assert_true(root_next(&root) == 8);
	root_announced(&root, 3);
	assert_true(root_next(&root) == 8);
	root_moved(&root, 9);
	assert_true(root_next(&root) == 10);
	root_announced(&root, UINT64_MAX);
	assert_true(root_next(&root) == 0);
	root_set(&root, two);
	assert_true(root_next(&root) == 1);
	root_wipe(&root);
}

/* No key for a number that there is none of. */
static void test_numbers_end(void **state)
{
	struct root root = {0};
	uint8_t key[KEY_LENGTH];

	(void)state;
	root_set(&root, one);
	assert_int_equal(root_give(&root, "b.example", 0, key), -EEXIST);
	assert_int_equal(root_give(&root, "b.example", UINT64_MAX, key), 0);
	assert_int_equal(root_give(&root, "b.example", root_next(&root), key), -EEXIST);
	root_wipe(&root);
}

static void test_pass(void **state)
{
	struct root from = {0}, to = {0};
	uint8_t key[KEY_LENGTH];

	(void)state;
	root_set(&from, one);
	assert_int_equal(root_give(&from, "b.example", 2, key), 0);
	root_set(&to, two);
	assert_int_equal(root_give(&to, "c.example", 2, key), 0);
	root_pass(&to, &from);
	assert_false(from.known);
	assert_memory_equal(from.key, zero, KEY_LENGTH);
	assert_memory_equal(to.key, one, KEY_LENGTH);
	assert_int_equal(root_give(&to, "b.example", 2, key), -EEXIST);
	assert_int_equal(root_give(&to, "c.example", 2, key), 0);
	root_wipe(&to);
}

static void test_arrivals(void **state)
{
	struct root root = {0};
	uint8_t arrival[HANDOVER_ARRIVAL];

	(void)state;
	assert_int_equal(handover_arrival(arrival, zero, "b.example", 1, 2), 0);
	assert_false(root_proves(&root, "b.example", 1, 2, arrival));
	root_set(&root, one);
	assert_false(root_proves(&root, "b.example", 1, 2, arrival));
	assert_int_equal(handover_arrival(arrival, one, "b.example", 1, 2), 0);
	assert_true(root_proves(&root, "b.example", 1, 2, arrival));
	assert_false(root_proves(&root, "c.example", 1, 2, arrival));
	assert_false(root_proves(&root, "b.example", 2, 2, arrival));
	assert_false(root_proves(&root, "b.example", 1, 3, arrival));
	arrival[HANDOVER_ARRIVAL - 1] ^= 1;
	assert_false(root_proves(&root, "b.example", 1, 2, arrival));
	root_wipe(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),	cmocka_unit_test(test_once),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_numbers_end),
		cmocka_unit_test(test_pass),	cmocka_unit_test(test_arrivals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
