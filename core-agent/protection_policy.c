/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which policies are wanted (PROTOCOL section 16.5); see protection.h.
 *
 * A table of what carries tunnels, crossed with the addresses that tunnels end at.
 */
#include "core.h"
#include "guard_layout.h"
#include "peer.h"
#include "protection.h"

#include <netinet/in.h>

#define PRIORITY_ALLOW 8300
#define PRIORITY_BLOCK 8400

static const struct carrier {
	enum tunnel_kind kind;
	uint8_t proto;
	uint16_t port;
} carriers[] = {
	{TUNNEL_GRE4, IPPROTO_GRE, 0},
	{TUNNEL_GRE6, IPPROTO_GRE, 0},
	{TUNNEL_GPE4, IPPROTO_UDP, KERNEL_GPE_PORT},
	{TUNNEL_GPE6, IPPROTO_UDP, KERNEL_GPE_PORT},
	{TUNNEL_IPIP4, IPPROTO_IPIP, 0},
};

/* A list in the making: what all of its policies have in common. */
struct listing {
	struct core *core;
	struct kernel_policy policy;
	protection_policy_fn each;
	void *arg;
};

bool protection_in_force(const struct core *core)
{
	const struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next)
		if (peer->protection.wanted)
			return true;
	return false;
}

uint32_t protection_reqid(const struct peer *peer)
{
	return KERNEL_REQID_BASE + peer->slot;
}

_Static_assert(PEER_SLOTS < 0xff, "each peer's mark is another one, and none is 0");

uint32_t protection_mark(const struct peer *peer)
{
	return peer->protection.wanted ? (peer->slot + 1U) << GUARD_MARK_SHIFT : 0;
}

/* To one address or prefix, by each carrier of its family that this core offers. */
static int to_prefix(struct listing *l, const struct prefix *dst)
{
	sa_family_t family = dst->addr.family;
	int result = 0;

	l->policy.dst = *dst;
	if (l->policy.src.addr.family == AF_UNSPEC)
		l->policy.src = (struct prefix){.addr.family = family};
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]) && result == 0; i++) {
		if (tunnel_family(carriers[i].kind) != family ||
		    !(l->core->underlay.kinds & carriers[i].kind))
			continue;
		l->policy.proto = carriers[i].proto;
		l->policy.dport = carriers[i].port;
		result = l->each(l->core, &l->policy, l->arg);
	}
	return result;
}

static int to_prefixes(struct listing *l, const struct prefix *list, size_t count,
		       sa_family_t family)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		if (list[i].addr.family == family)
			result = to_prefix(l, &list[i]);
	return result;
}

/* To where tunnels to us end. */
static int to_us(struct listing *l, sa_family_t family)
{
	const struct pools_config *p = &l->core->config->pools;
	const struct underlay *u = &l->core->underlay;
	const struct prefix end = prefix_of(family == AF_INET6 ? &u->end6 : &u->end4);
	int result;

	if (prefix_none(&end))
		return 0;
	l->policy.direction = KERNEL_IN;
	result = family == AF_INET6 ? to_prefixes(l, p->care_of6, p->care_of6_count, family)
				    : to_prefixes(l, p->care_of4, p->care_of4_count, family);
	return result == 0 ? to_prefix(l, &end) : result;
}

/* Anybody's tunnel packets to us: below what peers are allowed. */
static int of_core(struct listing *l)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	int result = 0;

	for (size_t i = 0; i < 2 && result == 0; i++) {
		l->policy = (struct kernel_policy){
			.priority = PRIORITY_BLOCK, .block = true, .reqid = KERNEL_REQID_CORE};
		result = to_us(l, families[i]);
	}
	return result;
}

/* What the peer sends. */
static int from_peer(struct listing *l, const struct peer *peer, sa_family_t family,
		     const struct addr *own, const struct addr *theirs)
{
	l->policy = (struct kernel_policy){.src = prefix_of(theirs),
					   .priority = PRIORITY_ALLOW,
					   .optional = !peer->protection.wanted,
					   .reqid = protection_reqid(peer),
					   .tunnel_src = *theirs,
					   .tunnel_dst = *own};
	return to_us(l, family);
}

/*
 * What is sent to the peer, whatever source address: ip6gre asks for the policy before it has
 * chosen one. While there is no association yet it is dropped.
 */
static int to_peer(struct listing *l, const struct peer *peer, sa_family_t family,
		   const struct addr *own, const struct addr *theirs)
{
	const struct prefix end = prefix_of(theirs);
	int result;

	l->policy = (struct kernel_policy){.direction = KERNEL_OUT,
					   .priority = PRIORITY_ALLOW,
					   .block = peer->protection.out == 0 || prefix_none(&end),
					   .reqid = protection_reqid(peer),
					   .tunnel_src = *own,
					   .tunnel_dst = *theirs};
	result = to_prefixes(l, peer->care_of_prefixes, peer->care_of_prefix_count, family);
	return result == 0 && !prefix_none(&end) ? to_prefix(l, &end) : result;
}

static int of_peer(struct listing *l, const struct peer *peer)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	const struct protection *p = &peer->protection;
	int result = 0;

	for (size_t i = 0; i < 2 && result == 0; i++) {
		bool v6 = families[i] == AF_INET6;
		const struct addr *own = v6 ? &l->core->underlay.end6 : &l->core->underlay.end4;
		const struct addr *theirs = v6 ? &p->end6 : &p->end4;

		if (addr_none(own))
			continue;
		if (!addr_none(theirs))
			result = from_peer(l, peer, families[i], own, theirs);
		if (result == 0 && p->wanted)
			result = to_peer(l, peer, families[i], own, theirs);
	}
	return result;
}

int protection_policies(struct core *core, const struct peer *peer, protection_policy_fn each,
			void *arg)
{
	struct listing listing = {.core = core, .each = each, .arg = arg};

	if (peer)
		return of_peer(&listing, peer);
	return of_core(&listing);
}
