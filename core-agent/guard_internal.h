/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the guard share: places (guard_place.c), the ways in their records
 * (guard_way.c), and the kernel's part (guard.c).
 *
 * Each terminal has a place: a record in the memory of the kernel's guard, and here the addresses
 * that lead to it. A place is found by any of them.
 */
#ifndef SNO_GUARD_INTERNAL_H
#define SNO_GUARD_INTERNAL_H

#include "core.h"
#include "forwarding.h"
#include "guard.h"
#include "peer.h"

#include <uthash.h>

#define PATH_ADDRESSES 3 /* IPv4, IPv6, delegated prefix */
#define PLACE_ADDRESSES                                                                            \
	(2 * PATH_ADDRESSES) /* there may be some of an earlier run that are to go */
#define PATH_WAYS 2	     /* that follow from a path */

struct guarded;

struct guarded_address {
	struct prefix prefix;  /* the key: all zero where not written */
	struct guarded *place; /* NULL: this one is not in use */
	UT_hash_handle hh;
};

struct guarded {
	uint32_t terminal; /* index of its record */
	struct guarded_address addresses[PLACE_ADDRESSES];
	struct guard_way of_path[PATH_WAYS], of_binding[GUARD_WAYS];
	size_t path_ways, binding_ways;
};

struct guard {
	struct kernel_guard *kernel;
	struct guard_common *common;
	struct guard_terminal *terminals;
	struct guarded **places; /* by index of the record */
	uint32_t room, next;	 /* where to look for a free one */
	struct guarded_address *addresses;
};

/* The i-th address of a path, as the key of guard.addresses; none when it has none. */
struct prefix guard_path_address(const struct path *path, int i);
struct guarded_address *guard_address_find(const struct guard *g, const struct prefix *prefix);
/* The place of the terminal of this path, NULL: it has none. */
struct guarded *guard_place_find(const struct guard *g, const struct path *path);
/* A place with this record; NULL: out of memory. */
struct guarded *guard_place_at(struct guard *g, uint32_t terminal);
/* The address leads to the place; false: that has too many. */
bool guard_address_add(struct guard *g, struct guarded *place, const struct prefix *prefix);
/* The address leads nowhere, and a place without addresses is none. */
void guard_address_drop(struct guard *g, struct guarded_address *a);

/* An address as the kernel's guard has it. */
void guard_map_address(uint8_t to[16], const struct addr *addr);
/* The peer's place in the common memory, which it keeps over a restart; GUARD_PEERS: none is free.
 */
uint32_t guard_peer_index(const struct guard *g, const struct peer *peer);

#endif
