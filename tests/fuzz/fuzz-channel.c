/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: a channel under attack from outside, and from a peer that has gone bad.
 *
 * The input is a program of steps (one octet what, one octet how much, so many octets): octets from
 * strangers, true datagrams that were altered on the way, loss and repetition, time, and, because
 * the target holds the keys of both cores, anything at all inside sealed datagrams, bundles and
 * the hello of a handshake. A core that asks for cookies is between them at times, and what is sent
 * may be refused on the way out. Whatever comes: what is not authentic leaves sessions, liveness
 * and requests as they were, each message of a bundle is taken or dropped and counted once, each
 * request ends once, and time always moves on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel_internal.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUEUE 16

enum { VICTIM, PEER };

struct core {
	int number;
	struct channel_identity identity;
	struct channel *channel;
};

struct datagram {
	uint8_t octets[SNO_DATAGRAM_MAX];
	size_t length;
	int to;
};

static struct core cores[2];
static struct datagram queue[QUEUE]; /* a ring of what was sent last */
static unsigned int head, count;     /* of those not delivered yet: the last count before head */
static usec_t now;
static unsigned int asked, ended;
static struct cookie_jar jar; /* of both owners */
static bool stopped;	      /* nothing leaves */
static bool refusing;	      /* no session is wanted */
static bool refused;	      /* and one was */

#define SOURCE "where it comes from"

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* --- the owners ----------------------------------------------------------------------------- */

static int transmit(void *context, const uint8_t *octets, size_t length)
{
	const struct core *core = context;
	struct datagram *d;

	if (stopped)
		return -ENETUNREACH;
	d = &queue[head++ % QUEUE];
	require(length <= sizeof(d->octets));
	memcpy(d->octets, octets, length);
	d->length = length;
	d->to = !core->number;
	if (count < QUEUE)
		count++;
	return 0;
}

static void state_changed(void *context, const struct message *hello, bool restarted, usec_t when)
{
	const struct core *core = context;

	require(when == now && (hello != NULL) == channel_up(core->channel));
	require(hello || !restarted);
}

static int agreed(void *context, const struct channel_session *session, usec_t when)
{
	(void)context;
	require(session->hello && session->esp_root && when == now);
	refused |= refusing;
	return refusing ? -ENOBUFS : 0;
}

static void request_came(void *context, const struct message *request, usec_t when)
{
	const struct core *core = context;
	struct message answer;

	/* Every third is never answered, every fifth refused. */
	if (request->id % 3 == 0)
		return;
	message_init(&answer, request->id % 5 ? message_answer(request->type) : MESSAGE_ERROR, 0);
	message_set_number(&answer, ATTR_REASON, REASON_BUSY);
	if (answer.type == MESSAGE_TUNNEL_ACK)
		message_set_number(&answer, ATTR_BINDING, 1);
	require(request_answer(channel_requests(core->channel), request->id, &answer, when) == 0);
}

static void request_ended(void *context, uint64_t token, enum reason reason,
			  const struct message *answer, usec_t when)
{
	(void)context;
	(void)token;
	require(when == now);
	require(!answer || answer->reason == reason);
	ended++;
}

static void tick(int number)
{
	require(channel_tick(cores[number].channel, now) > now);
}

static void start(int number, uint64_t epoch)
{
	static const char *const names[] = {"a.example", "b.example"};
	struct core *core = &cores[number];
	struct channel_ops ops = {.transmit = transmit,
				  .state = state_changed,
				  .request = request_came,
				  .agreed = agreed,
				  .context = core};
	struct channel_timers timers = channel_timers_default;
	struct message hello;

	/* One of them has its sessions worn by a few datagrams. */
	timers.rekey_messages = number == PEER ? 24 : 0;
	message_init(&hello, MESSAGE_HELLO, 0);
	message_set_text(&hello, ATTR_CORE, names[number]);
	message_set_number(&hello, ATTR_EPOCH, epoch);
	message_set_number(&hello, ATTR_TUNNEL_KINDS, TUNNEL_GRE4);
	message_set_number(&hello, ATTR_TUNNEL_KEY, 1);
	core->channel = channel_new(&core->identity, cores[!number].identity.public_key, NULL,
				    names[!number], &hello, &timers, &ops);
	require(core->channel != NULL);
	message_init(&hello, MESSAGE_KEEPALIVE, 0);
	require(!channel_new(&core->identity, cores[!number].identity.public_key, NULL,
			     names[!number], &hello, &timers, &ops) &&
		errno == EINVAL);
}

