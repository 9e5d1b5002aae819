/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a long run is: a bar on a terminal, otherwise a line now and then, on standard error.
 *
 *	windows   [##########..........]  52%   0:41 to go
 *
 * One thing at a time. Counting may be done from any thread, whatever comes first is drawn.
 */
#ifndef SNO_PLAN_PROGRESS_H
#define SNO_PLAN_PROGRESS_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct progress {
	FILE *out; /* NULL: quiet */
	bool bar;
	const char *what;
	size_t all;
	usec_t begun, drawn;
	_Atomic size_t done;
	_Atomic bool drawing;
};

/* Where to: `out` (standard error), a bar if that is a terminal; nothing at all when quiet. */
void progress_open(struct progress *progress, FILE *out, bool quiet);
/* Begins something of `all` parts (above 0). `what` is borrowed; a word or two. */
void progress_begin(struct progress *progress, const char *what, size_t all);
/* So many parts are done by now. Cheap, thread-safe; a window_progress_fn with `progress` as arg.
 */
void progress_at(void *progress, size_t done, size_t all);
/* So many more are. */
void progress_add(struct progress *progress, size_t more);
/* It is over; says how long it took, and returns that in seconds. */
double progress_end(struct progress *progress);

#endif
