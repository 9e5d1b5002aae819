/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments in which no other process shall run instead of this one: tens of microseconds between two
 * requests to the kernel that belong together, as when the packets in a hold have been sent and
 * those that follow are about to take another way. Without the right to it (RLIMIT_RTPRIO or
 * CAP_SYS_NICE) they are moments like any other, and on a busy machine packets may overtake.
 */
#ifndef SNO_URGENT_H
#define SNO_URGENT_H

#include <sched.h>
#include <stdbool.h>

/* How this process was scheduled before. */
struct urgency {
	bool raised;
	int policy;
	struct sched_param param;
};

/* The calling process runs before all ordinary ones, until urgent_end(). Keep it short. */
void urgent_begin(struct urgency *before);
void urgent_end(const struct urgency *before);

#endif
