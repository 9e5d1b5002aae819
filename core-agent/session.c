/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminals that this core serves: PROTOCOL section 8 from "registered" on.
 *
 *   preparing --register--> registered --core disconnect--> leaving
 *       |                      |   \                          |
 *    abandon            lifetime    \------- release ---------+--> draining --> gone
 *
 * Timers: registered, a visitor's lifetime (an own subscriber's is its binding's); leaving, how
 * long a terminal may stay between cores; draining, how long packets under way are sent back to the
 * home core.
 */
#include "session.h"

#include "binding.h"
#include "log.h"
#include "peer.h"
#include "pool.h"
#include "registration.h"
#include "send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *session_state_name(enum session_state state)
{
	static const char *const names[] = {"preparing", "registered", "leaving", "draining"};

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

/* Takes the session out of the tables that a registration has put it into. */
static void session_unlist(struct session *s)
{
	struct core *core = s->core;

	if (s->access.local_index == 0)
		return;
	HASH_DELETE(hh_index, core->session_indices, s);
	HASH_DELETE(hh_mac, core->session_macs, s);
	if (s->home)
		HASH_DELETE(hh_visitor, s->home->visitors, s);
	access_session_wipe(&s->access);
}

static void session_list(struct session *s)
{
	struct core *core = s->core;

	HASH_ADD(hh_index, core->session_indices, access.local_index, sizeof(uint32_t), s);
	HASH_ADD(hh_mac, core->session_macs, mac, sizeof(s->mac), s);
	if (s->home)
		HASH_ADD(hh_visitor, s->home->visitors, binding, sizeof(s->binding), s);
}

static void session_free(struct session *s)
{
	struct core *core = s->core;

	session_unlist(s);
	HASH_DEL(core->sessions, s);
	timer_cancel(&core->timers, &s->timer);
	timer_cancel(&core->timers, &s->request_timer);
	requests_free(s->requests);
	keys_wipe(s, sizeof(*s));
	free(s);
}

/* Ends a session. A visitor's path and care-of address end with it, a subscriber's path does not.
 */
static void session_end(struct session *s, const char *reason)
{
	struct core *core = s->core;

	log_info("session of %s: %s -> none, %s", s->nai, session_state_name(s->state), reason);
	if (s->registration)
		registration_forget(s->registration);
	if (s->home) {
		forwarding_clear(core, &s->own_path);
		pool_give(core->care_of4, &s->coa);
		pool_give(core->care_of6, &s->coa);
	}
	session_free(s);
}

/* ---- timers -------------------------------------------------------------------------------- */

static void release_home_done(void *context, uint64_t token, enum reason reason,
			      const struct message *answer, usec_t now)
{
	(void)context;
	(void)token;
	(void)answer;
	(void)now;
	log_debug("release to the home core: %s", reason_name(reason));
}

static void release_home(const struct session *s, enum reason reason, usec_t now)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	message_set_number(&m, ATTR_BINDING, s->binding);
	peer_request(s->home, &m, release_home_done, s->binding, now);
}

void session_evict(struct session *s, enum reason reason, usec_t now)
{
	if (s->home) {
		if (s->state == SESSION_REGISTERED || s->state == SESSION_LEAVING)
			release_home(s, reason, now);
		session_end(s, reason_name(reason));
	} else {
		binding_withdraw(s->subscriber, reason, now);
	}
}

static void session_timer(struct timer *timer, void *arg, usec_t now)
{
	struct session *s = arg;

	(void)timer;
	/* A registration in progress owns the path; its end sets the timer again. */
	if (s->registration)
		return;
	session_evict(s,
		      s->state == SESSION_LEAVING ? REASON_TERMINAL_LEFT : REASON_LIFETIME_EXPIRED,
		      now);
}

static void session_request_timer(struct timer *timer, void *arg, usec_t now)
{
	struct session *s = arg;

	timer_set(&s->core->timers, timer, requests_tick(s->requests, now));
}

/* ---- talking to the terminal --------------------------------------------------------------- */

/* Seals one encoded message to the terminal: the channel below its request table. */
static int session_transmit(void *context, const uint8_t *octets, size_t length)
{
	struct session *s = context;
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int sealed;

	if (message_read(&m, PLACE_ACCESS, octets, length) != DROP_NONE)
		return -EINVAL;
	sealed = access_seal(&s->access, &m, datagram, sizeof(datagram));
	message_wipe(&m);
	if (sealed < 0)
		return sealed;
	s->core->counters.sent[octets[0]]++;
	return send_datagram(s->satellite, &s->mac, &s->link_local, datagram, (size_t)sealed);
}

static void terminal_released(void *context, uint64_t token, enum reason reason,
			      const struct message *answer, usec_t now)
{
	(void)context;
	(void)token;
	(void)answer;
	(void)now;
	log_debug("release to a terminal: %s", reason_name(reason));
}

static void release_terminal(struct session *s, enum reason reason, usec_t now)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	request_send(s->requests, &m, terminal_released, s, 0, now);
	timer_set(&s->core->timers, &s->request_timer, now);
}

static void answer_terminal(struct session *s, const struct message *request, enum reason reason,
			    usec_t now)
{
	struct message answer;

	message_init(&answer,
		     reason == REASON_UNSUPPORTED ? MESSAGE_ERROR : message_answer(request->type),
		     request->id);
	message_set_number(&answer, ATTR_REASON, reason);
	request_answer(s->requests, request->id, &answer, now);
}

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

	answer_terminal(s, m, REASON_ACCEPTED, now);
	if (s->home)
		relay(s, m, now);
	else if (!final)
		binding_left(s->subscriber, false, now);
	if (!final)
		session_enter(s, SESSION_LEAVING, deadline, "core disconnect");
	else if (s->home)
		session_end(s, "deregistered");
	else
		binding_left(s->subscriber, true, now);
}

