/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the lab is a veth pair that stands for a radio link. What the sky does to it: how long
 * packets are under way (netem, at the end that sends), whether there is a carrier (the other end
 * is up or down), and into which satellite's bridge a terminal's antenna leads.
 *
 * Ends lie in different network namespaces. A netlink socket stays where it was opened, so each
 * namespace is entered once, at the start, and nothing is started while the sky turns.
 */
#ifndef SNO_SKY_LINE_H
#define SNO_SKY_LINE_H

#include "clock.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>

#define NETNS_DIR "/run/netns/"

/* A netlink socket in a network namespace. */
struct room {
	struct room *next;
	char *netns; /* "": the one in which the program was started */
	struct mnl_socket *netlink;
	unsigned int sequence;
};

/* One end of a line. */
struct end {
	struct room *room;
	unsigned int index;
	char name[64]; /* for messages: NETNS/INTERFACE */
	usec_t delay;  /* of what leaves here, as it was last set; -1: never */
	bool silent;   /* all that leaves here is lost */
};

/* Finds "NETNS/INTERFACE", or "INTERFACE" here. Ends the program when there is none. */
void end_open(struct end *end, const char *text);

/* Has packets that leave here take so long (microseconds), or get lost. 0 or -errno; -ENOENT where
 * the kernel has no netem. */
int end_delay(struct end *end, usec_t delay, bool silent);

/* Sets the interface up or down; down takes the carrier from the other end. 0 or -errno. */
int end_carrier(struct end *end, bool up);

/* True when packets pass: the kernel gets round to that some time after the carrier is there. */
bool end_running(struct end *end);

/* Makes it a port of a bridge in the same namespace (0: of none), isolated from other ports.
 * 0 or -errno. */
int end_master(struct end *end, unsigned int bridge);

#endif
