/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of a plan. Rows are looked at by satellite, in parallel; what is found is kept per row
 * and told in the order of the file.
 */
#define _GNU_SOURCE /* qsort_r */
#include "plan/verify.h"

#include "orbit/sgp4.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NONE	SIZE_MAX
#define EQUATOR 6378.135 /* km, WGS-72 */

/* What a row means, and the first thing that its geometry gets wrong. */
struct finding {
	size_t satellite, via; /* in the scenario, or NONE */
	size_t station;
	int core;
	enum geometry { SEEN, BELOW, DECAYED, HIDDEN, FAR } geometry;
	usec_t instant;
	double elevation, distance; /* degrees at the station; km to the neighbour */
};

struct checking {
	const struct verify *verify;
	const struct scenario *scenario;
	const struct associations *plan;
	const char *name;
	association_report_fn *report;
	void *arg;
	size_t faults;
	size_t *by_name;     /* satellites of the scenario in the order of their names */
	struct sgp4 *orbits; /* ready */
	struct site *sites;  /* of stations */
	struct finding *findings;
	size_t *begins; /* rows with which a satellite begins, and their number at the end */
	size_t satellites;
};

static void fault(struct checking *c, const struct association *row, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct checking *c, const struct association *row, const char *format, ...)
{
	char text[1024], message[PATH_MAX + sizeof(text) + 16];
	va_list ap;

	if (c->faults++ >= CSV_FAULTS_MAX)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(message, sizeof(message), "%s:%u: %s", c->name, row->line, text);
	c->report(c->arg, message);
}

/* ---- names ----------------------------------------------------------------------------------- */

static int compare_satellites(const void *a, const void *b, void *arg)
{
	const struct element_set *sets = arg;

	return strcmp(sets[*(const size_t *)a].name, sets[*(const size_t *)b].name);
}

static size_t find_satellite(const struct checking *c, const char *name)
{
	const struct element_set *sets = c->scenario->constellation.sets;
	size_t low = 0, high = c->scenario->satellite_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sets[c->by_name[middle]].name, name);

		if (order == 0)
			return c->by_name[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NONE;
}

static size_t find_station(const struct scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->station_count; i++)
		if (strcmp(scenario->stations[i].name, name) == 0)
			return i;
	return NONE;
}

/* Looks names up. Stations stay the same for many rows. */
static void resolve(struct checking *c)
{
	const struct associations *plan = c->plan;
	struct finding *f, *before = NULL;

	for (size_t i = 0; i < plan->count; i++) {
		const struct association *row = &plan->rows[i];

		f = &c->findings[i];
		f->satellite = before && strcmp(row[-1].satellite, row->satellite) == 0
				       ? before->satellite
				       : find_satellite(c, row->satellite);
		f->via = *row->via ? find_satellite(c, row->via) : NONE;
		f->core = scenario_find_sno(c->scenario, row->core);
		f->station = before && strcmp(row[-1].station, row->station) == 0
				     ? before->station
				     : find_station(c->scenario, row->station);
		if (i == 0 || strcmp(row[-1].satellite, row->satellite) != 0)
			c->begins[c->satellites++] = i;
		before = f;
	}
	c->begins[c->satellites] = plan->count;
}

/* ---- geometry -------------------------------------------------------------------------------- */

/* True when the straight way between two points (km) passes clear of the Earth and its air. */
static bool in_view(const double a[3], const double b[3])
{
	double along = 0, length = 0, square = 0, t;

	for (int i = 0; i < 3; i++) {
		along -= a[i] * (b[i] - a[i]);
		length += (b[i] - a[i]) * (b[i] - a[i]);
	}
	t = length > 0 ? fmin(fmax(along / length, 0), 1) : 0;
	for (int i = 0; i < 3; i++)
		square += (a[i] + t * (b[i] - a[i])) * (a[i] + t * (b[i] - a[i]));
	return sqrt(square) >= EQUATOR + VERIFY_CLEARANCE;
}

