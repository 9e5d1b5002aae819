/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time of laboratories: daemons agree on it, and what is shown is what was planned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab_time.h"

static usec_t at(const char *text)
{
	usec_t instant;

	assert_int_equal(association_time_parse(text, &instant), 0);
	return instant;
}

static struct lab_time lab(uint32_t rate)
{
	char start[] = "2026-07-29T12:00:00Z", epoch[] = "2026-11-22T08:00:00Z";
	const struct lab_time_config config = {true, start, epoch, rate};

	return lab_time_of(&config);
}

static void plans_run_faster(void **state)
{
	const struct lab_time t = lab(20);

	(void)state;
	assert_int_equal(lab_time_real(&t, at("2026-07-29T12:00:00Z")), at("2026-11-22T08:00:00Z"));
	/* Half an hour takes a minute and a half. */
	assert_int_equal(lab_time_real(&t, at("2026-07-29T12:30:00Z")), at("2026-11-22T08:01:30Z"));
	assert_int_equal(lab_time_real(&t, at("2026-07-29T11:59:40Z")), at("2026-11-22T07:59:59Z"));
	assert_int_equal(lab_time_planned(&t, at("2026-11-22T08:01:30Z")),
			 at("2026-07-29T12:30:00Z"));
	assert_int_equal(lab_time_real(&t, USEC_NEVER), USEC_NEVER);
	assert_int_equal(lab_time_planned(&t, USEC_NEVER), USEC_NEVER);
}

/* To the millisecond, whatever the rate: half of that is what rounding may cost. */
static void what_is_shown_is_what_was_planned(void **state)
{
	static const uint32_t rates[] = {1, 2, 3, 7, 18, 20, 60, 333, LAB_RATE_MAX};
	usec_t planned = at("2026-07-29T12:00:00Z");

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct lab_time t = lab(rates[i]);

		for (usec_t ms = 0; ms < 20000; ms += 7) {
			usec_t instant = planned + ms * USEC_PER_MSEC, error;

			error = lab_time_planned(&t, lab_time_real(&t, instant)) - instant;
			assert_in_range(error + USEC_PER_MSEC, 0, 2 * USEC_PER_MSEC);
			if (rates[i] < 500)
				assert_int_equal(error, 0);
		}
	}
}

static void without_the_group_it_is_real_time(void **state)
{
	const struct lab_time_config none = {0};
	const struct lab_time t = lab_time_of(&none);
	usec_t instant = at("2026-07-29T12:00:00.123456Z");

	(void)state;
	assert_int_equal(t.rate, 0);
	assert_int_equal(lab_time_real(&t, instant), instant);
	assert_int_equal(lab_time_planned(&t, instant), instant);
}

static void nothing_overflows(void **state)
{
	char start[] = "9999-12-31T23:59:59Z", epoch[] = "1970-01-01T00:00:00Z";
	const struct lab_time_config config = {true, start, epoch, LAB_RATE_MAX};
	const struct lab_time t = lab_time_of(&config);

	(void)state;
	assert_int_equal(lab_time_planned(&t, at("9999-01-01T00:00:00Z")), USEC_NEVER);
	assert_true(lab_time_real(&t, at("1970-01-01T00:00:00Z")) < 0);
}

static void ignore(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* Where one association ends and the next begins there is no gap afterwards either. */
static void associations_meet(void **state)
{
	static const char text[] = "from,until,satellite,core\n"
				   "2026-07-29T12:00:00Z,2026-07-29T12:00:07.333Z,s1,a.example\n"
				   "2026-07-29T12:00:07.333Z,2026-07-29T12:01:00Z,s1,b.example\n";
	const struct lab_time t = lab(7);
	struct associations a;

	(void)state;
	assert_int_equal(association_load_text(&a, "plan", text, strlen(text), NULL, ignore, NULL),
			 0);
	lab_time_associations(&t, &a);
	assert_int_equal(a.rows[0].from, at("2026-11-22T08:00:00Z"));
	assert_int_equal(a.rows[0].until, a.rows[1].from);
	assert_int_equal(a.rows[0].until, at("2026-11-22T08:00:01.047571Z"));
	association_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_run_faster),
		cmocka_unit_test(what_is_shown_is_what_was_planned),
		cmocka_unit_test(without_the_group_it_is_real_time),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(associations_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
