/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet hold: order, limits, and what becomes of packets that come in the middle of a release.
 */
#include "hold.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 40000

/* A packet in these tests: where it goes, its number, and how long it is. */
struct item {
	const char *to;
	unsigned int number;
	size_t length;
};

/* The device is a list to be read; the new way notes what it was given. */
static struct {
	struct item list[MANY];
	size_t count, next;
	int error;		    /* reading fails with this once the list is empty */
	struct item *refill;	    /* appended once more whenever something is written */
	unsigned int refills;	    /* so many times */
	unsigned int out[MANY];	    /* numbers that were written */
	size_t written, write_most; /* and from then on -EAGAIN */
	unsigned int refuse;	    /* this number cannot be sent */
} io;

static struct hold *hold;

static size_t packet_make(const struct item *item, uint8_t *packet)
{
	struct addr to;

	memset(packet, 0, item->length);
	assert_int_equal(addr_parse(&to, item->to), 0);
	packet[0] = to.family == AF_INET ? 0x45 : 0x60;
	memcpy(packet + (to.family == AF_INET ? 16 : 24), to.bytes, addr_length(to.family));
	memcpy(packet + item->length - sizeof(item->number), &item->number, sizeof(item->number));
	return item->length;
}

static ssize_t device_read(void *context, uint8_t *packet, size_t size)
{
	assert_ptr_equal(context, &io);
	assert_true(size >= 65535);
	if (io.next == io.count)
		return io.error ? io.error : -EAGAIN;
	return (ssize_t)packet_make(&io.list[io.next++], packet);
}

static int way_write(void *context, const uint8_t *packet, size_t length)
{
	unsigned int number;

	assert_ptr_equal(context, &io);
	memcpy(&number, packet + length - sizeof(number), sizeof(number));
	if (io.written == io.write_most)
		return -EAGAIN;
	if (number == io.refuse)
		return -EINVAL;
	io.out[io.written++] = number;
	if (io.refills > 0) {
		io.refills--;
		io.refill->number = number + 1;
		io.list[io.count++] = *io.refill;
	}
	return 0;
}

static void arrive(const char *to, unsigned int number, size_t length)
{
	assert_true(io.count < MANY);
	io.list[io.count++] = (struct item){to, number, length};
}

static void arrive_many(const char *to, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last; i++)
		arrive(to, i, 100);
}

/* first ... last, and nothing else, is what was written since the last call. */
static void written(unsigned int first, unsigned int last)
{
	assert_int_equal(io.written, last - first + 1);
	for (size_t i = 0; i < io.written; i++)
		assert_int_equal(io.out[i], first + i);
	io.written = 0;
}

static const struct hold_limits wide = {.packets = 100000,
					.octets = 100000000,
					.time = USEC_PER_SEC,
					.total_packets = 100000,
					.total_octets = 100000000};

static void begin(const struct hold_limits *limits)
{
	memset(&io, 0, sizeof(io));
	io.write_most = MANY;
	hold_free(hold);
	hold = hold_new(limits, device_read, &io);
	assert_non_null(hold);
}

static struct hold_queue *open_for(const char *one, const char *two, const char *three)
{
	const char *texts[HOLD_DESTINATIONS] = {one, two, three};
	struct prefix destinations[HOLD_DESTINATIONS] = {0};
	struct hold_queue *queue = NULL;

	for (int i = 0; i < HOLD_DESTINATIONS; i++)
		if (texts[i])
			assert_int_equal(prefix_parse(&destinations[i], texts[i]), 0);
	assert_int_equal(hold_queue_open(&queue, hold, destinations), 0);
	return queue;
}

static int open_error(const char *one, const char *two)
{
	struct prefix destinations[HOLD_DESTINATIONS] = {0};
	struct hold_queue *queue = NULL;
	int result;

	if (one)
		assert_int_equal(prefix_parse(&destinations[0], one), 0);
	if (two)
		assert_int_equal(prefix_parse(&destinations[2], two), 0);
	result = hold_queue_open(&queue, hold, destinations);
	assert_null(queue);
	return result;
}

