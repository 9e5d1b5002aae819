/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets from a server to all home addresses of a crowd, in turn and evenly spaced: what a
 * re-association costs the users is read off those that are late or missing.
 */
#ifndef SNO_CROWD_DOWNLINK_H
#define SNO_CROWD_DOWNLINK_H

#include "addr.h"
#include "clock.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where the packets go: the nth terminal has the address first + n. */
struct downlink {
	struct addr first; /* IPv4 */
	uint32_t count;
	uint16_t port;
	uint32_t rate; /* packets per second, all terminals together */
};

/*
 * Sends until SIGTERM or SIGINT; packet k goes to terminal k modulo count, as number k / count. 0,
 * with the number of packets and the latest one's delay printed as JSON; or -errno. Time that it
 * lost is not made up for, but for a quarter of a round: nobody's packets follow each other much
 * closer than they are to.
 */
int downlink_send(const struct downlink *d);

/* One that came in. */
struct downlink_arrival {
	uint32_t terminal, number;
	usec_t sent, arrived; /* microseconds since 1970 */
};

struct downlink_log {
	struct downlink to;
	struct downlink_arrival *arrivals;
	size_t count, capacity;
	uint64_t misled; /* came to another terminal's Ethernet address */
};

/* A radio_fn; arg is the log. */
void downlink_receive(void *arg, const uint8_t *octets, size_t length, usec_t arrived);
/* A line for each: terminal, number, sent, arrived. */
void downlink_write(const struct downlink_log *log, FILE *file);

#endif
