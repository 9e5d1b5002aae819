/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings: what a home core does for its subscribers (PROTOCOL section 9).
 *
 * The only writer of struct binding. A binding changes when the kernel has acknowledged the new
 * path of the home address, and only then is anybody told: the new serving core by the answer, the
 * old one by a release.
 */
#ifndef SNO_BINDING_H
#define SNO_BINDING_H

#include "core.h"
#include "subscriber.h"

/* Prepares the binding of a new subscriber. */
void binding_init(struct subscriber *subscriber);

/* Requests of a visited core; each is answered (binding_request.c). */
void binding_authentication(struct peer *peer, const struct message *request, usec_t now);
void binding_tunnel_request(struct peer *peer, const struct message *request, usec_t now);
void binding_announced(struct peer *peer, const struct message *request, usec_t now);
void binding_disconnected(struct peer *peer, const struct message *request, usec_t now);
void binding_handover_done(struct peer *peer, const struct message *request, usec_t now);
void binding_released(struct peer *peer, const struct message *request, usec_t now);

/*
 * The subscriber is at home: its path leads to the access side now. The path must be of this
 * subscriber's home addresses. REASON_ACCEPTED, REASON_STALE_BINDING when a newer number was given
 * out since, REASON_KERNEL_REFUSED with the old binding in force.
 */
enum reason binding_at_home(struct subscriber *subscriber, uint64_t number, const struct path *path,
			    usec_t now);
/* Notes what binding_left() with final is about to do, before anybody hears of it (4.6). */
void binding_note_end(const struct subscriber *subscriber, usec_t now);
/* The terminal has announced that it leaves; or, with final, that it deregisters. */
void binding_left(struct subscriber *subscriber, bool final, usec_t now);

/* ---- for who asks: anticipation.c, binding_request.c ----------------------------------------- */

/* What a binding is to become. */
struct binding_next {
	enum binding_state state; /* HOME or VISITING */
	uint64_t number;
	struct peer *peer; /* VISITING */
	struct addr coa;   /* VISITING */
	struct path path;
	struct place place;
	enum handover_mode mode;   /* in which this comes about */
	usec_t switching;	   /* handover.h */
	struct hold_counters held; /* packets that waited here for the terminal */
};

/*
 * The path to a care-of address at this peer, as COA, TUNNEL_KIND and TUNNEL_KEY of a message of it
 * say. REASON_ACCEPTED; REASON_NO_COMMON_TUNNEL or REASON_NOT_PERMITTED when that is not within
 * what both have said they can and may use.
 */
enum reason binding_tunnel_path(struct peer *peer, const struct subscriber *subscriber,
				const struct message *m, struct path *path);

/* Answers a tunnel request of this peer. */
void binding_tunnel_answer(struct peer *peer, const struct message *request, enum reason reason,
			   usec_t now);

/*
 * Has the home addresses lead along next->path, and sets what next tells of that. REASON_ACCEPTED:
 * the kernel has acknowledged; REASON_KERNEL_REFUSED: everything is as before. Then, when who asked
 * has been answered, binding_rebind() makes the binding that, and releases who served before.
 */
enum reason binding_lead(struct subscriber *subscriber, struct binding_next *next, usec_t now);
void binding_rebind(struct subscriber *subscriber, const struct binding_next *next, usec_t now);

/*
 * The mode of a full registration at this core (NULL: at home): soft where the terminal has told so
 * and may, else `without`, as the home core carries it out at once or in two exchanges.
 */
enum handover_mode binding_full_mode(const struct subscriber *subscriber, const struct peer *to,
				     enum handover_mode without);

/*
 * By how much the way to the terminal by this core (NULL: directly) is shorter than by the one that
 * serves now, in microseconds; 0 when it is not (PROTOCOL section 15.4).
 */
usec_t binding_shorter(const struct subscriber *subscriber, const struct peer *to);
/* Half the round trip to this core, 0 for this one itself. */
usec_t binding_way(const struct peer *peer);
/* The path to the core of the binding, wherever the home addresses lead now. */
struct path binding_path(const struct subscriber *subscriber);
/* Who serves now: NULL is this core itself. Not for BINDING_NONE. */
struct peer *binding_serving(const struct subscriber *subscriber);

/*
 * What was kept of this subscriber's binding is in force again. Its path is not in the kernel yet;
 * the guard is to be told when it is.
 */
void binding_resume(struct subscriber *subscriber, const struct binding *binding);

/* ---- ends ----------------------------------------------------------------------------------- */

/* Ends a binding from this side: the home address becomes unreachable, the serving core is
 * released. */
void binding_withdraw(struct subscriber *subscriber, enum reason reason, usec_t now);
/* The home address becomes unreachable; the serving core knows already. */
void binding_end(struct subscriber *subscriber, usec_t now, const char *reason);
/* It is no peer any more, or another one: all bindings at it end, which it is owed to be told. */
void binding_peer_removed(struct peer *peer, usec_t now);

const char *binding_state_name(enum binding_state state);

#endif
