/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From rows to a session that goes on; see resume.h. */
#include "terminal-agent/resume.h"

#include <string.h>

#include "log.h"
#include "terminal-agent/session_internal.h"

#define ASK_MAX 3

static const char reason_forgotten[] = "core does not answer";

/* ---- where it was --------------------------------------------------------------------------- */

/*
 * The link of the registration, if it is still what it was. An antenna points where it pointed:
 * nothing has turned it since.
 */
static struct link *find_link(const struct session *s)
{
	const struct registration *r = &s->registration;
	struct link *link = links_find(s->links, r->interface);

	if (!link || strcmp(link->interface, r->interface) != 0)
		return NULL;
	if (link->twin && r->place.satellite[0])
		links_rename(link, r->place.satellite);
	return strcmp(link->name, r->place.link) == 0 ? link : NULL;
}

/* User data goes over this link, as it did. */
static int lead(struct session *s, struct link *link, usec_t now)
{
	const struct forwarding_plan plan = registration_plan(&s->registration, link);

	return uplink_set(&s->uplink, &plan, link, now, now);
}

/* The core was told that the terminal leaves; whether it has left, nobody knows. */
static struct link *go_again(struct session *s, struct link *link, usec_t now)
{
	struct link *target = links_find(s->links, s->resuming.target);

	if (!s->resuming.target[0])
		return NULL;
	if (!target && link->twin) {
		/* Where the antenna points by now nobody knows, either. */
		target = link->twin;
		links_rename(target, s->resuming.target);
	}
	if (!target || target == link)
		return NULL;
	s->move = s->resuming.move;
	s->move.target = target;
	s->move.at = s->move.latest = now;
	s->move.phase = MOVE_READY;
	if (link->up && s->config->handover.mode >= MODE_PROACTIVE && lead(s, link, now) == 0)
		uplink_hold(&s->uplink, now);
	return target;
}

struct link *resume(struct session *s, struct link **going, usec_t now)
{
	struct registration *r = &s->registration;
	struct link *link;

	*going = NULL;
	if (!r->valid)
		return NULL;
	if (registration_left(r, now) <= 0) {
		registration_end(r);
		keep_registration(s);
		return NULL;
	}
	link = find_link(s);
	if (!link || !lladdr_equal(&link->mac, &r->link_layer))
		return NULL; /* its root serves even so */
	r->link = link;
	if (!link->ready)
		r->lost = now;
	if (r->left)
		*going = go_again(s, link, now);
	if (r->left || !link->ready || lead(s, link, now) < 0)
		return NULL;
	s->resuming.doubted = true;
	s->resuming.again = now;
	log_notice("going on after a restart: registered with %s over link %s for %.0f s more",
		   r->place.core, link->name, registration_left(r, now));
	return link;
}

/* ---- is it still known? --------------------------------------------------------------------- */

void resume_known(struct session *s)
{
	s->resuming.doubted = false;
}

static void ask(struct session *s)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	message_init(&m, MESSAGE_KEEPALIVE, 0);
	length = message_write(&m, octets, sizeof(octets));
	if (length > 0)
		session_transmit(s, octets, (size_t)length);
}

usec_t resume_tick(struct session *s, usec_t now)
{
	struct resuming *r = &s->resuming;

	if (s->state != SESSION_REGISTERED)
		r->doubted = false;
	if (!r->doubted)
		return USEC_NEVER;
	if (now < r->again)
		return r->again;
	if (r->asked == ASK_MAX) {
		r->doubted = false;
		session_discover(s, s->link, reason_forgotten, now);
		return now;
	}
	ask(s);
	r->again = now + (s->config->timers.discovery_timeout << r->asked++);
	return r->again;
}
