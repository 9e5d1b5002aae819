/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: what is sent when, how each ends, and that none is executed twice.
 *
 * One table at a time with a transmit that records; the oracle of the timers is a table of
 * instants worked out by hand from PROTOCOL section 12 and RFC 6298. Two tables and a bad path
 * between them are in test-faults.c.
 */
#include "request_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS	     USEC_PER_MSEC
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What was transmitted last, and how often anything was. */
static struct {
	uint8_t octets[SNO_DATAGRAM_MAX];
	size_t length;
	unsigned int count;
	int result;
} wire;

/* How requests have ended. */
static struct {
	unsigned int count;
	uint64_t token;
	enum reason reason;
	bool answered;
	usec_t at;
} ended;

static int transmit(void *context, const uint8_t *octets, size_t length)
{
	(void)context;
	assert_true(length <= sizeof(wire.octets));
	memcpy(wire.octets, octets, length);
	wire.length = length;
	wire.count++;
	return wire.result;
}

static void done(void *context, uint64_t token, enum reason reason, const struct message *answer,
		 usec_t now)
{
	assert_ptr_equal(context, &ended);
	ended.count++;
	ended.token = token;
	ended.reason = reason;
	ended.answered = answer != NULL;
	ended.at = now;
}

static int setup(void **state)
{
	memset(&wire, 0, sizeof(wire));
	memset(&ended, 0, sizeof(ended));
	*state = requests_new(&(struct request_ops){transmit, NULL});
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	requests_free(*state);
	return 0;
}

static struct message release(uint64_t binding)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, binding);
	return m;
}

static uint32_t ask(struct requests *r, uint64_t token, usec_t now)
{
	struct message m = release(token + 1);
	int64_t id = request_send(r, &m, done, &ended, token, now);

	assert_true(id > 0);
	assert_int_equal(m.id, id);
	return (uint32_t)id;
}

static struct message answer_of(enum message_type type, uint32_t id, enum reason reason)
{
	struct message m;

	message_init(&m, type, id);
	message_set_number(&m, ATTR_REASON, reason);
	return m;
}

static void answer(struct requests *r, uint32_t id, enum reason reason, usec_t now)
{
	struct message m = answer_of(MESSAGE_RELEASE_ACK, id, reason);

	request_answered(r, &m, now);
}

static enum request_fate arrive(struct requests *r, uint32_t id, usec_t now)
{
	struct message m = release(1);

	m.id = id;
	return request_arrived(r, &m, now);
}

/* --- asking --------------------------------------------------------------------------------- */

static void test_send(void **state)
{
	struct requests *r = *state;
	struct message m;

	assert_int_equal(ask(r, 7, 0), 1);
	assert_int_equal(ask(r, 8, 0), 2);
	assert_int_equal(wire.count, 2);
	assert_int_equal(message_read(&m, PLACE_CORE, wire.octets, wire.length), DROP_NONE);
	assert_int_equal(m.type, MESSAGE_RELEASE);
	assert_int_equal(m.id, 2);
	assert_int_equal(m.binding, 9);
	assert_int_equal(ended.count, 0);
	assert_int_equal(requests_outstanding(r), 2);

	answer(r, 1, REASON_STALE_BINDING, 10 * MS);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.token, 7);
	assert_int_equal(ended.reason, REASON_STALE_BINDING);
	assert_true(ended.answered);
	assert_int_equal(ended.at, 10 * MS);
	assert_int_equal(requests_outstanding(r), 1);
}

static void test_refused(void **state)
{
	struct requests *r = *state;
	struct message m;

	message_init(&m, MESSAGE_KEEPALIVE, 0);
	assert_int_equal(request_send(r, &m, done, &ended, 0, 0), -EINVAL);
	m = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);
	assert_int_equal(request_send(r, &m, done, &ended, 0, 0), -EINVAL);
	message_init(&m, MESSAGE_RELEASE, 0); /* REASON is missing */
	assert_int_equal(request_send(r, &m, done, &ended, 0, 0), -EINVAL);
	assert_int_equal(wire.count, 0);
	assert_int_equal(requests_outstanding(r), 0);
	assert_int_equal(requests_tick(r, 0), USEC_NEVER);
}

