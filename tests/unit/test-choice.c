/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which satellite a terminal is on: each policy on small skies, and policy plan against a search
 * through everything. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "orbit/choice.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOME	     0
#define OTHER	     1
#define THIRD	     2

static struct choices got;

/* The sequence as text: "s1/0 0-10, s2/1 10-20". */
static const char *sequence_on(const struct choice_rules *rules, const struct choice_offer *offers,
			       size_t count, const struct choice *on, double from, double until)
{
	static char text[4096];
	size_t n = 0;

	free(got.rows);
	assert_int_equal(choice_sequence(rules, offers, count, on, from, until, &got), 0);
	text[0] = '\0';
	for (size_t i = 0; i < got.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%ss%u/%d %g-%g", i ? ", " : "",
				      got.rows[i].satellite, (int)got.rows[i].core,
				      got.rows[i].from, got.rows[i].until);
	return text;
}

static const char *sequence(enum choice_policy policy, const struct choice_offer *offers,
			    size_t count)
{
	struct choice_rules rules = choice_rules_default;

	rules.policy = policy;
	rules.home = HOME;
	return sequence_on(&rules, offers, count, NULL, 0, 1000);
}

/* ---- policies -------------------------------------------------------------------------------- */

static const struct choice_offer sky[] = {
	{.from = 0, .until = 100, .satellite = 1, .core = HOME, .load = 5},
	{.from = 0, .until = 300, .satellite = 2, .core = OTHER, .load = 3},
	{.from = 50, .until = 250, .satellite = 3, .core = HOME, .load = 4},
	{.from = 280, .until = 400, .satellite = 4, .core = HOME, .load = 9},
};

static void home_first_stays_at_home(void **state)
{
	(void)state;
	assert_string_equal(sequence(CHOICE_HOME_FIRST, sky, COUNT(sky)),
			    "s1/0 0-100, s3/0 100-250, s2/1 250-280, s4/0 280-400");
}

static void longest_stays_until_it_sinks(void **state)
{
	(void)state;
	assert_string_equal(sequence(CHOICE_LONGEST, sky, COUNT(sky)), "s2/1 0-300, s4/0 300-400");
}

static void least_load_with_a_margin(void **state)
{
	struct choice_rules rules = choice_rules_default;

	(void)state;
	rules.policy = CHOICE_LOAD;
	rules.margin = 0.5;
	assert_string_equal(sequence_on(&rules, sky, COUNT(sky), NULL, 0, 1000),
			    "s2/1 0-300, s4/0 300-400");
	rules.margin = 1;
	struct choice on = {.satellite = 1, .core = HOME};

	/* 3 is better than 5 by more than 1; 4 than 5 is not. */
	assert_string_equal(sequence_on(&rules, sky, COUNT(sky), &on, 0, 1000),
			    "s2/1 0-300, s4/0 300-400");
	rules.margin = 2;
	assert_string_equal(sequence_on(&rules, sky, COUNT(sky), &on, 0, 1000),
			    "s1/0 0-100, s2/1 100-300, s4/0 300-400");
}

/* Satellite 1 sinks a degree a second from 60, satellite 2 rises a degree a second from 20. */
static double seesaw(void *arg, uint32_t satellite, double t)
{
	(void)arg;
	return satellite == 1 ? 60 - t : 20 + t;
}

static void highest_with_a_margin(void **state)
{
	static const struct choice_offer two[] = {{.from = 0, .until = 60, .satellite = 1},
						  {.from = 0, .until = 60, .satellite = 2}};
	struct choice_rules rules = choice_rules_default;

	(void)state;
	rules.policy = CHOICE_ELEVATION;
	rules.elevation = seesaw;
	rules.step = 1;
	rules.margin = 10; /* they are level at 20, and 10 apart at 25 */
	assert_string_equal(sequence_on(&rules, two, 2, NULL, 0, 100), "s1/0 0-26, s2/0 26-60");
	rules.margin = 0;
	assert_string_equal(sequence_on(&rules, two, 2, NULL, 0, 100), "s1/0 0-21, s2/0 21-60");
	/* Asked again later, it says the same. */
	assert_string_equal(sequence_on(&rules, two, 2, NULL, 10.5, 100),
			    "s1/0 10.5-21, s2/0 21-60");
	rules.elevation = NULL;
	assert_int_equal(choice_sequence(&rules, two, 2, NULL, 0, 100, &(struct choices){0}),
			 -EINVAL);
}

static void plan_does_not_go_home_for_a_moment(void **state)
{
	/* 200 s abroad cost less than two changes; at home for 30 s in between would cost two. */
	static const struct choice_offer offers[] = {
		{.from = 0, .until = 100, .satellite = 1, .core = OTHER},
		{.from = 0, .until = 1000, .satellite = 2, .core = HOME},
		{.from = 90, .until = 600, .satellite = 3, .core = OTHER},
	};
	static const struct choice_offer tempting[] = {
		{.from = 0, .until = 500, .satellite = 1, .core = OTHER},
		{.from = 100, .until = 130, .satellite = 2, .core = HOME},
	};

	(void)state;
	assert_string_equal(sequence(CHOICE_PLAN, offers, COUNT(offers)), "s2/0 0-1000");
	assert_string_equal(sequence(CHOICE_PLAN, tempting, COUNT(tempting)), "s1/1 0-500");
	assert_string_equal(sequence(CHOICE_HOME_FIRST, tempting, COUNT(tempting)),
			    "s1/1 0-100, s2/0 100-130, s1/1 130-500");
}

