/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Token buckets, against what others can make us do as often as they like: the generic cell rate
 * algorithm (ITU-T I.371), whose whole state is one instant. A bucket of zeroes is full.
 */
#ifndef SNO_BUCKET_H
#define SNO_BUCKET_H

#include "clock.h"

#include <stdbool.h>

struct bucket {
	usec_t full_at; /* when all tokens are back, if none is taken until then */
};

/* Is there none of its `burst` tokens now? */
static inline bool bucket_spent(const struct bucket *b, unsigned int burst, usec_t interval,
				usec_t now)
{
	return b->full_at > now && b->full_at - now > (usec_t)(burst - 1) * interval;
}

/* Takes one of `burst` tokens, one of which comes back per interval. False when there is none. */
static inline bool bucket_take(struct bucket *b, unsigned int burst, usec_t interval, usec_t now)
{
	if (bucket_spent(b, burst, interval, now))
		return false;
	b->full_at = (b->full_at > now ? b->full_at : now) + interval;
	return true;
}

#endif
