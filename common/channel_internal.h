/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a channel: its dispatch of datagrams (channel.c), its life in time
 * (channel_time.c), the Noise handshake (channel_handshake.c), the sessions that handshakes leave
 * behind (channel_session.c), and messages that travel together (channel_bundle.c). Nobody else
 * includes this.
 */
#ifndef SNO_CHANNEL_INTERNAL_H
#define SNO_CHANNEL_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "bucket.h"
#include "channel.h"
#include "cookie.h"
#include "keys.h"
#include "noise.h"
#include "seal.h"

#define INDEX_LENGTH	   4
#define COUNTER_LENGTH	   8
#define INITIATION_HEAD	   (SNO_HEAD_LENGTH + CHANNEL_HINT)
#define RESPONSE_HEAD	   (SNO_HEAD_LENGTH + INDEX_LENGTH)
#define SEALED_HEAD	   (SNO_HEAD_LENGTH + COUNTER_LENGTH)
#define HELLO_MAX	   160 /* octets of a hello with every attribute it may have: 137 */
#define HANDSHAKE_DATAGRAM (INITIATION_HEAD + NOISE_OVERHEAD + HELLO_MAX)

_Static_assert(SEALED_HEAD + REQUEST_OCTETS_MAX + SEAL_TAG == SNO_DATAGRAM_MAX,
	       "a message that request.h takes fits into a sealed datagram");

/*
 * Unconfirmed sessions that a responder holds. One would do if initiations came only from the
 * peer; but they can be recorded and replayed, and a replay must not push out the session that
 * the peer is about to confirm.
 */
#define NEXT_SESSIONS 8
#define SESSIONS      (NEXT_SESSIONS + 3)

/* Handshake messages that may cost a computation: so many at once, then one in each interval. */
#define HANDSHAKE_BURST	   25
#define HANDSHAKE_INTERVAL (USEC_PER_SEC / 25)

enum keyset_state {
	SESSION_FREE,
	SESSION_INITIATED, /* we sent an initiation and have only an index; at most one */
	SESSION_NEXT,	   /* we sent a response; nothing has come under it yet */
	SESSION_CURRENT,   /* what we seal under; at most one */
	SESSION_PREVIOUS   /* what was current before, for datagrams under way; at most one */
};

struct keyset {
	UT_hash_handle hh; /* by local index, in one table of the process */
	struct channel *channel;
	enum keyset_state state;
	bool initiator;
	uint32_t local_index; /* what the peer addresses us by */
	uint32_t remote_index;
	usec_t born;
	usec_t rekey_at; /* when we start the next handshake */
	struct seal_tx tx;
	struct seal_rx rx;
	uint8_t ephemeral[KEY_LENGTH]; /* of the initiation that we answered */
	bool heard;		       /* something has come under it */
	uint32_t spi;		       /* our own, 0 when our hello has no suites */
	uint8_t esp_root[KEY_LENGTH];
	uint64_t epoch; /* of the peer, from its hello: */
	uint8_t hello[HELLO_MAX];
	size_t hello_length;
};

/* What channel_gather() holds back: a bundle in the making. */
struct bundle {
	unsigned int depth; /* gatherings within each other; 0: messages leave at once */
	unsigned int messages;
	size_t length; /* of octets, head included */
	uint8_t octets[REQUEST_OCTETS_MAX];
};

struct channel {
	const struct channel_identity *identity;
	uint8_t peer_public[KEY_LENGTH];
	uint8_t psk[KEY_LENGTH];
	uint8_t own_hint[CHANNEL_HINT];
	uint8_t peer_hint[CHANNEL_HINT];
	char peer_name[SNO_NAME_MAX + 1];
	struct message hello; /* our own, but for its SPI */
	struct channel_timers timers;
	struct channel_ops ops;
	struct channel_counters counters;
	struct requests *requests;

	bool up;
	usec_t now;		   /* the latest instant we were told */
	usec_t due;		   /* the next tick, 0 before the first one */
	usec_t heard;		   /* something authentic from the peer */
	usec_t sent;		   /* something sealed to the peer */
	usec_t handshake_at;	   /* not before: the next initiation */
	unsigned int first_echoes; /* that are still to be sent since the peer came up */
	usec_t echo_at;		   /* up: the next echo */
	uint64_t draws;		   /* of jitter */
	struct bucket initiations; /* that anyone may have sent */
	struct bucket proven;	   /* that come from the peer and from where they say */
	struct bucket responses;

	uint8_t cookie_key[KEY_LENGTH];
	uint8_t cookie[COOKIE_LENGTH]; /* that the peer has given us, good until: */
	usec_t cookie_until;
	uint8_t initiation[HANDSHAKE_DATAGRAM]; /* of the initiated session, as it was sent */
	size_t initiation_length;
	bool proof_sent; /* of it, at the peer's demand */

