/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any octets as packets that are routed into a hold, while its queues are opened, released and
 * closed and its limits change: every packet is counted once, what is held is within reach of the
 * counters, and what a queue sends is in order.
 *
 * The input is a script of operations, an octet each (low three bits) with a queue (next two):
 *
 *	0 L OCTETS...	a packet of L octets comes to the device
 *	1 W LENGTH	opens the queue, for W/LENGTH of IPv4 and of IPv6
 *	2		closes it
 *	3		releases it
 *	4		calls the release off
 *	5		the device is read
 *	6 T		so many units of time pass
 *	7 P O		limits: packets and octets of a queue; three times as many in all
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hold.h"

#define QUEUES 4
#define WAIT   8 /* packets that wait in the device */
#define NUMBER 4 /* the last octets of a packet that is long enough tell which one it is */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input, *input_end;
static struct {
	uint8_t octets[256];
	size_t length;
} device[WAIT];
static size_t first, waiting;
static uint32_t arrived;
static struct {
	struct hold_queue *queue;
	uint32_t last; /* written */
} queues[QUEUES];

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t next(void)
{
	return input < input_end ? *input++ : 0;
}

static ssize_t device_read(void *context, uint8_t *packet, size_t size)
{
	size_t at = first;

	(void)context;
	if (waiting == 0)
		return -EAGAIN;
	must(device[at].length <= size);
	memcpy(packet, device[at].octets, device[at].length);
	first = (first + 1) % WAIT;
	waiting--;
	return (ssize_t)device[at].length;
}

/* The ways differ: the first takes all, the second refuses some packets for good, the third now and
 * then asks to be tried again later. */
static int way_write(void *context, const uint8_t *packet, size_t length)
{
	size_t i = (size_t)((uint8_t *)context - (uint8_t *)queues) / sizeof(queues[0]);
	uint32_t number = 0;

	must(length >= 20);
	if (i == 1 && length % 3 == 0)
		return -EINVAL;
	if (i == 2 && arrived % 3 == 0)
		return -EAGAIN;
	memcpy(&number, packet + length - NUMBER, NUMBER);
	if (length >= 40 + NUMBER) {
		must(number > queues[i].last);
		queues[i].last = number;
	}
	return 0;
}

static void arrive(void)
{
	size_t length = next(), slot = (first + waiting) % WAIT;

	if (waiting == WAIT || length == 0)
		return;
	device[slot].length = length;
	for (size_t i = 0; i < length; i++)
		device[slot].octets[i] = next();
	arrived++;
	if (length >= 40 + NUMBER)
		memcpy(device[slot].octets + length - NUMBER, &arrived, NUMBER);
	waiting++;
}

static void open_queue(struct hold *hold, size_t i)
{
	uint8_t octet = next(), length = next();
	struct prefix prefixes[HOLD_DESTINATIONS] = {
		{.addr = {.family = AF_INET}, .length = length % 33},
		{.addr = {.family = AF_INET6}, .length = length % 129}};

	if (queues[i].queue)
		return;
	prefixes[0].addr.bytes[0] = prefixes[1].addr.bytes[0] = octet;
	if (hold_queue_open(&queues[i].queue, hold, prefixes) == 0)
		must(hold_queue_find(hold, &prefixes[0]) == queues[i].queue);
	if (queues[i].queue && octet % 3)
		hold_queue_set_owner(queues[i].queue, &queues[octet % 3]);
	queues[i].last = 0;
}

static void balanced(const struct hold *hold)
{
	const struct hold_counters *all = hold_counters(hold);
	size_t packets = 0, octets = 0, open = 0;

	for (size_t i = 0; i < QUEUES; i++) {
		if (!queues[i].queue)
			continue;
		packets += hold_queue_counters(queues[i].queue)->packets;
		octets += hold_queue_counters(queues[i].queue)->octets;
		open++;
	}
	must(all->packets == packets && all->octets == octets && hold_queues(hold) == open);
	must(all->released + hold_dropped(all) + all->packets + waiting == arrived);
	must(packets != 0 || octets == 0);
}

static void operate(struct hold *hold, struct hold_limits *limits, usec_t *now)
{
	uint8_t operation = next();
	size_t i = operation >> 3 & 3;

	switch (operation & 7) {
	case 0:
		arrive();
		break;
	case 1:
		open_queue(hold, i);
		break;
	case 2:
		hold_queue_close(queues[i].queue);
		queues[i].queue = NULL;
		break;
	case 3:
		if (queues[i].queue)
			hold_queue_release(queues[i].queue, way_write, &queues[i], *now);
		break;
	case 4:
		if (queues[i].queue)
			hold_queue_hold(queues[i].queue);
		break;
	case 5:
		must(hold_read(hold, *now) >= 0);
		break;
	case 6:
		*now += next();
		must(hold_expire(hold, *now) > *now);
		break;
	default:
		limits->packets = next();
		limits->octets = next() * 4u;
		limits->total_packets = limits->packets * 3;
		limits->total_octets = limits->octets * 3;
		hold_set_limits(hold, limits);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hold_limits limits = {.packets = 10,
				     .octets = 1000,
				     .time = 100,
				     .total_packets = 30,
				     .total_octets = 3000};
	struct hold *hold = hold_new(&limits, device_read, NULL);
	usec_t now = 0;

	must(hold != NULL);
	memset(queues, 0, sizeof(queues));
	input = data;
	input_end = data + size;
	first = waiting = 0;
	arrived = 0;
	while (input < input_end) {
		operate(hold, &limits, &now);
		balanced(hold);
	}
	hold_free(hold);
	return 0;
}
