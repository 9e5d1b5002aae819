/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the terminal has sent, received and dropped, as `snoctl terminal counters` shows it.
 */
#ifndef SNO_TERMINAL_COUNTERS_H
#define SNO_TERMINAL_COUNTERS_H

#include "message.h"

struct counters {
	uint64_t sent[256];	/* messages by type, repeated ones included */
	uint64_t received[256]; /* messages by type, authentic ones where they are sealed */
	uint64_t drops[DROP_COUNT];
	uint64_t unsent; /* sendings that the kernel refused */
};

#endif
