/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a core is prepared for a terminal: orders, and what becomes of them in the kernel.
 *
 * What is asked for at one moment, as when a satellite brings a crowd, is given to the kernel in
 * one go: proactive authentications wait in a table of their own until the event loop has read what
 * there was. Only what the kernel has acknowledged is in the other tables.
 *
 * The terminal may still have something here: an older preparation, or the session of a former
 * visit. Its home core has now said where it goes next, so the new preparation takes over path and
 * care-of address in the same change; if the kernel refuses that, the old one has lost nothing.
 */
#include "binding_number.h"
#include "care_of.h"
#include "holding.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "preparation_internal.h"
#include "session.h"
#include "subscriber.h"
#include "way.h"

#include <stdio.h>

/* So many are given to the kernel at once. */
#define TOGETHER 128

/*
 * Where the home addresses lead until the terminal has come. Its home core may lead them here all
 * the same: by our default route they would go back to it, and from there to us again.
 */
static void path_until(struct preparation *p, struct path *until)
{
	if (p->hold)
		*until = (struct path){.kind = PATH_HOLD, .mtu = p->mtu};
	else if (preparation_claim(p))
		*until = way_to_terminal(p->satellite, &p->mac, p->mtu);
	else
		*until = (struct path){.kind = p->home ? PATH_UNREACHABLE : PATH_NONE};
	if (p->linked && p->satellite) {
		until->mac = p->mac;
		until->port = p->satellite->port;
	}
	if (p->home)
		*until = way_of_visitor(until, p->home, &p->coa, p->tunnel_key);
	*until = way_of(&p->homes, until);
}

/* p is what has been accepted, NULL otherwise. */
static void answer(struct peer *home, uint32_t id, enum reason reason, const struct preparation *p,
		   usec_t now)
{
	struct message request, ack;

	message_init(&request, MESSAGE_PROACTIVE_AUTHENTICATION, id);
	message_init(&ack, MESSAGE_PROACTIVE_AUTHENTICATION_ACK, 0);
	message_set_number(&ack, ATTR_REASON, reason);
	if (p) {
		message_set_number(&ack, ATTR_MTU, path_mtu(home, p->tunnel));
		message_set_addr(&ack, ATTR_COA, &p->coa);
		message_set_number(&ack, ATTR_TUNNEL_KIND, p->tunnel);
		message_set_number(&ack, ATTR_TUNNEL_KEY, p->tunnel_key);
		if (p->hold)
			message_set_number(&ack, ATTR_HOLD, 1);
	}
	peer_answer(home, &request, &ack, now);
}

/* ---- all that are waiting ------------------------------------------------------------------ */

/* One preparation on its way into the kernel, and what the terminal has here so far. */
struct plan {
	struct preparation *p;
	struct preparation *older;
	struct session *session;
	struct path wanted;
	enum reason reason;
	struct path_change *change;
};

/*
 * A care-of address: that of the terminal's former visit when it serves, or a new one as long as
 * there is enough for others (PROTOCOL section 15.1): nobody knows yet whether a terminal that a
 * peer announces will come, or exists.
 */
static bool plan_care_of(struct plan *plan)
{
	struct preparation *p = plan->p;
	sa_family_t family = tunnel_family(p->tunnel);
	struct pool *pool = care_of_pool(p->core, family);
	const struct addr *has = plan->older	 ? &plan->older->coa
				 : plan->session ? &plan->session->coa
						 : NULL;
	struct addr coa;

	if (has && has->family == family && pool_covers(pool, has))
		coa = *has;
	else if (*preparation_care_of_count(p->home, family) > pool_size(pool) / 2 ||
		 pool_take(pool, &coa) < 0)
		return false;
	preparation_set_care_of(p, &coa);
	return true;
}

static enum reason plan_make(struct plan *plan)
{
	struct preparation *p = plan->p;
	struct session *s = session_find(p->core, p->nai);

