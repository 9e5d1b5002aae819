/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core discovery and what its answer proves (PROTOCOL sections 5.4, 5.5 and 6).
 *
 * The terminal is the initiator of Noise IKpsk2 with its home core. One discovery is one datagram:
 * it is repeated with the same octets and never changed. An answer is worked out in locals, and the
 * discovery stays as it was until every check has passed; so a forged answer costs computing time
 * and nothing else.
 */
#ifndef SNO_TERMINAL_DISCOVERY_H
#define SNO_TERMINAL_DISCOVERY_H

#include "access.h"
#include "message.h"
#include "noise.h"
#include "terminal-agent/identity.h"

/* What a discovery says besides who the terminal is. */
struct discovery_facts {
	struct lladdr link_layer;
	struct addr link_local;
	uint16_t mtu;
	const char *core; /* the one advertised on this link; NULL when none was heard */
	uint64_t home_epoch;
	uint64_t counter;
};

/* Holds keys: discovery_end() it. All zero: none under way. */
struct discovery {
	bool live; /* an answer is awaited */
	uint32_t index;
	uint64_t counter;
	char core[SNO_NAME_MAX + 1]; /* "": none was named */
	struct noise noise;
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

/*
 * Makes a new discovery out of a new ephemeral key and a new index, in place of the one before. 0,
 * or -EKEYREJECTED (the home core's public key is none) or -EINVAL, and none is under way.
 */
int discovery_begin(struct discovery *d, const struct identity *identity,
		    const struct discovery_facts *facts);
void discovery_end(struct discovery *d);

/* What a valid registration done holds. Holds keys: wipe access. */
struct discovery_result {
	struct message assignment;
	struct message registration;
	struct access_session access;
};

/*
 * Verifies a registration done: ours by its index, authentic by message 2 of the handshake (the
 * home core), REASON 0, and sealed under the access key of the core that the home core has named
 * (the serving core). DROP_NONE and *result, the discovery has ended; or the reason to drop it,
 * and the discovery goes on.
 */
enum drop discovery_accept(struct discovery *d, const struct message *done,
			   struct discovery_result *result);

/*
 * Looks at a registration reject with our index. DROP_NONE and *authentic true: the home core
 * says no, *assignment tells why, and the discovery has ended. DROP_NONE and *authentic false: it
 * carries no proof, the discovery goes on. Anything else: the reason to drop it.
 */
enum drop discovery_reject(struct discovery *d, const struct message *reject,
			   struct message *assignment, bool *authentic);

#endif
