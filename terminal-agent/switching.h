/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The external command that moves the terminal from one link to another: a modem's control program,
 * an antenna's motor, a simulation.
 *
 * It is called as COMMAND ARG... FROM TO with the names of the two links ("-" where there is none),
 * without a shell, with nothing on standard input, and standard output and error going where those
 * of the agent go. It may take a while; what counts is the new link coming up, and its exit status
 * when it fails. The loop never waits for it.
 */
#ifndef SNO_TERMINAL_SWITCHING_H
#define SNO_TERMINAL_SWITCHING_H

#include "clock.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* error is 0 when it exited with status 0; otherwise -errno: -EIO (it failed), -ETIMEDOUT. */
typedef void switching_fn(void *arg, int error);

struct switching {
	struct ev_loop *loop;
	ev_child child;
	ev_timer timeout;
	pid_t pid; /* 0: none is running */
	bool killed;
	switching_fn *fn;
	void *arg;
};

void switching_init(struct switching *s, struct ev_loop *loop, switching_fn *fn, void *arg);

/*
 * Starts the command (count words, the first an absolute path). 0; -EBUSY while one is running;
 * -errno when it cannot be started. Logged. fn is called when it has ended.
 */
int switching_start(struct switching *s, char *const *command, size_t count, const char *from,
		    const char *to, usec_t timeout);

/* Ends a command that is running, without calling fn. */
void switching_stop(struct switching *s);

#endif
