/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last handovers as this core saw them, for operators: a ring that snoctl shows, an event and a
 * log line for each, and how many there were in each mode.
 */
#ifndef SNO_CORE_HANDOVER_H
#define SNO_CORE_HANDOVER_H

#include "clock.h"
#include "hold.h"
#include "message.h"
#include "metrics.h"

#include <stddef.h>
#include <uthash.h>

/* A crowd tells what it has measured when the last of it has moved: so many are remembered. */
#define HANDOVERS_KEPT 4096
#define NAI_TEXT       (2 * (SNO_NAME_MAX + 1))

struct core;

/* One handover. Times in microseconds; -1 where this core has not been told. */
struct handover {
	char nai[NAI_TEXT];
	char from[SNO_NAME_MAX + 1]; /* serving core before, "" for none */
	char to[SNO_NAME_MAX + 1];
	usec_t at; /* when the new binding took effect */
	uint64_t binding;
	enum handover_mode mode; /* in which it was made */
	/* At this core, from when it was told (by disconnect, by arrival, by the schedule, by an
	 * authentic discovery) to when the kernel had acknowledged where the home addresses lead.
	 */
	int64_t switching;
	/* Of the terminal, after it: */
	int64_t gap;		   /* without a link */
	int64_t registration;	   /* first discovery to registration done */
	int64_t first_packet;	   /* from the new link to the first packet on it */
	int64_t buffered, dropped; /* packets that were held and delivered, or given up ... */
	struct hold_counters held; /* ... besides those that were held here */
	UT_hash_handle hh;	   /* by binding */
};

/* What is told of them in sum, by mode. */
enum handover_part {
	HANDOVER_GAP,
	HANDOVER_REGISTRATION,
	HANDOVER_SWITCHING,
	HANDOVER_FIRST_PACKET,
	HANDOVER_PARTS
};

struct handover_log {
	struct handover *ring; /* HANDOVERS_KEPT of them */
	struct handover *by_binding;
	size_t next, count;
	uint64_t begun;		      /* of all time: the oldest kept is number begun - count */
	uint64_t made[MODE_SOFT + 1]; /* by mode; first registrations are none */
	struct histogram parts[MODE_SOFT + 1][HANDOVER_PARTS];
};

/* An empty log; 0 or -ENOMEM. */
int handover_log_open(struct handover_log *log);
void handover_log_close(struct handover_log *log);

/*
 * A terminal is served by another core than before (or for the first time). Of *h, which is copied,
 * all up to switching is set, and held.
 */
void handover_begun(struct core *core, const struct handover *h);
/* What was held here for the terminal of this binding has gone its way. */
void handover_held(struct core *core, uint64_t binding, const struct hold_counters *held);
/* Packets that were held anywhere and delivered, or given up; -1 when nobody held any. */
int64_t handover_buffered(const struct handover *h);
int64_t handover_dropped(const struct handover *h);
/* The terminal has told what it measured (handover done). */
void handover_measured(struct core *core, uint64_t binding, const struct message *done);
/* The i-th of those kept, the oldest first; NULL behind the last. */
const struct handover *handover_kept(const struct handover_log *log, size_t i);

#endif
