/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan show: a plan as a page for the browser. */
#define _GNU_SOURCE /* qsort_r */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/command.h"
#include "plan/inputs.h"
#include "plan/output.h"
#include "plan/page.h"
#include "plan/report.h"

static const struct option_usage usage = {
	"show",
	"Draws an association file: a page of HTML with a map of the world, a time slider, and "
	"the\n"
	"handover timeline of a place. It needs nothing else: no network, no other file.",
	"PLAN",
};

/* What a page holds at most; it has some 20 bytes for each row. */
#define ROWS_MAX 200000

struct wishes {
	struct input_files files;
	const char *plan, *report, *out;
	usec_t start;
	double hours, min_elevation;
	unsigned int places, threads;
	struct choice_rules rules;
};

/* What is drawn. */
struct drawing {
	const struct wishes *wishes;
	struct scenario scenario;
	struct associations plan;
	struct comparison comparison;
	struct sgp4 *orbits;
	struct choice_satellite *satellites;
	struct page_place *places;
	struct page page;
};

/* ---- span ------------------------------------------------------------------------------------ */

/* The span: as asked for, else all of the plan; cut to what fits a page. */
static int find_span(struct drawing *d)
{
	const struct wishes *wishes = d->wishes;
	usec_t first = USEC_NEVER, last = 0, from, until;
	size_t rows = 0;

	for (size_t i = 0; i < d->plan.count; i++) {
		first = usec_min(first, d->plan.rows[i].from);
		last = d->plan.rows[i].until > last ? d->plan.rows[i].until : last;
	}
	from = wishes->start ? wishes->start : first;
	until = wishes->hours > 0 ? from + clock_from_seconds(wishes->hours * 3600) : last;
	if (!d->plan.count || from >= last || until <= first) {
		options_complain(usage.command, "%s has no association in that time", wishes->plan);
		return -EINVAL;
	}
	for (size_t i = 0; i < d->plan.count; i++)
		rows += d->plan.rows[i].from < until && d->plan.rows[i].until > from;
	if (rows > ROWS_MAX) {
		until = from + (usec_t)((double)(until - from) * ROWS_MAX / (double)rows);
		options_complain(usage.command,
				 "%zu associations are too many for a page: it shows %.2f hours "
				 "(see --start and --hours)",
				 rows, (double)(until - from) / USEC_PER_SEC / 3600);
	}
	d->page.start = from;
	d->page.seconds = (double)(until - from) / USEC_PER_SEC;
	d->page.cut = until < last;
	return 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

static uint32_t core_number(void *arg, const char *core)
{
	const struct drawing *d = arg;
	int sno = scenario_find_sno(&d->scenario, core);

	return sno < 0 ? CHOICE_CORE_UNKNOWN : (uint32_t)sno;
}

static int compare_groups(const void *a, const void *b, void *arg)
{
	const struct scenario_group *groups = arg;
	const struct scenario_group *x = &groups[*(const size_t *)a],
				    *y = &groups[*(const size_t *)b];

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The sequence of a group: of what its place's windows and associations offer, what it may use. */
static int choose(struct drawing *d, const struct scenario_group *group,
		  const struct window *windows, size_t count, struct choices *choices)
{
	const struct scenario *scenario = &d->scenario;
	const struct scenario_place *place = &scenario->places[group->place];
	struct choice_rules rules = d->wishes->rules;
	struct choice_offer *offers;
	size_t offered, kept = 0;
	int err = choice_offers(windows, count, d->satellites, d->page.start, core_number, d,
				&offers, &offered);

	for (size_t i = 0; !err && i < offered; i++)
		if (offers[i].core < SCENARIO_SNOS_MAX && group->cores >> offers[i].core & 1 &&
		    scenario_admits(place, &scenario->satellites[offers[i].satellite]))
			offers[kept++] = offers[i];
	rules.home = group->home;
	if (!err)
		err = choice_sequence(&rules, offers, kept, NULL, 0, d->page.seconds, choices);
	free(offers);
	return err;
}

/* All places, the heaviest first. Their sites are scanned together. */
static int choose_all(struct drawing *d, const size_t *order)
{
	const struct scenario *scenario = &d->scenario;
	size_t count = d->page.place_count, from, until;
	struct site *sites = calloc(count + 1, sizeof(*sites));
	double *elevations = calloc(count + 1, sizeof(*elevations));
	struct window_scan scan = {.orbits = d->orbits,
				   .orbit_count = scenario->satellite_count,
				   .sites = sites,
				   .min_elevation = elevations,
				   .site_count = count,
				   .start = d->page.start,
				   .seconds = d->page.seconds,
				   .threads = d->wishes->threads};
	struct windows windows = {.count = 0};
	int err = sites && elevations ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < count; i++) {
		const struct scenario_group *group = &scenario->groups[order[i]];

		d->places[i].site = scenario->places[group->place].site;
		d->places[i].home = group->home;
		geodesy_site(&scenario->sites[d->places[i].site], &sites[i]);
		elevations[i] = d->wishes->min_elevation;
	}
	if (!err)
		err = window_scan(&scan, &windows);
	window_sort_by_place(&windows);
	for (size_t i = from = 0; !err && i < count; i++, from = until) {
		for (until = from; until < windows.count && windows.rows[until].place == i;)
			until++;
		err = choose(d, &scenario->groups[order[i]], windows.rows + from, until - from,
			     &d->places[i].choices);
	}
	window_free(&windows);
	free(sites);
	free(elevations);
	return err;
}

static int find_places(struct drawing *d)
{
	const struct scenario *scenario = &d->scenario;
	size_t *order = calloc(scenario->group_count + 1, sizeof(*order));
	int err = 0;

	d->page.place_count = scenario->group_count < d->wishes->places ? scenario->group_count
									: d->wishes->places;
	d->places = calloc(d->page.place_count + 1, sizeof(*d->places));
	if (!order || !d->places)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < scenario->group_count; i++)
		order[i] = i;
	if (!err && d->page.place_count) {
		qsort_r(order, scenario->group_count, sizeof(*order), compare_groups,
			scenario->groups);
		err = choose_all(d, order);
	}
	free(order);
	return err;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int prepare(struct drawing *d)
{
	const struct constellation *all = &d->scenario.constellation;

	d->orbits = calloc(all->count + 1, sizeof(*d->orbits));
	d->satellites = calloc(all->count + 1, sizeof(*d->satellites));
	if (!d->orbits || !d->satellites)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++) {
		sgp4_init(&d->orbits[i], &all->sets[i]); /* tle_load() has tried it */
		d->satellites[i].rows =
			association_of(&d->plan, all->sets[i].name, &d->satellites[i].count);
	}
	return find_places(d);
}

