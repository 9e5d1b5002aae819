/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subscribers: the terminals whose home is this core, with what is theirs for good (identity, keys,
 * home addresses) and their binding (RFC 6275: where the home address is reached now).
 */
#ifndef SNO_SUBSCRIBER_H
#define SNO_SUBSCRIBER_H

#include "core.h"
#include "forwarding.h"

#include <uthash.h>

enum binding_state {
	BINDING_NONE,	 /* not registered: the home address is unreachable */
	BINDING_HOME,	 /* served by this core itself */
	BINDING_VISITING /* served by a peer, through the tunnel to its care-of address */
};

/* Written by binding.c only. */
struct binding {
	enum binding_state state;
	uint64_t number;
	struct peer *peer; /* VISITING */
	struct addr coa;   /* VISITING */
	bool left;	   /* core disconnect has come: the terminal is between cores */
	usec_t since, expires;
	struct timer timer;
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
	/* The newest binding number given out, to whom, and until when it may be taken up. */
	uint64_t offered;
	struct peer *offered_to; /* NULL: this core itself */
	usec_t offered_until;

	struct path path;
	struct binding binding;
	UT_hash_handle hh;	   /* by user */
	UT_hash_handle hh_offered; /* by offered, while that is not 0 */
	UT_hash_handle hh_bound;   /* by binding.number, while bound */
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
 */
uint64_t subscriber_offer(struct subscriber *subscriber, struct peer *to, usec_t now);
/* The number set aside can be taken up no more. */
void subscriber_offer_end(struct subscriber *subscriber);
/* The subscriber whose newest offer, or whose binding, has this number. */
struct subscriber *subscriber_offered(const struct core *core, uint64_t number);
struct subscriber *subscriber_bound(const struct core *core, uint64_t number);

/*
 * Gives the subscriber its home addresses out of the pools, once; they stay its own. -EADDRNOTAVAIL
 * when it would have none at all.
 */
int subscriber_take_addresses(struct subscriber *subscriber);

#endif
