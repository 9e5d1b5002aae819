/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path MTU inside tunnels; see path_mtu.h. */
#include "path_mtu.h"

#include "binding.h"
#include "core.h"
#include "forwarding.h"
#include "guard.h"
#include "keep.h"
#include "kernel.h"
#include "peer.h"
#include "session.h"
#include "subscriber.h"

#define INTERVAL (1 * USEC_PER_SEC)

#define OUTER_DEFAULT 1500 /* where nobody knows */
#define INNER_LEAST   1280 /* IPv6 needs it (RFC 8200 section 5) */
#define DEFAULT4      1400 /* one for all kinds: a move changes no path MTU */
#define DEFAULT6      1360

#define ESP_HEAD    8 /* SPI and sequence number */
#define ESP_IV	    8 /* of either suite */
#define ESP_ICV	    16
#define ESP_ALIGN   4
#define ESP_TRAILER 2 /* pad length and next header */

/* Outer IP header and what is between it and the packet inside. */
static unsigned int encapsulation(enum tunnel_kind kind)
{
	switch (kind) {
	case TUNNEL_GRE4:
		return 20 + 8;
	case TUNNEL_GRE6:
		return 40 + 8;
	case TUNNEL_GPE4:
		return 20 + 8 + 8;
	case TUNNEL_GPE6:
		return 40 + 8 + 8;
	case TUNNEL_IPIP4:
		return 20;
	}
	return 0;
}

unsigned int path_mtu_inside(unsigned int outer, enum tunnel_kind kind, bool protected)
{
	const unsigned int ip = tunnel_family(kind) == AF_INET6 ? 40 : 20;
	unsigned int taken = encapsulation(kind);

	if (protected) {
		const unsigned int around = ip + ESP_HEAD + ESP_IV + ESP_ICV;

		if (outer < around + ESP_ALIGN)
			return 0;
		outer = (outer - around) / ESP_ALIGN * ESP_ALIGN - ESP_TRAILER;
	}
	return outer > taken ? outer - taken : 0;
}

/* Where the underlay takes so much. */
static uint16_t mtu_by(const struct peer *peer, enum tunnel_kind kind, unsigned int outer)
{
	const struct config *config = peer->core->config;
	bool v6 = tunnel_family(kind) == AF_INET6;
	unsigned int most = config->tunnel.mtu, inside;

	if (!most)
		most = v6 ? DEFAULT6 : DEFAULT4;
	inside = path_mtu_inside(outer ? outer : OUTER_DEFAULT, kind, peer->protection.wanted);
	if (inside > most)
		inside = most;
	return (uint16_t)(inside < INNER_LEAST ? INNER_LEAST : inside);
}

uint16_t path_mtu(const struct peer *peer, enum tunnel_kind kind)
{
	const struct path_mtu *p = &peer->path_mtu;

	return mtu_by(peer, kind, tunnel_family(kind) == AF_INET6 ? p->outer6 : p->outer4);
}

/*
 * Of what it is told of a packet of ESP the kernel makes the path MTU to the peer, which is looked
 * at here; of another one, that to its care-of address. And where the underlay takes less than what
 * is sent in any case, it has to fragment.
 */
bool path_mtu_df(const struct peer *peer, enum tunnel_kind kind)
{
	return peer->protection.wanted && tunnel_family(kind) == AF_INET &&
	       path_mtu(peer, kind) > INNER_LEAST;
}

/* What the kernel says of the way to this address; 0: nothing. */
static unsigned int outer_mtu(struct core *core, const struct addr *to)
{
	struct kernel_route route;
	struct kernel_link link;

	if (addr_none(to) || kernel_route_lookup(core->kernel, to, &route) < 0)
		return 0;
	if (route.mtu)
		return route.mtu;
	return kernel_link_get(core->kernel, route.oif, &link) < 0 ? 0 : link.mtu;
}

/* The same way, with what it takes now. */
static struct path renewed(const struct peer *peer, const struct path *way)
{
	struct path path = *way;

	path.mtu = path_mtu(peer, path.tunnel);
	path.df = path_mtu_df(peer, path.tunnel);
	return path;
}

/*
 * The subscribers' routes into this peer's tunnels, also those that are led elsewhere and may lead
 * back, and those of its visitors to it.
 */
static void follow(struct peer *peer)
{
	struct core *core = peer->core;
	struct session *visitor, *next_visitor;
	struct subscriber *s, *next;
	struct path path;

	HASH_ITER (hh, core->subscribers, s, next) {
		if (binding_serving(s) == peer) {
			s->binding.path = renewed(peer, &s->binding.path);
			keep_subscriber(s);
		}
		if (s->path.kind != PATH_TUNNEL || !peer_owns_care_of(peer, &s->path.outer_dst))
			continue;
		path = renewed(peer, &s->path);
		forwarding_set(core, &s->path, &path); /* refused: logged, the old one stays */
	}
	peer_point_uplink(peer);
	HASH_ITER (hh_visitor, peer->visitors, visitor, next_visitor)
		guard_commit(core, visitor->path);
}

/* One family's way; true when tunnels over it carry more or less now. */
static bool look_at(const struct peer *peer, const struct addr *end, unsigned int *outer)
{
	const unsigned int now = outer_mtu(peer->core, end), before = *outer;
	bool changed = false;

	*outer = now;
	for (unsigned int kind = 1; kind <= TUNNEL_KINDS_ALL; kind <<= 1) {
		unsigned int is = mtu_by(peer, kind, now), was = mtu_by(peer, kind, before);

		if (tunnel_family(kind) != end->family || is == was ||
		    !(peer->core->underlay.kinds & kind))
			continue;
		log_notice("peer %s: %s tunnels carry %u octets now, before %u: the underlay %u",
			   peer->name, tunnel_kind_name(kind), is, was, now);
		changed = true;
	}
	return changed;
}

static void look(struct peer *peer)
{
	const struct message *hello = channel_hello(peer->channel);
	bool changed;

	if (!hello)
		return;
	changed = look_at(peer, &hello->tunnel_end4, &peer->path_mtu.outer4);
	if (look_at(peer, &hello->tunnel_end6, &peer->path_mtu.outer6) || changed)
		follow(peer);
}

static void look_timer(struct timer *timer, void *arg, usec_t now)
{
	struct peer *peer = arg;

	look(peer);
	timer_set(&peer->core->timers, timer, now + INTERVAL);
}

void path_mtu_open(struct peer *peer)
{
	timer_init(&peer->path_mtu.timer, look_timer, peer);
}

void path_mtu_close(struct peer *peer)
{
	timer_cancel(&peer->core->timers, &peer->path_mtu.timer);
}

void path_mtu_watch(struct peer *peer, usec_t now)
{
	look(peer);
	timer_set(&peer->core->timers, &peer->path_mtu.timer, now + INTERVAL);
}
