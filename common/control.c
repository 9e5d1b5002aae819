/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests, answers and events of the control socket: from a line to a handler and back. No socket
 * here, so that a test and the fuzzer reach every command with nothing but text.
 */
#define _GNU_SOURCE /* asprintf */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control_private.h"
#include "log.h"

/* Doubles with as many digits as survive a round trip of sums of microseconds. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(16))

/* --- answers --- */

/* One answer: at once, or line by line as its table is read. */
struct control_stream {
	struct control_reply reply;
	bool monitor;
	uint64_t sequence; /* of the snapshot */
	char *rows;	   /* of the next line, as text */
	size_t length, room, count;
};

void control_stream_free(struct control_stream *stream)
{
	if (!stream)
		return;
	control_reply_end(&stream->reply);
	free(stream->rows);
	free(stream);
}

/* The answer as an object: a new reference, or NULL without memory. */
static json_t *stream_object(const struct control_stream *stream, bool more)
{
	json_t *object = json_copy(stream->reply.body);

	if (stream->monitor) {
		json_object_del(object, "ok");
		json_object_del(object, "version");
		object = json_pack("{s:b, s:i, s:I, s:o}", "ok", 1, "version", CONTROL_VERSION,
				   "sequence", (json_int_t)stream->sequence, "snapshot", object);
	}
	if (object && more && json_object_set_new(object, "more", json_true()) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* A line of the rows that are there as text, which begins them anew. NULL without memory. */
static char *stream_line(struct control_stream *stream, bool more)
{
	static const char none[] = "\"rows\":[]"; /* which no string in JSON can hold */
	char *frame = control_line(stream_object(stream, more));
	char *at = frame ? strstr(frame, none) : NULL, *line;

	if (!at || !stream->length)
		return frame;
	if (asprintf(&line, "%.*s%.*s%s", (int)(at - frame) + (int)sizeof(none) - 2, frame,
		     (int)stream->length, stream->rows, at + sizeof(none) - 2) < 0)
		line = NULL;
	free(frame);
	stream->length = stream->count = 0;
	return line;
}

/* Moves the rows of one turn from the reply into the text: 0 or -ENOMEM. */
static int stream_take(struct control_stream *stream)
{
	json_t *rows = stream->reply.rows, *row;
	size_t i;

	if (stream->reply.broken)
		return -ENOMEM;
	json_array_foreach(rows, i, row)
	{
		size_t length = json_dumpb(row, NULL, 0, DUMP_FLAGS);

		if (stream->length + length + 1 > stream->room) {
			size_t room = (stream->length + length + 1) * 2;
			char *text = realloc(stream->rows, room);

			if (!text)
				return -ENOMEM;
			stream->rows = text;
			stream->room = room;
		}
		if (stream->length)
			stream->rows[stream->length++] = ',';
		json_dumpb(row, stream->rows + stream->length, length, DUMP_FLAGS);
		stream->length += length;
		stream->count++;
	}
	json_array_clear(rows);
	return 0;
}

int control_stream_turn(struct control_stream **stream, char **line)
{
	struct control_stream *s = *stream;
	int err;

	*line = NULL;
	control_reply_turn(&s->reply);
	err = stream_take(s);
	if (!err && s->reply.source && s->count < CONTROL_LINE_ROWS)
		return 0;
	if (!err)
		*line = stream_line(s, s->reply.source != NULL);
	if (!err && !*line)
		err = -ENOMEM;
	if (err || !s->reply.source) {
		control_stream_free(s);
		*stream = NULL;
	}
	return err;
}

/* --- answering --- */

/*
 * Runs a handler and makes the answer of what it left: an object, or NULL and the stream where a
 * first look at the table has not found its end.
 */
static json_t *run(struct control *control, control_handler *handler, const json_t *request,
		   struct control_stream *stream)
{
	struct control_reply *reply = &stream->reply;
	int err;

	if (!control_reply_begin(reply))
		return NULL;
	err = handler(control->arg, request, reply);
	if (!err && reply->error) /* refused, and the handler forgot to say so twice */
		err = -EINVAL;
	if (!err)
		control_reply_turn(reply);
	if (err)
		return control_refusal(reply->error ? reply->error
						    : strerror(err < 0 ? -err : err));
	if (reply->broken)
		return control_refusal("the answer could not be put together");
	return reply->source ? NULL : stream_object(stream, false);
}

static int help_handler(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct control *control = arg;

	(void)request;
	control_columns(reply, "command", "meaning", NULL);
	for (const struct control_command *c = control->commands; c && c->name; c++)
		control_row(reply, "s s?", c->name, c->help);
	control_row(reply, "s s", "monitor", "what is, and then every event");
	control_row(reply, "s s", "help", "this list");
	return 0;
}

static json_t *serve_help(struct control *control, const json_t *request,
			  struct control_stream *stream)
{
	struct control self = {.arg = control};

	return run(&self, help_handler, request, stream);
}

static int no_snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	(void)reply;
	return 0;
}

static json_t *serve_monitor(struct control *control, const json_t *request,
			     struct control_stream *stream, bool *subscribe)
{
	json_t *answer;

	stream->monitor = true;
	stream->sequence = control->sequence;
	answer = run(control, control->snapshot ? control->snapshot : no_snapshot, request, stream);
	*subscribe = !answer || json_is_true(json_object_get(answer, "ok"));
	return answer;
}

static json_t *serve_command(struct control *control, const json_t *request,
			     struct control_stream *stream, bool *subscribe)
{
	const char *name = control_argument(request, "command");
	char text[120];

	if (!name)
		return control_refusal("a request is an object with a string \"command\"");
	if (strcmp(name, "help") == 0)
		return serve_help(control, request, stream);
	if (strcmp(name, "monitor") == 0)
		return serve_monitor(control, request, stream, subscribe);
	for (const struct control_command *c = control->commands; c && c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return run(control, c->handler, request, stream);
	}
	snprintf(text, sizeof(text), "this daemon has no command \"%.60s\": try help", name);
	return control_refusal(text);
}

/* The object, or NULL and the stream where there is more to come (or no memory). */
static json_t *serve(struct control *control, const char *line, size_t length,
		     struct control_stream *stream, bool *subscribe)
{
	json_error_t error;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error), *answer;
	char text[JSON_ERROR_TEXT_LENGTH + 40];

	if (!request) {
		snprintf(text, sizeof(text), "the request is not JSON: %s", error.text);
		return control_refusal(text);
	}
	answer = serve_command(control, request, stream, subscribe);
	json_decref(request);
	return answer;
}

