/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard of a core: what the kernel has of it, peers, devices and counters; see guard.h. */
#include "guard_image.h"
#include "guard_internal.h"
#include "log.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for terminals: what pools and subscribers are good for, within reason. */
#define ROOM_LEAST 64
#define ROOM_MOST  65536 /* each of subscribers and visitors */

const char *guard_drop_name(enum guard_drop reason)
{
	static const char *const names[GUARD_DROPS] = {
		[GUARD_PROTOCOL] = "access: protocol",	 [GUARD_LINK_LOCAL] = "access: link-local",
		[GUARD_SOURCE] = "access: source",	 [GUARD_LINK_LAYER] = "access: link-layer",
		[GUARD_SATELLITE] = "access: satellite", [GUARD_UNSERVED] = "tunnel: unserved",
		[GUARD_TUNNEL] = "tunnel: binding",	 [GUARD_ELSEWHERE] = "tunnel: source",
		[GUARD_CLEAR] = "tunnel: clear",
	};

	return names[reason];
}

/* ---- peers ---------------------------------------------------------------------------------- */

void guard_peer(const struct peer *peer)
{
	struct guard *g = peer->core->guard;
	const struct message *hello = channel_hello(peer->channel);
	uint32_t i = g ? guard_peer_index(g, peer) : GUARD_PEERS;
	struct guard_peer *p;

	if (i == GUARD_PEERS)
		return;
	p = &g->common->peers[i];
	p->mark = protection_mark(peer);
	if (p->key != peer->tunnel_key) {
		p->key_before = p->key;
		p->key = peer->tunnel_key;
	}
	if (!hello)
		return;
	guard_map_address(p->end4, &hello->tunnel_end4);
	guard_map_address(p->end6, &hello->tunnel_end6);
}

void guard_peer_gone(const struct peer *peer)
{
	struct guard *g = peer->core->guard;
	uint32_t i = g ? guard_peer_index(g, peer) : GUARD_PEERS;

	if (i < GUARD_PEERS)
		memset(&g->common->peers[i], 0, sizeof(g->common->peers[i]));
}

/* ---- devices -------------------------------------------------------------------------------- */

int guard_attach(struct core *core, unsigned int ifindex, enum kernel_guard_place place)
{
	struct guard *g = core->guard;

	/* An earlier run may have had one, which knows nobody who comes new. */
	if (!g)
		return kernel_guard_detach(core->kernel, ifindex);
	g->common->bridge = core->underlay.bridge;
	g->common->keyless = core->underlay.device[KERNEL_TUNNEL_IPIP];
	g->common->hold = core->underlay.holding.device.ifindex;
	return kernel_guard_attach(g->kernel, ifindex, place);
}

void guard_detach(struct core *core, unsigned int ifindex)
{
	if (core->guard && ifindex != 0 && kernel_guard_detach(core->kernel, ifindex) < 0)
		log_warnx("%s", kernel_error(core->kernel));
}

/* ---- opening -------------------------------------------------------------------------------- */

static uint32_t at_most(double wanted, uint32_t most)
{
	return wanted < most ? (uint32_t)wanted : most;
}

static uint32_t room_for(const struct core *core)
{
	double visitors = (double)pool_size(core->care_of4) + (double)pool_size(core->care_of6);
	double homes = (double)pool_size(core->home4) + (double)pool_size(core->home6) +
		       (double)core->config->subscriber_count;

	return ROOM_LEAST + at_most(visitors, ROOM_MOST) + at_most(homes, ROOM_MOST);
}

/* Devices on which an earlier run may have left its guard; the places are counted. */
static size_t devices_of_old(struct core *core, unsigned int devices[KERNEL_TUNNELS])
{
	struct kernel_link link;
	size_t count = 0;

	for (int kind = KERNEL_TUNNEL_NONE + 1; kind < KERNEL_TUNNELS; kind++)
		if (kernel_link_find(core->kernel, kernel_tunnel_device(kind), &link) == 0)
			devices[count++] = link.ifindex;
	return count;
}

static int take_on(const struct kernel_guard_address *address, void *arg)
{
	struct guard *g = arg;
	struct guarded *place;
	struct prefix key;

	memset(&key, 0, sizeof(key));
	key.addr.family = address->prefix.addr.family;
	memcpy(key.addr.bytes, address->prefix.addr.bytes, addr_length(key.addr.family));
	key.length = address->prefix.length;
	if (address->terminal >= g->room)
		return 0;
	place = g->places[address->terminal];
	if (!place)
		place = guard_place_at(g, address->terminal);
	if (!place)
		return -ENOMEM;
	guard_address_add(g, place, &key);
	/* What an earlier run held has gone with it. */
	g->terminals[address->terminal].gate = 0;
	return 0;
}

static int complain(struct core *core, int result)
{
	log_warnx("%s", kernel_error(core->kernel));
	log_warnx("the guard needs Linux 6.0 with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_BPF, and "
		  "CAP_BPF and CAP_PERFMON; core.guard = false does without, and trusts "
		  "terminals and peers");
	guard_close(core);
	return result;
}

