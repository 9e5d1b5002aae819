/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core discovery and what its answer proves (PROTOCOL sections 5.4, 5.5 and 6).
 *
 * The terminal is the initiator of Noise IKpsk2 with its home core, and beside that full handshake
 * it may give the short proof for the core that was maybe prepared for it (section 6.1): one
 * datagram, answered in either way. It is repeated with the same octets and never changed. An
 * answer is worked out in locals, and the discovery stays as it was until every check has passed;
 * so a forged answer costs computing time and nothing else.
 */
#ifndef SNO_TERMINAL_DISCOVERY_H
#define SNO_TERMINAL_DISCOVERY_H

#include "access.h"
#include "message.h"
#include "noise.h"
#include "noise_foreseen.h"
#include "terminal-agent/identity.h"

/* What a discovery says besides who the terminal is. */
struct discovery_facts {
	struct lladdr link_layer;
	struct addr link_local;
	uint16_t mtu;
	const char *core; /* the one advertised on this link; NULL when none was heard */
	uint64_t home_epoch;
	uint64_t counter;
	enum handover_mode mode; /* of the identity; MODE_PREDICTIVE is what goes without saying */
	const char *target;	 /* the core that may be prepared; NULL: no short proof */
	uint64_t number;	 /* HANDOVER_COUNTER of the move to it */
	const uint8_t *root;	 /* of the present registration; needed with a target */
};

/*
 * Holds keys: discovery_end() it, and discovery_wipe() at the end of its life. All zero: none under
 * way.
 */
struct discovery {
	struct noise_foreseen
		foreseen; /* of the next handshake, or the one under way; outlives it */
	bool spent;	  /* that handshake's ephemeral key may have been seen */
	bool live;	  /* an answer is awaited */
	uint32_t index;
	struct discovery_facts facts; /* core and target are those below; root is NULL */
	char core[SNO_NAME_MAX + 1];
	char target[SNO_NAME_MAX + 1];
	uint8_t handover_key[KEY_LENGTH]; /* with a target */
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
/* Does it say these facts, whatever its counter? False when none is under way. */
bool discovery_says(const struct discovery *d, const struct discovery_facts *facts);
/* It is being sent: its ephemeral key will not serve another one. */
void discovery_sent(struct discovery *d);
/*
 * Works out, while there is time, what the answer to the one under way will need: four
 * Diffie-Hellman operations at the most, when the home core has announced its ephemeral key.
 */
void discovery_foresee(struct discovery *d, const struct identity *identity);
/* None is under way any more. What is foreseen of the next one stays. */
void discovery_end(struct discovery *d);
void discovery_wipe(struct discovery *d);

/* What a valid registration done holds. Holds keys: wipe it. */
struct discovery_result {
	bool full;		   /* by the handshake; false: by the short proof */
	struct message assignment; /* full only */
	struct message registration;
	struct access_session access;
	uint8_t root[KEY_LENGTH]; /* full only: of the moves to come */
	uint64_t number;	  /* short proof only: of the move that has led here */
};

/*
 * Verifies a registration done: ours by its index; with a HANDSHAKE authentic by message 2 (the
 * home core), REASON 0, and sealed under the access key of the core that the home core has named
 * (the serving core); without one sealed under the access key of the core that the short proof was
 * for. DROP_NONE and *result, the discovery has ended; or the reason to drop it, and the discovery
 * goes on.
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