static void plan_looks_ahead(void **state)
{
	/* Both cores are there until 100; home ends then, the other one goes on long. Where to be
	 * until 100 is decided by tau: one change either way, so home until then. From abroad, and
	 * with little time to gain, it is stayed there. */
	static const struct choice_offer offers[] = {
		{.from = 0, .until = 100, .satellite = 1, .core = HOME},
		{.from = 0, .until = 900, .satellite = 2, .core = OTHER},
	};
	struct choice_rules rules = choice_rules_default;
	struct choice on = {.satellite = 2, .core = OTHER};

	(void)state;
	rules.home = HOME;
	assert_string_equal(sequence_on(&rules, offers, 2, &on, 0, 1000), "s2/1 0-900");
	rules.tau = 10;
	assert_string_equal(sequence_on(&rules, offers, 2, &on, 0, 1000),
			    "s1/0 0-100, s2/1 100-900");
}

static void plan_waits_when_that_is_cheaper(void **state)
{
	static const struct choice_offer offers[] = {
		{.from = 0, .until = 300, .satellite = 1, .core = HOME},
		{.from = 0, .until = 600, .satellite = 2, .core = OTHER},
		{.from = 302, .until = 600, .satellite = 3, .core = HOME},
	};

	(void)state;
	assert_string_equal(sequence(CHOICE_PLAN, offers, COUNT(offers)),
			    "s1/0 0-300, s3/0 302-600");
}

static void plan_takes_few_satellites(void **state)
{
	/* 2 reaches farther than 1; 3 is handed from home to the other core while the path goes
	 * there, so it need not be left. */
	static const struct choice_offer offers[] = {
		{.from = 0, .until = 50, .satellite = 1, .core = HOME},
		{.from = 0, .until = 80, .satellite = 2, .core = HOME},
		{.from = 60, .until = 100, .satellite = 3, .core = HOME},
		{.from = 70, .until = 100, .satellite = 5, .core = HOME},
		{.from = 100, .until = 500, .satellite = 3, .core = OTHER},
		{.from = 90, .until = 600, .satellite = 4, .core = OTHER},
	};

	(void)state;
	assert_string_equal(sequence(CHOICE_PLAN, offers, COUNT(offers)),
			    "s2/0 0-80, s3/0 80-100, s3/1 100-500, s4/1 500-600");
}

static void there_may_be_nothing(void **state)
{
	static const struct choice_offer late[] = {
		{.from = 500, .until = 600, .satellite = 1, .core = HOME}};

	(void)state;
	for (enum choice_policy policy = CHOICE_PLAN; policy <= CHOICE_LOAD; policy++) {
		if (policy == CHOICE_ELEVATION)
			continue;
		assert_string_equal(sequence(policy, NULL, 0), "");
		assert_string_equal(sequence(policy, late, 1), "s1/0 500-600");
	}
}

/* ---- policy plan against a search ------------------------------------------------------------ */

static uint32_t random_state = 1;

static unsigned int dice(unsigned int sides)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 16) % sides;
}

#define SECONDS 9
#define CORES	3
#define NONE	CORES

/* What a second costs: on a core, or on none of those that are there. */
static double second(const struct choice_rules *rules, const bool there[CORES], unsigned int core)
{
	bool any = there[HOME] || there[OTHER] || there[THIRD];

	if (core == NONE)
		return 1 / rules->outage + (any ? 1 / rules->tau : 0);
	return core == HOME ? 0 : 1 / rules->tau;
}

static const struct choice *choice_at(const struct choices *choices, double t)
{
	for (size_t i = 0; i < choices->count; i++)
		if (choices->rows[i].from <= t && t < choices->rows[i].until)
			return &choices->rows[i];
	return NULL;
}

/* What a sequence costs, by its definition. */
static double cost_of(const struct choice_rules *rules, bool there[SECONDS][CORES],
		      const struct choices *choices)
{
	const struct choice *row;
	double cost = 0;
	uint32_t last = NONE;

	for (unsigned int t = 0; t < SECONDS; t++) {
		row = choice_at(choices, t + 0.5);
		cost += second(rules, there[t], row ? row->core : NONE);
		if (row) {
			cost += last != NONE && last != row->core;
			last = row->core;
		}
	}
	return cost;
}

