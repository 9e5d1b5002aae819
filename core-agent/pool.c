/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address pools; see pool.h. */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct lease {
	struct addr address;
	UT_hash_handle hh; /* by the 16 bytes of the address */
};

struct pool {
	struct prefix *prefixes;
	size_t count;
	struct lease *leases;
	size_t at;	 /* prefix and offset in it where the search goes on */
	uint64_t offset; /* in the range of range_of() */
};

/* The usable offsets of a prefix: first..last, counted from its network address. */
static void range_of(const struct prefix *p, uint64_t *first, uint64_t *last)
{
	unsigned int bits = addr_bits(p->addr.family) - p->length;
	uint64_t all = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

	*first = 0;
	*last = all;
	if (bits >= 2 || (bits == 1 && p->addr.family == AF_INET6))
		*first = 1;
	if (bits >= 2 && p->addr.family == AF_INET)
		*last = all - 1;
}

static uint64_t range_size(const struct prefix *p)
{
	uint64_t first, last;

	range_of(p, &first, &last);
	return last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

static struct addr address_at(const struct prefix *p, uint64_t offset)
{
	struct addr a = p->addr;
	size_t length = addr_length(a.family);

	/* Host bits of a prefix are zero, so adding never carries into the network part. */
	for (size_t i = 0; i < 8 && i < length; i++, offset >>= 8)
		a.bytes[length - 1 - i] |= (uint8_t)offset;
	return a;
}

/* As the key of a table an address has no stray bytes behind its family's length. */
static struct addr canonical(const struct addr *address)
{
	struct addr a = {.family = address->family};

	memcpy(a.bytes, address->bytes, addr_length(address->family));
	return a;
}

static struct lease *lease_find(const struct pool *pool, const struct addr *address)
{
	struct addr key = canonical(address);
	struct lease *lease;

	HASH_FIND(hh, pool->leases, key.bytes, sizeof(key.bytes), lease);
	/* The other family's may have the same first bytes. */
	return lease && lease->address.family == address->family ? lease : NULL;
}

static int lease_add(struct pool *pool, const struct addr *address)
{
	struct lease *lease = malloc(sizeof(*lease));

	if (!lease)
		return -ENOMEM;
	lease->address = canonical(address);
	HASH_ADD(hh, pool->leases, address.bytes, sizeof(lease->address.bytes), lease);
	return 0;
}

struct pool *pool_new(const struct prefix *prefixes, size_t count)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool && pool_change(pool, prefixes, count) < 0) {
		free(pool);
		return NULL;
	}
	return pool;
}

void pool_free(struct pool *pool)
{
	struct lease *lease, *next;

	if (!pool)
		return;
	HASH_ITER (hh, pool->leases, lease, next) {
		HASH_DEL(pool->leases, lease);
		free(lease);
	}
	free(pool->prefixes);
	free(pool);
}

static bool pool_same(const struct pool *pool, const struct prefix *prefixes, size_t count)
{
	if (pool->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!prefix_equal(&pool->prefixes[i], &prefixes[i]))
			return false;
	return true;
}

int pool_change(struct pool *pool, const struct prefix *prefixes, size_t count)
{
	struct prefix *copy = NULL;
	uint64_t last;

	if (pool_same(pool, prefixes, count))
		return 0;
	if (count > 0) {
		copy = malloc(count * sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, prefixes, count * sizeof(*copy));
	}
	free(pool->prefixes);
	pool->prefixes = copy;
	pool->count = count;
	pool->at = 0;
	if (count > 0)
		range_of(&copy[0], &pool->offset, &last);
	return 0;
}

/* The place behind the present one, going round over all prefixes. */
static void pool_step(struct pool *pool)
{
	uint64_t first, last;

	range_of(&pool->prefixes[pool->at], &first, &last);
	if (pool->offset < last) {
		pool->offset++;
		return;
	}
	pool->at = (pool->at + 1) % pool->count;
	range_of(&pool->prefixes[pool->at], &first, &last);
	pool->offset = first;
}

int pool_take(struct pool *pool, struct addr *address)
{
	/* One more step than there are leases reaches a free address, if there is one. */
	uint64_t tries = pool_used(pool) + 1;

	if (tries > pool_size(pool))
		tries = pool_size(pool);
	for (; tries > 0; tries--) {
		struct addr a = address_at(&pool->prefixes[pool->at], pool->offset);
		int result;

		pool_step(pool);
		if (lease_find(pool, &a))
			continue;
		result = lease_add(pool, &a);
		if (result == 0)
			*address = a;
		return result;
	}
	return -EADDRNOTAVAIL;
}

int pool_reserve(struct pool *pool, const struct addr *address)
{
	return lease_find(pool, address) ? -EEXIST : lease_add(pool, address);
}

static bool within(const struct prefix *prefixes, size_t count, const struct addr *address)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], address))
			return true;
	return false;
}

bool pool_covers(const struct pool *pool, const struct addr *address)
{
	return within(pool->prefixes, pool->count, address);
}

void pool_give(struct pool *pool, const struct addr *address)
{
	struct lease *lease = addr_none(address) ? NULL : lease_find(pool, address);

	if (!lease)
		return;
	HASH_DEL(pool->leases, lease);
	free(lease);
}

bool pool_uses(const struct pool *pool, const struct prefix *in, const struct prefix *but,
	       size_t count)
{
	const struct lease *lease;

	for (lease = pool->leases; lease; lease = lease->hh.next)
		if (prefix_contains(in, &lease->address) && !within(but, count, &lease->address))
			return true;
	return false;
}

uint64_t pool_used(const struct pool *pool)
{
	return HASH_COUNT(pool->leases);
}

uint64_t pool_size(const struct pool *pool)
{
	uint64_t size = 0;

	for (size_t i = 0; i < pool->count; i++) {
		uint64_t more = range_size(&pool->prefixes[i]);

		size = size > UINT64_MAX - more ? UINT64_MAX : size + more;
	}
	return size;
}
