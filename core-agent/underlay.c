/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridge, tunnel devices, pool routes, peers' tables; see underlay.h. */
#include "underlay.h"

#include "core.h"
#include "guard.h"
#include "kernel.h"
#include "log.h"
#include "peer.h"
#include "restore.h"
#include "sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER_METRIC	 100
#define NO_TUNNEL_METRIC 200
#define SWEEP_RETRY	 (10 * USEC_PER_SEC)

const struct addr underlay_gateway = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};

static int complain(const struct core *core, int result, const char *what)
{
	log_warnx("%s: %s", what, kernel_error(core->kernel));
	return result;
}

/* What the kernel does not let go of now is swept up later. */
static void left_behind(struct core *core, const char *what)
{
	complain(core, 0, what);
	underlay_sweep_soon(core);
}

/* ---- kinds --------------------------------------------------------------------------------- */

static enum kernel_tunnel kernel_kind(enum tunnel_kind kind)
{
	switch (kind) {
	case TUNNEL_GRE4:
		return KERNEL_TUNNEL_GRE;
	case TUNNEL_GRE6:
		return KERNEL_TUNNEL_GRE6;
	case TUNNEL_GPE4:
	case TUNNEL_GPE6:
		return KERNEL_TUNNEL_GPE;
	case TUNNEL_IPIP4:
		return KERNEL_TUNNEL_IPIP;
	}
	return KERNEL_TUNNEL_NONE;
}

unsigned int underlay_device(const struct underlay *u, enum tunnel_kind kind)
{
	return u->device[kernel_kind(kind)];
}

const struct addr *underlay_end(const struct underlay *u, enum tunnel_kind kind)
{
	return tunnel_family(kind) == AF_INET6 ? &u->end6 : &u->end4;
}

/* The first address of each family, of tunnel.local or else of core.listen. */
static void choose_ends(struct core *core)
{
	const struct config *c = core->config;
	const struct addr *list = c->tunnel.local_count ? c->tunnel.local : c->listen;
	size_t count = c->tunnel.local_count ? c->tunnel.local_count : c->listen_count;

	for (size_t i = count; i-- > 0;) {
		if (list[i].family == AF_INET)
			core->underlay.end4 = list[i];
		else
			core->underlay.end6 = list[i];
	}
}

/* The kinds that the configuration lets us offer. */
static uint8_t wanted_kinds(const struct config *config)
{
	switch ((enum tunnel_choice)config->tunnel.kind) {
	case TUNNEL_CHOICE_GRE:
		return TUNNEL_GRE4 | TUNNEL_GRE6;
	case TUNNEL_CHOICE_IPIP:
		return TUNNEL_IPIP4;
	case TUNNEL_CHOICE_GPE:
		return TUNNEL_GPE4 | TUNNEL_GPE6;
	case TUNNEL_CHOICE_AUTO:
		break;
	}
	return TUNNEL_KINDS_ALL;
}

static bool have_end(const struct underlay *u, enum tunnel_kind kind)
{
	return !addr_none(underlay_end(u, kind));
}

/* A tunnel device takes packets whose way back leads elsewhere: no reverse path filter there. */
static int device_open(struct core *core, enum tunnel_kind kind)
{
	enum kernel_tunnel k = kernel_kind(kind);
	unsigned int *device = &core->underlay.device[k];
	int result;

	if (*device)
		return 0;
	result = kernel_tunnel_probe(core->kernel, k);
	if (result < 0)
		return result;
	result = kernel_tunnel_ensure(core->kernel, k, 0, device);
	if (result == 0)
		result = guard_attach(core, *device, KERNEL_GUARD_TUNNEL);
	if (result < 0)
		return result;
	return kernel_sysctl_set(core->kernel, "net/ipv4/conf", kernel_tunnel_device(k),
				 "rp_filter", "0");
}

