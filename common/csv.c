/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading tables. The text is cut up where it lies: a field is a pointer into it, so a table of a
 * million rows costs its file and what the caller keeps.
 */
#define _GNU_SOURCE /* strchrnul */
#include "csv.h"

#include "association.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void csv_open(struct csv *csv, const struct csv_format *format, const char *name,
	      csv_report_fn *report, void *arg)
{
	memset(csv, 0, sizeof(*csv));
	csv->format = format;
	csv->name = name;
	csv->report = report;
	csv->arg = arg;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void tell(struct csv *csv, unsigned int line, const char *format, va_list ap)
{
	char text[1024], message[PATH_MAX + sizeof(text) + 16];

	vsnprintf(text, sizeof(text), format, ap);
	if (line)
		snprintf(message, sizeof(message), "%s:%u: %s", csv->name, line, text);
	else
		snprintf(message, sizeof(message), "%s: %s", csv->name, text);
	csv->report(csv->arg, message);
}

void csv_fault(struct csv *csv, unsigned int line, const char *format, ...)
{
	va_list ap;

	if (csv->faults++ >= CSV_FAULTS_MAX)
		return;
	va_start(ap, format);
	tell(csv, line, format, ap);
	va_end(ap);
}

void csv_fail(struct csv *csv, int err)
{
	if (!csv->error)
		csv_fault(csv, 0, "%s", strerror(-err));
	csv->error = err;
}

const char *csv_shown(const char *field, char text[CSV_SHOWN])
{
	size_t n = 0;

	for (; n < CSV_SHOWN - 4 && field[n]; n++) {
		text[n] = field[n];
		if (text[n] < ' ' || text[n] > '~')
			text[n] = '?';
	}
	strcpy(text + n, field[n] ? "..." : "");
	return text;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Takes over the text, `length` bytes and a zero byte. */
static int take_text(struct csv *csv, char *text, size_t length)
{
	const char *zero = memchr(text, '\0', length);
	unsigned int line = 1;

	csv->text = csv->at = text;
	if (!zero)
		return 0;
	for (const char *p = text; p < zero; p++)
		line += *p == '\n';
	csv_fault(csv, line, "a zero byte: this is no text");
	csv->at = text + length;
	return csv->error = -EINVAL;
}

int csv_load_text(struct csv *csv, const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy) {
		csv_fail(csv, -ENOMEM);
		return -ENOMEM;
	}
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return take_text(csv, copy, length);
}

/* The file's text in *text with a zero byte after it. */
static int read_file(const char *path, char **text, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	struct stat st;
	ssize_t n = 1;

	*text = NULL;
	*length = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if ((uintmax_t)st.st_size > CSV_FILE_MAX)
		err = -EFBIG;
	else if (!(*text = malloc((size_t)st.st_size + 1)))
		err = -ENOMEM;
	while (!err && n > 0 && *length < (size_t)st.st_size) {
		n = read(fd, *text + *length, (size_t)st.st_size - *length);
		if (n > 0)
			*length += (size_t)n;
		else if (n < 0 && errno != EINTR)
			err = -errno;
		else if (n < 0)
			n = 1;
	}
	close(fd);
	if (err) {
		free(*text);
		*text = NULL;
	} else {
		(*text)[*length] = '\0';
	}
	return err;
}

int csv_load(struct csv *csv, const char *path)
{
	size_t length;
	char *text;
	int err = read_file(path, &text, &length);

	if (!err)
		return take_text(csv, text, length);
	if (err == -EINVAL)
		csv_fault(csv, 0, "is no regular file");
	else if (err == -EFBIG)
		csv_fault(csv, 0, "is larger than %zu MiB", CSV_FILE_MAX >> 20);
	else
		csv_fault(csv, 0, "cannot be read: %s", strerror(-err));
	return csv->error = err;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Cuts a line at its commas. Returns how many fields there are, of which `most` are stored. */
static int split(char *line, char **fields, int most)
{
	int count = 0;
	char *comma;

	for (;;) {
		if (count < most)
			fields[count] = line;
		count++;
		comma = strchr(line, ',');
		if (!comma)
			return count;
		*comma = '\0';
		line = comma + 1;
	}
}

/* The names of all columns as a heading would have them. */
static const char *heading(const struct csv_format *format, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int c = 0; c < format->count && n < size; c++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", c ? "," : "", format->columns[c]);
	return text;
}

static void read_heading(struct csv *csv, char *line)
{
	const struct csv_format *format = csv->format;
	char *fields[2 * CSV_COLUMNS_MAX], shown[CSV_SHOWN], all[256];
	int count = split(line, fields, 2 * CSV_COLUMNS_MAX), c;

	for (c = 0; c < format->count; c++)
		csv->places[c] = -1;
	csv->columns = count;
	for (int i = 0; i < count && i < 2 * CSV_COLUMNS_MAX; i++) {
		for (c = 0; c < format->count && strcmp(fields[i], format->columns[c]) != 0; c++)
			;
		if (c == format->count)
			csv_fault(csv, csv->line, "unknown column \"%s\": the columns are %s",
				  csv_shown(fields[i], shown), heading(format, all, sizeof(all)));
		else if (csv->places[c] >= 0)
			csv_fault(csv, csv->line, "column %s is there twice", format->columns[c]);
		else
			csv->places[c] = i;
	}
	for (c = 0; c < format->required; c++)
		if (csv->places[c] < 0)
			csv_fault(csv, csv->line, "column %s is missing", format->columns[c]);
	if (count > format->count)
		csv_fault(csv, csv->line, "%d columns, but there are only %d", count,
			  format->count);
}

char *csv_line(struct csv *csv)
{
	char *line, *end;
	size_t length;

	while (!csv->error && csv->text && *csv->at) {
		csv->line++;
		line = csv->at;
		end = strchrnul(line, '\n');
		length = (size_t)(end - line);
		csv->at = *end ? end + 1 : end;
		*end = '\0';
		if (length && line[length - 1] == '\r')
			line[--length] = '\0';
		if (length && *line != '#')
			return line;
	}
	return NULL;
}

bool csv_next(struct csv *csv)
{
	char *line, *cells[CSV_COLUMNS_MAX], all[256];
	int count;

	while ((line = csv_line(csv))) {
		if (!csv->columns) {
			read_heading(csv, line);
			if (csv->faults) /* rows would only repeat it */
				csv->at += strlen(csv->at);
			continue;
		}
		count = split(line, cells, CSV_COLUMNS_MAX);
		if (count != csv->columns) {
			csv_fault(csv, csv->line, "%d field%s, but the heading has %d columns",
				  count, count == 1 ? "" : "s", csv->columns);
			continue;
		}
		for (int c = 0; c < csv->format->count; c++)
			csv->fields[c] = csv->places[c] < 0 ? cells[0] + strlen(cells[0])
							    : cells[csv->places[c]];
		return true;
	}
	if (!csv->error && !csv->columns) {
		csv->columns = -1; /* said once */
		csv_fault(csv, 0, "no heading: the first line must be %s",
			  heading(csv->format, all, sizeof(all)));
	}
	return false;
}

int csv_close(struct csv *csv, char **text)
{
	int err = csv->error;
	size_t more;

	if (csv->faults > CSV_FAULTS_MAX) {
		more = csv->faults - CSV_FAULTS_MAX;
		csv->faults = 0;
		csv_fault(csv, 0, "%zu more fault%s", more, more == 1 ? "" : "s");
	}
	if (!err && csv->faults)
		err = -EINVAL;
	if (err || !text) {
		free(csv->text);
		csv->text = NULL;
	}
	if (text)
		*text = csv->text;
	return err;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool csv_has(const struct csv *csv, int column)
{
	return csv->columns > 0 && csv->places[column] >= 0;
}

bool csv_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > CSV_NAME_MAX || name[0] == ' ' || name[length - 1] == ' ' ||
	    name[0] == '#')
		return false;
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == ',' || *name == '"')
			return false;
	return true;
}

