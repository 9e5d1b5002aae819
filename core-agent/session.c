/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminals that this core serves: PROTOCOL section 8 from "registered" on.
 *
 *   preparing --register--> registered --core disconnect--> leaving
 *       |                      |  |                          |  |
 *    abandon                   |  +---- moved elsewhere -----|--+--> draining --> gone
 *                              +------- any other end -------+-----> released --> gone
 *
 * Timers: registered, a visitor's lifetime (an own subscriber's is its binding's); leaving, how
 * long a terminal may stay between cores; draining, how long packets under way are sent back to the
 * home core; released, how long the terminal is told, until it acknowledges.
 */
#include "session.h"

#include "binding.h"
#include "log.h"
#include "peer.h"
#include "pool.h"
#include "registration.h"
#include "session_send.h"
#include "subscriber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The retransmissions of one release to the terminal are over by then (PROTOCOL section 12). */
#define RELEASE_WAIT (20 * USEC_PER_SEC)

const char *session_state_name(enum session_state state)
{
	static const char *const names[] = {"preparing", "registered", "leaving", "draining",
					    "released"};

	return names[state];
}

/* The one place where a session's state changes. deadline is when the new state ends by itself. */
static void session_enter(struct session *s, enum session_state state, usec_t deadline,
			  const char *reason)
{
	char what[NAI_TEXT + 16];

	snprintf(what, sizeof(what), "session of %s", s->nai);
	log_transition(what, session_state_name(s->state), session_state_name(state), reason);
	s->state = state;
	s->deadline = deadline;
	timer_set(&s->core->timers, &s->timer, deadline);
}

/* ---- tables -------------------------------------------------------------------------------- */

struct session *session_find(const struct core *core, const char *nai)
{
	struct session *s;

	HASH_FIND_STR(core->sessions, nai, s);
	return s;
}

struct session *session_by_mac(const struct core *core, const struct lladdr *mac)
{
	struct session *s;

	HASH_FIND(hh_mac, core->session_macs, mac, sizeof(*mac), s);
	return s;
}

struct session *session_by_index(const struct core *core, uint32_t index)
{
	struct session *s;

	HASH_FIND(hh_index, core->session_indices, &index, sizeof(index), s);
	return s;
}

struct satellite *session_satellite(const struct session *s)
{
	return s->registration ? s->registration->satellite : s->satellite;
}

/*
 * The Ethernet address that the session's path uses, or is about to: no two paths share one, since
 * each would take the other's neighbour and bridge entry away. NULL: none any more.
 */
static void session_claim(struct session *s, const struct lladdr *mac)
{
	struct core *core = s->core;

	if (s->claimed)
		HASH_DELETE(hh_mac, core->session_macs, s);
	s->claimed = mac != NULL;
	if (!mac)
		return;
	s->claim = *mac;
	HASH_ADD(hh_mac, core->session_macs, claim, sizeof(s->claim), s);
}

/* Takes the session out of the tables that a registration has put it into. */
static void session_unlist(struct session *s)
{
	if (s->access.local_index == 0)
		return;
	HASH_DELETE(hh_index, s->core->session_indices, s);
	if (s->home)
		HASH_DELETE(hh_visitor, s->home->visitors, s);
	access_session_wipe(&s->access);
}

static void session_list(struct session *s)
{
	HASH_ADD(hh_index, s->core->session_indices, access.local_index, sizeof(uint32_t), s);
	if (s->home)
		HASH_ADD(hh_visitor, s->home->visitors, binding, sizeof(s->binding), s);
}