static int devices_open(struct core *core)
{
	struct underlay *u = &core->underlay;
	uint8_t wanted = wanted_kinds(core->config);
	char offered[64] = "";

	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1) {
		int result;

		if (!(wanted & kind) || !have_end(u, kind))
			continue;
		result = device_open(core, kind);
		if (result == -EOPNOTSUPP) {
			log_info("tunnel kind %s: this kernel does not have it",
				 tunnel_kind_name(kind));
			continue;
		}
		if (result < 0)
			return complain(core, result, tunnel_kind_name(kind));
		u->kinds |= (uint8_t)kind;
		snprintf(offered + strlen(offered), sizeof(offered) - strlen(offered), " %s",
			 tunnel_kind_name(kind));
	}
	if (u->kinds == 0) {
		log_warnx("no tunnel kind is left: this kernel has none of those that tunnel.kind "
			  "allows for the families of tunnel.local; load ip_gre, or try "
			  "kind = \"gpe\" (vxlan)");
		return -EOPNOTSUPP;
	}
	log_notice("tunnel kinds offered:%s", offered);
	return 0;
}

/* ---- the access bridge --------------------------------------------------------------------- */

static int bridge_open(struct core *core)
{
	const struct config *c = core->config;
	const struct kernel_bridge options = {.mac = c->access.gateway_mac, .ageing = 300};
	struct kernel_address address = {.addr = underlay_gateway, .length = 64, .nodad = true};
	struct kernel *k = core->kernel;
	const char *bridge = c->access.bridge;
	int result = kernel_bridge_ensure(k, bridge, &options, &core->underlay.bridge);

	if (result < 0)
		return complain(core, result, "access bridge");
	/* The gateway address is the only one: no address of the kernel's own making beside it. */
	result = kernel_sysctl_set(k, "net/ipv6/conf", bridge, "addr_gen_mode", "1");
	if (result == 0)
		result = kernel_sysctl_set(k, "net/ipv6/conf", bridge, "accept_dad", "0");
	if (result == 0)
		result = kernel_sysctl_set(k, "net/ipv6/conf", bridge, "accept_ra", "0");
	/* Two terminals on one bridge still talk through their gateway. */
	if (result == 0)
		result = kernel_sysctl_set(k, "net/ipv4/conf", bridge, "send_redirects", "0");
	if (result == 0)
		result = kernel_sysctl_set(k, "net/ipv4/conf", bridge, "rp_filter", "0");
	address.ifindex = core->underlay.bridge;
	if (result == 0)
		result = kernel_address_replace(k, &address);
	if (result < 0)
		return complain(core, result, bridge);
	return 0;
}

static int host_forwards(struct core *core)
{
	int result = kernel_sysctl_set(core->kernel, "net/ipv4", NULL, "ip_forward", "1");

	if (result == 0)
		result = kernel_sysctl_set(core->kernel, "net/ipv6/conf", "all", "forwarding", "1");
	return result < 0 ? complain(core, result, "forwarding") : 0;
}

/* ---- pools --------------------------------------------------------------------------------- */

/* Any care-of address is ours; a home address without a binding is nobody's (loop protection). */
static struct kernel_route pool_route(const struct prefix *prefix, bool care_of, unsigned int lo)
{
	if (care_of)
		return (struct kernel_route){.dst = *prefix, .type = KERNEL_ROUTE_LOCAL, .oif = lo};
	return (struct kernel_route){
		.dst = *prefix, .type = KERNEL_ROUTE_UNREACHABLE, .metric = UNDERLAY_POOL_METRIC};
}

struct pool_list {
	const struct prefix *prefixes;
	size_t count;
	bool care_of;
};

#define POOL_LISTS 5

static void pool_lists(const struct config *c, struct pool_list lists[POOL_LISTS])
{
	const struct pools_config *p = &c->pools;

	lists[0] = (struct pool_list){p->care_of4, p->care_of4_count, true};
	lists[1] = (struct pool_list){p->care_of6, p->care_of6_count, true};
	lists[2] = (struct pool_list){p->home4, p->home4_count, false};
	lists[3] = (struct pool_list){p->home6, p->home6_count, false};
	lists[4] = (struct pool_list){p->delegated, p->delegated_count, false};
}

/* Is there a route for this prefix and purpose, in whichever pool? */
static bool pool_listed(const struct pool_list lists[POOL_LISTS], const struct prefix *prefix,
			bool care_of)
{
	for (size_t l = 0; l < POOL_LISTS; l++)
		for (size_t i = 0; i < lists[l].count && lists[l].care_of == care_of; i++)
			if (prefix_equal(&lists[l].prefixes[i], prefix))
				return true;
	return false;
}

