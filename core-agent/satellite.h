/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellites that may be associated with this core: one bridge port each, on which the agent
 * hears and talks whole frames (PROTOCOL section 5.1).
 */
#ifndef SNO_SATELLITE_H
#define SNO_SATELLITE_H

#include "core.h"
#include "kernel.h"

#include <uthash.h>

struct satellite {
	char name[SNO_NAME_MAX + 1];
	char interface[KERNEL_NAME];
	struct core *core;
	unsigned int port; /* interface index, 0 while the interface is missing */
	bool connected;	   /* the port is up and has carrier */
	int fd;		   /* packet socket, -1 in tests and while the interface is missing */
	struct timer advertise;
	void *watcher; /* the event loop's, see receive.c */
	UT_hash_handle hh;
};

/* Makes a satellite for each in the configuration, and a port of each whose interface is there. 0
 * or -errno. */
int satellites_open(struct core *core, usec_t now);
void satellites_close(struct core *core);
/* Adds and removes satellites as configured; sessions on removed ones end. 0 or -errno, as before.
 */
int satellites_change(struct core *core, const struct config *wanted, usec_t now);

struct satellite *satellite_find(const struct core *core, const char *name);
struct satellite *satellite_by_port(const struct core *core, unsigned int port);

/* The kernel tells of a link: a port comes, goes, or changes its carrier. */
void satellite_link(struct core *core, const struct kernel_link *link, bool gone, usec_t now);

#endif
