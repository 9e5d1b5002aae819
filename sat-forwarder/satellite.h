/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellite as a whole: what the schedule says is what the data plane does.
 *
 * Everything that may change the association ends in satellite_update(), the one place that
 * compares what should hold with what does, changes it, writes the log line, counts and tells the
 * monitors. It is handed both clocks: the wall for the schedule, the monotonic one for drains and
 * retries.
 *
 * What it relays for neighbours goes along: all functions here mean the relays too.
 */
#ifndef SNO_SAT_SATELLITE_H
#define SNO_SAT_SATELLITE_H

#include "control.h"
#include "kernel_monitor.h"
#include "reloading.h"
#include "sat-forwarder/forwarding.h"
#include "sat-forwarder/schedule.h"

#include <limits.h>

/* Both clocks at one instant. */
struct instant {
	usec_t now;  /* CLOCK_MONOTONIC */
	usec_t wall; /* CLOCK_REALTIME */
};

struct counters {
	unsigned long by_plan, by_order, by_configuration; /* associations that changed */
	unsigned long failures; /* changes that the kernel refused and that are tried again */
	unsigned long reloads, refused_reloads;
	usec_t late, latest; /* of planned changes: the last one, the worst one */
};

/* What is served, as it is called: that of the feeder, or over a neighbour what the plan says. */
struct served {
	char core[ASSOCIATION_NAME_MAX + 1]; /* "": none */
	char station[ASSOCIATION_NAME_MAX + 1];
	char via[ASSOCIATION_NAME_MAX + 1];
};

struct satellite {
	const struct config *config;
	struct kernel *kernel;
	struct control *control; /* NULL: nobody to tell */
	struct forwarding forwarding;
	struct schedule schedule;
	struct counters counters;
	struct lab_time time;	   /* of what is shown of plans */
	char order_file[PATH_MAX]; /* "": orders are not kept */

	bool settled; /* the first association has been decided */
	struct served served;
	enum source source; /* who says what holds */
	usec_t since;	    /* wall: since when the present core is served, or none is */
	usec_t told;	    /* wall: when plan or operator last said something new */
	usec_t started;	    /* monotonic */
	usec_t retry_at, retry_step;

	struct relay *relays; /* relays.h */
	size_t relay_count;

	struct reloading reloading; /* the association file of a reload, a struct plan_file */
};

/*
 * Sets up all ports, adopts what an earlier run has left, and makes the association that holds now.
 * order_file is where an order outlives the daemon (NULL: nowhere). The configuration and the
 * kernel must outlive it. 0; or -errno, logged, with nothing to close.
 */
int satellite_open(struct satellite *s, const struct config *config, struct kernel *kernel,
		   const char *order_file, struct instant at);
/* Frees it; the kernel goes on forwarding. */
void satellite_close(struct satellite *s);

/* Does all that is due. */
void satellite_update(struct satellite *s, struct instant at);
/* When satellite_update() has something to do next: by the wall, and by the monotonic clock. */
usec_t satellite_next_wall(const struct satellite *s, usec_t wall);
usec_t satellite_next(const struct satellite *s);

/* Why an order was refused. */
#define SATELLITE_WHY 512

/*
 * The operator's order to serve a core, over a station where that is not NULL. Over any station it
 * takes the first feeder to the core through which frames pass. 0; or -errno with everything as
 * before, and why.
 */
int satellite_order(struct satellite *s, const char *core, const char *station, struct instant at,
		    char why[SATELLITE_WHY]);
/* Ends the order: plan and configuration decide again. False when there was none. */
bool satellite_resume(struct satellite *s, struct instant at);

/*
 * Puts another configuration into force, with its association file. 0; or -errno with everything as
 * before, and why. -EINPROGRESS: a thread has begun to read the file, which is large, and nothing
 * is done before it has been read: satellite_goes_on().
 */
int satellite_reconfigure(struct satellite *s, const struct config *config, struct instant at,
			  char why[SATELLITE_WHY]);
/*
 * Reads the association file of the configuration again. 0, also where there is none; or -errno
 * with the old plan in force, and why; -EINPROGRESS as above.
 */
int satellite_reread(struct satellite *s, struct instant at, char why[SATELLITE_WHY]);
/* True, once, when a reload that waited for its file is to be made again. Where the file is not
 * good it is refused, and this stays false. */
bool satellite_goes_on(struct satellite *s);
/* That reload has been made, or came to nothing before it asked for the file. */
void satellite_forget_file(struct satellite *s);

/*
 * For relays.c. Opens a satellite whose association file has been read.
 */
int satellite_begin(struct satellite *s, const struct config *config, struct kernel *kernel,
		    const char *order_file, const struct plan_file *file, struct instant at);
/*
 * The two halves of a reload: takes the plan out of the file and checks it, without relays; 0, or
 * -errno and why. Then puts the configuration and this plan into force.
 */
int satellite_plan(struct satellite *s, const struct config *config, const struct plan_file *file,
		   struct plan *plan, usec_t wall, char why[SATELLITE_WHY]);
void satellite_follow(struct satellite *s, const struct config *config, const struct plan *plan,
		      struct instant at);

/* The kernel's monitor. */
void satellite_event(struct satellite *s, const struct kernel_event *event, struct instant at);

#endif
