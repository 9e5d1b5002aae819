/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a core says on its access side (PROTOCOL section 5). */
#ifndef SNO_CORE_SEND_H
#define SNO_CORE_SEND_H

#include "core.h"
#include "satellite.h"

/*
 * Sends one access datagram to a terminal (dst, its link-local address) or, when dst is NULL, to
 * all on a satellite. 0 or -errno; a datagram that is lost here is as one lost in the air.
 */
int send_datagram(struct satellite *satellite, const struct lladdr *dst,
		  const struct addr *link_local, const uint8_t *datagram, size_t length);

/* Encodes and sends a message in the clear. 0 or -errno. */
int send_message(struct satellite *satellite, const struct lladdr *dst,
		 const struct addr *link_local, const struct message *m);

/* The core advertisement on one satellite. */
void send_advertisement(struct satellite *satellite);

/* A registration reject; handshake (may be NULL) is the home core's Noise message 2. */
void send_reject(struct satellite *satellite, const struct lladdr *dst,
		 const struct addr *link_local, uint32_t index, enum reason reason,
		 const struct message_blob *handshake);

#endif
