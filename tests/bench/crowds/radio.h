/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The crowd's one antenna: a packet socket on the interface that leads to the satellite, through
 * which the frames of all terminals pass.
 *
 * Frames are sent in batches, and the kernel says when each one came in, so that what the crowd
 * measures does not depend on when it gets round to reading.
 */
#ifndef SNO_CROWD_RADIO_H
#define SNO_CROWD_RADIO_H

#include "clock.h"
#include "frame.h"

#include <stddef.h>
#include <stdint.h>

struct radio;

/* A frame, and when it came in (microseconds since 1970). Octets are valid during the call. */
typedef void radio_fn(void *arg, const uint8_t *octets, size_t length, usec_t arrived);

/* Hears frames of one EtherType. 0, or -errno. */
int radio_open(struct radio **radio, const char *interface, uint16_t ethertype);
void radio_close(struct radio *radio);
int radio_fd(const struct radio *radio);

/* Puts a frame into the batch, which is sent when it is full. */
void radio_send(struct radio *radio, const struct frame *frame);
void radio_flush(struct radio *radio);
/* Frames that could not be sent, and frames that the kernel had no room for. */
uint64_t radio_unsent(const struct radio *radio);
uint64_t radio_overflow(const struct radio *radio);

/* Reads what there is. */
void radio_receive(struct radio *radio, radio_fn *fn, void *arg);

#endif
