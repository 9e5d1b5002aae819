/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan verify: an independent look at an association file. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/command.h"
#include "plan/inputs.h"
#include "plan/relays.h"
#include "plan/report.h"
#include "plan/verify.h"

static const struct option_usage usage = {
	"verify",
	"Checks an association file: one association per satellite at a time, only while that\n"
	"station sees it, dwell, capacity, agreements and reserved satellites kept. With users it\n"
	"also computes what the plan means for them, and with a report whether that says the "
	"same.\n"
	"Prints every fault as FILE:LINE: MESSAGE; the exit status is 0 when there is none.",
	"PLAN",
};

struct wishes {
	struct input_files files;
	const char *plan, *report;
	usec_t start;
	double hours;
	struct verify verify;
	struct verify_users users;
	unsigned int threads;
	bool quiet;
};

/*
 * The measures by name, for printing and comparing, and how far two computations of one may be
 * apart. A satellite that culminates at the least elevation is seen by one and not by the other;
 * and who is indifferent between a change of core and time away from home, which happens as tau
 * is a multiple of the slot, may be counted as doing either.
 */
static const struct {
	const char *name;
	size_t offset;
	double apart; /* relative */
} figures[] = {
	{"inter_sno_per_user_hour", offsetof(struct measures, inter_sno_per_user_hour), 0.02},
	{"handovers_per_user_hour", offsetof(struct measures, handovers_per_user_hour), 0.02},
	{"home_share", offsetof(struct measures, home_share), 0.02},
	{"served_share", offsetof(struct measures, served_share), 0.001},
	{"association_changes_per_satellite_hour",
	 offsetof(struct measures, association_changes_per_satellite_hour), 0.001},
	{"objective", offsetof(struct measures, objective), 0.001},
};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))
/* What is as good as nothing. */
#define ABSOLUTE 1e-4

static double figure(const struct measures *measures, size_t i)
{
	const void *field = (const char *)measures + figures[i].offset;

	return *(const double *)field;
}

static int compare_with_report(const struct wishes *wishes, const struct measures *measures,
			       const struct measures *reported)
{
	int status = PLAN_GOOD;

	for (size_t i = 0; i < FIGURES; i++) {
		double own = figure(measures, i), other = figure(reported, i);

		if (fabs(own - other) <= ABSOLUTE + figures[i].apart * fabs(own))
			continue;
		printf("%s: %s of the plan is said to be %.6g, and is %.6g\n", wishes->report,
		       figures[i].name, other, own);
		status = PLAN_FAILED;
	}
	return status;
}

static int measure(const struct wishes *wishes, const struct associations *plan,
		   const struct measures *reported)
{
	struct measures measures;
	int err = verify_measures(&wishes->verify, plan, &wishes->users, &measures);

	if (err) {
		options_complain(usage.command, "%s", strerror(-err));
		return PLAN_FAILED;
	}
	for (size_t i = 0; i < FIGURES; i++)
		printf("%s %.6g\n", figures[i].name, figure(&measures, i));
	return reported ? compare_with_report(wishes, &measures, reported) : PLAN_GOOD;
}

/* The span: as told, or from the first association to the end of the last. */
static void find_span(struct wishes *wishes, const struct associations *plan)
{
	usec_t first = USEC_NEVER, last = 0;

	for (size_t i = 0; i < plan->count; i++) {
		first = usec_min(first, plan->rows[i].from);
		last = plan->rows[i].until > last ? plan->rows[i].until : last;
	}
	wishes->verify.start = wishes->start ? wishes->start : first;
	wishes->verify.until =
		wishes->hours > 0 ? wishes->verify.start + clock_from_seconds(wishes->hours * 3600)
				  : last;
}

static void print_fault(void *arg, const char *message)
{
	(void)arg;
	puts(message);
}

static int verify(struct wishes *wishes, const struct scenario *scenario,
		  const struct measures *reported)
{
	struct associations plan;
	struct progress progress;
	int err, status = PLAN_GOOD;

	if (association_load(&plan, wishes->plan, NULL, print_fault, NULL) < 0)
		return PLAN_FAILED;
	find_span(wishes, &plan);
	if (wishes->verify.start >= wishes->verify.until) {
		printf("%s: there are no associations\n", wishes->plan);
		association_free(&plan);
		return PLAN_FAILED;
	}
	progress_open(&progress, stderr, wishes->quiet);
	wishes->verify.scenario = scenario;
	wishes->verify.progress = &progress;
	wishes->verify.parallel = parallel_open(wishes->threads);
	err = wishes->verify.parallel
		      ? verify_plan(&wishes->verify, &plan, wishes->plan, print_fault, NULL)
		      : -ENOMEM;
	if (!err) {
		printf("%s: good, %zu associations\n", wishes->plan, plan.count);
		if (wishes->files.users)
			status = measure(wishes, &plan, reported);
	} else {
		status = PLAN_FAILED;
		if (err != -EINVAL)
			options_complain(usage.command, "%s", strerror(-err));
	}
	parallel_close(wishes->verify.parallel);
	association_free(&plan);
	return status;
}

