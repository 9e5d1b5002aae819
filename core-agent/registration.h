/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registrations of visitors in progress: from core discovery to registration done (PROTOCOL section
 * 8, the states authenticating and tunnelling). Short-lived, one per discovery: whose it is turns
 * out only when its home core has answered, so a forged discovery in somebody's name cannot end an
 * attempt of the true terminal.
 */
#ifndef SNO_REGISTRATION_H
#define SNO_REGISTRATION_H

#include "discovery.h"
#include "forwarding.h"

#include <uthash.h>

/*
 * Attempts at once with one home core; more discoveries than that are dropped with reason "limit",
 * and come again. A home core can authenticate only so many in a second: what it is asked beyond
 * that waits, is asked again because it waits, and keeps from it the tunnel requests of those it
 * has authenticated already.
 */
#define REGISTRATIONS_PER_PEER	   1024
#define REGISTRATIONS_OF_STRANGERS 768 /* that came without proof (PROTOCOL section 17) */

struct registration {
	struct core *core;
	uint64_t id;		     /* for the answers to its requests */
	struct satellite *satellite; /* NULL: given up, but the home core may yet say it is bound */
	struct lladdr mac;
	struct addr link_local;
	uint32_t terminal_index;
	uint8_t discovery[HASH_LENGTH]; /* SHA-256 of the datagram */
	struct peer *home;

	/* Where the home core is to send to: offered with the authentication, or chosen later. */
	bool offered;
	enum tunnel_kind tunnel;
	struct addr coa;
	uint32_t tunnel_key;
	bool took_coa; /* the care-of address was taken for this attempt */

	/* Since tunnelling; authenticating while this is NULL: */
	struct session *session;
	struct path before; /* of the session, for undoing */
	char nai[NAI_TEXT];
	struct hold_counters held; /* what was held for it, and is on its way */
	struct message granted;	   /* the authentication ACK; holds the access key */
	int64_t request;	   /* the tunnel request, while it is outstanding */
	bool asked;		   /* the home core may have bound the terminal to us */
	bool bound;		   /* it has */
	uint64_t superseded; /* as asked, under the number of an attempt before this one; 0: not */
	UT_hash_handle hh, hh_id;
};

/* Asks the home core of a terminal. DROP_NONE, or DROP_LIMIT when there are too many attempts. */
enum drop registration_begin(const struct discovery *discovery, struct peer *home, usec_t now);
/* Is the discovery with this hash being dealt with? */
bool registration_running(const struct core *core, const uint8_t hash[HASH_LENGTH]);

/*
 * Drops an attempt whose session is ending: its care-of address is given back, its path is the
 * session's affair. A home core that may have bound the terminal to us is told that it is not.
 */
void registration_drop(struct registration *r, enum reason reason, usec_t now);
/* The terminal with this Ethernet address has deregistered: attempts that came before end too. */
void registration_terminal_left(struct core *core, const struct lladdr *mac, usec_t now);
void registration_peer_removed(struct peer *peer, usec_t now);
void registration_satellite_removed(struct satellite *satellite, usec_t now);
void registrations_close(struct core *core);

#endif
