/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers for people: aligned fields and tables out of the JSON that control.h defines. Every
 * daemon's every command is shown by these few rules.
 */
#define _GNU_SOURCE /* open_memstream */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snoctl.h"

#define DECIMALS_MAX 3
#define EXACT_MAX    9007199254740992. /* a double tells whole numbers apart up to 2^53 */

/* What stands out on a terminal (SGR of ECMA-48). */
#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static bool colours;

void snoctl_show_colours(bool on)
{
	colours = on;
}

/* States that daemons tell, by what they mean to an operator. */
static const char *colour_of(const char *text)
{
	static const struct {
		const char *state, *colour;
	} states[] = {
		{"up", GREEN},		 {"registered", GREEN}, {"connected", GREEN},
		{"in use", GREEN},	 {"serving", GREEN},	{"good", GREEN},
		{"forwarding", GREEN},	 {"down", RED},		{"no carrier", RED},
		{"no interface", RED},	 {"lost", RED},		{"missing", RED},
		{"dropping", RED},	 {"wrong", RED},	{"leaving", YELLOW},
		{"draining", YELLOW},	 {"warning", YELLOW},	{"unreachable", YELLOW},
		{"discovering", YELLOW},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, text) == 0)
			return states[i].colour;
	return NULL;
}

static void put_coloured(FILE *out, const char *text, const char *colour)
{
	if (colours && colour)
		fprintf(out, "%s%s%s", colour, text, PLAIN);
	else
		fputs(text, out);
}

static void put_character(FILE *out, unsigned char c)
{
	if (c < 0x20 || c == 0x7f)
		fprintf(out, "\\x%02x", c);
	else
		putc(c, out);
}

void snoctl_print(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			putc('\n', out);
		else
			put_character(out, (unsigned char)*text);
	}
}

/* What must stay on its line. */
static void put_word(FILE *out, const char *text)
{
	for (; *text; text++)
		put_character(out, (unsigned char)*text);
}

/* --- one value --- */

/* How many decimals a number needs to be told in milliseconds, or whatever thousandths mean. */
static int decimals_of(const json_t *value)
{
	double scaled = fabs(json_number_value(value));

	if (!json_is_real(value))
		return 0;
	for (int n = 0; n < DECIMALS_MAX; n++) {
		if (fabs(scaled - round(scaled)) < 0.0005 * pow(10, n))
			return n;
		scaled *= 10;
	}
	return DECIMALS_MAX;
}

static void put_time(FILE *out, double seconds)
{
	double milliseconds = fabs(seconds) < 1e11 ? round(seconds * 1000) : 0;
	time_t whole = (time_t)floor(milliseconds / 1000);
	int milli = (int)(milliseconds - (double)whole * 1000);
	char text[40];
	struct tm tm;

	if (fabs(seconds) >= 1e11 || !gmtime_r(&whole, &tm) ||
	    !strftime(text, sizeof(text), "%FT%T", &tm))
		fprintf(out, "%.15g", seconds);
	else
		fprintf(out, "%s.%03dZ", text, milli);
}

static void put_value(FILE *out, const json_t *value, const char *unit, int decimals);

static void put_list(FILE *out, const json_t *list, const char *unit)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		if (i)
			fputs(", ", out);
		put_value(out, item, unit, decimals_of(item));
	}
	if (!json_array_size(list))
		putc('-', out);
}

static void put_value(FILE *out, const json_t *value, const char *unit, int decimals)
{
	char *text;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_NULL:
		putc('-', out);
		break;
	case JSON_TRUE:
		fputs("yes", out);
		break;
	case JSON_FALSE:
		fputs("no", out);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		if (unit && strcmp(unit, "time") == 0)
			put_time(out, json_number_value(value));
		else if (fabs(json_number_value(value)) > EXACT_MAX && json_is_real(value))
			fprintf(out, "%.4g", json_number_value(value));
		else if (json_is_integer(value) && !decimals)
			fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			fprintf(out, "%.*f", decimals, json_number_value(value));
		break;
	case JSON_STRING:
		put_word(out, json_string_value(value));
		break;
	case JSON_ARRAY:
		put_list(out, value, unit);
		break;
	case JSON_OBJECT:
		text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));
		put_word(out, text ? text : "?");
		free(text);
		break;
	}
}

