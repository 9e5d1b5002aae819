/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where octets come in: the UDP sockets of the core channel, and one packet socket per satellite.
 * The two entry points below the sockets are what tests and fuzzers drive.
 */
#ifndef SNO_CORE_RECEIVE_H
#define SNO_CORE_RECEIVE_H

#include "core.h"
#include "satellite.h"

#include <ev.h>

/* The loop that is to serve the sockets; before core_open(), which opens those of the satellites.
 */
void receive_begin(struct ev_loop *loop);
/* Opens the UDP sockets for other cores and begins to read. 0 or -errno, logged. */
int receive_open(struct core *core);
/* The peers of this core or their addresses are others than before: what they send is kept apart
 * from what anybody may send (core_socket.h). Without receive_open() (tests) it does nothing. */
void receive_peers_changed(const struct core *core);
/* After core_close(). */
void receive_close(void);

/* The packet socket of a satellite's port. Without receive_begin() (tests) these do nothing. */
int receive_satellite_open(struct satellite *satellite);
void receive_satellite_close(struct satellite *satellite);

/* A frame from a satellite. Drops are counted. */
void receive_frame(struct satellite *satellite, const uint8_t *octets, size_t length, usec_t now);

/* The sockets as core_io; context is unused. */
extern const struct core_io receive_io;

#endif
