/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a terminal knows again after it was killed: by whom it is served, with the keys and counters
 * of that session and the root of the moves to come, where it was going when it has said farewell,
 * and up to which COUNTER its discoveries have gone. It goes on with that (resume.h), so that
 * nobody has to notice.
 *
 * Whoever changes one of these keeps it before he says anything that it tells of. What counts up
 * with each datagram is set aside ahead, in blocks, so that a handover writes no row but that of
 * the registration it leads to. A discovery that is under way is not kept: it is made anew.
 */
#ifndef SNO_TERMINAL_KEEP_H
#define SNO_TERMINAL_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct session;

/* Kinds of rows; there is one of each, "". */
enum keep_kind {
	KEEP_COUNTER = 1,
	KEEP_REGISTRATION,
};

/* Where it is kept; without a directory it is not. */
struct keep_place {
	const char *directory, *journal;
};

/* A member of struct session. */
struct keep {
	struct store *store; /* NULL: nothing is kept */
	/* Up to these, without them, counters and request ids are set aside. */
	uint64_t counter, sealed;
	uint32_t request;
};

/*
 * Opens the store, and takes from it what resume.h goes on with. The identity is there already. 0
 * or -errno, logged.
 */
int keep_open(struct session *s, const struct keep_place *place);
/* Writes what is left. */
void keep_close(struct session *s);

/* A COUNTER for a discovery to come, which was never used before. */
uint64_t keep_next_counter(struct session *s);
/* Counter and home core's epoch are others. */
void keep_counter(struct session *s);
/* The registration is another one, or something in it; or there is none any more. */
void keep_registration(struct session *s);
/* Something is about to be sealed under it. */
void keep_sealing(struct session *s);

#endif
