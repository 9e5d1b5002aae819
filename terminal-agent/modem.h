/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switching command as a program that stays (switching.resident). Starting a process takes
 * milliseconds, which is much where a handover takes two; a line through a pipe takes none.
 *
 * The program reads a line "FROM TO" for each switch, the names of the two links ("-" where there
 * is none), and answers each with a line when it is done: "ok", or anything else for a failure,
 * which goes to the log. It ends when its standard input does. One that has ended is started again
 * with the next order. The loop never waits for it.
 */
#ifndef SNO_TERMINAL_MODEM_H
#define SNO_TERMINAL_MODEM_H

#include "terminal-agent/switching.h"

#define MODEM_LINE_MAX 160 /* of an answer; the rest of a longer one is cut off */

struct modem {
	struct ev_loop *loop;
	char **command; /* a copy, ending with NULL; NULL: none */
	pid_t pid;	/* 0: it does not run */
	int orders;	/* its standard input */
	int answers;	/* its standard output */
	ev_io reader;
	ev_child child;
	ev_timer timeout;
	bool ordered; /* an answer is due */
	char line[MODEM_LINE_MAX];
	size_t length;
	switching_fn *fn;
	void *arg;
};

void modem_init(struct modem *m, struct ev_loop *loop, switching_fn *fn, void *arg);

/*
 * Starts this command (count words, the first an absolute path; 0: none), unless it is the one that
 * runs; another one that runs is ended. 0; -errno, logged, when it cannot be started: it is tried
 * again with each order.
 */
int modem_configure(struct modem *m, char *const *command, size_t count);

/*
 * Gives an order. 0; -EBUSY while one is being carried out; -errno when the program cannot be
 * started or reads no more. Logged. fn is called with 0 or -errno: -EIO (it failed or ended),
 * -ETIMEDOUT (it was ended).
 */
int modem_switch(struct modem *m, const char *from, const char *to, usec_t timeout);

/* Ends the program, without calling fn. */
void modem_stop(struct modem *m);

#endif
