/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellites that may be associated with this core: one bridge port each, on which the agent
 * hears and talks whole frames (PROTOCOL section 5.1).
 */
#ifndef SNO_SATELLITE_H
#define SNO_SATELLITE_H

#include "core.h"
#include "kernel.h"
#include "link_socket.h"

#include <uthash.h>

struct satellite {
	char name[SNO_NAME_MAX + 1];
	char interface[KERNEL_NAME];
	struct core *core;
	unsigned int port;	/* interface index, 0 while the interface is missing */
	bool connected;		/* the port is up and has carrier */
	unsigned int terminals; /* sessions over it, for show.c */
	bool joined, raised;	/* the port was outside the bridge, or down, before */
	/* Packet sockets, by what they hear; -1 in tests and while the interface is missing. */
	int fds[LINK_QUEUES];
	void *watchers[LINK_QUEUES]; /* the event loop's, see receive.c */
	struct timer advertise;
	struct door_share share; /* of the handshakes that this core computes */
	UT_hash_handle hh;
};

/*
 * Makes a satellite for each in the configuration, and a port of each whose interface is there. 0
 * or -errno, logged.
 */
int satellites_open(struct core *core, usec_t now);
void satellites_close(struct core *core);

/* A change of the configuration on its way. */
struct satellites_change {
	struct satellite *fresh; /* new ones, and those whose interface is another, by name */
};

/*
 * Makes the satellites that the wanted configuration has and this one has not, with their ports. 0,
 * then commit or abort; or -errno, logged, then abort.
 */
int satellites_prepare(struct core *core, const struct config *wanted,
		       struct satellites_change *change);
void satellites_abort(struct satellites_change *change);
/* Sessions on satellites that are removed end; the others go on. */
void satellites_commit(struct core *core, const struct config *wanted,
		       struct satellites_change *change, usec_t now);

struct satellite *satellite_find(const struct core *core, const char *name);
struct satellite *satellite_by_port(const struct core *core, unsigned int port);

/* Advertises this core on it at once, and from then on as usual: it has come to this core. Nothing
 * while it is not connected. */
void satellite_advertise(struct satellite *satellite, usec_t now);

/* Looks again at all interfaces: the bridge is a new one, or their events were lost. */
void satellites_restore(struct core *core, usec_t now);

/* The kernel tells of a link: a port comes, goes, or changes its carrier. */
void satellite_link(struct core *core, const struct kernel_link *link, bool gone, usec_t now);

#endif
