/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and asking the association file. A row is a few pointers into its text, so a day of ten
 * thousand satellites costs its file and 56 bytes a row.
 */
#define _GNU_SOURCE /* reallocarray */
#include "association.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum column { FROM, UNTIL, SATELLITE, CORE, STATION, VIA };

static const struct csv_format format = {
	.columns = {"from", "until", "satellite", "core", "station", "via"},
	.count = 6,
	.required = 4,
};

/* One reading. */
struct reading {
	struct csv csv;
	struct association *rows;
	size_t count, room;
};

bool association_name_valid(const char *name)
{
	return csv_name_valid(name);
}

bool association_same(const struct association *a, const struct association *b)
{
	return strcmp(a->core, b->core) == 0 && strcmp(a->station, b->station) == 0 &&
	       strcmp(a->via, b->via) == 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void keep(struct reading *r, const struct association *row)
{
	struct association *more;
	size_t room;

	if (r->count == r->room) {
		room = r->room ? 2 * r->room : 64;
		more = reallocarray(r->rows, room, sizeof(*more));
		if (!more) {
			csv_fail(&r->csv, -ENOMEM);
			return;
		}
		r->rows = more;
		r->room = room;
	}
	r->rows[r->count++] = *row;
}

static void read_row(struct reading *r)
{
	struct csv *csv = &r->csv;
	struct association row = {.satellite = csv->fields[SATELLITE],
				  .core = csv->fields[CORE],
				  .station = csv->fields[STATION],
				  .via = csv->fields[VIA],
				  .line = csv->line};
	bool good;

	good = csv_time(csv, FROM, &row.from);
	good &= csv_time(csv, UNTIL, &row.until);
	if (good && row.until <= row.from) {
		csv_fault(csv, row.line, "until is not after from");
		good = false;
	}
	good &= csv_name(csv, SATELLITE);
	good &= csv_name(csv, CORE);
	if (*row.station)
		good &= csv_name(csv, STATION);
	if (*row.via)
		good &= csv_name(csv, VIA);
	if (good)
		keep(r, &row);
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
	char shown[CSV_SHOWN];

	for (size_t i = 1; i < r->count; i++) {
		row = &r->rows[i];
		if (strcmp(row->satellite, last->satellite) != 0) {
			last = row;
			continue;
		}
		if (row->from < last->until)
			csv_fault(&r->csv, row->line > last->line ? row->line : last->line,
				  "overlaps line %u: satellite %s can have one association at a "
				  "time",
				  row->line > last->line ? last->line : row->line,
				  csv_shown(row->satellite, shown));
		if (row->until > last->until)
			last = row;
	}
}

/*
 * Who is relayed is not relayed over one that is: then frames pass one link between satellites at
 * most, and nothing can go in a circle.
 */
static void check_relays(struct reading *r)
{
	const struct associations all = {.rows = r->rows, .count = r->count};
	char satellite[CSV_SHOWN], via[CSV_SHOWN];

	for (size_t i = 0; i < r->count; i++) {
		const struct association *row = &r->rows[i], *over;
		size_t count;

		if (!*row->via)
			continue;
		csv_shown(row->satellite, satellite);
		csv_shown(row->via, via);
		if (strcmp(row->via, row->satellite) == 0) {
			csv_fault(&r->csv, row->line, "satellite %s is relayed over itself",
				  satellite);
			continue;
		}
		over = association_of(&all, row->via, &count);
		for (size_t n = first_open(over, count, row->from);
		     n < count && over[n].from < row->until; n++) {
			if (!*over[n].via)
				continue;
			csv_fault(&r->csv, row->line,
				  "satellite %s is relayed over %s, which is relayed itself (line "
				  "%u)",
				  satellite, via, over[n].line);
			break;
		}
	}
}

/* A satellite and what it is called in the protocol. */
struct folded {
	char name[ASSOCIATION_FOLDED_MAX + 1];
	const struct association *row; /* one of its rows */
};

static int compare_folded(const void *a, const void *b)
{
	const struct folded *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->row->line < y->row->line ? -1 : x->row->line > y->row->line;
}

/* Cores and terminals have to tell satellites apart by the names of the protocol. */
static void check_names(struct reading *r)
{
	struct folded *all = calloc(r->count + 1, sizeof(*all));
	char one[CSV_SHOWN], other[CSV_SHOWN];
	size_t count = 0;

	if (!all) {
		csv_fail(&r->csv, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < r->count; i++) {
		const struct association *row = &r->rows[i];

		if (i > 0 && strcmp(row[-1].satellite, row->satellite) == 0)
			continue;
		association_fold_name(row->satellite, all[count].name);
		all[count++].row = row;
	}
	if (count)
		qsort(all, count, sizeof(*all), compare_folded);
	for (size_t i = 1; i < count; i++)
		if (strcmp(all[i - 1].name, all[i].name) == 0)
			csv_fault(&r->csv, all[i].row->line,
				  "satellite %s cannot be told from %s (line %u): both are %s in "
				  "the protocol",
				  csv_shown(all[i].row->satellite, one),
				  csv_shown(all[i - 1].row->satellite, other), all[i - 1].row->line,
				  all[i].name);
	free(all);
}

/* Lays the names of the rows end to end into memory of their own. -ENOMEM */
static int compact(struct associations *a)
{
	size_t size = 1;
	char *to, *text;

	for (size_t i = 0; i < a->count; i++)
		size += strlen(a->rows[i].satellite) + strlen(a->rows[i].core) +
			strlen(a->rows[i].station) + strlen(a->rows[i].via) + 4;
	text = to = malloc(size);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		const char **names[] = {&a->rows[i].satellite, &a->rows[i].core,
					&a->rows[i].station, &a->rows[i].via};

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

/* Reads what has been loaded. */
static int read_all(struct associations *a, struct reading *r, const char *satellite)
{
	int err;

	while (csv_next(&r->csv))
		read_row(r);
	if (r->count)
		qsort(r->rows, r->count, sizeof(*r->rows), compare);
	if (!r->csv.faults)
		check_overlaps(r);
	if (!r->csv.faults)
		check_relays(r);
	if (!r->csv.faults)
		check_names(r);
	a->rows = r->rows;
	a->count = r->count;
	err = csv_close(&r->csv, &a->text);
	if (!err && satellite) {
		err = only(a, satellite);
		if (err)
			csv_fail(&r->csv, err);
	}
	if (err)
		association_free(a);
	return err;
}

int association_load_text(struct associations *a, const char *name, const char *text, size_t length,
			  const char *satellite, association_report_fn *report, void *arg)
{
	struct reading r = {.count = 0};

	memset(a, 0, sizeof(*a));
	csv_open(&r.csv, &format, name, report, arg);
	csv_load_text(&r.csv, text, length);
	return read_all(a, &r, satellite);
}

int association_load(struct associations *a, const char *path, const char *satellite,
		     association_report_fn *report, void *arg)
{
	struct reading r = {.count = 0};

	memset(a, 0, sizeof(*a));
	csv_open(&r.csv, &format, path, report, arg);
	csv_load(&r.csv, path);
	return read_all(a, &r, satellite);
}

void association_free(struct associations *a)
{
	free(a->rows);
	free(a->text);
	memset(a, 0, sizeof(*a));
}

int association_pick(struct associations *a, const struct associations *from, const char *satellite)
{
	size_t count;
	const struct association *rows = association_of(from, satellite, &count);

	*a = (struct associations){.rows = calloc(count + 1, sizeof(*a->rows)), .count = count};
	if (a->rows && count)
		memcpy(a->rows, rows, count * sizeof(*rows));
	if (a->rows && compact(a) == 0)
		return 0;
	association_free(a);
	return -ENOMEM;
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The first row whose satellite comes after this name, or with `with` is it. */
static size_t first_behind(const struct associations *a, const char *satellite, bool with)
{
	size_t low = 0, high = a->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(a->rows[middle].satellite, satellite);

		if (order < 0 || (order == 0 && !with))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct association *association_of(const struct associations *a, const char *satellite,
					 size_t *count)
{
	size_t first = first_behind(a, satellite, true);

	*count = first_behind(a, satellite, false) - first;
	return *count ? a->rows + first : NULL;
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

/* ---- names of the protocol --------------------------------------------------------------------
 */

const char *association_fold_name(const char *name, char folded[ASSOCIATION_FOLDED_MAX + 1])
{
	size_t n;

	for (n = 0; n < ASSOCIATION_FOLDED_MAX && name[n]; n++) {
		char c = name[n];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			 c != '.' && c != '_')
			c = '-';
		folded[n] = c;
	}
	folded[n] = '\0';
	return folded;
}

void association_fold(struct associations *a)
{
	char folded[ASSOCIATION_FOLDED_MAX + 1];
	bool changed = false;

	for (size_t i = 0; i < a->count; i++) {
		/* It points into a->text, and does not grow. */
		char *name = a->text + (a->rows[i].satellite - a->text);

		association_fold_name(name, folded);
		changed |= strcmp(name, folded) != 0;
		strcpy(name, folded);
	}
	if (changed)
		qsort(a->rows, a->count, sizeof(*a->rows), compare);
}

/* ---- writing --------------------------------------------------------------------------------- */

int association_print_heading(FILE *out, bool relays)
{
	return fprintf(out, "from,until,satellite,core,station%s\n", relays ? ",via" : "");
}

int association_print(FILE *out, const struct association *row, bool relays)
{
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT];

	return fprintf(out, "%s,%s,%s,%s,%s%s%s\n", association_time_format(row->from, from),
		       association_time_format(row->until, until), row->satellite, row->core,
		       row->station, relays ? "," : "", relays ? row->via : "");
}
