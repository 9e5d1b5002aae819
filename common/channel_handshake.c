/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handshake between cores (PROTOCOL section 4.1): Noise_KKpsk2_25519_ChaChaPoly_SHA256.
 *
 * What comes in is checked from cheap to dear: length, index or hint, whether it was answered
 * before, the rate limit (a cookie proof has one of its own), and only then Noise. Everything is
 * computed in local variables; a session changes in one step at the end, or not at all. A response
 * is fresh, because it answers an ephemeral key of ours. An initiation may be a replay, and so it
 * does nothing but fill one of the next sessions, which the first datagram sealed under it
 * confirms.
 */
#include <string.h>

#include "channel_internal.h"
#include "cursor.h"

static const char prologue[] = "sno/1 core";

/* One more computation for handshake messages that anyone may have sent? */
static bool may_compute(struct bucket *b, usec_t now)
{
	return bucket_take(b, HANDSHAKE_BURST, HANDSHAKE_INTERVAL, now);
}

static int start(const struct channel *c, struct noise *n, bool initiator)
{
	struct key_pair local;
	int error;

	memcpy(local.private, c->identity->private_key, KEY_LENGTH);
	memcpy(local.public, c->identity->public_key, KEY_LENGTH);
	error = noise_init(n, &(struct noise_setup){
				      .protocol = NOISE_KK_PSK2,
				      .initiator = initiator,
				      .prologue = prologue,
				      .prologue_length = sizeof(prologue) - 1,
				      .local = &local,
				      .remote = c->peer_public,
				      .psk = c->psk,
			      });
	keys_wipe(&local, sizeof(local));
	return error;
}

/*
 * Our hello as it goes into one handshake, with an SPI of its own where it offers to protect
 * tunnels. Its octets; *spi is 0 where it does not.
 */
static size_t own_hello(const struct channel *c, uint8_t octets[HELLO_MAX], uint32_t *spi)
{
	struct message hello = c->hello;
	int length;

	*spi = 0;
	if (message_has(&hello, ATTR_SUITES)) {
		do
			keys_random(spi, sizeof(*spi));
		while (*spi < SPI_MIN);
		message_set_number(&hello, ATTR_SPI, *spi);
	}
	length = message_write(&hello, octets, HELLO_MAX);
	return length < 0 ? 0 : (size_t)length; /* channel_new() has seen that it can be written */
}

/* Reads the peer's Noise message, whose payload must be the hello of the core we expect. */
static enum drop read_hello(const struct channel *c, struct noise *n, const uint8_t *in,
			    size_t length, struct agreement *a)
{
	uint8_t payload[SNO_DATAGRAM_MAX];
	struct message hello;
	size_t payload_length;
	enum drop drop;
	int written;

	if (noise_read(n, in, length, payload, sizeof(payload), &payload_length) < 0)
		return DROP_HANDSHAKE;
	drop = message_read(&hello, PLACE_HELLO, payload, payload_length);
	if (drop != DROP_NONE)
		return drop;
	if (strcmp(hello.core, c->peer_name) != 0)
		return DROP_HANDSHAKE;
	/* Kept in its one encoding, without attributes that were skipped. */
	written = message_write(&hello, a->hello, sizeof(a->hello));
	if (written < 0)
		return DROP_VALUE;
	a->hello_length = (size_t)written;
	a->epoch = hello.epoch;
	return DROP_NONE;
}

/* The initiation once more, with the peer's cookie. */
static void send_proof(struct channel *c)
{
	uint8_t datagram[COOKIE_PROOF_HEAD + HANDSHAKE_DATAGRAM];
	int length = cookie_prove(datagram, sizeof(datagram), c->cookie_key, c->cookie,
				  c->initiation, c->initiation_length);

	if (length > 0)
		channel_transmit(c, MESSAGE_COOKIE_PROOF, datagram, (size_t)length);
}

enum drop handshake_cookie(struct channel *c, const uint8_t *in, size_t length, usec_t now)
{
	uint8_t cookie[COOKIE_LENGTH];

	if (length < COOKIE_DATAGRAM)
		return DROP_SHORT;
	if (!c->initiated)
		return DROP_INDEX;
	if (!cookie_read(in, length, c->initiation, c->initiation_length, cookie))
		return DROP_HANDSHAKE;
	/* One for each initiation: the next one comes soon, and has this cookie at once. */
	if (c->proof_sent)
		return DROP_REPLAY;
	memcpy(c->cookie, cookie, sizeof(c->cookie));
	c->cookie_until = now + COOKIE_TIME;
	c->proof_sent = true;
	c->counters.received[MESSAGE_COOKIE]++;
	send_proof(c);
	return DROP_NONE;
}

