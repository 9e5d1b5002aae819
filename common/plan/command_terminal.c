/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan terminal: the satellites of one place, one after the other, as a terminal chooses them.
 * The choice is that of orbit/choice.h, which the terminal agent runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orbit/choice.h"
#include "plan/command.h"
#include "plan/inputs.h"

static const struct option_usage usage = {
	"terminal",
	"Prints which satellite a terminal at a place is on, and whose core that leads to, as "
	"CSV:\n"
	"from,until,satellite,core. Without associations each satellite leads to its owner's core.",
	NULL,
};

struct wishes {
	struct option_list elements;
	const char *associations, *agreements, *reserved, *loads, *sno, *on;
	struct place place;
	usec_t start;
	double hours, min_elevation;
	unsigned int policy, threads;
	struct choice_rules rules;
};

/* What there is to choose from. */
struct world {
	const struct wishes *wishes;
	struct scenario scenario; /* not closed: there are neither stations nor other users */
	struct associations plan;
	struct sgp4 *orbits;
	struct choice_satellite *satellites;
	struct site site;
	uint32_t home;
	const struct element_set *on; /* NULL: none */
};

/* ---- input ----------------------------------------------------------------------------------- */

enum { LOAD_SATELLITE, LOAD_LOAD };
static const struct csv_format loads_format = {
	.columns = {"satellite", "load"}, .count = 2, .required = 2};

static int read_loads(struct world *world, const char *path)
{
	const struct constellation *all = &world->scenario.constellation;
	const struct element_set *set;
	char shown[CSV_SHOWN];
	double load = 0;
	struct csv csv;
	bool good;

	csv_open(&csv, &loads_format, path, options_report, NULL);
	csv_load(&csv, path);
	while (csv_next(&csv)) {
		good = csv_name(&csv, LOAD_SATELLITE);
		good &= csv_number(&csv, LOAD_LOAD, 0, 1e12, &load);
		if (!good)
			continue;
		set = tle_find(all, csv.fields[LOAD_SATELLITE]);
		if (set)
			world->satellites[set - all->sets].load = load;
		else
			csv_fault(&csv, csv.line, "there is no satellite \"%s\"",
				  csv_shown(csv.fields[LOAD_SATELLITE], shown));
	}
	return csv_close(&csv, NULL);
}

/* The elements, who serves whom, and the cores that the associations lead to. */
static int read_scenario(struct world *world)
{
	const struct wishes *wishes = world->wishes;
	struct scenario *scenario = &world->scenario;
	int err = 0, sno;

	for (size_t i = 0; !err && i < wishes->elements.count; i++)
		err = inputs_elements(scenario, wishes->elements.texts[i], options_report, NULL);
	if (!err && wishes->associations)
		err = association_load(&world->plan, wishes->associations, NULL, options_report,
				       NULL);
	for (size_t i = 0; !err && i < world->plan.count; i++) {
		sno = scenario_sno(scenario, world->plan.rows[i].core);
		if (sno < 0) {
			options_complain(usage.command, "%s:%u: core %s: %s", wishes->associations,
					 world->plan.rows[i].line, world->plan.rows[i].core,
					 sno == -ENOSPC ? "one operator too many" : strerror(-sno));
			err = sno;
		}
	}
	if (!err && wishes->agreements)
		err = inputs_agreements(scenario, wishes->agreements, options_report, NULL);
	if (!err && wishes->reserved)
		err = inputs_reserved(scenario, wishes->reserved, options_report, NULL);
	if (err)
		return err;
	sno = scenario_find_sno(scenario, wishes->sno);
	if (sno < 0) {
		options_complain(usage.command,
				 "--sno %s: none of that name has satellites or "
				 "associations",
				 wishes->sno);
		return -EINVAL;
	}
	world->home = (uint32_t)sno;
	return 0;
}

