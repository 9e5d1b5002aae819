/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads beside the loop have none of what is the loop's. */
#define _GNU_SOURCE /* SCHED_BATCH */
#include "aside.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct seen {
	int policy;
	sigset_t blocked;
};

static void *look(void *arg)
{
	struct seen *seen = arg;

	seen->policy = sched_getscheduler(0);
	pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
	return arg;
}

static struct seen aside(void)
{
	struct seen seen = {.policy = -1};
	pthread_t thread;
	void *returned = NULL;

	assert_int_equal(aside_start(&thread, look, &seen), 0);
	assert_int_equal(pthread_join(thread, &returned), 0);
	assert_ptr_equal(returned, &seen);
	return seen;
}

static void test_signals(void **state)
{
	sigset_t before, after;
	struct seen seen;

	(void)state;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	seen = aside();
	assert_true(sigismember(&seen.blocked, SIGTERM));
	assert_true(sigismember(&seen.blocked, SIGHUP));
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void test_priority(void **state)
{
	const struct sched_param urgent = {.sched_priority = 1}, none = {.sched_priority = 0};
	struct seen seen;

	(void)state;
	assert_int_equal(aside().policy, SCHED_OTHER);
	if (sched_setscheduler(0, SCHED_FIFO, &urgent) < 0)
		skip();
	seen = aside();
	assert_int_equal(sched_getscheduler(0), SCHED_FIFO);
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
	assert_int_equal(seen.policy, SCHED_OTHER);
}

/* Who is told to go after others goes after others on a thread as well. */
static void test_inherited(void **state)
{
	const struct sched_param none = {.sched_priority = 0};
	struct seen seen;

	(void)state;
	assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &none), 0);
	seen = aside();
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
	assert_int_equal(seen.policy, SCHED_BATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