/* Nothing gets lost uncounted. */
static void balanced(const struct hold_counters *c, uint64_t arrived)
{
	uint64_t kept_out = c->dropped[HOLD_DROP_PACKETS] + c->dropped[HOLD_DROP_OCTETS] +
			    c->dropped[HOLD_DROP_TOTAL_PACKETS] +
			    c->dropped[HOLD_DROP_TOTAL_OCTETS] + c->dropped[HOLD_DROP_MEMORY] +
			    c->dropped[HOLD_DROP_SHARE] + c->dropped[HOLD_DROP_STRAY];

	assert_int_equal(c->buffered + kept_out, arrived);
	assert_int_equal(c->released + hold_dropped(c) + c->packets, arrived);
}

static uint64_t dropped(const struct hold_queue *queue, enum hold_drop reason)
{
	return hold_queue_counters(queue)->dropped[reason];
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void test_order(void **state)
{
	struct hold_queue *tina, *tom;

	(void)state;
	begin(&wide);
	tina = open_for("10.1.0.7/32", "2001:db8:a::7/128", "2001:db8:a:100::/56");
	tom = open_for("10.1.0.8/32", NULL, NULL);
	arrive("10.1.0.7", 1, 24);
	arrive("10.1.0.8", 100, 1400);
	arrive("2001:db8:a::7", 2, 44);
	arrive("2001:db8:a:1ff::1", 3, 1400);
	arrive("10.1.0.8", 101, 65535);
	arrive("10.1.0.7", 4, 65535);
	assert_int_equal(hold_read(hold, 0), 6);
	assert_int_equal(hold_read(hold, 0), 0);
	assert_int_equal(hold_queue_counters(tina)->packets, 4);
	assert_int_equal(hold_queue_counters(tina)->octets, 24 + 44 + 1400 + 65535);
	assert_int_equal(hold_queue_release(tina, way_write, &io, 0), 0);
	written(1, 4);
	assert_int_equal(hold_queue_counters(tina)->packets, 0);
	assert_int_equal(hold_queue_counters(tina)->octets, 0);
	assert_int_equal(hold_queue_counters(tina)->released, 4);
	assert_int_equal(hold_queue_counters(tom)->packets, 2);
	assert_int_equal(hold_queue_release(tom, way_write, &io, 0), 0);
	written(100, 101);
	balanced(hold_counters(hold), 6);
}

static void test_longest_prefix(void **state)
{
	struct hold_queue *all, *net, *host;

	(void)state;
	begin(&wide);
	all = open_for("0.0.0.0/0", "::/0", NULL);
	net = open_for("10.1.0.0/20", "2001:db8::/33", NULL);
	host = open_for("10.1.15.255/32", "2001:db8:7fff::1/128", NULL);
	arrive("10.1.15.255", 1, 100);
	arrive("10.1.15.254", 2, 100);
	arrive("10.1.16.0", 3, 100);
	arrive("2001:db8:7fff::1", 4, 100);
	arrive("2001:db8:7fff::2", 5, 100);
	arrive("2001:db8:8000::1", 6, 100);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(host)->packets, 2);
	assert_int_equal(hold_queue_counters(net)->packets, 2);
	assert_int_equal(hold_queue_counters(all)->packets, 2);
	hold_queue_close(net);
	arrive("10.1.15.254", 7, 100);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(all)->packets, 3);
}

static void test_destinations(void **state)
{
	struct prefix host, net, none = {0};
	struct hold_queue *queue;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", "2001:db8:a:100::/56", NULL);
	assert_int_equal(hold_queues(hold), 1);
	assert_int_equal(open_error(NULL, NULL), -EINVAL);
	assert_int_equal(open_error("10.1.0.7/32", NULL), -EEXIST);
	/* What was free of a refused one is free again. */
	assert_int_equal(open_error("10.1.0.9/32", "2001:db8:a:100::/56"), -EEXIST);
	assert_int_equal(open_error("10.1.0.9/32", "10.1.0.9/32"), -EEXIST);
	assert_int_equal(hold_queues(hold), 1);
	open_for("10.1.0.9/32", "2001:db8:a:100::/57", NULL);
	assert_int_equal(prefix_parse(&host, "10.1.0.7/32"), 0);
	assert_int_equal(prefix_parse(&net, "10.1.0.6/31"), 0);
	assert_ptr_equal(hold_queue_find(hold, &host), queue);
	assert_null(hold_queue_find(hold, &net));
	assert_null(hold_queue_find(hold, &none));
	hold_queue_close(queue);
	assert_null(hold_queue_find(hold, &host));
	hold_queue_close(NULL);
	assert_int_equal(hold_queues(hold), 1);
}

