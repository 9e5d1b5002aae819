/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients under control.h: who is connected, lines in, lines out, never waiting for anybody.
 *
 * A client is closed in two steps. client_drop() ends it at once (descriptor, watchers), from
 * wherever the trouble was noticed, which may be deep inside a handler that another client, or the
 * same one, asked for; its memory goes when the reaper runs from the loop, where nothing stands on
 * it.
 */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "control_private.h"
#include "log.h"

#define PATIENCE_WRITE 30.0  /* seconds for a client to read anything at all */
#define PATIENCE_IDLE  600.0 /* seconds for a client that does not subscribe to ask something */
#define HIGH_WATER     ((size_t)256 << 10) /* bytes unread: no further requests are taken */

/* A refusal as a line; the version is CONTROL_VERSION. */
#define TOLD(text) "{\"ok\":false,\"version\":1,\"error\":\"" text "\"}\n"
_Static_assert(CONTROL_VERSION == 1, "TOLD() says so");

struct control_client {
	TAILQ_ENTRY(control_client) entry;
	struct control *control;
	int fd;
	ev_io readable, writable;
	ev_timer patience;
	ev_timer turn;		       /* the next part of the stream, when the loop comes round */
	struct control_stream *stream; /* the answer to the last request, NULL: that is complete */
	bool subscribed;
	bool eof;     /* sends no more requests */
	bool closing; /* close when all is written */
	bool dropped; /* closed, waits for the reaper */

	char *in; /* CONTROL_REQUEST_MAX bytes and one for the newline */
	size_t in_length;
	char *out;
	size_t out_length, out_sent, out_room;
	bool midst;	    /* a line has been sent in part */
	size_t events_from; /* where in out the answer to `monitor` ends */
};

static void client_serve(struct control_client *client);

/* --- ending a client --- */

static void client_drop(struct control_client *client, const char *reason)
{
	struct control *control = client->control;

	if (client->dropped)
		return;
	if (reason)
		log_info("control: client dropped: %s", reason);
	client->dropped = true;
	ev_io_stop(control->loop, &client->readable);
	ev_io_stop(control->loop, &client->writable);
	ev_timer_stop(control->loop, &client->patience);
	ev_timer_stop(control->loop, &client->turn);
	control_stream_free(client->stream);
	client->stream = NULL;
	close(client->fd);
	if (client->subscribed)
		control->subscribers--;
	ev_timer_start(control->loop, &control->reaper);
}

static void client_free(struct control_client *client)
{
	TAILQ_REMOVE(&client->control->clients, client, entry);
	client->control->client_count--;
	free(client->in);
	free(client->out);
	free(client);
}

static void reap(struct control *control)
{
	struct control_client *client = TAILQ_FIRST(&control->clients), *next;

	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (client->dropped)
			client_free(client);
	}
}

static void on_reaper(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	ev_timer_stop(loop, w);
	reap(w->data);
}

/* --- writing --- */

static size_t client_pending(const struct control_client *client)
{
	return client->out_length - client->out_sent;
}

/* Starts the time this client has for its next sign of life. */
static void client_patience(struct control_client *client)
{
	struct ev_loop *loop = client->control->loop;

	if (client_pending(client))
		client->patience.repeat = PATIENCE_WRITE;
	else
		client->patience.repeat = client->subscribed ? 0. : PATIENCE_IDLE;
	ev_timer_again(loop, &client->patience);
}

/* Writes what the socket takes. */
static void client_flush(struct control_client *client)
{
	struct ev_loop *loop = client->control->loop;

	while (client_pending(client)) {
		ssize_t n = send(client->fd, client->out + client->out_sent, client_pending(client),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			ev_io_start(loop, &client->writable);
			return;
		}
		if (n < 0) { /* it went away: nothing to say about that */
			client_drop(client, NULL);
			return;
		}
		client->out_sent += (size_t)n;
		client->midst = client->out[client->out_sent - 1] != '\n';
		client_patience(client);
	}
	ev_io_stop(loop, &client->writable);
	client->out_length = client->out_sent = client->events_from = 0;
	if (client->out_room > HIGH_WATER) {
		free(client->out);
		client->out = NULL;
		client->out_room = 0;
	}
	if (client->closing)
		client_drop(client, NULL);
}

/* Forgets what has been sent, to make room at the end. */
static void client_compact(struct control_client *client)
{
	size_t sent = client->out_sent;

	memmove(client->out, client->out + sent, client_pending(client));
	client->out_length -= sent;
	client->out_sent = 0;
	client->events_from = client->events_from > sent ? client->events_from - sent : 0;
}

