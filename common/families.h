/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Families of figures (metrics.h) that more than one daemon has: the same name is the same figure.
 */
#ifndef SNO_FAMILIES_H
#define SNO_FAMILIES_H

#include "hold.h"
#include "message.h"

#include <stdint.h>
#include <stdio.h>

/* A family ("counter" or "gauge") of one sample without labels. */
void family_single(FILE *out, const char *name, const char *type, const char *help, double value);

/* sno_build_info of a daemon, named without "sno-". */
void family_build(FILE *out, const char *daemon);

/* Messages of one side, by type. */
struct family_messages {
	const char *side;		 /* NULL where there is only one */
	const uint64_t *sent, *received; /* of 256 */
};

/* sno_messages_sent_total and sno_messages_received_total: of each type that there were any. */
void family_messages(FILE *out, const struct family_messages *sides, size_t count);

/* sno_datagrams_dropped_total, by reason. */
void family_drops(FILE *out, const uint64_t drops[DROP_COUNT]);

/* sno_hold_packets, sno_hold_buffered_total and sno_hold_dropped_total. */
void family_hold(FILE *out, const struct hold *hold);

#endif
