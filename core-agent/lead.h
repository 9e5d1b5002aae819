/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the home addresses of a subscriber lead: the one place that changes its path.
 *
 * What was held on the way so far goes on along the new one, before anything newer. A shorter way
 * can be taken up late, so that nothing on it overtakes what is still on the longer one (PROTOCOL
 * sections 15.4 and 15.5).
 */
#ifndef SNO_CORE_LEAD_H
#define SNO_CORE_LEAD_H

#include "clock.h"
#include "forwarding.h"

struct core;
struct subscriber;

/* Prepares a new subscriber; its settle timer is to be cancelled before it goes. */
void lead_init(struct subscriber *subscriber);

/*
 * 0 when the kernel has acknowledged; or -errno, logged, and everything is as before. *held (NULL:
 * not asked for) is what the hold has counted, when packets were held here up to now.
 */
int lead_along(struct subscriber *subscriber, const struct path *path, usec_t now,
	       struct hold_counters *held);

/*
 * The same, but until so much time has passed packets are held here. 0 when the kernel has
 * acknowledged that they are; when it refuses the way itself in the end the binding is withdrawn.
 * The path must be that of the binding by then. Where nothing can be held it is as lead_along().
 */
int lead_along_after(struct subscriber *subscriber, const struct path *path, usec_t delay,
		     usec_t now);

/* Is that still to come? */
bool lead_settles(const struct subscriber *subscriber);
/* Then it comes now. */
void lead_settle(struct subscriber *subscriber, usec_t now);

/* The home addresses are unreachable; what is held is dropped. */
void lead_nowhere(struct subscriber *subscriber);

/* One of many that are to lead elsewhere at once. */
struct lead {
	struct subscriber *subscriber;
	const struct path *path;
	int error; /* afterwards: as lead_along() returns it */
};

/* lead_along() for each of them, in as few exchanges with the kernel as for one. */
void lead_many(struct core *core, struct lead *leads, size_t count, usec_t now);

#endif
