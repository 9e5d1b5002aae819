/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals that are expected here, until they come or do not; see preparation.h. */
#include "preparation.h"

#include "anticipation.h"
#include "care_of.h"
#include "log.h"
#include "peer.h"
#include "preparation_internal.h"
#include "session.h"
#include "subscriber.h"
#include "walk.h"
#include "way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static timer_fn preparation_timer;

const char *preparation_state_name(enum preparation_state state)
{
	static const char *const names[] = {"waiting", "prepared", "returning", "draining"};

	return names[state];
}

static void preparation_enter(struct preparation *p, enum preparation_state state, usec_t deadline,
			      const char *reason)
{
	char what[NAI_TEXT + 20];

	snprintf(what, sizeof(what), "preparation for %s", p->nai);
	log_transition(what, preparation_state_name(p->state), preparation_state_name(state),
		       reason);
	p->state = state;
	p->deadline = deadline;
	timer_set(&p->core->timers, &p->timer, deadline);
}

/* ---- tables -------------------------------------------------------------------------------- */

struct preparation *preparation_find(const struct core *core, const char *nai)
{
	struct preparation *p;

	HASH_FIND_STR(core->preparations, nai, p);
	return p;
}

struct preparation *preparation_by_tag(const struct core *core, const uint8_t tag[HANDOVER_TAG])
{
	struct preparation *p;

	HASH_FIND(hh_tag, core->preparation_tags, tag, HANDOVER_TAG, p);
	return p;
}

struct preparation *preparation_new(struct core *core, const char *nai,
				    const uint8_t key[KEY_LENGTH])
{
	struct preparation *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->core = core;
	snprintf(p->nai, sizeof(p->nai), "%s", nai);
	memcpy(p->key, key, sizeof(p->key));
	handover_tag(p->tag, key);
	timer_init(&p->timer, preparation_timer, p);
	return p;
}

void preparation_list(struct preparation *p, usec_t deadline)
{
	HASH_ADD_STR(p->core->preparations, nai, p);
	HASH_ADD(hh_tag, p->core->preparation_tags, tag, sizeof(p->tag), p);
	if (p->home)
		HASH_ADD(hh_binding, p->home->prepared, binding, sizeof(p->binding), p);
	preparation_enter(p, PREPARATION_PREPARED, deadline, p->home ? p->home->name : "at home");
}

bool preparation_claim(struct preparation *p)
{
	const struct session *s = session_by_mac(p->core, &p->mac);
	const struct preparation *other;

	HASH_FIND(hh_mac, p->core->preparation_macs, &p->mac, sizeof(p->mac), other);
	if (!p->satellite || p->satellite->port == 0 || !p->linked ||
	    (s && strcmp(s->nai, p->nai) != 0) || (other && strcmp(other->nai, p->nai) != 0))
		return false;
	/* The next link is what a terminal says: nobody draws the packets of all others to it. */
	if (lladdr_equal(&p->mac, &p->core->config->access.gateway_mac))
		return false;
	HASH_ADD(hh_mac, p->core->preparation_macs, mac, sizeof(p->mac), p);
	p->claimed = true;
	return true;
}

static void preparation_unclaim(struct preparation *p)
{
	if (p->claimed)
		HASH_DELETE(hh_mac, p->core->preparation_macs, p);
	p->claimed = false;
}

size_t *preparation_care_of_count(struct peer *home, sa_family_t family)
{
	return &home->prepared_care_of[family == AF_INET6];
}

void preparation_set_care_of(struct preparation *p, const struct addr *coa)
{
	p->coa = *coa;
	++*preparation_care_of_count(p->home, coa->family);
}

void preparation_free(struct preparation *p)
{
	struct core *core = p->core;

	preparation_unclaim(p);
	if (!addr_none(&p->coa))
		--*preparation_care_of_count(p->home, p->coa.family);
	if (p->state == PREPARATION_WAITING) {
		HASH_DEL(core->preparations_waiting, p);
	} else {
		walk_leave(core, p, p->hh.next);
		HASH_DEL(core->preparations, p);
		if (p->home)
			HASH_DELETE(hh_binding, p->home->prepared, p);
	}
	if (p->state == PREPARATION_PREPARED)
		HASH_DELETE(hh_tag, core->preparation_tags, p);
	if (p->release > 0)
		peer_request_cancel(p->home, p->release);
	timer_cancel(&core->timers, &p->timer);
	keys_wipe(p, sizeof(*p));
	free(p);
}

/* ---- the terminal is here, or another one -------------------------------------------------- */

void preparation_take(struct preparation *p, struct path *path, struct addr *coa)
{
	*path = p->path;
	*coa = p->coa;
	preparation_free(p);
}

/* What was led to its next link before that was up is led there no more. */
static void preparation_retract(struct preparation *p)
{
	const struct path way = {.kind = PATH_UNREACHABLE}, nowhere = way_of(&p->homes, &way);

	if (!p->claimed)
		return;
	preparation_unclaim(p);
	if (!p->home)
		anticipation_retracted(p->core, p->binding);
	else if (p->path.kind == PATH_ACCESS && forwarding_set(p->core, &p->path, &nowhere) < 0)
		forwarding_clear(p->core, &p->path);
}

