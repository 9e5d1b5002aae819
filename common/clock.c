/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <math.h>
#include <time.h>

static usec_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

usec_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

usec_t clock_from_seconds(double seconds)
{
	return (usec_t)llround(seconds * (double)USEC_PER_SEC);
}
