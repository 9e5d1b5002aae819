/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Releases that are owed to peers: that a binding of the two of us has ended is told until the peer
 * has answered (PROTOCOL section 4.6), through its absence and through our own restarts. Else it
 * would serve a terminal that is elsewhere until the lifetime ends, or send packets to one.
 *
 * Who owes a release first, then ends the binding here, and only then tells, never tells what a
 * restart would make untrue: one that is owed for what has not ended here is forgotten with it.
 */
#ifndef SNO_CORE_RELEASE_H
#define SNO_CORE_RELEASE_H

#include "core.h"

/* Numbers are the peer's own choice where it is the home core: they say nothing without its name.
 */
struct release_key {
	uint64_t binding;
	char peer[SNO_NAME_MAX + 1]; /* zeros up to its end */
};

struct release {
	struct release_key key;
	struct peer *peer;
	enum reason reason;
	bool soft;	 /* the terminal still listens there (PROTOCOL section 15.5) */
	usec_t expires;	 /* by then the peer's own timers have ended it, whatever lifetime it had */
	int64_t request; /* that is under way, if above 0 */
	UT_hash_handle hh;
};

void releases_open(struct core *core);
void releases_close(struct core *core);

/*
 * This peer is to be told that the binding has ended, and why; soft: it moved, and goes on
 * listening there. Without memory, and beyond 65,536 for one peer, that is logged and left to the
 * peer's timers.
 */
void release_owe(struct peer *peer, uint64_t binding, enum reason reason, bool soft, usec_t now);
/* What is owed to it for this binding, if anything, is told from now on. */
void release_tell(const struct peer *peer, uint64_t binding, usec_t now);
/* Both at once, where nothing ends here that is kept. */
void release_send(struct peer *peer, uint64_t binding, enum reason reason, usec_t now);

/* The peer is there again, and has forgotten nothing. */
void releases_peer_up(const struct peer *peer, usec_t now);
/* The peer has forgotten everything, or is about to go for good. */
void releases_peer_gone(const struct peer *peer);
/* It goes on under its name as another peer, to which the same is owed. */
void releases_peer_changed(const struct peer *peer, struct peer *heir);
/* Is anything owed to it that it can be told now? */
bool releases_under_way(const struct peer *peer);

/* The key of what is owed to a peer. */
struct release_key release_key(const struct peer *peer, uint64_t binding);
/* After a restart: it was owed before; it is told when its peer is there. false: no memory. */
bool release_resume(struct core *core, const struct release *like, usec_t now);

#endif
