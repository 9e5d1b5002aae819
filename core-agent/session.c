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
#include "care_of.h"
#include "drain.h"
#include "keep.h"
#include "log_event.h"
#include "peer.h"
#include "preparation.h"
#include "registration.h"
#include "release.h"
#include "session_send.h"
#include "session_table.h"
#include "subscriber.h"
#include "walk.h"
#include "way.h"

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
static void state_enter(struct session *s, enum session_state state, usec_t deadline)
{
	s->state = state;
	s->deadline = deadline;
	timer_set(&s->core->timers, &s->timer, deadline);
}

/* It enters another state, and why. */
static void session_enter(struct session *s, enum session_state state, usec_t deadline,
			  const char *reason)
{
	char what[NAI_TEXT + 16];

	snprintf(what, sizeof(what), "session of %s", s->nai);
	log_transition_event(&(struct log_about){.event = LOG_EVENT_STATE,
						 .terminal = s->nai,
						 .peer = s->home ? s->home->name : NULL},
			     what, session_state_name(s->state), session_state_name(state), reason);
	state_enter(s, state, deadline);
	keep_session(s);
}

struct satellite *session_satellite(const struct session *s)
{
	return s->registration ? s->registration->satellite : s->satellite;
}

bool session_admits(struct core *core, const struct satellite *satellite, const struct lladdr *mac,
		    const char *nai, usec_t now)
{
	struct session *s = session_by_mac(core, mac);
	char text[LLADDR_TEXT];

	if (!s || !strcmp(s->nai, nai))
		return true;
	if (session_satellite(s) != satellite) {
		log_warnx("terminal %s on satellite %s uses the Ethernet address %s of %s; refused",
			  nai, satellite->name, lladdr_format(mac, text), s->nai);
		return false;
	}
	session_evict(s, REASON_TERMINAL_LEFT, now);
	return true;
}

/* Over which satellite it is from now on; NULL: none. */
static void session_over(struct session *s, struct satellite *satellite)
{
	if (s->satellite)
		s->satellite->terminals--;
	s->satellite = satellite;
	if (satellite)
		satellite->terminals++;
}

static void session_free(struct session *s)
{
	struct core *core = s->core;

	keep_forget_session(s);
	session_unlist(s);
	session_claim(s, NULL);
	session_over(s, NULL);
	walk_leave(core, s, s->hh.next);
	HASH_DEL(core->sessions, s);
	timer_cancel(&core->timers, &s->timer);
	timer_cancel(&core->timers, &s->request_timer);
	requests_free(s->requests);
	keys_wipe(s, sizeof(*s));
	free(s);
}

/* A visitor's account with this core; those of subscribers are their bindings'. */
static void account_close(struct session *s, usec_t now)
{
	if (s->home)
		accounting_close(s->core, &s->account, s->path, s->nai, s->home->name,
				 s->core->config->name, now);
}

/* ---- ends ---------------------------------------------------------------------------------- */

/*
 * Lets go of all that serving took. A visitor's path and care-of address end here; a subscriber's
 * path belongs to its binding. What is left of the session is nobody's.
 */
