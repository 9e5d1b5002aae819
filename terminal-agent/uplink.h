/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of user data up (PROTOCOL section 15.4): over the link of the registration, or held while
 * there is none, so that nothing that is sent during a link gap is lost and nothing overtakes.
 *
 *	direct ---- link left or lost ---> held ---- new way known ---> waiting
 *	   ^                                 ^                             |
 *	   |          2 ms                   +------- link lost ----+      | no packet sent over the
 *	   +------------------- passing <----------------------------------+ old link is overtaken
 *now
 *
 * Held means: the routes lead to the hold's device (hold.h). What is held leaves as frames through
 * the new link's own socket, because the kernel takes no packet from itself that comes in from
 * outside; when nothing is left the routes are set to the link, but after UPLINK_PATIENCE also
 * where packets come as fast as they leave. Whoever came late into the device follows within
 * HOLD_LINGER, and until then the gate (gate.bpf.c) sends the same way round what would get past
 * those that are in the device still.
 */
#ifndef SNO_TERMINAL_UPLINK_H
#define SNO_TERMINAL_UPLINK_H

#include "gate_layout.h"
#include "hold.h"
#include "terminal-agent/forwarding.h"
#include "terminal-agent/links.h"

/* By which a packet on the old way may be later than those on the new one would have it. */
#define UPLINK_MARGIN ((usec_t)500)

/* Between a discovery and what was held, so that the core there registers us before it forwards. */
#define UPLINK_PAUSE ((usec_t)1000)

/* Packets that go through the agent take their way in order, if slower than those that do not. */
#define UPLINK_PATIENCE USEC_PER_SEC

/* Sends a packet as a frame to the gateway's Ethernet address. As hold_write_fn. */
typedef int uplink_send_fn(void *context, struct link *link, const struct lladdr *gateway,
			   const uint8_t *packet, size_t length);

/* Packets since the start: that had to wait, lost ones of these, and those that still wait. */
struct uplink_count {
	uint64_t held, dropped, waiting;
};

struct uplink {
	struct forwarding *forwarding;
	struct hold *hold;   /* NULL: nothing can be held */
	unsigned int device; /* of the hold; 0: there is none (now) */
	uplink_send_fn *send;
	void *context;

	struct hold_queue *queue;    /* NULL: direct */
	struct gate *gate;	     /* in the kernel, or `none` */
	struct gate none;	     /* of which nobody takes notice */
	uint64_t told;		     /* packets that had left when that was looked at last */
	struct forwarding_plan plan; /* the way that is wanted; ifindex 0: none is known */
	struct link *link;	     /* of that way; NULL: none is known */
	usec_t since;		     /* the last packet over the old link left before */
	bool settling;		     /* ... or until the next tick, which will tell */
	usec_t due;		     /* waiting: until then; passing: until the queue is closed */
	usec_t patience; /* until when routes, or packets behind the gate, wait for those in the
			    device; or 0 */
	struct uplink_count closed; /* of holds that are over */
};

/* All of it outlives the uplink. */
void uplink_init(struct uplink *u, struct forwarding *forwarding, uplink_send_fn *send,
		 void *context);
/* From now on packets can be held; NULL, or no device: they cannot, and what is held is dropped. */
void uplink_use(struct uplink *u, struct hold *hold, unsigned int device);
/*
 * The gate, before anything is held; the caller has put it on the hold's device and on links.
 * Without one packets may get past those that come to the device while the routes are changed.
 */
void uplink_use_gate(struct uplink *u, struct gate *gate);

/*
 * Nothing leaves any more until a way is set. Harmless where no route leads anywhere, or it is so
 * already. 0; -ENODEV when nothing can be held; or -errno, logged, and packets go on as before.
 */
int uplink_hold(struct uplink *u, usec_t now);

/*
 * The plan takes effect, over its link: what is held leaves first, and nothing leaves before
 * `earliest`. 0; or -errno, logged, and all is as before.
 */
int uplink_set(struct uplink *u, const struct forwarding_plan *plan, struct link *link,
	       usec_t earliest, usec_t now);

/* Does user data wait? */
bool uplink_held(const struct uplink *u);
/*
 * When a packet may leave over this link, whose way is shorter by this delay: it would overtake
 * those that went over the link before. Over a link that is set already it is when that says.
 */
usec_t uplink_earliest(const struct uplink *u, const struct link *link, usec_t delay, usec_t now);
struct uplink_count uplink_count(const struct uplink *u);

/* Drops what is held, and forgets the way; the routes are the caller's to withdraw. */
void uplink_end(struct uplink *u);
/* The hold's device can be read. */
void uplink_read(struct uplink *u, usec_t now);
/* The link is about to be freed. */
void uplink_forget(struct uplink *u, const struct link *link);
/* What is due. Returns the next instant, USEC_NEVER if none. */
usec_t uplink_tick(struct uplink *u, usec_t now);

#endif
