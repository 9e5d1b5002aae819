/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the data plane share: forwarding.c (association), ports.c (interfaces that come
 * and go, configuration) and step.c (single changes, undone on failure).
 */
#ifndef SNO_SAT_FORWARDING_PRIVATE_H
#define SNO_SAT_FORWARDING_PRIVATE_H

#include "sat-forwarder/forwarding.h"

/* What was changed since the journal was begun, to be undone in reverse. */
#define JOURNAL_MAX 8

struct step {
	struct action *action; /* of an action: as it was */
	struct action before;
	struct port *port; /* of a filter: the action it referred to */
	uint32_t filter;
};

struct journal {
	struct step steps[JOURNAL_MAX];
	size_t count;
};

/* Makes an action lead to this interface. */
int step_point(struct forwarding *f, struct journal *j, struct action *action,
	       unsigned int ifindex);
/* Makes the port's filter hand frames to this action; NULL removes the filter. */
int step_filter(struct forwarding *f, struct journal *j, struct port *port,
		const struct action *action);
void step_undo(struct forwarding *f, struct journal *j);
/* Reads both actions and the filters of all ports from the kernel. */
int step_adopt(struct forwarding *f);
/* Removes actions to which no filter refers. */
void step_tidy(struct forwarding *f, usec_t now);

/* Brings the kernel to what the ports and the association ask for. 0; or -errno, undone. */
int forwarding_settle(struct forwarding *f, usec_t now);
/* The same where there is nobody to refuse: on failure it is tried again later. */
void forwarding_resettle(struct forwarding *f, usec_t now);

/* Wakes forwarding_run() for another try, later each time. */
void forwarding_retry(struct forwarding *f, usec_t now);

/* Sets a port up, and says in the log what became of it. 0 or -errno. */
int ports_setup(struct forwarding *f, struct port *port);
/* Tries again with those that are not ready. True when none is left that the kernel refuses. */
bool ports_retry(struct forwarding *f);
/* Gives retired feeders back that nothing needs any more. */
void ports_drop_retired(struct forwarding *f, usec_t now);

#endif