	plan->older = preparation_find(p->core, p->nai);
	plan->session = s && s->home ? s : NULL;
	/* It is on its way in already. */
	if (plan->session && plan->session->registration)
		return REASON_BUSY;
	if ((plan->older && binding_number_spent(p->binding, plan->older->binding)) ||
	    (plan->session && binding_number_spent(p->binding, plan->session->binding)))
		return REASON_STALE_BINDING;
	if (!plan_care_of(plan))
		return REASON_NO_CARE_OF_ADDRESS;
	path_until(p, &plan->wanted);
	return REASON_ACCEPTED;
}

/* The path that the kernel has for the terminal so far. */
static struct path *plan_installed(const struct plan *plan)
{
	if (plan->older)
		return &plan->older->path;
	return plan->session ? &plan->session->own_path : &plan->p->path;
}

static bool keeps_care_of(const struct plan *plan)
{
	const struct addr *coa = &plan->p->coa;

	return (plan->older && addr_equal(coa, &plan->older->coa)) ||
	       (plan->session && addr_equal(coa, &plan->session->coa));
}

/* The kernel has acknowledged: what the terminal had here is the preparation's. */
static void plan_succeed(struct plan *plan, usec_t now)
{
	struct preparation *p = plan->p;
	struct addr former = {.family = AF_UNSPEC};

	HASH_DEL(p->core->preparations_waiting, p);
	if (plan->older)
		preparation_take(plan->older, &p->path, &former);
	else if (plan->session)
		session_supersede(plan->session, &p->path, &former, now);
	if (!addr_equal(&former, &p->coa))
		care_of_give(p->core, &former);
	answer(p->home, p->request, REASON_ACCEPTED, p, now);
	preparation_list(p, p->deadline);
}

static void plan_fail(struct plan *plan, usec_t now)
{
	struct preparation *p = plan->p;
	struct core *core = p->core;
	struct addr coa = {.family = AF_UNSPEC};

	log_info("preparation for %s refused: %s", p->nai, reason_name(plan->reason));
	answer(p->home, p->request, plan->reason, NULL, now);
	if (!keeps_care_of(plan))
		coa = p->coa;
	preparation_free(p);
	care_of_give(core, &coa);
}

static void plan_end(struct plan *plan, usec_t now)
{
	if (plan->reason == REASON_ACCEPTED && plan->change->error < 0)
		plan->reason = REASON_KERNEL_REFUSED;
	if (plan->reason == REASON_ACCEPTED)
		plan_succeed(plan, now);
	else
		plan_fail(plan, now);
}

void preparations_settle(struct core *core, usec_t now)
{
	struct path_change changes[TOGETHER];
	struct plan plans[TOGETHER];
	struct preparation *p;
	size_t count = 0, changed = 0;

	for (p = core->preparations_waiting; p; p = p->hh.next) {
		struct plan *plan = &plans[count++];

		*plan = (struct plan){.p = p};
		channel_gather(p->home->channel);
		plan->reason = plan_make(plan);
		if (plan->reason != REASON_ACCEPTED)
			continue;
		plan->change = &changes[changed++];
		*plan->change = (struct path_change){.installed = plan_installed(plan),
						     .wanted = &plan->wanted};
	}
	if (changed > 0)
		forwarding_set_many(core, changes, changed);
	for (size_t i = 0; i < count; i++) {
		struct peer *home = plans[i].p->home;

		plan_end(&plans[i], now);
		channel_flush(home->channel, now);
	}
}

/* ---- orders -------------------------------------------------------------------------------- */

/* Those that wait may be this peer's, and may be refused yet. */
static bool has_room(const struct peer *home, usec_t now)
{
	if (HASH_CNT(hh_binding, home->prepared) + HASH_COUNT(home->core->preparations_waiting) >=
	    PREPARATIONS_PER_PEER)
		preparations_settle(home->core, now);
	return HASH_CNT(hh_binding, home->prepared) < PREPARATIONS_PER_PEER;
}

