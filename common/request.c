/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests, the asking side (PROTOCOL section 3.3): sent again with back-off until answered.
 *
 * The first time-out is that of the path by RFC 6298: SRTT + 4 RTTVAR, measured on requests that
 * were sent only once (Karn's rule, its section 3), doubled with every further sending. As in its
 * section 5, a request that was answered only after retransmission hands its longer time-out on
 * to the path, until the next clean measurement; otherwise a path whose delay has jumped above the
 * time-out would never be measured again. Requests that name a move are answered when other cores
 * have done their part, and tell nothing of the path.
 *
 * Callbacks may do anything but free the table: an entry is out of it before its callback runs,
 * and no pointer to an entry is held across one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "request_internal.h"

struct requests *requests_new(const struct request_ops *ops)
{
	struct requests *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->ops = *ops;
	r->next_id = 1;
	r->timeout = REQUEST_TIMEOUT_INITIAL;
	return r;
}

static void outstanding_free(struct outstanding *o)
{
	keys_wipe(o->octets, o->length);
	free(o);
}

/* Takes an entry out of the table; the caller frees it. */
static void unlink_outstanding(struct requests *r, struct outstanding *o)
{
	HASH_DEL(r->outstanding, o);
	heap_remove(&r->timers, o);
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	while (r->outstanding) {
		struct outstanding *o = r->outstanding;

		unlink_outstanding(r, o);
		outstanding_free(o);
	}
	heap_free(&r->timers);
	answers_free(r);
	free(r);
}

void request_transmit(struct requests *r, const uint8_t *octets, size_t length)
{
	if (r->ops.transmit(r->ops.context, octets, length) < 0)
		r->counters.unsent++;
}

static struct outstanding *find(const struct requests *r, uint32_t id)
{
	struct outstanding *o;

	HASH_FIND(hh, r->outstanding, &id, sizeof(id), o);
	return o;
}

/* The next id that is neither 0 nor, after 2^32 requests, still in use. */
static uint32_t take_id(struct requests *r)
{
	uint32_t id;

	do {
		id = r->next_id++;
	} while (id == 0 || find(r, id));
	return id;
}

/* Remembers an encoded request. NULL when out of memory. */
static struct outstanding *remember(struct requests *r, const struct message *m,
				    const uint8_t *octets, size_t length)
{
	struct outstanding *o = malloc(sizeof(*o) + length);

	if (!o)
		return NULL;
	*o = (struct outstanding){
		.id = m->id,
		.serial = r->next_serial,
		.type = m->type,
		.waits = message_has(m, ATTR_HANDOVER_COUNTER),
		.length = length,
	};
	memcpy(o->octets, octets, length);
	if (heap_reserve(&r->timers) < 0) {
		outstanding_free(o);
		return NULL;
	}
	HASH_ADD(hh, r->outstanding, id, sizeof(o->id), o);
	if (!o->hh.tbl) {
		outstanding_free(o);
		return NULL;
	}
	r->next_serial++;
	return o;
}

int64_t request_send(struct requests *r, struct message *m, request_done *done, void *context,
		     uint64_t token, usec_t now)
{
	uint8_t octets[REQUEST_OCTETS_MAX];
	struct outstanding *o;
	int length;

	r->now = now;
	if (!message_is_request(m->type))
		return -EINVAL;
	if (HASH_COUNT(r->outstanding) >= REQUEST_LIMIT)
		return -ENOBUFS;
	m->id = take_id(r);
	length = message_write(m, octets, sizeof(octets));
	if (length < 0)
		return -EINVAL;
	o = remember(r, m, octets, (size_t)length);
	if (!o) {
		keys_wipe(octets, sizeof(octets));
		return -ENOMEM;
	}
	o->done = done;
	o->context = context;
	o->token = token;
	o->tries = 1;
	o->first_sent = now;
	o->timeout = r->timeout;
	o->due = now + o->timeout;
	heap_push(&r->timers, o);
	r->counters.sent++;
	request_transmit(r, octets, (size_t)length);
	keys_wipe(octets, sizeof(octets));
	return m->id;
}

uint32_t requests_next_id(const struct requests *r)
{
	return r->next_id;
}

void requests_go_on(struct requests *r, uint32_t next_id)
{
	r->next_id = next_id;
}

void request_cancel(struct requests *r, uint32_t id)
{
	struct outstanding *o = find(r, id);

	if (!o)
		return;
	unlink_outstanding(r, o);
	outstanding_free(o);
}

/* The one end of a request. */
static void finish(struct requests *r, struct outstanding *o, enum reason reason,
		   const struct message *answer, usec_t now)
{
	unlink_outstanding(r, o);
	if (o->done)
		o->done(o->context, o->token, reason, answer, now);
	outstanding_free(o);
}

void requests_measured(struct requests *r, usec_t rtt)
{
	r->measured[r->measurements++ % REQUEST_MEASUREMENTS] = rtt;
}

usec_t requests_rtt(const struct requests *r)
{
	usec_t least = USEC_NEVER;

	for (unsigned int i = 0; i < REQUEST_MEASUREMENTS && i < r->measurements; i++)
		least = usec_min(least, r->measured[i]);
	return r->measurements > 0 ? least : 0;
}

/* RFC 6298 section 2, with alpha 1/8, beta 1/4 and K 4. */
static void answered_in(struct requests *r, usec_t rtt)
{
	requests_measured(r, rtt);
	if (r->srtt == 0) {
		r->srtt = rtt;
		r->rttvar = rtt / 2;
	} else {
		usec_t deviation = rtt > r->srtt ? rtt - r->srtt : r->srtt - rtt;

		r->rttvar += (deviation - r->rttvar) / 4;
		r->srtt += (rtt - r->srtt) / 8;
	}
	/* 0 means "nothing measured", also on a path without any delay. */
	if (r->srtt <= 0)
		r->srtt = 1;
	r->timeout = r->srtt + 4 * r->rttvar;
	if (r->timeout < REQUEST_TIMEOUT_MIN)
		r->timeout = REQUEST_TIMEOUT_MIN;
	r->timeout = usec_min(r->timeout, REQUEST_TIMEOUT_MAX);
}

void request_answered(struct requests *r, const struct message *answer, usec_t now)
{
	struct outstanding *o = find(r, answer->id);

	if (!o || (answer->type != message_answer(o->type) && answer->type != MESSAGE_ERROR)) {
		r->counters.unknown_answers++;
		return;
	}
	if (o->tries == 1 && !o->waits)
		answered_in(r, now - o->first_sent);
	else if (o->timeout > r->timeout && !o->waits)
		r->timeout = usec_min(o->timeout, REQUEST_TIMEOUT_MAX);
	r->counters.answered++;
	finish(r, o, answer->reason, answer, now);
}

void requests_fail(struct requests *r, enum reason reason, usec_t now)
{
	/* What the callbacks send is not part of it. */
	uint64_t end = r->next_serial;

	while (r->outstanding && r->outstanding->serial < end) {
		r->counters.failed++;
		finish(r, r->outstanding, reason, NULL, now);
	}
}

/* Its time-out has ended: send it again, or give up. */
static void time_out(struct requests *r, struct outstanding *o, usec_t now)
{
	if (o->tries >= REQUEST_MAX_TRIES) {
		r->counters.timed_out++;
		finish(r, o, REASON_TIMEOUT, NULL, now);
		return;
	}
	o->tries++;
	o->timeout *= 2;
	o->due = now + o->timeout;
	heap_postpone(&r->timers, o);
	r->counters.retransmitted++;
	request_transmit(r, o->octets, o->length);
}

usec_t requests_tick(struct requests *r, usec_t now)
{
	usec_t expiry = answers_tick(r, now);
	struct outstanding *o;

	r->now = now;
	while ((o = heap_first(&r->timers)) && o->due <= now)
		time_out(r, o, now);
	return o ? usec_min(o->due, expiry) : expiry;
}

const struct request_counters *requests_counters(const struct requests *r)
{
	return &r->counters;
}

usec_t requests_srtt(const struct requests *r)
{
	return r->srtt;
}

usec_t requests_now(const struct requests *r)
{
	return r->now;
}

size_t requests_outstanding(const struct requests *r)
{
	return HASH_COUNT(r->outstanding);
}
