/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sessions of a channel (PROTOCOL section 4.1): next, current, previous, and their indices.
 *
 *	             initiation sent            response came
 *	free ------------------------ initiated ------------- current
 *	  \  initiation came, answered          first datagram   |  another became current
 *	   `-------------------------- next ----------------'  previous --- free
 *
 * They are `struct keyset` in this code, since a session in the agents is a terminal's. All of a
 * channel's lie in one fixed array, so that no sender makes us allocate. Each has
 * a receiver index that is unique in the process and random but for its mark; the table of indices
 * and the mark are the only state that channels share.
 */
#include <string.h>

#include "channel_internal.h"
#include "esp_key.h"
#include "keylog.h"

static struct keyset *indices;

static struct keyset *index_find(uint32_t index)
{
	struct keyset *s;

	HASH_FIND(hh, indices, &index, sizeof(index), s);
	return s;
}

uint16_t channel_mark(void)
{
	static uint16_t mark;

	while (mark == 0)
		keys_random(&mark, sizeof(mark));
	return mark;
}

/* Never 0, as the mark is not. */
static uint32_t fresh_index(void)
{
	uint16_t rest;

	keys_random(&rest, sizeof(rest));
	return (uint32_t)channel_mark() << 16 | rest;
}

struct channel *channel_find(uint32_t index)
{
	struct keyset *s = index_find(index);

	return s ? s->channel : NULL;
}

/* A free session, if need be after wiping the oldest next one: there is one beyond three others. */
static struct keyset *take_slot(struct channel *c)
{
	struct keyset *oldest = NULL;

	for (struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		if (s->state == SESSION_FREE)
			return s;
		if (s->state == SESSION_NEXT && (!oldest || s->born < oldest->born))
			oldest = s;
	}
	keyset_free(oldest);
	return oldest;
}

struct keyset *keyset_new(struct channel *c, enum keyset_state state, bool initiator, usec_t now)
{
	struct keyset *s = take_slot(c);

	do
		s->local_index = fresh_index();
	while (index_find(s->local_index));
	HASH_ADD(hh, indices, local_index, sizeof(s->local_index), s);
	if (!s->hh.tbl) {
		keys_wipe(s, sizeof(*s));
		return NULL;
	}
	s->channel = c;
	s->state = state;
	s->initiator = initiator;
	s->born = now;
	return s;
}

void keyset_free(struct keyset *s)
{
	/* cppcheck-suppress [nullPointer,ctunullpointer]; take_slot() always finds one */
	struct channel *c = s->channel;

	if (s == c->initiated) {
		noise_wipe(&c->noise);
		c->initiated = NULL;
	}
	if (s == c->current)
		c->current = NULL;
	if (s == c->previous)
		c->previous = NULL;
	HASH_DEL(indices, s);
	keys_wipe(s, sizeof(*s));
}

void keyset_agree(struct keyset *s, const struct agreement *a)
{
	struct channel *c = s->channel;

	seal_tx_init(&s->tx, a->keys.send);
	seal_rx_init(&s->rx, a->keys.receive);
	keylog_sealed(s->local_index, a->keys.receive);
	s->remote_index = a->remote_index;
	s->spi = a->spi;
	esp_root(s->esp_root, a->keys.further, a->keys.hash);
	s->epoch = a->epoch;
	memcpy(s->hello, a->hello, a->hello_length);
	s->hello_length = a->hello_length;
	/* The initiator comes first. Both may be responders, of a session each that crossed: the
	 * jitter keeps them from crossing again for ever. */
	s->rekey_at = s->born + c->timers.rekey_after;
	if (!s->initiator)
		s->rekey_at += c->timers.rekey_grace + channel_jitter(c, c->timers.rekey_grace);
}

struct keyset *keyset_find(const struct channel *c, uint32_t index)
{
	struct keyset *s = index_find(index);

	return s && s->channel == c && s->state != SESSION_INITIATED ? s : NULL;
}

bool keyset_answered(const struct channel *c, uint32_t index, const uint8_t ephemeral[KEY_LENGTH])
{
	for (const struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		if (s->state != SESSION_FREE && !s->initiator && s->remote_index == index &&
		    keys_equal(s->ephemeral, ephemeral, KEY_LENGTH))
			return true;
	}
	return false;
}

/*
 * Everything that another life of the peer has left: a confirmation that was delayed past a restart
 * must not bring that life back. Of what is not confirmed only that which is older than the session
 * at hand: a newer one may tell of yet another restart. An initiation that is out has no epoch yet
 * and goes with them, since what answers it might be that other life.
 */
static void free_past(struct channel *c, const struct keyset *present)
{
	for (struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		bool confirmed = s == c->current || s == c->previous;

		if (s->state != SESSION_FREE && s != present && s->epoch != present->epoch &&
		    (confirmed || s->born <= present->born))
			keyset_free(s);
	}
}

void keyset_promote(struct keyset *s)
{
	struct channel *c = s->channel;

	free_past(c, s);
	if (c->previous)
		keyset_free(c->previous);
	if (c->current) {
		c->current->state = SESSION_PREVIOUS;
		c->previous = c->current;
	}
	if (s == c->initiated) {
		noise_wipe(&c->noise);
		c->initiated = NULL;
	}
	s->state = SESSION_CURRENT;
	c->current = s;
}

void sessions_expire(struct channel *c, usec_t now)
{
	for (struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		if (s->state != SESSION_FREE && now - s->born >= c->timers.reject_after)
			keyset_free(s);
	}
	/* Crossed sessions may be born in either order. */
	if (!c->current && c->previous)
		keyset_free(c->previous);
}

usec_t sessions_expiry(const struct channel *c)
{
	usec_t earliest = USEC_NEVER;

	for (const struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		if (s->state != SESSION_FREE)
			earliest = usec_min(earliest, s->born + c->timers.reject_after);
	}
	return earliest;
}

void sessions_free(struct channel *c)
{
	for (struct keyset *s = c->sessions; s < c->sessions + SESSIONS; s++) {
		if (s->state != SESSION_FREE)
			keyset_free(s);
	}
}
