/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet hold: packets that wait, in order, until their way is there (DESIGN section 5).
 *
 * A core that was prepared for a terminal holds the downlink during the link gap, a home core holds
 * it while a shorter way would let new packets overtake older ones, and a terminal holds its uplink
 * during the gap (PROTOCOL sections 15.3 to 15.5). The kernel routes such packets into a TUN device
 * (hold_device.h); hold_read() takes them off it into queues, one per terminal, found by
 *destination.
 *
 * A queue is released in this order, so that nothing is lost and nothing overtakes:
 *
 *	1. the new way is made ready for what comes out of the hold (for a core: routes in the table
 *	   that rules ask for packets from the device), while the destinations still lead to it;
 *	2. hold_queue_release() writes out what is held and what the device has, until both are
 *empty;
 *	3. the destinations are routed to the new way;
 *	4. hold_queue_release() again, at once and HOLD_LINGER later, for packets that were on their
 *	   way into the device in between; then hold_queue_close().
 *
 * Here are only queues and limits: no clock, no kernel. Not to be shared between threads.
 */
#ifndef SNO_HOLD_H
#define SNO_HOLD_H

#include "addr.h"
#include "clock.h"

#include <sys/types.h>

/* A home address of each family, and a delegated prefix. */
#define HOLD_DESTINATIONS 3

/* After the destinations have got another route no packet takes longer than this into the device.
 */
#define HOLD_LINGER (2 * USEC_PER_MSEC)

/*
 * What may be held. A packet that would exceed packets or octets, of its queue or in all, is not
 * taken; one that has waited for longer than time is dropped. So a flood at one terminal takes up
 * no more than one queue's share of the totals: with totals of N times a queue's, N - 1 others
 * always find room. Octets are those of IP packets; each costs some 64 octets of memory beside.
 *
 * Queues may have an owner (hold_queue_set_owner()). All queues of one owner together hold no more
 * than what is free of the totals, or than one queue may: one owner that floods all its queues gets
 * half of the totals, two a third each, and somebody else's packets still find room.
 */
struct hold_limits {
	size_t packets, octets; /* per queue */
	usec_t time;
	size_t total_packets, total_octets;
};

/* What suits where nothing else is configured: 10,000 packets per second for a second. */
#define HOLD_PACKETS	   10000
#define HOLD_OCTETS	   (8u << 20)
#define HOLD_TIME	   (2 * USEC_PER_SEC)
#define HOLD_TOTAL_PACKETS 200000
#define HOLD_TOTAL_OCTETS  (128u << 20)

/* Why a packet was not delivered. */
enum hold_drop {
	HOLD_DROP_PACKETS,	 /* its queue had as many packets as it may */
	HOLD_DROP_OCTETS,	 /* ... or octets */
	HOLD_DROP_TOTAL_PACKETS, /* all queues together had */
	HOLD_DROP_TOTAL_OCTETS,
	HOLD_DROP_SHARE,   /* those of its owner had what others leave to it */
	HOLD_DROP_TIME,	   /* it has waited too long */
	HOLD_DROP_MEMORY,  /* out of memory */
	HOLD_DROP_REFUSED, /* the writer refused it */
	HOLD_DROP_CLOSED,  /* its queue was closed before it could go */
	HOLD_DROP_STRAY,   /* for none of the queues (never counted in a queue) */
	HOLD_DROPS
};

struct hold_counters {
	uint64_t buffered; /* packets taken into a queue: released + dropped of those + packets */
	uint64_t released; /* written out */
	uint64_t dropped[HOLD_DROPS];
	size_t packets, octets; /* held now */
};

/* "packets", "octets", "total-packets" ..., for JSON and logs. */
const char *hold_drop_name(enum hold_drop drop);
/* The sum over all reasons. */
uint64_t hold_dropped(const struct hold_counters *counters);

struct hold;
struct hold_queue;

/*
 * Takes the next packet off the device: its length; -EAGAIN (or 0) when there is none; or another
 * -errno when the device is out of order.
 */
typedef ssize_t hold_read_fn(void *context, uint8_t *packet, size_t size);

/*
 * Sends a packet on its new way. 0; -EAGAIN when this and all that follow have to wait; or another
 * -errno when this one cannot be sent: then it is lost and counted.
 */
typedef int hold_write_fn(void *context, const uint8_t *packet, size_t length);

/* An empty hold over a device. NULL when out of memory. */
struct hold *hold_new(const struct hold_limits *limits, hold_read_fn *read, void *context);
/* Drops all packets and closes all queues. NULL is allowed. */
void hold_free(struct hold *hold);
/* Other limits, from the next packet on: what is held beyond them stays. */
void hold_set_limits(struct hold *hold, const struct hold_limits *limits);

/*
 * Takes packets off the device into their queues, as many as an event loop may do in one turn, each
 * marked as having arrived at `now`. Their number: 0 when the device is empty; or the -errno of
 * reading, what was read before it being safe.
 */
int hold_read(struct hold *hold, usec_t now);

/*
 * Drops what has waited too long. Returns when that is due again, USEC_NEVER while nothing is held:
 * ask after each hold_read().
 */
usec_t hold_expire(struct hold *hold, usec_t now);

/* Of all queues, also of those that were closed. */
const struct hold_counters *hold_counters(const struct hold *hold);
/* Number of queues that are open. */
size_t hold_queues(const struct hold *hold);

/*
 * Opens a queue for packets to these destinations (AF_UNSPEC: fewer); the longest prefix decides
 * between queues, and length 0 with the family set is every destination of that family. Open it
 * before the destinations are routed to the device. 0; -EEXIST when another queue has one of the
 * destinations; -EINVAL when there is none; -ENOMEM.
 */
int hold_queue_open(struct hold_queue **queue, struct hold *hold,
		    const struct prefix destinations[HOLD_DESTINATIONS]);
/*
 * Whose the queue is, before it holds anything: a mark that is compared and not looked into. One
 * that has none is limited by the totals alone. 0 or -ENOMEM.
 */
int hold_queue_set_owner(struct hold_queue *queue, const void *owner);
/*
 * Drops what the queue still holds, and forgets it. Packets that come for it later are strays. NULL
 * is allowed.
 */
void hold_queue_close(struct hold_queue *queue);
/* The queue that was opened for exactly this destination, or NULL. */
struct hold_queue *hold_queue_find(const struct hold *hold, const struct prefix *destination);

/*
 * Writes out, in order, what the queue holds and what the device has for it, until both are empty.
 * From then on the queue passes: what any hold_read() finds for it is written at once. Bounded: it
 * does not go on for ever where packets come as fast as they can be written.
 *
 * 0; 1 when the device has more, after some thousands; -EAGAIN when the writer said so: the rest is
 * held, call again; or the -errno of reading the device, with an empty queue.
 */
int hold_queue_release(struct hold_queue *queue, hold_write_fn *write, void *context, usec_t now);
/* The queue holds again: the release is called off. */
void hold_queue_hold(struct hold_queue *queue);
/* Does it pass, after hold_queue_release()? */
bool hold_queue_passes(const struct hold_queue *queue);

const struct hold_counters *hold_queue_counters(const struct hold_queue *queue);

#endif