	struct bundle bundle;
	struct noise noise; /* of the initiated session */
	struct keyset sessions[SESSIONS];
	struct keyset *initiated;
	struct keyset *current;
	struct keyset *previous;

	bool known;		   /* a hello of the peer has been confirmed, but for its SPI: */
	struct message peer_hello; /* parsed */
	uint8_t peer_octets[HELLO_MAX]; /* and encoded */
	size_t peer_octets_length;
};

/* channel.c */

/* Sends one encoded message, at once or with others. 0, -ENOTCONN, -EINVAL when it is too long, or
 * as channel_seal(). */
int channel_put(struct channel *c, const uint8_t *octets, size_t length);
/* Seals a text, message or bundle, under the current session and transmits it. 0, -ENOTCONN,
 * -EKEYEXPIRED or what the owner's transmit said. */
int channel_seal(struct channel *c, const uint8_t *octets, size_t length);
/* Transmits and counts one datagram whose message is of this type. */
int channel_transmit(struct channel *c, enum message_type type, const uint8_t *datagram,
		     size_t length);
/* A session has been confirmed: it becomes the current one and all that follows from it. */
void channel_established(struct channel *c, struct keyset *s, usec_t now);
/* Tells the owner that this session has been agreed on. What it says. */
int channel_agreed(struct channel *c, const struct keyset *s, usec_t now);
/* A pseudo-random time in [0, span / 3]. */
usec_t channel_jitter(struct channel *c, usec_t span);
/* One message of an authentic text: DROP_NONE when it was well-formed and has been dealt with. */
enum drop channel_read_message(struct channel *c, const uint8_t *octets, size_t length, usec_t now);

/* channel_time.c */

/* The peer is there: the owner is told, and whether it has restarted; the path is measured. */
void channel_go_up(struct channel *c, bool restarted, usec_t now);
/* Something for the peer to hear, which says no more. */
void channel_send_keepalive(struct channel *c);
/* The peer's echo with this id. */
void channel_answer_echo(struct channel *c, uint32_t id, usec_t now);

/* channel_bundle.c */

/* One more encoded message for the gathering that is open; may send those before it. Errors as
 * channel_seal(), for this message. */
int bundle_add(struct channel *c, const uint8_t *octets, size_t length);
/* Forgets what is gathered. */
void bundle_discard(struct channel *c);
/* An authentic text: the message or those of the bundle that it is. The reason of the last one that
 * was dropped, which is the caller's to count, or DROP_NONE. */
enum drop bundle_read(struct channel *c, const uint8_t *octets, size_t length, usec_t now);

/* channel_handshake.c */

/* Sends an initiation with a new ephemeral key in place of the one that is out, if any. */
void handshake_initiate(struct channel *c, usec_t now);
/* The two handshake datagrams, whose head has been checked. */
enum drop handshake_initiation(struct channel *c, uint32_t id, const uint8_t *in, size_t length,
			       bool proven, usec_t now);
enum drop handshake_response(struct channel *c, uint32_t id, const uint8_t *in, size_t length,
			     usec_t now, bool *authentic);

/* The peer wants proof with the cookie that it gives. */
enum drop handshake_cookie(struct channel *c, const uint8_t *in, size_t length, usec_t now);

/* channel_session.c */

/* What a handshake has agreed on, put into a session in one step. */
struct agreement {
	struct noise_keys keys;
	uint32_t remote_index;
	uint32_t spi;
	uint64_t epoch;
	uint8_t hello[HELLO_MAX];
	size_t hello_length;
};

/* A free session with a new receiver index, in place of the oldest next one if need be. NULL when
 * out of memory. */
struct keyset *keyset_new(struct channel *c, enum keyset_state state, bool initiator, usec_t now);
/* Wipes it; its index is unknown from here on. */
void keyset_free(struct keyset *s);
void keyset_agree(struct keyset *s, const struct agreement *a);
/* The session of this channel under which datagrams with this index are sealed, or NULL. */
struct keyset *keyset_find(const struct channel *c, uint32_t index);
/* True when one of them answered an initiation with this index and ephemeral key. */
bool keyset_answered(const struct channel *c, uint32_t index, const uint8_t ephemeral[KEY_LENGTH]);
/* Makes it the current one; those of the peer's earlier epochs go. */
void keyset_promote(struct keyset *s);
/* Wipes those older than REJECT_AFTER. */
void sessions_expire(struct channel *c, usec_t now);
void sessions_free(struct channel *c);
/* The earliest instant at which one of them expires, USEC_NEVER when there is none. */
usec_t sessions_expiry(const struct channel *c);

#endif
