/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cores with a channel between them: the event loop, the path, the owners (pair.h).
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"

/* xorshift64*, Vigna 2016. */
static uint64_t draw(struct pair *p)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return p->random * UINT64_C(2685821657736338717);
}

double pair_random(struct pair *p)
{
	return (double)(draw(p) >> 11) / 9007199254740992.0;
}

/* Room for one more element. */
static void *grown(void *array, size_t length, size_t *capacity, size_t size)
{
	if (length < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 64;
	array = realloc(array, *capacity * size);
	assert_non_null(array);
	return array;
}

/* --- the path ------------------------------------------------------------------------------- */

static void put_under_way(struct pair *p, const struct datagram *d, usec_t late)
{
	p->queue = grown(p->queue, p->queue_length, &p->queue_capacity, sizeof(*p->queue));
	p->queue[p->queue_length] = *d;
	p->queue[p->queue_length].at = p->now + p->delay + late;
	if (p->jitter > 0)
		p->queue[p->queue_length].at += (usec_t)(pair_random(p) * (double)p->jitter);
	p->queue_length++;
}

static int transmit(void *context, const uint8_t *octets, size_t length)
{
	struct side *s = context;
	struct pair *p = s->pair;
	struct datagram d = {.to = !s->number, .at = p->now, .length = length};
	unsigned int number = ++p->carried;
	usec_t late = number == p->delay_nth ? 700 * MS : 0;

	assert_true(length <= sizeof(d.octets));
	memcpy(d.octets, octets, length);
	if (p->log_length < PAIR_LOG)
		p->log[p->log_length++] = d;
	if (p->cut[s->number] || number == p->lose_nth)
		return 0;
	if (p->no_handshake && octets[0] != MESSAGE_SEALED)
		return 0;
	if (p->loss > 0 && pair_random(p) < p->loss)
		return 0;
	put_under_way(p, &d, late);
	if (number == p->repeat_nth || (p->repeat > 0 && pair_random(p) < p->repeat))
		put_under_way(p, &d, late);
	return 0;
}

/* --- the owners ----------------------------------------------------------------------------- */

static void state_changed(void *context, const struct message *hello, bool restarted, usec_t now)
{
	struct side *s = context;

	assert_int_equal(now, s->pair->now);
	if (hello) {
		assert_string_equal(hello->core, s->peer_name);
		assert_true(channel_up(s->channel));
		assert_ptr_equal(hello, channel_hello(s->channel));
		s->seen_epoch = hello->epoch;
		s->ups++;
		s->restarts += restarted;
	} else {
		assert_false(restarted);
		assert_false(channel_up(s->channel));
		s->downs++;
	}
	if (s->on_state)
		s->on_state(s, hello);
}

static int agreed(void *context, const struct channel_session *session, usec_t now)
{
	struct side *s = context;

	assert_int_equal(now, s->pair->now);
	return s->on_agreed ? s->on_agreed(s, session) : 0;
}

static void heard(void *context, const struct channel_session *session, usec_t now)
{
	struct side *s = context;

	assert_int_equal(now, s->pair->now);
	if (s->on_heard)
		s->on_heard(s, session);
}

static void answer(struct side *s, uint32_t id)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE_ACK, 0);
	message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	assert_int_equal(request_answer(channel_requests(s->channel), id, &m, s->pair->now), 0);
}

static void request_came(void *context, const struct message *request, usec_t now)
{
	struct side *s = context;
	struct pair *p = s->pair;
	struct token *t = &p->tokens[request->binding];

	assert_int_equal(now, p->now);
	assert_int_equal(request->type, MESSAGE_RELEASE);
	assert_in_range(request->binding, 1, PAIR_TOKENS - 1);
	t->executed++;
	t->epoch_low = (uint8_t)s->epoch;
	if (s->on_request)
		s->on_request(s, request);
	if (s->manner == ANSWER_AT_ONCE) {
		answer(s, request->id);
	} else if (s->manner == ANSWER_LATER) {
		p->work_queue = grown(p->work_queue, p->work_length, &p->work_capacity,
				      sizeof(*p->work_queue));
		p->work_queue[p->work_length].side = s->number;
		p->work_queue[p->work_length].id = request->id;
		p->work_queue[p->work_length].epoch = s->seen_epoch;
		p->work_queue[p->work_length++].at = p->now + p->work;
	}
}

static void request_ended(void *context, uint64_t token, enum reason reason,
			  const struct message *m, usec_t now)
{
	struct side *s = context;

	assert_int_equal(now, s->pair->now);
	assert_true(m == NULL || m->reason == reason);
	s->pair->tokens[token].ended++;
	s->pair->tokens[token].reason = (uint8_t)reason;
	if (s->on_done)
		s->on_done(s, token, reason);
}

