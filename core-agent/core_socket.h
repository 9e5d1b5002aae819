/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets of the core channel on one address. A flood that is faster than we read fills the
 * queue it stands in, and what peers say must not stand there too. So there are three sockets on
 * one port (SO_REUSEPORT), and the kernel puts each datagram into one of them:
 *
 *	CORE_OURS   what carries a receiver index with our mark (channel_mark()): what runs in a
 *	            session, answers to our handshakes. Whoever has heard nothing of ours has to
 *	            guess it, wherever he says he is.
 *	CORE_PEERS  the rest of what comes from an address of a peer: its handshakes
 *	CORE_REST   everything else
 */
#ifndef SNO_CORE_SOCKET_H
#define SNO_CORE_SOCKET_H

#include "addr.h"

#include <stddef.h>
#include <stdint.h>

/* By their places in the kernel's group. */
enum core_queue { CORE_REST, CORE_PEERS, CORE_OURS, CORE_QUEUES };

/*
 * Opens all of them, bound and non-blocking; they are sorted into as soon as core_socket_sort() has
 * said how. 0, or -errno with none open: -EADDRINUSE also when it is another core agent that
 * listens there.
 */
int core_socket_open(const struct endpoint *local, int fds[CORE_QUEUES]);

/*
 * What goes where from now on: the mark in the upper half of a receiver index, and the addresses of
 * peers, of which only those of this family (of the sockets) count. 0 or -errno; then it is as it
 * was. What is queued already stays where it is.
 */
int core_socket_sort(const int fds[CORE_QUEUES], sa_family_t family, uint16_t mark,
		     const struct addr *peers, size_t count);

#endif
