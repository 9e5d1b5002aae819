/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last handovers as this core saw them, for operators: a ring that snoctl shows, an event and a
 * log line for each.
 */
#ifndef SNO_CORE_HANDOVER_H
#define SNO_CORE_HANDOVER_H

#include "clock.h"
#include "message.h"

#include <stddef.h>

#define HANDOVERS_KEPT 256
#define NAI_TEXT       (2 * (SNO_NAME_MAX + 1))

struct core;

/* One handover. Times in microseconds; -1 where this core has not been told. */
struct handover {
	char nai[NAI_TEXT];
	char from[SNO_NAME_MAX + 1]; /* serving core before, "" for none */
	char to[SNO_NAME_MAX + 1];
	usec_t at;	      /* when the new binding took effect */
	int64_t gap;	      /* without a link, as the terminal measured */
	int64_t registration; /* first discovery to registration done, at the terminal */
	uint64_t binding;
};

struct handover_log {
	struct handover ring[HANDOVERS_KEPT];
	size_t next, count;
};

/* A terminal is served by another core than before (or for the first time). */
void handover_begun(struct core *core, const char *nai, const char *from, const char *to,
		    uint64_t binding, usec_t now);
/* The terminal has told how long it took (handover done). */
void handover_measured(struct core *core, uint64_t binding, uint32_t gap, uint32_t registration);
/* The i-th of those kept, the oldest first; NULL behind the last. */
const struct handover *handover_kept(const struct handover_log *log, size_t i);

#endif
