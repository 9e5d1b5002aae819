/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-channel: what the signalling between two cores costs in CPU time.
 *
 * Both ends run in this process and hand each other datagrams without a network, so a rate below is
 * what one CPU does for both: one request is two datagrams sealed and opened, two messages written
 * and read, and the bookkeeping of both sides. The last rows say what strangers can make us do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel_internal.h"

#define OUTSTANDING 50000
#define IN_FLIGHT   256

struct core {
	struct channel_identity identity;
	struct channel *channel;
	struct core *peer;
	uint8_t queue[IN_FLIGHT][SNO_DATAGRAM_MAX]; /* to this core */
	size_t lengths[IN_FLIGHT];
	size_t queued;
};

static struct core cores[2];
static usec_t now;
static uint64_t answered, ended;

static int transmit(void *context, const uint8_t *octets, size_t length)
{
	struct core *to = ((struct core *)context)->peer;

	if (to->queued == IN_FLIGHT)
		return -1;
	memcpy(to->queue[to->queued], octets, length);
	to->lengths[to->queued++] = length;
	return 0;
}

static void state_changed(void *context, const struct message *hello, bool restarted, usec_t when)
{
	(void)context;
	(void)hello;
	(void)restarted;
	(void)when;
}

static void request_came(void *context, const struct message *request, usec_t when)
{
	struct core *core = context;
	struct message answer;

	message_init(&answer, MESSAGE_RELEASE_ACK, 0);
	message_set_number(&answer, ATTR_REASON, REASON_ACCEPTED);
	request_answer(channel_requests(core->channel), request->id, &answer, when);
}

static void request_ended(void *context, uint64_t token, enum reason reason,
			  const struct message *answer, usec_t when)
{
	(void)context;
	(void)token;
	(void)reason;
	(void)when;
	answered += answer != NULL;
	ended++;
}

/* Hands over what is under way, both ways, until nothing is. */
static void carry(void)
{
	bool authentic;

	for (int i = 0; cores[0].queued + cores[1].queued > 0; i = !i) {
		size_t length = cores[i].queued;

		cores[i].queued = 0;
		for (size_t n = 0; n < length; n++)
			channel_receive(cores[i].channel, cores[i].queue[n], cores[i].lengths[n],
					now, &authentic);
	}
}

static void start(int number)
{
	static const char *const names[] = {"a.example", "b.example"};
	struct core *core = &cores[number];
	struct channel_ops ops = {.transmit = transmit,
				  .state = state_changed,
				  .request = request_came,
				  .context = core};
	struct message hello;

	message_init(&hello, MESSAGE_HELLO, 0);
	message_set_text(&hello, ATTR_CORE, names[number]);
	message_set_number(&hello, ATTR_EPOCH, 1);
	message_set_number(&hello, ATTR_TUNNEL_KINDS, TUNNEL_GRE4);
	message_set_number(&hello, ATTR_TUNNEL_KEY, 1);
	core->channel = channel_new(&core->identity, core->peer->identity.public_key, NULL,
				    names[!number], &hello, &channel_timers_default, &ops);
	if (!core->channel)
		abort();
}

static void report(const char *name, uint64_t sum, usec_t since)
{
	usec_t took = clock_now() - since;

	printf("%-44s %12.0f\n", name, (double)sum * 1e6 / (double)(took + !took));
}

static struct message release(void)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, 1);
	return m;
}

/* Short of the peer's own limit on what it remembers, time passes as fast as it has to. */
static void bench_requests(void)
{
	enum { SUM = 300000, BATCH = IN_FLIGHT / 2 };
	struct requests *r = channel_requests(cores[0].channel);
	struct message m = release();
	usec_t begin = clock_now();

	for (unsigned int i = 0; i < SUM / BATCH; i++) {
		for (unsigned int n = 0; n < BATCH; n++)
			request_send(r, &m, request_ended, NULL, 0, now);
		carry();
		now += 40 * USEC_PER_MSEC;
		channel_tick(cores[0].channel, now);
		channel_tick(cores[1].channel, now);
		carry();
	}
	report("requests answered", answered, begin);
}