/* The same as a string from malloc; NULL without memory. */
static char *value_text(const json_t *value, const char *unit, int decimals)
{
	size_t length;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	put_value(out, value, unit, decimals);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Columns of a terminal, counting a character of UTF-8 as one. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void put_padding(FILE *out, int n)
{
	while (n-- > 0)
		putc(' ', out);
}

static bool unit_shown(const char *unit)
{
	return unit && *unit && strcmp(unit, "time") != 0;
}

/* --- fields --- */

static void show_fields(FILE *out, const json_t *fields)
{
	const char *name;
	json_t *field;
	int widest = 0;

	json_object_foreach((json_t *)fields, name, field)
	{
		if (width_of(name) > widest)
			widest = width_of(name);
	}
	json_object_foreach((json_t *)fields, name, field)
	{
		const char *unit = json_string_value(json_object_get(field, "unit"));
		const json_t *value =
			json_is_object(field) ? json_object_get(field, "value") : field;
		char *text = value_text(value ? value : field, unit, decimals_of(value));

		put_word(out, name);
		putc(':', out);
		put_padding(out, widest - width_of(name) + 1);
		put_coloured(out, text ? text : "?", text ? colour_of(text) : NULL);
		if (unit_shown(unit)) {
			putc(' ', out);
			put_word(out, unit);
		}
		putc('\n', out);
		free(text);
	}
}

/* --- tables --- */

struct column {
	char *title;
	const char *unit;
	int width, decimals;
	bool number; /* right-aligned: every cell is a number or missing */
};

static char *column_title(const json_t *description, const char *unit)
{
	const char *name = json_is_string(description)
				   ? json_string_value(description)
				   : json_string_value(json_object_get(description, "name"));
	size_t length;
	char *title = NULL;
	FILE *out = open_memstream(&title, &length);

	if (!out)
		return NULL;
	for (const char *p = name ? name : "?"; *p; p++)
		put_character(out, *p == '_' ? ' ' : (unsigned char)toupper((unsigned char)*p));
	if (unit_shown(unit) && !(name && strcmp(unit, name) == 0)) {
		fputs(" (", out);
		put_word(out, unit);
		putc(')', out);
	}
	return fclose(out) == 0 ? title : NULL;
}

/* What a column needs follows from its cells. The texts of all cells are made on the way. */
static void measure(struct column *column, size_t index, size_t columns, const json_t *rows,
		    char **cells)
{
	size_t i;
	const json_t *row;

	if (width_of(column->title ? column->title : "") > column->width)
		column->width = width_of(column->title ? column->title : "");
	/* A date stands under its title like text. */
	column->number =
		json_array_size(rows) > 0 && !(column->unit && strcmp(column->unit, "time") == 0);
	json_array_foreach(rows, i, row)
	{
		const json_t *cell = json_array_get(row, index);
		int decimals = decimals_of(cell);

		if (decimals > column->decimals)
			column->decimals = decimals;
		if (!json_is_number(cell) && !json_is_null(cell) && cell)
			column->number = false;
	}
	json_array_foreach(rows, i, row)
	{
		const json_t *cell = json_array_get(row, index);
		char *text = value_text(cell, column->unit, column->decimals);
		int width = text ? width_of(text) : 0;

		if (width > column->width)
			column->width = width;
		cells[i * columns + index] = text;
	}
}

static void put_row(FILE *out, const struct column *columns, size_t count, char *const *texts,
		    bool titles)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = texts[i] ? texts[i] : "?";
		int padding = columns[i].width - width_of(text);

		if (i)
			fputs("  ", out);
		if (columns[i].number)
			put_padding(out, padding);
		put_coloured(out, text, titles ? BOLD : colour_of(text));
		if (!columns[i].number && i + 1 < count)
			put_padding(out, padding);
	}
	putc('\n', out);
}

static void show_table(FILE *out, const json_t *table, struct snoctl_table *shown)
{
	const json_t *descriptions = json_object_get(table, "columns");
	const json_t *rows = json_object_get(table, "rows");
	size_t count = json_array_size(descriptions), lines = json_array_size(rows);
	struct column *columns = calloc(count ? count : 1, sizeof(*columns));
	char **titles = calloc(count ? count : 1, sizeof(*titles));
	char **cells = calloc(count * lines + 1, sizeof(*cells));

	for (size_t i = 0; columns && titles && cells && i < count; i++) {
		const json_t *description = json_array_get(descriptions, i);

		columns[i].unit = json_string_value(json_object_get(description, "unit"));
		columns[i].title = titles[i] = column_title(description, columns[i].unit);
		if (i < SNOCTL_COLUMNS) {
			columns[i].width = shown->width[i];
			columns[i].decimals = shown->decimals[i];
		}
		measure(&columns[i], i, count, rows, cells);
		if (i < SNOCTL_COLUMNS) {
			shown->width[i] = columns[i].width;
			shown->decimals[i] = columns[i].decimals;
		}
	}
	if (columns && titles && cells && count) {
		if (!shown->begun)
			put_row(out, columns, count, titles, true);
		for (size_t i = 0; i < lines; i++)
			put_row(out, columns, count, cells + i * count, false);
		shown->begun = true;
	}
	for (size_t i = 0; titles && i < count; i++)
		free(titles[i]);
	for (size_t i = 0; cells && i < count * lines; i++)
		free(cells[i]);
	free(titles);
	free(columns);
	free(cells);
}

void snoctl_show(FILE *out, const json_t *answer, struct snoctl_table *shown)
{
	const char *text = json_string_value(json_object_get(answer, "text"));
	const json_t *fields = json_object_get(answer, "fields");
	const json_t *table = json_object_get(answer, "table");

	if (shown->begun) { /* only the table goes on */
		show_table(out, table, shown);
		return;
	}
	if (text) {
		snoctl_print(out, text);
		putc('\n', out);
	}
	if (json_object_size(fields))
		show_fields(out, fields);
	if (table) {
		if (text || json_object_size(fields))
			putc('\n', out);
		show_table(out, table, shown);
	}
}

void snoctl_show_event(FILE *out, const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "event")), *key;
	json_t *data = json_object_get(event, "data"), *value;
	const json_t *when = json_object_get(event, "time");

	if (when) {
		put_time(out, json_number_value(when));
		putc(' ', out);
	}
	put_word(out, name ? name : "?");
	json_object_foreach(data, key, value)
	{
		char *text = value_text(value, NULL, decimals_of(value));

		putc(' ', out);
		put_word(out, key);
		fprintf(out, "=%s", text ? text : "?");
		free(text);
	}
	putc('\n', out);
}
