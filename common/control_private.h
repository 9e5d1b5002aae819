/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the control socket share: control.c answers requests and knows no sockets,
 * control_socket.c moves lines and knows no commands. Only control*.c include this.
 */
#ifndef SNO_CONTROL_PRIVATE_H
#define SNO_CONTROL_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control.h"

struct control_client;
TAILQ_HEAD(control_clients, control_client);

struct control {
	const struct control_command *commands;
	void *arg;
	control_handler *snapshot;
	uint64_t sequence; /* of the last event */

	/* The socket; loop is NULL in a control_detached(). */
	struct ev_loop *loop;
	char *path, *lock_path;
	int fd, lock_fd;
	ev_io listener;
	ev_prepare sender;     /* sends what clients have pending */
	ev_timer accept_later; /* after running out of descriptors */
	ev_timer reaper;       /* frees closed clients when no callback stands on them */
	struct control_clients clients;
	size_t client_count, subscribers;
};

/*
 * Answers one request. *subscribe is set when it was an accepted `monitor`. Returns the answer's
 * line with newline (from malloc), never longer than CONTROL_OUTPUT_MAX, or NULL without memory.
 */
char *control_answer(struct control *control, const char *line, size_t length, bool *subscribe);

/* An object as one line with newline, from malloc; takes over the reference. NULL without memory.
 */
char *control_line(json_t *object);

/* Gives a line (borrowed) to all subscribers. */
void control_publish(struct control *control, const char *line, size_t length);

#endif