/* A crowd of requests that nobody answers: five sendings each, then the end. */
static void bench_outstanding(void)
{
	struct requests *r = channel_requests(cores[0].channel);
	struct message m = release();
	usec_t begin = clock_now(), next;
	uint64_t before = requests_counters(r)->retransmitted;

	ended = 0;
	for (unsigned int i = 0; i < OUTSTANDING; i++) {
		request_send(r, &m, request_ended, NULL, 0, now);
		now += 10;
	}
	report("requests sent, growing to 50,000 outstanding", OUTSTANDING, begin);
	begin = clock_now();
	while ((next = requests_tick(r, now)) != USEC_NEVER) {
		cores[1].queued = 0;
		now = next;
	}
	report("timers of 50,000 outstanding requests",
	       requests_counters(r)->retransmitted - before + ended, begin);
}

static void bench_handshakes(void)
{
	enum { SUM = 500 };
	usec_t begin = clock_now();

	for (unsigned int i = 0; i < SUM; i++) {
		now += USEC_PER_SEC;
		handshake_initiate(cores[0].channel, now);
		carry();
	}
	report("handshakes, both ends", SUM, begin);
}

/* Initiations with a hint that is right and all else wrong: first those computed, then the rest. */
static void bench_forged(void)
{
	uint8_t octets[INITIATION_HEAD + NOISE_OVERHEAD + 64] = {0};
	struct channel *c = cores[0].channel;
	bool authentic;
	usec_t begin;

	message_write_head(octets, MESSAGE_HANDSHAKE_INITIATION, 1);
	channel_hint(octets + SNO_HEAD_LENGTH, cores[1].identity.public_key);
	keys_random(octets + INITIATION_HEAD, sizeof(octets) - INITIATION_HEAD);
	begin = clock_now();
	for (unsigned int i = 0; i < 1000; i++) {
		now += HANDSHAKE_INTERVAL;
		channel_receive(c, octets, sizeof(octets), now, &authentic);
	}
	report("forged initiations within the limit", 1000, begin);
	begin = clock_now();
	for (unsigned int i = 0; i < 1000000; i++)
		channel_receive(c, octets, sizeof(octets), now, &authentic);
	report("forged initiations beyond it", 1000000, begin);
}

static void bench_strangers(void)
{
	uint8_t octets[SNO_DATAGRAM_MAX] = {0};
	struct channel *c = cores[0].channel;
	bool authentic;
	usec_t begin = clock_now();

	for (uint32_t i = 0; i < 1000000; i++) {
		message_write_head(octets, MESSAGE_SEALED, i);
		channel_receive(c, octets, 100, now, &authentic);
	}
	report("sealed datagrams of no session", 1000000, begin);
	message_write_head(octets, MESSAGE_SEALED, c->current->local_index);
	memset(octets + SNO_HEAD_LENGTH, 0x7f, COUNTER_LENGTH);
	begin = clock_now();
	for (unsigned int i = 0; i < 300000; i++)
		channel_receive(c, octets, 100, now, &authentic);
	report("forged sealed datagrams", 300000, begin);
}

int main(void)
{
	if (keys_init() < 0) {
		fprintf(stderr, "bench-channel: no random numbers from this system\n");
		return 1;
	}
	for (int i = 0; i < 2; i++) {
		keys_generate(cores[i].identity.private_key);
		keys_public(cores[i].identity.public_key, cores[i].identity.private_key);
		cores[i].peer = &cores[!i];
	}
	start(0);
	start(1);
	channel_tick(cores[0].channel, now);
	carry();
	printf("%-44s %12s\n", "operation", "per second");
	bench_requests();
	bench_handshakes();
	bench_forged();
	bench_strangers();
	bench_outstanding();
	printf("%-44s %12zu\n", "octets of one channel", sizeof(struct channel));
	for (int i = 0; i < 2; i++)
		channel_free(cores[i].channel);
	return 0;
}
