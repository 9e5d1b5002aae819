/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User data between two satellites that change their cores; see parting.h. */
#include "terminal-agent/parting.h"

#include <string.h>

#include "terminal-agent/belief.h"
#include "terminal-agent/session.h"

/* What is sent so long before the change may not pass the satellite in time: 4,500 km. */
#define WAY (15 * USEC_PER_MSEC)
/* Nothing waits for longer than it would be late by a handover. */
#define WAIT_MAX (100 * USEC_PER_MSEC)

/* Does the schedule give the satellite of the registration to another core by now? */
static bool given_away(const struct session *s, usec_t now)
{
	const struct registration *r = &s->registration;
	const char *core = r->link && r->link->satellite
				   ? schedule_core(s->schedule, r->link->name, now)
				   : NULL;

	return core && strcmp(core, r->place.core) != 0;
}

bool parting_over(const struct session *s, usec_t now)
{
	const struct registration *r = &s->registration;
	const char *heard = r->link ? belief_heard(s, r->link, now) : NULL;

	return given_away(s, now) && (!heard || strcmp(heard, r->place.core) != 0);
}

/* Is a move planned away from the link in use, in a mode that holds user data? */
static bool about_to_leave(const struct session *s)
{
	const struct link *link = s->registration.link;
	const struct move *m = &s->move;

	return s->state == SESSION_REGISTERED && m->phase != MOVE_NONE &&
	       m->phase != MOVE_LEAVING && link && link->satellite && m->target != link &&
	       s->config->handover.mode >= MODE_PROACTIVE;
}

usec_t parting_tick(struct session *s, usec_t now)
{
	struct move *m = &s->move;
	usec_t end;

	if (!about_to_leave(s) || m->parted)
		return USEC_NEVER;
	end = schedule_until(s->schedule, s->registration.link->name, now);
	if (end > m->at || end < m->at - WAIT_MAX || given_away(s, now))
		return USEC_NEVER;
	if (now < end - WAY)
		return end - WAY;
	m->parted = uplink_hold(&s->uplink, now) == 0;
	return USEC_NEVER;
}

void parting_undo(struct session *s, usec_t now)
{
	const struct forwarding_plan plan = registration_plan(&s->registration, s->link);

	uplink_set(&s->uplink, &plan, s->link, now, now);
}
