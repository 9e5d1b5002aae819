/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a message is about, for those who look for messages and do not read them all: in the journal
 * it has fields of its own (sno-journal(7)), everywhere else it is a line like any other.
 */
#ifndef SNO_LOG_EVENT_H
#define SNO_LOG_EVENT_H

#include "log.h"

#include <stddef.h>

/* Kinds of events; each has a MESSAGE_ID that never changes. */
enum log_event {
	LOG_EVENT_NONE,
	LOG_EVENT_STARTED,
	LOG_EVENT_STOPPED,
	LOG_EVENT_RELOADED,
	LOG_EVENT_RELOAD_REFUSED,
	LOG_EVENT_SERVED,     /* a terminal is served by another core than before */
	LOG_EVENT_HANDOVER,   /* what a handover took, when that is known */
	LOG_EVENT_REGISTERED, /* a terminal is registered, as it sees it itself */
	LOG_EVENT_REFUSED,    /* a registration was refused */
	LOG_EVENT_STATE,      /* a session or binding changed its state */
	LOG_EVENT_PEER_UP,
	LOG_EVENT_PEER_DOWN,
	LOG_EVENT_PEER_CHANGED, /* by a reload */
	LOG_EVENT_ASSOCIATION,
	LOG_EVENT_LINK_READY,
	LOG_EVENT_LINK_LOST,
	LOG_EVENTS
};

/* Members that do not apply are zero. */
struct log_about {
	enum log_event event;
	const char *terminal;  /* NAI */
	const char *peer;      /* another core's name */
	const char *satellite; /* its name */
};

/* A message of any level with that; about may be NULL. */
void log_event(enum log_level level, const struct log_about *about, const char *format, ...)
	LOG_PRINTF(3, 4);
/* log_remote() with that. */
void log_remote_event(struct log_limit *limit, usec_t now, const struct log_about *about,
		      const char *format, ...) LOG_PRINTF(4, 5);
/* log_transition() with that. */
void log_transition_event(const struct log_about *about, const char *what, const char *old_state,
			  const char *new_state, const char *reason);

/* The MESSAGE_ID, 32 hexadecimal digits; NULL for LOG_EVENT_NONE. */
const char *log_event_id(enum log_event event);

/* Where the journal's socket is, from the next log_init() on; NULL: where it always is. For tests.
 */
void log_journal_at(const char *path);

/* --- between log.c and log_journal.c --- */

/*
 * Opens the journal's socket; NULL: where it always is. 0, or -errno: then stderr has to do. Closes
 * one that was open before.
 */
int log_journal_open(const char *path);
void log_journal_close(void);
/*
 * One message as the journal's native protocol has it, of at most `size` bytes, without the
 * fields that do not fit. The text has no control characters. Returns the length.
 */
size_t log_journal_record(char *out, size_t size, enum log_level level, const char *ident,
			  const struct log_about *about, const char *text, size_t length);
/* Sends a record; where the journal does not take it, it is written to stderr as a line. */
void log_journal_send(const char *record, size_t length);

#endif
