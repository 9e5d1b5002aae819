/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broom: removes what carries our mark in the kernel and nobody claims, after an earlier run of
 * this daemon or after a removal that the kernel refused.
 */
#ifndef SNO_SWEEP_H
#define SNO_SWEEP_H

struct core;

/* 0, or the first -errno; everything else has been tried too. */
int sweep(struct core *core);
/* Only the rules: which are right is known from the configuration alone. */
int sweep_rules(struct core *core);

#endif
