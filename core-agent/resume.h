/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going on with a life: what keep.h has kept is there again, and the kernel agrees with it.
 *
 * What is in the kernel already stays as it is, so that no packet is lost; what is missing there is
 * put in place; and what nobody claims goes when timers.stale have passed (sweep.h).
 */
#ifndef SNO_CORE_RESUME_H
#define SNO_CORE_RESUME_H

#include "core.h"

/* Home addresses that were leased, whatever life it was in. 0 or -errno, logged. */
int resume_leases(struct core *core);

/* Bindings and sessions, when the core goes on with its life. 0 or -errno, logged. */
int resume(struct core *core, usec_t now);

#endif
