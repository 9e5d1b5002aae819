/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Antennas and the one program that points them: it carries out an order at a time, so others wait
 * for their turn. An antenna loses its link when its order begins, not before.
 */
#ifndef SNO_TERMINAL_POINTING_H
#define SNO_TERMINAL_POINTING_H

#include "terminal-agent/links.h"

struct pointing_ops {
	/* Starts the program for this order; pointing_ended() will tell. 0 or -errno, logged. */
	int (*start)(void *context, const char *antenna, const char *satellite);
	/* An order has been carried out, or not: error 0 or -errno. */
	void (*ended)(void *context, struct link *link, int error);
	void *context;
};

struct pointing {
	struct links *links;
	struct pointing_ops ops;
	struct link *current; /* whose order is being carried out; NULL: none, or it is gone */
	bool busy;
};

void pointing_init(struct pointing *p, struct links *links, const struct pointing_ops *ops);

/*
 * Orders an antenna to the satellite of this link, which is one of an antenna. 0, also where that
 * is ordered already; or -errno, logged: the program cannot be started.
 */
int pointing_order(struct pointing *p, struct link *link, usec_t now);
/* The program has ended or answered; error 0 or -errno. Begins the next order. */
void pointing_ended(struct pointing *p, int error, usec_t now);
/* The link is about to be freed. */
void pointing_forget(struct pointing *p, const struct link *link);

#endif