/* --- steps ---------------------------------------------------------------------------------- */

/*
 * What the owner does with a cookie proof: false when it is none, or not of this peer, so that it
 * is dealt with as anything else.
 */
static bool proven(struct channel *c, const uint8_t *octets, size_t length)
{
	const uint8_t *inner;
	size_t inner_length;

	if (length == 0 || octets[0] != MESSAGE_COOKIE_PROOF ||
	    cookie_inner(octets, length, MESSAGE_HANDSHAKE_INITIATION, &inner, &inner_length) !=
		    DROP_NONE ||
	    !cookie_proven(&jar, channel_cookie_key(c), SOURCE, sizeof(SOURCE), now, octets,
			   length))
		return false;
	channel_receive_proven(c, inner, inner_length, now);
	return true;
}

/* Hands octets over in memory of exactly their length; nothing that is not authentic has effects.
 */
static void receive(int number, const uint8_t *octets, size_t length)
{
	struct channel *c = cores[number].channel;
	struct keyset *current = c->current, *previous = c->previous, *initiated = c->initiated;
	uint64_t epoch = c->known ? c->peer_hello.epoch : 0;
	size_t outstanding = requests_outstanding(c->requests);
	uint64_t arrived = requests_counters(c->requests)->arrived;
	usec_t heard = c->heard;
	bool up = c->up, authentic;
	uint8_t *exact = malloc(length + !length);
	uint8_t hint[CHANNEL_HINT];
	uint32_t index;
	enum drop drop;

	require(exact != NULL);
	memcpy(exact, octets, length);
	if (channel_receiver_index(exact, length, &index))
		channel_find(index);
	channel_initiation_hint(exact, length, hint);
	authentic = refused = false;
	drop = proven(c, exact, length) ? DROP_NONE
					: channel_receive(c, exact, length, now, &authentic);
	free(exact);
	require(drop < DROP_COUNT);
	if (authentic && refused) {
		/* A handshake from the peer itself, that comes to nothing. */
		require(c->up == up && c->heard == heard && c->current == current);
		require(requests_outstanding(c->requests) == outstanding);
	} else if (authentic) {
		require(c->up && c->current && c->heard == now && c->known);
	} else {
		require(c->up == up && c->heard == heard && c->initiated == initiated);
		require(c->current == current && c->previous == previous);
		require(!c->known || c->peer_hello.epoch == epoch);
		require(requests_outstanding(c->requests) == outstanding);
		require(requests_counters(c->requests)->arrived == arrived);
	}
	tick(number);
}

/* Delivers the oldest datagram under way with these octets laid over it; none: as it was sent. */
static void deliver(const uint8_t *data, size_t size)
{
	struct datagram d;

	if (count == 0)
		return;
	d = queue[(head - count--) % QUEUE];
	for (size_t i = 0; i < size && i < d.length; i++)
		d.octets[i] ^= data[i];
	receive(d.to, d.octets, d.length);
}

static void deliver_all(void)
{
	for (unsigned int i = 0; i < 64 && count > 0; i++)
		deliver(NULL, 0);
}

