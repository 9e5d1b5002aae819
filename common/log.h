/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon says, to whom, and how often.
 *
 * The API is OpenBSD's: the function's name is the level, log_warn() adds the text of errno,
 * log_warnx() does not. Messages go to stderr; to the journal's own socket, with fields
 * (log_event.h), when stderr is the journal (JOURNAL_STREAM), with the time when it is a terminal
 * or the level is debug, and to syslog(3) once a daemon has detached. What a remote can cause at
 * will goes through log_remote(), which a token bucket limits, so that nobody fills the disk from
 * outside (the idea is BIRD's log classes).
 *
 * One message is one line: control characters in it are written as \xHH, so that nothing that came
 * from a configuration or a datagram can forge a second line.
 */
#ifndef SNO_LOG_H
#define SNO_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "bucket.h"
#include "clock.h"

/* Levels carry the numbers of syslog(3) and of the journal's prefixes. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Where messages go. LOG_TO_AUTO: to the journal when stderr is the journal, else as plain lines.
 * LOG_TO_JOURNAL without its socket: as lines with its `<N>` prefix for priorities.
 */
enum log_target {
	LOG_TO_AUTO,
	LOG_TO_STDERR,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
};

#define LOG_PRINTF(text, first) __attribute__((format(printf, text, first)))

/*
 * Names the program (kept by reference) and says what is written and where. Before the first call
 * messages of LOG_LEVEL_INFO and graver go to stderr without a name. May be called again.
 */
void log_init(const char *ident, enum log_level level, enum log_target target);

/*
 * The process has started and goes on from here: messages to the journal get fields. The journal
 * looks up whose such a message is when it reads it, so what a process says right before its end
 * comes without the name of its unit; before this all goes by standard error, which is the unit's.
 */
void log_steady(void);

/*
 * All that this process says is about this terminal (its NAI, kept by reference; NULL: about none),
 * but for what is about another one.
 */
void log_of_terminal(const char *nai);

/* The least grave level that is still written; set by the configuration's log.level or by -d. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/*
 * Lets lines up to level notice wait until log_flush(), which the event loop calls before it
 * sleeps: what a datagram brings about is answered first and written down then. At level debug
 * nothing waits, so that a crash loses no line. Ending the hold flushes.
 */
void log_hold(bool hold);
void log_flush(void);

/* "error", "warning", "notice", "info", "debug". -EINVAL for any other text. */
int log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Something failed and the daemon cannot do what it is for. */
void log_error(const char *format, ...) LOG_PRINTF(1, 2);
/* Something failed; the text of errno is added. errno is preserved. */
void log_warn(const char *format, ...) LOG_PRINTF(1, 2);
/* The same for a function that returned -errno: "message: text of error". */
void log_warn_errno(int error, const char *format, ...) LOG_PRINTF(2, 3);
/* Something failed; the message says all. */
void log_warnx(const char *format, ...) LOG_PRINTF(1, 2);
/* Something an operator wants to see in normal running: handovers, peers up and down. */
void log_notice(const char *format, ...) LOG_PRINTF(1, 2);
void log_info(const char *format, ...) LOG_PRINTF(1, 2);
void log_debug(const char *format, ...) LOG_PRINTF(1, 2);

/*
 * A token bucket for messages that a remote can cause. Zero-initialised it allows a burst of
 * LOG_LIMIT_BURST messages and LOG_LIMIT_PER_MINUTE after that. Keep one per class of noise or
 * per peer, not one for all: one noisy neighbour must not hide another's trouble.
 */
#define LOG_LIMIT_BURST	     10
#define LOG_LIMIT_PER_MINUTE 10

struct log_limit {
	struct bucket bucket;
	unsigned long suppressed;
};

/* True when one more message may be written at this instant; counts the others. */
bool log_allow(struct log_limit *limit, usec_t now);

/*
 * A remote did something wrong (level warning), limited. When messages were suppressed before this
 * one, their number is written first.
 */
void log_remote(struct log_limit *limit, usec_t now, const char *format, ...) LOG_PRINTF(3, 4);

/*
 * A state machine changed its state: "session alice@a.example: visiting -> home, release ACK".
 * Level info; written only when old and new differ. Reason may be NULL.
 */
void log_transition(const char *what, const char *old_state, const char *new_state,
		    const char *reason);

#endif
