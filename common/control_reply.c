/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer of the control socket as it is put together: fields, columns, and of the rows those
 * that the request asks for. See control.h.
 */
#define _GNU_SOURCE /* vasprintf */
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "control_private.h"
#include "log.h"

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

/* --- filters --- */

/* What a filter may call a column that has another name in this table. */
static const struct {
	const char *name, *column;
} synonyms[] = {{"nai", "terminal"}, {"peer", "core"}, {"peer", "home"}};

#define SYNONYMS (sizeof(synonyms) / sizeof(synonyms[0]))

/* A column's name, with _ or blanks in it. */
static bool same_name(const char *column, const char *name)
{
	for (; *column && (*column == *name || (*column == ' ' && *name == '_')); column++)
		name++;
	return *column == *name;
}

/* The index of a column, or how many there are. */
static size_t column_find(const struct control_reply *reply, const char *name)
{
	size_t count = json_array_size(reply->columns), i = 0;

	while (i < count && !same_name(json_string_value(json_object_get(
					       json_array_get(reply->columns, i), "name")),
				       name))
		i++;
	return i;
}

static void filter_add(struct control_reply *reply, const char *name, const char *pattern)
{
	size_t count = json_array_size(reply->columns), column = column_find(reply, name);

	for (size_t i = 0; i < SYNONYMS && column == count; i++)
		if (strcmp(synonyms[i].name, name) == 0)
			column = column_find(reply, synonyms[i].column);
	if (column == count) {
		control_refuse(reply, -EINVAL, "this table has no column \"%.60s\" to filter by",
			       name);
	} else if (!pattern || reply->filter_count == CONTROL_FILTERS) {
		control_refuse(reply, -EINVAL, "filter by up to %d columns, each with a text",
			       CONTROL_FILTERS);
	} else {
		struct control_filter *filter = &reply->filters[reply->filter_count];

		filter->column = column;
		filter->pattern = strdup(pattern);
		if (filter->pattern)
			reply->filter_count++;
		else
			reply->broken = true;
	}
}

static void filters_take(struct control_reply *reply)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)reply->request, name, value)
	{
		if (strcmp(name, "command") != 0)
			filter_add(reply, name, json_string_value(value));
	}
}

static bool matches(const char *pattern, const json_t *cell)
{
	char text[40];
	size_t i;
	const json_t *item;

	switch (cell ? json_typeof(cell) : JSON_NULL) {
	case JSON_STRING:
		return fnmatch(pattern, json_string_value(cell), 0) == 0;
	case JSON_TRUE:
		return strcmp(pattern, "yes") == 0 || strcmp(pattern, "true") == 0;
	case JSON_FALSE:
		return strcmp(pattern, "no") == 0 || strcmp(pattern, "false") == 0;
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(cell));
		return fnmatch(pattern, text, 0) == 0;
	case JSON_REAL:
		snprintf(text, sizeof(text), "%.15g", json_real_value(cell));
		return fnmatch(pattern, text, 0) == 0;
	case JSON_ARRAY:
		json_array_foreach(cell, i, item)
		{
			if (matches(pattern, item))
				return true;
		}
		return false;
	default:
		return strcmp(pattern, "-") == 0;
	}
}

static bool wanted(const struct control_reply *reply, const json_t *row)
{
	for (size_t i = 0; i < reply->filter_count; i++) {
		const struct control_filter *filter = &reply->filters[i];

		if (!matches(filter->pattern, json_array_get(row, filter->column)))
			return false;
	}
	return true;
}

void control_filter(struct control_reply *reply, const json_t *request)
{
	reply->request = request;
}

/* --- tables --- */

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
	filters_take(reply);
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
	if (row && !wanted(reply, row))
		json_decref(row);
	else
		reply_keep(reply, json_array_append_new(reply->rows, row));
}

void control_stream(struct control_reply *reply, const struct control_source *source, void *cursor)
{
	if (!cursor) {
		reply->broken = true;
		return;
	}
	reply->source = source;
	reply->cursor = cursor;
}

static void source_close(struct control_reply *reply)
{
	if (reply->source)
		reply->source->close(reply->cursor);
	reply->source = NULL;
}

void control_reply_turn(struct control_reply *reply)
{
	for (int i = 0; i < CONTROL_TURN_ROWS && reply->source; i++)
		if (!reply->source->next(reply->cursor, reply))
			source_close(reply);
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

/* Is it one of these names? Also puts them together, for whoever has misspelt one. */
static bool argument_known(const char *name, va_list names, char all[128])
{
	bool known = strcmp(name, "command") == 0;
	const char *one;

	*all = '\0';
	while ((one = va_arg(names, const char *))) {
		known |= strcmp(name, one) == 0;
		snprintf(all + strlen(all), 128 - strlen(all), "%s%s", *all ? ", " : "", one);
	}
	return known;
}

int control_only(struct control_reply *reply, const json_t *request, ...)
{
	char all[128];
	const char *name;
	json_t *value;
	va_list names;
	bool known;

	json_object_foreach((json_t *)request, name, value)
	{
		va_start(names, request);
		known = argument_known(name, names, all);
		va_end(names);
		if (!known)
			return control_refuse(reply, -EINVAL, "what is \"%s\"? %s%s", name,
					      *all ? "this takes " : "this takes no arguments",
					      all);
		if (!json_is_string(value))
			return control_refuse(reply, -EINVAL, "%s is to be a string", name);
	}
	return 0;
}

const char *control_argument(const json_t *request, const char *name)
{
	return json_string_value(json_object_get(request, name));
}

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

json_t *control_refusal(const char *text)
{
	return json_pack("{s:b, s:i, s:o}", "ok", 0, "version", CONTROL_VERSION, "error",
			 json_any_string(text));
}

/* --- beginning and end --- */

bool control_reply_begin(struct control_reply *reply)
{
	reply->body = json_pack("{s:b, s:i}", "ok", 1, "version", CONTROL_VERSION);
	return reply->body != NULL;
}

void control_reply_end(struct control_reply *reply)
{
	source_close(reply);
	json_decref(reply->body);
	free(reply->error);
	for (size_t i = 0; i < reply->filter_count; i++)
		free(reply->filters[i].pattern);
}