static int write_page(struct drawing *d)
{
	const char *path = d->wishes->out;
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);
	int err;

	if (!out) {
		options_complain(usage.command, "%s", strerror(errno));
		return -errno;
	}
	d->page.scenario = &d->scenario;
	d->page.orbits = d->orbits;
	d->page.plan = &d->plan;
	d->page.min_elevation = d->wishes->min_elevation;
	d->page.places = d->places;
	d->page.comparison = d->wishes->report ? &d->comparison : NULL;
	err = page_write(&d->page, out);
	if (fclose(out) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		err = output_write(path, text, length);
	free(text);
	if (err == -EINVAL)
		options_complain(usage.command,
				 "%s names stations or cores that the input has not: see "
				 "sno-plan verify",
				 d->wishes->plan);
	else if (err)
		options_complain(usage.command, "%s: %s", path, strerror(-err));
	return err;
}

/* What no option says is as the report has it, or as usual. */
static void settle(struct wishes *wishes, const struct report_settings *said)
{
	if (wishes->rules.tau == 0)
		wishes->rules.tau = said ? said->tau : CHOICE_TAU;
	if (wishes->rules.outage == 0)
		wishes->rules.outage = said ? said->outage : CHOICE_OUTAGE;
	if (wishes->min_elevation < 0)
		wishes->min_elevation = said ? said->min_elevation : 25;
}