static void session_detach(struct session *s, enum reason reason, usec_t now)
{
	account_close(s, now);
	if (s->registration)
		registration_drop(s->registration, reason, now);
	if (s->home) {
		forwarding_clear(s->core, &s->own_path);
		care_of_give(s->core, &s->coa);
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

void session_dismiss(struct session *s, enum reason reason, usec_t now)
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
	struct peer *home = s->home;
	const uint64_t binding = s->binding;

	if (s->subscriber) {
		binding_withdraw(s->subscriber, reason, now);
		return;
	}
	if (s->home && (s->state == SESSION_REGISTERED || s->state == SESSION_LEAVING))
		release_owe(s->home, binding, reason, false, now);
	session_dismiss(s, reason, now);
	if (home)
		release_tell(home, binding, now);
}

void session_supersede(struct session *s, struct path *path, struct addr *coa, usec_t now)
{
	account_close(s, now);
	*path = s->own_path;
	s->own_path = (struct path){.kind = PATH_NONE};
	*coa = s->coa;
	s->coa = (struct addr){.family = AF_UNSPEC};
	if (s->state == SESSION_REGISTERED)
		session_dismiss(s, REASON_TERMINAL_MOVED, now);
	else
		session_end(s, REASON_TERMINAL_MOVED, "expected here again", now);
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
	access_session_index(&access, session_fresh_index(core));
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
	session_over(s, grant->satellite);
	s->mac = grant->mac;
	s->link_local = grant->link_local;
	if (s->home && s->account.binding != grant->binding) {
		account_close(s, now);
		accounting_open(core, &s->account, grant->path, grant->binding, now);
	}
	s->binding = grant->binding;
	if (!addr_equal(&s->coa, &grant->coa))
		care_of_give(core, &s->coa);
	s->coa = grant->coa;
	s->mode = grant->mode;
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

struct session *session_resume(struct core *core, const struct session *like, uint32_t next_request,
			       usec_t now)
{
	struct session *s = session_new(core, like->nai, like->home, like->subscriber);
	const struct request_ops ops = {.transmit = session_transmit, .context = s};

	if (!s)
		return NULL;
	s->requests = requests_new(&ops);
	if (!s->requests) {
		session_free(s);
		return NULL;
	}
	requests_go_on(s->requests, next_request);
	session_over(s, like->satellite);
	s->mac = like->mac;
	s->link_local = like->link_local;
	s->access = like->access;
	s->own_path = like->own_path;
	s->coa = like->coa;
	s->binding = like->binding;
	s->account = like->account;
	s->mode = like->mode;
	s->buffered = like->buffered;
	s->dropped = like->dropped;
	memcpy(s->discovery, like->discovery, sizeof(s->discovery));
	memcpy(s->done, like->done, like->done_length);
	s->done_length = like->done_length;
	s->registered = like->registered;
	s->expires = like->expires;
	session_list(s);
	if (!s->home && !s->subscriber) {
		session_enter(s, SESSION_RELEASED, now + RELEASE_WAIT, "resumed");
		session_tell_release(s, REASON_ADMINISTRATIVE, terminal_told, now);
		return s;
	}
	if (like->state != SESSION_DRAINING)
		session_claim(s, &s->mac);
	state_enter(s, like->state, like->deadline);
	return s;
}

void session_was_held(struct session *s, const struct hold_counters *held)
{
	s->buffered = (uint32_t)held->released;
	s->dropped = (uint32_t)hold_dropped(held);
	/* With the path too, which one that was expected gets after it has registered. */
	keep_session(s);
}

/* ---- what other parts decide --------------------------------------------------------------- */

static void drain(struct session *s, const char *reason, usec_t now)
{
	session_enter(s, SESSION_DRAINING, now + s->core->config->timers.drain, reason);
}

/* What still comes here goes back to the home core, which knows where the terminal is. */
static void send_back(struct session *s, usec_t now)
{
	struct path way = way_home(s->home), back = way_of(s->path, &way);

	if (back.kind == PATH_NONE || forwarding_set(s->core, s->path, &back) < 0) {
		session_end(s, REASON_TERMINAL_MOVED, "cannot send back", now);
		return;
	}
	session_claim(s, NULL);
	keep_session(s);
}

void session_left(struct session *s, usec_t now)
{
	session_enter(s, SESSION_LEAVING, now + s->core->config->timers.leave, "core disconnect");
	if (s->subscriber)
		binding_left(s->subscriber, false, now);
}

/* So that what the terminal is answered stays true in this core's next life (PROTOCOL 4.6). */
static void note_end(struct session *s, usec_t now)
{
	if (s->home)
		release_owe(s->home, s->binding, REASON_TERMINAL_LEFT, false, now);
	if (s->subscriber)
		binding_note_end(s->subscriber, now);
	keep_forget_session(s);
	s->over = true;
}

void session_deregister(struct session *s, const struct message *request, usec_t now)
{
	struct peer *home = s->home;
	const uint64_t binding = s->binding;

	note_end(s, now);
	session_answer(s, request, REASON_ACCEPTED, now);
	if (s->subscriber) {
		binding_left(s->subscriber, true, now);
		return;
	}
	registration_terminal_left(s->core, &s->mac, now);
	session_end(s, REASON_TERMINAL_LEFT, "deregistered", now);
	if (home)
		release_tell(home, binding, now);
}

bool session_released(struct peer *peer, const struct message *request, usec_t now)
{
	bool soft = message_has(request, ATTR_MODE) && request->mode == MODE_SOFT, back = false;
	struct session *s;

	HASH_FIND(hh_visitor, peer->visitors, &request->binding, sizeof(request->binding), s);
	if (!s)
		return false;
	if (s->state == SESSION_DRAINING) {
		/* Told once more. */
	} else if (s->registration) {
		/* The terminal is about to register here again; if that fails, the session ends. */
		drain(s, "released while registering again", now);
	} else if (request->reason != REASON_TERMINAL_MOVED) {
		session_dismiss(s, request->reason, now);
	} else {
		/* Softly: the terminal still listens here, it gets what is under way. */
		drain(s, soft ? "released softly" : "released", now);
		back = !soft;
	}
	/* Who has got the answer does not tell once more, also where this core is killed now. */
	peer_answer_reason(peer, request, REASON_ACCEPTED, now);
	if (back)
		send_back(s, now);
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

	preparation_peer_gone(peer, "its home core has restarted");
	HASH_ITER (hh_visitor, peer->visitors, s, next)
		if (s->state == SESSION_REGISTERED && !s->registration)
			session_tell_release(s, REASON_CORE_RESTARTED, terminal_told, now);
}

void session_peer_removed(struct peer *peer, usec_t now)
{
	struct session *s, *next;

	registration_peer_removed(peer, now);
	preparation_peer_gone(peer, "peer removed");
	HASH_ITER (hh, peer->core->sessions, s, next)
		if (s->home == peer)
			session_evict(s, REASON_ADMINISTRATIVE, now);
}

void session_satellite_removed(struct satellite *satellite, usec_t now)
{
	struct session *s, *next;

	registration_satellite_removed(satellite, now);
	preparation_satellite_removed(satellite);
	HASH_ITER (hh, satellite->core->sessions, s, next) {
		if (s->satellite != satellite)
			continue;
		/* There is no way to its terminal any more, not even to tell it. */
		session_over(s, NULL);
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

	HASH_ITER (hh, core->sessions, s, next)
		if (session_satellite(s) == satellite &&
		    forwarding_port_changed(core, s->path, satellite->port) < 0)
			session_evict(s, REASON_KERNEL_REFUSED, now);
	preparation_port_changed(satellite);
}

void session_pools_changed(struct core *core, usec_t now)
{
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next) {
		const struct addr *coa = s->registration ? &s->registration->coa : &s->coa;

		if (s->home && !addr_none(coa) && !care_of_covers(core, coa) &&
		    !drain_covers(core, coa))
			session_evict(s, REASON_ADMINISTRATIVE, now);
	}
	preparation_pools_changed(core, now);
}

void sessions_close(struct core *core)
{
	struct session *s, *next;

	HASH_ITER (hh, core->sessions, s, next)
		session_free(s);
}
