/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues and limits; see hold.h.
 *
 * A packet is in two lists: that of its queue, and that of all packets by age. All wait equally
 * long at most, so what has waited too long is always at the head of the second.
 */
#include "hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#define PACKET_MAX     65535 /* the largest IP packet there is */
#define READS	       512   /* packets in one turn of the event loop */
#define RELEASE_ROUNDS 16    /* of so many, in one release */
#define BITS_MAX       128

struct packet {
	TAILQ_ENTRY(packet) in_queue, in_hold;
	struct hold_queue *queue;
	usec_t arrived;
	size_t length;
	uint8_t octets[];
};

TAILQ_HEAD(packets, packet);

/* One destination of a queue. Keys are compared as octets: zeroed, then filled in. */
struct destination {
	struct prefix key;
	struct hold_queue *queue;
	UT_hash_handle hh;
};

/* What the queues of one owner hold together. */
struct share {
	const void *owner;
	size_t queues;
	struct hold_counters counters;
	UT_hash_handle hh;
};

struct hold_queue {
	struct hold *hold;
	struct share *share; /* NULL: nobody's */
	struct destination destinations[HOLD_DESTINATIONS];
	size_t count;
	struct packets packets;
	struct hold_counters counters;
	hold_write_fn *write; /* NULL: it holds */
	void *context;
	LIST_ENTRY(hold_queue) in_hold;
};

struct hold {
	struct hold_limits limits;
	hold_read_fn *read;
	void *context;
	struct destination *destinations;
	struct share *shares;
	LIST_HEAD(, hold_queue) queues;
	size_t queue_count;
	unsigned int lengths[2][BITS_MAX + 1]; /* destinations of a length, IPv4 and IPv6 */
	struct packets packets;		       /* by age */
	struct hold_counters counters;
	uint8_t buffer[PACKET_MAX];
};

static const char *const drop_names[HOLD_DROPS] = {
	[HOLD_DROP_PACKETS] = "packets",
	[HOLD_DROP_OCTETS] = "octets",
	[HOLD_DROP_TOTAL_PACKETS] = "total-packets",
	[HOLD_DROP_TOTAL_OCTETS] = "total-octets",
	[HOLD_DROP_SHARE] = "share",
	[HOLD_DROP_TIME] = "time",
	[HOLD_DROP_MEMORY] = "memory",
	[HOLD_DROP_REFUSED] = "refused",
	[HOLD_DROP_CLOSED] = "closed",
	[HOLD_DROP_STRAY] = "stray",
};

const char *hold_drop_name(enum hold_drop drop)
{
	return (unsigned int)drop < HOLD_DROPS ? drop_names[drop] : "unknown";
}

uint64_t hold_dropped(const struct hold_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < HOLD_DROPS; i++)
		sum += counters->dropped[i];
	return sum;
}

/* ---- destinations ---------------------------------------------------------------------------- */

static unsigned int *lengths(struct hold *hold, sa_family_t family)
{
	return hold->lengths[family == AF_INET6];
}

static struct prefix key_of(const struct addr *addr, unsigned int length)
{
	struct prefix key;

	memset(&key, 0, sizeof(key));
	key.addr.family = addr->family;
	key.length = (uint8_t)length;
	memcpy(key.addr.bytes, addr->bytes, length / 8);
	if (length % 8)
		key.addr.bytes[length / 8] =
			addr->bytes[length / 8] & (uint8_t)(0xff00 >> (length % 8));
	return key;
}

static struct destination *find(const struct hold *hold, const struct addr *addr,
				unsigned int length)
{
	const struct prefix key = key_of(addr, length);
	struct destination *found;

	HASH_FIND(hh, hold->destinations, &key, sizeof(key), found);
	return found;
}

/* Where a packet goes to; false when it is no IP packet. */
static bool packet_destination(const uint8_t *octets, size_t length, struct addr *to)
{
	*to = (struct addr){0};
	if (length >= 20 && octets[0] >> 4 == 4) {
		to->family = AF_INET;
		memcpy(to->bytes, octets + 16, 4);
	} else if (length >= 40 && octets[0] >> 4 == 6) {
		to->family = AF_INET6;
		memcpy(to->bytes, octets + 24, 16);
	}
	return !addr_none(to);
}

static struct hold_queue *queue_for(struct hold *hold, const uint8_t *octets, size_t length)
{
	struct addr to;

	if (!packet_destination(octets, length, &to))
		return NULL;
	for (unsigned int bits = addr_bits(to.family) + 1; bits-- > 0;) {
		const struct destination *found =
			lengths(hold, to.family)[bits] ? find(hold, &to, bits) : NULL;

		if (found)
			return found->queue;
	}
	return NULL;
}

/* ---- packets --------------------------------------------------------------------------------- */

static void drop(struct hold_queue *queue, enum hold_drop reason)
{
	queue->counters.dropped[reason]++;
	queue->hold->counters.dropped[reason]++;
}

static void count_in(struct hold_counters *counters, size_t length)
{
	counters->buffered++;
	counters->packets++;
	counters->octets += length;
}

