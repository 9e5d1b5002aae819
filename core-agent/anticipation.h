/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Anticipations: the cores that a home core has prepared for where a subscriber may go next
 * (PROTOCOL sections 6.1, 9 and 15).
 *
 *   asked --offer--> ready --home addresses lead there--> chosen --arrival--> the binding
 *     |                |                                    |
 *     +--- refused ----+---- not arrived, overtaken --------+--> gone, nothing is left
 *
 * Each has a binding number of its own, under which the target knows it; the target is a peer, or
 * this core itself (preparation.h). A binding changes only with an arrival: until then the home
 * addresses can be led back to the core that serves. Whatever gives the subscriber another binding,
 * or none, ends all of them (binding.c calls anticipations_end()).
 */
#ifndef SNO_CORE_ANTICIPATION_H
#define SNO_CORE_ANTICIPATION_H

#include "core.h"
#include "forwarding.h"
#include "handover_key.h"
#include "message.h"
#include "subscriber.h"

/* Targets prepared for one subscriber at once; for one more the oldest gives way. */
#define ANTICIPATIONS_MAX 4
/*
 * A subscriber that names ever new moves has so many prepared at once, and then one per interval;
 * others are not. No terminal changes its satellite as often.
 */
#define ANNOUNCED_BURST	   (2 * ANTICIPATIONS_MAX)
#define ANNOUNCED_INTERVAL (USEC_PER_SEC / 4)

struct anticipation {
	struct subscriber *subscriber;
	struct peer *target; /* NULL: this core itself */
	uint64_t binding;    /* the number that it has with the target, and will have */
	uint64_t number;     /* of the move under the subscriber's root */
	enum handover_mode mode;
	bool ready;		     /* the target can take the terminal */
	bool chosen;		     /* the terminal is on its way there */
	bool crowd;		     /* ... with its satellite, and not without a link */
	bool leads;		     /* so do the home addresses */
	struct path path;	     /* that they are to lead along, when ready */
	struct place place;	     /* where the terminal will be */
	usec_t shorter;		     /* by so much is the way shorter */
	usec_t chosen_at, switching; /* handover.h */
	int64_t request;	     /* the proactive authentication, while it is outstanding */
	struct timer timer;	     /* the target has given up by then */
	struct question *questions;  /* who waits for it to be ready */
	struct anticipation *prev, *next; /* of the same subscriber */
	UT_hash_handle hh;		  /* by binding */
};

/*
 * Answers a terminal of ours that this core serves itself: `answer` has the answer's type and all
 * its attributes, only its id is to be set. Called exactly once for each question, maybe within
 * anticipation_announced() and maybe much later: token is to find the terminal's session by, which
 * may have ended.
 */
typedef void anticipation_answer(struct core *core, uint64_t token, struct message *answer,
				 usec_t now);

struct anticipation_reply {
	anticipation_answer *fn;
	uint64_t token;
};

/* The one with this binding number. */
struct anticipation *anticipation_find(const struct core *core, uint64_t binding);
/* Name of the core that it is for. */
const char *anticipation_target(const struct anticipation *anticipation);

/* Does this core disconnect say where the terminal goes, under which number of a move? */
bool anticipation_names_move(const struct message *m);

/*
 * A handover announcement, or a core disconnect that names a move, of a subscriber. serving is the
 * peer that relayed it, after its BINDING was found to be the present one: the request is answered
 * to it and reply is not used (may be NULL). serving is NULL for a terminal at home: then *reply
 * gets the answer. After a disconnect the binding counts as left. The target is prepared; the
 * answer comes when it is ready and, after a disconnect, the home addresses lead there.
 */
void anticipation_announced(struct subscriber *subscriber, struct peer *serving,
			    const struct message *m, const struct anticipation_reply *reply,
			    usec_t now);

/*
 * The terminal has come to this core, which had prepared itself under this binding number
 * (preparation.h): counter and mode are COUNTER and MODE (0: none) of its discovery, path leads to
 * it on the access side. REASON_ACCEPTED: the kernel has acknowledged, the binding is BINDING_HOME
 * under that number, what was held is on its way. REASON_STALE_BINDING; REASON_KERNEL_REFUSED with
 * everything as before.
 */
enum reason anticipation_arrived_here(struct subscriber *subscriber, uint64_t binding,
				      uint64_t counter, const uint8_t arrival[HANDOVER_ARRIVAL],
				      enum handover_mode mode, const struct path *path, usec_t now);
/* The terminal has come to a peer: a tunnel request with ARRIVAL, which is answered. */
void anticipation_arrived(struct peer *target, const struct message *request, usec_t now);

/*
 * The target (NULL: this core) gives up what it had prepared under this number, for whatever
 * reason. False when there is no such anticipation. True: it is gone, and when the home addresses
 * led there the kernel has acknowledged that they lead to the core of the binding again (or, where
 * it refuses even that, nowhere).
 */
bool anticipation_not_arrived(struct core *core, struct peer *target, uint64_t binding, usec_t now);

/* ---- crowds (crowd.h) ----------------------------------------------------------------------- */

/*
 * Nobody has announced that the subscriber will go to this target (NULL: this core), by the same
 * satellite and link, in `expected` microseconds; but it is known. False when it cannot be
 * prepared.
 */
bool anticipation_foresee(struct subscriber *subscriber, struct peer *target, usec_t expected,
			  usec_t now);
/*
 * It goes now: the home addresses are to lead to that target as soon as it is ready. Returns the
 * path when it is, for lead_many(), whose result is to be told by anticipation_led(); else NULL.
 */
const struct path *anticipation_choose(struct subscriber *subscriber, struct peer *target,
				       usec_t now);
void anticipation_led(struct subscriber *subscriber, struct peer *target, int error, usec_t now);

/* This core has been prepared under this number, and leads nothing ahead to the terminal any more:
 * its next link's Ethernet address is another one's, or its satellite has gone. */
void anticipation_retracted(struct core *core, uint64_t binding);
/* The satellite of that link has this bridge port now. 0; or -errno, logged, and it is to be
 * retracted. */
int anticipation_port_changed(struct core *core, uint64_t binding, unsigned int port);

/* ---- ends ----------------------------------------------------------------------------------- */

/*
 * The subscriber has another binding, or none: all anticipations end, their targets are told the
 * reason. The path is the caller's affair.
 */
void anticipations_end(struct subscriber *subscriber, enum reason reason, usec_t now);
/* Is it awaited elsewhere than at this core (NULL: this one itself), with packets waiting there? */
bool anticipation_awaits(const struct subscriber *subscriber, const struct peer *target);
/* Frees all of them without a word: the core closes. */
void anticipations_forget(struct subscriber *subscriber);
/* The terminal has come: it is an anticipation no more, and the caller makes it the binding. */
void anticipation_fulfil(struct anticipation *anticipation, usec_t now);
/*
 * The peer has lost its memory, or is no peer any more: what it had prepared is gone, and what it
 * has asked is not answered. Nothing is told to it.
 */
void anticipation_peer_gone(struct peer *peer, usec_t now);
/* Those end for which the configuration in force allows no preparation any more. */
void anticipation_modes_changed(struct core *core, usec_t now);

#endif
