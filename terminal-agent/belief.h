/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which core is behind a link: what was heard there, what a choice or the home core has said of the
 * way, and what the schedule says. The newest of these counts: an advertisement stands against the
 * schedule, but not from before the satellite has changed its core.
 *
 * None of it is a proof. What is wrong costs a registration some time, and no more.
 */
#ifndef SNO_TERMINAL_BELIEF_H
#define SNO_TERMINAL_BELIEF_H

#include "clock.h"

#include <stdbool.h>

struct link;
struct session;

/* The core at an instant; NULL: not known. */
const char *belief_core(const struct session *s, const struct link *link, usec_t at);
/* The core that was heard on the link, or will have come in its place by then; NULL: none was. */
const char *belief_heard(const struct session *s, const struct link *link, usec_t at);

/*
 * Has this core just come to be there, as the schedule says? For a while after it satellites may be
 * late, and frames of the core before still arrive.
 */
bool belief_fresh(const struct session *s, const struct link *link, const char *core, usec_t now);
/* ... or another one, so that what this one says is of before? */
bool belief_former(const struct session *s, const struct link *link, const char *core, usec_t now);

#endif
