/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cores through hundreds of steps drawn from fixed seeds: duo.c says what must hold after each.
 * The same plays are the beginning of tests/fuzz/fuzz-cores.c.
 */
#include "core-agent/core.h"
#include "duo.h"
#include "kernel_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PLAYS 24
#define STEPS 64

/* xorshift64 (Marsaglia 2003) */
static uint8_t draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint8_t)(*random >> 32);
}

static struct duo_figures plays(uint64_t seed, unsigned int faults)
{
	struct duo_figures figures = {0};
	uint8_t steps[2 * STEPS];

	for (int i = 0; i < PLAYS; i++) {
		for (int k = 0; k < 2 * STEPS; k++)
			steps[k] = draw(&seed);
		duo_play(steps, sizeof(steps), faults, &figures);
	}
	print_message("# %u registered, %u visiting, %u by short proofs, %u lost, %u refused\n",
		      figures.registered, figures.visits, figures.prepared, figures.lost,
		      figures.refused);
	assert_true(figures.registered > 4 * PLAYS && figures.visits > PLAYS);
	assert_true(figures.prepared > PLAYS / 4);
	return figures;
}

static void test_undisturbed(void **state)
{
	struct duo_figures figures = plays(1, 0);

	(void)state;
	assert_int_equal(figures.lost + figures.refused, 0);
}

static void test_losses(void **state)
{
	(void)state;
	assert_true(plays(2, DUO_LOSSES).lost > PLAYS);
}

static void test_kernels_that_refuse(void **state)
{
	(void)state;
	assert_true(plays(3, DUO_KERNELS).refused > 0);
}

static void test_everything(void **state)
{
	(void)state;
	plays(4, DUO_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undisturbed),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_kernels_that_refuse),
		cmocka_unit_test(test_everything),
	};

	return cmocka_run_group_tests_name("cores", tests, NULL, NULL);
}