/* 500 ms, doubled each time, five sendings; the octets never change. */
static void test_back_off(void **state)
{
	static const usec_t sendings[] = {0, 500, 1500, 3500, 7500};
	struct requests *r = *state;
	uint8_t first[SNO_DATAGRAM_MAX];
	size_t length;

	wire.result = -EAGAIN; /* only counted */
	ask(r, 42, 0);
	length = wire.length;
	memcpy(first, wire.octets, length);
	for (size_t i = 1; i < COUNT(sendings); i++) {
		assert_int_equal(requests_tick(r, sendings[i] * MS - 1), sendings[i] * MS);
		assert_int_equal(wire.count, i);
		memset(wire.octets, 0, sizeof(wire.octets));
		requests_tick(r, sendings[i] * MS);
		assert_int_equal(wire.count, i + 1);
		assert_int_equal(wire.length, length);
		assert_memory_equal(wire.octets, first, length);
	}
	assert_int_equal(requests_tick(r, 15500 * MS - 1), 15500 * MS);
	assert_int_equal(ended.count, 0);
	assert_int_equal(requests_tick(r, 15500 * MS), USEC_NEVER);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.reason, REASON_TIMEOUT);
	assert_false(ended.answered);
	assert_int_equal(wire.count, REQUEST_MAX_TRIES);
	assert_int_equal(requests_counters(r)->retransmitted, 4);
	assert_int_equal(requests_counters(r)->timed_out, 1);
	assert_int_equal(requests_counters(r)->unsent, 5);
}

/* The time-out of the next request: when its first retransmission is due. */
static usec_t next_timeout(struct requests *r, usec_t now)
{
	uint32_t id = ask(r, 0, now);
	usec_t due = requests_tick(r, now);

	request_cancel(r, id);
	return due - now;
}

static void test_round_trip(void **state)
{
	/* RFC 6298 section 2 by hand: srtt and rttvar after each sample, in microseconds. */
	static const struct {
		usec_t rtt, srtt, timeout;
	} samples[] = {
		{200000, 200000, 600000}, /* rttvar 100000 */
		{200000, 200000, 500000}, /* 75000 */
		{200000, 200000, 425000}, /* 56250 */
		{120000, 190000, 438752}, /* 56250 + (80000 - 56250) / 4 = 62187, rounded down */
		{400000, 216250, 612814}, /* 62187 + (210000 - 62187) / 4 = 99140 */
	};
	struct requests *r = *state;
	usec_t now = 0;

	assert_int_equal(requests_srtt(r), 0);
	assert_int_equal(next_timeout(r, now), 500 * MS);
	for (size_t i = 0; i < COUNT(samples); i++) {
		uint32_t id = ask(r, 0, now);

		now += samples[i].rtt;
		answer(r, id, REASON_ACCEPTED, now);
		assert_int_equal(requests_srtt(r), samples[i].srtt);
		assert_in_range(next_timeout(r, now), samples[i].timeout - 8,
				samples[i].timeout + 8);
	}
}

static void test_timeout_bounds(void **state)
{
	struct requests *r = *state;
	usec_t now = 0;

	/* A path without delay: measured, and yet not tried more often than each 100 ms. */
	answer(r, ask(r, 0, now), REASON_ACCEPTED, now);
	assert_int_not_equal(requests_srtt(r), 0);
	assert_int_equal(next_timeout(r, now), 100 * MS);
	/* A slow one: within 2 s, so that the last sending (15 of them later) is cached still. */
	for (int i = 0; i < 20; i++) {
		uint32_t id = ask(r, 0, now);

		answer(r, id, REASON_ACCEPTED, now + 10 * USEC_PER_SEC);
		now += 10 * USEC_PER_SEC;
	}
	assert_int_equal(next_timeout(r, now), 2 * USEC_PER_SEC);
}

/* Karn: what was sent twice measures nothing, but hands its time-out on until something does. */
static void test_karn(void **state)
{
	struct requests *r = *state;
	uint32_t id = ask(r, 0, 0);

	answer(r, id, REASON_ACCEPTED, 100 * MS);
	assert_int_equal(requests_srtt(r), 100 * MS);
	assert_int_equal(next_timeout(r, 0), 300 * MS);

	id = ask(r, 0, 1000 * MS);
	requests_tick(r, 1300 * MS);
	assert_int_equal(requests_counters(r)->retransmitted, 1);
	answer(r, id, REASON_ACCEPTED, 1310 * MS);
	assert_int_equal(requests_srtt(r), 100 * MS);
	assert_int_equal(next_timeout(r, 2000 * MS), 600 * MS);
	id = ask(r, 0, 3000 * MS);
	answer(r, id, REASON_ACCEPTED, 3100 * MS);
	assert_int_equal(requests_srtt(r), 100 * MS);
	assert_in_range(next_timeout(r, 4000 * MS), 240 * MS, 260 * MS);
}

