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

struct schedule_change;

/* Targets prepared for one subscriber at once; for one more the oldest gives way. */
#define ANTICIPATIONS_MAX 4

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

/* ---- a satellite that changes its core (schedule.h) ----------------------------------------- */

/* Prepares the change's new core for every subscriber on that satellite at the old one. */
void anticipation_prepare_crowd(struct core *core, const struct schedule_change *change,
				usec_t now);
/* Has the home addresses of all of them for which that core is ready lead there. */
void anticipation_switch_crowd(struct core *core, const struct schedule_change *change, usec_t now);

/* ---- ends ----------------------------------------------------------------------------------- */

/*
 * The subscriber has another binding, or none: all anticipations end, their targets are told the
 * reason. The path is the caller's affair.
 */
void anticipations_end(struct subscriber *subscriber, enum reason reason, usec_t now);
/* Frees all of them without a word: the core closes. */
void anticipations_forget(struct subscriber *subscriber);
/* The peer has lost its memory: what it had prepared is gone, and who asked does not wait. */
void anticipation_peer_restarted(struct peer *peer, usec_t now);
/* It is no peer any more; nothing is told to it. */
void anticipation_peer_removed(struct peer *peer, usec_t now);
/* Those end for which the configuration in force allows no preparation any more. */
void anticipation_modes_changed(struct core *core, usec_t now);

#endif