/* An initiation of the bad peer with anything in place of its hello. */
static void bad_hello(const uint8_t *data, size_t size)
{
	static const char prologue[] = "sno/1 core";
	const struct channel *c = cores[PEER].channel;
	uint8_t datagram[HANDSHAKE_DATAGRAM];
	struct key_pair local;
	struct noise n;
	size_t length;

	memcpy(local.private, c->identity->private_key, KEY_LENGTH);
	memcpy(local.public, c->identity->public_key, KEY_LENGTH);
	require(noise_init(&n, &(struct noise_setup){.protocol = NOISE_KK_PSK2,
						     .initiator = true,
						     .prologue = prologue,
						     .prologue_length = sizeof(prologue) - 1,
						     .local = &local,
						     .remote = c->peer_public,
						     .psk = c->psk}) == 0);
	require(noise_write(&n, data, size < HELLO_MAX ? size : HELLO_MAX,
			    datagram + INITIATION_HEAD, sizeof(datagram) - INITIATION_HEAD,
			    &length) == 0);
	message_write_head(datagram, MESSAGE_HANDSHAKE_INITIATION, 77);
	memcpy(datagram + SNO_HEAD_LENGTH, c->own_hint, CHANNEL_HINT);
	receive(VICTIM, datagram, INITIATION_HEAD + length);
	noise_wipe(&n);
	deliver_all();
}

static void ask(int number)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, 1);
	if (number == VICTIM)
		asked++;
	require(request_send(channel_requests(cores[number].channel), &m,
			     number == VICTIM ? request_ended : NULL, NULL, 0, now) > 0);
	tick(number);
}

/* What became of everything that a channel was sent, but for bundles themselves. */
static uint64_t dealt_with(const struct channel *c)
{
	uint64_t sum = 0;

	for (unsigned int type = 0; type <= UINT8_MAX; type++)
		sum += type == MESSAGE_BUNDLE ? 0 : c->counters.received[type];
	for (unsigned int drop = 0; drop < DROP_COUNT; drop++)
		sum += c->counters.drops[drop];
	return sum;
}

/* Anything behind the head of a bundle: its parts are told apart here by other code. */
static void bad_bundle(const uint8_t *data, size_t size)
{
	const struct channel *c = cores[VICTIM].channel;
	uint8_t octets[SNO_HEAD_LENGTH + UINT8_MAX];
	unsigned int parts = size == 0;
	uint64_t before;
	uint32_t index;
	bool known;

	for (size_t at = 0; at < size; parts++)
		at += size - at < 2 ? size : 2 + (size_t)(data[at] << 8 | data[at + 1]);
	message_write_head(octets, MESSAGE_BUNDLE, 0);
	if (size > 0)
		memcpy(octets + SNO_HEAD_LENGTH, data, size);
	deliver_all();
	count = 0;
	if (channel_seal(cores[PEER].channel, octets, SNO_HEAD_LENGTH + size) < 0)
		return;
	channel_receiver_index(queue[(head - 1) % QUEUE].octets, SNO_DATAGRAM_MAX, &index);
	known = keyset_find(c, index) != NULL;
	before = dealt_with(c);
	deliver(NULL, 0);
	require(dealt_with(c) - before == (known ? parts : 1));
	deliver_all();
}

/* Requests both ways in bundles, one within the other's gathering. */
static void ask_together(size_t requests)
{
	for (int i = 0; i < 2; i++) {
		channel_gather(cores[i].channel);
		channel_gather(cores[i].channel);
	}
	for (size_t i = 0; i < requests; i++)
		ask(i % 2);
	for (int i = 0; i < 4; i++)
		channel_flush(cores[i % 2].channel, now);
	require(!cores[VICTIM].channel->bundle.depth && !cores[VICTIM].channel->bundle.length);
}

/* A handshake of the victim that gets a cookie, with these octets laid over it, and proves it. */
static void give_cookie(const uint8_t *data, size_t size)
{
	struct channel *c = cores[VICTIM].channel;
	uint8_t octets[COOKIE_DATAGRAM], cookie[COOKIE_LENGTH];
	uint64_t before;

	deliver_all();
	channel_rekey(c, now);
	now += 8 * USEC_PER_SEC;
	tick(PEER);
	tick(VICTIM);
	if (!c->initiated)
		return;
	count = 0;
	before = c->counters.received[MESSAGE_COOKIE];
	cookie_make(&jar, SOURCE, sizeof(SOURCE), now, cookie);
	cookie_write(octets, c->initiated->local_index, c->initiation, c->initiation_length,
		     cookie);
	for (size_t i = 0; i < size && i < sizeof(octets); i++)
		octets[i] ^= data[i];
	receive(VICTIM, octets, sizeof(octets));
	/* The second time is once too often. */
	receive(VICTIM, octets, sizeof(octets));
	require(c->counters.received[MESSAGE_COOKIE] - before <= 1);
	deliver_all();
}