/* Installs the pool routes of a configuration, except those that another one (or NULL) has. */
static int pools_install(struct core *core, const struct config *config, const struct config *have)
{
	struct pool_list lists[POOL_LISTS], had[POOL_LISTS] = {0};
	struct kernel_link lo;
	int result = kernel_link_find(core->kernel, "lo", &lo);

	pool_lists(config, lists);
	if (have)
		pool_lists(have, had);
	for (size_t l = 0; l < POOL_LISTS && result == 0; l++)
		for (size_t i = 0; i < lists[l].count && result == 0; i++) {
			const struct prefix *prefix = &lists[l].prefixes[i];
			struct kernel_route route =
				pool_route(prefix, lists[l].care_of, lo.ifindex);

			if (!pool_listed(had, prefix, lists[l].care_of))
				result = kernel_route_replace(core->kernel, &route);
		}
	return result < 0 ? complain(core, result, "pools") : 0;
}

/* Removes the pool routes of `from` that `keep` does not have. */
static void pools_remove(struct core *core, const struct config *from, const struct config *keep)
{
	struct pool_list lists[POOL_LISTS], kept[POOL_LISTS];

	pool_lists(from, lists);
	pool_lists(keep, kept);
	for (size_t l = 0; l < POOL_LISTS; l++)
		for (size_t i = 0; i < lists[l].count; i++) {
			const struct prefix *prefix = &lists[l].prefixes[i];
			struct kernel_route route = pool_route(prefix, lists[l].care_of, 0);

			if (!pool_listed(kept, prefix, lists[l].care_of) &&
			    kernel_route_delete(core->kernel, &route) < 0)
				left_behind(core, "pools");
		}
}

int underlay_pools_prepare(struct core *core, const struct config *wanted)
{
	return pools_install(core, wanted, core->config);
}

void underlay_pools_commit(struct core *core, const struct config *wanted)
{
	pools_remove(core, core->config, wanted);
}

void underlay_pools_abort(struct core *core, const struct config *wanted)
{
	pools_remove(core, wanted, core->config);
}

/* ---- peers --------------------------------------------------------------------------------- */

uint32_t underlay_table(const struct peer *peer)
{
	return KERNEL_TABLE_BASE + peer->slot;
}

struct kernel_rule underlay_rule(const struct core *core, const struct peer *peer,
				 const struct prefix *home)
{
	struct kernel_rule rule = {.family = home->addr.family,
				   .priority = KERNEL_RULE_PRIORITY_MIN + peer->slot,
				   .from = *home,
				   .table = underlay_table(peer)};

	snprintf(rule.iif, sizeof(rule.iif), "%s", core->config->access.bridge);
	return rule;
}

/* Without a tunnel the table says unreachable: visitors' packets never leave by our own uplink. */
static struct kernel_route no_tunnel_route(const struct peer *peer, sa_family_t family)
{
	return (struct kernel_route){.dst = {.addr = {.family = family}},
				     .table = underlay_table(peer),
				     .type = KERNEL_ROUTE_UNREACHABLE,
				     .metric = NO_TUNNEL_METRIC};
}

static struct kernel_route tunnel_route(const struct peer *peer, sa_family_t family)
{
	return (struct kernel_route){.dst = {.addr = {.family = family}},
				     .table = underlay_table(peer),
				     .metric = PEER_METRIC};
}

int underlay_peer_add(struct core *core, const struct peer *peer)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	int result = 0;

	for (size_t i = 0; i < 2 && result == 0; i++) {
		struct kernel_route route = no_tunnel_route(peer, families[i]);

		result = kernel_route_replace(core->kernel, &route);
	}
	for (size_t i = 0; i < peer->home_prefix_count && result == 0; i++) {
		struct kernel_rule rule = underlay_rule(core, peer, &peer->home_prefixes[i]);

		result = kernel_rule_add(core->kernel, &rule);
	}
	return result < 0 ? complain(core, result, peer->name) : 0;
}

static bool rule_of(const struct peer *peer, const struct kernel_rule *rule)
{
	for (size_t i = 0; peer && i < peer->home_prefix_count; i++)
		if (prefix_equal(&peer->home_prefixes[i], &rule->from))
			return true;
	return false;
}

