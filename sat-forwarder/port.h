/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: an interface between which and another the satellite forwards frames.
 *
 * The interface belongs to the administrator (or is a gretap tunnel that we make); it may not be
 * there yet, go away and return under another index. A port that is there is set up:
 * administratively up, promiscuous, with a clsact on whose ingress our filter can hang. All that is
 * undone when a part of it is refused.
 */
#ifndef SNO_SAT_PORT_H
#define SNO_SAT_PORT_H

#include "kernel.h"

/*
 * What is ours in the kernel. Each satellite of a namespace has a number (satellite.index); its
 * filters have the priority PORT_PRIORITY + number on whatever interface, and its two redirect
 * actions the indices beyond PORT_ACTION + 2 * number. So all of it is found again after a restart,
 * and no two satellites meet.
 */
#define PORT_PRIORITY 8300
#define PORT_ACTION   83000

struct port {
	char name[KERNEL_NAME];
	uint16_t priority; /* of our filter */
	bool tunnel;	   /* a gretap of ours */
	bool derived;	   /* its name tells its parameters */
	struct kernel_gretap gretap;

	unsigned int ifindex; /* 0: it is not there */
	bool ready;	      /* it is set up */
	bool up, carrier;
	unsigned int mtu;
	uint32_t filter; /* the action to which our ingress filter hands frames; 0: no filter */
	bool seen;	 /* during a resynchronisation */
	bool made, raised, promisc; /* what this process changed, and would undo */
	int error;		    /* of the last try to set it up */
	unsigned int refused;	    /* index of the interface at which that failed */
	char trouble[240];	    /* why it is not ready; "" when it is */
};

/*
 * Looks for the interface (or makes the tunnel) and sets it up. 0 and ready; -ENODEV when it is not
 * there; -EBUSY when another satellite has it; otherwise what the kernel refused. After a failure
 * the kernel is as it was, and trouble says why.
 */
int port_setup(struct port *port, struct kernel *k);

/* Makes an existing tunnel have these parameters. 0 or -errno. */
int port_tunnel_change(struct port *port, struct kernel *k, const struct kernel_gretap *gretap);

/*
 * Gives the interface back: promiscuity and a tunnel of ours go; that it is up, and its clsact,
 * others may have come to rely on. The filter must be gone. 0 or -errno.
 */
int port_release(struct port *port, struct kernel *k);

/* Takes back what port_setup() has just done. */
void port_undo(struct port *port, struct kernel *k);

/* It has gone, and all that hung on it. */
void port_forget(struct port *port);

/* Can a frame pass now? */
bool port_passes(const struct port *port);

#endif
