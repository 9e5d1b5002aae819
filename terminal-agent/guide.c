/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads elements or a timetable, and makes steps of them; see guide.h. */
#include "terminal-agent/guide.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "log.h"
#include "orbit/choice.h"
#include "orbit/geodesy.h"
#include "orbit/sgp4.h"
#include "orbit/tle.h"
#include "orbit/window.h"
#include "terminal-agent/config.h"

/*
 * How far ahead is computed, and for how long that is good: a satellite passes within a quarter of
 * an hour, and policy "plan" wants to see what comes after it.
 */
#define AHEAD (3600 * USEC_PER_SEC)
#define FRESH (1200 * USEC_PER_SEC)
#define AGAIN (60 * USEC_PER_SEC)

/* To whom faults of files are told. */
struct reporter {
	association_report_fn *report;
	void *arg;
};

static void tell(const struct reporter *reporter, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct reporter *reporter, const char *format, ...)
{
	char message[PATH_MAX + 3 * ASSOCIATION_NAME_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	reporter->report(reporter->arg, message);
}

static double seconds_of(usec_t duration)
{
	return (double)duration / (double)USEC_PER_SEC;
}

/* ---- elements -------------------------------------------------------------------------------- */

static struct guide_satellite *find(const struct guide *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->satellites[i].name, name) == 0)
			return &g->satellites[i];
	return NULL;
}

/* With links that have names it is one of these satellites. */
static bool reachable(const struct config *config, const char *name)
{
	if (config_points(config))
		return true;
	for (size_t i = 0; i < config->link_count; i++)
		if (config->links[i].name && strcmp(config->links[i].name, name) == 0)
			return true;
	return false;
}

static int take_sets(struct guide *g, const struct config *config, const struct constellation *c)
{
	g->orbits = calloc(c->count + 1, sizeof(*g->orbits));
	g->satellites = calloc(c->count + 1, sizeof(*g->satellites));
	if (!g->orbits || !g->satellites)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++) {
		struct guide_satellite *satellite = &g->satellites[g->count];

		association_fold_name(c->sets[i].name, satellite->name);
		if (reachable(config, satellite->name) &&
		    sgp4_init(&g->orbits[g->count], &c->sets[i]) == 0)
			g->count++;
	}
	return 0;
}

static int read_loads(struct guide *g, const char *path, const struct reporter *reporter)
{
	enum { SATELLITE, LOAD };
	static const struct csv_format format = {
		.columns = {"satellite", "load"}, .count = 2, .required = 2};
	char folded[ASSOCIATION_FOLDED_MAX + 1];
	struct guide_satellite *satellite;
	struct csv csv;
	double load;

	csv_open(&csv, &format, path, reporter->report, reporter->arg);
	csv_load(&csv, path);
	while (csv_next(&csv)) {
		if (!csv_name(&csv, SATELLITE) || !csv_number(&csv, LOAD, 0, 1e12, &load))
			continue;
		satellite = find(g, association_fold_name(csv.fields[SATELLITE], folded));
		if (satellite)
			satellite->load = load;
	}
	return csv_close(&csv, NULL);
}

static int read_elements(struct guide *g, const struct config *config,
			 const struct reporter *reporter)
{
	const struct place place = {config->position.latitude, config->position.longitude,
				    config->position.height};
	struct constellation c = {0};
	int error = 0;

	for (size_t i = 0; i < config->element_count && !error; i++)
		error = tle_load(&c, config->elements[i], 0, reporter->report, reporter->arg);
	if (!error)
		error = take_sets(g, config, &c);
	tle_free(&c);
	if (!error && config->loads)
		error = read_loads(g, config->loads, reporter);
	g->site = malloc(sizeof(*g->site));
	if (!g->site)
		return -ENOMEM;
	geodesy_site(&place, g->site);
	g->min_elevation = config->position.min_elevation;
	g->policy = config->policy;
	association_fold_name(strchr(config->terminal.nai, '@') + 1, g->home);
	return error;
}