/*
 * What names a move is answered when other cores have done their part: asked again as ever, which
 * the other end ignores, but no measure of the path, neither at once nor after a repetition.
 */
static void test_waiting(void **state)
{
	static const enum message_type types[] = {MESSAGE_HANDOVER_ANNOUNCEMENT,
						  MESSAGE_CORE_DISCONNECT};
	struct requests *r = *state;
	uint32_t id = ask(r, 0, 0);
	struct message m, ack;

	answer(r, id, REASON_ACCEPTED, 20 * MS);
	assert_int_equal(next_timeout(r, 0), REQUEST_TIMEOUT_MIN);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t before = requests_counters(r)->retransmitted;
		usec_t start = (1 + i) * 1000 * MS, took = i < 2 ? 80 * MS : 350 * MS;

		message_init(&m, types[i % 2], 0);
		message_set_number(&m, ATTR_HANDOVER_COUNTER, 1 + i);
		if (m.type == MESSAGE_HANDOVER_ANNOUNCEMENT)
			message_set_number(&m, ATTR_EXPECTED, 0);
		assert_true(request_send(r, &m, done, &ended, 0, start) > 0);
		for (usec_t at = start; at <= start + took; at += 10 * MS)
			requests_tick(r, at);
		assert_int_equal(requests_counters(r)->retransmitted, before + (i < 2 ? 0 : 2));
		ack = answer_of(message_answer(m.type), m.id, REASON_NOT_PREPARED);
		request_answered(r, &ack, start + took);
		assert_int_equal(ended.reason, REASON_NOT_PREPARED);
		assert_int_equal(requests_srtt(r), 20 * MS);
		assert_int_equal(requests_rtt(r), 20 * MS);
		assert_int_equal(next_timeout(r, start + 600 * MS), REQUEST_TIMEOUT_MIN);
	}
	/* One that names no move is answered at once. */
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	assert_true(request_send(r, &m, done, &ended, 0, 9000 * MS) > 0);
	ack = answer_of(MESSAGE_DISCONNECTION_ACK, m.id, REASON_ACCEPTED);
	request_answered(r, &ack, 9010 * MS);
	assert_int_equal(requests_rtt(r), 10 * MS);
}

/* The least of the last eight, whoever has measured. */
static void test_measurements(void **state)
{
	struct requests *r = *state;

	assert_int_equal(requests_rtt(r), 0);
	requests_measured(r, 7 * MS);
	assert_int_equal(requests_rtt(r), 7 * MS);
	assert_int_equal(requests_srtt(r), 0);
	for (unsigned int i = 0; i < 7; i++) {
		answer(r, ask(r, 0, 0), REASON_ACCEPTED, 50 * MS);
		assert_int_equal(requests_rtt(r), 7 * MS);
	}
	requests_measured(r, 60 * MS);
	assert_int_equal(requests_rtt(r), 50 * MS);
}

static void test_wrong_answers(void **state)
{
	struct requests *r = *state;
	uint32_t id = ask(r, 5, 0);
	struct message m;

	answer(r, id + 1, REASON_ACCEPTED, 0);
	m = answer_of(MESSAGE_TUNNEL_ACK, id, REASON_ACCEPTED);
	request_answered(r, &m, 0);
	assert_int_equal(ended.count, 0);
	assert_int_equal(requests_counters(r)->unknown_answers, 2);
	m = answer_of(MESSAGE_ERROR, id, REASON_UNSUPPORTED);
	request_answered(r, &m, 0);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.reason, REASON_UNSUPPORTED);
	/* The same answer again is nobody's. */
	request_answered(r, &m, 0);
	assert_int_equal(ended.count, 1);
	assert_int_equal(requests_counters(r)->unknown_answers, 3);
}