static int read_world(struct world *world)
{
	const struct constellation *all = &world->scenario.constellation;
	int err = read_scenario(world);

	if (err)
		return err;
	world->orbits = calloc(all->count + 1, sizeof(*world->orbits));
	world->satellites = calloc(all->count + 1, sizeof(*world->satellites));
	if (!world->orbits || !world->satellites)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++) {
		sgp4_init(&world->orbits[i], &all->sets[i]); /* tle_load() has tried it */
		world->satellites[i].rows = association_of(&world->plan, all->sets[i].name,
							   &world->satellites[i].count);
	}
	world->on = world->wishes->on ? tle_find(all, world->wishes->on) : NULL;
	if (world->wishes->on && !world->on) {
		options_complain(usage.command, "--on %s: there is no such satellite",
				 world->wishes->on);
		return -EINVAL;
	}
	geodesy_site(&world->wishes->place, &world->site);
	return world->wishes->loads ? read_loads(world, world->wishes->loads) : 0;
}

/* ---- offers ---------------------------------------------------------------------------------- */

static uint32_t core_number(void *arg, const char *core)
{
	const struct world *world = arg;

	return (uint32_t)scenario_find_sno(&world->scenario, core);
}

/* True when SNO `server` serves users of the place's home. */
static bool serves(const struct world *world, uint32_t server)
{
	return server == world->home || !world->scenario.agreed ||
	       world->scenario.serves[server] >> world->home & 1;
}

/* True when this terminal may use what is offered. */
static bool may_use(const struct world *world, const struct choice_offer *offer)
{
	const struct scenario *scenario = &world->scenario;
	uint32_t owner = scenario->constellation.sets[offer->satellite].owner;
	/* Before the first reserved satellite there is no such array. */
	bool reserved = offer->satellite < scenario->satellite_count &&
			scenario->satellites[offer->satellite].reserved;

	return serves(world, owner) && serves(world, offer->core) &&
	       (!reserved || owner == world->home);
}

static double elevation(void *arg, uint32_t satellite, double t)
{
	const struct world *world = arg;
	usec_t instant = world->wishes->start + clock_from_seconds(t);
	double r[3], v[3];

	if (sgp4_at(&world->orbits[satellite], instant, r, v) != SGP4_GOOD)
		return -90;
	geodesy_earth_fixed(instant, r, NULL);
	return geodesy_elevation(&world->site, r);
}

static int find_offers(struct world *world, struct choice_offer **offers, size_t *count)
{
	const struct wishes *wishes = world->wishes;
	const struct constellation *all = &world->scenario.constellation;
	struct window_scan scan = {.orbits = world->orbits,
				   .orbit_count = all->count,
				   .sites = &world->site,
				   .min_elevation = &wishes->min_elevation,
				   .site_count = 1,
				   .start = wishes->start,
				   .seconds = wishes->hours * 3600,
				   .threads = wishes->threads};
	struct windows windows;
	size_t kept = 0;
	int err = window_scan(&scan, &windows);

	if (err)
		return err;
	err = choice_offers(windows.rows, windows.count,
			    wishes->associations ? world->satellites : NULL, wishes->start,
			    core_number, world, offers, count);
	window_free(&windows);
	for (size_t i = 0; !err && i < *count; i++) {
		struct choice_offer *offer = &(*offers)[i];

		if (!wishes->associations) {
			offer->core = all->sets[offer->satellite].owner;
			offer->load = world->satellites[offer->satellite].load;
		}
		if (may_use(world, offer))
			(*offers)[kept++] = *offer;
	}
	*count = kept;
	return err;
}

/* ---- output ---------------------------------------------------------------------------------- */

