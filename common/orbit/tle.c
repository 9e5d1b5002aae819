/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading two-line element sets (tle.h). The format counts columns, from 1, as does this file:
 * field(line, 19, 20) is what the format's description calls columns 19 to 20.
 */
#define _GNU_SOURCE /* reallocarray */
#include "orbit/tle.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "orbit/sgp4.h"
#include "orbit/tle_private.h"

/* One reading: the lines, and the set that is being put together. */
struct reading {
	struct csv lines;
	struct constellation *constellation;
	unsigned int owner;
	const char *title; /* the set's name line; NULL: none */
	const char *first; /* its line 1; NULL: not yet */
	unsigned int title_line, first_line;
};

/* ---- fields ---------------------------------------------------------------------------------- */

/* The columns `from` to `to` without the blanks about them. */
static const char *field(const char *line, int from, int to, char text[TLE_LINE + 1])
{
	int n;

	while (from < to && line[from - 1] == ' ')
		from++;
	while (to >= from && line[to - 1] == ' ')
		to--;
	n = to - from + 1;
	memcpy(text, line + from - 1, (size_t)n);
	text[n] = '\0';
	return text;
}

/* Digits with one point, "97.4321" or ".5"; no sign, no exponent. */
static bool decimal(const char *text, double *value)
{
	size_t digits = strspn(text, "0123456789"), more = 0;
	const char *rest = text + digits;

	if (*rest == '.')
		more = strspn(++rest, "0123456789");
	*value = strtod(text, NULL);
	return digits + more > 0 && rest[more] == '\0';
}

static bool angle(struct reading *r, const char *line, int from, int to, const char *what,
		  double most, double *value)
{
	char text[TLE_LINE + 1];

	if (decimal(field(line, from, to, text), value) && *value <= most)
		return true;
	csv_fault(&r->lines, r->lines.line,
		  "%s \"%s\" (columns %d to %d) is no angle from 0 to %g degrees", what, text, from,
		  to, most);
	return false;
}

/* "-11606-4" is -0.11606e-4. */
static bool exponential(const char *text, double *value)
{
	double mantissa = 0;
	bool negative = *text == '-';
	int digits = 0, exponent;

	text += *text == '-' || *text == '+';
	for (; isdigit((unsigned char)*text); text++, digits++)
		mantissa = mantissa * 10 + (*text - '0');
	if (!digits || digits > 5 || (*text != '-' && *text != '+') ||
	    !isdigit((unsigned char)text[1]) || text[2])
		return false;
	exponent = (text[1] - '0') * (*text == '-' ? -1 : 1);
	*value = (negative ? -mantissa : mantissa) * pow(10, exponent - digits);
	return true;
}

static bool catalogue_number(const char *line, unsigned int *number)
{
	char text[TLE_LINE + 1];
	static const char letters[] = TLE_ALPHA5;
	const char *digits = field(line, 3, 7, text), *letter;

	*number = 0;
	if (*digits && (letter = strchr(letters, *digits))) {
		*number = (unsigned int)(letter - letters) + 10;
		if (strlen(++digits) != 4)
			return false;
	}
	if (!*digits)
		return false;
	for (; isdigit((unsigned char)*digits); digits++)
		*number = *number * 10 + (unsigned int)(*digits - '0');
	return !*digits;
}

/* The instant at which a year from 1957 to 2056 begins: every fourth is a leap year. */
static usec_t year_begin(int year)
{
	int64_t days = 365 * (year - 1970) + (year - 1901) / 4 - 17;

	return days * 86400 * USEC_PER_SEC;
}