/* Where a satellite is, Earth-fixed. False when it has decayed. */
static bool locate(const struct checking *c, size_t satellite, usec_t instant, double r[3])
{
	double v[3];

	if (sgp4_at(&c->orbits[satellite], instant, r, v) != SGP4_GOOD)
		return false;
	geodesy_earth_fixed(instant, r, NULL);
	return true;
}

/* Looks at a row at one instant. False when something is wrong. */
static bool look(const struct checking *c, struct finding *f, usec_t instant)
{
	double r[3], via[3];

	f->instant = instant;
	f->geometry = DECAYED;
	if (!locate(c, f->satellite, instant, r))
		return false;
	if (f->via != NONE) {
		if (!locate(c, f->via, instant, via))
			return false;
		f->geometry = HIDDEN;
		if (!in_view(r, via))
			return false;
		f->geometry = FAR;
		f->distance =
			sqrt((r[0] - via[0]) * (r[0] - via[0]) + (r[1] - via[1]) * (r[1] - via[1]) +
			     (r[2] - via[2]) * (r[2] - via[2]));
		if (c->verify->isl_range > 0 && f->distance > c->verify->isl_range + VERIFY_SLACK)
			return false;
		memcpy(r, via, sizeof(r));
	}
	f->elevation = geodesy_elevation(&c->sites[f->station], r);
	f->geometry =
		f->elevation < c->verify->station_elevation - c->verify->tolerance ? BELOW : SEEN;
	return f->geometry == SEEN;
}

