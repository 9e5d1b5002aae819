/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subscribers: the terminals whose home is this core, with what is theirs for good (identity, keys,
 * home addresses) and their binding (RFC 6275: where the home address is reached now).
 */
#ifndef SNO_SUBSCRIBER_H
#define SNO_SUBSCRIBER_H

#include "accounting.h"
#include "bucket.h"
#include "core.h"
#include "forwarding.h"
#include "root.h"

#include <uthash.h>

enum binding_state {
	BINDING_NONE,	 /* not registered: the home address is unreachable */
	BINDING_HOME,	 /* served by this core itself */
	BINDING_VISITING /* served by a peer, through the tunnel to its care-of address */
};

/* How a terminal is reached on the access side; mtu 0: that is not known. */
struct terminal_link {
	struct lladdr link_layer;
	struct addr link_local;
	uint16_t mtu;
};

/* Where a terminal is, as far as it was told. */
struct place {
	char satellite[SNO_NAME_MAX + 1]; /* "": unknown */
	struct terminal_link link;
};

/* Written by binding.c only. */
struct binding {
	enum binding_state state;
	uint64_t number;
	struct peer *peer; /* VISITING */
	struct addr coa;   /* VISITING */
	struct path path;  /* to the core that serves, wherever the home addresses lead now */
	struct place place;
	bool left; /* core disconnect has come: the terminal is between cores */
	usec_t since, expires;
	struct account account;
	struct timer timer;
};

/* What an authentication has set aside, for the core that asked to take up (authentication.c). */
struct offer {
	uint64_t number;  /* of the binding to come; 0: none */
	struct peer *to;  /* NULL: this core itself */
	usec_t until;	  /* when it can be taken up no more */
	struct root root; /* that the binding is to have */
	struct place place;
	bool soft; /* the terminal goes on using another link */
};

struct subscriber {
	char user[SNO_NAME_MAX + 1];
	char nai[NAI_TEXT];
	struct core *core;
	uint8_t public_key[KEY_LENGTH];
	uint8_t psk[KEY_LENGTH];
	struct addr hoa4, hoa6; /* none until the first registration, unless fixed */
	struct prefix prefix;
	bool reserved; /* its home addresses are its own in the pools */
	bool leaving;  /* a change of the configuration that removes it is being prepared */

	uint64_t counter; /* highest registration counter accepted (PROTOCOL section 6) */
	struct offer offer;
	enum handover_mode mode;   /* the highest, by the configuration */
	enum handover_mode allows; /* the highest that the terminal has said it allows */

	struct path path; /* where the home addresses lead */
	struct binding binding;
	struct root root;    /* of the binding, none without one */
	struct timer settle; /* when packets that wait for the old way to be empty go on (lead.h) */
	struct anticipation *anticipations; /* the oldest first */
	struct bucket announced;	    /* for targets to be asked, as often as it may say so */
	struct crowd *crowd;		    /* those on the same satellite, NULL: not known which */
	struct subscriber *prev, *next;	    /* in it */
	UT_hash_handle hh;		    /* by user */
	UT_hash_handle hh_offered;	    /* by offer.number, while that is not 0 */
	UT_hash_handle hh_bound;	    /* by binding.number, while bound */
};

/* Makes a subscriber for each in the configuration. 0 or -errno, logged. */
int subscribers_open(struct core *core, usec_t now);
void subscribers_close(struct core *core);

/* A change of the configuration on its way. */
struct subscribers_change {
	struct subscriber *fresh; /* new and changed ones, by user */
};

/*
 * Makes the subscribers that the wanted configuration has and this one has not, or otherwise, with
 * their addresses. 0, then commit or abort; or -errno, logged, then abort.
 */
int subscribers_prepare(struct core *core, const struct config *wanted,
			struct subscribers_change *change);
void subscribers_abort(struct core *core, struct subscribers_change *change);
/* Bindings of those that are removed or replaced end; the others go on. */
void subscribers_commit(struct core *core, struct subscribers_change *change, usec_t now);

struct subscriber *subscriber_find(const struct core *core, const char *user);
/*
 * Sets aside a new binding number for a serving core (NULL: this core); returns it. It may be taken
 * up within the lifetime that the terminal was told, and no longer than the binding made with it.
 * What else the offer holds is empty.
 */
uint64_t subscriber_offer(struct subscriber *subscriber, struct peer *to, usec_t now);
/* The number set aside can be taken up no more. */
void subscriber_offer_end(struct subscriber *subscriber);
/* The subscriber whose newest offer, or whose binding, has this number. */
struct subscriber *subscriber_offered(const struct core *core, uint64_t number);
struct subscriber *subscriber_bound(const struct core *core, uint64_t number);

/* The home addresses, as a path that leads nowhere. */
struct path subscriber_homes(const struct subscriber *subscriber);
/*
 * Gives the subscriber its home addresses out of the pools, once; they stay its own. -EADDRNOTAVAIL
 * when it would have none at all.
 */
int subscriber_take_addresses(struct subscriber *subscriber);
/*
 * Those that it was leased in an earlier run are its own again, as far as the configuration gives
 * it no others, the pools have them still, and they are nobody else's.
 */
void subscriber_lease(struct subscriber *subscriber, const struct addr *hoa4,
		      const struct addr *hoa6);

#endif
