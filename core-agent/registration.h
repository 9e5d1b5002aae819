/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registrations in progress: from core discovery to registration done (PROTOCOL section 8, the
 * states authenticating and tunnelling). Short-lived, one per discovery: whose it is turns out only
 * when its home core has answered, so a forged discovery in somebody's name cannot end an attempt
 * of the true terminal.
 */
#ifndef SNO_REGISTRATION_H
#define SNO_REGISTRATION_H

#include "core.h"
#include "forwarding.h"
#include "satellite.h"

#include <uthash.h>

/* Attempts at once; more discoveries than that are dropped with reason "limit". */
#define REGISTRATIONS_MAX 65536

struct registration {
	struct core *core;
	uint64_t id; /* for the answers to its requests */
	struct satellite *satellite;
	struct lladdr mac;
	struct addr link_local;
	uint32_t terminal_index;
	uint8_t discovery[HASH_LENGTH]; /* SHA-256 of the datagram */
	struct peer *home;

	/* Since tunnelling; authenticating while this is NULL: */
	struct session *session;
	struct path before; /* of the session, for undoing */
	struct addr coa;
	bool took_coa;		/* the care-of address was taken for this attempt */
	struct message granted; /* the authentication ACK; holds the access key */
	enum tunnel_kind tunnel;
	int64_t request;     /* the tunnel request, while it is outstanding */
	bool asked;	     /* the home core may have bound the terminal to us */
	uint64_t superseded; /* likewise, under the number of an attempt before this one; 0: not */
	UT_hash_handle hh, hh_id;
};

/* A core discovery has come from this satellite and Ethernet address. */
enum drop registration_discovery(struct satellite *satellite, const struct lladdr *mac,
				 const struct addr *link_local, const uint8_t *datagram,
				 size_t length, usec_t now);

/*
 * Drops an attempt whose session is ending: its care-of address is given back, its path is the
 * session's affair. A home core that may have bound the terminal to us is told that it is not.
 */
void registration_drop(struct registration *r, enum reason reason, usec_t now);
void registration_peer_removed(struct peer *peer, usec_t now);
void registration_satellite_removed(struct satellite *satellite, usec_t now);
void registrations_close(struct core *core);

#endif