static void test_cancel(void **state)
{
	struct requests *r = *state;
	uint32_t id = ask(r, 0, 0);

	request_cancel(r, id);
	request_cancel(r, id);
	request_cancel(r, 99);
	answer(r, id, REASON_ACCEPTED, 0);
	assert_int_equal(requests_tick(r, 60 * USEC_PER_SEC), USEC_NEVER);
	assert_int_equal(ended.count, 0);
	assert_int_equal(wire.count, 1);
	ask(r, 0, 0); /* freed with the table, without a callback */
}

static void test_fail(void **state)
{
	struct requests *r = *state;

	for (uint64_t i = 0; i < 100; i++)
		ask(r, i, 0);
	requests_fail(r, REASON_HOME_UNREACHABLE, 5);
	assert_int_equal(ended.count, 100);
	assert_int_equal(ended.token, 99); /* in the order they were sent */
	assert_int_equal(ended.reason, REASON_HOME_UNREACHABLE);
	assert_false(ended.answered);
	assert_int_equal(requests_counters(r)->failed, 100);
	assert_int_equal(requests_tick(r, 60 * USEC_PER_SEC), USEC_NEVER);
	requests_fail(r, REASON_HOME_UNREACHABLE, 6);
	assert_int_equal(ended.count, 100);
}

static void test_ids_wrap(void **state)
{
	struct requests *r = *state;

	assert_int_equal(ask(r, 0, 0), 1);
	r->next_id = UINT32_MAX;
	assert_int_equal(ask(r, 0, 0), UINT32_MAX);
	assert_int_equal(ask(r, 0, 0), 2); /* neither 0 nor the one that is out */
}

static void test_limit(void **state)
{
	struct requests *r = *state;
	struct message m = release(1);

	for (uint64_t i = 0; i < REQUEST_LIMIT; i++)
		ask(r, i, 0);
	assert_int_equal(request_send(r, &m, done, &ended, 0, 0), -ENOBUFS);
	request_cancel(r, 77);
	assert_true(request_send(r, &m, done, &ended, 0, 0) > 0);
}

/* Thousands at once, ended in any order: every timer goes off at its time, none twice. */
static void test_many(void **state)
{
	enum { MANY = 20000 };
	struct requests *r = *state;
	uint64_t random = 1;
	usec_t now = 0, next;

	for (uint64_t i = 0; i < MANY; i++)
		ask(r, i, (usec_t)(i % 997) * MS / 4 + (usec_t)(i / 997) * 300 * MS);
	for (uint32_t id = 1; id <= MANY; id++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (random >> 63)
			request_cancel(r, id);
	}
	while ((next = requests_tick(r, now)) != USEC_NEVER) {
		const struct heap *h = &r->timers;

		assert_true(next > now);
		for (size_t i = 1; i < h->count && now % 13 == 0; i++) {
			assert_true(h->entries[(i - 1) / 2]->due <= h->entries[i]->due);
			assert_int_equal(h->entries[i]->slot, i);
		}
		now = next;
	}
	assert_int_equal(requests_outstanding(r), 0);
	assert_int_equal(ended.count, requests_counters(r)->timed_out);
	assert_in_range(ended.count, MANY / 2 - 500, MANY / 2 + 500);
	assert_int_equal(requests_counters(r)->retransmitted, 4 * (uint64_t)ended.count);
	assert_int_equal(wire.count, MANY + 4 * ended.count);
}

/* --- callbacks that call back --------------------------------------------------------------- */

struct reentry {
	struct requests *r;
	unsigned int calls;
	uint32_t victim;
};

static void done_and_more(void *context, uint64_t token, enum reason reason,
			  const struct message *m, usec_t now)
{
	struct reentry *e = context;
	struct message again = release(1);
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);

	(void)reason;
	(void)m;
	e->calls++;
	request_cancel(e->r, e->victim);
	request_cancel(e->r, (uint32_t)token); /* itself, long gone */
	assert_int_equal(arrive(e->r, 1000 + e->calls, now), REQUEST_NEW);
	assert_int_equal(request_answer(e->r, 1000 + e->calls, &ack, now), 0);
	assert_true(request_send(e->r, &again, done_and_more, e, 0, now) > 0);
}

