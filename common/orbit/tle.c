/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing two-line element sets (tle.h). The format counts columns, from 1, as does
 * this file: field(line, 19, 20) is what the format's description calls columns 19 to 20.
 */
#define _GNU_SOURCE /* strchrnul, reallocarray */
#include "orbit/tle.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orbit/sgp4.h"

#define LINE_LENGTH 69 /* the last column is the checksum */
#define SHOWN	    48 /* of what is quoted in a message */

/* Catalogue numbers from 100000 have a letter for the first two digits; I and O are left out. */
static const char alpha5[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";

/* One reading: where it is, what it has found. */
struct reading {
	const char *name;
	association_report_fn *report;
	void *arg;
	unsigned int line;
	size_t faults;
	/* The set that is being put together. */
	const char *title; /* its name line; NULL: none */
	const char *first; /* its line 1; NULL: not yet */
	unsigned int title_line, first_line;
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

/* A line as it may stand in a message: bounded, printable. */
static const char *shown(const char *line, char text[SHOWN + 4])
{
	size_t n = 0;

	for (; line[n] && n < SHOWN; n++)
		text[n] = line[n] >= ' ' && line[n] <= '~' ? line[n] : '?';
	strcpy(text + n, line[n] ? "..." : "");
	return text;
}

/* ---- fields -----------------------------------------------------------------------------------
 */

/* The columns `from` to `to` without the blanks about them. */
static const char *field(const char *line, int from, int to, char text[LINE_LENGTH + 1])
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
	char text[LINE_LENGTH + 1];

	if (decimal(field(line, from, to, text), value) && *value <= most)
		return true;
	fault(r, r->line, "%s \"%s\" (columns %d to %d) is no angle from 0 to %g degrees", what,
	      text, from, to, most);
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
	char text[LINE_LENGTH + 1];
	const char *digits = field(line, 3, 7, text), *letter;

	*number = 0;
	if (*digits && (letter = strchr(alpha5, *digits))) {
		*number = (unsigned int)(letter - alpha5) + 10;
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
	*instant = year_begin(year) + (day - 1) * 86400 * USEC_PER_SEC + fraction;
	return day >= 1 && day <= days;
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static int checksum(const char *line)
{
	int sum = 0;

	for (int i = 0; i < LINE_LENGTH - 1; i++)
		sum += isdigit((unsigned char)line[i]) ? line[i] - '0' : line[i] == '-';
	return sum % 10;
}

/* What holds for line 1 and line 2. Beyond the checksum, after a blank, anything may stand: the
 * published verification cases have the span of their states there. */
static bool check_line(struct reading *r, const char *line)
{
	size_t length = strlen(line);
	int sum;

	if (length < LINE_LENGTH) {
		fault(r, r->line, "an element line of %zu characters; it must have %d", length,
		      LINE_LENGTH);
		return false;
	}
	if (length > LINE_LENGTH && line[LINE_LENGTH] != ' ') {
		fault(r, r->line, "an element line of more than %d characters", LINE_LENGTH);
		return false;
	}
	sum = checksum(line);
	if (line[LINE_LENGTH - 1] != '0' + sum) {
		fault(r, r->line, "the checksum (column %d) is '%c', but the line's is %d",
		      LINE_LENGTH,
		      isprint((unsigned char)line[LINE_LENGTH - 1]) ? line[LINE_LENGTH - 1] : '?',
		      sum);
		return false;
	}
	return true;
}

static bool read_first(struct reading *r, const char *line, struct element_set *set)
{
	char text[LINE_LENGTH + 1], quoted[SHOWN + 4];
	bool good = true;

	if (!catalogue_number(line, &set->number)) {
		fault(r, r->line, "\"%s\" (columns 3 to 7) is no catalogue number",
		      shown(field(line, 3, 7, text), quoted));
		good = false;
	}
	if (!epoch(line, &set->epoch)) {
		fault(r, r->line, "\"%s\" (columns 19 to 32) is no epoch like 26001.50000000",
		      shown(field(line, 19, 32, text), quoted));
		good = false;
	}
	if (!exponential(field(line, 54, 61, text), &set->bstar)) {
		fault(r, r->line, "drag \"%s\" (columns 54 to 61) is no number like -11606-4",
		      shown(text, quoted));
		good = false;
	}
	return good;
}

static bool read_second(struct reading *r, const char *line, struct element_set *set)
{
	char text[LINE_LENGTH + 1], quoted[SHOWN + 4];
	bool good = angle(r, line, 9, 16, "inclination", 180, &set->inclination);
	const char *digits;

	good &= angle(r, line, 18, 25, "ascending node", 360, &set->node);
	good &= angle(r, line, 35, 42, "argument of perigee", 360, &set->perigee);
	good &= angle(r, line, 44, 51, "mean anomaly", 360, &set->anomaly);
	digits = field(line, 27, 33, text);
	if (strlen(digits) == 7 && strspn(digits, "0123456789") == 7) {
		set->eccentricity = strtod(digits, NULL) / 1e7;
	} else {
		fault(r, r->line, "eccentricity \"%s\" (columns 27 to 33) is not seven digits",
		      shown(digits, quoted));
		good = false;
	}
	if (!decimal(field(line, 53, 63, text), &set->motion) || !(set->motion > 0)) {
		fault(r, r->line,
		      "mean motion \"%s\" (columns 53 to 63) is no number above 0 of revolutions "
		      "per day",
		      shown(text, quoted));
		good = false;
	}
	return good;
}

/* The name: of the name line, or the catalogue number as it stands. */
static bool read_name(struct reading *r, struct element_set *set)
{
	char text[LINE_LENGTH + 1], quoted[SHOWN + 4];
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
		fault(r, r->title_line, "the name \"%s\" has more than %d characters",
		      shown(name, quoted), TLE_NAME_MAX);
		return false;
	}
	memcpy(set->name, name, (size_t)(end - name));
	set->name[end - name] = '\0';
	if (association_name_valid(set->name))
		return true;
	fault(r, r->title_line,
	      "\"%s\" cannot be a satellite's name: it must be printable ASCII without comma "
	      "and quote",
	      shown(set->name, quoted));
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
static int read_set(struct reading *r, const char *second, struct constellation *c,
		    unsigned int owner)
{
	struct element_set set = {.owner = owner, .line = r->first_line};
	unsigned int number, line = r->line;
	enum sgp4_result result;
	struct sgp4 orbit;
	bool good;

	/* Faults of line 1 are told with its number. */
	r->line = r->first_line;
	good = check_line(r, r->first) && read_first(r, r->first, &set);
	r->line = line;
	if (!check_line(r, second) || !read_second(r, second, &set) || !good || !read_name(r, &set))
		return 0;
	if (!catalogue_number(second, &number) || number != set.number) {
		fault(r, line, "line 2 is of another satellite than line 1: columns 3 to 7 differ");
		return 0;
	}
	result = sgp4_init(&orbit, &set);
	if (result != SGP4_GOOD) {
		fault(r, set.line, "satellite %s: %s", set.name, sgp4_text(result));
		return 0;
	}
	return keep(c, &set);
}

/* What waits for a line that will not come. */
static void check_waiting(struct reading *r)
{
	char quoted[SHOWN + 4];

	if (r->first)
		fault(r, r->first_line, "line 2 is missing after this line 1");
	else if (r->title)
		fault(r, r->title_line, "\"%s\" is neither an element line nor followed by one",
		      shown(r->title, quoted));
	r->first = r->title = NULL;
}

static int read_line(struct reading *r, char *line, struct constellation *c, unsigned int owner)
{
	int err = 0;

	if (line[0] == '2' && line[1] == ' ') {
		if (r->first)
			err = read_set(r, line, c, owner);
		else
			fault(r, r->line, "a line 2 without its line 1");
		r->first = r->title = NULL;
	} else if (line[0] == '1' && line[1] == ' ') {
		if (r->first)
			check_waiting(r);
		r->first = line;
		r->first_line = r->line;
	} else {
		check_waiting(r);
		r->title = line;
		r->title_line = r->line;
	}
	return err;
}

/* The text ends with a zero byte beyond its length, and has none before. It is cut up. */
static int read_lines(struct reading *r, char *text, struct constellation *c, unsigned int owner)
{
	char *end, *line;
	size_t length;
	int err = 0;

	for (; *text && !err; text = end) {
		r->line++;
		end = strchrnul(text, '\n');
		length = (size_t)(end - text);
		if (*end)
			*end++ = '\0';
		if (length && text[length - 1] == '\r')
			text[length - 1] = '\0';
		line = text + strspn(text, " \t");
		if (*line && *line != '#')
			err = read_line(r, text, c, owner);
	}
	if (!err)
		check_waiting(r);
	return err;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
	const struct element_set *x = *(const struct element_set *const *)a;
	const struct element_set *y = *(const struct element_set *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* Plans call satellites by their names. The first `old` sets are from files read before. */
static int check_names(struct reading *r, const struct constellation *c, size_t old)
{
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
			fault(r, order[i]->line, "satellite %s is there already: line %u",
			      order[i]->name, order[i - 1]->line);
		else if (order[i] >= c->sets + old)
			fault(r, order[i]->line, "satellite %s is in another file already",
			      order[i]->name);
	}
	free(order);
	return 0;
}

/* Cuts up the text, `length` bytes and a zero byte, which stays the caller's. */
static int take_text(struct constellation *c, const char *name, char *text, size_t length,
		     unsigned int owner, association_report_fn *report, void *arg)
{
	struct reading r = {.name = name, .report = report, .arg = arg};
	const char *zero = memchr(text, '\0', length);
	size_t old = c->count, more;
	int err = 0;

	if (zero) {
		for (const char *p = text; p < zero; p++)
			r.line += *p == '\n';
		fault(&r, r.line + 1, "a zero byte: this is no text");
	} else {
		err = read_lines(&r, text, c, owner);
		if (!err)
			err = check_names(&r, c, old);
		if (!err && !r.faults && c->count == old)
			fault(&r, 0, "no element sets: a satellite has a line 1 and a line 2");
	}
	if (err)
		fault(&r, 0, "%s", strerror(-err));
	if (r.faults > ASSOCIATION_FAULTS_MAX) {
		more = r.faults - ASSOCIATION_FAULTS_MAX;
		r.faults = 0;
		fault(&r, 0, "%zu more fault%s", more, more == 1 ? "" : "s");
	}
	if (!err && r.faults)
		err = -EINVAL;
	if (err)
		c->count = old;
	return err;
}

int tle_load_text(struct constellation *c, const char *name, const char *text, size_t length,
		  unsigned int owner, association_report_fn *report, void *arg)
{
	struct reading r = {.name = name, .report = report, .arg = arg};
	char *copy = malloc(length + 1);
	int err;

	if (!copy) {
		fault(&r, 0, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	err = take_text(c, name, copy, length, owner, report, arg);
	free(copy);
	return err;
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
	else if ((uintmax_t)st.st_size > TLE_FILE_MAX)
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

int tle_load(struct constellation *c, const char *path, unsigned int owner,
	     association_report_fn *report, void *arg)
{
	struct reading r = {.name = path, .report = report, .arg = arg};
	size_t length;
	char *text;
	int err = read_file(path, &text, &length);

	if (err == -EINVAL)
		fault(&r, 0, "is no regular file");
	else if (err == -EFBIG)
		fault(&r, 0, "is larger than %zu MiB", TLE_FILE_MAX >> 20);
	else if (err)
		fault(&r, 0, "cannot be read: %s", strerror(-err));
	if (err)
		return err;
	err = take_text(c, path, text, length, owner, report, arg);
	free(text);
	return err;
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