json_t *control_serve(struct control *control, const char *line, size_t length)
{
	struct control_stream *stream = calloc(1, sizeof(*stream));
	bool subscribe = false;
	json_t *answer;

	if (!stream)
		return NULL;
	answer = serve(control, line, length, stream, &subscribe);
	while (!answer && stream->reply.source)
		control_reply_turn(&stream->reply);
	if (!answer && stream->reply.body)
		answer = stream_object(stream, false);
	control_stream_free(stream);
	return answer;
}

char *control_line(json_t *object)
{
	size_t length = object ? json_dumpb(object, NULL, 0, DUMP_FLAGS) : 0;
	char *line = length ? malloc(length + 2) : NULL;

	if (line) {
		json_dumpb(object, line, length, DUMP_FLAGS);
		line[length] = '\n';
		line[length + 1] = '\0';
	}
	json_decref(object);
	return line;
}

int control_answer(struct control *control, const char *line, size_t length,
		   struct control_answer *answer)
{
	struct control_stream *stream = calloc(1, sizeof(*stream));
	json_t *object;

	*answer = (struct control_answer){0};
	if (!stream)
		return -ENOMEM;
	object = serve(control, line, length, stream, &answer->subscribe);
	if (!object && stream->reply.source && stream_take(stream) == 0) {
		answer->stream = stream;
		return 0;
	}
	control_stream_free(stream);
	answer->line = control_line(object);
	if (answer->line && strlen(answer->line) > CONTROL_OUTPUT_MAX) {
		free(answer->line);
		answer->subscribe = false;
		answer->line =
			control_line(control_refusal("the answer is too large: ask for less"));
	}
	return answer->line ? 0 : -ENOMEM;
}

/* --- events --- */

void control_event(struct control *control, const char *name, json_t *data)
{
	char *line;

	if (!control) {
		json_decref(data);
		return;
	}
	control->sequence++;
	if (!control->subscribers) {
		json_decref(data);
		return;
	}
	line = control_line(json_pack("{s:s, s:I, s:f, s:o}", "event", name, "sequence",
				      (json_int_t)control->sequence, "time",
				      (double)clock_wall() / (double)USEC_PER_SEC, "data",
				      data ? data : json_object()));
	if (line)
		control_publish(control, line, strlen(line));
	else
		log_warnx("control: event %s could not be written down", name);
	free(line);
}

bool control_subscribed(const struct control *control)
{
	return control && control->subscribers > 0;
}

void control_snapshot(struct control *control, control_handler *snapshot)
{
	control->snapshot = snapshot;
}

struct control *control_detached(const struct control_command *commands, void *arg)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->commands = commands;
	control->arg = arg;
	control->fd = control->lock_fd = -1;
	TAILQ_INIT(&control->clients);
	return control;
}
