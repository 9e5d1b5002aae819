/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cursors: the exact octets, the exact end, and that a failure stays. Buffers are allocated with
 * their exact size, so that the address sanitizer sees a step beyond either end.
 */
#include "cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t counting[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static void test_get(void **state)
{
	struct cursor_in c = cursor_in(counting, sizeof(counting));
	uint8_t one[1];

	(void)state;
	assert_int_equal(cursor_left(&c), 16);
	assert_int_equal(cursor_get_u8(&c), 0x00);
	assert_int_equal(cursor_get_u16(&c), 0x1122);
	assert_int_equal(cursor_get_u32(&c), 0x33445566);
	assert_true(cursor_get_u64(&c) == UINT64_C(0x778899aabbccddee));
	assert_int_equal(cursor_left(&c), 1);
	cursor_get(&c, one, 1);
	assert_int_equal(one[0], 0xff);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.failed);
}

/* A step of each size against each number of octets that may be left. */
static void test_get_bounds(void **state)
{
	(void)state;
	for (size_t left = 0; left <= 9; left++) {
		uint8_t *bytes = malloc(left + !left);
		uint8_t out[9];

		memset(bytes, 0x5a, left);
		for (size_t step = 0; step <= 9; step++) {
			struct cursor_in c = cursor_in(bytes, left);
			bool fits = step <= left;

			memset(out, 0xff, sizeof(out));
			cursor_get(&c, out, step);
			assert_int_equal(c.failed, !fits);
			assert_int_equal(cursor_left(&c), fits ? left - step : 0);
			for (size_t i = 0; i < step; i++)
				assert_int_equal(out[i], fits ? 0x5a : 0);

			c = cursor_in(bytes, left);
			assert_ptr_equal(cursor_take(&c, step), fits ? bytes : NULL);
		}
		free(bytes);
	}
}

static void test_get_integer_bounds(void **state)
{
	(void)state;
	for (size_t left = 0; left <= 8; left++) {
		struct cursor_in c8 = cursor_in(counting + 16 - left, left);
		struct cursor_in c16 = c8, c32 = c8, c64 = c8;

		assert_int_equal(cursor_get_u8(&c8) != 0, left >= 1);
		assert_int_equal(c8.failed, left < 1);
		assert_int_equal(cursor_get_u16(&c16) != 0, left >= 2);
		assert_int_equal(c16.failed, left < 2);
		assert_int_equal(cursor_get_u32(&c32) != 0, left >= 4);
		assert_int_equal(c32.failed, left < 4);
		assert_int_equal(cursor_get_u64(&c64) != 0, left >= 8);
		assert_int_equal(c64.failed, left < 8);
	}
}

static void test_failure_stays(void **state)
{
	struct cursor_in c = cursor_in(counting, 4);

	(void)state;
	assert_int_equal(cursor_get_u64(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_get_u8(&c), 0);
	assert_null(cursor_take(&c, 0));
	assert_int_equal(cursor_left(&c), 0);
	assert_true(cursor_sub(&c, 0).failed);
}

/* Lengths that would wrap a pointer. */
static void test_huge_length(void **state)
{
	struct cursor_in in = cursor_in(counting, sizeof(counting));
	uint8_t room[4];
	struct cursor_out out = cursor_out(room, sizeof(room));

	(void)state;
	assert_null(cursor_take(&in, SIZE_MAX));
	assert_true(in.failed);
	assert_null(cursor_reserve(&out, SIZE_MAX));
	assert_true(out.failed);
}

static void test_sub(void **state)
{
	struct cursor_in c = cursor_in(counting, sizeof(counting));
	struct cursor_in sub = cursor_sub(&c, 3);

	(void)state;
	assert_int_equal(cursor_left(&sub), 3);
	assert_int_equal(cursor_get_u16(&sub), 0x0011);
	assert_int_equal(cursor_get_u16(&sub), 0);
	assert_true(sub.failed);
	assert_false(c.failed);
	assert_int_equal(cursor_get_u8(&c), 0x33);

	sub = cursor_sub(&c, 0);
	assert_false(sub.failed);
	assert_int_equal(cursor_left(&sub), 0);

	sub = cursor_sub(&c, 13);
	assert_true(sub.failed);
	assert_true(c.failed);
	assert_int_equal(cursor_get_u8(&sub), 0);
}

static void test_empty(void **state)
{
	struct cursor_in in = cursor_in(NULL, 0);
	struct cursor_out out = cursor_out(NULL, 0);

	(void)state;
	assert_int_equal(cursor_left(&in), 0);
	assert_int_equal(cursor_get_u8(&in), 0);
	assert_true(in.failed);
	cursor_put(&out, NULL, 0);
	assert_false(out.failed);
	assert_int_equal(cursor_written(&out), 0);
	cursor_put_u8(&out, 1);
	assert_true(out.failed);
}

static void test_put(void **state)
{
	uint8_t room[16];
	struct cursor_out c = cursor_out(room, sizeof(room));

	(void)state;
	cursor_put_u8(&c, 0x00);
	cursor_put_u16(&c, 0x1122);
	cursor_put_u32(&c, 0x33445566);
	cursor_put_u64(&c, UINT64_C(0x778899aabbccddee));
	cursor_put(&c, "\xff", 1);
	assert_false(c.failed);
	assert_int_equal(cursor_written(&c), 16);
	assert_memory_equal(room, counting, 16);
	cursor_put_u8(&c, 0);
	assert_true(c.failed);
	assert_int_equal(cursor_written(&c), 16);
}

/* Writes of each size into each room: nothing beyond it, and nothing of what does not fit. */
static void test_put_bounds(void **state)
{
	(void)state;
	for (size_t cap = 0; cap <= 9; cap++) {
		for (size_t step = 0; step <= 9; step++) {
			uint8_t *room = malloc(cap + !cap);
			struct cursor_out c = cursor_out(room, cap);

			memset(room, 0x77, cap);
			cursor_put(&c, counting + 1, step);
			assert_int_equal(c.failed, step > cap);
			assert_int_equal(cursor_written(&c), step > cap ? 0 : step);
			for (size_t i = 0; i < cap; i++)
				assert_int_equal(room[i],
						 !c.failed && i < step ? counting[i + 1] : 0x77);
			free(room);
		}
	}
}

static void test_put_failure_stays(void **state)
{
	uint8_t room[4] = {9, 9, 9, 9};
	struct cursor_out c = cursor_out(room, sizeof(room));

	(void)state;
	cursor_put_u8(&c, 1);
	cursor_put_u32(&c, 0);
	assert_true(c.failed);
	cursor_put_u8(&c, 2);
	assert_null(cursor_reserve(&c, 0));
	assert_int_equal(cursor_written(&c), 1);
	assert_memory_equal(room, "\1\11\11\11", 4);
}

static void test_reserve(void **state)
{
	uint8_t room[4] = {0};
	struct cursor_out c = cursor_out(room, sizeof(room));

	(void)state;
	cursor_put_u8(&c, 1);
	assert_ptr_equal(cursor_reserve(&c, 2), room + 1);
	cursor_put_u8(&c, 4);
	assert_memory_equal(room, "\1\0\0\4", 4);
	assert_null(cursor_reserve(&c, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_get_bounds),
		cmocka_unit_test(test_get_integer_bounds),
		cmocka_unit_test(test_failure_stays),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_sub),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_bounds),
		cmocka_unit_test(test_put_failure_stays),
		cmocka_unit_test(test_reserve),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