static int show(struct wishes *wishes)
{
	struct drawing d = {.wishes = wishes};
	struct report_settings settings;
	int err = inputs_load(&d.scenario, &wishes->files, options_report, NULL);

	if (!err)
		err = association_load(&d.plan, wishes->plan, NULL, options_report, NULL);
	if (!err && wishes->report)
		err = report_read(wishes->report, &settings, &d.comparison, options_report, NULL);
	if (!err) {
		settle(wishes, wishes->report ? &settings : NULL);
		err = find_span(&d);
	}
	if (!err) {
		err = prepare(&d);
		if (err)
			options_complain(usage.command, "%s", strerror(-err));
	}
	if (!err)
		err = write_page(&d);
	for (size_t i = 0; d.places && i < d.page.place_count; i++)
		free(d.places[i].choices.rows);
	free(d.places);
	free(d.orbits);
	free(d.satellites);
	association_free(&d.plan);
	scenario_free(&d.scenario);
	return err ? PLAN_FAILED : PLAN_GOOD;
}

int command_show(int argc, char **argv)
{
	struct wishes wishes = {
		.out = "-", .min_elevation = -1, .places = 120, .rules = choice_rules_default};
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes.files.elements, .required = true,
		 .argument = "SNO=FILE", .help = "two-line elements; for each operator"},
		{"stations", 0, OPTION_TEXT, &wishes.files.stations, .required = true,
		 .argument = "FILE", .help = "ground stations"},
		{"users", 0, OPTION_TEXT, &wishes.files.users, .argument = "FILE",
		 .help = "users, for the timelines of their places"},
		{"agreements", 0, OPTION_TEXT, &wishes.files.agreements, .argument = "FILE",
		 .help = "who serves whose users (all serve all)"},
		{"reserved", 0, OPTION_TEXT, &wishes.files.reserved, .argument = "FILE",
		 .help = "satellites that are kept for their owner (none)"},
		{"report", 0, OPTION_TEXT, &wishes.report, .argument = "FILE",
		 .help = "of the plan: for a table of its figures, and for settings below"},
		{"out", 'o', OPTION_TEXT, &wishes.out, .argument = "FILE",
		 .help = "where to (-: standard output)"},
		{"start", 0, OPTION_TIME, &wishes.start, .argument = "TIME",
		 .help = "beginning of what is shown (the plan's)"},
		{"hours", 0, OPTION_NUMBER, &wishes.hours, .least = 0.001, .most = 8784,
		 .argument = "H", .help = "length of what is shown (the plan's)"},
		{"min-elevation", 0, OPTION_NUMBER, &wishes.min_elevation, .least = 0, .most = 90,
		 .argument = "DEGREES", .help = "least elevation at a user (25)"},
		{"tau", 0, OPTION_NUMBER, &wishes.rules.tau, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "away from home, as bad as a change of core (300)"},
		{"outage", 0, OPTION_NUMBER, &wishes.rules.outage, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "without service, as bad as a change of core (10)"},
		{"places", 0, OPTION_COUNT, &wishes.places, .least = 0, .most = 5000,
		 .argument = "N", .help = "with timelines, those with most users first (120)"},
		OPTION_THREADS(wishes.threads),
	};
	int first, status;

	wishes.rules.tau = wishes.rules.outage = 0;
	status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, &first);

	if (status == OPTIONS_GO && first + 1 != argc) {
		options_complain(usage.command, "one association file is to be named");
		status = PLAN_USAGE;
	}
	if (status == OPTIONS_GO) {
		wishes.plan = argv[first];
		status = show(&wishes);
	}
	free(wishes.files.elements.texts);
	return status;
}