/* Neither the kernel's own multicast nor what is no IP packet disturbs. */
static void test_strays(void **state)
{
	struct hold_queue *queue;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", "::/0", NULL);
	arrive("10.1.0.8", 1, 100);
	arrive("10.1.0.7", 2, 19);
	arrive("2001:db8::1", 3, 39);
	arrive("2001:db8::1", 4, 40);
	assert_int_equal(hold_read(hold, 0), 4);
	assert_int_equal(hold_queue_counters(queue)->packets, 1);
	assert_int_equal(hold_counters(hold)->dropped[HOLD_DROP_STRAY], 3);
	hold_queue_close(queue);
	arrive("10.1.0.7", 5, 100);
	assert_int_equal(hold_read(hold, 0), 1);
	assert_int_equal(hold_counters(hold)->dropped[HOLD_DROP_STRAY], 4);
	assert_int_equal(hold_counters(hold)->dropped[HOLD_DROP_CLOSED], 1);
	assert_int_equal(hold_counters(hold)->packets, 0);
	balanced(hold_counters(hold), 5);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_packets(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *flooded, *other;

	(void)state;
	limits.packets = 10;
	limits.total_packets = 20;
	begin(&limits);
	flooded = open_for("10.1.0.7/32", NULL, NULL);
	other = open_for("10.1.0.8/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 500);
	arrive_many("10.1.0.8", 1, 11);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(flooded)->packets, 10);
	assert_int_equal(dropped(flooded, HOLD_DROP_PACKETS), 490);
	assert_int_equal(hold_queue_counters(other)->packets, 10);
	assert_int_equal(dropped(other, HOLD_DROP_PACKETS), 1);
	/* The oldest are kept: a gap in the middle of a stream, not at its beginning. */
	hold_queue_release(flooded, way_write, &io, 0);
	written(1, 10);
	balanced(hold_queue_counters(flooded), 500);
	balanced(hold_counters(hold), 511);
}

static void test_octets(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *queue;

	(void)state;
	limits.octets = 1000;
	begin(&limits);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	arrive("10.1.0.7", 1, 900);
	arrive("10.1.0.7", 99, 101);
	arrive("10.1.0.7", 2, 100);
	arrive("10.1.0.7", 99, 24);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(queue)->octets, 1000);
	assert_int_equal(dropped(queue, HOLD_DROP_OCTETS), 2);
	hold_queue_release(queue, way_write, &io, 0);
	written(1, 2);
	balanced(hold_queue_counters(queue), 4);
}

static void test_totals(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *one, *two;

	(void)state;
	limits.total_packets = 15;
	limits.total_octets = 1450;
	begin(&limits);
	one = open_for("10.1.0.7/32", NULL, NULL);
	two = open_for("10.1.0.8/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 9);
	arrive_many("10.1.0.8", 1, 6);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(two)->packets, 5);
	assert_int_equal(dropped(two, HOLD_DROP_TOTAL_OCTETS), 1);
	arrive("10.1.0.8", 6, 50);
	arrive("10.1.0.7", 7, 24);
	hold_read(hold, 0);
	assert_int_equal(hold_counters(hold)->packets, 15);
	assert_int_equal(hold_counters(hold)->octets, 1450);
	assert_int_equal(dropped(one, HOLD_DROP_TOTAL_PACKETS), 1);
	/* Room that one gives back is the other's. */
	hold_queue_close(one);
	arrive_many("10.1.0.8", 7, 15);
	hold_read(hold, 0);
	hold_queue_release(two, way_write, &io, 0);
	written(1, 15);
	balanced(hold_counters(hold), 9 + 6 + 2 + 9);
}