bool csv_name(struct csv *csv, int column)
{
	const char *field = csv->fields[column];
	char shown[CSV_SHOWN];

	if (csv_name_valid(field))
		return true;
	if (*field)
		csv_fault(csv, csv->line,
			  "%s \"%s\" is no name (up to %d printable characters, no quotes, no "
			  "blank at an end)",
			  csv->format->columns[column], csv_shown(field, shown), CSV_NAME_MAX);
	else
		csv_fault(csv, csv->line, "%s is empty", csv->format->columns[column]);
	return false;
}

bool csv_number(struct csv *csv, int column, double least, double most, double *value)
{
	const char *field = csv->fields[column];
	char shown[CSV_SHOWN], *end;
	double number;

	/* No infinities, no hexadecimals, no blanks: what strtod(3) takes beyond numbers. */
	if (*field && !field[strspn(field, "0123456789+-.eE")]) {
		number = strtod(field, &end);
		if (!*end && number >= least && number <= most) {
			*value = number;
			return true;
		}
	}
	csv_fault(csv, csv->line, "%s \"%s\" is no number from %.10g to %.10g",
		  csv->format->columns[column], csv_shown(field, shown), least, most);
	return false;
}

bool csv_count(struct csv *csv, int column, unsigned int most, unsigned int *value)
{
	const char *field = csv->fields[column];
	char shown[CSV_SHOWN];
	unsigned long number = 0;

	if (*field && strlen(field) <= 10 && !field[strspn(field, "0123456789")]) {
		number = strtoul(field, NULL, 10);
		if (number <= most) {
			*value = (unsigned int)number;
			return true;
		}
	}
	csv_fault(csv, csv->line, "%s \"%s\" is no whole number from 0 to %u",
		  csv->format->columns[column], csv_shown(field, shown), most);
	return false;
}

bool csv_time(struct csv *csv, int column, usec_t *instant)
{
	const char *field = csv->fields[column];
	char shown[CSV_SHOWN];

	if (association_time_parse(field, instant) == 0)
		return true;
	csv_fault(csv, csv->line, "%s \"%s\" is no time in UTC like 2026-07-29T12:03:20.5Z",
		  csv->format->columns[column], csv_shown(field, shown));
	return false;
}