static int load(struct core *core, struct guard *g, bool *taken_on)
{
	unsigned int devices[KERNEL_TUNNELS];
	const struct kernel_guard_options options = {
		.program = guard_image,
		/* cppcheck-suppress comparePointers; begin and end of one object, guard_image.c */
		.size = (size_t)(guard_image_end - guard_image),
		.terminals = room_for(core),
		.devices = devices,
		.device_count = devices_of_old(core, devices),
	};
	int result = kernel_guard_open(core->kernel, &options, &g->kernel, taken_on);

	if (result < 0)
		return result;
	g->room = kernel_guard_room(g->kernel);
	g->terminals = kernel_guard_terminals(g->kernel);
	g->common = kernel_guard_common(g->kernel);
	g->common->signalling = core->config->access.port;
	g->places = calloc(g->room, sizeof(struct guarded *));
	return g->places ? kernel_guard_address_each(g->kernel, take_on, g) : -ENOMEM;
}

int guard_open(struct core *core)
{
	bool taken_on;
	int result;

	if (!core->config->guard) {
		log_notice("core.guard is off: what terminals and peers send is not checked");
		return 0;
	}
	core->guard = calloc(1, sizeof(*core->guard));
	if (!core->guard)
		return -ENOMEM;
	result = load(core, core->guard, &taken_on);
	if (result < 0)
		return complain(core, result);
	log_info("guard: room for %u terminals%s", core->guard->room,
		 taken_on ? ", those of an earlier run among them" : "");
	return 0;
}

void guard_close(struct core *core)
{
	struct guard *g = core->guard;

	if (!g)
		return;
	HASH_CLEAR(hh, g->addresses);
	for (uint32_t i = 0; g->places && i < g->room; i++)
		free(g->places[i]);
	free(g->places);
	kernel_guard_close(g->kernel);
	free(g);
	core->guard = NULL;
}

/* An address is nobody's. */
static int release_address(struct core *core, struct guarded_address *a)
{
	struct guard *g = core->guard;
	const struct kernel_guard_address address = {.prefix = a->prefix};
	int result = kernel_guard_address_remove(g->kernel, &address, 1);

	guard_address_drop(g, a);
	return result;
}

/* Peers of an earlier configuration. */
static void sweep_peers(struct core *core)
{
	for (uint32_t i = 0; i < GUARD_PEERS; i++) {
		struct guard_peer *p = &core->guard->common->peers[i];
		const struct peer *peer;
		bool known = false;

		for (peer = core->peers; peer && !known; peer = peer->hh.next)
			known = !memcmp(p->hint, peer->hint, sizeof(p->hint));
		if (!known)
			memset(p, 0, sizeof(*p));
	}
}

int guard_sweep(struct core *core, bool (*claimed)(const struct prefix *prefix, void *arg),
		void *arg)
{
	struct guard *g = core->guard;
	struct guarded_address *a, *next;
	int first = 0;

	if (!g)
		return 0;
	sweep_peers(core);
	HASH_ITER (hh, g->addresses, a, next) {
		int result = claimed(&a->prefix, arg) ? 0 : release_address(core, a);

		if (result < 0 && first == 0)
			first = result;
	}
	return first;
}

/* ---- the hold ------------------------------------------------------------------------------- */

static struct guard_terminal *terminal_of(const struct core *core, const struct path *path)
{
	const struct guarded *place = core->guard ? guard_place_find(core->guard, path) : NULL;

	return place ? &core->guard->terminals[place->terminal] : NULL;
}

void guard_hold_begin(struct core *core, const struct path *path)
{
	struct guard_terminal *terminal = terminal_of(core, path);

	if (terminal)
		terminal->gate = terminal->held = terminal->passed = 0;
}

void guard_hold_passed(struct core *core, const struct path *path, uint64_t packets)
{
	struct guard_terminal *terminal = terminal_of(core, path);

	/* Not before they have: then the kernel lets others go. */
	if (terminal)
		__atomic_store_n(&terminal->passed, packets, __ATOMIC_RELEASE);
}

void guard_hold_gate(struct core *core, const struct path *path, bool shut)
{
	struct guard_terminal *terminal = terminal_of(core, path);

	if (terminal)
		__atomic_store_n(&terminal->gate, shut, __ATOMIC_RELEASE);
}

bool guard_hold_behind(const struct core *core, const struct path *path)
{
	const struct guard_terminal *terminal = terminal_of(core, path);

	return terminal &&
	       (int64_t)(__atomic_load_n(&terminal->held, __ATOMIC_ACQUIRE) - terminal->passed) > 0;
}

/* ---- counters ------------------------------------------------------------------------------- */

bool guard_traffic(const struct core *core, const struct path *path, struct guard_traffic *traffic)
{
	const struct guarded *place = core->guard ? guard_place_find(core->guard, path) : NULL;

	*traffic = (struct guard_traffic){0};
	if (!place)
		return false;
	traffic->up = core->guard->terminals[place->terminal].up;
	traffic->down = core->guard->terminals[place->terminal].down;
	return true;
}

static struct guard_count since(const struct guard_count *now, const struct guard_count *before)
{
	return (struct guard_count){.packets = now->packets - before->packets,
				    .octets = now->octets - before->octets};
}

struct guard_traffic guard_traffic_since(const struct guard_traffic *now,
					 const struct guard_traffic *before)
{
	return (struct guard_traffic){.up = since(&now->up, &before->up),
				      .down = since(&now->down, &before->down)};
}

uint64_t guard_drops(const struct core *core, enum guard_drop reason)
{
	return core->guard ? core->guard->common->drops[reason] : 0;
}