void handshake_initiate(struct channel *c, usec_t now)
{
	uint8_t datagram[HANDSHAKE_DATAGRAM], hello[HELLO_MAX];
	struct noise n = {0};
	struct keyset *s;
	size_t length, hello_length;
	uint32_t spi;

	if (c->initiated)
		keyset_free(c->initiated);
	c->handshake_at =
		now + c->timers.handshake_retry + channel_jitter(c, c->timers.handshake_retry);
	hello_length = own_hello(c, hello, &spi);
	if (start(c, &n, true) < 0 ||
	    noise_write(&n, hello, hello_length, datagram + INITIATION_HEAD,
			sizeof(datagram) - INITIATION_HEAD, &length) < 0)
		goto out;
	s = keyset_new(c, SESSION_INITIATED, true, now);
	if (!s)
		goto out;
	s->spi = spi;
	c->initiated = s;
	c->noise = n;
	message_write_head(datagram, MESSAGE_HANDSHAKE_INITIATION, s->local_index);
	memcpy(datagram + SNO_HEAD_LENGTH, c->own_hint, CHANNEL_HINT);
	c->initiation_length = INITIATION_HEAD + length;
	memcpy(c->initiation, datagram, c->initiation_length);
	c->proof_sent = false;
	if (now < c->cookie_until)
		send_proof(c);
	else
		channel_transmit(c, MESSAGE_HANDSHAKE_INITIATION, datagram, c->initiation_length);
out:
	noise_wipe(&n);
}

/* Computes the session that an initiation asks for and the Noise message that answers it. */
static enum drop respond(const struct channel *c, const uint8_t *in, size_t length,
			 struct agreement *a, uint8_t *out, size_t capacity, size_t *out_length)
{
	uint8_t hello[HELLO_MAX];
	struct noise n;
	enum drop drop = DROP_HANDSHAKE;
	size_t hello_length = own_hello(c, hello, &a->spi);

	if (start(c, &n, false) < 0)
		goto out;
	drop = read_hello(c, &n, in, length, a);
	if (drop != DROP_NONE)
		goto out;
	if (noise_write(&n, hello, hello_length, out, capacity, out_length) < 0 ||
	    noise_split(&n, &a->keys) < 0)
		drop = DROP_HANDSHAKE;
out:
	noise_wipe(&n);
	return drop;
}

enum drop handshake_initiation(struct channel *c, uint32_t id, const uint8_t *in, size_t length,
			       bool proven, usec_t now)
{
	const uint8_t *noise_message = in + INITIATION_HEAD;
	uint8_t datagram[HANDSHAKE_DATAGRAM];
	struct agreement a = {.remote_index = id};
	struct keyset *s;
	size_t written;
	enum drop drop;

	if (length < INITIATION_HEAD + NOISE_OVERHEAD)
		return DROP_SHORT;
	if (id == 0)
		return DROP_VALUE;
	if (memcmp(in + SNO_HEAD_LENGTH, c->peer_hint, CHANNEL_HINT) != 0)
		return DROP_HANDSHAKE;
	/* A Noise message begins with the ephemeral key. The index counts too: Noise does not cover
	 * it, and a copy that was altered on the way must not pass for the true one. */
	if (keyset_answered(c, id, noise_message))
		return DROP_REPLAY;
	if (!may_compute(proven ? &c->proven : &c->initiations, now))
		return DROP_LIMIT;

	drop = respond(c, noise_message, length - INITIATION_HEAD, &a, datagram + RESPONSE_HEAD,
		       sizeof(datagram) - RESPONSE_HEAD, &written);
	if (drop != DROP_NONE)
		goto out;
	s = keyset_new(c, SESSION_NEXT, false, now);
	if (!s) {
		drop = DROP_LIMIT;
		goto out;
	}
	keyset_agree(s, &a);
	memcpy(s->ephemeral, noise_message, KEY_LENGTH);
	c->counters.received[MESSAGE_HANDSHAKE_INITIATION]++;
	message_write_head(datagram, MESSAGE_HANDSHAKE_RESPONSE, s->local_index);
	/* The initiator's index stands in the initiation's head as it shall stand in the answer. */
	memcpy(datagram + SNO_HEAD_LENGTH, in + SNO_HEAD_LENGTH - INDEX_LENGTH, INDEX_LENGTH);
	channel_transmit(c, MESSAGE_HANDSHAKE_RESPONSE, datagram, RESPONSE_HEAD + written);
out:
	keys_wipe(&a, sizeof(a));
	return drop;
}

enum drop handshake_response(struct channel *c, uint32_t id, const uint8_t *in, size_t length,
			     usec_t now, bool *authentic)
{
	struct cursor_in head = cursor_in(in + SNO_HEAD_LENGTH, INDEX_LENGTH);
	struct keyset *s = c->initiated;
	struct agreement a = {.remote_index = id, .spi = s ? s->spi : 0};
	struct noise n;
	enum drop drop;

	if (length < RESPONSE_HEAD + NOISE_OVERHEAD)
		return DROP_SHORT;
	if (id == 0)
		return DROP_VALUE;
	if (!s || cursor_get_u32(&head) != s->local_index)
		return DROP_INDEX;
	if (!may_compute(&c->responses, now))
		return DROP_LIMIT;

	n = c->noise;
	drop = read_hello(c, &n, in + RESPONSE_HEAD, length - RESPONSE_HEAD, &a);
	if (drop == DROP_NONE && noise_split(&n, &a.keys) < 0)
		drop = DROP_HANDSHAKE;
	if (drop == DROP_NONE) {
		*authentic = true;
		c->counters.received[MESSAGE_HANDSHAKE_RESPONSE]++;
		keyset_agree(s, &a);
		if (channel_agreed(c, s, now) == 0)
			channel_established(c, s, now);
		else
			keyset_free(s);
	}
	noise_wipe(&n);
	keys_wipe(&a, sizeof(a));
	return drop;
}