static void look_at_satellite(void *arg, size_t part, unsigned int worker)
{
	struct checking *c = arg;
	usec_t step = clock_from_seconds(c->verify->step);

	(void)worker;
	for (size_t i = c->begins[part]; i < c->begins[part + 1]; i++) {
		const struct association *row = &c->plan->rows[i];
		struct finding *f = &c->findings[i];
		usec_t t = row->from;

		if (f->satellite == NONE || f->station == NONE || (*row->via && f->via == NONE))
			continue;
		while (t < row->until && look(c, f, t))
			t += step;
		if (t >= row->until)
			look(c, f, row->until);
	}
	if (c->verify->progress)
		progress_add(c->verify->progress, 1);
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* Whether a satellite may lead to a core, and if not, the fault. */
static void check_allowed(struct checking *c, const struct association *row, size_t satellite,
			  int core)
{
	const struct scenario *scenario = c->scenario;
	unsigned int owner = scenario->constellation.sets[satellite].owner;
	const char *name = scenario->constellation.sets[satellite].name;

	if ((int)owner == core)
		return;
	if (scenario->satellites[satellite].reserved)
		fault(c, row, "satellite %s is reserved for %s and cannot be with core %s", name,
		      scenario->snos[owner].name, row->core);
	else if (!(scenario->serves[owner] >> core & 1))
		fault(c, row, "%s, whose satellite %s is, does not serve %s",
		      scenario->snos[owner].name, name, row->core);
}

static void check_names(struct checking *c, const struct association *row, const struct finding *f)
{
	const struct scenario *scenario = c->scenario;

	if (f->satellite == NONE)
		fault(c, row, "there are no elements of satellite %s", row->satellite);
	if (*row->via && f->via == NONE)
		fault(c, row, "there are no elements of satellite %s", row->via);
	if (f->core < 0)
		fault(c, row, "core %s has neither satellites nor stations", row->core);
	if (!*row->station)
		fault(c, row, "no station is named");
	else if (f->station == NONE)
		fault(c, row, "there is no station %s", row->station);
	else if (f->core >= 0 && scenario->stations[f->station].sno != f->core)
		fault(c, row, "station %s belongs to core %s, not to %s", row->station,
		      scenario->snos[scenario->stations[f->station].sno].name, row->core);
	if (f->core >= 0 && f->satellite != NONE)
		check_allowed(c, row, f->satellite, f->core);
	if (f->core >= 0 && f->via != NONE)
		check_allowed(c, row, f->via, f->core);
}

static void check_geometry(struct checking *c, const struct association *row,
			   const struct finding *f)
{
	char text[ASSOCIATION_TIME_TEXT];
	const char *instant = association_time_format(f->instant, text);

	switch (f->geometry) {
	case SEEN:
		return;
	case BELOW:
		fault(c, row,
		      "station %s sees satellite %s at %.2f degrees at %s, but should at %g or "
		      "more",
		      row->station, *row->via ? row->via : row->satellite, f->elevation, instant,
		      c->verify->station_elevation);
		return;
	case DECAYED:
		fault(c, row, "satellite %s is not in orbit any more at %s", row->satellite,
		      instant);
		return;
	case HIDDEN:
		fault(c, row, "satellite %s does not see satellite %s at %s", row->satellite,
		      row->via, instant);
		return;
	case FAR:
		fault(c, row,
		      "satellite %s is %.0f km from satellite %s at %s, but links reach %g km",
		      row->satellite, f->distance, row->via, instant, c->verify->isl_range);
		return;
	}
}

/* What depends on the rows of the same satellite before and after: one at a time, and dwell. */
static void check_neighbours(struct checking *c, size_t i)
{
	const struct association *rows = c->plan->rows, *row = &rows[i], *first = row, *last = row;
	double seconds;

	if (i > 0 && strcmp(row[-1].satellite, row->satellite) == 0 && row->from < row[-1].until)
		fault(c, row, "overlaps line %u: satellite %s can have one association at a time",
		      row[-1].line, row->satellite);
	while (first > rows && strcmp(first[-1].satellite, row->satellite) == 0 &&
	       first[-1].until == first->from && association_same(&first[-1], first))
		first--;
	if (first != row) /* it has been looked at with the first one */
		return;
	while (last + 1 < rows + c->plan->count && strcmp(last[1].satellite, row->satellite) == 0 &&
	       last[1].from == last->until && association_same(&last[1], last))
		last++;
	seconds = (double)(last->until - first->from) / USEC_PER_SEC;
	if (first->from > c->verify->start && last->until < c->verify->until &&
	    seconds < c->verify->dwell - 1e-3)
		fault(c, row, "satellite %s is with %s over %s for %g s, less than the dwell of %g",
		      row->satellite, row->core, row->station, seconds, c->verify->dwell);
}

static int compare_lines(const void *a, const void *b, void *arg)
{
	const struct association *rows = arg;
	unsigned int x = rows[*(const size_t *)a].line, y = rows[*(const size_t *)b].line;

	return x < y ? -1 : x > y;
}

/* All that is told row by row, in the order of the file. */
static int check_rows(struct checking *c)
{
	size_t *order = calloc(c->plan->count + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < c->plan->count; i++)
		order[i] = i;
	qsort_r(order, c->plan->count, sizeof(*order), compare_lines, c->plan->rows);
	for (size_t i = 0; i < c->plan->count; i++) {
		const struct association *row = &c->plan->rows[order[i]];

		if (row->from < c->verify->start || row->until > c->verify->until)
			fault(c, row, "it lies outside the time that is planned");
		check_names(c, row, &c->findings[order[i]]);
		check_geometry(c, row, &c->findings[order[i]]);
		check_neighbours(c, order[i]);
	}
	free(order);
	return 0;
}

/* ---- capacity -------------------------------------------------------------------------------- */

/* A satellite begins or ends to be attached to a station. */
struct event {
	size_t station, satellite, row;
	usec_t instant;
	int change;
};

static int compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->station != y->station)
		return x->station < y->station ? -1 : 1;
	if (x->instant != y->instant)
		return x->instant < y->instant ? -1 : 1;
	if (x->change != y->change) /* who goes makes room for who comes */
		return x->change < y->change ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/*
 * How many satellites a station has. One that others are relayed over to the same station counts
 * once: `held` has, per satellite, how many rows hold it there.
 */