static void count_out(struct hold_counters *counters, size_t length)
{
	counters->packets--;
	counters->octets -= length;
}

static void packet_remove(struct packet *packet)
{
	struct hold_queue *queue = packet->queue;

	TAILQ_REMOVE(&queue->packets, packet, in_queue);
	TAILQ_REMOVE(&queue->hold->packets, packet, in_hold);
	count_out(&queue->counters, packet->length);
	count_out(&queue->hold->counters, packet->length);
	if (queue->share)
		count_out(&queue->share->counters, packet->length);
	free(packet);
}

static bool full(size_t used, size_t more, size_t limit)
{
	return used > limit || more > limit - used;
}

/* What an owner may have: as much as is free, which leaves room to others, or one full queue. */
static size_t share_of(size_t used, size_t total, size_t queue)
{
	size_t room = used < total ? total - used : 0;

	return room > queue ? room : queue;
}

static bool exceeds_share(const struct hold_queue *queue, size_t length)
{
	const struct hold_limits *limits = &queue->hold->limits;
	const struct hold_counters *all = &queue->hold->counters;
	const struct share *share = queue->share;

	return share && (full(share->counters.packets, 1,
			      share_of(all->packets, limits->total_packets, limits->packets)) ||
			 full(share->counters.octets, length,
			      share_of(all->octets, limits->total_octets, limits->octets)));
}

/* The limit that a packet of this length would exceed, HOLD_DROPS when none. */
static enum hold_drop exceeded(const struct hold_queue *queue, size_t length)
{
	const struct hold_limits *limits = &queue->hold->limits;
	const struct hold_counters *own = &queue->counters, *all = &queue->hold->counters;

	if (full(own->packets, 1, limits->packets))
		return HOLD_DROP_PACKETS;
	if (full(own->octets, length, limits->octets))
		return HOLD_DROP_OCTETS;
	if (full(all->packets, 1, limits->total_packets))
		return HOLD_DROP_TOTAL_PACKETS;
	if (full(all->octets, length, limits->total_octets))
		return HOLD_DROP_TOTAL_OCTETS;
	return exceeds_share(queue, length) ? HOLD_DROP_SHARE : HOLD_DROPS;
}

static void keep(struct hold_queue *queue, const uint8_t *octets, size_t length, usec_t now)
{
	struct hold *hold = queue->hold;
	enum hold_drop reason = exceeded(queue, length);
	struct packet *packet;

	if (reason != HOLD_DROPS) {
		drop(queue, reason);
		return;
	}
	packet = malloc(sizeof(*packet) + length);
	if (!packet) {
		drop(queue, HOLD_DROP_MEMORY);
		return;
	}
	packet->queue = queue;
	packet->arrived = now;
	packet->length = length;
	memcpy(packet->octets, octets, length);
	TAILQ_INSERT_TAIL(&queue->packets, packet, in_queue);
	TAILQ_INSERT_TAIL(&hold->packets, packet, in_hold);
	count_in(&queue->counters, length);
	count_in(&hold->counters, length);
	if (queue->share)
		count_in(&queue->share->counters, length);
}

/* Writes a packet that is in the counters of what is held, or is just being taken. */
static int deliver(struct hold_queue *queue, const uint8_t *octets, size_t length)
{
	int result = queue->write(queue->context, octets, length);

	if (result == -EAGAIN)
		return result;
	if (result < 0) {
		drop(queue, HOLD_DROP_REFUSED);
		return 0;
	}
	queue->counters.released++;
	queue->hold->counters.released++;
	return 0;
}

static void take(struct hold *hold, const uint8_t *octets, size_t length, usec_t now)
{
	struct hold_queue *queue = queue_for(hold, octets, length);

	if (!queue) {
		hold->counters.dropped[HOLD_DROP_STRAY]++;
		return;
	}
	/* Behind what still waits, if anything does. */
	if (!queue->write || !TAILQ_EMPTY(&queue->packets) || deliver(queue, octets, length) < 0) {
		keep(queue, octets, length, now);
		return;
	}
	queue->counters.buffered++;
	hold->counters.buffered++;
}

int hold_read(struct hold *hold, usec_t now)
{
	int count;

	hold_expire(hold, now);
	for (count = 0; count < READS; count++) {
		ssize_t length = hold->read(hold->context, hold->buffer, sizeof(hold->buffer));

		if (length == -EAGAIN || length == 0)
			break;
		if (length < 0)
			return (int)length;
		take(hold, hold->buffer, (size_t)length, now);
	}
	return count;
}

