/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests, answers and events of the control socket: from a line to a handler and back. No socket
 * here, so that a test and the fuzzer reach every command with nothing but text.
 */
#define _GNU_SOURCE /* vasprintf */
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control_private.h"
#include "log.h"

/* Doubles with as many digits as survive a round trip of sums of microseconds. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(16))

struct control_reply {
	json_t *body;
	json_t *fields, *columns, *rows; /* borrowed: inside body */
	char *error;
	bool broken; /* something could not be put in: the answer would be incomplete */
};

/* --- building an answer --- */

static void reply_keep(struct control_reply *reply, int err)
{
	if (err)
		reply->broken = true;
}

void control_set(struct control_reply *reply, const char *name, json_t *value)
{
	reply_keep(reply, json_object_set_new(reply->body, name, value));
}

void control_text(struct control_reply *reply, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	control_set(reply, "text", json_vsprintf(format, ap));
	va_end(ap);
}

void control_field(struct control_reply *reply, const char *name, const char *unit, json_t *value)
{
	if (!reply->fields) {
		reply->fields = json_object();
		control_set(reply, "fields", reply->fields);
	}
	if (unit)
		value = json_pack("{s:o, s:s}", "value", value, "unit", unit);
	reply_keep(reply, json_object_set_new(reply->fields, name, value));
}

void control_columns(struct control_reply *reply, ...)
{
	json_t *table = json_object();
	const char *column;
	va_list ap;

	reply->columns = json_array();
	reply->rows = json_array();
	reply_keep(reply, json_object_set_new(table, "columns", reply->columns));
	reply_keep(reply, json_object_set_new(table, "rows", reply->rows));
	control_set(reply, "table", table);
	va_start(ap, reply);
	while ((column = va_arg(ap, const char *))) {
		const char *colon = strchr(column, ':');
		size_t length = colon ? (size_t)(colon - column) : strlen(column);
		json_t *object = json_pack("{s:s%}", "name", column, length);

		if (colon)
			reply_keep(reply,
				   json_object_set_new(object, "unit", json_string(colon + 1)));
		reply_keep(reply, json_array_append_new(reply->columns, object));
	}
	va_end(ap);
}

void control_row(struct control_reply *reply, const char *format, ...)
{
	char brackets[128];
	json_error_t error;
	json_t *row;
	va_list ap;

	snprintf(brackets, sizeof(brackets), "[%s]", format);
	va_start(ap, format);
	row = json_vpack_ex(&error, 0, brackets, ap);
	va_end(ap);
	if (!row)
		log_warnx("control: cannot build a row of \"%s\": %s", format, error.text);
	else if (json_array_size(row) != json_array_size(reply->columns))
		log_warnx("control: a row of \"%s\" has not as many cells as there are columns",
			  format);
	reply_keep(reply, json_array_append_new(reply->rows, row));
}

int control_refuse(struct control_reply *reply, int error, const char *format, ...)
{
	va_list ap;

	free(reply->error);
	va_start(ap, format);
	if (vasprintf(&reply->error, format, ap) < 0)
		reply->error = NULL;
	va_end(ap);
	return error;
}

const char *control_argument(const json_t *request, const char *name)
{
	return json_string_value(json_object_get(request, name));
}

/* --- answering --- */

/* Text of unknown encoding made fit for JSON: what is not printable ASCII becomes '?'. */
static json_t *json_any_string(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

static json_t *refusal(const char *text)
{
	return json_pack("{s:b, s:o}", "ok", 0, "error", json_any_string(text));
}

/* Runs a handler and makes the answer of what it left. */
static json_t *run(struct control *control, control_handler *handler, const json_t *request)
{
	struct control_reply reply = {.body = json_pack("{s:b}", "ok", 1)};
	json_t *answer = NULL;
	int err;

	if (!reply.body)
		return NULL;
	err = handler(control->arg, request, &reply);
	if (!err && reply.error) /* refused, and the handler forgot to say so twice */
		err = -EINVAL;
	if (err)
		answer = refusal(reply.error ? reply.error : strerror(err < 0 ? -err : err));
	else if (reply.broken)
		answer = refusal("the answer could not be put together");
	else
		answer = json_incref(reply.body);
	json_decref(reply.body);
	free(reply.error);
	return answer;
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

static json_t *serve_help(struct control *control, const json_t *request)
{
	struct control self = {.arg = control};

	return run(&self, help_handler, request);
}

static json_t *serve_monitor(struct control *control, const json_t *request, bool *subscribe)
{
	json_t *snapshot = NULL, *answer;

	if (control->snapshot) {
		snapshot = run(control, control->snapshot, request);
		if (!json_is_true(json_object_get(snapshot, "ok")))
			return snapshot;
		json_object_del(snapshot, "ok");
	}
	if (!snapshot)
		snapshot = json_object();
	answer = json_pack("{s:b, s:I, s:o}", "ok", 1, "sequence", (json_int_t)control->sequence,
			   "snapshot", snapshot);
	*subscribe = answer != NULL;
	return answer;
}

static json_t *serve_command(struct control *control, const json_t *request, bool *subscribe)
{
	const char *name = control_argument(request, "command");
	char text[120];

	if (!name)
		return refusal("a request is an object with a string \"command\"");
	if (strcmp(name, "help") == 0)
		return serve_help(control, request);
	if (strcmp(name, "monitor") == 0)
		return serve_monitor(control, request, subscribe);
	for (const struct control_command *c = control->commands; c && c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return run(control, c->handler, request);
	}
	snprintf(text, sizeof(text), "this daemon has no command \"%.60s\": try help", name);
	return refusal(text);
}

static json_t *serve(struct control *control, const char *line, size_t length, bool *subscribe)
{
	json_error_t error;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error), *answer;
	char text[JSON_ERROR_TEXT_LENGTH + 40];

	if (!request) {
		snprintf(text, sizeof(text), "the request is not JSON: %s", error.text);
		return refusal(text);
	}
	answer = serve_command(control, request, subscribe);
	json_decref(request);
	return answer;
}

json_t *control_serve(struct control *control, const char *line, size_t length)
{
	bool subscribe = false;

	return serve(control, line, length, &subscribe);
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

char *control_answer(struct control *control, const char *line, size_t length, bool *subscribe)
{
	char *answer = control_line(serve(control, line, length, subscribe));

	if (answer && strlen(answer) > CONTROL_OUTPUT_MAX) {
		free(answer);
		*subscribe = false;
		answer = control_line(refusal("the answer is too large: ask for less"));
	}
	return answer;
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