/* "26001.50000000": the year's last two digits and the day, which begins with 1. */
static bool epoch(const char *line, usec_t *instant)
{
	int year = 0, day = 0, column, days;
	usec_t unit = 86400 * USEC_PER_SEC, fraction = 0;

	if (!isdigit((unsigned char)line[18]) || !isdigit((unsigned char)line[19]))
		return false;
	year = (line[18] - '0') * 10 + line[19] - '0';
	year += year < 57 ? 2000 : 1900;
	for (column = 21; column <= 23 && line[column - 1] == ' '; column++)
		;
	for (; column <= 23; column++) {
		if (!isdigit((unsigned char)line[column - 1]))
			return false;
		day = day * 10 + line[column - 1] - '0';
	}
	if (line[23] != '.')
		return false;
	for (column = 25; column <= 32 && isdigit((unsigned char)line[column - 1]); column++) {
		unit /= 10;
		fraction += unit * (line[column - 1] - '0');
	}
	for (; column <= 32; column++)
		if (line[column - 1] != ' ')
			return false;
	days = year % 4 ? 365 : 366;
	*instant = year_begin(year) + (day - 1) * (86400 * USEC_PER_SEC) + fraction;
	return day >= 1 && day <= days;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* What holds for line 1 and line 2. Beyond the checksum, after a blank, anything may stand: the
 * published verification cases have the span of their states there. */
static bool check_line(struct reading *r, const char *line)
{
	size_t length = strlen(line);
	char sum;

	if (length < TLE_LINE) {
		csv_fault(&r->lines, r->lines.line,
			  "an element line of %zu characters; it must have %d", length, TLE_LINE);
		return false;
	}
	if (length > TLE_LINE && line[TLE_LINE] != ' ') {
		csv_fault(&r->lines, r->lines.line, "an element line of more than %d characters",
			  TLE_LINE);
		return false;
	}
	sum = tle_checksum(line);
	if (line[TLE_LINE - 1] != sum) {
		csv_fault(&r->lines, r->lines.line,
			  "the checksum (column %d) is '%c', but the line's is %c", TLE_LINE,
			  isprint((unsigned char)line[TLE_LINE - 1]) ? line[TLE_LINE - 1] : '?',
			  sum);
		return false;
	}
	return true;
}

static bool read_first(struct reading *r, const char *line, struct element_set *set)
{
	char text[TLE_LINE + 1], quoted[CSV_SHOWN];
	bool good = true;

	if (!catalogue_number(line, &set->number)) {
		csv_fault(&r->lines, r->lines.line,
			  "\"%s\" (columns 3 to 7) is no catalogue number",
			  csv_shown(field(line, 3, 7, text), quoted));
		good = false;
	}
	if (!epoch(line, &set->epoch)) {
		csv_fault(&r->lines, r->lines.line,
			  "\"%s\" (columns 19 to 32) is no epoch like 26001.50000000",
			  csv_shown(field(line, 19, 32, text), quoted));
		good = false;
	}
	if (!exponential(field(line, 54, 61, text), &set->bstar)) {
		csv_fault(&r->lines, r->lines.line,
			  "drag \"%s\" (columns 54 to 61) is no number like -11606-4",
			  csv_shown(text, quoted));
		good = false;
	}
	return good;
}

static bool read_second(struct reading *r, const char *line, struct element_set *set)
{
	char text[TLE_LINE + 1], quoted[CSV_SHOWN];
	bool good = angle(r, line, 9, 16, "inclination", 180, &set->inclination);
	const char *digits;

	good &= angle(r, line, 18, 25, "ascending node", 360, &set->node);
	good &= angle(r, line, 35, 42, "argument of perigee", 360, &set->perigee);
	good &= angle(r, line, 44, 51, "mean anomaly", 360, &set->anomaly);
	digits = field(line, 27, 33, text);
	if (strlen(digits) == 7 && strspn(digits, "0123456789") == 7) {
		set->eccentricity = strtod(digits, NULL) / 1e7;
	} else {
		csv_fault(&r->lines, r->lines.line,
			  "eccentricity \"%s\" (columns 27 to 33) is not seven digits",
			  csv_shown(digits, quoted));
		good = false;
	}
	if (!decimal(field(line, 53, 63, text), &set->motion) ||
	    !(set->motion > 0 && set->motion < 100)) {
		csv_fault(&r->lines, r->lines.line,
			  "mean motion \"%s\" (columns 53 to 63) is no number of revolutions per "
			  "day above 0 and below 100",
			  csv_shown(text, quoted));
		good = false;
	}
	return good;
}

/* The name: of the name line, or the catalogue number as it stands. */
static bool read_name(struct reading *r, struct element_set *set)
{
	char text[TLE_LINE + 1], quoted[CSV_SHOWN];
	const char *name = r->title, *end;

	if (!name) {
		strcpy(set->name, field(r->first, 3, 7, text));
		return true;
	}
	if (name[0] == '0' && name[1] == ' ')
		name += 2;
	name += strspn(name, " \t");
	for (end = name + strlen(name); end > name && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	if ((size_t)(end - name) > TLE_NAME_MAX) {
		csv_fault(&r->lines, r->title_line, "the name \"%s\" has more than %d characters",
			  csv_shown(name, quoted), TLE_NAME_MAX);
		return false;
	}
	memcpy(set->name, name, (size_t)(end - name));
	set->name[end - name] = '\0';
	if (association_name_valid(set->name))
		return true;
	csv_fault(&r->lines, r->title_line,
		  "\"%s\" cannot be a satellite's name: it must be printable ASCII without comma "
		  "and quote",
		  csv_shown(set->name, quoted));
	return false;
}

static int keep(struct constellation *c, const struct element_set *set)
{
	struct element_set *more;
	size_t room;

	if (c->count == c->room) {
		room = c->room ? 2 * c->room : 64;
		more = reallocarray(c->sets, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->sets = more;
		c->room = room;
	}
	c->sets[c->count++] = *set;
	return 0;
}

/* Line 2 is here, and line 1 before it: the set is whole. */
static int read_set(struct reading *r, const char *second)
{
	struct element_set set = {.owner = r->owner, .line = r->first_line};
	unsigned int number, line = r->lines.line;
	enum sgp4_result result;
	struct sgp4 orbit;
	bool good;

	/* Faults of line 1 are told with its number. */
	r->lines.line = r->first_line;
	good = check_line(r, r->first) && read_first(r, r->first, &set);
	r->lines.line = line;
	if (!check_line(r, second) || !read_second(r, second, &set) || !good || !read_name(r, &set))
		return 0;
	if (!catalogue_number(second, &number) || number != set.number) {
		csv_fault(&r->lines, line,
			  "columns 3 to 7 differ from line 1: this is another satellite");
		return 0;
	}
	result = sgp4_init(&orbit, &set);
	if (result != SGP4_GOOD && !r->constellation->unchecked) {
		csv_fault(&r->lines, set.line, "satellite %s: %s", set.name, sgp4_text(result));
		return 0;
	}
	return keep(r->constellation, &set);
}

/* What waits for a line that will not come. */
static void check_waiting(struct reading *r)
{
	char quoted[CSV_SHOWN];

	if (r->first)
		csv_fault(&r->lines, r->first_line, "line 2 is missing after this line 1");
	else if (r->title)
		csv_fault(&r->lines, r->title_line,
			  "\"%s\" is neither an element line nor followed by one",
			  csv_shown(r->title, quoted));
	r->first = r->title = NULL;
}

static int read_line(struct reading *r, const char *line)
{
	int err = 0;

	if (line[0] == '2' && line[1] == ' ') {
		if (r->first)
			err = read_set(r, line);
		else
			csv_fault(&r->lines, r->lines.line, "a line 2 without its line 1");
		r->first = r->title = NULL;
	} else if (line[0] == '1' && line[1] == ' ') {
		if (r->first)
			check_waiting(r);
		r->first = line;
		r->first_line = r->lines.line;
	} else {
		check_waiting(r);
		r->title = line;
		r->title_line = r->lines.line;
	}
	return err;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct element_set *x = *(const struct element_set *const *)a;
	const struct element_set *y = *(const struct element_set *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* Plans call satellites by their names. The first `old` sets are from files read before. */
static int check_names(struct reading *r, size_t old)
{
	const struct constellation *c = r->constellation;
	const struct element_set **order = reallocarray(NULL, c->count + 1, sizeof(*order));
	size_t i;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < c->count; i++)
		order[i] = &c->sets[i];
	qsort(order, c->count, sizeof(*order), by_name);
	for (i = 1; i < c->count; i++) {
		if (strcmp(order[i]->name, order[i - 1]->name) != 0)
			continue;
		if (order[i - 1] >= c->sets + old)
			csv_fault(&r->lines, order[i]->line,
				  "satellite %s is there already: line %u", order[i]->name,
				  order[i - 1]->line);
		else if (order[i] >= c->sets + old)
			csv_fault(&r->lines, order[i]->line,
				  "satellite %s is in another file already", order[i]->name);
	}
	free(order);
	return 0;
}

/* Reads what has been loaded. */
static int read_all(struct reading *r)
{
	struct constellation *c = r->constellation;
	size_t old = c->count;
	char *line;
	int err = 0;

	while (!err && (line = csv_line(&r->lines)))
		if (line[strspn(line, " \t")] != '\0')
			err = read_line(r, line);
	check_waiting(r);
	if (!err)
		err = check_names(r, old);
	if (err)
		csv_fail(&r->lines, err);
	else if (!r->lines.faults && c->count == old)
		csv_fault(&r->lines, 0, "no element sets: a satellite has a line 1 and a line 2");
	err = csv_close(&r->lines, NULL);
	if (err)
		c->count = old;
	return err;
}

int tle_load_text(struct constellation *c, const char *name, const char *text, size_t length,
		  unsigned int owner, association_report_fn *report, void *arg)
{
	struct reading r = {.constellation = c, .owner = owner};

	csv_open(&r.lines, NULL, name, report, arg);
	csv_load_text(&r.lines, text, length);
	return read_all(&r);
}

int tle_load(struct constellation *c, const char *path, unsigned int owner,
	     association_report_fn *report, void *arg)
{
	struct reading r = {.constellation = c, .owner = owner};

	csv_open(&r.lines, NULL, path, report, arg);
	csv_load(&r.lines, path);
	return read_all(&r);
}

void tle_free(struct constellation *c)
{
	free(c->sets);
	memset(c, 0, sizeof(*c));
}

const struct element_set *tle_find(const struct constellation *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->sets[i].name, name) == 0)
			return &c->sets[i];
	return NULL;
}