/* What an owner sends by itself, and may not: requests go by their table. */
static void say(size_t which)
{
	struct message m;
	struct channel *c = cores[which % 2].channel;
	uint64_t before = channel_counters(c)->sent[MESSAGE_ERROR];
	int error;

	message_init(&m, which & 2 ? MESSAGE_RELEASE : MESSAGE_ERROR, 1);
	message_set_number(&m, ATTR_REASON, REASON_BUSY);
	error = channel_send(c, &m, now);
	require((which & 2 ? error == -EINVAL : error == 0 || error == -ENOTCONN || stopped));
	m.type = MESSAGE_HELLO;
	require(channel_send(c, &m, now) == -EINVAL);
	require((channel_session_age(c, now) < 0) == !c->current);
	require((channel_session_renewal(c) == USEC_NEVER) == !c->current);
	/* Several may be in one datagram. */
	require(channel_counters(c)->sent[MESSAGE_ERROR] - before <= (which & 2 ? 0 : 1));
	require(channel_rtt(c) >= 0);
	tick((int)(which % 2));
}

static void step(uint8_t what, const uint8_t *data, size_t size)
{
	switch (what % 16) {
	case 0:
		receive(VICTIM, data, size);
		break;
	case 1:
		deliver(data, size);
		break;
	case 2: /* replay of anything sent lately */
		if (size > 0 && head > 0) {
			const struct datagram *d = &queue[data[0] % (head < QUEUE ? head : QUEUE)];

			receive(size > 1 ? d->to : !d->to, d->octets, d->length);
		}
		break;
	case 3: /* anything at all, sealed */
		if (size > 0 && channel_seal(cores[PEER].channel, data, size) == 0)
			deliver_all();
		break;
	case 4:
		bad_hello(data, size);
		break;
	case 5: /* up to 18 hours */
		for (size_t i = 0; i < size && i < 2; i++)
			now += (usec_t)data[i] << (i ? 28 : 16);
		tick(VICTIM);
		tick(PEER);
		break;
	case 6: /* lost */
		count -= count > 0;
		break;
	case 7:
		ask(size % 2);
		break;
	case 8: /* the peer restarts */
		channel_free(cores[PEER].channel);
		start(PEER, 2 + size);
		tick(PEER);
		break;
	case 9:
		bad_bundle(data, size);
		break;
	case 10:
		ask_together(size);
		break;
	case 12:
		give_cookie(data, size);
		break;
	case 13:
		say(size);
		break;
	case 14: /* the underlay is down, or up again; or the kernel takes no keys */
		if (size % 2)
			refusing = !refusing;
		else
			stopped = !stopped;
		break;
	case 15: /* each end in its turn has keys that are worn */
		channel_rekey(cores[size % 2].channel, now);
		tick((int)(size % 2));
		break;
	default:
		deliver_all();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	require(keys_init() == 0);
	for (int i = 0; i < 2; i++) {
		struct channel_identity *identity = &cores[i].identity;

		cores[i].number = i;
		memset(identity->private_key, i + 1, sizeof(identity->private_key));
		keys_public(identity->public_key, identity->private_key);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	now = 0;
	head = count = asked = ended = 0;
	stopped = refusing = false;
	memset(&jar, 0, sizeof(jar));
	start(VICTIM, 1);
	start(PEER, 1);
	tick(PEER);
	deliver_all();
	require(channel_up(cores[VICTIM].channel) && channel_up(cores[PEER].channel));
	while (size >= 2) {
		uint8_t what = data[0];
		size_t length = data[1];

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		step(what, data, length);
		data += length;
		size -= length;
	}
	/* With the path cut, and no time slept away, every request of the victim has ended once. */
	count = 0;
	while (channel_up(cores[VICTIM].channel))
		now = channel_tick(cores[VICTIM].channel, now);
	now += 64 * USEC_PER_SEC;
	tick(VICTIM);
	require(asked == ended);
	channel_free(cores[VICTIM].channel);
	channel_free(cores[PEER].channel);
	return 0;
}
