/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores (PROTOCOL section 4): what goes out and what comes in.
 *
 * Being up means that the peer has been heard lately and there is a session to seal under. A
 * session outlives a silence: what is authentic under it brings the channel up again at once.
 *
 * A change of session is committed as a whole before any callback runs, and after one no pointer
 * to a session is used, so callbacks may send as they like.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel_internal.h"
#include "cursor.h"

#define REKEY_MESSAGES (UINT64_C(1) << 32)

const struct channel_timers channel_timers_default = {
	.keepalive = 5 * USEC_PER_SEC,
	.echo = 5 * USEC_PER_SEC,
	.dead_peer = 15 * USEC_PER_SEC,
	.handshake_retry = 1 * USEC_PER_SEC,
	.rekey_after = 120 * USEC_PER_SEC,
	.rekey_grace = 15 * USEC_PER_SEC,
	.reject_after = 180 * USEC_PER_SEC,
	.rekey_messages = REKEY_MESSAGES,
};

/* --- life ----------------------------------------------------------------------------------- */

static int transmit_message(void *context, const uint8_t *octets, size_t length)
{
	struct channel *c = context;

	c->now = requests_now(c->requests);
	return channel_put(c, octets, length);
}

/* Memory for session keys: whole pages, kept out of swap and core dumps. */
static struct channel *channel_alloc(void)
{
	void *memory;

	if (posix_memalign(&memory, (size_t)sysconf(_SC_PAGESIZE), sizeof(struct channel)) != 0) {
		errno = ENOMEM;
		return NULL;
	}
	memset(memory, 0, sizeof(struct channel));
	keys_lock(memory, sizeof(struct channel));
	return memory;
}

struct channel *channel_new(const struct channel_identity *identity, const uint8_t peer_public[32],
			    const uint8_t psk[32], const char *peer_name,
			    const struct message *hello, const struct channel_timers *timers,
			    const struct channel_ops *ops)
{
	uint8_t octets[HELLO_MAX];
	struct message whole = *hello;
	struct channel *c;

	if (message_has(hello, ATTR_SUITES))
		message_set_number(&whole, ATTR_SPI, SPI_MIN);
	if (hello->type != MESSAGE_HELLO || message_write(&whole, octets, sizeof(octets)) < 0 ||
	    !message_name_valid(peer_name)) {
		errno = EINVAL;
		return NULL;
	}
	c = channel_alloc();
	if (!c)
		return NULL;
	c->requests = requests_new(&(struct request_ops){transmit_message, c});
	if (!c->requests) {
		channel_free(c);
		errno = ENOMEM;
		return NULL;
	}
	c->identity = identity;
	memcpy(c->peer_public, peer_public, KEY_LENGTH);
	if (psk)
		memcpy(c->psk, psk, KEY_LENGTH);
	cookie_key(c->cookie_key, identity->private_key, peer_public, c->psk);
	strcpy(c->peer_name, peer_name);
	channel_hint(c->own_hint, identity->public_key);
	channel_hint(c->peer_hint, peer_public);
	c->hello = *hello;
	c->timers = *timers;
	if (c->timers.rekey_messages == 0)
		c->timers.rekey_messages = REKEY_MESSAGES;
	c->ops = *ops;
	c->now = c->handshake_at = INT64_MIN;
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	requests_free(c->requests);
	sessions_free(c);
	keys_unlock(c, sizeof(*c));
	free(c);
}

/* --- lookup --------------------------------------------------------------------------------- */

void channel_hint(uint8_t hint[8], const uint8_t public_key[32])
{
	static const char label[] = "sno core";
	uint8_t hash[HASH_LENGTH];

	keys_sha256_two(hash, label, sizeof(label) - 1, public_key, KEY_LENGTH);
	memcpy(hint, hash, CHANNEL_HINT);
}

bool channel_initiation_hint(const uint8_t *datagram, size_t length, uint8_t hint[8])
{
	enum message_type type;
	uint32_t id;

	if (message_read_head(datagram, length, &type, &id) != DROP_NONE)
		return false;
	if (type == MESSAGE_COOKIE_PROOF &&
	    cookie_inner(datagram, length, MESSAGE_HANDSHAKE_INITIATION, &datagram, &length) !=
		    DROP_NONE)
		return false;
	if (length < INITIATION_HEAD || datagram[0] != MESSAGE_HANDSHAKE_INITIATION)
		return false;
	memcpy(hint, datagram + SNO_HEAD_LENGTH, CHANNEL_HINT);
	return true;
}