/* An owner that floods all it has leaves room to others, and a full queue to itself. */
static void test_shares(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *greedy[3], *other, *nobodys;
	int mine, theirs;

	(void)state;
	limits.packets = 10;
	limits.total_packets = 30;
	limits.total_octets = 3000;
	begin(&limits);
	greedy[0] = open_for("10.1.0.1/32", NULL, NULL);
	greedy[1] = open_for("10.1.0.2/32", NULL, NULL);
	greedy[2] = open_for("10.1.0.3/32", NULL, NULL);
	other = open_for("10.1.0.7/32", NULL, NULL);
	nobodys = open_for("10.1.0.8/32", NULL, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hold_queue_set_owner(greedy[i], &mine), 0);
	assert_int_equal(hold_queue_set_owner(other, &theirs), 0);
	arrive_many("10.1.0.1", 1, 10);
	arrive_many("10.1.0.2", 1, 10);
	arrive_many("10.1.0.3", 1, 10);
	hold_read(hold, 0);
	assert_int_equal(hold_counters(hold)->packets, 15);
	assert_int_equal(dropped(greedy[1], HOLD_DROP_SHARE), 5);
	assert_int_equal(dropped(greedy[2], HOLD_DROP_SHARE), 10);
	/* As much as one queue may have, although less than that is free behind it. */
	arrive_many("10.1.0.7", 1, 11);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(other)->packets, 10);
	assert_int_equal(dropped(other, HOLD_DROP_PACKETS), 1);
	arrive_many("10.1.0.8", 1, 6);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(nobodys)->packets, 5);
	assert_int_equal(dropped(nobodys, HOLD_DROP_TOTAL_PACKETS), 1);
	/* What has gone counts no more, and what is kept is in order. */
	hold_queue_close(nobodys);
	hold_queue_release(greedy[0], way_write, &io, 0);
	written(1, 10);
	arrive_many("10.1.0.3", 1, 9);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(greedy[2])->packets, 5);
	hold_queue_release(greedy[2], way_write, &io, 0);
	written(1, 5);
	balanced(hold_counters(hold), 30 + 11 + 6 + 9);
}

/* Octets have their shares, too. */
static void test_octet_shares(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *queues[2];
	int owner;

	(void)state;
	limits.octets = 400;
	limits.total_octets = 1000;
	begin(&limits);
	queues[0] = open_for("10.1.0.1/32", NULL, NULL);
	queues[1] = open_for("10.1.0.2/32", NULL, NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(hold_queue_set_owner(queues[i], &owner), 0);
	arrive_many("10.1.0.1", 1, 4);
	arrive_many("10.1.0.2", 1, 2);
	hold_read(hold, 0);
	assert_int_equal(hold_counters(hold)->octets, 500);
	assert_int_equal(dropped(queues[1], HOLD_DROP_SHARE), 1);
	balanced(hold_counters(hold), 6);
}

static void test_limits_change(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *queue;

	(void)state;
	begin(&limits);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 20);
	hold_read(hold, 0);
	limits.packets = 10;
	limits.octets = 10;
	hold_set_limits(hold, &limits);
	arrive("10.1.0.7", 21, 100);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(queue)->packets, 20);
	assert_int_equal(dropped(queue, HOLD_DROP_PACKETS), 1);
	limits = (struct hold_limits){.time = 1};
	hold_set_limits(hold, &limits);
	assert_int_equal(hold_expire(hold, 1), USEC_NEVER);
	arrive("10.1.0.7", 22, 100);
	hold_read(hold, 2);
	assert_int_equal(hold_counters(hold)->packets, 0);
	balanced(hold_counters(hold), 22);
}