static void session_free(struct session *s)
{
	struct core *core = s->core;

	session_unlist(s);
	session_claim(s, NULL);
	HASH_DEL(core->sessions, s);
	timer_cancel(&core->timers, &s->timer);
	timer_cancel(&core->timers, &s->request_timer);
	requests_free(s->requests);
	keys_wipe(s, sizeof(*s));
	free(s);
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void give_care_of(struct core *core, struct addr *coa)
{
	pool_give(core->care_of4, coa);
	pool_give(core->care_of6, coa);
	*coa = (struct addr){.family = AF_UNSPEC};
}

/*
 * Lets go of all that serving took. A visitor's path and care-of address end here; a subscriber's
 * path belongs to its binding. What is left of the session is nobody's.
 */
static void session_detach(struct session *s, enum reason reason, usec_t now)
{
	if (s->registration)
		registration_drop(s->registration, reason, now);
	if (s->home) {
		forwarding_clear(s->core, &s->own_path);
		give_care_of(s->core, &s->coa);
		if (s->access.local_index != 0)
			HASH_DELETE(hh_visitor, s->home->visitors, s);
	}
	session_claim(s, NULL);
	s->home = NULL;
	s->subscriber = NULL;
	s->path = &s->own_path;
}

static void session_end(struct session *s, enum reason reason, const char *why, usec_t now)
{
	log_info("session of %s: %s -> none, %s", s->nai, session_state_name(s->state), why);
	session_detach(s, reason, now);
	session_free(s);
}

/* The terminal has acknowledged, or was told often enough. */
static void terminal_told(void *context, uint64_t token, enum reason reason,
			  const struct message *answer, usec_t now)
{
	struct session *s = context;

	(void)token;
	(void)answer;
	log_debug("release to %s: %s", s->nai, reason_name(reason));
	/* Not here: this is called by the session's own requests. */
	if (s->state == SESSION_RELEASED)
		timer_set(&s->core->timers, &s->timer, now);
}

/* Ends a session whose terminal may still believe in it: then that is told to register again. */
static void session_dismiss(struct session *s, enum reason reason, usec_t now)
{
	if (!s->requests || !s->satellite || s->state == SESSION_RELEASED ||
	    reason == REASON_TERMINAL_LEFT || reason == REASON_LIFETIME_EXPIRED) {
		session_end(s, reason, reason_name(reason), now);
		return;
	}
	session_detach(s, reason, now);
	session_tell_release(s, reason, terminal_told, now);
	session_enter(s, SESSION_RELEASED, now + RELEASE_WAIT, reason_name(reason));
}

void session_evict(struct session *s, enum reason reason, usec_t now)
{
	if (s->subscriber) {
		binding_withdraw(s->subscriber, reason, now);
		return;
	}
	if (s->home && (s->state == SESSION_REGISTERED || s->state == SESSION_LEAVING))
		peer_release(s->home, s->binding, reason, now);
	session_dismiss(s, reason, now);
}

/* ---- timers -------------------------------------------------------------------------------- */

static void session_timer(struct timer *timer, void *arg, usec_t now)
{
	struct session *s = arg;

	(void)timer;
	/* A registration in progress owns the path; its end sets the timer again. */
	if (s->registration)
		return;
	if (s->state == SESSION_DRAINING)
		session_end(s, REASON_TERMINAL_MOVED, "drained", now);
	else if (s->state == SESSION_RELEASED)
		session_end(s, REASON_TERMINAL_LEFT, "told", now);
	else if (s->state == SESSION_LEAVING)
		session_evict(s, REASON_TERMINAL_LEFT, now);
	else
		session_evict(s, REASON_LIFETIME_EXPIRED, now);
}

static void session_request_timer(struct timer *timer, void *arg, usec_t now)
{
	struct session *s = arg;

	timer_set(&s->core->timers, timer, requests_tick(s->requests, now));
}

/* ---- what the terminal says ----------------------------------------------------------------- */

static void relayed(void *context, uint64_t token, enum reason reason, const struct message *answer,
		    usec_t now)
{
	(void)context;
	(void)answer;
	(void)now;
	log_debug("relayed for binding %llu: %s", (unsigned long long)token, reason_name(reason));
}

/* Passes a terminal's message on to its home core, under the binding that home knows. */
static void relay(struct session *s, const struct message *from_terminal, usec_t now)
{
	struct message m = *from_terminal;

	m.id = 0;
	message_set_number(&m, ATTR_BINDING, s->binding);
	peer_request(s->home, &m, relayed, s->binding, now);
}

/* The draft's core disconnect: acknowledged at once, so that the link switch does not wait for
 * home. */
static void terminal_disconnects(struct session *s, const struct message *m, usec_t now)
{
	bool final = message_has(m, ATTR_LIFETIME) && m->lifetime == 0;
	usec_t deadline = now + s->core->config->timers.leave;

	session_answer(s, m, REASON_ACCEPTED, now);
	if (s->home)
		relay(s, m, now);
	else if (!final)
		binding_left(s->subscriber, false, now);
	if (!final)
		session_enter(s, SESSION_LEAVING, deadline, "core disconnect");
	else if (s->home)
		session_end(s, REASON_TERMINAL_LEFT, "deregistered", now);
	else
		binding_left(s->subscriber, true, now);
}

static void terminal_reports(struct session *s, const struct message *m, usec_t now)
{
	session_answer(s, m, REASON_ACCEPTED, now);
	if (s->home)
		relay(s, m, now);
	else
		handover_measured(s->core, s->binding, m);
}

static void session_message(struct session *s, const struct message *m, usec_t now)
{
	if (message_is_answer(m->type)) {
		request_answered(s->requests, m, now);
		return;
	}
	if (!message_is_request(m->type) || request_arrived(s->requests, m, now) != REQUEST_NEW)
		return;
	timer_set(&s->core->timers, &s->request_timer, now);
	if (s->state != SESSION_REGISTERED && s->state != SESSION_LEAVING) {
		session_answer(s, m, REASON_STALE_BINDING, now);
		return;
	}
	switch (m->type) {
	case MESSAGE_CORE_DISCONNECT:
		terminal_disconnects(s, m, now);
		break;
	case MESSAGE_HANDOVER_DONE:
		terminal_reports(s, m, now);
		break;
	default:
		session_answer(s, m, REASON_UNSUPPORTED, now);
		break;
	}
}

enum drop session_receive(struct session *s, struct satellite *satellite, const struct lladdr *mac,
			  const uint8_t *datagram, size_t length, usec_t now)
{
	struct message m;
	enum drop drop = access_open(&s->access, datagram, length, &m);

	if (drop != DROP_NONE)
		return drop;
	s->core->counters.received[m.type & 0xff]++;
	/* Authentic, but not from where it registered: a copy sent by somebody else counts for
	 * nothing. */
	if (satellite == s->satellite && lladdr_equal(mac, &s->mac))
		session_message(s, &m, now);
	message_wipe(&m);
	return DROP_NONE;
}

/* ---- registration -------------------------------------------------------------------------- */

static struct session *session_new(struct core *core, const char *nai, struct peer *home,
				   struct subscriber *subscriber)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	snprintf(s->nai, sizeof(s->nai), "%s", nai);
	s->core = core;
	s->home = home;
	s->subscriber = subscriber;
	s->path = subscriber ? &subscriber->path : &s->own_path;
	s->state = SESSION_PREPARING;
	s->deadline = USEC_NEVER;
	timer_init(&s->timer, session_timer, s);
	timer_init(&s->request_timer, session_request_timer, s);
	HASH_ADD_STR(core->sessions, nai, s);
	return s;
}

