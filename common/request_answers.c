/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests, the answering side (PROTOCOL section 3.3): each is executed at most once.
 *
 * A request is remembered from its arrival on: first as running, then with its answer, for
 * ANSWER_CACHE seconds each. All entries live equally long, so a list in the order of arrival and
 * one in the order of answering are also the order in which they expire. The cache is bounded; to
 * make room the oldest answer goes, and a request that is running never does.
 *
 * Ids count up, so one number remembers everything forgotten: an id that is not above the highest
 * forgotten one belongs to a request that may have been executed, and is not executed again. ids
 * wrap after 2^32 requests, hence the serial number arithmetic of RFC 1982.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "request_internal.h"

static struct answer *find(const struct requests *r, uint32_t id)
{
	struct answer *a;

	HASH_FIND(hh, r->answers, &id, sizeof(id), a);
	return a;
}

static void unlink_answer(struct requests *r, struct answer *a)
{
	HASH_DEL(r->answers, a);
	if (a->octets) {
		DL_DELETE(r->answered, a);
		keys_wipe(a->octets, a->length);
		free(a->octets);
	} else {
		DL_DELETE(r->running, a);
	}
	free(a);
}

/* id is not above base, RFC 1982 section 3.2 for 32 bits. */
static bool not_above(uint32_t id, uint32_t base)
{
	return (int32_t)(id - base) <= 0;
}

/* Lets an entry go, but not what it stood for. */
static void forget(struct requests *r, struct answer *a)
{
	if (!r->has_forgotten || !not_above(a->id, r->forgotten))
		r->forgotten = a->id;
	r->has_forgotten = true;
	unlink_answer(r, a);
}

/* Makes room for one more; false when everything remembered is still running. */
static bool make_room(struct requests *r)
{
	if (HASH_COUNT(r->answers) < REQUEST_LIMIT)
		return true;
	r->counters.overflow++;
	if (!r->answered)
		return false;
	forget(r, r->answered);
	return true;
}

enum request_fate request_arrived(struct requests *r, const struct message *request, usec_t now)
{
	struct answer *a = find(r, request->id);

	r->now = now;
	if (a && (!a->octets || a->type != request->type)) {
		r->counters.running++;
		return REQUEST_RUNNING;
	}
	if (a) {
		r->counters.repeated++;
		request_transmit(r, a->octets, a->length);
		return REQUEST_REPEATED;
	}
	if (r->has_forgotten && not_above(request->id, r->forgotten)) {
		r->counters.stale++;
		return REQUEST_RUNNING;
	}
	if (!make_room(r))
		return REQUEST_RUNNING;
	a = calloc(1, sizeof(*a));
	if (!a)
		return REQUEST_RUNNING;
	a->id = request->id;
	a->type = request->type;
	a->expires = now + REQUEST_ANSWER_CACHE;
	HASH_ADD(hh, r->answers, id, sizeof(a->id), a);
	if (!a->hh.tbl) {
		free(a);
		return REQUEST_RUNNING;
	}
	DL_APPEND(r->running, a);
	r->counters.arrived++;
	return REQUEST_NEW;
}

int request_answer(struct requests *r, uint32_t id, struct message *answer, usec_t now)
{
	uint8_t octets[REQUEST_OCTETS_MAX];
	struct answer *a = find(r, id);
	uint8_t *kept;
	int length;

	r->now = now;
	if (!a || a->octets)
		return -ENOENT;
	if (answer->type != message_answer(a->type) && answer->type != MESSAGE_ERROR)
		return -EINVAL;
	answer->id = id;
	length = message_write(answer, octets, sizeof(octets));
	if (length < 0)
		return -EINVAL;
	kept = malloc((size_t)length);
	if (!kept) {
		keys_wipe(octets, sizeof(octets));
		return -ENOMEM;
	}
	memcpy(kept, octets, (size_t)length);
	DL_DELETE(r->running, a);
	a->octets = kept;
	a->length = (size_t)length;
	a->expires = now + REQUEST_ANSWER_CACHE;
	DL_APPEND(r->answered, a);
	request_transmit(r, octets, (size_t)length);
	keys_wipe(octets, sizeof(octets));
	return 0;
}

/* Lets go of the entries of one list whose time has come; the instant of the next one. */
static usec_t expire(struct requests *r, struct answer **list, usec_t now)
{
	while (*list && (*list)->expires <= now)
		forget(r, *list);
	return *list ? (*list)->expires : USEC_NEVER;
}

usec_t answers_tick(struct requests *r, usec_t now)
{
	usec_t running = expire(r, &r->running, now);

	return usec_min(running, expire(r, &r->answered, now));
}

void answers_free(struct requests *r)
{
	while (r->running)
		unlink_answer(r, r->running);
	while (r->answered)
		unlink_answer(r, r->answered);
}

void requests_peer_restarted(struct requests *r)
{
	answers_free(r);
	r->has_forgotten = false;
}