static void test_reentry(void **state)
{
	struct reentry e = {.r = *state};
	struct message m = release(1);
	int64_t first = request_send(e.r, &m, done_and_more, &e, 1, 0);
	int64_t second = request_send(e.r, &m, done_and_more, &e, 2, 0);

	/* The first takes the second along, which never ends; the new one waits for the next. */
	assert_int_equal(second, 2);
	e.victim = (uint32_t)second;
	requests_fail(e.r, REASON_HOME_UNREACHABLE, 0);
	assert_int_equal(e.calls, 1);
	assert_int_equal(requests_outstanding(e.r), 1);
	requests_fail(e.r, REASON_HOME_UNREACHABLE, 0);
	assert_int_equal(e.calls, 2);
	/* From a time-out, with another due at the same instant. */
	m = release(1);
	e.victim = (uint32_t)request_send(e.r, &m, done_and_more, &e, 0, 0);
	for (usec_t now = 0; now <= 15500 * MS; now += 100 * MS)
		requests_tick(e.r, now);
	assert_int_equal(e.calls, 3);
	/* From an answer. */
	answer(e.r, (uint32_t)first + 4, REASON_ACCEPTED, 16000 * MS);
	assert_int_equal(requests_outstanding(e.r), 1);
	requests_fail(e.r, REASON_HOME_UNREACHABLE, 16000 * MS);
	assert_int_equal(requests_outstanding(e.r), 1);
}

/* --- answering ------------------------------------------------------------------------------ */

static void test_answer(void **state)
{
	struct requests *r = *state;
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_STALE_BINDING);
	uint8_t first[SNO_DATAGRAM_MAX];
	struct message m;

	assert_int_equal(arrive(r, 9, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 9, 1), REQUEST_RUNNING);
	assert_int_equal(wire.count, 0);
	assert_int_equal(request_answer(r, 9, &ack, 2), 0);
	assert_int_equal(wire.count, 1);
	assert_int_equal(message_read(&m, PLACE_CORE, wire.octets, wire.length), DROP_NONE);
	assert_int_equal(m.type, MESSAGE_RELEASE_ACK);
	assert_int_equal(m.id, 9);
	assert_int_equal(m.reason, REASON_STALE_BINDING);
	memcpy(first, wire.octets, wire.length);
	memset(wire.octets, 0, sizeof(wire.octets));
	assert_int_equal(arrive(r, 9, 3), REQUEST_REPEATED);
	assert_int_equal(wire.count, 2);
	assert_memory_equal(wire.octets, first, wire.length);
	assert_int_equal(requests_counters(r)->arrived, 1);
	assert_int_equal(requests_counters(r)->running, 1);
	assert_int_equal(requests_counters(r)->repeated, 1);
}

static void test_answer_refused(void **state)
{
	struct requests *r = *state;
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);
	struct message m;

	assert_int_equal(request_answer(r, 1, &ack, 0), -ENOENT);
	assert_int_equal(arrive(r, 1, 0), REQUEST_NEW);
	m = answer_of(MESSAGE_TUNNEL_ACK, 0, REASON_ACCEPTED);
	assert_int_equal(request_answer(r, 1, &m, 0), -EINVAL);
	message_init(&m, MESSAGE_RELEASE_ACK, 0); /* REASON is missing */
	assert_int_equal(request_answer(r, 1, &m, 0), -EINVAL);
	assert_int_equal(arrive(r, 1, 0), REQUEST_RUNNING);
	m = answer_of(MESSAGE_ERROR, 0, REASON_BUSY);
	assert_int_equal(request_answer(r, 1, &m, 0), 0);
	assert_int_equal(request_answer(r, 1, &ack, 0), -ENOENT);
	assert_int_equal(wire.count, 1);
	/* The same id with another type is not that request. */
	m = answer_of(MESSAGE_HANDOVER_DONE, 1, REASON_ACCEPTED);
	assert_int_equal(request_arrived(r, &m, 0), REQUEST_RUNNING);
	assert_int_equal(wire.count, 1);
}

