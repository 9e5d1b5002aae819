/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core agent as one value: what every file of this daemon works on.
 *
 * A datagram takes one way through it: receive.c finds out whose it is, the channel or the access
 * session authenticates it, its message goes to the state machine it is for (registration.c and
 * session.c on the serving side, binding.c on the home side), which has forwarding.c change the
 * kernel, and only then answers through send.c.
 */
#ifndef SNO_CORE_H
#define SNO_CORE_H

#include "channel.h"
#include "clock.h"
#include "config.h"
#include "door.h"
#include "drain.h"
#include "handover.h"
#include "keys.h"
#include "log.h"
#include "message.h"
#include "schedule.h"
#include "timer.h"
#include "underlay.h"

#include <sys/queue.h>

struct anticipation;
struct binding;
struct control;
struct crowd;
struct guard;
struct kernel;
struct noise_ready;
struct peer;
struct pool;
struct preparation;
struct registration;
struct release;
struct satellite;
struct session;
struct store;
struct subscriber;

/* Where octets leave: sockets in the daemon, a table in the tests. */
struct core_io {
	int (*to_peer)(void *context, const struct peer *peer, const struct endpoint *to,
		       const uint8_t *datagram, size_t length);
	int (*to_satellite)(void *context, struct satellite *satellite, const uint8_t *frame,
			    size_t length);
	void *context;
	/* Directory and journal of what survives (keep.h); NULL: nothing does. */
	const char *state, *journal;
};

struct core_counters {
	uint64_t sent[256];	/* access side, by message type */
	uint64_t received[256]; /* access side, by message type */
	uint64_t drops[DROP_COUNT];
	uint64_t refused[REASON_COUNT]; /* registrations refused here */
};

struct core {
	const struct config *config; /* what is in force: points to current */
	struct config file;	     /* what was last given; strings and lists are the caller's */
	struct config current;	     /* that, and what is drained */
	struct drain drain;
	struct timer drain_timer;
	bool cuts; /* a change under way ends what it would drain */
	struct kernel *kernel;
	struct control *control; /* NULL in tests */
	struct core_io io;
	struct timers timers;
	usec_t (*clock)(void);	/* for measuring; NULL in tests */
	usec_t wall_ahead;	/* of the wall clock, before the one that `now` is of */
	struct log_limit noise; /* what terminals can make us log */

	struct key_pair keys;
	struct channel_identity identity;
	struct noise_ready *ready; /* for the subscribers that have been authenticated */
	struct timer ready_timer;  /* idle enough to work for it */
	uint64_t epoch;
	uint16_t access_mark; /* of the receiver indices of its sessions (link_socket.h), not 0 */

	struct store *store; /* NULL: nothing is kept */
	bool resumed;	     /* the epoch is that of before this process */

	struct underlay underlay;
	struct guard *guard; /* NULL: off */
	struct pool *home4, *home6, *care_of4, *care_of6;

	struct satellite *satellites;	    /* by name */
	struct peer *peers;		    /* by name */
	struct subscriber *subscribers;	    /* by user */
	struct subscriber *offered;	    /* the same, by the binding number offered last */
	struct subscriber *bound;	    /* the same, by the number of their binding */
	unsigned int away;		    /* how many of those are at a peer */
	struct crowd *crowds;		    /* the same, by the satellite they are on */
	struct anticipation *anticipations; /* by binding number */
	struct schedule schedule;
	struct registration *registrations; /* by hash of the discovery */
	struct registration *registration_ids;
	uint64_t last_registration;
	struct session *sessions;		  /* by NAI */
	struct session *session_indices;	  /* the same, by receiver index */
	struct session *session_macs;		  /* the same, by Ethernet address */
	struct preparation *preparations;	  /* by NAI */
	struct preparation *preparation_tags;	  /* the same, by tag */
	struct preparation *preparation_macs;	  /* the same, by Ethernet address */
	struct preparation *preparations_waiting; /* those to be settled */

	struct release *releases; /* owed to peers, by peer and binding number */
	struct timer release_timer;

	uint64_t last_binding;
	/* Above every registration counter of subscribers that were removed in this epoch: what
	 * they have sent stays stale, should they come back. */
	uint64_t counter_floor;
	/* Above every request id to peers that were removed in this epoch: they remember them. */
	uint32_t request_floor;
	/* Up to these, numbers of bindings and requests are set aside in the store. */
	uint64_t kept_binding;
	uint32_t kept_request;
	struct handover_log handovers;
	LIST_HEAD(, walk) walks; /* tables that are being shown */
	struct door door;
	struct core_counters counters;
};

/*
 * Sets up the tables, pools, keys and the kernel's part that does not depend on terminals. kernel,
 * io and what config points to are the caller's and outlive the core. 0, or -errno, logged, with
 * nothing to close; then the kernel keeps what an earlier run had put there and what was added up
 * to the failure, for the next start to adopt.
 */
int core_open(struct core *core, const struct config *config, struct kernel *kernel,
	      const struct core_io *io, usec_t now);
/* Frees everything; the kernel's state stays (DESIGN section 7), so that packets flow on. */
void core_close(struct core *core);

/* The time as it is, for measuring how long something took; where there is no clock it is now. */
static inline usec_t core_clock(const struct core *core, usec_t now)
{
	return core->clock ? core->clock() : now;
}

/*
 * A new configuration takes effect, except what only a restart changes; what it no longer has and
 * somebody uses is drained (drain.h). Secrets in files are read again. 0, and the old one may be
 * freed afterwards, as may the structure (not the strings and lists) of the new one; or -errno,
 * logged, the old one still in force.
 */
int core_reconfigure(struct core *core, const struct config *config, usec_t now);
/* The configuration is the same, but maybe not the files that it names. As core_reconfigure(). */
int core_reread(struct core *core, usec_t now);
/* What is being drained ends now. How much there was, or -errno, logged, and it goes on. */
int core_flush(struct core *core, usec_t now);

#endif
