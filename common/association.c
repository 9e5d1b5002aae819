/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and asking the association file. The text is cut up where it lies: a row is a few
 * pointers into it, so a day of ten thousand satellites costs its file and 48 bytes a row.
 */
#define _GNU_SOURCE /* strchrnul, reallocarray */
#include "association.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum column { FROM, UNTIL, SATELLITE, CORE, STATION, COLUMNS };

static const char *const column_names[COLUMNS] = {"from", "until", "satellite", "core", "station"};

#define SHOWN 48 /* of what is quoted in a message */

/* One reading: where it is, what it has found. */
struct reading {
	const char *name;
	association_report_fn *report;
	void *arg;
	unsigned int line;
	size_t faults;
	int places[COLUMNS]; /* of each column in the row; -1: not there */
	int columns;	     /* in the heading; 0: it has not been seen */
	struct association *rows;
	size_t count, room;
};

static void fault(struct reading *r, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct reading *r, unsigned int line, const char *format, ...)
{
	char text[512], message[PATH_MAX + 512 + 16];
	va_list ap;

	if (r->faults++ >= ASSOCIATION_FAULTS_MAX)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (line)
		snprintf(message, sizeof(message), "%s:%u: %s", r->name, line, text);
	else
		snprintf(message, sizeof(message), "%s: %s", r->name, text);
	r->report(r->arg, message);
}

/* A field as it may stand in a message: bounded, printable. */
static const char *shown(const char *field, char text[SHOWN + 4])
{
	size_t n = 0;

	for (; field[n] && n < SHOWN; n++)
		text[n] = field[n] >= ' ' && field[n] <= '~' ? field[n] : '?';
	strcpy(text + n, field[n] ? "..." : "");
	return text;
}

bool association_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > ASSOCIATION_NAME_MAX || name[0] == ' ' || name[length - 1] == ' ' ||
	    name[0] == '#')
		return false;
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == ',' || *name == '"')
			return false;
	return true;
}