usec_t hold_expire(struct hold *hold, usec_t now)
{
	usec_t time = hold->limits.time;
	struct packet *oldest;

	while ((oldest = TAILQ_FIRST(&hold->packets)) && now - oldest->arrived >= time) {
		drop(oldest->queue, HOLD_DROP_TIME);
		packet_remove(oldest);
	}
	if (!oldest || time > USEC_NEVER - oldest->arrived)
		return USEC_NEVER;
	return oldest->arrived + time;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void queue_forget(struct hold_queue *queue)
{
	struct hold *hold = queue->hold;

	while (queue->count > 0) {
		struct destination *destination = &queue->destinations[--queue->count];

		HASH_DELETE(hh, hold->destinations, destination);
		lengths(hold, destination->key.addr.family)[destination->key.length]--;
	}
}

/* Adds a destination. 0 or -EEXIST. */
static int queue_add(struct hold_queue *queue, const struct prefix *prefix)
{
	struct hold *hold = queue->hold;
	struct destination *destination = &queue->destinations[queue->count];

	if (find(hold, &prefix->addr, prefix->length))
		return -EEXIST;
	destination->key = key_of(&prefix->addr, prefix->length);
	destination->queue = queue;
	HASH_ADD(hh, hold->destinations, key, sizeof(destination->key), destination);
	lengths(hold, prefix->addr.family)[prefix->length]++;
	queue->count++;
	return 0;
}

int hold_queue_open(struct hold_queue **queue, struct hold *hold,
		    const struct prefix destinations[HOLD_DESTINATIONS])
{
	struct hold_queue *q = calloc(1, sizeof(*q));
	int result = 0;

	if (!q)
		return -ENOMEM;
	q->hold = hold;
	TAILQ_INIT(&q->packets);
	for (size_t i = 0; i < HOLD_DESTINATIONS && result == 0; i++)
		if (!prefix_none(&destinations[i]))
			result = queue_add(q, &destinations[i]);
	if (result == 0 && q->count == 0)
		result = -EINVAL;
	if (result < 0) {
		queue_forget(q);
		free(q);
		return result;
	}
	LIST_INSERT_HEAD(&hold->queues, q, in_hold);
	hold->queue_count++;
	*queue = q;
	return 0;
}

int hold_queue_set_owner(struct hold_queue *queue, const void *owner)
{
	struct hold *hold = queue->hold;
	struct share *share;

	HASH_FIND_PTR(hold->shares, &owner, share);
	if (!share) {
		share = calloc(1, sizeof(*share));
		if (!share)
			return -ENOMEM;
		share->owner = owner;
		HASH_ADD_PTR(hold->shares, owner, share);
	}
	share->queues++;
	queue->share = share;
	return 0;
}

static void share_leave(struct hold_queue *queue)
{
	struct share *share = queue->share;

	if (!share || --share->queues > 0)
		return;
	HASH_DELETE(hh, queue->hold->shares, share);
	free(share);
}

void hold_queue_close(struct hold_queue *queue)
{
	struct packet *packet;

	if (!queue)
		return;
	while ((packet = TAILQ_FIRST(&queue->packets))) {
		drop(queue, HOLD_DROP_CLOSED);
		packet_remove(packet);
	}
	queue_forget(queue);
	share_leave(queue);
	LIST_REMOVE(queue, in_hold);
	queue->hold->queue_count--;
	free(queue);
}

struct hold_queue *hold_queue_find(const struct hold *hold, const struct prefix *destination)
{
	const struct destination *found =
		prefix_none(destination) ? NULL
					 : find(hold, &destination->addr, destination->length);

	return found ? found->queue : NULL;
}

static int write_out(struct hold_queue *queue)
{
	struct packet *packet;

	while ((packet = TAILQ_FIRST(&queue->packets))) {
		int result = deliver(queue, packet->octets, packet->length);

		if (result < 0)
			return result;
		packet_remove(packet);
	}
	return 0;
}

int hold_queue_release(struct hold_queue *queue, hold_write_fn *write, void *context, usec_t now)
{
	int result = 0;

	queue->write = write;
	queue->context = context;
	hold_expire(queue->hold, now);
	for (int round = 0; round < RELEASE_ROUNDS; round++) {
		result = write_out(queue);
		if (result < 0)
			return result;
		result = hold_read(queue->hold, now);
		if (result < READS)
			break;
	}
	/* What was read is written already, unless the writer would not take it. */
	if (!TAILQ_EMPTY(&queue->packets))
		return -EAGAIN;
	return result < 0 ? result : result == READS;
}

void hold_queue_hold(struct hold_queue *queue)
{
	queue->write = NULL;
}

bool hold_queue_passes(const struct hold_queue *queue)
{
	return queue->write != NULL;
}

const struct hold_counters *hold_queue_counters(const struct hold_queue *queue)
{
	return &queue->counters;
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct hold *hold_new(const struct hold_limits *limits, hold_read_fn *read, void *context)
{
	struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return NULL;
	hold->limits = *limits;
	hold->read = read;
	hold->context = context;
	TAILQ_INIT(&hold->packets);
	LIST_INIT(&hold->queues);
	return hold;
}

void hold_free(struct hold *hold)
{
	struct hold_queue *queue;

	if (!hold)
		return;
	while ((queue = LIST_FIRST(&hold->queues)))
		hold_queue_close(queue);
	free(hold);
}

void hold_set_limits(struct hold *hold, const struct hold_limits *limits)
{
	hold->limits = *limits;
}

const struct hold_counters *hold_counters(const struct hold *hold)
{
	return &hold->counters;
}

size_t hold_queues(const struct hold *hold)
{
	return hold->queue_count;
}