static int print_sequence(struct world *world)
{
	const struct wishes *wishes = world->wishes;
	const struct scenario *scenario = &world->scenario;
	char from[ASSOCIATION_TIME_TEXT], until[ASSOCIATION_TIME_TEXT];
	struct choice_rules rules = wishes->rules;
	struct choices choices = {.count = 0};
	struct choice_offer *offers;
	struct choice on;
	size_t count;
	int err = find_offers(world, &offers, &count);

	if (err)
		return err;
	if (world->on)
		on = choice_on(offers, count, (uint32_t)(world->on - scenario->constellation.sets));
	rules.home = world->home;
	rules.policy = (enum choice_policy)wishes->policy;
	rules.elevation = elevation;
	rules.arg = world;
	err = choice_sequence(&rules, offers, count, world->on ? &on : NULL, 0,
			      wishes->hours * 3600, &choices);
	free(offers);
	if (err)
		return err;
	puts("from,until,satellite,core");
	for (size_t i = 0; i < choices.count; i++)
		printf("%s,%s,%s,%s\n", options_instant(wishes->start, choices.rows[i].from, from),
		       options_instant(wishes->start, choices.rows[i].until, until),
		       scenario->constellation.sets[choices.rows[i].satellite].name,
		       scenario->snos[choices.rows[i].core].name);
	free(choices.rows);
	return 0;
}

static int terminal(const struct wishes *wishes)
{
	struct world world = {.wishes = wishes};
	int err;

	scenario_init(&world.scenario);
	err = read_world(&world);
	if (!err) {
		err = print_sequence(&world);
		if (err)
			options_complain(usage.command, "%s", strerror(-err));
	}
	scenario_free(&world.scenario);
	association_free(&world.plan);
	free(world.orbits);
	free(world.satellites);
	return err ? PLAN_FAILED : PLAN_GOOD;
}

int command_terminal(int argc, char **argv)
{
	struct wishes wishes = {.hours = 2, .min_elevation = 25, .rules = choice_rules_default};
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes.elements, .required = true,
		 .argument = "SNO=FILE", .help = "two-line elements; for each operator"},
		{"associations", 'a', OPTION_TEXT, &wishes.associations, .argument = "FILE",
		 .help = "which satellite serves which core (each its owner's)"},
		{"sno", 0, OPTION_TEXT, &wishes.sno, .required = true, .argument = "NAME",
		 .help = "the terminal's home"},
		OPTION_PLACE(wishes.place),
		{"min-elevation", 0, OPTION_NUMBER, &wishes.min_elevation, .least = 0, .most = 90,
		 .argument = "DEGREES", .help = "above the horizon (25)"},
		{"start", 0, OPTION_TIME, &wishes.start, .required = true, .argument = "TIME",
		 .help = "beginning, like 2026-01-01T00:00:00Z"},
		{"on", 0, OPTION_TEXT, &wishes.on, .argument = "SATELLITE",
		 .help = "which one it is on at the beginning (none)"},
		{"hours", 0, OPTION_NUMBER, &wishes.hours, .least = 0.001, .most = 8784,
		 .argument = "H", .help = "how long (2)"},
		{"policy", 'p', OPTION_CHOICE, &wishes.policy, .choices = choice_policy_names,
		 .argument = "POLICY",
		 .help = "plan, home-first, longest, elevation or load (plan)"},
		{"tau", 0, OPTION_NUMBER, &wishes.rules.tau, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "away from home, as bad as a change of core (300)"},
		{"outage", 0, OPTION_NUMBER, &wishes.rules.outage, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "without service, as bad as a change of core (10)"},
		{"margin", 0, OPTION_NUMBER, &wishes.rules.margin, .least = 0, .most = 1e12,
		 .argument = "AMOUNT",
		 .help = "better by this much to change: degrees, or load (5)"},
		{"step", 0, OPTION_NUMBER, &wishes.rules.step, .least = 0.1, .most = 600,
		 .argument = "SECONDS", .help = "how often elevations are compared (10)"},
		{"loads", 0, OPTION_TEXT, &wishes.loads, .argument = "FILE",
		 .help = "loads of satellites, for that policy: satellite,load (0)"},
		{"agreements", 0, OPTION_TEXT, &wishes.agreements, .argument = "FILE",
		 .help = "who serves whose users (all serve all)"},
		{"reserved", 0, OPTION_TEXT, &wishes.reserved, .argument = "FILE",
		 .help = "satellites that are kept for their owner (none)"},
		OPTION_THREADS(wishes.threads),
	};
	int status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL);

	if (status == OPTIONS_GO)
		status = terminal(&wishes);
	free(wishes.elements.texts);
	return status;
}
