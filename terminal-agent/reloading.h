/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a reload, which have to be read before anything is changed: small ones at once,
 * large ones beside the loop. Then the reload comes to nothing at first, and is made once more when
 * they have been read; so there is one way in which a configuration takes effect.
 */
#ifndef SNO_TERMINAL_RELOADING_H
#define SNO_TERMINAL_RELOADING_H

#include "terminal-agent/files.h"

/* Zeroed, nothing is under way. */
struct reloading {
	struct files *files;	    /* read, for the reload that goes on; NULL: none */
	struct reading *reading;    /* NULL: none is under way */
	const struct files *wanted; /* ... of these: files_same() may be asked */
	usec_t look_at;		    /* when its end is asked for */
	bool goes_on;		    /* the reload can */
};

/*
 * Has the files of a configuration read, as at an instant of plans: r->files. 0; -EINPROGRESS: a
 * thread reads them, and reloading_goes_on() will tell; or -errno with every fault reported.
 */
int reloading_find(struct reloading *r, const struct config *config, usec_t planned, usec_t now,
		   association_report_fn *report, void *arg);
/* Looks whether they have been read. Files that are not good are reported, and the reload is
 * refused by that. Returns when to look again, USEC_NEVER: nothing is under way. */
usec_t reloading_look(struct reloading *r, usec_t now, association_report_fn *report, void *arg);
/* True, once, when the reload is to be made again. */
bool reloading_goes_on(struct reloading *r);
/* It has been made, or came to nothing before it asked for its files. */
void reloading_forget(struct reloading *r);
void reloading_close(struct reloading *r);

#endif