/* What the report says was planned with is what is checked, where no option says otherwise. */
static int take_report(struct wishes *wishes, struct comparison *reported)
{
	struct report_settings said;

	if (report_read(wishes->report, &said, reported, options_report, NULL) < 0)
		return PLAN_FAILED;
	wishes->start = said.start;
	wishes->hours = said.hours;
	wishes->users = (struct verify_users){.slot = said.step,
					      .min_elevation = said.min_elevation,
					      .tau = said.tau,
					      .outage = said.outage,
					      .gamma = said.gamma};
	wishes->verify.station_elevation = said.station_elevation;
	wishes->verify.dwell = said.dwell;
	if (said.isl_range > 0)
		wishes->verify.isl_range = said.isl_range;
	return PLAN_GOOD;
}

static int parse(struct wishes *wishes, int argc, char **argv, int *first)
{
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes->files.elements, .required = true,
		 .argument = "SNO=FILE", .help = "two-line elements; for each operator"},
		{"stations", 0, OPTION_TEXT, &wishes->files.stations, .required = true,
		 .argument = "FILE", .help = "ground stations"},
		{"users", 0, OPTION_TEXT, &wishes->files.users, .argument = "FILE",
		 .help = "users, to compute what the plan means for them"},
		{"agreements", 0, OPTION_TEXT, &wishes->files.agreements, .argument = "FILE",
		 .help = "who serves whose users (all serve all)"},
		{"reserved", 0, OPTION_TEXT, &wishes->files.reserved, .argument = "FILE",
		 .help = "satellites that are kept for their owner (none)"},
		{"station-capacity", 0, OPTION_COUNT, &wishes->files.capacity, .least = 0,
		 .most = 1000000, .argument = "N",
		 .help = "satellites a station takes at a time (any number)"},
		{"report", 0, OPTION_TEXT, &wishes->report, .argument = "FILE",
		 .help = "compare with this report, and take the settings below from it"},
		{"start", 0, OPTION_TIME, &wishes->start, .argument = "TIME",
		 .help = "beginning of the plan (its first association)"},
		{"hours", 0, OPTION_NUMBER, &wishes->hours, .least = 0.001, .most = 8784,
		 .argument = "H", .help = "its length (to the end of its last association)"},
		{"station-elevation", 0, OPTION_NUMBER, &wishes->verify.station_elevation,
		 .least = 0, .most = 90, .argument = "DEGREES",
		 .help = "least elevation at a station (10)"},
		{"min-elevation", 0, OPTION_NUMBER, &wishes->users.min_elevation, .least = 0,
		 .most = 90, .argument = "DEGREES", .help = "least elevation at a user (25)"},
		{"dwell", 0, OPTION_NUMBER, &wishes->verify.dwell, .least = 0, .most = 86400,
		 .argument = "SECONDS", .help = "least length of an association (0)"},
		{"step", 0, OPTION_NUMBER, &wishes->users.slot, .least = 1, .most = 600,
		 .argument = "SECONDS", .help = "length of a slot (15)"},
		{"tau", 0, OPTION_NUMBER, &wishes->users.tau, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "away from home, as bad as a handover (300)"},
		{"outage", 0, OPTION_NUMBER, &wishes->users.outage, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "without service, as bad as a handover (10)"},
		{"gamma", 0, OPTION_NUMBER, &wishes->users.gamma, .least = 0, .most = 1e9,
		 .argument = "WEIGHT", .help = "price of an association change (0)"},
		{"isl-range", 0, OPTION_NUMBER, &wishes->verify.isl_range, .least = 1,
		 .most = 100000, .argument = "KM",
		 .help = "how far links between satellites reach (5000)"},
		{"look", 0, OPTION_NUMBER, &wishes->verify.step, .least = 0.1, .most = 600,
		 .argument = "SECONDS", .help = "between looks at a satellite (10)"},
		OPTION_THREADS(wishes->threads),
		{"quiet", 'q', OPTION_FLAG, &wishes->quiet, .help = "show no progress"},
	};

	free(wishes->files.elements.texts);
	wishes->files.elements = (struct option_list){.count = 0};
	return options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, first);
}

int command_verify(int argc, char **argv)
{
	struct wishes wishes = {
		.verify = {.station_elevation = 10,
			   .isl_range = RELAYS_RANGE,
			   .step = VERIFY_STEP,
			   .tolerance = VERIFY_TOLERANCE},
		.users = {.slot = 15, .min_elevation = 25, .tau = 300, .outage = 10}};
	struct comparison reported;
	struct scenario scenario;
	int first, status = parse(&wishes, argc, argv, &first);

	if (status == OPTIONS_GO && wishes.report) {
		/* Its settings are defaults: options are read once more on top of them. */
		status = take_report(&wishes, &reported);
		if (status == PLAN_GOOD)
			status = parse(&wishes, argc, argv, &first);
	}
	if (status == OPTIONS_GO && first + 1 != argc) {
		options_complain(usage.command, "one association file is to be named");
		status = PLAN_USAGE;
	}
	if (status == OPTIONS_GO) {
		wishes.plan = argv[first];
		status = PLAN_FAILED;
		if (inputs_load(&scenario, &wishes.files, options_report, NULL) == 0)
			status = verify(&wishes, &scenario, wishes.report ? &reported.plan : NULL);
		scenario_free(&scenario);
	}
	free(wishes.files.elements.texts);
	return status;
}