static void terminal_reports(struct session *s, const struct message *m, usec_t now)
{
	answer_terminal(s, m, REASON_ACCEPTED, now);
	handover_measured(s->core, s->binding, m->gap, m->registration_time);
	if (s->home)
		relay(s, m, now);
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
	switch (m->type) {
	case MESSAGE_CORE_DISCONNECT:
		terminal_disconnects(s, m, now);
		break;
	case MESSAGE_HANDOVER_DONE:
		terminal_reports(s, m, now);
		break;
	default:
		answer_terminal(s, m, REASON_UNSUPPORTED, now);
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

struct session *session_prepare(struct core *core, const char *nai, struct peer *home,
				struct subscriber *subscriber)
{
	struct session *s = session_find(core, nai);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
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

void session_abandon(struct session *s)
{
	s->registration = NULL;
	if (s->state == SESSION_PREPARING)
		session_end(s, "not registered");
	else
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

/* The registration done datagram, whose SEALED proves this core and tells its index. */
static int build_done(const struct session *s, struct access_session *access,
		      const struct session_grant *grant, uint8_t *out, size_t capacity)
{
	const struct core *core = s->core;
	struct message registration, done;
	struct message_blob sealed;
	int result;

	message_init(&registration, MESSAGE_REGISTRATION, access->local_index);
	message_set_text(&registration, ATTR_CORE, core->config->name);
	message_set_number(&registration, ATTR_EPOCH, core->epoch);
	message_set_number(&registration, ATTR_MTU, grant->mtu);
	message_set_number(&registration, ATTR_LIFETIME, grant->lifetime);
	message_set_addr(&registration, ATTR_COA, &s->coa);
	result = access_seal_registration(access, &registration, &sealed);
	if (result < 0)
		return result;
	message_init(&done, MESSAGE_REGISTRATION_DONE, grant->terminal_index);
	message_set_blob(&done, ATTR_HANDSHAKE, grant->handshake->bytes, grant->handshake->length);
	message_set_blob(&done, ATTR_SEALED, sealed.bytes, sealed.length);
	return message_write(&done, out, capacity);
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
	length = build_done(s, &access, grant, done, sizeof(done));
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
	s->registration = NULL;
	s->registered = now;
	s->expires = now + (usec_t)grant->lifetime * USEC_PER_SEC;
	memcpy(s->discovery, grant->discovery, sizeof(s->discovery));
	memcpy(s->done, done, (size_t)length);
	s->done_length = (size_t)length;
	session_list(s);
	access_session_wipe(&access);
	session_enter(s, SESSION_REGISTERED, s->home ? s->expires : USEC_NEVER, "registered");
	session_repeat_done(s);
	return 0;
}

void session_repeat_done(struct session *s)
{
	s->core->counters.sent[MESSAGE_REGISTRATION_DONE]++;
	send_datagram(s->satellite, &s->mac, &s->link_local, s->done, s->done_length);
}

/* ---- what other parts decide --------------------------------------------------------------- */

/* Draining: what still comes here goes back to the home core, which knows where the terminal is. */
static void drain(struct session *s, usec_t now)
{
	struct core *core = s->core;
	struct path back = *s->path;

	if (!s->home->uplink) {
		session_end(s, "released");
		return;
	}
	back.kind = PATH_TUNNEL;
	back.tunnel = s->home->uplink;
	back.outer_src = *underlay_end(&core->underlay, back.tunnel);
	back.outer_dst = peer_tunnel_end(s->home, back.tunnel);
	back.key = peer_tunnel_key(s->home);
	back.mtu = underlay_mtu(core->config, back.tunnel);
	if (forwarding_set(core, s->path, &back) < 0) {
		session_end(s, "released");
		return;
	}
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
	/* The terminal is about to register here again; if that fails, the session ends. */
	if (s->registration) {
		session_enter(s, SESSION_DRAINING, now + peer->core->config->timers.drain,
			      "released while registering again");
		return true;
	}
	if (request->reason == REASON_TERMINAL_MOVED) {
		drain(s, now);
		return true;
	}
	release_terminal(s, request->reason, now);
	session_end(s, reason_name(request->reason));
	return true;
}

void session_moved(struct core *core, const char *nai)
{
	struct session *s = session_find(core, nai);

	if (s)
		session_end(s, reason_name(REASON_TERMINAL_MOVED));
}

void session_withdrawn(struct core *core, const char *nai, enum reason reason, usec_t now)
{
	struct session *s = session_find(core, nai);

	if (!s)
		return;
	if (s->requests && reason != REASON_TERMINAL_LEFT)
		release_terminal(s, reason, now);
	session_end(s, reason_name(reason));
}

void session_home_restarted(struct peer *peer, usec_t now)
{
	struct session *s, *next;

	HASH_ITER (hh_visitor, peer->visitors, s, next)
		if (s->state == SESSION_REGISTERED && !s->registration)
			release_terminal(s, REASON_CORE_RESTARTED, now);
}

void session_peer_removed(struct peer *peer, usec_t now)
{
	struct session *s, *next;

	registration_peer_removed(peer);
	HASH_ITER (hh, peer->core->sessions, s, next) {
		if (s->home != peer)
			continue;
		if (s->requests)
			release_terminal(s, REASON_ADMINISTRATIVE, now);
		session_end(s, "peer removed");
	}
}

void session_satellite_removed(struct satellite *satellite, usec_t now)
{
	struct session *s, *next;

	registration_satellite_removed(satellite);
	HASH_ITER (hh, satellite->core->sessions, s, next)
		if (s->satellite == satellite)
			session_evict(s, REASON_ADMINISTRATIVE, now);
}

void sessions_close(struct core *core)
{
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next)
		session_free(s);
}
