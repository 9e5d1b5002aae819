/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preparations: terminals that a home core has this core make ready for before they come (PROTOCOL
 * sections 6.1, 8 and 15).
 *
 *   waiting --kernel--> prepared --short proof--> a session (arrival.c)
 *                          |  |
 *                          |  +---- released by home ---------------> draining --> gone
 *                          +-- time or pool --> returning --home confirms--^
 *
 * A preparation is known by its tag to the terminal, and by its binding number to the home core;
 * there is one for each terminal. It owns the key of this one move and, for a peer's terminal, the
 * care-of address and the path. For an own subscriber the home core is this core itself: then both
 * belong to the subscriber's binding, and anticipation.c keeps the time.
 */
#ifndef SNO_PREPARATION_H
#define SNO_PREPARATION_H

#include "core.h"
#include "forwarding.h"
#include "handover_key.h"
#include "satellite.h"

#include <uthash.h>

/* How many terminals a peer may have prepared here at once; for one more it is told "busy". */
#define PREPARATIONS_PER_PEER 16384
/* Nobody is expected who comes later than this: likewise. */
#define PREPARATION_AHEAD (600 * USEC_PER_SEC)

enum preparation_state {
	PREPARATION_WAITING,   /* for the kernel, with others of the same moment */
	PREPARATION_PREPARED,  /* the terminal may come */
	PREPARATION_RETURNING, /* given up: the home core is asked to lead its packets elsewhere */
	PREPARATION_DRAINING   /* it does: what still comes is sent back to it */
};

struct preparation {
	struct core *core;
	struct peer *home;	       /* whose terminal; NULL: this core's ... */
	struct subscriber *subscriber; /* ... own */
	char nai[NAI_TEXT];
	enum preparation_state state;
	uint64_t binding;
	uint8_t tag[HANDOVER_TAG];
	uint8_t key[KEY_LENGTH]; /* the handover key */
	uint32_t lifetime;	 /* seconds */
	uint32_t uplink_delay;	 /* microseconds (PROTOCOL section 15.4) */
	struct path homes;	 /* of kind PATH_NONE: only what is to be led */
	bool hold;
	uint16_t mtu; /* of the way to the terminal */
	/* The next link, where it was told: then packets can be led there before it is up. */
	struct satellite *satellite;
	struct lladdr mac; /* key of preparation_macs while claimed */
	bool linked, claimed;

	/* A peer's terminal: */
	struct path path; /* what is in the kernel */
	enum tunnel_kind tunnel;
	struct addr coa;
	uint32_t tunnel_key;
	uint32_t request; /* id of the proactive authentication, while that waits */
	int64_t release;  /* our release to the home core, while it is outstanding */
	usec_t deadline;
	struct timer timer;
	UT_hash_handle hh; /* by nai */
	UT_hash_handle hh_tag, hh_binding, hh_mac;
};

/* What is to be prepared for an own subscriber that comes to this core. Everything is copied. */
struct preparation_order {
	uint64_t binding;
	const uint8_t *handover_key; /* KEY_LENGTH octets */
	uint32_t lifetime;	     /* seconds, of the binding to come */
	uint32_t uplink_delay;	     /* microseconds, by which the way here is shorter */
	bool hold;
	const char *satellite;		 /* that it comes to, "" when not known */
	const struct lladdr *link_layer; /* of its link there, NULL when not told */
	uint16_t mtu;			 /* of that link, 0 when not told */
};

/*
 * Prepares this core for an own subscriber, instead of anything prepared for it before.
 * REASON_ACCEPTED: *until is the path that the home addresses are to have from when the subscriber
 * leaves until it has come: PATH_HOLD, PATH_ACCESS or PATH_NONE. REASON_BUSY: out of memory.
 */
enum reason preparation_begin(struct subscriber *subscriber, const struct preparation_order *order,
			      struct path *until);
/* The end of that: no terminal is let in by it any more. The subscriber's path stays. Nothing when
 * another one has taken its place. */
void preparation_end(struct subscriber *subscriber, uint64_t binding);

/*
 * A proactive authentication from the home core of a terminal. It waits for preparations_settle(),
 * which answers it.
 */
void preparation_requested(struct peer *home, const struct message *request, usec_t now);
/*
 * Has the kernel make ready, all at once, what was asked for since the last call, and answers. The
 * event loop calls it when it has read what there was; so do requests and answers of peers that
 * look for a preparation meanwhile.
 */
void preparations_settle(struct core *core, usec_t now);
/* A release came from a peer: true when it was for a preparation here, and has been answered. */
bool preparation_released(struct peer *home, const struct message *request, usec_t now);

/* The preparation that a terminal means by this tag; the one for this terminal, whatever its state.
 */
struct preparation *preparation_by_tag(const struct core *core, const uint8_t tag[HANDOVER_TAG]);
struct preparation *preparation_find(const struct core *core, const char *nai);

/*
 * The terminal is here, by whatever proof: its path in the kernel and its care-of address go over
 * to *path and *coa (PATH_NONE and none for what there is not), and the preparation is over.
 */
void preparation_take(struct preparation *p, struct path *path, struct addr *coa);
/*
 * The terminal of this name is at this Ethernet address: nothing is led there for another one that
 * has yet to come.
 */
void preparation_give_way(struct core *core, const struct lladdr *mac, const char *nai);

/* Its home core has lost its memory, or is no peer any more: all that it had prepared here is gone.
 */
void preparation_peer_gone(struct peer *peer, const char *why);
void preparation_satellite_removed(struct satellite *satellite);
/* The satellite has a port again, maybe another one: paths lead there. */
void preparation_port_changed(struct satellite *satellite);
/* Those whose care-of address is in no pool any more are given up. */
void preparation_pools_changed(struct core *core, usec_t now);
void preparations_close(struct core *core);

const char *preparation_state_name(enum preparation_state state);

#endif
