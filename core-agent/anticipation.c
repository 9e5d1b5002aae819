/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets prepared for subscribers; see anticipation.h. */
#include "anticipation.h"

#include "binding.h"
#include "guard.h"
#include "keep.h"
#include "lead.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "preparation.h"
#include "question.h"
#include "release.h"
#include "schedule.h"
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* The target gives up by itself before that (PROTOCOL section 15.3). */
#define TARGET_GRACE USEC_PER_SEC
/* In which the last terminal of a large satellite has come. */
#define CROWD_TIME USEC_PER_SEC

const char *anticipation_target(const struct anticipation *a)
{
	return a->target ? a->target->name : a->subscriber->core->config->name;
}

struct anticipation *anticipation_find(const struct core *core, uint64_t binding)
{
	struct anticipation *a;

	HASH_FIND(hh, core->anticipations, &binding, sizeof(binding), a);
	return a;
}

/* The newest for this target. */
static struct anticipation *by_target(const struct subscriber *s, const struct peer *target)
{
	struct anticipation *a, *newest = NULL;

	DL_FOREACH (s->anticipations, a)
		if (a->target == target)
			newest = a;
	return newest;
}

/* ---- where the home addresses lead ---------------------------------------------------------- */

/* The terminal goes there, and nowhere else that was prepared. */
static void choose(struct anticipation *a, usec_t now)
{
	struct anticipation *other;

	if (a->chosen)
		return;
	DL_FOREACH (a->subscriber->anticipations, other)
		other->chosen = false;
	a->chosen = true;
	a->chosen_at = core_clock(a->subscriber->core, now);
}

static void led(struct anticipation *a, usec_t now)
{
	struct anticipation *other;

	DL_FOREACH (a->subscriber->anticipations, other)
		other->leads = false;
	a->leads = true;
	a->switching = core_clock(a->subscriber->core, now) - a->chosen_at;
}

