/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes, neighbours and bridge entries: one change, or very many with few system calls.
 *
 * The path of a terminal is a handful of changes, and a crowd of terminals moves at once. The
 * kernel works through a datagram of many requests in order. Only the last asks for an ACK; the
 * others speak up only when they fail, each with its own sequence number, so the answer to the last
 * settles them all. NETLINK_CAP_ACK keeps the answers short. When answers were lost (ENOBUFS)
 * nobody knows which items they spoke of: the datagram's items are then done again one by one,
 * which is harmless, since replace and delete are idempotent.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <stdio.h>

#define BATCH_ITEMS 512

static const struct kernel_change *first_failed(const struct kernel_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i].error)
			return &changes[i];
	return NULL;
}

static int route_fail(struct kernel *k, int err, const struct kernel_route *route, const char *verb)
{
	struct kernel_route nowhere = *route;
	char text[KERNEL_ROUTE_TEXT];

	nowhere.oif = 0; /* kernel_fail_link() tells its name */
	kernel_route_text(&nowhere, text);
	return route->oif ? kernel_fail_link(k, err, route->oif, "route %s%s", text, verb)
			  : kernel_fail(k, err, "route %s%s", text, verb);
}

const char *kernel_change_error(struct kernel *k, const struct kernel_change *change)
{
	const char *verb = change->remove ? " delete" : "";
	char addr[ADDR_TEXT], mac[LLADDR_TEXT];
	int err = change->error;

	snprintf(k->reason, sizeof(k->reason), "%s", change->reason);
	switch (change->kind) {
	case KERNEL_CHANGE_ROUTE:
		route_fail(k, err, &change->route, verb);
		break;
	case KERNEL_CHANGE_NEIGHBOUR:
		kernel_fail_link(k, err, change->neighbour.ifindex, "neighbour %s%s",
				 addr_format(&change->neighbour.addr, addr), verb);
		break;
	case KERNEL_CHANGE_FDB:
		kernel_fail_link(k, err, change->fdb.port, "bridge entry %s%s",
				 lladdr_format(&change->fdb.mac, mac), verb);
		break;
	}
	return k->error;
}

static int change_put(struct kernel *k, void *buffer, const struct kernel_change *change,
		      struct nlmsghdr **nlh)
{
	switch (change->kind) {
	case KERNEL_CHANGE_ROUTE:
		return kernel_route_put(k, buffer, &change->route, change->remove, nlh);
	case KERNEL_CHANGE_NEIGHBOUR:
		*nlh = kernel_neighbour_put(buffer, &change->neighbour, change->remove);
		return 0;
	case KERNEL_CHANGE_FDB:
		*nlh = kernel_fdb_put(buffer, &change->fdb, change->remove);
		return 0;
	}
	return -EINVAL;
}

static void change_result(struct kernel_change *change, int err, const char *reason)
{
	change->error = change->remove ? kernel_gone(err) : err;
	snprintf(change->reason, sizeof(change->reason), "%s", change->error ? reason : "");
}

/* A port that has left its bridge took its entries along; the kernel calls the request wrong. */
static void change_forgive(struct kernel *k, struct kernel_change *change)
{
	struct kernel_link link;

	if (change->kind == KERNEL_CHANGE_FDB && change->remove &&
	    (change->error == -EINVAL || change->error == -EOPNOTSUPP) &&
	    !kernel_link_get(k, change->fdb.port, &link) && !link.master)
		change_result(change, 0, "");
}

int kernel_change(struct kernel *k, struct kernel_change *change)
{
	struct nlmsghdr *nlh;
	int err;

	k->reason[0] = '\0';
	err = change_put(k, k->message, change, &nlh);
	if (!err)
		err = kernel_request(k, nlh);
	change_result(change, err, k->reason);
	change_forgive(k, change);
	if (change->error)
		kernel_change_error(k, change);
	return change->error;
}

/* ---- batches ---------------------------------------------------------------------------- */

/* One datagram in the making, in k->batch. */
struct batch {
	struct kernel *k;
	size_t length;	       /* of the datagram */
	struct nlmsghdr *last; /* of its messages: it asks for the ACK */
	struct kernel_change *items[BATCH_ITEMS];
	size_t count;
	uint32_t first_seq; /* of items[0]; the others follow */
};

/* Takes in errors until the last request is answered. 0, or -errno when answers are lost. */
static int batch_settle(struct batch *b)
{
	struct kernel *k = b->k;
	const struct nlmsghdr *nlh;
	ssize_t length;
	uint32_t item;
	int rest, err;

	for (;;) {
		length = kernel_socket_receive(&k->route, k->received, sizeof(k->received));
		if (length < 0)
			return (int)length;
		rest = (int)length;
		for (nlh = (void *)k->received; kernel_message_whole(nlh, rest);
		     nlh = mnl_nlmsg_next(nlh, &rest)) {
			item = nlh->nlmsg_seq - b->first_seq;
			if (nlh->nlmsg_pid != k->route.portid || item >= b->count ||
			    nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			k->reason[0] = '\0';
			err = kernel_socket_result(nlh, k->reason);
			change_result(b->items[item], err, k->reason);
			if (item == b->count - 1)
				return 0;
		}
	}
}

static void batch_send(struct batch *b)
{
	int err;
	size_t i;

	if (!b->count)
		return;
	b->last->nlmsg_flags |= NLM_F_ACK;
	err = kernel_socket_send(&b->k->route, b->k->batch, b->length);
	if (!err)
		err = batch_settle(b);
	if (err)
		kernel_socket_drain(&b->k->route);
	for (i = 0; i < b->count; i++) {
		if (err)
			kernel_change(b->k, b->items[i]);
		else if (b->items[i]->error)
			change_forgive(b->k, b->items[i]);
	}
	b->length = b->count = 0;
}

static void batch_add(struct batch *b, struct kernel_change *change)
{
	struct kernel_socket *s = &b->k->route;
	struct nlmsghdr *nlh;
	int err;

	b->k->reason[0] = '\0';
	err = change_put(b->k, b->k->batch + b->length, change, &nlh);
	change_result(change, err, b->k->reason);
	if (err)
		return;
	nlh->nlmsg_seq = ++s->seq;
	nlh->nlmsg_pid = s->portid;
	if (!b->count)
		b->first_seq = s->seq;
	b->items[b->count++] = change;
	b->last = nlh;
	b->length += NLMSG_ALIGN(nlh->nlmsg_len);
	/* Sent before the next message could fail to fit. */
	if (b->count == BATCH_ITEMS || b->length + KERNEL_CHANGE_MESSAGE > sizeof(b->k->batch))
		batch_send(b);
}

int kernel_batch(struct kernel *k, struct kernel_change *changes, size_t count)
{
	struct batch b = {.k = k};
	const struct kernel_change *failed;

	for (size_t i = 0; i < count; i++)
		batch_add(&b, &changes[i]);
	batch_send(&b);
	failed = first_failed(changes, count);
	if (!failed)
		return 0;
	kernel_change_error(k, failed);
	return failed->error;
}