void pair_ask(struct pair *p, int side, uint64_t token)
{
	struct side *s = &p->side[side];
	struct message m;

	assert_in_range(token, 1, PAIR_TOKENS - 1);
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, token);
	assert_true(request_send(channel_requests(s->channel), &m, request_ended, s, token,
				 p->now) > 0);
	s->next_tick = p->now; /* the owner ticks after sending */
}

/* --- life ----------------------------------------------------------------------------------- */

struct pair *pair_new(uint64_t seed)
{
	static const char *const names[] = {"a.example", "b.example"};
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->log = calloc(PAIR_LOG, sizeof(*p->log));
	assert_non_null(p->log);
	assert_int_equal(keys_init(), 0);
	p->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	p->timers = channel_timers_default;
	p->timers.echo = 0; /* tests count datagrams; those of echoes want them */
	p->delay = 10 * MS;
	p->work = 50 * MS;
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];

		s->pair = p;
		s->number = i;
		s->tunnel_key = 1;
		strcpy(s->name, names[i]);
		strcpy(s->peer_name, names[!i]);
		/* Fixed keys, from which the jitter comes too. */
		keys_sha256(s->identity.private_key, s->name, strlen(s->name));
		keys_public(s->identity.public_key, s->identity.private_key);
		memcpy(p->side[!i].peer_public, s->identity.public_key, 32);
	}
	return p;
}

void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		pair_stop(p, i);
	free(p->log);
	free(p->queue);
	free(p->work_queue);
	free(p);
}

void pair_start(struct pair *p, int side)
{
	struct side *s = &p->side[side];
	struct channel_ops ops = {.transmit = transmit,
				  .state = state_changed,
				  .request = request_came,
				  .agreed = agreed,
				  .heard = heard,
				  .context = s};
	struct message hello;

	pair_stop(p, side);
	for (size_t i = p->work_length; i-- > 0;) {
		if (p->work_queue[i].side == side)
			p->work_queue[i] = p->work_queue[--p->work_length];
	}
	s->epoch++;
	message_init(&hello, MESSAGE_HELLO, 0);
	message_set_text(&hello, ATTR_CORE, s->name);
	message_set_number(&hello, ATTR_EPOCH, s->epoch);
	message_set_number(&hello, ATTR_TUNNEL_KINDS, TUNNEL_GRE4);
	message_set_number(&hello, ATTR_TUNNEL_KEY, s->tunnel_key);
	if (s->suites) {
		message_set_number(&hello, ATTR_SUITES, s->suites);
		message_set_number(&hello, ATTR_SUITE, SUITE_CHACHA20_POLY1305);
	}
	s->channel = channel_new(&s->identity, s->peer_public, s->psk, s->peer_name, &hello,
				 &p->timers, &ops);
	assert_non_null(s->channel);
	s->running = true;
	s->next_tick = p->now;
}

void pair_stop(struct pair *p, int side)
{
	struct side *s = &p->side[side];

	if (s->running)
		channel_free(s->channel);
	s->channel = NULL;
	s->running = false;
}

static bool both_up(const struct pair *p)
{
	return channel_up(p->side[A].channel) && channel_up(p->side[B].channel);
}

void pair_open(struct pair *p)
{
	usec_t end = p->now + 60 * SEC;

	for (int i = 0; i < 2; i++) {
		if (!p->side[i].running)
			pair_start(p, i);
	}
	while (!both_up(p) && p->now < end)
		pair_run(p, 10 * MS);
	assert_true(both_up(p));
}

/* --- the loop ------------------------------------------------------------------------------- */

void pair_tick(struct pair *p, int side)
{
	struct side *s = &p->side[side];

	s->next_tick = channel_tick(s->channel, p->now);
	assert_true(s->next_tick > p->now); /* or its owner would spin */
}

enum drop pair_inject(struct pair *p, int side, const uint8_t *octets, size_t length)
{
	struct side *s = &p->side[side];
	uint8_t *exact = malloc(length);
	bool authentic = true;
	enum drop drop;

	assert_non_null(exact);
	memcpy(exact, octets, length);
	drop = channel_receive(s->channel, exact, length, p->now, &authentic);
	s->authentic += authentic;
	free(exact);
	return drop;
}