static void client_append(struct control_client *client, const char *line, size_t length)
{
	bool idle;

	if (client->out_sent > client->out_room / 2)
		client_compact(client);
	if (client->out_length + length > client->out_room) {
		size_t room = (client->out_length + length) * 3 / 2;
		char *out = realloc(client->out, room);

		if (!out) {
			client_drop(client, "no memory for its answer");
			return;
		}
		client->out = out;
		client->out_room = room;
	}
	idle = !client_pending(client);
	memcpy(client->out + client->out_length, line, length);
	client->out_length += length;
	if (idle) /* from now on it has something to read */
		client_patience(client);
}

static void client_write(struct control_client *client, const char *line, size_t length)
{
	client_append(client, line, length);
	if (!client->dropped)
		client_flush(client);
}

/* --- events --- */

/*
 * A subscriber that does not read: what it has not begun to receive is taken back, so that it can
 * be told why the stream ends here.
 */
static void client_overrun(struct control_client *client)
{
	struct control *control = client->control;
	size_t keep = client->out_sent, lost = 1;
	char *line;

	if (client->midst) /* finish the line that is on its way */
		keep = (size_t)((char *)memchr(client->out + keep, '\n',
					       client->out_length - keep) -
				client->out) +
		       1;
	if (keep < client->events_from)
		keep = client->events_from;
	for (size_t i = keep; i < client->out_length; i++)
		lost += client->out[i] == '\n';
	client->out_length = keep;
	ev_timer_stop(control->loop, &client->turn);
	control_stream_free(client->stream); /* of the snapshot */
	client->stream = NULL;
	client->closing = true;
	client->subscribed = false;
	control->subscribers--;
	ev_io_stop(control->loop, &client->readable);
	log_info("control: a subscriber does not read, %zu events lost to it", lost);
	line = control_line(json_pack("{s:s, s:I, s:{s:I}}", "event", "overrun", "sequence",
				      (json_int_t)control->sequence, "data", "lost",
				      (json_int_t)lost));
	if (line)
		client_write(client, line, strlen(line));
	else
		client_drop(client, "no memory to tell it of an overrun");
	free(line);
}

void control_publish(struct control *control, const char *line, size_t length)
{
	struct control_client *client;

	TAILQ_FOREACH (client, &control->clients, entry) {
		size_t begun, unread;

		if (client->dropped || !client->subscribed)
			continue;
		begun = client->out_sent > client->events_from ? client->out_sent
							       : client->events_from;
		unread = client->out_length - begun;
		/* on_prepare() sends it: an event must not hold up what it tells of. */
		if (unread + length > CONTROL_EVENTS_MAX)
			client_overrun(client);
		else
			client_append(client, line, length);
	}
}

/* --- requests --- */

/* The next part of a long table waits for the loop to come round, and for the client to read. */
static void client_stream(struct control_client *client)
{
	if (client->stream && client_pending(client) < HIGH_WATER)
		ev_timer_start(client->control->loop, &client->turn);
}

static void on_turn(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct control_client *client = w->data;
	char *line;

	(void)loop;
	(void)revents;
	if (control_stream_turn(&client->stream, &line) < 0) {
		client_drop(client, "no memory for its answer");
		return;
	}
	if (line)
		client_write(client, line, strlen(line));
	free(line);
	if (!client->dropped && client->stream)
		client_stream(client);
	else if (!client->dropped)
		client_serve(client);
}

static void client_request(struct control_client *client, const char *line, size_t length)
{
	struct control *control = client->control;
	struct control_answer answer;
	int err = control_answer(control, line, length, &answer);

	if (client->dropped) {
		control_stream_free(answer.stream);
		free(answer.line);
		return;
	}
	if (err) {
		client_drop(client, "no memory for its answer");
		return;
	}
	if (answer.subscribe && !client->subscribed) {
		client->subscribed = true;
		control->subscribers++;
	}
	client->stream = answer.stream;
	client_stream(client);
	if (answer.line)
		client_write(client, answer.line, strlen(answer.line));
	if (!client->dropped && answer.subscribe)
		client->events_from = client->out_length;
	free(answer.line);
}

