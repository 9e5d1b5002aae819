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

/* Requests of a visited core; each is answered. */
void binding_authentication(struct peer *peer, const struct message *request, usec_t now);
void binding_tunnel_request(struct peer *peer, const struct message *request, usec_t now);
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
/* At home, the terminal has announced that it leaves; or, with final, that it deregisters. */
void binding_left(struct subscriber *subscriber, bool final, usec_t now);

/* Ends a binding from this side: the home address becomes unreachable, the serving core is
 * released. */
void binding_withdraw(struct subscriber *subscriber, enum reason reason, usec_t now);
/* Ends all bindings at this peer without telling it: it is no peer any more. */
void binding_peer_removed(struct peer *peer, usec_t now);

const char *binding_state_name(enum binding_state state);

#endif