bool association_same(const struct association *a, const struct association *b)
{
	return strcmp(a->core, b->core) == 0 && strcmp(a->station, b->station) == 0;
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

static void read_heading(struct reading *r, char *line)
{
	char *fields[2 * COLUMNS], text[SHOWN + 4];
	int count = split(line, fields, 2 * COLUMNS), c;

	for (c = 0; c < COLUMNS; c++)
		r->places[c] = -1;
	r->columns = count;
	for (int i = 0; i < count && i < 2 * COLUMNS; i++) {
		for (c = 0; c < COLUMNS && strcmp(fields[i], column_names[c]) != 0; c++)
			;
		if (c == COLUMNS)
			fault(r, r->line,
			      "unknown column \"%s\": the columns are "
			      "from,until,satellite,core,station",
			      shown(fields[i], text));
		else if (r->places[c] >= 0)
			fault(r, r->line, "column %s is there twice", column_names[c]);
		else
			r->places[c] = i;
	}
	for (c = 0; c < STATION; c++)
		if (r->places[c] < 0)
			fault(r, r->line, "column %s is missing", column_names[c]);
	if (count > COLUMNS)
		fault(r, r->line, "%d columns, but there are only %d", count, (int)COLUMNS);
}

static bool read_time(struct reading *r, const char *field, enum column column, usec_t *instant)
{
	char text[SHOWN + 4];

	if (association_time_parse(field, instant) == 0)
		return true;
	fault(r, r->line, "%s \"%s\" is no time in UTC like 2026-07-29T12:03:20.5Z",
	      column_names[column], shown(field, text));
	return false;
}

static bool read_name(struct reading *r, const char *field, enum column column)
{
	char text[SHOWN + 4];

	if (association_name_valid(field))
		return true;
	if (*field)
		fault(r, r->line,
		      "%s \"%s\" is no name (up to %d printable characters, no quotes, no blank "
		      "at an end)",
		      column_names[column], shown(field, text), ASSOCIATION_NAME_MAX);
	else
		fault(r, r->line, "%s is empty", column_names[column]);
	return false;
}

static int keep(struct reading *r, const struct association *row)
{
	struct association *more;
	size_t room;

	if (r->count == r->room) {
		room = r->room ? 2 * r->room : 64;
		more = reallocarray(r->rows, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->rows = more;
		r->room = room;
	}
	r->rows[r->count++] = *row;
	return 0;
}

static int read_row(struct reading *r, char *line)
{
	struct association row = {.station = "", .line = r->line};
	char *fields[COLUMNS];
	int count = split(line, fields, COLUMNS);
	const char *station;
	bool good;

	if (count != r->columns) {
		fault(r, r->line, "%d field%s, but the heading has %d columns", count,
		      count == 1 ? "" : "s", r->columns);
		return 0;
	}
	station = r->places[STATION] >= 0 ? fields[r->places[STATION]] : "";
	row.satellite = fields[r->places[SATELLITE]];
	row.core = fields[r->places[CORE]];
	good = read_time(r, fields[r->places[FROM]], FROM, &row.from);
	good &= read_time(r, fields[r->places[UNTIL]], UNTIL, &row.until);
	if (good && row.until <= row.from) {
		fault(r, r->line, "until is not after from");
		good = false;
	}
	good &= read_name(r, row.satellite, SATELLITE);
	good &= read_name(r, row.core, CORE);
	if (*station) {
		good &= read_name(r, station, STATION);
		row.station = station;
	}
	return good ? keep(r, &row) : 0;
}

/* The text ends with a zero byte beyond its length, and has none before. */
static int read_lines(struct reading *r, char *text)
{
	char *end;
	size_t length;
	int err;

	for (; *text; text = end) {
		r->line++;
		end = strchrnul(text, '\n');
		length = (size_t)(end - text);
		if (*end)
			*end++ = '\0';
		if (length && text[length - 1] == '\r')
			text[--length] = '\0';
		if (!length || *text == '#')
			continue;
		if (!r->columns) {
			read_heading(r, text);
			if (r->faults) /* rows would only repeat it */
				return 0;
			continue;
		}
		err = read_row(r, text);
		if (err)
			return err;
	}
	if (!r->columns)
		fault(r, 0, "no heading: the first line must be from,until,satellite,core,station");
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct association *x = a, *y = b;
	int order = strcmp(x->satellite, y->satellite);

	if (order)
		return order;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* A satellite is attached to one ground station at a time. */
static void check_overlaps(struct reading *r)
{
	const struct association *last = r->rows, *row; /* of a satellite, the one that ends last */
	char text[SHOWN + 4];

	for (size_t i = 1; i < r->count; i++) {
		row = &r->rows[i];
		if (strcmp(row->satellite, last->satellite) != 0) {
			last = row;
			continue;
		}
		if (row->from < last->until)
			fault(r, row->line > last->line ? row->line : last->line,
			      "overlaps line %u: satellite %s can have one association at a time",
			      row->line > last->line ? last->line : row->line,
			      shown(row->satellite, text));
		if (row->until > last->until)
			last = row;
	}
}

/* Lays the names of the rows end to end into memory of their own. -ENOMEM */
static int compact(struct associations *a)
{
	size_t size = 1;
	char *to, *text;

	for (size_t i = 0; i < a->count; i++)
		size += strlen(a->rows[i].satellite) + strlen(a->rows[i].core) +
			strlen(a->rows[i].station) + 3;
	text = to = malloc(size);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		const char **names[] = {&a->rows[i].satellite, &a->rows[i].core,
					&a->rows[i].station};

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			char *start = to;

			to = stpcpy(to, *names[n]) + 1;
			*names[n] = start;
		}
	}
	free(a->text);
	a->text = text;
	return 0;
}

/* Throws the rows of other satellites away. */
static int only(struct associations *a, const char *satellite)
{
	struct association *fewer;
	size_t count;
	const struct association *rows = association_of(a, satellite, &count);

	if (count)
		memmove(a->rows, rows, count * sizeof(*rows));
	a->count = count;
	fewer = reallocarray(a->rows, count ? count : 1, sizeof(*fewer));
	if (fewer)
		a->rows = fewer;
	return compact(a);
}

/* Takes over the text, `length` bytes and a zero byte. */
static int take_text(struct associations *a, const char *name, char *text, size_t length,
		     const char *satellite, association_report_fn *report, void *arg)
{
	struct reading r = {.name = name, .report = report, .arg = arg};
	const char *zero = memchr(text, '\0', length);
	int err = 0;

	memset(a, 0, sizeof(*a));
	if (zero) {
		for (const char *p = text; p < zero; p++)
			r.line += *p == '\n';
		fault(&r, r.line + 1, "a zero byte: this is no text");
	} else {
		err = read_lines(&r, text);
	}
	a->text = text;
	a->rows = r.rows;
	a->count = r.count;
	if (!err && !r.faults) {
		if (r.count)
			qsort(r.rows, r.count, sizeof(*r.rows), compare);
		check_overlaps(&r);
		if (!r.faults && satellite)
			err = only(a, satellite);
	}
	if (err)
		fault(&r, 0, "%s", strerror(-err));
	if (r.faults > ASSOCIATION_FAULTS_MAX) {
		size_t more = r.faults - ASSOCIATION_FAULTS_MAX;

		r.faults = 0;
		fault(&r, 0, "%zu more fault%s", more, more == 1 ? "" : "s");
	}
	if (!err && r.faults)
		err = -EINVAL;
	if (err)
		association_free(a);
	return err;
}

int association_load_text(struct associations *a, const char *name, const char *text, size_t length,
			  const char *satellite, association_report_fn *report, void *arg)
{
	struct reading r = {.name = name, .report = report, .arg = arg};
	char *copy = malloc(length + 1);

	memset(a, 0, sizeof(*a));
	if (!copy) {
		fault(&r, 0, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return take_text(a, name, copy, length, satellite, report, arg);
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
	else if ((uintmax_t)st.st_size > ASSOCIATION_FILE_MAX)
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

int association_load(struct associations *a, const char *path, const char *satellite,
		     association_report_fn *report, void *arg)
{
	struct reading r = {.name = path, .report = report, .arg = arg};
	size_t length;
	char *text;
	int err = read_file(path, &text, &length);

	memset(a, 0, sizeof(*a));
	if (err == -EINVAL)
		fault(&r, 0, "is no regular file");
	else if (err == -EFBIG)
		fault(&r, 0, "is larger than %zu MiB", ASSOCIATION_FILE_MAX >> 20);
	else if (err)
		fault(&r, 0, "cannot be read: %s", strerror(-err));
	return err ? err : take_text(a, path, text, length, satellite, report, arg);
}

void association_free(struct associations *a)
{
	free(a->rows);
	free(a->text);
	memset(a, 0, sizeof(*a));
}

/* ---- questions ------------------------------------------------------------------------------- */

const struct association *association_of(const struct associations *a, const char *satellite,
					 size_t *count)
{
	size_t low = 0, high = a->count, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(a->rows[middle].satellite, satellite) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	while (low < a->count && strcmp(a->rows[low].satellite, satellite) == 0)
		low++;
	*count = low - first;
	return *count ? a->rows + first : NULL;
}

/* The first row that is not over at this instant; `count` when all are. */
static size_t first_open(const struct association *rows, size_t count, usec_t instant)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].until <= instant)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct association *association_at(const struct association *rows, size_t count,
					 usec_t instant)
{
	size_t i = first_open(rows, count, instant);

	return i < count && rows[i].from <= instant ? &rows[i] : NULL;
}

usec_t association_next(const struct association *rows, size_t count, usec_t instant)
{
	size_t i = first_open(rows, count, instant);

	if (i == count)
		return USEC_NEVER;
	if (rows[i].from > instant)
		return rows[i].from;
	while (i + 1 < count && rows[i + 1].from == rows[i].until &&
	       association_same(&rows[i], &rows[i + 1]))
		i++;
	return rows[i].until;
}

/* ---- writing --------------------------------------------------------------------------------- */

int association_print_heading(FILE *out)
{
	return fputs("from,until,satellite,core,station\n", out);
}

int association_print(FILE *out, const struct association *row)
{
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT];

	return fprintf(out, "%s,%s,%s,%s,%s\n", association_time_format(row->from, from),
		       association_time_format(row->until, until), row->satellite, row->core,
		       row->station);
}