/* ---- timetable ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct guide_step *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static int check_timetable(const struct guide *g, const char *path, usec_t planned,
			   const struct reporter *reporter)
{
	char text[ASSOCIATION_TIME_TEXT];

	for (size_t i = 1; i < g->step_count; i++) {
		if (g->steps[i].from >= g->steps[i - 1].until)
			continue;
		tell(reporter, "%s: %s is to be used before %s is not any more (at %s)", path,
		     g->steps[i].satellite, g->steps[i - 1].satellite,
		     association_time_format(g->steps[i].from, text));
		return -EINVAL;
	}
	if (g->step_count && g->steps[g->step_count - 1].until > planned)
		return 0;
	tell(reporter, "%s: the timetable is %s", path, g->step_count ? "over" : "empty");
	return -EINVAL;
}

static int read_timetable(struct guide *g, const char *path, usec_t planned,
			  const struct reporter *reporter)
{
	struct associations table;
	int error = association_load(&table, path, NULL, reporter->report, reporter->arg);

	if (error < 0)
		return error;
	g->steps = calloc(table.count + 1, sizeof(*g->steps));
	for (size_t i = 0; g->steps && i < table.count; i++) {
		struct guide_step *step = &g->steps[g->step_count++];

		step->from = step->visible = step->offered = table.rows[i].from;
		step->until = step->lost = table.rows[i].until;
		association_fold_name(table.rows[i].satellite, step->satellite);
		snprintf(step->core, sizeof(step->core), "%s", table.rows[i].core);
	}
	association_free(&table);
	if (!g->steps)
		return -ENOMEM;
	qsort(g->steps, g->step_count, sizeof(*g->steps), compare);
	return check_timetable(g, path, planned, reporter);
}

int guide_load(struct guide *g, const struct config *config, usec_t planned,
	       association_report_fn *report, void *arg)
{
	const struct reporter reporter = {report, arg};
	struct guide fresh = {0};
	int error = 0;

	if (config->timetable)
		error = read_timetable(&fresh, config->timetable, planned, &reporter);
	else if (config->element_count > 0)
		error = read_elements(&fresh, config, &reporter);
	if (error < 0) {
		guide_free(&fresh);
		return error;
	}
	guide_free(g);
	*g = fresh;
	return 0;
}

void guide_free(struct guide *g)
{
	free(g->steps);
	free(g->orbits);
	free(g->satellites);
	free(g->site);
	memset(g, 0, sizeof(*g));
}

/* ---- computing ------------------------------------------------------------------------------- */

/* One computation: everything in seconds from its beginning, satellites and cores by number. */
struct scan {
	const struct guide *g;
	usec_t start;
	struct windows windows;
	struct choice_offer *offers;
	size_t offer_count;
	struct choices choices;
	const char **cores; /* number 0 is home */
	size_t core_count;
	struct choice_satellite *satellites;
};

static uint32_t core_number(void *arg, const char *core)
{
	struct scan *scan = arg;

	for (size_t i = 0; i < scan->core_count; i++)
		if (strcmp(scan->cores[i], core) == 0)
			return (uint32_t)i;
	scan->cores[scan->core_count] = core;
	return (uint32_t)scan->core_count++;
}

static double elevation(void *arg, uint32_t satellite, double t)
{
	const struct scan *scan = arg;
	usec_t instant = scan->start + clock_from_seconds(t);
	double r[3], v[3];

	if (sgp4_at(&scan->g->orbits[satellite], instant, r, v) != SGP4_GOOD)
		return -90;
	geodesy_earth_fixed(instant, r, NULL);
	return geodesy_elevation(scan->g->site, r);
}

static int find_windows(struct scan *scan)
{
	const struct guide *g = scan->g;
	const struct window_scan asked = {.orbits = g->orbits,
					  .orbit_count = g->count,
					  .sites = g->site,
					  .min_elevation = &g->min_elevation,
					  .site_count = 1,
					  .start = scan->start,
					  .seconds = seconds_of(AHEAD),
					  .threads = 1};

	return g->count ? window_scan(&asked, &scan->windows) : 0;
}

static int find_offers(struct scan *scan, const struct associations *plan)
{
	const struct guide *g = scan->g;

	/* Two more than there are rows: home, and that of which nothing is known. */
	scan->cores = calloc(plan->count + 2, sizeof(*scan->cores));
	scan->satellites = calloc(g->count + 1, sizeof(*scan->satellites));
	if (!scan->cores || !scan->satellites)
		return -ENOMEM;
	core_number(scan, g->home);
	for (size_t i = 0; i < g->count; i++) {
		struct choice_satellite *satellite = &scan->satellites[i];

		satellite->rows = association_of(plan, g->satellites[i].name, &satellite->count);
		satellite->load = g->satellites[i].load;
	}
	return choice_offers(scan->windows.rows, scan->windows.count,
			     plan->count ? scan->satellites : NULL, scan->start, core_number, scan,
			     &scan->offers, &scan->offer_count);
}