/* Answers the whole lines that have come in, as long as the client reads the answers. */
static void client_serve(struct control_client *client)
{
	size_t done = 0;
	char *newline;

	while (!client->dropped && !client->closing && !client->stream &&
	       client_pending(client) < HIGH_WATER &&
	       (newline = memchr(client->in + done, '\n', client->in_length - done))) {
		char *line = client->in + done;
		size_t length = (size_t)(newline - line);

		done += length + 1;
		if (length)
			client_request(client, line, length);
	}
	if (client->dropped)
		return;
	client->in_length -= done;
	memmove(client->in, client->in + done, client->in_length);
	if (client->stream) { /* its end comes back here */
		ev_io_stop(client->control->loop, &client->readable);
		return;
	}
	newline = memchr(client->in, '\n', client->in_length);
	if (!newline && client->in_length > CONTROL_REQUEST_MAX && !client->closing) {
		static const char text[] = TOLD("the request is too long");

		client->closing = true;
		client_write(client, text, sizeof(text) - 1);
	}
	if (client->dropped)
		return;
	if (client->eof && !newline && !client->subscribed) {
		client->closing = true;
		if (!client_pending(client))
			client_drop(client, NULL);
	} else if (!client->eof && !client->closing && client_pending(client) < HIGH_WATER) {
		ev_io_start(client->control->loop, &client->readable);
	} else {
		ev_io_stop(client->control->loop, &client->readable);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct control_client *client = w->data;
	ssize_t n = recv(client->fd, client->in + client->in_length,
			 CONTROL_REQUEST_MAX + 1 - client->in_length, MSG_DONTWAIT);

	(void)revents;
	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		client_drop(client, NULL);
		return;
	}
	if (n == 0) { /* the last line may do without its newline */
		client->eof = true;
		ev_io_stop(loop, w);
		if (client->in_length && client->in_length <= CONTROL_REQUEST_MAX)
			client->in[client->in_length++] = '\n';
	}
	client->in_length += (size_t)n;
	client_patience(client);
	client_serve(client);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct control_client *client = w->data;

	(void)loop;
	(void)revents;
	client_flush(client);
	if (!client->dropped && client->stream)
		client_stream(client);
	else if (!client->dropped && client_pending(client) < HIGH_WATER)
		client_serve(client);
}

static void on_patience(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct control_client *client = w->data;

	(void)loop;
	(void)revents;
	client_drop(client, client_pending(client) ? "it does not read" : "it asks nothing");
}

/* --- accepting --- */

static void client_add(struct control *control, int fd)
{
	static const char full[] = TOLD("too many clients: close some");
	struct control_client *client = NULL;

	if (control->client_count >= CONTROL_CLIENTS) {
		/* Told as far as the empty socket buffer takes it. */
		if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug("control: client refused without a word");
	} else {
		client = calloc(1, sizeof(*client));
	}
	if (client)
		client->in = malloc(CONTROL_REQUEST_MAX + 1);
	if (!client || !client->in) {
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	ev_io_init(&client->readable, on_readable, fd, EV_READ);
	ev_io_init(&client->writable, on_writable, fd, EV_WRITE);
	ev_init(&client->patience, on_patience);
	ev_timer_init(&client->turn, on_turn, 0., 0.);
	client->readable.data = client->writable.data = client->patience.data = client;
	client->turn.data = client;
	TAILQ_INSERT_TAIL(&control->clients, client, entry);
	control->client_count++;
	ev_io_start(control->loop, &client->readable);
	client_patience(client);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct control *control = w->data;
	/* cppcheck-suppress nullPointer; who connects need not be told (accept(2)) */
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)revents;
	if (fd >= 0) {
		client_add(control, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* The connection stays in the backlog: look again later, not in a busy loop. */
		log_warn("control: cannot accept a client");
		ev_io_stop(loop, w);
		ev_timer_again(loop, &control->accept_later);
	}
}

/* Before the loop sleeps: events leave. */
static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct control *control = w->data;
	struct control_client *client;

	(void)loop;
	(void)revents;
	TAILQ_FOREACH (client, &control->clients, entry)
		if (!client->dropped && client_pending(client) && !ev_is_active(&client->writable))
			client_flush(client);
}

static void on_accept_later(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct control *control = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &control->listener);
}

/* --- the whole --- */

int control_open(struct control **result, struct ev_loop *loop, const char *path,
		 const struct control_command *commands, void *arg)
{
	struct control *control = control_detached(commands, arg);
	int err = control_listen(control, path);

	if (err) {
		free(control);
		return err;
	}
	control->loop = loop;
	ev_io_init(&control->listener, on_accept, control->fd, EV_READ);
	ev_timer_init(&control->accept_later, on_accept_later, 0., 1.);
	ev_timer_init(&control->reaper, on_reaper, 0., 0.);
	ev_prepare_init(&control->sender, on_prepare);
	ev_set_priority(&control->sender, EV_MINPRI);
	control->listener.data = control->accept_later.data = control->reaper.data = control;
	control->sender.data = control;
	ev_io_start(loop, &control->listener);
	ev_prepare_start(loop, &control->sender);
	*result = control;
	return 0;
}

void control_close(struct control *control)
{
	struct control_client *client;

	if (!control)
		return;
	if (control->loop) {
		TAILQ_FOREACH (client, &control->clients, entry)
			client_drop(client, NULL);
		reap(control);
		ev_io_stop(control->loop, &control->listener);
		ev_prepare_stop(control->loop, &control->sender);
		ev_timer_stop(control->loop, &control->accept_later);
		ev_timer_stop(control->loop, &control->reaper);
		control_unlisten(control);
	}
	free(control);
}
