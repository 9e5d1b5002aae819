/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites as they come, and what the session does about them; see choosing.h. */
#include "terminal-agent/choosing.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/config.h"

/* The clock may be set: so often all is looked at again. */
#define LOOK USEC_PER_SEC
/* Computing takes a while, which nobody must wait for who is about to move, or moves. */
#define QUIET (2 * USEC_PER_SEC)
/* A move is planned so long before the cores are told. */
#define PLANNED_BEFORE (5 * USEC_PER_SEC)
/* An antenna is pointed so long before its satellite rises to where that will be. */
#define BEFORE_RISING USEC_PER_SEC
/* Forwarders do not switch before the instant of a plan, and hardly later than this. */
#define SWITCHED_AFTER (10 * USEC_PER_MSEC)

void choosing_init(struct choosing *c, const struct config *config, const struct schedule *schedule,
		   struct links *links, struct session *session, struct pointing *pointing)
{
	*c = (struct choosing){.config = config,
			       .schedule = schedule,
			       .links = links,
			       .session = session,
			       .pointing = pointing};
}

void choosing_free(struct choosing *c)
{
	guide_free(&c->guide);
}

void choosing_changed(struct choosing *c)
{
	c->done[0] = '\0';
	c->again = 0;
	c->waits = false;
	guide_forget(&c->guide);
}

/* ---- links for satellites ---------------------------------------------------------------------
 */

static bool leads_to(const struct link *link, const char *satellite)
{
	return link->satellite && strcmp(link->name, satellite) == 0;
}

/* Nothing that is under way needs it, so it may be called after another satellite. */
static bool is_free(const struct session *s, const struct link *link)
{
	return link != s->link && link != s->target &&
	       (link != s->move.target || s->move.phase == MOVE_NONE ||
		s->move.phase == MOVE_PLANNED);
}

/* The link of another antenna than the one in use, or of that, to be called after a satellite. */
static struct link *spare(const struct choosing *c)
{
	const struct session *s = c->session;
	struct link *own = NULL;

	for (size_t i = 0; i < c->links->count; i++) {
		struct link *link = c->links->list[i];

		if (!link->twin || link->aimed || !is_free(s, link))
			continue;
		if (link->twin != s->link && link->twin != s->target)
			return link;
		own = link;
	}
	return own;
}

/* By which the terminal gets to this satellite; NULL: by none, or not now. */
static struct link *link_to(const struct choosing *c, const char *satellite)
{
	struct link *found = NULL, *link;

	for (size_t i = 0; i < c->links->count; i++) {
		link = c->links->list[i];
		if (leads_to(link, satellite) && (!found || link->aimed))
			found = link;
	}
	/* Called so before, but its antenna is in use, and another one is free. */
	if (found && !found->aimed && found->twin == c->session->link)
		found = NULL;
	if (found || !config_points(c->config))
		return found;
	link = spare(c);
	if (link)
		links_rename(link, satellite);
	return link;
}

/* ---- steps ------------------------------------------------------------------------------------
 */

static bool idle(const struct session *s)
{
	return !s->commanded && s->wanted && s->started && s->state != SESSION_DISCONNECTING &&
	       s->state != SESSION_SWITCHING;
}

static void compute(struct choosing *c, usec_t now)
{
	const struct session *s = c->session;
	const struct move *m = &s->move;
	usec_t planned = schedule_planned(c->schedule, now);
	/* One that comes to nothing has no end: what it lacks may be another satellite. */
	bool moves = m->phase != MOVE_NONE && m->at - now < QUIET && now - m->at < QUIET;

	if (!guide_stale(&c->guide, planned) || (c->guide.known && moves))
		return;
	guide_compute(&c->guide, &c->schedule->table,
		      s->link && s->link->satellite ? s->link->name : NULL, planned);
}

/*
 * When the terminal should be off for a step: before it loses the satellite of the one before, but
 * not to another core than that of the step. Often two satellites change cores with each other at
 * one instant; who goes from one to the other then stays with its core, and who goes sooner leaves
 * it twice.
 */
static usec_t departure(const struct choosing *c, const struct guide_step *step)
{
	usec_t at = schedule_instant(c->schedule, step->from);
	usec_t offered = schedule_instant(c->schedule, step->offered);
	usec_t early = at - c->config->timers.disconnect_wait;
	bool meets = step > c->guide.steps && step[-1].until == step->from;

	/* A timetable does not say more than when it is to be used. */
	if (meets && (!c->guide.orbits || offered <= early))
		return early;
	return (meets ? offered : at) + (step->offered > step->visible ? SWITCHED_AFTER : 0);
}

