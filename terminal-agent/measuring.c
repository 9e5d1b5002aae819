/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times are taken where they happen, and put together here. */
#include "terminal-agent/measuring.h"

#include <string.h>

#include "log_event.h"
#include "terminal-agent/session_internal.h"

#define FIRST_PACKET_WAIT (500 * USEC_PER_MSEC) /* then there is no traffic to measure with */

static void stop_watching(struct session *s)
{
	struct measuring *m = &s->measuring;

	if (m->watched)
		s->ops.watch(s->ops.context, m->watched, false);
	m->watched = NULL;
}

void measuring_watch(struct session *s, struct link *link)
{
	struct measuring *m = &s->measuring;
	const struct registration *r = &s->registration;

	if (m->watched == link)
		return;
	stop_watching(s);
	m->first = 0;
	if (!r->valid || r->link == link)
		return;
	if (s->ops.watch(s->ops.context, link, true))
		m->watched = link;
}

/*
 * What the terminal has taken part in. The core that serves now tells what it has done; that the
 * old link was in use meanwhile, only the terminal knows.
 */
static enum handover_mode made_as(const struct session *s, const struct registration *old,
				  bool full, enum handover_mode told)
{
	const struct move *move = &s->move;

	if (move->soft && !old->lost)
		return MODE_SOFT;
	if (told)
		return told;
	if (full)
		return MODE_BASELINE;
	return move->number && !move->announced ? MODE_PROACTIVE : MODE_PREDICTIVE;
}

/* What had to wait for this registration. */
static void take_count(struct session *s)
{
	struct measuring *m = &s->measuring;
	struct uplink_count count = uplink_count(&s->uplink);

	m->record.held = count.held - m->told.held;
	m->record.dropped = count.dropped - m->told.dropped;
}

/*
 * Has the first packet been seen, or will nobody tell of it, and is it known what was lost of those
 * that had to wait? While some do, more may be lost behind them.
 */
static bool complete(const struct session *s)
{
	const struct measuring *m = &s->measuring;

	return (m->watched != s->registration.link || m->first) &&
	       uplink_count(&s->uplink).waiting == 0;
}

static void make_record(struct session *s, const struct registration *old, bool full,
			enum handover_mode told, usec_t now)
{
	const struct registration *r = &s->registration;
	struct measuring *m = &s->measuring;
	struct handover *h = &m->record;

	*h = (struct handover){.from = old->place,
			       .to = r->place,
			       .mode = made_as(s, old, full, told),
			       .registration = now - s->attempt.first,
			       .first_packet = -1,
			       .tries = s->attempt.tries,
			       .reason = s->attempt.reason};
	take_count(s);
	if (old->valid && old->lost && r->link->ready_since > old->lost)
		h->gap = r->link->ready_since - old->lost;
	m->handover =
		old->valid && (strcmp(h->from.link, h->to.link) != 0 ||
			       strcmp(h->from.core, h->to.core) != 0 || old->epoch != r->epoch);
}

void measuring_registered(struct session *s, const struct registration *old, bool full,
			  enum handover_mode told, usec_t now)
{
	struct measuring *m = &s->measuring;
	const struct handover *h = &m->record;
	const struct registration *r = &s->registration;

	m->pending = true;
	make_record(s, old, full, told, now);
	if (m->handover)
		s->ops.handover(s->ops.context, h, false);
	m->due = now + FIRST_PACKET_WAIT;
	if (complete(s))
		measuring_finish(s, now);
	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_REGISTERED,
				      .peer = r->place.core,
				      .satellite = r->place.satellite},
		  "registered with %s over link %s for %u s: %s, %s, gap %.1f ms, registration "
		  "%.1f ms, %u %s",
		  r->place.core, r->place.link, r->lifetime, h->reason, handover_mode_name(h->mode),
		  (double)h->gap / 1000, (double)h->registration / 1000, h->tries,
		  h->tries == 1 ? "discovery" : "discoveries");
}

static void send_done(struct session *s, usec_t now)
{
	const struct handover *h = &s->measuring.record;
	struct message m;

	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, (uint64_t)usec_min(h->gap, UINT32_MAX));
	message_set_number(&m, ATTR_REGISTRATION_TIME,
			   (uint64_t)usec_min(h->registration, UINT32_MAX));
	message_set_number(&m, ATTR_MODE, h->mode);
	if (h->first_packet >= 0)
		message_set_number(&m, ATTR_FIRST_PACKET,
				   (uint64_t)usec_min(h->first_packet, UINT32_MAX));
	if (h->held > 0) {
		message_set_number(&m, ATTR_BUFFERED, h->held - h->dropped);
		message_set_number(&m, ATTR_DROPPED, h->dropped);
	}
	if (request_send(s->registration.requests, &m, NULL, NULL, 0, now) < 0)
		log_warnx("cannot tell the core that the handover is done");
}

void measuring_finish(struct session *s, usec_t now)
{
	struct measuring *m = &s->measuring;
	const struct link *link = s->registration.link;
	struct handover *h = &m->record;

	bool watched = link && m->watched == link; /* or else already for the next one */

	if (watched)
		stop_watching(s);
	if (!m->pending)
		return;
	m->pending = false;
	if (watched && m->first) {
		/* Over a link that was there before, time begins with the discovery on it. */
		usec_t begin =
			link->ready_since > s->attempt.first ? link->ready_since : s->attempt.first;

		h->first_packet = m->first > begin ? m->first - begin : 0;
	}
	take_count(s);
	m->told = uplink_count(&s->uplink);
	send_done(s, now);
	if (m->handover)
		s->ops.handover(s->ops.context, h, true);
}

void session_first_packet(struct session *s, const struct link *link, usec_t now)
{
	struct measuring *m = &s->measuring;

	if (m->watched != link || m->first)
		return;
	m->first = now;
	if (m->pending && complete(s))
		measuring_finish(s, now);
}

void measuring_forget(struct session *s, const struct link *link)
{
	if (s->measuring.watched == link)
		s->measuring.watched = NULL;
}

usec_t measuring_tick(struct session *s, usec_t now)
{
	if (!s->measuring.pending)
		return USEC_NEVER;
	if (now >= s->measuring.due || complete(s))
		measuring_finish(s, now);
	return s->measuring.pending ? s->measuring.due : USEC_NEVER;
}
