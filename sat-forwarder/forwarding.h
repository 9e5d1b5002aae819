/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane of the satellite: transparent forwarding at layer 2, no entry per user.
 *
 *	terminals == access --filter--> [up] --redirect--> feeder of the associated core == core
 *	terminals == access <--redirect-- [down] <--filter-- the same feeder             == core
 *
 * Two shared redirect actions are all there is to it. Re-association is: the new feeder's filter to
 * [down] first, then one atomic replacement of where [up] leads, and after a short drain, in which
 * frames on their way still arrive, the old feeder's filter is removed. From then on the former
 *core cannot reach terminals, nor any other that is not associated: no filter, no way.
 *
 * Where there is no association, or its feeder is not there, the access side has no filter and
 * frames end at the satellite. `[up]` leads to a feeder exactly while the access side has a filter.
 *
 * The kernel's state is mirrored here, adopted at the start and after lost events, and only what
 * differs is changed. A change that the kernel refuses half-way is undone in reverse.
 */
#ifndef SNO_SAT_FORWARDING_H
#define SNO_SAT_FORWARDING_H

#include "kernel_monitor.h"
#include "sat-forwarder/config.h"
#include "sat-forwarder/port.h"

struct feeder {
	struct port port;
	char core[256];	   /* "": with via, any */
	char station[256]; /* "": any */
	char via[256];	   /* the neighbour; "": none */
	bool retired;	   /* no longer configured; goes when nothing needs it */
	usec_t drain_at;   /* when its filter goes, monotonic; USEC_NEVER: no drain */
};

/* A redirect action in the kernel. */
struct action {
	uint32_t index;
	bool exists;
	unsigned int ifindex; /* where it leads; 0: what it led to is gone */
};

struct forwarding {
	struct kernel *kernel;
	const char *satellite; /* for messages */
	uint32_t index;
	char prefix[KERNEL_NAME]; /* of the tunnels that this satellite names */
	usec_t drain;
	struct port access;
	struct feeder **feeders; /* the configured ones in their order, then retired ones */
	size_t count;
	struct feeder *serving; /* of the associated core; NULL: no association */
	struct action up, down;
	usec_t retry_at, retry_step; /* ports that the kernel refused */
	usec_t tidy_at;		     /* actions that the kernel has still bound */
	unsigned long refusals;	     /* changes that the kernel refused */
	unsigned long setups;	     /* ports that were set up */
	unsigned long resyncs;
};

/*
 * Reads what an earlier run left in the kernel. The strings of the configuration that are kept
 * (name and access side) must stay. 0 or -errno, logged.
 */
int forwarding_open(struct forwarding *f, struct kernel *kernel, const struct config *config);
/* Frees it and leaves the kernel as it is. */
void forwarding_close(struct forwarding *f);

/*
 * Puts the configured feeders and the drain time into force. At the start (`lenient`) a port that
 * the kernel refuses is tried again later, otherwise it refuses all: -errno, kernel and state as
 * before, `why` (512 bytes) says which. Feeders that are not configured any more are retired; call
 * forwarding_associate() next.
 */
int forwarding_configure(struct forwarding *f, const struct config *config, bool lenient,
			 usec_t now, char *why);

/* The configured feeder to a core over a station or neighbour, by the rules of config_feeder();
 * NULL: none. */
struct feeder *forwarding_feeder(const struct forwarding *f, const char *core, const char *station,
				 const char *via);

/*
 * Serves the core of this feeder from now on; NULL: none. A feeder that is not there is served once
 * it is. 0; or -errno, logged, with everything as before.
 */
int forwarding_associate(struct forwarding *f, struct feeder *feeder, usec_t now);

/* Do frames pass between terminals and the associated core now? */
bool forwarding_passes(const struct forwarding *f);

/* Removes filters and tunnels of this satellite that no port has: leftovers of an earlier run. */
void forwarding_sweep(struct forwarding *f);

/* What the kernel's monitor tells. */
void forwarding_event(struct forwarding *f, const struct kernel_event *event, usec_t now);

/* Does what is due, and says when something will be; USEC_NEVER: nothing. */
void forwarding_run(struct forwarding *f, usec_t now);
usec_t forwarding_due(const struct forwarding *f);

#endif