static void test_time(void **state)
{
	struct hold_limits limits = wide;
	struct hold_queue *one, *two;

	(void)state;
	limits.time = 1000;
	begin(&limits);
	one = open_for("10.1.0.7/32", NULL, NULL);
	two = open_for("10.1.0.8/32", NULL, NULL);
	assert_int_equal(hold_expire(hold, 5000), USEC_NEVER);
	arrive_many("10.1.0.7", 1, 3);
	arrive_many("10.1.0.8", 1, 1);
	hold_read(hold, 10000);
	arrive_many("10.1.0.7", 4, 5);
	hold_read(hold, 10400);
	assert_int_equal(hold_expire(hold, 10999), 11000);
	assert_int_equal(hold_counters(hold)->packets, 6);
	assert_int_equal(hold_expire(hold, 11000), 11400);
	assert_int_equal(dropped(one, HOLD_DROP_TIME), 3);
	assert_int_equal(dropped(two, HOLD_DROP_TIME), 1);
	/* What has waited too long is no good to a release either, nor does it take up room. */
	arrive_many("10.1.0.7", 6, 7);
	assert_int_equal(hold_queue_release(one, way_write, &io, 11400), 0);
	written(6, 7);
	assert_int_equal(dropped(one, HOLD_DROP_TIME), 5);
	assert_int_equal(hold_expire(hold, 20000), USEC_NEVER);
	/* Those that go make room for those that come. */
	limits.packets = 2;
	hold_set_limits(hold, &limits);
	arrive_many("10.1.0.8", 2, 3);
	hold_read(hold, 20000);
	arrive_many("10.1.0.8", 4, 5);
	hold_read(hold, 21000);
	assert_int_equal(dropped(two, HOLD_DROP_TIME), 3);
	assert_int_equal(dropped(two, HOLD_DROP_PACKETS), 0);
	hold_expire(hold, 30000);
	limits.time = USEC_NEVER;
	hold_set_limits(hold, &limits);
	arrive("10.1.0.8", 6, 100);
	hold_read(hold, 30000);
	assert_int_equal(hold_expire(hold, 30000 + 3600 * USEC_PER_SEC), USEC_NEVER);
	assert_int_equal(hold_counters(hold)->packets, 1);
	balanced(hold_counters(hold), 13);
}

/* ---- release --------------------------------------------------------------------------------- */

/* What comes while older ones are being written goes behind them, and before anything newer. */
static void test_release_in_between(void **state)
{
	struct item more = {"10.1.0.7", 0, 100};
	struct hold_queue *queue, *other;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	other = open_for("10.1.0.8/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 3);
	hold_read(hold, 0);
	arrive("10.1.0.8", 1, 100);
	io.refill = &more;
	io.refills = 1;
	arrive("10.1.0.7", 4, 100);
	/* Writing 1 brings in a second "2": number 2 comes twice, at its place and at the end. */
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 0);
	assert_int_equal(io.written, 5);
	assert_int_equal(io.out[3], 4);
	assert_int_equal(io.out[4], 2);
	io.written = 0;
	/* It passes from now on; the others go on holding. */
	assert_true(hold_queue_passes(queue));
	arrive_many("10.1.0.7", 6, 9);
	arrive("10.1.0.8", 2, 100);
	assert_int_equal(hold_read(hold, 0), 5);
	written(6, 9);
	assert_int_equal(hold_queue_counters(other)->packets, 2);
	assert_int_equal(hold_queue_counters(queue)->packets, 0);
	balanced(hold_queue_counters(queue), 9);
	/* Called off: it holds again. */
	hold_queue_hold(queue);
	assert_false(hold_queue_passes(queue));
	arrive_many("10.1.0.7", 10, 11);
	hold_read(hold, 0);
	assert_int_equal(io.written, 0);
	hold_queue_release(queue, way_write, &io, 0);
	written(10, 11);
}

/* A stream as fast as the writing does not keep the caller for ever, and still comes in order. */
static void test_release_bounded(void **state)
{
	struct item more = {"10.1.0.7", 0, 100};
	struct hold_queue *queue;
	size_t first;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	arrive("10.1.0.7", 1, 100);
	io.refill = &more;
	io.refills = MANY - 1;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 1);
	first = io.written;
	assert_true(first > 1000 && first < MANY / 2);
	assert_int_equal(hold_queue_counters(queue)->packets, 0);
	io.refills = 10;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 0);
	written(1, (unsigned int)first + 11);
}

