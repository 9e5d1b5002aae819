/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: how datagrams of the access side pass on one link (PROTOCOL section 5.1).
 *
 * A UDP socket of the kernel, bound to the interface, sends and receives: it does checksums and the
 * host's packet filter applies. It does not tell the Ethernet address of the sender, which becomes
 * the terminal's permanent neighbour; so a packet socket beside it watches the frames of
 * registration done go by, and a datagram is matched with its frame by content. Without the right
 * to open that one, the configured address is all there is.
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
	struct lladdr source; /* Ethernet address of the sender; zero when it was not seen */
	const uint8_t *octets;
	size_t length; /* above SNO_DATAGRAM_MAX: longer than allowed, and cut */
};

typedef void port_fn(void *arg, unsigned int ifindex, const struct datagram *datagram);

/*
 * Opens a port on an interface and joins the terminals' group there. fn is called from the loop
 * for each datagram. 0, or -errno, logged.
 */
int port_open(struct port **port, struct ev_loop *loop, const char *interface, unsigned int ifindex,
	      uint16_t udp_port, port_fn *fn, void *arg);
/* NULL is allowed. Not from within fn. */
void port_close(struct port *port);

/*
 * Sends from this link-local address, with hop limit 255: to all cores (group) or to the gateway
 * fe80::1. 0 or -errno.
 */
int port_send(struct port *port, const struct addr *from, bool group, const uint8_t *octets,
	      size_t length);

/* fe80::1, where every core is reached. */
extern const struct addr port_gateway;

#endif
