/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that carry the access side's frames (frame.h) on one interface.
 *
 * Frames instead of a UDP socket, for two reasons. A core has to know the port and the Ethernet
 * address a discovery came from, before any neighbour or bridge entry exists. A terminal sends its
 * discovery at the very moment its link is up, when the kernel's own IPv6 is not ready on that link
 * yet: it waits for the link watch, which may take up to a second.
 */
#ifndef SNO_LINK_SOCKET_H
#define SNO_LINK_SOCKET_H

#include "addr.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What a socket hears. A flood in one queue is none in the other: LINK_OURS is sealed datagrams
 * with our mark in their receiver index, which who has not heard this link has to guess;
 * LINK_PROVING is discoveries with a short proof or a cookie proof, or what looks like these, and
 * cheap to check; LINK_REST is what is none of these.
 */
enum link_queue { LINK_OURS, LINK_PROVING, LINK_REST, LINK_QUEUES, LINK_ALL = LINK_QUEUES };

/* The bits of a receiver index, counted from its uppermost 16, that all of one core have in common:
 * the mark. There are a million indices with it. */
#define LINK_MARK 0xfff0

/*
 * A non-blocking packet socket on this interface that hears what comes in for this UDP port over
 * IPv6 and belongs to this queue, whole frames, and nothing else; bridge ports too. The mark counts
 * for LINK_OURS and LINK_REST. Returns the descriptor, or -errno. Needs CAP_NET_RAW.
 */
int link_socket_open(unsigned int ifindex, uint16_t udp_port, enum link_queue queue, uint16_t mark);

/*
 * A non-blocking packet socket that hears the packets of users that come in on this interface: IPv4
 * and IPv6 for its own Ethernet address, from and to anywhere but the link. It serves to know when
 * one comes. It has room for a few beginnings of packets; while nobody reads it, all others are
 * passed over at little cost. So it is opened once: closing it, or another filter, makes the kernel
 * wait or work for milliseconds. Returns the descriptor, or -errno. Needs CAP_NET_RAW.
 */
int link_socket_users(unsigned int ifindex);

/*
 * A UDP socket that swallows the same datagrams where the kernel hands them up as well; it is never
 * read, and keeps the kernel from answering them with "port unreachable". Returns the descriptor,
 * or -errno.
 */
int link_socket_sink(const char *interface, uint16_t udp_port);

/* Hears frames to this multicast Ethernet address too, for as long as the socket lives. 0 or
 * -errno. */
int link_socket_join(int fd, unsigned int ifindex, const uint8_t address[6]);

#endif
