/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last handovers, for operators: what moved from where to where, why, and what it cost.
 */
#ifndef SNO_TERMINAL_HANDOVERS_H
#define SNO_TERMINAL_HANDOVERS_H

#include "clock.h"
#include "kernel.h"
#include "message.h"
#include "metrics.h"

#include <jansson.h>

#define HANDOVERS_MAX 64

/* One end of a handover. */
struct place {
	char link[SNO_NAME_MAX + 1];
	char satellite[SNO_NAME_MAX + 1]; /* "": not known */
	char core[SNO_NAME_MAX + 1];
};

struct handover {
	usec_t wall; /* when it was complete: microseconds since 1970 */
	struct place from, to;
	enum handover_mode mode;
	usec_t gap;		/* without a link; 0 when there was none or it is not known */
	usec_t registration;	/* from the first discovery to registration done */
	usec_t first_packet;	/* from the link's being up to the first packet; -1: none came */
	uint64_t held, dropped; /* packets up: held while there was no way, and lost of these */
	unsigned int tries;	/* discoveries sent, repeated ones included */
	const char *reason;	/* constant */
};

/* What is told of them in sum, by mode. */
enum handover_part {
	HANDOVER_GAP,
	HANDOVER_REGISTRATION,
	HANDOVER_FIRST_PACKET, /* as far as one came before the next handover */
	HANDOVER_PARTS
};

/* A ring of the newest ones. Zero-initialised it is empty. */
struct handovers {
	struct handover list[HANDOVERS_MAX];
	uint64_t total; /* since the start */
	struct histogram parts[MODE_SOFT + 1][HANDOVER_PARTS];
};

void handovers_add(struct handovers *h, const struct handover *handover);
/* More has become known of the one that was added last; its time stays. */
void handovers_amend(struct handovers *h, const struct handover *handover);
size_t handovers_count(const struct handovers *h);
/* The i-th of those kept, the oldest first. */
const struct handover *handovers_get(const struct handovers *h, size_t i);

/* As an object for programs. NULL when out of memory. */
json_t *handover_json(const struct handover *handover);

#endif
