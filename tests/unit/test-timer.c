/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap of timers against a plain array, and what callbacks may do. */
#include "timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 300

static struct timers timers;
static struct timer many[MANY];
static unsigned int fired[MANY];
static usec_t last;

static void note(struct timer *timer, void *arg, usec_t now)
{
	size_t i = (size_t)(timer - many);

	assert_ptr_equal(arg, &fired[i]);
	assert_false(timer_pending(timer));
	assert_int_equal(timer->at, USEC_NEVER);
	assert_true(now >= last);
	fired[i]++;
}

static int setup(void **state)
{
	(void)state;
	timers = (struct timers){0};
	last = 0;
	for (size_t i = 0; i < MANY; i++) {
		timer_init(&many[i], note, &fired[i]);
		fired[i] = 0;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	timers_free(&timers);
	return 0;
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(timers_next(&timers), USEC_NEVER);
	assert_int_equal(timers_run(&timers, 100), USEC_NEVER);
	timer_cancel(&timers, &many[0]);
	assert_int_equal(timer_set(&timers, &many[0], USEC_NEVER), 0);
	assert_false(timer_pending(&many[0]));
}

static void test_due(void **state)
{
	(void)state;
	assert_int_equal(timer_set(&timers, &many[0], 30), 0);
	assert_int_equal(timer_set(&timers, &many[1], 10), 0);
	assert_int_equal(timer_set(&timers, &many[2], 20), 0);
	assert_int_equal(timers_next(&timers), 10);
	assert_int_equal(timers_run(&timers, 9), 10);
	assert_int_equal(fired[1], 0);
	assert_int_equal(timers_run(&timers, 20), 30);
	assert_int_equal(fired[1] + fired[2], 2);
	assert_true(timer_pending(&many[0]));
	/* Set again: what was before does not count. */
	assert_int_equal(timer_set(&timers, &many[0], 50), 0);
	assert_int_equal(timers_run(&timers, 49), 50);
	assert_int_equal(timer_set(&timers, &many[0], USEC_NEVER), 0);
	assert_int_equal(timers_run(&timers, 1000), USEC_NEVER);
	assert_int_equal(fired[0], 0);
}

/* Random sets, cancels and runs; each timer fires exactly when the array says so. */
static void test_against_array(void **state)
{
	static usec_t wanted[MANY];
	usec_t now = 0;

	(void)state;
	srandom(1);
	for (size_t i = 0; i < MANY; i++)
		wanted[i] = USEC_NEVER;
	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)random() % MANY;
		usec_t earliest = USEC_NEVER;

		if (random() % 4 == 0) {
			timer_cancel(&timers, &many[i]);
			wanted[i] = USEC_NEVER;
		} else {
			wanted[i] = now + random() % 1000;
			assert_int_equal(timer_set(&timers, &many[i], wanted[i]), 0);
		}
		if (random() % 8 == 0) {
			now += random() % 200;
			timers_run(&timers, now);
			for (size_t j = 0; j < MANY; j++) {
				assert_int_equal(fired[j], wanted[j] <= now);
				if (fired[j])
					wanted[j] = USEC_NEVER;
				fired[j] = 0;
			}
			last = now;
		}
		for (size_t j = 0; j < MANY; j++)
			earliest = usec_min(earliest, wanted[j]);
		assert_int_equal(timers_next(&timers), earliest);
	}
}

static void fire_in_order(struct timer *timer, void *arg, usec_t now)
{
	usec_t *before = arg;

	(void)now;
	(void)timer;
	(*before)++;
}

static usec_t order[4];
static size_t ordered;

static void record(struct timer *timer, void *arg, usec_t now)
{
	(void)timer;
	(void)now;
	order[ordered++] = *(usec_t *)arg;
}

static void test_earliest_first(void **state)
{
	static usec_t instants[] = {40, 10, 30, 20};
	struct timer some[4];

	(void)state;
	ordered = 0;
	for (int i = 0; i < 4; i++) {
		timer_init(&some[i], record, &instants[i]);
		assert_int_equal(timer_set(&timers, &some[i], instants[i]), 0);
	}
	timers_run(&timers, 100);
	assert_int_equal(ordered, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(order[i], (i + 1) * 10);
}

static void set_again(struct timer *timer, void *arg, usec_t now)
{
	unsigned int *count = arg;

	(*count)++;
	assert_int_equal(timer_set(&timers, timer, now), 0);
}

/* A timer that is always due does not keep the loop from its other work, nor other timers. */
static void test_always_due(void **state)
{
	unsigned int count = 0;
	usec_t other = 0;
	struct timer busy, plain;

	(void)state;
	timer_init(&busy, set_again, &count);
	timer_init(&plain, fire_in_order, &other);
	assert_int_equal(timer_set(&timers, &busy, 5), 0);
	assert_int_equal(timer_set(&timers, &plain, 6), 0);
	assert_int_equal(timers_run(&timers, 7), 7);
	assert_in_range(count, 1, 2);
	assert_int_equal(other, 1);
	timer_cancel(&timers, &busy);
}

static struct timer victim;

static void cancel_other(struct timer *timer, void *arg, usec_t now)
{
	(void)timer;
	(void)arg;
	(void)now;
	timer_cancel(&timers, &victim);
}

/* A callback cancels another timer that is due as well, as when a session ends. */
static void test_cancelled_by_another(void **state)
{
	usec_t count = 0;
	struct timer first;

	(void)state;
	timer_init(&first, cancel_other, NULL);
	timer_init(&victim, fire_in_order, &count);
	assert_int_equal(timer_set(&timers, &first, 1), 0);
	assert_int_equal(timer_set(&timers, &victim, 2), 0);
	assert_int_equal(timers_run(&timers, 10), USEC_NEVER);
	assert_int_equal(count, 0);
}

static void test_freed(void **state)
{
	(void)state;
	assert_int_equal(timer_set(&timers, &many[0], 5), 0);
	timers_free(&timers);
	assert_false(timer_pending(&many[0]));
	assert_int_equal(timers_run(&timers, 10), USEC_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_against_array, setup, teardown),
		cmocka_unit_test_setup_teardown(test_earliest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_always_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled_by_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