void underlay_peer_remove(struct core *core, const struct peer *peer, const struct peer *other)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < peer->home_prefix_count; i++) {
		struct kernel_rule rule = underlay_rule(core, peer, &peer->home_prefixes[i]);

		if (!rule_of(other, &rule) && kernel_rule_delete(core->kernel, &rule) < 0)
			left_behind(core, peer->name);
	}
	if (other)
		return;
	underlay_peer_unroute(core, peer);
	for (size_t i = 0; i < 2; i++) {
		struct kernel_route route = no_tunnel_route(peer, families[i]);

		if (kernel_route_delete(core->kernel, &route) < 0)
			left_behind(core, peer->name);
	}
}

int underlay_peer_route(struct core *core, const struct peer *peer, enum tunnel_kind kind,
			const struct addr *remote, uint32_t key)
{
	const struct underlay *u = &core->underlay;
	static const sa_family_t families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < 2; i++) {
		struct kernel_route route = tunnel_route(peer, families[i]);
		int result;

		route.oif = underlay_device(u, kind);
		route.encap = (struct kernel_encap){.src = *underlay_end(u, kind),
						    .dst = *remote,
						    .key = key,
						    .df = path_mtu_df(peer, kind)};
		route.mtu = path_mtu(peer, kind);
		route.mtu_lock = true;
		/* ipip carries IPv4 only (RFC 2003). */
		if (kind == TUNNEL_IPIP4 && families[i] == AF_INET6)
			result = kernel_route_delete(core->kernel, &route);
		else
			result = kernel_route_replace(core->kernel, &route);
		if (result < 0)
			return complain(core, result, peer->name);
	}
	return 0;
}

void underlay_peer_unroute(struct core *core, const struct peer *peer)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < 2; i++) {
		struct kernel_route route = tunnel_route(peer, families[i]);

		if (kernel_route_delete(core->kernel, &route) < 0)
			left_behind(core, peer->name);
	}
}

/* ---- all together -------------------------------------------------------------------------- */

static void sweep_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;

	if (sweep(core) < 0)
		timer_set(&core->timers, timer, now + SWEEP_RETRY);
}

void underlay_sweep_soon(struct core *core)
{
	struct timer *timer = &core->underlay.sweep;

	/* At the next turn of the loop; but never before an earlier run's leftovers had their time.
	 */
	if (!timer_pending(timer))
		timer_set(&core->timers, timer, 0);
}

/* The devices that there were, maybe under new indices. */
static int devices_restore(struct core *core)
{
	int first = 0;

	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1) {
		int result;

		if (!(core->underlay.kinds & kind))
			continue;
		core->underlay.device[kernel_kind(kind)] = 0;
		result = device_open(core, kind);
		if (result < 0 && first == 0)
			first = complain(core, result, tunnel_kind_name(kind));
	}
	return first;
}

static int peers_restore(struct core *core)
{
	struct peer *peer, *next;
	int first = 0;

	HASH_ITER (hh, core->peers, peer, next) {
		enum tunnel_kind kind;
		int result = underlay_peer_add(core, peer);

		peer->uplink = 0;
		if (peer_tunnel(peer, &kind) == REASON_KERNEL_REFUSED)
			result = -EIO;
		if (first == 0)
			first = result;
	}
	return first;
}

int underlay_restore(struct core *core)
{
	const int results[] = {bridge_open(core),     devices_restore(core),
			       holding_restore(core), pools_install(core, core->config, NULL),
			       peers_restore(core),   protection_restore(core)};

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i] < 0)
			return results[i];
	return 0;
}

int underlay_open(struct core *core, usec_t now)
{
	int result;

	timer_init(&core->underlay.sweep, sweep_timer, core);
	timer_init(&core->underlay.restore, restore_timer, core);
	timer_init(&core->underlay.repair, protection_repair_timer, core);
	choose_ends(core);
	result = host_forwards(core);
	if (result == 0)
		result = bridge_open(core);
	if (result == 0)
		result = guard_open(core);
	if (result == 0)
		result = devices_open(core);
	if (result == 0)
		result = holding_open(core, now);
	if (result == 0)
		result = pools_install(core, core->config, NULL);
	/* What an earlier run left goes on forwarding until its terminals had time to come back. */
	if (result == 0)
		timer_set(&core->timers, &core->underlay.sweep, now + core->config->timers.stale);
	return result;
}

void underlay_close(struct core *core)
{
	holding_close(core);
	guard_close(core);
	timer_cancel(&core->timers, &core->underlay.sweep);
	timer_cancel(&core->timers, &core->underlay.restore);
	timer_cancel(&core->timers, &core->underlay.repair);
}
