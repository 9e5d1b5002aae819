/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where packets to a protected peer would go if nothing protected them: nowhere.
 *
 * A policy that somebody has removed is put back within moments (protection_kernel.c), in which
 * tunnel packets would leave in clear text. So the route that the kernel looks for before it asks
 * for policies leads each such packet back into a tunnel device, which drops what comes without
 * directions (for a loop, or for want of a destination). A policy takes another route, to the
 * tunnel end of the peer, for its ESP packets, which are of another protocol.
 *
 * The routes follow from the policies out. They are in a table of their own, found by rules for
 * this host's own packets of the protocols of tunnels.
 */
#include "peer.h"
#include "protection_internal.h"

#include <stdio.h>
#include <string.h>

#define MTU 65535 /* what a policy makes of the packet is what has to fit, somewhere else */

/* A tunnel device for outer packets of this family. */
static unsigned int device_of(const struct underlay *u, sa_family_t family)
{
	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1)
		if (u->kinds & kind && tunnel_family(kind) == family)
			return underlay_device(u, kind);
	return 0;
}

static struct kernel_rule rule_of(const struct kernel_policy *policy)
{
	return (struct kernel_rule){.family = policy->dst.addr.family,
				    .priority = KERNEL_RULE_PRIORITY_MAX,
				    .iif = "lo",
				    .proto = policy->proto,
				    .dport = policy->dport,
				    .table = KERNEL_TABLE_CLEAR};
}

static struct kernel_route route_of(const struct core *core, const struct kernel_policy *policy)
{
	return (struct kernel_route){.dst = policy->dst,
				     .table = KERNEL_TABLE_CLEAR,
				     .oif = device_of(&core->underlay, policy->dst.addr.family),
				     .mtu = MTU};
}

int protection_way_install(struct core *core, const struct kernel_policy *policy)
{
	const struct kernel_route route = route_of(core, policy);
	const struct kernel_rule rule = rule_of(policy);
	int result = kernel_route_replace(core->kernel, &route);

	return result < 0 ? result : kernel_rule_add(core->kernel, &rule);
}

static int remove_route(struct core *core, const struct kernel_policy *policy, void *arg)
{
	const struct kernel_route route = route_of(core, policy);
	int *first = arg, result = 0;

	if (policy->direction == KERNEL_OUT)
		result = kernel_route_delete(core->kernel, &route);
	if (result < 0 && *first == 0)
		*first = result;
	return 0;
}

int protection_ways_remove(const struct peer *peer)
{
	int first = 0;

	protection_policies(peer->core, peer, remove_route, &first);
	return first;
}

/* ---- sweeping ------------------------------------------------------------------------------ */

static int same_route(struct core *core, const struct kernel_policy *policy, void *arg)
{
	const struct kernel_route *route = arg;

	(void)core;
	return policy->direction == KERNEL_OUT && prefix_equal(&policy->dst, &route->dst);
}

static int same_rule(struct core *core, const struct kernel_policy *policy, void *arg)
{
	const struct kernel_rule *rule = arg;

	(void)core;
	return policy->direction == KERNEL_OUT && policy->dst.addr.family == rule->family &&
	       policy->proto == rule->proto && policy->dport == rule->dport;
}

/* Does any peer want a policy for which this is true? */
static bool wanted(struct core *core, protection_policy_fn same, void *arg)
{
	struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next)
		if (protection_policies(core, peer, same, arg) != 0)
			return true;
	return false;
}

bool protection_claims_route(struct core *core, const struct kernel_route *route)
{
	struct kernel_route copy = *route;

	return wanted(core, same_route, &copy);
}

bool protection_claims_rule(struct core *core, const struct kernel_rule *rule)
{
	struct kernel_rule copy = *rule;

	return wanted(core, same_rule, &copy);
}