struct session *session_prepare(struct core *core, const char *nai, struct peer *home,
				struct subscriber *subscriber, const struct lladdr *mac, usec_t now)
{
	struct session *s = session_find(core, nai);

	/* It registers again: no need to go on asking it to. */
	if (s && s->state == SESSION_RELEASED) {
		session_end(s, REASON_TERMINAL_MOVED, "registers again", now);
		s = NULL;
	}
	if (!s)
		s = session_new(core, nai, home, subscriber);
	if (s)
		session_claim(s, mac);
	return s;
}

void session_abandon(struct session *s, usec_t now)
{
	if (s->state == SESSION_PREPARING) {
		session_end(s, REASON_TERMINAL_LEFT, "not registered", now);
		return;
	}
	session_claim(s, s->path->kind == PATH_ACCESS ? &s->path->mac : NULL);
	timer_set(&s->core->timers, &s->timer, s->deadline);
}

static uint32_t fresh_index(const struct core *core)
{
	uint32_t index;

	do
		keys_random(&index, sizeof(index));
	while (index == 0 || session_by_index(core, index));
	return index;
}

int session_register(struct session *s, const struct session_grant *grant, usec_t now)
{
	struct core *core = s->core;
	const struct request_ops ops = {.transmit = session_transmit, .context = s};
	struct requests *requests = requests_new(&ops);
	uint8_t done[SNO_DATAGRAM_MAX];
	struct access_session access;
	int length;

	if (!requests)
		return -ENOMEM;
	access_session_init(&access, grant->access_key, true);
	access.local_index = fresh_index(core);
	access.remote_index = grant->terminal_index;
	length = session_build_done(s, &access, grant, done, sizeof(done));
	if (length < 0) {
		requests_free(requests);
		access_session_wipe(&access);
		return length;
	}
	session_unlist(s);
	requests_free(s->requests);
	timer_cancel(&core->timers, &s->request_timer);
	s->requests = requests;
	s->access = access;
	s->satellite = grant->satellite;
	s->mac = grant->mac;
	s->link_local = grant->link_local;
	s->binding = grant->binding;
	if (!addr_equal(&s->coa, &grant->coa))
		give_care_of(core, &s->coa);
	s->coa = grant->coa;
	s->registration = NULL;
	s->registered = now;
	s->expires = now + (usec_t)grant->lifetime * USEC_PER_SEC;
	memcpy(s->discovery, grant->discovery, sizeof(s->discovery));
	memcpy(s->done, done, (size_t)length);
	s->done_length = (size_t)length;
	session_list(s);
	session_claim(s, &s->mac);
	access_session_wipe(&access);
	session_enter(s, SESSION_REGISTERED, s->home ? s->expires : USEC_NEVER, "registered");
	session_repeat_done(s);
	return 0;
}

