/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Advertisements against the schedule; see belief.h. */
#include "terminal-agent/belief.h"

#include <string.h>

#include "terminal-agent/session.h"

/*
 * How long after a change of its core a satellite may still be with the former one, by what was
 * heard: it drains for 0.2 s, and its clock or ours may be wrong by as much again.
 */
#define CHANGE USEC_PER_SEC

static const char *scheduled(const struct session *s, const struct link *link, usec_t at)
{
	return link->satellite ? schedule_core(s->schedule, link->name, at) : NULL;
}

/* Another core has come there since this one was heard. */
static bool replaced(const struct session *s, const struct link *link, const char *core,
		     usec_t heard, usec_t at)
{
	const char *now_there = scheduled(s, link, at);

	return now_there && strcmp(now_there, core) != 0 &&
	       heard < schedule_since(s->schedule, link->name, at) + CHANGE;
}

const char *belief_heard(const struct session *s, const struct link *link, usec_t at)
{
	const struct advertised *a = &link->advertised;

	if (!link->ready || !a->core[0])
		return NULL;
	return replaced(s, link, a->core, a->heard, at) ? scheduled(s, link, at) : a->core;
}

const char *belief_core(const struct session *s, const struct link *link, usec_t at)
{
	const char *heard = belief_heard(s, link, at);

	if (heard)
		return heard;
	if (link == s->move.target && s->move.core[0])
		return s->move.core;
	return scheduled(s, link, at);
}

bool belief_fresh(const struct session *s, const struct link *link, const char *core, usec_t now)
{
	const char *there = scheduled(s, link, now);

	return there && strcmp(there, core) == 0 &&
	       now < schedule_since(s->schedule, link->name, now) + CHANGE;
}

bool belief_former(const struct session *s, const struct link *link, const char *core, usec_t now)
{
	return replaced(s, link, core, now, now);
}
