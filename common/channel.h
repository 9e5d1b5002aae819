/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel between two cores (PROTOCOL section 4): Noise KKpsk2 handshake, sealed datagrams,
 * rekey, boot epochs, liveness. One `struct channel` per configured peer. It does no input or
 * output of its own and reads no clock: octets go in, callbacks come out.
 *
 * A message leaves when it is given, in a datagram of its own, so that nothing waits for company.
 * Who has many to send at one moment says so, by gathering them into bundles (section 4.5).
 */
#ifndef SNO_CHANNEL_H
#define SNO_CHANNEL_H

#include "clock.h"
#include "message.h"
#include "request.h"

struct channel;

/*
 * What a handshake has agreed on beside the channel's own keys, for those who make associations of
 * it (PROTOCOL section 16).
 */
struct channel_session {
	const struct message *hello; /* the peer's in that handshake, with its SPI */
	uint32_t spi;		     /* our own in that handshake; 0 when our hello has no suites */
	bool initiator;		     /* of the handshake: this end */
	const uint8_t *esp_root;     /* KEY_LENGTH octets */
};

/*
 * The channel's view of its owner (core-agent/peer.c). state, request and the ends of requests may
 * call everything below again except channel_receive(), channel_tick() and channel_free().
 */
struct channel_ops {
	/* Send one datagram to the peer's present endpoint. 0 or -errno (only counted). The one
	 * exception is a handshake response (type 0x02): it is transmitted within the
	 * channel_receive() of its initiation and should go back to where that came from, because
	 * an initiation alone may be a replay and so never moves the endpoint. */
	int (*transmit)(void *context, const uint8_t *datagram, size_t length);
	/* The session is up (hello is the peer's, valid until the next one) or down (hello NULL).
	 * restarted: the peer's EPOCH differs from the one known before; outstanding requests have
	 * ended by then. Also called when an up peer's hello has changed. */
	void (*state)(void *context, const struct message *hello, bool restarted, usec_t now);
	/* An authentic request that has not been executed yet; answer it with request_answer(), now
	 * or later. */
	void (*request)(void *context, const struct message *request, usec_t now);
	/*
	 * Both may be NULL, and may call nothing of this channel but channel_rekey(). A session has
	 * been agreed on and nothing has been sealed under it yet: this end gets ready to receive
	 * what the peer may send under it. -errno: there is to be no such session, and another
	 * handshake follows in time.
	 */
	int (*agreed)(void *context, const struct channel_session *session, usec_t now);
	/* The peer has sealed under that session for the first time: it is ready to receive. */
	void (*heard)(void *context, const struct channel_session *session, usec_t now);
	void *context;
};

struct channel_timers {
	usec_t keepalive, dead_peer, handshake_retry, rekey_after, rekey_grace, reject_after;
	usec_t echo;		 /* between measurements of the path; 0: none are made */
	uint64_t rekey_messages; /* datagrams sealed by one side; 0: the default */
};
/* Defaults of PROTOCOL section 12. */
extern const struct channel_timers channel_timers_default;

struct channel_identity {
	uint8_t private_key[32];
	uint8_t public_key[32];
};

/*
 * A channel to the peer with this static public key. identity must outlive it. psk may be NULL
 * (zero). hello is what this core says of itself (copied; EPOCH is its boot epoch). peer_name is
 * checked against the peer's hello. Where hello has SUITES, each handshake gets an SPI of its own.
 * NULL with errno ENOMEM, or EINVAL when the hello or the name is
 * not encodable. Nothing is sent before channel_tick().
 */
struct channel *channel_new(const struct channel_identity *identity, const uint8_t peer_public[32],
			    const uint8_t psk[32], const char *peer_name,
			    const struct message *hello, const struct channel_timers *timers,
			    const struct channel_ops *ops);
/* Wipes and frees, sends nothing. */
void channel_free(struct channel *c);

#define CHANNEL_HINT 8

/* The 8 octets by which an initiation names its sender (section 4.1). */
void channel_hint(uint8_t hint[8], const uint8_t public_key[32]);
/* Peer lookup for a datagram before any cryptography: true when it is an initiation, alone or
 * within a cookie proof, with its hint. */
bool channel_initiation_hint(const uint8_t *datagram, size_t length, uint8_t hint[8]);
/* True when it is a response, cookie or sealed datagram; *index is the receiver index it carries.
 */
