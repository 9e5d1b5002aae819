/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any line as a request: the answer is always an object that says ok or why not, the same by a
 * socket as without one, where a long table comes in several lines. And any JSON as an answer or
 * event: snoctl shows it without falling over, and lets no control character through to the
 * terminal.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "control_private.h"
#include "snoctl_show.c" /* belongs to the program, not to libsno */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(void *arg, const json_t *request, struct control_reply *reply)
{
	const char *text = control_argument(request, "text");

	(void)arg;
	if (!text)
		return control_refuse(reply, -1, "no text in %zu members",
				      json_object_size(request));
	control_text(reply, "%s", text);
	control_field(reply, text, "ms", json_deep_copy(request));
	control_columns(reply, "a", text, NULL);
	control_row(reply, "s O", text, request);
	return 0;
}

/* A table that is read while it is written, of all kinds of cells. */
static bool next_row(void *cursor, struct control_reply *reply)
{
	json_int_t *left = cursor;

	if (*left == 0)
		return false;
	--*left;
	control_row(reply, "I s? b f [i]", *left, *left % 2 ? "odd" : NULL, *left % 3 == 0,
		    (double)*left / 7, (int)*left);
	return true;
}

static const struct control_source source = {next_row, free};

static int rows(const json_t *request, struct control_reply *reply, json_int_t count)
{
	json_int_t *left = malloc(sizeof(*left));

	control_filter(reply, request);
	control_columns(reply, "terminal", "core", "up", "ratio:ms", "of a list", NULL);
	if (left)
		*left = count;
	control_stream(reply, &source, left);
	return 0;
}

static int few(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	return rows(request, reply, 50);
}

static int many(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	return rows(request, reply, 3000);
}

/* What a handler must not do, and what it does by mistake. */
static int careless(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	control_columns(reply, "a", NULL);
	if (control_argument(request, "text"))
		control_row(reply, "s", NULL);
	else
		control_refuse(reply, -EINVAL, "refused, and then answered");
	return 0;
}

static int no_reason(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	(void)reply;
	return -ENODEV;
}

static const struct control_command commands[] = {
	{"echo", echo, "gives back"},	    {"few", few, "a short table"},
	{"many", many, "a long one"},	    {"careless", careless, NULL},
	{"none", no_reason, "never works"}, {0}};

static void show(const json_t *value)
{
	struct snoctl_table table = {0};
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	snoctl_show(out, value, &table);
	snoctl_show(out, value, &table); /* the next part of it */
	snoctl_show_event(out, value);
	fclose(out);
	for (size_t i = 0; i < length; i++) {
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			abort();
	}
	free(text);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* One line of an answer: an object, with newline. */
static json_t *read_line(char *line)
{
	json_t *object = json_loads(line, 0, NULL);

	must(line[strlen(line) - 1] == '\n' && json_is_boolean(json_object_get(object, "ok")));
	free(line);
	return object;
}

static size_t rows_of(const json_t *answer)
{
	return json_array_size(json_object_get(json_object_get(answer, "table"), "rows"));
}

/* The rows of all lines of a stream, the first of which give no more than they may. */
static size_t read_stream(struct control_stream *stream)
{
	size_t total = 0, count;
	bool more = true;
	json_t *object;
	char *line;

	while (stream) {
		must(control_stream_turn(&stream, &line) == 0);
		if (!line)
			continue;
		must(more);
		object = read_line(line);
		count = rows_of(json_object_get(object, "snapshot") ?: object);
		more = json_is_true(json_object_get(object, "more"));
		must(more == (stream != NULL) && (!more || count >= CONTROL_LINE_ROWS));
		total += count;
		json_decref(object);
	}
	return total;
}

/* As the socket asks: the same answer, in as many lines as it takes. */
static void answer_lines(struct control *control, const char *request, size_t size,
			 const json_t *whole)
{
	struct control_answer answer;
	const json_t *table = json_object_get(whole, "snapshot") ?: whole;
	char *line;

	must(control_answer(control, request, size, &answer) == 0);
	must(!answer.line != !answer.stream);
	if (answer.subscribe)
		must(json_is_true(json_object_get(whole, "ok")));
	if (answer.stream && size % 5 == 0) {
		control_stream_free(answer.stream); /* the reader has gone */
	} else if (answer.stream) {
		must(read_stream(answer.stream) == rows_of(table));
	} else {
		line = control_line(json_deep_copy(whole));
		must(line && strcmp(answer.line, line) == 0);
		free(line);
		free(answer.line);
	}
}

/* Numbers of events have no holes, whoever listens. */
static void tell_events(struct control *control, const json_t *value)
{
	uint64_t before = control->sequence;

	control_event(NULL, "nobody", json_deep_copy(value));
	control_event(control, "unheard", json_deep_copy(value));
	control->subscribers = 1;
	must(control_subscribed(control));
	control_event(control, "heard", json_deep_copy(value));
	control->subscribers = 0;
	must(!control_subscribed(control) && control->sequence == before + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control *control = control_detached(commands, NULL);
	json_t *answer, *value;

	must(control != NULL);
	if (size % 2)
		control_snapshot(control, many);
	answer = control_serve(control, (const char *)data, size);
	must(json_is_boolean(json_object_get(answer, "ok")));
	if (json_is_false(json_object_get(answer, "ok")))
		must(control_argument(answer, "error") != NULL);
	answer_lines(control, (const char *)data, size, answer);
	show(answer);
	json_decref(answer);
	value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	show(value);
	tell_events(control, value);
	json_decref(value);
	control_close(control);
	return 0;
}