/* Kept for 60 s after answering, and not executed again after that. */
static void test_expiry(void **state)
{
	const usec_t cache = REQUEST_ANSWER_CACHE;
	struct requests *r = *state;
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);

	assert_int_equal(arrive(r, 10, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 11, 1), REQUEST_NEW);
	assert_int_equal(requests_tick(r, 1), cache);
	assert_int_equal(request_answer(r, 10, &ack, 5), 0);
	assert_int_equal(requests_tick(r, 5), cache + 1);
	assert_int_equal(requests_tick(r, cache + 1), cache + 5);
	assert_int_equal(request_answer(r, 11, &ack, cache + 1), -ENOENT); /* gave up on it */
	assert_int_equal(arrive(r, 10, cache + 4), REQUEST_REPEATED);
	assert_int_equal(requests_tick(r, cache + 5), USEC_NEVER);
	assert_int_equal(wire.count, 2);
	assert_int_equal(arrive(r, 10, cache + 6), REQUEST_RUNNING);
	assert_int_equal(arrive(r, 11, cache + 6), REQUEST_RUNNING);
	assert_int_equal(arrive(r, 3, cache + 6), REQUEST_RUNNING);
	assert_int_equal(requests_counters(r)->stale, 3);
	assert_int_equal(arrive(r, 12, cache + 6), REQUEST_NEW);
	assert_int_equal(wire.count, 2);
}

static void test_wrapped_arrivals(void **state)
{
	struct requests *r = *state;

	assert_int_equal(arrive(r, UINT32_MAX - 1, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 1, 0), REQUEST_NEW);
	requests_tick(r, REQUEST_ANSWER_CACHE);
	assert_int_equal(arrive(r, UINT32_MAX, REQUEST_ANSWER_CACHE), REQUEST_RUNNING);
	assert_int_equal(arrive(r, 1, REQUEST_ANSWER_CACHE), REQUEST_RUNNING);
	assert_int_equal(arrive(r, 2, REQUEST_ANSWER_CACHE), REQUEST_NEW);
}

static void test_cache_bound(void **state)
{
	struct requests *r = *state;
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);

	for (uint32_t id = 1; id <= REQUEST_LIMIT; id++)
		assert_int_equal(arrive(r, id, 0), REQUEST_NEW);
	/* All are running: nothing can be forgotten, so nothing new is taken. */
	assert_int_equal(arrive(r, REQUEST_LIMIT + 1, 0), REQUEST_RUNNING);
	assert_int_equal(request_answer(r, 5, &ack, 0), 0);
	assert_int_equal(request_answer(r, 4, &ack, 0), 0);
	assert_int_equal(arrive(r, REQUEST_LIMIT + 1, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 5, 0), REQUEST_RUNNING); /* the one answered first went */
	assert_int_equal(arrive(r, 4, 0), REQUEST_REPEATED);
	assert_int_equal(requests_counters(r)->stale, 1);
	assert_int_equal(requests_counters(r)->overflow, 2);
}

static void test_peer_restarted(void **state)
{
	struct requests *r = *state;
	struct message ack = answer_of(MESSAGE_RELEASE_ACK, 0, REASON_ACCEPTED);

	assert_int_equal(arrive(r, 500, 0), REQUEST_NEW);
	assert_int_equal(requests_tick(r, REQUEST_ANSWER_CACHE), USEC_NEVER);
	assert_int_equal(arrive(r, 1, 0), REQUEST_RUNNING);
	assert_int_equal(arrive(r, 501, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 502, 0), REQUEST_NEW);
	assert_int_equal(request_answer(r, 502, &ack, 0), 0);
	ask(r, 3, 0);
	requests_peer_restarted(r);
	assert_int_equal(request_answer(r, 501, &ack, 0), -ENOENT);
	assert_int_equal(arrive(r, 1, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 501, 0), REQUEST_NEW);
	assert_int_equal(arrive(r, 502, 0), REQUEST_NEW);
	assert_int_equal(requests_outstanding(r), 1); /* those are requests_fail()'s */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_send),
		TEST(test_refused),
		TEST(test_back_off),
		TEST(test_round_trip),
		TEST(test_timeout_bounds),
		TEST(test_karn),
		TEST(test_waiting),
		TEST(test_measurements),
		TEST(test_wrong_answers),
		TEST(test_cancel),
		TEST(test_fail),
		TEST(test_ids_wrap),
		TEST(test_limit),
		TEST(test_many),
		TEST(test_reentry),
		TEST(test_answer),
		TEST(test_answer_refused),
		TEST(test_expiry),
		TEST(test_wrapped_arrivals),
		TEST(test_cache_bound),
		TEST(test_peer_restarted),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