static int choose(struct scan *scan, const char *on)
{
	const struct guide_satellite *satellite = on && *on ? find(scan->g, on) : NULL;
	struct choice_rules rules = choice_rules_default;
	struct choice place;

	if (satellite)
		place = choice_on(scan->offers, scan->offer_count,
				  (uint32_t)(satellite - scan->g->satellites));
	rules.policy = (enum choice_policy)scan->g->policy;
	rules.home = 0;
	rules.elevation = elevation;
	rules.arg = scan;
	return choice_sequence(&rules, scan->offers, scan->offer_count, satellite ? &place : NULL,
			       0, seconds_of(AHEAD), &scan->choices);
}

/* Since when the satellite of a step can be seen, and until when; as it is where nobody knows. */
static void find_window(const struct scan *scan, const struct choice *choice,
			struct guide_step *step)
{
	for (size_t i = 0; i < scan->windows.count; i++) {
		const struct window *w = &scan->windows.rows[i];

		if (w->satellite == choice->satellite && w->from <= choice->from &&
		    choice->from < w->until) {
			step->visible = scan->start + clock_from_seconds(w->from);
			step->lost = scan->start + clock_from_seconds(w->until);
		}
	}
}

/* Since when it leads to the core of the step as well. */
static usec_t offered_since(const struct scan *scan, const struct choice *choice)
{
	for (size_t i = 0; i < scan->offer_count; i++) {
		const struct choice_offer *o = &scan->offers[i];

		if (o->satellite == choice->satellite && o->core == choice->core &&
		    o->from <= choice->from && choice->from < o->until)
			return scan->start + clock_from_seconds(o->from);
	}
	return scan->start + clock_from_seconds(choice->from);
}

/* The same satellite under another core is no other step: nothing is to be done for it. */
static int make_steps(struct scan *scan, struct guide *g)
{
	struct guide_step *steps = calloc(scan->choices.count + 1, sizeof(*steps)), *last = NULL;
	size_t count = 0;

	if (!steps)
		return -ENOMEM;
	for (size_t i = 0; i < scan->choices.count; i++) {
		const struct choice *c = &scan->choices.rows[i];
		const char *name = g->satellites[c->satellite].name;
		usec_t from = scan->start + clock_from_seconds(c->from);
		usec_t until = scan->start + clock_from_seconds(c->until);

		if (last && strcmp(last->satellite, name) == 0 && last->until == from) {
			last->until = until;
			continue;
		}
		last = &steps[count++];
		last->from = last->visible = from;
		last->until = last->lost = until;
		find_window(scan, c, last);
		last->offered = offered_since(scan, c);
		snprintf(last->satellite, sizeof(last->satellite), "%s", name);
		if (c->core != CHOICE_CORE_UNKNOWN)
			snprintf(last->core, sizeof(last->core), "%s", scan->cores[c->core]);
	}
	free(g->steps);
	g->steps = steps;
	g->step_count = count;
	return 0;
}

int guide_compute(struct guide *g, const struct associations *plan, const char *on, usec_t planned)
{
	struct scan scan = {.g = g, .start = planned};
	int error = find_windows(&scan);

	if (!error)
		error = find_offers(&scan, plan);
	if (!error)
		error = choose(&scan, on);
	if (!error)
		error = make_steps(&scan, g);
	window_free(&scan.windows);
	free(scan.offers);
	free(scan.choices.rows);
	free(scan.cores);
	free(scan.satellites);
	g->known = true;
	g->fresh = planned + (error ? AGAIN : FRESH);
	if (error)
		log_warn_errno(error, "cannot compute which satellites to use");
	return error;
}

void guide_forget(struct guide *g)
{
	g->known = false;
}

bool guide_active(const struct guide *g)
{
	return g->orbits || g->steps;
}

bool guide_stale(const struct guide *g, usec_t planned)
{
	return g->orbits && (!g->known || planned >= g->fresh);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The first step that is not over. */
static size_t first_open(const struct guide *g, usec_t planned)
{
	size_t low = 0, high = g->step_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (g->steps[middle].until <= planned)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct guide_step *guide_at(const struct guide *g, usec_t planned)
{
	size_t i = first_open(g, planned);

	return i < g->step_count && g->steps[i].from <= planned ? &g->steps[i] : NULL;
}

const struct guide_step *guide_after(const struct guide *g, usec_t planned)
{
	size_t i = first_open(g, planned);

	if (i < g->step_count && g->steps[i].from <= planned)
		i++;
	return i < g->step_count ? &g->steps[i] : NULL;
}