/* Delivers the datagram that is due first, if it is due. */
static bool deliver(struct pair *p)
{
	size_t first = 0;
	struct datagram d;

	for (size_t i = 1; i < p->queue_length; i++) {
		if (p->queue[i].at < p->queue[first].at)
			first = i;
	}
	if (p->queue_length == 0 || p->queue[first].at > p->now)
		return false;
	d = p->queue[first];
	p->queue_length--;
	/* What was sent earlier stays first among equals. */
	memmove(p->queue + first, p->queue + first + 1,
		(p->queue_length - first) * sizeof(*p->queue));
	p->delivered++;
	if (p->side[d.to].running) {
		pair_inject(p, d.to, d.octets, d.length);
		pair_tick(p, d.to);
	}
	return true;
}

/* Finishes one work that is due. A core that has seen its peer restart forgets the peer's work. */
static bool work(struct pair *p)
{
	for (size_t i = 0; i < p->work_length; i++) {
		struct side *s = &p->side[p->work_queue[i].side];
		uint32_t id = p->work_queue[i].id;
		bool wanted = p->work_queue[i].epoch == s->seen_epoch && s->running;

		if (p->work_queue[i].at > p->now)
			continue;
		p->work_queue[i] = p->work_queue[--p->work_length];
		if (wanted) {
			answer(s, id);
			pair_tick(p, s->number);
		}
		return true;
	}
	return false;
}

static bool tick(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->side[i].running && p->side[i].next_tick <= p->now) {
			pair_tick(p, i);
			return true;
		}
	}
	return false;
}

static usec_t next_event(const struct pair *p)
{
	usec_t next = USEC_NEVER;

	for (size_t i = 0; i < p->queue_length; i++)
		next = usec_min(next, p->queue[i].at);
	for (size_t i = 0; i < p->work_length; i++)
		next = usec_min(next, p->work_queue[i].at);
	for (int i = 0; i < 2; i++) {
		if (p->side[i].running)
			next = usec_min(next, p->side[i].next_tick);
	}
	return next;
}

void pair_run(struct pair *p, usec_t duration)
{
	usec_t end = p->now + duration;

	for (;;) {
		while (deliver(p) || work(p) || tick(p)) {
			if (p->stop_after > 0 && p->delivered >= p->stop_after)
				return;
		}
		if (next_event(p) > end)
			break;
		p->now = next_event(p);
	}
	p->now = end;
}

const struct datagram *pair_sent(const struct pair *p, int to, enum message_type type, size_t nth)
{
	for (size_t i = 0; i < p->log_length; i++) {
		if (p->log[i].to == to && p->log[i].octets[0] == type && nth-- == 0)
			return &p->log[i];
	}
	fail_msg("no such datagram");
	return NULL;
}

uint64_t pair_drops(const struct pair *p, int side, enum drop drop)
{
	return channel_counters(p->side[side].channel)->drops[drop];
}

/* --- for the tests of the channel ------------------------------------------------------------ */

int pair_setup(void **state)
{
	*state = pair_new(1);
	return 0;
}

int pair_teardown(void **state)
{
	pair_free(*state);
	return 0;
}

struct channel *pair_channel(struct pair *p, int side)
{
	return p->side[side].channel;
}

const struct channel_counters *pair_counters(struct pair *p, int side)
{
	return channel_counters(pair_channel(p, side));
}

void pair_assert_works(struct pair *p, uint64_t token)
{
	pair_ask(p, A, token);
	pair_ask(p, B, token + 1);
	pair_run(p, 20 * SEC);
	for (uint64_t t = token; t <= token + 1; t++) {
		assert_int_equal(p->tokens[t].executed, 1);
		assert_int_equal(p->tokens[t].ended, 1);
		assert_int_equal(p->tokens[t].reason, REASON_ACCEPTED);
	}
}

void pair_start_a_first(struct pair *p)
{
	pair_start(p, B);
	p->cut[B] = true;
	pair_tick(p, B);
	p->cut[B] = false;
	pair_start(p, A);
}

void pair_open_by_a(struct pair *p)
{
	pair_start_a_first(p);
	pair_run(p, 1 * SEC);
	assert_true(pair_channel(p, A)->current->initiator);
	assert_false(pair_channel(p, B)->current->initiator);
	assert_null(pair_channel(p, A)->previous);
}

size_t pair_sessions(struct pair *p, int side, enum keyset_state state)
{
	size_t sum = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		sum += pair_channel(p, side)->sessions[i].state == state;
	return sum;
}

void pair_rekey_a(struct pair *p)
{
	pair_channel(p, A)->current->rekey_at = p->now;
	pair_channel(p, A)->handshake_at = p->now;
	pair_tick(p, A);
}
