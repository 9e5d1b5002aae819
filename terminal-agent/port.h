/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: how datagrams of the access side pass on one link (PROTOCOL section 5.1).
 *
 * Whole frames pass (link_socket.h): so a discovery leaves at the very moment the link is up,
 * whether or not the kernel's IPv6 is ready there, and the Ethernet address of the core that
 * answers is known.
 */
#ifndef SNO_TERMINAL_PORT_H
#define SNO_TERMINAL_PORT_H

#include "addr.h"

#include <ev.h>

struct port;

/* A datagram that came in. The octets are valid during the callback. */
struct datagram {
	struct addr from;
	uint16_t from_port;
	uint8_t hop_limit;
	struct lladdr source; /* Ethernet address of the sender */
	const uint8_t *octets;
	size_t length; /* above SNO_DATAGRAM_MAX: longer than allowed, and cut */
};

struct port_ops {
	void (*datagram)(void *arg, unsigned int ifindex, const struct datagram *datagram);
	/* The first packet of those that were watched for has come in; no more are reported. */
	void (*packet)(void *arg, unsigned int ifindex);
	void *arg;
};

/* Where a port is, and what its frames say. Copied. */
struct port_place {
	const char *interface;
	unsigned int ifindex;
	struct lladdr mac;     /* of the interface */
	struct lladdr gateway; /* of fe80::1 */
	uint16_t udp_port;
};

/* Opens a port; the loop calls back. 0, or -errno, logged. */
int port_open(struct port **port, struct ev_loop *loop, const struct port_place *place,
	      const struct port_ops *ops);
/* NULL is allowed. Not from within a callback. */
void port_close(struct port *port);

/*
 * Sends from this link-local address, with hop limit 255: to all cores (group) or to the gateway
 * fe80::1. 0 or -errno.
 */
int port_send(struct port *port, const struct addr *from, bool group, const uint8_t *octets,
	      size_t length);

/*
 * Sends a packet of the user's in a frame to this Ethernet address: what has waited for a link goes
 * the same way as the discovery, behind it. 0; -EAGAIN when it cannot leave now; or -errno.
 */
int port_forward(struct port *port, const struct lladdr *gateway, const uint8_t *packet,
		 size_t length);

/* Watches for the next packet of the user's that comes in, which is told once; or does so no more.
 */
void port_watch(struct port *port, bool on);

/* fe80::1, where every core is reached. */
extern const struct addr port_gateway;

#endif
