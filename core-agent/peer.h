/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other operators' cores: the channel to each, what it may claim, and the way its visitors' packets
 * go home.
 */
#ifndef SNO_PEER_H
#define SNO_PEER_H

#include "channel.h"
#include "core.h"
#include "kernel.h"
#include "log.h"
#include "path_mtu.h"
#include "protection.h"

#include <uthash.h>

/* Each peer has a slot: a rule priority and a table of its own. */
#define PEER_SLOTS (KERNEL_RULE_PRIORITY_MAX - KERNEL_RULE_PRIORITY_MIN + 1)

struct peer {
	char name[SNO_NAME_MAX + 1];
	struct core *core;
	unsigned int slot;	  /* 0..: table KERNEL_TABLE_BASE + slot, rule priority likewise */
	struct endpoint endpoint; /* where it proved itself last */
	const struct endpoint
		*asked_from; /* while its datagram is dealt with: where that came from */
	uint8_t public_key[KEY_LENGTH];
	uint8_t psk[KEY_LENGTH];
	uint8_t hint[8];
	struct prefix *home_prefixes, *care_of_prefixes;
	size_t home_prefix_count, care_of_prefix_count;

	bool draining;		 /* configured no more: nothing new begins with it (drain.h) */
	enum handover_mode mode; /* the highest together with it, by the configuration */
	struct channel *channel;
	struct timer timer;
	uint32_t tunnel_key;	       /* under which it is to send to us */
	enum tunnel_kind uplink;       /* kind of its table's routes, 0: none that is right */
	struct session *visitors;      /* its subscribers that we serve, by binding number */
	unsigned int bindings;	       /* of our subscribers that it serves */
	unsigned int releases;	       /* that are owed to it */
	unsigned int registrations;    /* those that are about to be, one for each discovery */
	struct preparation *prepared;  /* those that we expect, likewise */
	size_t prepared_care_of[2];    /* care-of addresses of those, IPv4 and IPv6 */
	struct bucket authentications; /* of terminals that it has asked for */
	struct protection protection;
	struct path_mtu path_mtu;
	struct log_limit noise;
	UT_hash_handle hh;
};

/* ---- coming and going (peers.c) ------------------------------------------------------------ */

/*
 * Makes a peer for each in the configuration. 0; or -errno, logged, and those made up to then stay
 * in the kernel.
 */
int peers_open(struct core *core, usec_t now);
void peers_close(struct core *core);

/* A change of the configuration on its way. */
struct peers_change {
	struct peer *fresh; /* new and changed ones, by name */
};

/*
 * Makes the peers that the wanted configuration has and this one has not, or otherwise. 0, then
 * commit; or -errno, logged. In both cases peers_abort() makes it undone.
 */
int peers_prepare(struct core *core, const struct config *wanted, struct peers_change *change);
void peers_abort(struct core *core, struct peers_change *change);
/* Visitors from and bindings at a peer that is removed or replaced end; the others go on. */
void peers_commit(struct core *core, const struct config *wanted, struct peers_change *change,
		  usec_t now);

/* What a peer's timer and channel call (peer.c). */
timer_fn peer_timer;
int peer_transmit(void *context, const uint8_t *datagram, size_t length);
void peer_state(void *context, const struct message *hello, bool restarted, usec_t now);
void peer_requested(void *context, const struct message *request, usec_t now);

/* ---- being there (peer.c) ------------------------------------------------------------------ */

struct peer *peer_find(const struct core *core, const char *name);
/* The same for what begins: NULL also while the peer is drained. */
struct peer *peer_open(const struct core *core, const char *name);

/* A datagram on the core channel from this address. Drops are counted. */
void peer_receive(struct core *core, const struct endpoint *from, const uint8_t *datagram,
		  size_t length, usec_t now);

/*
 * Sends a request (request.h). done gets the core as its context and the token. -errno when it
 * could not even be queued.
 */
int64_t peer_request(struct peer *peer, struct message *m, request_done *done, uint64_t token,
		     usec_t now);
/* Forgets a request that this returned; its end is not told. */
void peer_request_cancel(struct peer *peer, int64_t request);
/*
 * From here to peers_flush() what goes to each peer is kept, to leave in bundles (channel.h): for a
 * piece of work that says something of many terminals.
 */
void peers_gather(struct core *core);
void peers_flush(struct core *core, usec_t now);
/* Answers a request of the peer with a reason alone, of the answer type of `request`. */
void peer_answer_reason(struct peer *peer, const struct message *request, enum reason reason,
			usec_t now);
/* Answers a request of the peer with a whole message; its id is filled in. */
void peer_answer(struct peer *peer, const struct message *request, struct message *answer,
		 usec_t now);

/*
 * The tunnel for this peer's terminals when they visit us (PROTOCOL section 10): chooses the kind
 * and has their uplink lead there. REASON_ACCEPTED and *kind; REASON_NO_COMMON_TUNNEL;
 * REASON_KERNEL_REFUSED; what protection_allows() says.
 */
enum reason peer_tunnel(struct peer *peer, enum tunnel_kind *kind);
/* Its visitors' uplink is to lead where hello, protection and path MTU say now. */
void peer_point_uplink(struct peer *peer);
/* The family of care-of address that goes with a kind. */
sa_family_t tunnel_family(enum tunnel_kind kind);
/* The peer's outer address for a kind, none when it has not told. */
struct addr peer_tunnel_end(const struct peer *peer, enum tunnel_kind kind);
/* The key to send with to the peer's tunnel end. */
uint32_t peer_tunnel_key(const struct peer *peer);

bool peer_owns_home(const struct peer *peer, const struct prefix *home);
bool peer_owns_care_of(const struct peer *peer, const struct addr *coa);

#endif
