/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the control socket share: control.c answers requests and knows no sockets,
 * control_socket.c moves lines and knows no commands, control_listen.c has the socket's name. Only
 * control*.c include this.
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

/* --- an answer being put together (control_reply.c) --- */

#define CONTROL_FILTERS 8

struct control_reply {
	json_t *body;
	json_t *fields, *columns, *rows; /* borrowed: inside body */
	char *error;
	bool broken; /* something could not be put in: the answer would be incomplete */

	const json_t *request; /* whose other arguments filter the table; NULL: none do */
	struct control_filter {
		size_t column;
		char *pattern;
	} filters[CONTROL_FILTERS];
	size_t filter_count;

	const struct control_source *source; /* of rows that are still to come; NULL: none */
	void *cursor;
};

/* {"ok": true, "version": 1}. False without memory. */
bool control_reply_begin(struct control_reply *reply);
/* Asks the source for CONTROL_TURN_ROWS elements at most; at its end it is closed. */
void control_reply_turn(struct control_reply *reply);
/* Frees what it holds and closes the source. */
void control_reply_end(struct control_reply *reply);
/* An answer that says why not. */
json_t *control_refusal(const char *text);

/* --- answers and events (control.c) --- */

/* An answer whose table is still being read. */
struct control_stream;

struct control_answer {
	char *line; /* with newline, from malloc; NULL: the stream will give it */
	struct control_stream *stream; /* NULL: the line is all */
	bool subscribe;		       /* it was an accepted `monitor` */
};

/*
 * Answers one request. A line is never longer than CONTROL_OUTPUT_MAX. -ENOMEM with nothing to
 * free.
 */
int control_answer(struct control *control, const char *line, size_t length,
		   struct control_answer *answer);
/*
 * Goes on with a stream: one turn. 0, and *line (from malloc) when a line is ready, else NULL; the
 * stream has ended, and is freed, when *stream is NULL. -ENOMEM: likewise ended.
 */
int control_stream_turn(struct control_stream **stream, char **line);
/* Its reader has gone. NULL is allowed. */
void control_stream_free(struct control_stream *stream);

/* An object as one line with newline, from malloc; takes over the reference. NULL without memory.
 */
char *control_line(json_t *object);

/* Gives a line (borrowed) to all subscribers. */
void control_publish(struct control *control, const char *line, size_t length);

/* --- the socket in the file system (control_listen.c) --- */

/*
 * Listens at this path, without a loop yet. 0; or -errno, logged with what to do, and nothing is
 * left of it: -ENOMEM also for NULL as control, otherwise as control_open().
 */
int control_listen(struct control *control, const char *path);
/* Nobody can connect any more, and the socket's name is free. */
void control_unlisten(struct control *control);

#endif