/* Until when the terminal can wait on the satellite of the step before for its antenna to turn. */
static usec_t patience(const struct choosing *c, const struct guide_step *step, usec_t at)
{
	usec_t latest = at + c->config->switching.timeout;

	if (step == c->guide.steps || step[-1].until != step->from)
		return latest; /* there is none to wait on */
	latest = usec_min(latest, schedule_instant(c->schedule, step[-1].lost) -
					  c->config->timers.disconnect_wait);
	return latest > at ? latest : at;
}

/*
 * Another antenna than the one in use is pointed there ahead. When one has just been left, and
 * packets may still come over it, this returns when that will be over.
 */
static usec_t point(struct choosing *c, struct link *link, usec_t now)
{
	const struct session *s = c->session;

	if (!link->twin || link->aimed || link->twin == s->link || link->ordered ||
	    c->pointing->current == link)
		return USEC_NEVER;
	if (link->twin == s->leaving.link && now < s->leaving.at)
		return s->leaving.at;
	pointing_order(c->pointing, link, now);
	return USEC_NEVER;
}

static void choose(struct choosing *c, const struct guide_step *step, struct link *link, usec_t at,
		   usec_t now)
{
	const struct chosen chosen = {.link = link,
				      .core = step->core,
				      .risen = schedule_instant(c->schedule, step->visible),
				      .at = at,
				      .latest = patience(c, step, at)};

	snprintf(c->done, sizeof(c->done), "%s", step->satellite);
	session_choose(c->session, &chosen, now);
}

/* Now, to the satellite of the hour. */
static void catch_up(struct choosing *c, const struct guide_step *step, usec_t now)
{
	struct link *link = link_to(c, step->satellite);

	c->again = now + c->config->switching.timeout;
	if (!link || link == c->session->link)
		return;
	c->again = usec_min(c->again, point(c, link, now));
	choose(c, step, link, now, now);
}

/* What is to be done for the next step; returns when there is more to do. */
static usec_t look_ahead(struct choosing *c, const struct guide_step *step, usec_t now)
{
	usec_t lead = c->config->handover.lead, at = departure(c, step);
	usec_t risen = schedule_instant(c->schedule, step->visible);
	usec_t turn = at - 2 * lead, plan = at - lead - PLANNED_BEFORE;
	struct session *s = c->session;
	struct link *link;

	if (c->guide.orbits && risen - BEFORE_RISING > turn)
		turn = usec_min(risen - BEFORE_RISING, at);
	if (now < plan && now < turn)
		return usec_min(plan, turn);
	link = link_to(c, step->satellite);
	if (!link)
		return USEC_NEVER;
	if (now >= turn)
		turn = point(c, link, now);
	if (now >= plan && s->state == SESSION_REGISTERED)
		choose(c, step, link, at, now);
	return now < plan ? usec_min(turn, plan) : turn;
}

static bool on(const struct session *s, const struct guide_step *step)
{
	return step && s->link && leads_to(s->link, step->satellite);
}

/* It has lost the satellite of the hour, and so is on the planned one before its time. */
static bool early(const struct choosing *c, const struct guide_step *next, usec_t now)
{
	const struct session *s = c->session;

	return on(s, next) && strcmp(c->done, next->satellite) == 0 &&
	       (s->state == SESSION_REGISTERED || now < s->since + c->config->switching.timeout);
}

/* It is going there, but has not left the one before: that must not be planned anew. */
static bool on_the_way(const struct session *s, const struct guide_step *step)
{
	return step && s->move.phase != MOVE_NONE && leads_to(s->move.target, step->satellite);
}

usec_t choosing_tick(struct choosing *c, usec_t now)
{
	const struct guide_step *step, *next;
	struct session *s = c->session;
	usec_t planned, due = USEC_NEVER;
	bool there;

	if (!guide_active(&c->guide) || !s->started)
		return USEC_NEVER;
	compute(c, now);
	planned = schedule_planned(c->schedule, now);
	step = guide_at(&c->guide, planned);
	next = guide_after(&c->guide, planned);
	if (next && now >= departure(c, next)) { /* it has begun for us */
		step = next;
		next = guide_after(&c->guide, step->from);
	}
	c->waits = !idle(s);
	if (c->waits)
		return now + LOOK;
	there = on(s, step);
	if (step && !there && !early(c, next, now) &&
	    ((s->state != SESSION_REGISTERED && now >= c->again) ||
	     strcmp(c->done, step->satellite) != 0))
		catch_up(c, step, now);
	if (next && idle(s) && (there || !on_the_way(s, step)))
		due = look_ahead(c, next, now);
	if (!there && on_the_way(s, step))
		due = usec_min(due, point(c, s->move.target, now));
	if (next)
		due = usec_min(due, departure(c, next));
	if (step && s->state != SESSION_REGISTERED)
		due = usec_min(due, c->again);
	return due > now ? usec_min(due, now + LOOK) : now + LOOK;
}

bool choosing_waited(const struct choosing *c)
{
	return c->waits && idle(c->session);
}