static void test_release_later(void **state)
{
	struct hold_queue *queue;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 5);
	hold_read(hold, 0);
	io.write_most = 2;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), -EAGAIN);
	/* What comes now goes behind the rest, whether or not it could go. */
	io.write_most = 3;
	arrive("10.1.0.7", 6, 100);
	hold_read(hold, 0);
	assert_int_equal(hold_queue_counters(queue)->packets, 4);
	io.write_most = 4;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), -EAGAIN);
	io.write_most = MANY;
	arrive("10.1.0.7", 7, 100);
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 0);
	written(1, 7);
	/* Also when it is the reading that brings in what has to wait. */
	io.write_most = 0;
	arrive("10.1.0.7", 8, 100);
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), -EAGAIN);
	io.write_most = MANY;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 0);
	written(8, 8);
	balanced(hold_queue_counters(queue), 8);
}

static void test_release_refused(void **state)
{
	struct hold_queue *queue;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	arrive("10.1.0.7", 99, 100);
	arrive_many("10.1.0.7", 1, 2);
	hold_read(hold, 0);
	arrive("10.1.0.7", 99, 100);
	arrive("10.1.0.7", 3, 100);
	io.refuse = 99;
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), 0);
	arrive("10.1.0.7", 99, 100);
	arrive("10.1.0.7", 4, 100);
	hold_read(hold, 0);
	written(1, 4);
	assert_int_equal(dropped(queue, HOLD_DROP_REFUSED), 3);
	balanced(hold_queue_counters(queue), 7);
}

/* The device is gone: what was read before is not lost. */
static void test_device_lost(void **state)
{
	struct hold_queue *queue;

	(void)state;
	begin(&wide);
	queue = open_for("10.1.0.7/32", NULL, NULL);
	io.error = -EBADFD;
	arrive_many("10.1.0.7", 1, 3);
	assert_int_equal(hold_read(hold, 0), -EBADFD);
	assert_int_equal(hold_queue_counters(queue)->packets, 3);
	assert_int_equal(hold_queue_release(queue, way_write, &io, 0), -EBADFD);
	written(1, 3);
}

/* One turn of the event loop takes a bounded number. */
static void test_read_bounded(void **state)
{
	int first, rest = 0, n;

	(void)state;
	begin(&wide);
	open_for("10.1.0.7/32", NULL, NULL);
	arrive_many("10.1.0.7", 1, 5000);
	first = hold_read(hold, 0);
	assert_true(first > 0 && first < 5000);
	while ((n = hold_read(hold, 0)) > 0)
		rest += n;
	assert_int_equal(first + rest, 5000);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < HOLD_DROPS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(hold_drop_name((enum hold_drop)i),
						hold_drop_name((enum hold_drop)j));
	assert_string_equal(hold_drop_name(HOLD_DROP_TOTAL_OCTETS), "total-octets");
	assert_string_equal(hold_drop_name(HOLD_DROPS), "unknown");
}

static int teardown(void **state)
{
	(void)state;
	hold_free(hold);
	hold = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_order, teardown),
		cmocka_unit_test_teardown(test_longest_prefix, teardown),
		cmocka_unit_test_teardown(test_destinations, teardown),
		cmocka_unit_test_teardown(test_strays, teardown),
		cmocka_unit_test_teardown(test_packets, teardown),
		cmocka_unit_test_teardown(test_octets, teardown),
		cmocka_unit_test_teardown(test_totals, teardown),
		cmocka_unit_test_teardown(test_shares, teardown),
		cmocka_unit_test_teardown(test_octet_shares, teardown),
		cmocka_unit_test_teardown(test_limits_change, teardown),
		cmocka_unit_test_teardown(test_time, teardown),
		cmocka_unit_test_teardown(test_release_in_between, teardown),
		cmocka_unit_test_teardown(test_release_bounded, teardown),
		cmocka_unit_test_teardown(test_release_later, teardown),
		cmocka_unit_test_teardown(test_release_refused, teardown),
		cmocka_unit_test_teardown(test_device_lost, teardown),
		cmocka_unit_test_teardown(test_read_bounded, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
