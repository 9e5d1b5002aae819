/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address pools: home addresses for subscribers, care-of addresses for visitors.
 *
 * A pool hands out single addresses of one family out of a few prefixes. It goes round, so that an
 * address that has just been given back is the last to be given out again: packets to its former
 * holder may still be under way. Network and broadcast addresses of IPv4 prefixes shorter than /31
 * and the subnet-router anycast address of IPv6 prefixes (RFC 4291 section 2.6.1) are left out.
 */
#ifndef SNO_POOL_H
#define SNO_POOL_H

#include "addr.h"

struct pool;

/* An empty pool over copies of these prefixes, all of one family; NULL when out of memory. */
struct pool *pool_new(const struct prefix *prefixes, size_t count);
void pool_free(struct pool *pool);

/*
 * Other prefixes (reload). Addresses in use stay in use, also those that lie in no prefix any more:
 * they go out of use when they are given back. The same prefixes again change nothing. 0 or -ENOMEM
 * with the pool as before.
 */
int pool_change(struct pool *pool, const struct prefix *prefixes, size_t count);

/* Takes a free address. -EADDRNOTAVAIL when there is none, -ENOMEM. */
int pool_take(struct pool *pool, struct addr *address);
/* Takes this very address, wherever it lies. -EEXIST when it is in use, -ENOMEM. */
int pool_reserve(struct pool *pool, const struct addr *address);
/* Gives an address back; one that is not in use, or none, is ignored. */
void pool_give(struct pool *pool, const struct addr *address);

/* Does the address lie in one of the pool's prefixes? */
bool pool_covers(const struct pool *pool, const struct addr *address);

/* Is an address in use that lies in this prefix, and in none of the list? */
bool pool_uses(const struct pool *pool, const struct prefix *in, const struct prefix *but,
	       size_t count);

/* How many addresses are in use, and how many there are in all (UINT64_MAX: that many or more). */
uint64_t pool_used(const struct pool *pool);
uint64_t pool_size(const struct pool *pool);

#endif