void preparation_give_way(struct core *core, const struct lladdr *mac, const char *nai)
{
	struct preparation *p;

	HASH_FIND(hh_mac, core->preparation_macs, mac, sizeof(*mac), p);
	if (p && strcmp(p->nai, nai) != 0)
		preparation_retract(p);
}

void preparation_satellite_removed(struct satellite *satellite)
{
	struct preparation *p, *next;

	HASH_ITER (hh, satellite->core->preparations, p, next) {
		if (p->satellite != satellite)
			continue;
		preparation_retract(p);
		p->satellite = NULL;
	}
}

void preparation_port_changed(struct satellite *satellite)
{
	struct core *core = satellite->core;
	struct preparation *p, *next;

	HASH_ITER (hh, core->preparations, p, next) {
		int result = 0;

		if (p->satellite != satellite)
			continue;
		if (p->home)
			result = forwarding_port_changed(core, &p->path, satellite->port);
		else if (p->claimed)
			result = anticipation_port_changed(core, p->binding, satellite->port);
		if (result < 0)
			preparation_retract(p);
	}
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void preparation_remove(struct preparation *p, const char *why)
{
	struct core *core = p->core;
	struct addr coa = p->coa;

	log_info("preparation for %s: %s -> none, %s", p->nai, preparation_state_name(p->state),
		 why);
	if (p->home)
		forwarding_clear(core, &p->path);
	preparation_free(p);
	care_of_give(core, &coa);
}

void preparation_end(struct subscriber *subscriber, uint64_t binding)
{
	struct preparation *p = preparation_find(subscriber->core, subscriber->nai);

	if (p && p->binding == binding)
		preparation_remove(p, "over");
}

/* No terminal is let in by it any more. */
static void preparation_close(struct preparation *p, enum preparation_state state, usec_t deadline,
			      const char *reason)
{
	if (p->state == PREPARATION_PREPARED)
		HASH_DELETE(hh_tag, p->core->preparation_tags, p);
	preparation_enter(p, state, deadline, reason);
}

/*
 * The home core leads its packets elsewhere: what is held goes back to it, and for a while what was
 * still under way.
 */
static void preparation_drain(struct preparation *p, const char *reason, usec_t now)
{
	struct path way = way_home(p->home), back = way_of(&p->homes, &way);

	if (p->path.kind == PATH_NONE || back.kind == PATH_NONE ||
	    forwarding_release(p->core, &p->path, &back, now, NULL) < 0) {
		preparation_remove(p, reason);
		return;
	}
	preparation_unclaim(p);
	preparation_close(p, PREPARATION_DRAINING, now + p->core->config->timers.drain, reason);
}

bool preparation_released(struct peer *home, const struct message *request, usec_t now)
{
	struct preparation *p;

	preparations_settle(home->core, now);
	HASH_FIND(hh_binding, home->prepared, &request->binding, sizeof(request->binding), p);
	if (!p)
		return false;
	peer_answer_reason(home, request, REASON_ACCEPTED, now);
	if (p->state == PREPARATION_DRAINING)
		return true;
	if (p->release > 0)
		peer_request_cancel(home, p->release);
	p->release = 0;
	preparation_drain(p, reason_name(request->reason), now);
	return true;
}

/* The home core has answered our release; p is there, or the request would have been cancelled. */
static void preparation_returned(void *context, uint64_t token, enum reason reason,
				 const struct message *answer, usec_t now)
{
	struct preparation *p = (struct preparation *)(uintptr_t)token;

	(void)context;
	p->release = 0;
	/* Where the home addresses lead is not known: sent back, packets could come here again. */
	if (!answer)
		preparation_remove(p, reason_name(reason));
	else
		preparation_drain(p, "given up", now);
}

static void preparation_give_up(struct preparation *p, const char *why, usec_t now)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, p->binding);
	preparation_close(p, PREPARATION_RETURNING, USEC_NEVER, why);
	p->release = peer_request(p->home, &m, preparation_returned, (uintptr_t)p, now);
	if (p->release <= 0)
		preparation_remove(p, "the home core cannot be told");
}

static void preparation_timer(struct timer *timer, void *arg, usec_t now)
{
	struct preparation *p = arg;

	(void)timer;
	if (p->state == PREPARATION_DRAINING)
		preparation_remove(p, "drained");
	else
		preparation_give_up(p, reason_name(REASON_NOT_ARRIVED), now);
}

static void forget_all(struct preparation *table, const struct peer *home, const char *why)
{
	struct preparation *p, *next;

	HASH_ITER (hh, table, p, next)
		if (!home || p->home == home)
			preparation_remove(p, why);
}

void preparation_peer_gone(struct peer *peer, const char *why)
{
	forget_all(peer->core->preparations_waiting, peer, why);
	forget_all(peer->core->preparations, peer, why);
}

void preparation_pools_changed(struct core *core, usec_t now)
{
	struct preparation *p, *next;

	HASH_ITER (hh, core->preparations, p, next)
		if (p->home && p->state == PREPARATION_PREPARED && !care_of_covers(core, &p->coa))
			preparation_give_up(p, "care-of address in no pool", now);
}

void preparations_close(struct core *core)
{
	struct preparation *p, *next;

	HASH_ITER (hh, core->preparations_waiting, p, next)
		preparation_free(p);
	HASH_ITER (hh, core->preparations, p, next)
		preparation_free(p);
}