/* ---- what other parts decide --------------------------------------------------------------- */

/* Draining: what still comes here goes back to the home core, which knows where the terminal is. */
static void drain(struct session *s, usec_t now)
{
	struct core *core = s->core;
	struct path back = *s->path;

	if (s->home->uplink) {
		back.kind = PATH_TUNNEL;
		back.tunnel = s->home->uplink;
		back.outer_src = *underlay_end(&core->underlay, back.tunnel);
		back.outer_dst = peer_tunnel_end(s->home, back.tunnel);
		back.key = peer_tunnel_key(s->home);
		back.mtu = underlay_mtu(core->config, back.tunnel);
	}
	if (!s->home->uplink || forwarding_set(core, s->path, &back) < 0) {
		session_end(s, REASON_TERMINAL_MOVED, "released", now);
		return;
	}
	session_claim(s, NULL);
	session_enter(s, SESSION_DRAINING, now + core->config->timers.drain, "released");
}

bool session_released(struct peer *peer, const struct message *request, usec_t now)
{
	struct session *s;

	HASH_FIND(hh_visitor, peer->visitors, &request->binding, sizeof(request->binding), s);
	if (!s)
		return false;
	peer_answer_reason(peer, request, REASON_ACCEPTED, now);
	if (s->state == SESSION_DRAINING)
		return true;
	if (s->registration)
		/* The terminal is about to register here again; if that fails, the session ends. */
		session_enter(s, SESSION_DRAINING, now + peer->core->config->timers.drain,
			      "released while registering again");
	else if (request->reason == REASON_TERMINAL_MOVED)
		drain(s, now);
	else
		session_dismiss(s, request->reason, now);
	return true;
}

void session_moved(struct core *core, const char *nai, usec_t now)
{
	struct session *s = session_find(core, nai);

	if (s)
		session_end(s, REASON_TERMINAL_MOVED, reason_name(REASON_TERMINAL_MOVED), now);
}

void session_withdrawn(struct core *core, const char *nai, enum reason reason, usec_t now)
{
	struct session *s = session_find(core, nai);

	if (s)
		session_dismiss(s, reason, now);
}

void session_home_restarted(struct peer *peer, usec_t now)
{
	struct session *s, *next;

	HASH_ITER (hh_visitor, peer->visitors, s, next)
		if (s->state == SESSION_REGISTERED && !s->registration)
			session_tell_release(s, REASON_CORE_RESTARTED, terminal_told, now);
}

void session_peer_removed(struct peer *peer, usec_t now)
{
	struct session *s, *next;

	registration_peer_removed(peer, now);
	HASH_ITER (hh, peer->core->sessions, s, next)
		if (s->home == peer)
			session_dismiss(s, REASON_ADMINISTRATIVE, now);
}

void session_satellite_removed(struct satellite *satellite, usec_t now)
{
	struct session *s, *next;

	registration_satellite_removed(satellite, now);
	HASH_ITER (hh, satellite->core->sessions, s, next) {
		if (s->satellite != satellite)
			continue;
		/* There is no way to its terminal any more, not even to tell it. */
		s->satellite = NULL;
		if (s->state == SESSION_RELEASED)
			session_end(s, REASON_ADMINISTRATIVE, "satellite removed", now);
		else
			session_evict(s, REASON_ADMINISTRATIVE, now);
	}
}

void session_port_changed(struct satellite *satellite, usec_t now)
{
	struct core *core = satellite->core;
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next) {
		struct path path = *s->path;
		int result;

		if (session_satellite(s) != satellite || path.kind != PATH_ACCESS)
			continue;
		path.port = satellite->port;
		if (path_equal(&path, s->path))
			result = forwarding_restore(core, s->path);
		else
			result = forwarding_set(core, s->path, &path);
		if (result < 0)
			session_evict(s, REASON_KERNEL_REFUSED, now);
	}
}

void session_pools_changed(struct core *core, usec_t now)
{
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next) {
		const struct addr *coa = s->registration ? &s->registration->coa : &s->coa;
		const struct pool *pool = coa->family == AF_INET6 ? core->care_of6 : core->care_of4;

		if (s->home && !addr_none(coa) && !pool_covers(pool, coa))
			session_evict(s, REASON_ADMINISTRATIVE, now);
	}
}

void sessions_close(struct core *core)
{
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next)
		session_free(s);
}