bool channel_receiver_index(const uint8_t *datagram, size_t length, uint32_t *index)
{
	enum message_type type;
	struct cursor_in at;
	uint32_t id;

	if (message_read_head(datagram, length, &type, &id) != DROP_NONE)
		return false;
	if (type == MESSAGE_SEALED || type == MESSAGE_COOKIE) {
		*index = id;
		return true;
	}
	if (type != MESSAGE_HANDSHAKE_RESPONSE || length < RESPONSE_HEAD)
		return false;
	at = cursor_in(datagram + SNO_HEAD_LENGTH, INDEX_LENGTH);
	*index = cursor_get_u32(&at);
	return true;
}

/* --- out ------------------------------------------------------------------------------------ */

usec_t channel_jitter(struct channel *c, usec_t span)
{
	uint8_t key[KEYS_SIP_LENGTH];
	uint64_t draw = c->draws++;

	/* No secret: it only has to differ between two cores that do the same at the same time. */
	memcpy(key, c->own_hint, CHANNEL_HINT);
	memcpy(key + CHANNEL_HINT, c->peer_hint, CHANNEL_HINT);
	return (usec_t)(keys_siphash(key, &draw, sizeof(draw)) % (uint64_t)(span / 3 + 1));
}

int channel_transmit(struct channel *c, enum message_type type, const uint8_t *datagram,
		     size_t length)
{
	int error = c->ops.transmit(c->ops.context, datagram, length);

	if (error < 0) {
		c->counters.unsent_datagrams++;
		return error;
	}
	c->counters.sent_datagrams++;
	c->counters.sent[type & 0xff]++;
	return 0;
}

/* The current session has sealed REKEY_MESSAGES datagrams: its next handshake is due. */
static void session_worn(struct channel *c, struct keyset *s)
{
	usec_t due = c->now;

	if (!s->initiator)
		due += c->timers.rekey_grace + channel_jitter(c, c->timers.rekey_grace);
	s->rekey_at = usec_min(s->rekey_at, due);
}

int channel_seal(struct channel *c, const uint8_t *octets, size_t length)
{
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct keyset *s = c->current;
	struct cursor_out counter;
	int error;

	if (!c->up || !s)
		return -ENOTCONN;
	message_write_head(datagram, MESSAGE_SEALED, s->remote_index);
	counter = cursor_out(datagram + SNO_HEAD_LENGTH, COUNTER_LENGTH);
	cursor_put_u64(&counter, seal_counter(&s->tx));
	error = seal_close(&s->tx, datagram, SEALED_HEAD, octets, length, datagram + SEALED_HEAD);
	if (error < 0)
		return error;
	if (seal_counter(&s->tx) == c->timers.rekey_messages)
		session_worn(c, s);
	c->sent = c->now;
	return channel_transmit(c, octets[0], datagram, SEALED_HEAD + length + SEAL_TAG);
}

int channel_put(struct channel *c, const uint8_t *octets, size_t length)
{
	if (!c->up || !c->current)
		return -ENOTCONN;
	if (length > REQUEST_OCTETS_MAX)
		return -EINVAL;
	return c->bundle.depth > 0 ? bundle_add(c, octets, length)
				   : channel_seal(c, octets, length);
}

int channel_send(struct channel *c, const struct message *m, usec_t now)
{
	uint8_t octets[REQUEST_OCTETS_MAX];
	int length;

	c->now = now;
	if (message_is_request(m->type))
		return -EINVAL;
	length = message_write(m, octets, sizeof(octets));
	if (length < 0)
		return -EINVAL;
	return channel_put(c, octets, (size_t)length);
}

void channel_rekey(struct channel *c, usec_t now)
{
	if (c->current)
		c->current->rekey_at = usec_min(c->current->rekey_at, now);
}

/* --- state ---------------------------------------------------------------------------------- */