static int count_events(struct checking *c, const struct event *events, size_t count)
{
	const struct scenario *scenario = c->scenario;
	unsigned int *held = calloc(scenario->satellite_count + 1, sizeof(*held)), now = 0;
	char text[ASSOCIATION_TIME_TEXT];

	if (!held)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events[i];
		const struct scenario_station *station = &scenario->stations[e->station];

		/* When all of a station's associations are over, held is all zero. */
		if (e->change < 0) {
			now -= --held[e->satellite] == 0;
			continue;
		}
		now += held[e->satellite]++ == 0;
		if (station->capacity && now > station->capacity && held[e->satellite] == 1)
			fault(c, &c->plan->rows[e->row],
			      "station %s has %u satellites at %s, but takes %u", station->name,
			      now, association_time_format(e->instant, text), station->capacity);
	}
	free(held);
	return 0;
}

static int check_capacity(struct checking *c)
{
	struct event *events = calloc(2 * c->plan->count + 1, sizeof(*events));
	size_t count = 0;
	int err;

	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < c->plan->count; i++) {
		const struct association *row = &c->plan->rows[i];
		const struct finding *f = &c->findings[i];
		size_t satellite = *row->via ? f->via : f->satellite;

		if (f->station == NONE || satellite == NONE)
			continue;
		events[count++] = (struct event){f->station, satellite, i, row->from, 1};
		events[count++] = (struct event){f->station, satellite, i, row->until, -1};
	}
	qsort(events, count, sizeof(*events), compare_events);
	err = count_events(c, events, count);
	free(events);
	return err;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int prepare(struct checking *c)
{
	const struct scenario *scenario = c->scenario;
	size_t count = scenario->satellite_count;

	c->by_name = calloc(count + 1, sizeof(*c->by_name));
	c->orbits = calloc(count + 1, sizeof(*c->orbits));
	c->sites = calloc(scenario->station_count + 1, sizeof(*c->sites));
	c->findings = calloc(c->plan->count + 1, sizeof(*c->findings));
	c->begins = calloc(c->plan->count + 1, sizeof(*c->begins));
	if (!c->by_name || !c->orbits || !c->sites || !c->findings || !c->begins)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		c->by_name[i] = i;
		if (sgp4_init(&c->orbits[i], &scenario->constellation.sets[i]) != SGP4_GOOD)
			return -EINVAL;
	}
	qsort_r(c->by_name, count, sizeof(*c->by_name), compare_satellites,
		scenario->constellation.sets);
	for (size_t i = 0; i < scenario->station_count; i++)
		geodesy_site(&scenario->stations[i].where, &c->sites[i]);
	resolve(c);
	return 0;
}

int verify_plan(const struct verify *verify, const struct associations *plan, const char *name,
		association_report_fn *report, void *arg)
{
	struct checking c = {.verify = verify,
			     .scenario = verify->scenario,
			     .plan = plan,
			     .name = name,
			     .report = report,
			     .arg = arg};
	char message[PATH_MAX + 64];
	int err = prepare(&c);

	if (!err) {
		if (verify->progress)
			progress_begin(verify->progress, "verify", c.satellites);
		parallel_run(verify->parallel, c.satellites, look_at_satellite, &c);
		if (verify->progress)
			progress_end(verify->progress);
		err = check_rows(&c);
	}
	if (!err)
		err = check_capacity(&c);
	if (c.faults > CSV_FAULTS_MAX) {
		snprintf(message, sizeof(message), "%s: %zu more faults", name,
			 c.faults - CSV_FAULTS_MAX);
		report(arg, message);
	}
	free(c.by_name);
	free(c.orbits);
	free(c.sites);
	free(c.findings);
	free(c.begins);
	return !err && c.faults ? -EINVAL : err;
}
