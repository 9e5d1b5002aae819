/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two core agents in memory, each the other's peer, with a terminal of each between them:
 * a.example, home of tina, and b.example, home of otto. Each core has a kernel of its own
 * (kernel_fake.h), two satellites, and protects its tunnels. A play is a row of steps, two octets
 * each, what and how: terminals discover, announce, leave and come with short proofs; datagrams
 * between the cores get lost; kernels refuse; cores restart. After each step and at the end
 * everything that must hold of both cores together is checked; what does not hold aborts, and says
 * what.
 */
#ifndef SNO_TEST_DUO_H
#define SNO_TEST_DUO_H

#include <stddef.h>
#include <stdint.h>

/* How much the steps of a play may break. */
enum duo_faults {
	DUO_LOSSES = 1,
	DUO_KERNELS = 2, /* that refuse, and restarts: what is left in them is for the broom */
	DUO_ALL = DUO_LOSSES | DUO_KERNELS
};

/* What came of a play: for a test that wants to know that something did. */
struct duo_figures {
	unsigned int registered; /* discoveries that were answered by registration done */
	unsigned int visits;	 /* of those, at the core that is not home */
	unsigned int prepared;	 /* of those, by a short proof */
	unsigned int lost;	 /* datagrams between the cores */
	unsigned int refused;	 /* changes by a kernel */
};

/* Plays from a fresh start; figures are added to. */
void duo_play(const uint8_t *steps, size_t length, unsigned int faults,
	      struct duo_figures *figures);

#endif