/* The session as its owner is told of it; hello is room for the peer's. */
static struct channel_session session_of(const struct keyset *s, struct message *hello)
{
	message_read(hello, PLACE_HELLO, s->hello, s->hello_length);
	return (struct channel_session){
		.hello = hello, .spi = s->spi, .initiator = s->initiator, .esp_root = s->esp_root};
}

int channel_agreed(struct channel *c, const struct keyset *s, usec_t now)
{
	struct message hello;
	const struct channel_session session = session_of(s, &hello);

	return c->ops.agreed ? c->ops.agreed(c->ops.context, &session, now) : 0;
}

static void channel_heard(struct channel *c, const struct keyset *s, usec_t now)
{
	struct message hello;
	const struct channel_session session = session_of(s, &hello);

	if (c->ops.heard)
		c->ops.heard(c->ops.context, &session, now);
}

/* The hello without what is of one handshake only; its octets. */
static size_t lasting_hello(const struct keyset *s, struct message *hello,
			    uint8_t octets[HELLO_MAX])
{
	int length;

	message_read(hello, PLACE_HELLO, s->hello, s->hello_length);
	if (message_has(hello, ATTR_SPI))
		message_set_number(hello, ATTR_SPI, SPI_MIN);
	length = message_write(hello, octets, HELLO_MAX);
	return length < 0 ? 0 : (size_t)length;
}

void channel_established(struct channel *c, struct keyset *s, usec_t now)
{
	struct message hello;
	uint8_t octets[HELLO_MAX];
	size_t length = lasting_hello(s, &hello, octets);
	bool restarted = c->known && s->epoch != c->peer_hello.epoch;
	bool changed = !c->known || length != c->peer_octets_length ||
		       memcmp(octets, c->peer_octets, length) != 0;
	bool announce = changed || !c->up;

	if (c->up && !restarted)
		c->counters.rekeys++;
	c->counters.handshakes++;
	c->counters.restarts_seen += restarted;
	keyset_promote(s);
	if (changed) {
		c->peer_hello = hello;
		memcpy(c->peer_octets, octets, length);
		c->peer_octets_length = length;
		c->known = true;
	}
	c->heard = now;
	if (!c->up)
		c->sent = now;
	c->up = true;
	/* The initiator's confirms the session; one that protects tunnels waits for the other's
	 * too. */
	if (s->initiator || s->spi)
		channel_send_keepalive(c);
	if (s->initiator || now - s->born < REQUEST_TIMEOUT_INITIAL)
		requests_measured(c->requests, now - s->born);
	/* Whatever the callbacks below do, they meet the new session and the new epoch. */
	if (restarted) {
		bundle_discard(c);
		requests_peer_restarted(c->requests);
		requests_fail(c->requests, REASON_HOME_UNREACHABLE, now);
	}
	if (announce)
		channel_go_up(c, restarted, now);
}

/* --- in ------------------------------------------------------------------------------------- */

/* An authentic message. */
static void dispatch(struct channel *c, const struct message *m, usec_t now)
{
	c->counters.received[m->type & 0xff]++;
	if (message_is_answer(m->type))
		request_answered(c->requests, m, now);
	else if (!message_is_request(m->type) ||
		 request_arrived(c->requests, m, now) != REQUEST_NEW)
		return;
	else if (m->type == MESSAGE_ECHO)
		channel_answer_echo(c, m->id, now);
	else
		c->ops.request(c->ops.context, m, now);
}

/* A request of a type that a later version may know is refused, so that the peer need not wait. */
static void refuse_unknown(struct channel *c, const uint8_t *octets, size_t length, usec_t now)
{
	struct message error;
	enum message_type type;
	uint32_t id;

	if (message_read_head(octets, length, &type, &id) != DROP_NONE ||
	    !message_is_request(type) || id == 0)
		return;
	message_init(&error, MESSAGE_ERROR, id);
	message_set_number(&error, ATTR_REASON, REASON_UNSUPPORTED);
	channel_send(c, &error, now);
}

enum drop channel_read_message(struct channel *c, const uint8_t *octets, size_t length, usec_t now)
{
	struct message m;
	enum drop drop = message_read(&m, PLACE_CORE, octets, length);

