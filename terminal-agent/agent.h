/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal agent as one value, and what connects its parts: events of the kernel go to links
 * and forwarding, datagrams through receive.c to the session, the session's orders to the ports and
 * to whoever switches the links.
 */
#ifndef SNO_TERMINAL_AGENT_H
#define SNO_TERMINAL_AGENT_H

#include "control.h"
#include "kernel_monitor.h"
#include "reloading.h"
#include "terminal-agent/choosing.h"
#include "terminal-agent/counters.h"
#include "terminal-agent/handovers.h"
#include "terminal-agent/holding.h"
#include "terminal-agent/modem.h"
#include "terminal-agent/session.h"
#include "terminal-agent/switching.h"

#include <ev.h>

struct agent {
	const struct config *config;
	struct identity identity;
	struct kernel *kernel;
	struct kernel_monitor *monitor;
	struct ev_loop *loop;
	struct control *control; /* NULL in tests */
	usec_t (*clock)(void);	 /* clock_now(), given by main.c */
	usec_t now;		 /* when the present event happened */
	usec_t wall;		 /* about the same in microseconds since 1970; main.c sets it */

	struct links links;
	struct forwarding *forwarding;
	struct holding holding;
	struct schedule schedule;
	struct session session;
	struct switching switching;
	struct modem modem;
	struct pointing pointing;
	struct link *awaited; /* the session waits for an antenna to be pointed there */
	struct choosing choosing;
	struct counters counters;
	struct handovers handovers;
	struct reloading reloading;
};

/*
 * Opens everything but the control socket. config is the daemon's and outlives the agent; state
 * says where is kept what survives (keep.h). 0, or -errno, logged, with nothing to close.
 */
int agent_open(struct agent *a, const struct config *config, const struct keep_place *state,
	       struct ev_loop *loop, usec_t (*clock)(void));
/* Looks at the links as they are and begins. 0 or -errno, logged. */
int agent_start(struct agent *a);
/* The kernel's state stays, so that traffic goes on until the next start. */
void agent_close(struct agent *a);

/* What time it is: before anything else in a turn of the loop. */
void agent_clock(struct agent *a, usec_t now, usec_t wall);

/* Events of the kernel are waiting. */
void agent_read_kernel(struct agent *a);
/* What is due at a->now. Returns the next instant at which to be called. */
usec_t agent_tick(struct agent *a);

/*
 * A new configuration takes effect; only reloadable keys differ. 0, or -errno, logged, and all is
 * as before. -EINPROGRESS: a thread has begun to read its files, which are large, and nothing is
 * done before they have been read: agent_goes_on().
 */
int agent_configure(struct agent *a, const struct config *config);
/* Reads the files again that the configuration names; likewise. */
int agent_reread(struct agent *a);
/* True, once, when a reload that waited for its files is to be made again. Where they are not good
 * it is refused, and this stays false. */
bool agent_goes_on(struct agent *a);
/* That reload has been made, or came to nothing before it asked for the files. */
void agent_forget_files(struct agent *a);

#endif