/* The least cost over all ways of being on a core, or on none, in each second. */
static double search(const struct choice_rules *rules, bool there[SECONDS][CORES])
{
	double least = INFINITY;

	for (unsigned int way = 0; way < 1 << (2 * SECONDS); way++) {
		double cost = 0;
		unsigned int last = NONE;

		for (unsigned int t = 0; t < SECONDS && cost < least; t++) {
			unsigned int core = way >> (2 * t) & 3;

			if (core != NONE && !there[t][core])
				cost = INFINITY;
			cost += second(rules, there[t], core);
			if (core != NONE) {
				cost += last != NONE && last != core;
				last = core;
			}
		}
		least = fmin(least, cost);
	}
	return least;
}

static void plan_is_the_exact_minimum(void **state)
{
	struct choice_offer offers[8];

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct choice_rules rules = choice_rules_default;
		bool there[SECONDS][CORES] = {0};
		size_t count = 1 + dice(8);

		rules.home = HOME;
		rules.tau = 0.5 + dice(8);
		rules.outage = 0.25 + dice(4);
		for (size_t i = 0; i < count; i++) {
			unsigned int from = dice(SECONDS), until = from + 1 + dice(SECONDS - from);

			offers[i] = (struct choice_offer){.from = from,
							  .until = until,
							  .satellite = (uint32_t)i,
							  .core = dice(CORES)};
			for (unsigned int t = from; t < until; t++)
				there[t][offers[i].core] = true;
		}
		free(got.rows);
		assert_int_equal(choice_sequence(&rules, offers, count, NULL, 0, SECONDS, &got), 0);
		for (size_t i = 0; i < got.count; i++) { /* it is what was offered */
			const struct choice *row = &got.rows[i];
			const struct choice_offer *offer = &offers[row->satellite];

			assert_true(i == 0 || row->from >= row[-1].until);
			assert_true(row->from >= offer->from && row->until <= offer->until &&
				    row->core == offer->core);
		}
		assert_true(fabs(cost_of(&rules, there, &got) - search(&rules, there)) < 1e-9);
	}
}

/* ---- offers ---------------------------------------------------------------------------------- */

static uint32_t number_of(void *arg, const char *core)
{
	(void)arg;
	return core[0] == 'h' ? HOME : core[0] == 'o' ? OTHER : CHOICE_CORE_UNKNOWN;
}

static void windows_meet_associations(void **state)
{
	static const struct association rows[] = {
		{.from = 1000 * USEC_PER_SEC,
		 .until = 1050 * USEC_PER_SEC,
		 .core = "home",
		 .station = "1"},
		{.from = 1050 * USEC_PER_SEC,
		 .until = 1100 * USEC_PER_SEC,
		 .core = "home",
		 .station = "2"},
		{.from = 1120 * USEC_PER_SEC,
		 .until = 1300 * USEC_PER_SEC,
		 .core = "other",
		 .station = "3"},
		{.from = 1300 * USEC_PER_SEC, .until = USEC_NEVER, .core = "?", .station = ""},
	};
	static const struct window windows[] = {
		{.satellite = 1, .from = 0, .until = 20},
		{.satellite = 0, .from = 20, .until = 200},
		{.satellite = 0, .from = 250, .until = 350},
	};
	const struct choice_satellite satellites[] = {{.rows = rows, .count = 4, .load = 7},
						      {.rows = NULL, .count = 0}};
	struct choice_offer *offers;
	size_t count;

	(void)state;
	assert_int_equal(choice_offers(windows, 3, satellites, 1000 * USEC_PER_SEC, number_of, NULL,
				       &offers, &count),
			 0);
	const struct choice_offer expected[] = {
		{.from = 20, .until = 100, .satellite = 0, .core = HOME, .load = 7},
		{.from = 120, .until = 200, .satellite = 0, .core = OTHER, .load = 7},
		{.from = 250, .until = 300, .satellite = 0, .core = OTHER, .load = 7},
		{.from = 300, .until = 350, .satellite = 0, .core = CHOICE_CORE_UNKNOWN, .load = 7},
	};
	assert_int_equal(count, COUNT(expected));
	for (size_t i = 0; i < count; i++) {
		assert_true(offers[i].from == expected[i].from);
		assert_true(offers[i].until == expected[i].until);
		assert_int_equal(offers[i].core, expected[i].core);
		assert_true(offers[i].load == 7);
	}
	free(offers);
	/* Without a plan every window is an offer. */
	assert_int_equal(choice_offers(windows, 3, NULL, 0, NULL, NULL, &offers, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(offers[0].core, CHOICE_CORE_UNKNOWN);
	free(offers);
}

static int forget(void **state)
{
	(void)state;
	free(got.rows);
	got.rows = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_first_stays_at_home),
		cmocka_unit_test(longest_stays_until_it_sinks),
		cmocka_unit_test(least_load_with_a_margin),
		cmocka_unit_test(highest_with_a_margin),
		cmocka_unit_test(plan_does_not_go_home_for_a_moment),
		cmocka_unit_test(plan_looks_ahead),
		cmocka_unit_test(plan_waits_when_that_is_cheaper),
		cmocka_unit_test(plan_takes_few_satellites),
		cmocka_unit_test(there_may_be_nothing),
		cmocka_unit_test(plan_is_the_exact_minimum),
		cmocka_unit_test(windows_meet_associations),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