/* Nothing leads to a core that could only drop it: then it stays where it is. */
static bool to_be_led(const struct anticipation *a)
{
	return a->chosen && a->ready && !a->leads && a->path.kind != PATH_NONE;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void unlink_it(struct anticipation *a)
{
	struct core *core = a->subscriber->core;

	walk_leave(core, a, a->hh.next);
	HASH_DEL(core->anticipations, a);
	DL_DELETE(a->subscriber->anticipations, a);
	timer_cancel(&core->timers, &a->timer);
	if (a->request > 0)
		peer_request_cancel(a->target, a->request);
	a->request = 0;
	guard_subscriber(a->subscriber);
}

/* The home addresses lead to the core of the binding again; or nowhere, and the binding ends. */
static void lead_back(struct subscriber *s, usec_t now)
{
	const struct path path = binding_path(s);

	if (lead_along(s, &path, now, NULL) < 0)
		binding_withdraw(s, REASON_KERNEL_REFUSED, now);
	else
		log_info("terminal %s: its home addresses lead back to where it was", s->nai);
}

/*
 * Ends one, and nothing of it is left. The target is told the reason, unless that is
 * REASON_ACCEPTED: then it knows. It sends back what it holds upon that, so the home addresses lead
 * elsewhere before.
 */
static void end(struct anticipation *a, enum reason reason, usec_t now)
{
	struct subscriber *s = a->subscriber;

	log_debug("terminal %s: no more expected at %s: %s", s->nai, anticipation_target(a),
		  reason_name(reason));
	unlink_it(a);
	if (a->leads)
		lead_back(s, now);
	if (a->target && reason != REASON_ACCEPTED)
		release_send(a->target, a->binding, reason, now);
	else if (!a->target)
		preparation_end(s, a->binding);
	questions_answer(a, REASON_NOT_PREPARED, now);
	free(a);
}

static void end_timer(struct timer *timer, void *arg, usec_t now)
{
	(void)timer;
	end(arg, REASON_NOT_ARRIVED, now);
}

void anticipations_end(struct subscriber *s, enum reason reason, usec_t now)
{
	while (s->anticipations) {
		s->anticipations->leads = false;
		end(s->anticipations, reason, now);
	}
}

bool anticipation_awaits(const struct subscriber *s, const struct peer *target)
{
	const struct anticipation *a;

	DL_FOREACH (s->anticipations, a)
		if (a->leads && a->target != target)
			return true;
	return false;
}

void anticipation_fulfil(struct anticipation *a, usec_t now)
{
	unlink_it(a);
	questions_answer(a, REASON_ACCEPTED, now);
	free(a);
}

void anticipations_forget(struct subscriber *s)
{
	while (s->anticipations) {
		struct anticipation *a = s->anticipations;

		questions_drop(a);
		/* Peers and their requests go before or after by themselves. */
		a->request = 0;
		unlink_it(a);
		free(a);
	}
}

/* ---- the target ------------------------------------------------------------------------------ */

/* Where nothing is held, something may be lost. */
static void set_holds(struct anticipation *a, bool holds)
{
	if (!holds)
		a->mode = MODE_PROACTIVE;
}

/*
 * Nobody there is without a link: they come at once, or else the schedule was wrong, and they hear
 * the core that they have heard before. So they are waited for no longer than nothing is given up
 * of what is held for them.
 */
static void await_crowd(struct anticipation *a, usec_t now)
{
	struct core *core = a->subscriber->core;
	const struct handover_config *config = &core->config->handover;
	usec_t wait = config->hold.time / 4 * 3;

	if (wait < CROWD_TIME)
		wait = CROWD_TIME;
	timer_set(&core->timers, &a->timer, now + usec_min(wait, config->prepared_for));
}

/* The target is ready; whoever waits for that is told when the kernel agrees. */
static void ready(struct anticipation *a, usec_t now)
{
	a->ready = true;
	if (to_be_led(a)) {
		if (lead_along(a->subscriber, &a->path, now, NULL) < 0) {
			end(a, REASON_KERNEL_REFUSED, now);
			return;
		}
		led(a, now);
		if (a->crowd)
			await_crowd(a, now);
		log_info("terminal %s: its home addresses lead to %s, where it is expected",
			 a->subscriber->nai, anticipation_target(a));
	}
	questions_answer(a, REASON_ACCEPTED, now);
}

static void offered(void *context, uint64_t token, enum reason reason, const struct message *answer,
		    usec_t now)
{
	struct anticipation *a = anticipation_find(context, token);

	if (!a)
		return;
	a->request = 0;
	if (answer && answer->type == MESSAGE_ERROR)
		reason = REASON_UNSUPPORTED;
	if (reason == REASON_ACCEPTED) {
		reason = binding_tunnel_path(a->target, a->subscriber, answer, &a->path);
		if (reason == REASON_ACCEPTED) {
			/* Who has left already is sent what was still under way to where he was. */
			set_holds(a, answer->hold && !a->chosen);
			ready(a, now);
			return;
		}
		end(a, reason, now);
	} else {
		log_info("terminal %s: %s does not prepare for it: %s", a->subscriber->nai,
			 a->target->name, reason_name(reason));
		/* Without an answer nobody knows whether it has. */
		end(a, answer ? REASON_ACCEPTED : reason, now);
		return;
	}
}

static bool ask_peer(struct anticipation *a, const uint8_t key[KEY_LENGTH], bool hold,
		     usec_t expected, usec_t now)
{
	const struct subscriber *s = a->subscriber;
	const struct terminal_link *link = &a->place.link;
	struct message m;

	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_text(&m, ATTR_USER, s->user);
	message_set_number(&m, ATTR_LIFETIME,
			   (uint64_t)(s->core->config->timers.lifetime / USEC_PER_SEC));
	message_set_number(&m, ATTR_BINDING, a->binding);
	message_set_octets(&m, ATTR_HANDOVER_KEY, key);
	message_set_number(&m, ATTR_EXPECTED, (uint64_t)(expected / USEC_PER_MSEC));
	message_set_addr(&m, ATTR_HOA4, &s->hoa4);
	message_set_addr(&m, ATTR_HOA6, &s->hoa6);
	message_set_prefix(&m, &s->prefix);
	if (link->mtu != 0) {
		message_set_link_layer(&m, &link->link_layer);
		message_set_addr(&m, ATTR_LINK_LOCAL, &link->link_local);
		message_set_number(&m, ATTR_MTU, link->mtu);
	}
	if (*a->place.satellite)
		message_set_text(&m, ATTR_NEXT_SATELLITE, a->place.satellite);
	if (hold)
		message_set_number(&m, ATTR_HOLD, 1);
	if (a->shorter > 0)
		message_set_number(&m, ATTR_UPLINK_DELAY, (uint64_t)a->shorter);
	a->request = peer_request(a->target, &m, offered, a->binding, now);
	message_wipe(&m);
	return a->request > 0;
}

static bool ask_self(struct anticipation *a, const uint8_t key[KEY_LENGTH], bool hold)
{
	const struct core *core = a->subscriber->core;
	const struct preparation_order order = {
		.binding = a->binding,
		.handover_key = key,
		.lifetime = (uint32_t)(core->config->timers.lifetime / USEC_PER_SEC),
		.uplink_delay = (uint32_t)a->shorter,
		.hold = hold,
		.satellite = a->place.satellite,
		.link_layer = a->place.link.mtu ? &a->place.link.link_layer : NULL,
		.mtu = a->place.link.mtu,
	};

	a->ready = preparation_begin(a->subscriber, &order, &a->path) == REASON_ACCEPTED;
	set_holds(a, a->path.kind == PATH_HOLD);
	return a->ready;
}

/* Makes room, and ends what the same target has been prepared for: it keeps one for a terminal. */
static void make_room(struct subscriber *s, const struct peer *target, usec_t now)
{
	struct anticipation *a, *oldest;
	unsigned int count;

	while ((a = by_target(s, target)))
		end(a, REASON_TERMINAL_MOVED, now);
	DL_COUNT(s->anticipations, a, count);
	if (count < ANTICIPATIONS_MAX)
		return;
	oldest = s->anticipations;
	end(oldest->chosen && oldest->next ? oldest->next : oldest, REASON_TERMINAL_MOVED, now);
}

/* What is asked of a target: which move, to where, and how far it may go. */
struct wish {
	struct peer *target;
	uint64_t number;
	enum handover_mode mode;
	bool hold;
	const struct place *place;
	usec_t expected; /* from now on */
};

static struct anticipation *prepare(struct subscriber *s, const struct wish *wish, usec_t now)
{
	struct core *core = s->core;
	struct anticipation *a = calloc(1, sizeof(*a));
	uint8_t key[KEY_LENGTH];
	bool asked;

	if (!a)
		return NULL;
	*a = (struct anticipation){.subscriber = s,
				   .target = wish->target,
				   .number = wish->number,
				   .mode = wish->mode,
				   .place = *wish->place,
				   .shorter = binding_shorter(s, wish->target)};
	if (wish->expected > PREPARATION_AHEAD || now > s->root.until ||
	    root_give(&s->root, anticipation_target(a), wish->number, key) < 0) {
		free(a);
		return NULL;
	}
	make_room(s, wish->target, now);
	/* Leading back what had to give way may have cost the binding. */
	if (s->binding.state == BINDING_NONE) {
		keys_wipe(key, sizeof(key));
		free(a);
		return NULL;
	}
	keep_subscriber(s);
	a->binding = keep_binding_number(core);
	HASH_ADD(hh, core->anticipations, binding, sizeof(a->binding), a);
	DL_APPEND(s->anticipations, a);
	timer_init(&a->timer, end_timer, a);
	timer_set(&core->timers, &a->timer,
		  now + wish->expected + core->config->handover.prepared_for + TARGET_GRACE);
	asked = a->target ? ask_peer(a, key, wish->hold, wish->expected, now)
			  : ask_self(a, key, wish->hold);
	keys_wipe(key, sizeof(key));
	guard_subscriber(s);
	if (asked)
		return a;
	end(a, REASON_ACCEPTED, now);
	return NULL;
}

/* ---- what the terminal says ------------------------------------------------------------------ */

bool anticipation_names_move(const struct message *m)
{
	return message_has(m, ATTR_HANDOVER_COUNTER) &&
	       (message_has(m, ATTR_NEXT_CORE) || message_has(m, ATTR_NEXT_SATELLITE));
}

/* The core that the terminal will be at (PROTOCOL section 15.2); NULL stands for this one. */
static bool target_of(const struct subscriber *s, const struct message *m, usec_t expected,
		      usec_t now, struct peer **target)
{
	const struct core *core = s->core;
	const char *name = NULL;

	if (message_has(m, ATTR_NEXT_CORE))
		name = m->next_core;
	else if (message_has(m, ATTR_NEXT_SATELLITE))
		name = schedule_core(core, m->next_satellite, now + expected);
	if (!name)
		return false;
	*target = peer_open(core, name);
	/* A change of satellite under one core goes by full registration. */
	return (*target || !strcmp(name, core->config->name)) && *target != binding_serving(s);
}

/* What is prepared for the move that was announced, or is now; NULL when nothing can be. */
static struct anticipation *anticipate(struct subscriber *s, const struct message *m, usec_t now)
{
	bool leaves = m->type == MESSAGE_CORE_DISCONNECT;
	usec_t expected = message_has(m, ATTR_EXPECTED) ? (usec_t)m->expected * USEC_PER_MSEC : 0;
	struct place place = {.satellite = ""};
	struct wish wish = {.number = m->handover_counter, .place = &place, .expected = expected};
	struct anticipation *a;
	enum handover_mode mode;

	if (!target_of(s, m, expected, now, &wish.target))
		return NULL;
	mode = mode_of_move(s, binding_serving(s), wish.target);
	if (mode < (leaves ? MODE_PROACTIVE : MODE_PREDICTIVE))
		return NULL;
	a = by_target(s, wish.target);
	if (a && a->number == m->handover_counter)
		return a;
	if (!bucket_take(&s->announced, ANNOUNCED_BURST, ANNOUNCED_INTERVAL, now))
		return NULL;
	/* Held wherever that is allowed; but only what is ready before is `predictive`. */
	wish.mode = leaves ? MODE_PROACTIVE : MODE_PREDICTIVE;
	wish.hold = mode >= MODE_PREDICTIVE;
	if (message_has(m, ATTR_NEXT_SATELLITE))
		memcpy(place.satellite, m->next_satellite, sizeof(place.satellite));
	if (message_has(m, ATTR_LINK_LAYER) && message_has(m, ATTR_LINK_LOCAL) &&
	    message_has(m, ATTR_MTU))
		place.link = (struct terminal_link){m->link_layer, m->link_local, m->mtu};
	return prepare(s, &wish, now);
}

/* Nothing is prepared: the terminal goes as it would in a mode below, where nobody expects it. */
static enum reason unprepared(const struct subscriber *s, const struct message *m)
{
	if (m->type == MESSAGE_CORE_DISCONNECT &&
	    mode_of_move(s, binding_serving(s), NULL) < MODE_PROACTIVE)
		return REASON_ACCEPTED;
	return REASON_NOT_PREPARED;
}

/* It will be without a link for a while, even if its crowd was not waited for so long. */
static void await_longer(struct anticipation *a, usec_t now)
{
	struct core *core = a->subscriber->core;
	const usec_t until = now + core->config->handover.prepared_for + TARGET_GRACE;

	a->crowd = false;
	if (a->timer.at < until)
		timer_set(&core->timers, &a->timer, until);
}

void anticipation_announced(struct subscriber *s, struct peer *serving, const struct message *m,
			    const struct anticipation_reply *reply, usec_t now)
{
	bool leaves = m->type == MESSAGE_CORE_DISCONNECT;
	struct question asked = {.type = m->type, .serving = serving, .id = m->id};
	struct anticipation *a;

	if (reply)
		asked.reply = *reply;
	if (leaves)
		binding_left(s, false, now);
	root_announced(&s->root, m->handover_counter);
	a = anticipate(s, m, now);
	if (!a) {
		keep_subscriber(s);
		question_answer(s->core, &asked, unprepared(s, m), NULL, now);
		return;
	}
	if (leaves) {
		choose(a, now);
		await_longer(a, now);
	}
	question_wait(&asked, a, now);
	if (a->ready)
		ready(a, now);
}

void anticipation_retracted(struct core *core, uint64_t binding)
{
	struct anticipation *a = anticipation_find(core, binding);

	if (!a)
		return;
	a->path.kind = PATH_NONE;
	if (a->leads)
		lead_nowhere(a->subscriber);
}

int anticipation_port_changed(struct core *core, uint64_t binding, unsigned int port)
{
	struct anticipation *a = anticipation_find(core, binding);

	if (!a)
		return 0;
	a->path.port = port;
	return a->leads ? forwarding_port_changed(core, &a->subscriber->path, port) : 0;
}

/* ---- crowds ---------------------------------------------------------------------------------- */

bool anticipation_foresee(struct subscriber *s, struct peer *target, usec_t expected, usec_t now)
{
	const struct place place = s->binding.place;
	const struct wish wish = {.target = target,
				  .number = root_next(&s->root),
				  .mode = MODE_PREDICTIVE,
				  .hold = true,
				  .place = &place,
				  .expected = expected};

	/* Announced by the terminal itself: under that number it will come. */
	if (by_target(s, target))
		return true;
	return prepare(s, &wish, now) != NULL;
}

const struct path *anticipation_choose(struct subscriber *s, struct peer *target, usec_t now)
{
	struct anticipation *a = by_target(s, target);

	if (!a)
		return NULL;
	choose(a, now);
	a->crowd = !s->binding.left;
	return to_be_led(a) ? &a->path : NULL;
}

void anticipation_led(struct subscriber *s, struct peer *target, int error, usec_t now)
{
	struct anticipation *a = by_target(s, target);

	if (a && error) {
		end(a, REASON_KERNEL_REFUSED, now);
	} else if (a) {
		led(a, now);
		if (a->crowd)
			await_crowd(a, now);
	}
}

/* ---- who goes -------------------------------------------------------------------------------- */

bool anticipation_not_arrived(struct core *core, struct peer *target, uint64_t binding, usec_t now)
{
	struct anticipation *a = anticipation_find(core, binding);

	if (!a || a->target != target)
		return false;
	log_info("terminal %s: has not come to %s", a->subscriber->nai, anticipation_target(a));
	end(a, REASON_ACCEPTED, now);
	return true;
}

/* Ends those of all subscribers that this says; one by one, since an end may end others. */
static void end_those(struct core *core, bool these(const struct anticipation *a, const void *arg),
		      const void *arg, enum reason reason, usec_t now)
{
	struct subscriber *s, *next;

	HASH_ITER (hh, core->subscribers, s, next) {
		struct anticipation *a = s->anticipations;

		while (a) {
			bool over = these(a, arg);

			if (over)
				end(a, reason, now);
			a = over ? s->anticipations : a->next;
		}
	}
}

static bool is_at(const struct anticipation *a, const void *peer)
{
	return a->target == peer;
}

static bool is_allowed_no_more(const struct anticipation *a, const void *arg)
{
	const struct subscriber *s = a->subscriber;

	(void)arg;
	return mode_of_move(s, binding_serving(s), a->target) < a->mode;
}

void anticipation_peer_gone(struct peer *peer, usec_t now)
{
	questions_forget(peer);
	end_those(peer->core, is_at, peer, REASON_ACCEPTED, now);
}

void anticipation_modes_changed(struct core *core, usec_t now)
{
	end_those(core, is_allowed_no_more, NULL, REASON_ADMINISTRATIVE, now);
}