	if (drop == DROP_NONE)
		dispatch(c, &m, now);
	else if (drop == DROP_TYPE)
		refuse_unknown(c, octets, length, now);
	message_wipe(&m);
	return drop;
}

/* Something authentic has come under it. False when it comes to nothing on this side. */
static bool session_in_use(struct channel *c, struct keyset *s, usec_t now)
{
	if (s->heard)
		return true;
	if (s->state == SESSION_NEXT && channel_agreed(c, s, now) < 0) {
		keyset_free(s);
		return false;
	}
	s->heard = true;
	channel_heard(c, s, now);
	return true;
}

static enum drop receive_sealed(struct channel *c, uint32_t index, const uint8_t *in, size_t length,
				usec_t now, bool *authentic)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct cursor_in head = cursor_in(in + SNO_HEAD_LENGTH, COUNTER_LENGTH);
	struct keyset *s;
	enum drop drop;
	int error;

	if (length < SEALED_HEAD + SEAL_TAG)
		return DROP_SHORT;
	s = keyset_find(c, index);
	if (!s)
		return DROP_INDEX;
	error = seal_open(&s->rx, cursor_get_u64(&head), in, SEALED_HEAD, in + SEALED_HEAD,
			  length - SEALED_HEAD, octets);
	if (error < 0)
		return error == -ESTALE ? DROP_REPLAY : DROP_SEAL;

	*authentic = true;
	c->heard = now;
	if (!session_in_use(c, s, now))
		return DROP_INDEX;
	if (s->state == SESSION_NEXT)
		channel_established(c, s, now);
	else if (!c->up)
		channel_go_up(c, false, now);
	length -= SEALED_HEAD + SEAL_TAG;
	drop = bundle_read(c, octets, length, now);
	keys_wipe(octets, length);
	return drop;
}

static enum drop receive(struct channel *c, const uint8_t *in, size_t length, usec_t now,
			 bool *authentic)
{
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(in, length, &type, &id);

	if (drop != DROP_NONE)
		return drop;
	sessions_expire(c, now);
	switch (type) {
	case MESSAGE_HANDSHAKE_INITIATION:
		return handshake_initiation(c, id, in, length, false, now);
	case MESSAGE_HANDSHAKE_RESPONSE:
		return handshake_response(c, id, in, length, now, authentic);
	case MESSAGE_COOKIE:
		return handshake_cookie(c, in, length, now);
	case MESSAGE_SEALED:
		return receive_sealed(c, id, in, length, now, authentic);
	default:
		return DROP_TYPE;
	}
}

enum drop channel_receive(struct channel *c, const uint8_t *datagram, size_t length, usec_t now,
			  bool *authentic)
{
	enum drop drop;

	c->now = now;
	c->counters.received_datagrams++;
	*authentic = false;
	drop = receive(c, datagram, length, now, authentic);
	if (drop != DROP_NONE)
		c->counters.drops[drop]++;
	return drop;
}

enum drop channel_receive_proven(struct channel *c, const uint8_t *initiation, size_t length,
				 usec_t now)
{
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(initiation, length, &type, &id);

	c->now = now;
	c->counters.received_datagrams++;
	sessions_expire(c, now);
	if (drop == DROP_NONE)
		drop = handshake_initiation(c, id, initiation, length, true, now);
	if (drop != DROP_NONE)
		c->counters.drops[drop]++;
	return drop;
}

const uint8_t *channel_cookie_key(const struct channel *c)
{
	return c->cookie_key;
}

/* --- what others may know ------------------------------------------------------------------- */

struct requests *channel_requests(struct channel *c)
{
	return c->requests;
}

bool channel_up(const struct channel *c)
{
	return c->up;
}

const struct message *channel_hello(const struct channel *c)
{
	return c->known ? &c->peer_hello : NULL;
}

const struct channel_counters *channel_counters(const struct channel *c)
{
	return &c->counters;
}

usec_t channel_rtt(const struct channel *c)
{
	return requests_rtt(c->requests);
}

usec_t channel_session_renewal(const struct channel *c)
{
	return c->current ? c->current->rekey_at : USEC_NEVER;
}

usec_t channel_session_age(const struct channel *c, usec_t now)
{
	return c->current ? now - c->current->born : -1;
}
