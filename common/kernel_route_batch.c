/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many routes with few system calls: a crowd of terminals moves at once.
 *
 * The kernel works through a datagram of many requests in order. Only the last asks for an ACK; the
 * others speak up only when they fail, each with its own sequence number, so the answer to the last
 * settles them all. NETLINK_CAP_ACK keeps the answers short. When answers were lost (ENOBUFS)
 * nobody knows which items they spoke of: the datagram's items are then done again one by one,
 * which is harmless, since replace and delete are idempotent.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_BYTES 49152 /* well below the default send buffer */
#define BATCH_ITEMS 512

/* One datagram in the making, and the first failure of all. */
struct batch {
	struct kernel *k;
	struct mnl_nlmsg_batch *messages;
	struct nlmsghdr *last; /* of the datagram: it asks for the ACK */
	struct kernel_route_change *items[BATCH_ITEMS];
	size_t count;
	uint32_t first_seq; /* of items[0]; the others follow */
	const struct kernel_route_change *failed;
	char error[KERNEL_ERROR_SIZE];
};

/* Remembers the message of the first item that failed; answers may come in another order. */
static void batch_failed(struct batch *b, const struct kernel_route_change *change)
{
	if (b->failed && b->failed <= change)
		return;
	b->failed = change;
	snprintf(b->error, sizeof(b->error), "%s", b->k->error);
}

static void batch_result(struct batch *b, struct kernel_route_change *change, int err)
{
	change->error = change->remove ? kernel_gone(err) : err;
	if (!change->error)
		return;
	kernel_route_fail(b->k, change->error, &change->route, change->remove);
	batch_failed(b, change);
}

/* Takes in errors until the last request is answered. 0, or -errno when answers are lost. */
static int batch_settle(struct batch *b)
{
	struct kernel *k = b->k;
	const struct nlmsghdr *nlh;
	ssize_t length;
	uint32_t item;
	int rest;

	for (;;) {
		length = kernel_socket_receive(&k->route, k->received, sizeof(k->received));
		if (length < 0)
			return (int)length;
		rest = (int)length;
		for (nlh = (void *)k->received; mnl_nlmsg_ok(nlh, rest);
		     nlh = mnl_nlmsg_next(nlh, &rest)) {
			item = nlh->nlmsg_seq - b->first_seq;
			if (nlh->nlmsg_pid != k->route.portid || item >= b->count ||
			    nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			k->reason[0] = '\0';
			batch_result(b, b->items[item], kernel_socket_result(nlh, k->reason));
			if (item == b->count - 1)
				return 0;
		}
	}
}

static void batch_singly(struct batch *b)
{
	struct kernel_route_change *c;
	size_t i;

	for (i = 0; i < b->count; i++) {
		c = b->items[i];
		c->error = c->remove ? kernel_route_delete(b->k, &c->route)
				     : kernel_route_replace(b->k, &c->route);
		if (c->error)
			batch_failed(b, c);
	}
}

static void batch_send(struct batch *b)
{
	int err;

	if (!b->count)
		return;
	b->last->nlmsg_flags |= NLM_F_ACK;
	err = kernel_socket_send(&b->k->route, mnl_nlmsg_batch_head(b->messages),
				 mnl_nlmsg_batch_size(b->messages));
	if (!err)
		err = batch_settle(b);
	if (err) {
		kernel_socket_drain(&b->k->route);
		batch_singly(b);
	}
	mnl_nlmsg_batch_reset(b->messages);
	b->count = 0;
}

static void batch_add(struct batch *b, struct kernel_route_change *change)
{
	struct kernel_socket *s = &b->k->route;
	struct nlmsghdr *nlh;

	change->error = kernel_route_put(b->k, mnl_nlmsg_batch_current(b->messages), &change->route,
					 change->remove, &nlh);
	if (change->error) {
		batch_failed(b, change);
		return;
	}
	nlh->nlmsg_seq = ++s->seq;
	nlh->nlmsg_pid = s->portid;
	if (!b->count)
		b->first_seq = s->seq;
	b->items[b->count++] = change;
	b->last = nlh;
	mnl_nlmsg_batch_next(b->messages);
	/* Sent before the next message could fail to fit. */
	if (b->count == BATCH_ITEMS ||
	    mnl_nlmsg_batch_size(b->messages) + KERNEL_ROUTE_MESSAGE > BATCH_BYTES)
		batch_send(b);
}

int kernel_route_batch(struct kernel *k, struct kernel_route_change *changes, size_t count)
{
	struct batch b = {.k = k};
	char *buffer;
	size_t i;

	k->reason[0] = '\0';
	buffer = malloc(BATCH_BYTES + KERNEL_ROUTE_MESSAGE);
	b.messages = buffer ? mnl_nlmsg_batch_start(buffer, BATCH_BYTES) : NULL;
	if (!b.messages) {
		free(buffer);
		for (i = 0; i < count; i++)
			changes[i].error = -ENOMEM;
		return kernel_fail(k, count ? -ENOMEM : 0, "batch of %zu routes", count);
	}
	for (i = 0; i < count; i++)
		batch_add(&b, &changes[i]);
	batch_send(&b);
	mnl_nlmsg_batch_stop(b.messages);
	free(buffer);
	if (!b.failed)
		return 0;
	snprintf(k->error, sizeof(k->error), "%s", b.error);
	return b.failed->error;
}
