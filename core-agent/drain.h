/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a new configuration no longer has but somebody still uses: a peer with visitors here or
 * bindings there, a care-of prefix with visitors' addresses in it.
 *
 * It is drained, not cut: it stays in what is in force (core.h) beside what the file says, nothing
 * new begins with it, and it goes when nobody uses it any more, at the latest when the lifetimes
 * of those who do have run out. What would be in the way of the new configuration is cut.
 */
#ifndef SNO_CORE_DRAIN_H
#define SNO_CORE_DRAIN_H

#include "config.h"
#include "timer.h"

struct core;

struct drain {
	struct peer_config *peers; /* copies of their own */
	size_t peer_count;
	struct prefix *care_of[2]; /* IPv4, IPv6 */
	size_t care_of_count[2];
	/* What the file says and that together: the lists of the configuration in force. */
	struct peer_config *all_peers;
	struct prefix *all_care_of[2];
};

/*
 * Makes of what the file says what is to be in force: *merged borrows from both. 0, then
 * drain_free(); or -ENOMEM.
 */
int drain_merge(const struct core *core, const struct config *file, struct drain *drain,
		struct config *merged);
void drain_free(struct drain *drain);

/* The core's drain has taken effect: nothing new begins with what is in it. */
void drain_begin(struct core *core, usec_t now);
/* Does the address lie in a prefix that is drained? */
bool drain_covers(const struct core *core, const struct addr *coa);
/* How many peers and prefixes are drained. */
size_t drain_count(const struct drain *drain);

/* Looks now and then whether something is out of use. */
timer_fn drain_timer;

#endif
