/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a reload, which have to be read before anything is changed: small ones at once,
 * large ones beside the loop (reading.h). Then the reload comes to nothing at first, and is made
 * once more when they have been read; so there is one way in which a configuration takes effect.
 */
#ifndef SNO_RELOADING_H
#define SNO_RELOADING_H

#include "reading.h"

/* Objects that are read from files. What is asked may be asked while they are being read. */
struct reloading_kind {
	struct reading_kind reading;
	/* True when none of its files is larger than READING_SMALL. */
	bool (*small)(const void *object);
	/* True when both are of the same files, unchanged, for the same purpose. */
	bool (*same)(const void *a, const void *b);
};

/* Zeroed, nothing is under way. */
struct reloading {
	const struct reloading_kind *kind;
	void *object;		 /* read, for the reload that goes on; NULL: none */
	struct reading *reading; /* NULL: none is under way */
	const void *wanted;	 /* ... of this object */
	usec_t look_at;		 /* when its end is asked for */
	bool goes_on;		 /* the reload can */
};

/*
 * Has files read into r->object, which may be there already: into this one, or one like it; takes
 * it over (NULL: out of memory). 0; -EINPROGRESS: a thread reads them, and reloading_goes_on() will
 * tell; or -errno with every fault of the files reported.
 */
int reloading_find(struct reloading *r, const struct reloading_kind *kind, void *wanted, usec_t now,
		   association_report_fn *report, void *arg);
/*
 * Looks whether they have been read. 0; or -errno: they are not good, which is reported, and the
 * reload is refused by that, which is logged as daemon_reload() does.
 */
int reloading_look(struct reloading *r, usec_t now, association_report_fn *report, void *arg);
/* When to look again; USEC_NEVER: nothing is under way. */
usec_t reloading_next(const struct reloading *r);
/* True, once, when the reload is to be made again. */
bool reloading_goes_on(struct reloading *r);
/* It has been made, or came to nothing before it asked for its files. */
void reloading_forget(struct reloading *r);
void reloading_close(struct reloading *r);

#endif
