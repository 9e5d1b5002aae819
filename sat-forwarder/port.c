/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interface of the satellite: found, set up, given back. */
#include "sat-forwarder/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_tc.h"
#include "log.h"

static void undo(struct kernel *k, int err)
{
	if (err)
		log_warnx("satellite: cannot undo: %s", kernel_error(k));
}

/* Takes back what port_setup() did, in reverse. */
void port_undo(struct port *port, struct kernel *k)
{
	if (port->promisc)
		undo(k, kernel_link_set_promisc(k, port->ifindex, false));
	if (port->raised && !port->made)
		undo(k, kernel_link_set_up(k, port->ifindex, false));
	if (port->made)
		undo(k, kernel_link_delete(k, port->ifindex));
	port->ifindex = 0;
	port->filter = 0;
	port->ready = port->made = port->raised = port->promisc = false;
}

/*
 * The tunnel device. One whose name tells its parameters is right when it is there, and is left
 * alone: the kernel takes a tunnel out of its table for a moment to change it.
 */
static int make_tunnel(struct port *port, struct kernel *k)
{
	struct kernel_link link;
	bool there = kernel_link_find(k, port->name, &link) == 0;
	int err;

	if (there && port->derived)
		return 0;
	err = kernel_gretap_ensure(k, port->name, &port->gretap, &port->ifindex);
	port->made = !there && !err;
	return err;
}

static int find(struct port *port, struct kernel *k, struct kernel_link *link)
{
	int err = kernel_link_find(k, port->name, link);

	if (err == -ENODEV)
		snprintf(port->trouble, sizeof(port->trouble), "is not there");
	if (err)
		return err;
	port->ifindex = link->ifindex;
	port->up = link->up;
	port->carrier = link->carrier;
	port->mtu = link->mtu;
	return 0;
}

struct looking {
	const struct port *port;
	uint32_t ours, others;
};

static int look(const struct kernel_filter *filter, void *arg)
{
	struct looking *l = arg;

	if (filter->priority == l->port->priority)
		l->ours = filter->action;
	else if (filter->priority > PORT_PRIORITY && filter->priority <= PORT_PRIORITY + 999)
		l->others = filter->priority - PORT_PRIORITY;
	return 0;
}

/* Adopts our filter; refuses an interface that another satellite has. */
static int look_at_filters(struct port *port, struct kernel *k)
{
	struct looking l = {.port = port};
	int err = kernel_tc_filter_each(k, port->ifindex, look, &l);

	if (err)
		return err;
	port->filter = l.ours;
	if (!l.others)
		return 0;
	snprintf(port->trouble, sizeof(port->trouble),
		 "is in use by the satellite with index %u; where that is no more, remove its "
		 "filter: tc filter del dev %s ingress prio %u",
		 l.others, port->name, PORT_PRIORITY + l.others);
	return -EBUSY;
}

static int set_up(struct port *port, struct kernel *k, const struct kernel_link *link)
{
	int err = 0;

	if (!link->up) {
		err = kernel_link_set_up(k, port->ifindex, true);
		port->raised = !err;
	}
	if (!err && !link->promiscuous) {
		err = kernel_link_set_promisc(k, port->ifindex, true);
		port->promisc = !err;
	}
	return err ? err : kernel_tc_clsact_ensure(k, port->ifindex);
}

/* Where we have set it up, what it is now. */
static int look_again(struct port *port, struct kernel *k)
{
	struct kernel_link link;

	return port->raised ? find(port, k, &link) : 0;
}

int port_setup(struct port *port, struct kernel *k)
{
	struct kernel_link link;
	int err;

	port_forget(port);
	port->trouble[0] = '\0';
	err = port->tunnel ? make_tunnel(port, k) : 0;
	if (!err)
		err = find(port, k, &link);
	if (!err)
		err = look_at_filters(port, k);
	if (!err)
		err = set_up(port, k, &link);
	if (!err)
		err = look_again(port, k);
	if (!err) {
		port->ready = true;
		port->error = 0;
		return 0;
	}
	if (!port->trouble[0])
		snprintf(port->trouble, sizeof(port->trouble), "%s", kernel_error(k));
	port->refused = port->ifindex;
	port_undo(port, k);
	port->error = err;
	return err;
}

int port_tunnel_change(struct port *port, struct kernel *k, const struct kernel_gretap *gretap)
{
	unsigned int ifindex;
	int err = kernel_gretap_ensure(k, port->name, gretap, &ifindex);

	if (err)
		return err;
	port->gretap = *gretap;
	return 0;
}

int port_release(struct port *port, struct kernel *k)
{
	int err = 0;

	if (!port->ifindex)
		return 0;
	if (port->tunnel)
		err = kernel_link_delete(k, port->ifindex);
	else if (port->promisc)
		err = kernel_link_set_promisc(k, port->ifindex, false);
	if (!err)
		port_forget(port);
	return err;
}

void port_forget(struct port *port)
{
	port->ifindex = 0;
	port->filter = 0;
	port->ready = port->up = port->carrier = false;
	port->made = port->raised = port->promisc = false;
	port->error = -ENODEV;
	port->refused = 0;
	snprintf(port->trouble, sizeof(port->trouble), "is not there");
}

bool port_passes(const struct port *port)
{
	return port->ready && port->up && port->carrier;
}
