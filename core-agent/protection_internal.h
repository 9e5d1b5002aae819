/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of protected tunnels share: the associations of sessions (protection.c), what the
 * kernel has compared with what is wanted (protection_kernel.c), and which policies that is
 * (protection_policy.c).
 */
#ifndef SNO_PROTECTION_INTERNAL_H
#define SNO_PROTECTION_INTERNAL_H

#include "core.h"
#include "protection.h"

/* Logs kernel_error(); returns result. */
int protection_complain(const struct core *core, int result, const char *what);

/* The ends of tunnels in one family; none where there is none. */
const struct addr *protection_own_end(const struct core *core, sa_family_t family);
const struct addr *protection_peer_end(const struct protection *p, sa_family_t family);

/* The policies of the peer, or (NULL) of the core. 0 or -errno, logged. */
int protection_policies_install(struct core *core, const struct peer *peer);
/*
 * What the peer has in the kernel and nobody wants goes. What an earlier life has left to receive
 * with stays until `adopt` (0: goes). 0 or -errno, logged.
 */
int protection_tidy(const struct peer *peer, usec_t adopt);

/* ---- where unprotected packets would go (protection_way.c) --------------------------------- */

/* The way of what this policy out is for, without it. 0 or -errno, for kernel_error(). */
int protection_way_install(struct core *core, const struct kernel_policy *policy);
/* Those of the peer's policies go. 0 or -errno, for kernel_error(). */
int protection_ways_remove(const struct peer *peer);

/* Has the next session begin at once, and with it new associations. */
void protection_renew(struct peer *peer, usec_t now);

#endif