bool channel_receiver_index(const uint8_t *datagram, size_t length, uint32_t *index);
/*
 * What all receiver indices of this process have in their upper half, never 0: by that a socket
 * tells what comes from somebody who has heard us, or one of our peers, from what anybody may send
 * (core_socket.h). It is drawn once, and no secret to those who listen.
 */
uint16_t channel_mark(void);
/* The one channel of this process that has handed out that receiver index (any of its sessions or
 * its pending handshake), NULL when none has; in constant time. */
struct channel *channel_find(uint32_t index);

/*
 * A datagram for this channel. DROP_NONE when it was authentic and has been consumed (callbacks
 * were called), else the reason it was dropped for; of a bundle, that of the last message in it
 * that was dropped, while the others have been consumed. *authentic is set when the sender proved
 * itself, so that the owner may move the peer's endpoint there (roaming cores, NAT).
 */
enum drop channel_receive(struct channel *c, const uint8_t *datagram, size_t length, usec_t now,
			  bool *authentic);

/*
 * The same for an initiation that has come within a cookie proof (cookie.h), which the owner has
 * found right with channel_cookie_key(): only the peer can have made it, at an address where it
 * receives, so that forged initiations, of however many, take nothing from it. What an unproven
 * one is dropped for with DROP_LIMIT is an occasion to send a cookie.
 */
enum drop channel_receive_proven(struct channel *c, const uint8_t *initiation, size_t length,
				 usec_t now);
/* What a cookie proof of this peer is made with: KEY_LENGTH octets, secret. */
const uint8_t *channel_cookie_key(const struct channel *c);

/* Seal and send one message that is no request (keepalive, error). 0, -ENOTCONN, -EINVAL, or what
 * transmit said. */
int channel_send(struct channel *c, const struct message *m, usec_t now);

/*
 * From here to channel_flush() whatever is sent on this channel, requests, answers and
 * retransmissions included, is kept and then leaves in as few datagrams as it fits into, in its
 * order. For what is one piece of work: no event loop may sleep in between. The two nest, the
 * outermost flush sends; a flush without a gathering does nothing. What cannot be sent then
 * (the channel is down, transmit refuses) is as if lost on the way; what was meant for an earlier
 * life of the peer is forgotten. The channel itself gathers what answers a bundle, and
 * retransmissions.
 */
void channel_gather(struct channel *c);
void channel_flush(struct channel *c, usec_t now);
/* A new handshake is due now: something has worn out that the session at hand stands for. Call
 * channel_tick() soon. */
void channel_rekey(struct channel *c, usec_t now);
/* The request table of this channel; request_send() on a down channel ends with
 * REASON_HOME_UNREACHABLE at the next tick. */
struct requests *channel_requests(struct channel *c);

/* All that time brings: handshakes, rekey, keepalive, death, retransmission. Returns the next
 * instant to be called; call it also after request_send() and channel_receive(), which bring new
 * instants. */
usec_t channel_tick(struct channel *c, usec_t now);

bool channel_up(const struct channel *c);
/* The peer's newest hello, NULL while none has been authenticated. */
const struct message *channel_hello(const struct channel *c);

struct channel_counters {
	/* handshakes: completed ones; rekeys: those of them while up, without a restart */
	uint64_t handshakes, rekeys, restarts_seen, deaths;
	/* unsent: datagrams that transmit refused; received: all, dropped ones included */
	uint64_t sent_datagrams, unsent_datagrams, received_datagrams;
	/* By type: 0x01, 0x02, and what was sealed, retransmissions included; of a bundle itself
	 * and each message in it. */
	uint64_t sent[256];
	uint64_t received[256]; /* by type, authentic and well-formed ones; of bundles likewise */
	uint64_t drops[DROP_COUNT]; /* of datagrams, and of messages in bundles */
};
const struct channel_counters *channel_counters(const struct channel *c);
/* The round trip of the path in microseconds, without what an answer took to be found, as the least
 * of the last few measurements by handshakes and requests; 0 while nothing was measured. */
usec_t channel_rtt(const struct channel *c);
/* Age of the current session in microseconds, -1 when there is none. */
usec_t channel_session_age(const struct channel *c, usec_t now);
/* When this end means to renew it; USEC_NEVER when there is none. */
usec_t channel_session_renewal(const struct channel *c);

#endif