/* As far as it is known before the kernel is asked: may this be prepared, and how? */
static enum reason judge(struct peer *home, const struct message *m, enum tunnel_kind *kind,
			 usec_t now)
{
	enum reason reason;

	if (mode_of_peer(home) < MODE_PROACTIVE || !way_permitted(home, m))
		return REASON_NOT_PERMITTED;
	if (!has_room(home, now) || (usec_t)m->expected * USEC_PER_MSEC > PREPARATION_AHEAD)
		return REASON_BUSY;
	reason = peer_tunnel(home, kind);
	if (reason == REASON_ACCEPTED && *kind == TUNNEL_IPIP4 && !message_has(m, ATTR_HOA4))
		reason = REASON_NO_COMMON_TUNNEL;
	return reason;
}

static struct preparation *order(struct peer *home, const struct message *m, const char *nai,
				 enum tunnel_kind kind, usec_t now)
{
	struct core *core = home->core;
	uint16_t mtu = path_mtu(home, kind);
	struct preparation *p = preparation_new(core, nai, m->handover_key);

	if (!p)
		return NULL;
	p->home = home;
	p->request = m->id;
	p->binding = m->binding;
	p->lifetime = m->lifetime;
	p->uplink_delay = m->uplink_delay;
	p->homes.hoa4 = m->hoa4;
	p->homes.hoa6 = m->hoa6;
	p->homes.prefix = m->prefix;
	p->hold = m->hold && mode_of_peer(home) >= MODE_PREDICTIVE && holding_ready(core);
	p->satellite = satellite_find(core, m->next_satellite);
	p->linked = message_has(m, ATTR_LINK_LAYER);
	p->mac = m->link_layer;
	p->mtu = message_has(m, ATTR_MTU) && m->mtu < mtu ? m->mtu : mtu;
	p->tunnel = kind;
	p->tunnel_key = way_fresh_key();
	/* No longer than the binding that is to be made with it. */
	p->deadline = now + usec_min((usec_t)m->expected * USEC_PER_MSEC +
					     core->config->handover.prepared_for,
				     (usec_t)m->lifetime * USEC_PER_SEC);
	return p;
}

void preparation_requested(struct peer *home, const struct message *request, usec_t now)
{
	struct core *core = home->core;
	struct preparation *p;
	enum tunnel_kind kind;
	char nai[NAI_TEXT];
	enum reason reason = judge(home, request, &kind, now);

	snprintf(nai, sizeof(nai), "%s@%s", request->user, home->name);
	HASH_FIND_STR(core->preparations_waiting, nai, p);
	/* Two for one terminal take effect one after the other. */
	if (p || HASH_COUNT(core->preparations_waiting) == TOGETHER)
		preparations_settle(core, now);
	p = reason == REASON_ACCEPTED ? order(home, request, nai, kind, now) : NULL;
	if (p)
		HASH_ADD_STR(core->preparations_waiting, nai, p);
	else
		answer(home, request->id, reason == REASON_ACCEPTED ? REASON_BUSY : reason, NULL,
		       now);
}

enum reason preparation_begin(struct subscriber *subscriber, const struct preparation_order *o,
			      struct path *until)
{
	struct core *core = subscriber->core;
	struct preparation *older = preparation_find(core, subscriber->nai);
	struct preparation *p = preparation_new(core, subscriber->nai, o->handover_key);

	if (!p)
		return REASON_BUSY;
	if (older)
		preparation_free(older);
	p->subscriber = subscriber;
	p->binding = o->binding;
	p->lifetime = o->lifetime;
	p->uplink_delay = o->uplink_delay;
	p->homes.hoa4 = subscriber->hoa4;
	p->homes.hoa6 = subscriber->hoa6;
	p->homes.prefix = subscriber->prefix;
	p->hold = o->hold && holding_ready(core);
	p->satellite = satellite_find(core, o->satellite);
	p->linked = o->link_layer != NULL;
	if (p->linked)
		p->mac = *o->link_layer;
	p->mtu = way_mtu_at_home(o->mtu ? o->mtu : UINT16_MAX);
	path_until(p, until);
	preparation_list(p, USEC_NEVER);
	return REASON_ACCEPTED;
}
