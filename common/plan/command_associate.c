/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan associate: plans which satellite serves which core, and when. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/associate.h"
#include "plan/command.h"
#include "plan/inputs.h"
#include "plan/output.h"
#include "plan/relays.h"
#include "plan/report.h"
#include "plan/verify.h"

static const struct option_usage usage = {
	"associate",
	"Plans which satellite is associated with which core, over which ground station, from\n"
	"when to when, so that users stay with their home core and change cores rarely. The plan\n"
	"is checked before it is written.",
	NULL,
};

static const char *const policies[] = {"plan", "figure2", NULL};

struct wishes {
	struct input_files files;
	struct associate associate;
	const char *out, *report, *present, *home_share;
	unsigned int policy, seed, threads, iterations, rounds;
	struct option_numbers sweep;
	double stretch, overlap; /* minutes */
	double isl_range;	 /* km */
	bool no_baselines, quiet, isl;
};

/* A part of the time, or that of figure 2. -EINVAL, complained of. */
static int read_home_share(struct wishes *wishes)
{
	double *share = &wishes->associate.home_share;
	char *end;

	if (wishes->policy != 0) {
		options_complain(usage.command, "--home-share is for the policy plan");
		return -EINVAL;
	}
	if (strcmp(wishes->home_share, "figure2") == 0) {
		*share = ASSOCIATE_HOME_FIGURE2;
		return 0;
	}
	*share = strtod(wishes->home_share, &end);
	if (end != wishes->home_share && !*end && *share > 0 && *share <= 1)
		return 0;
	options_complain(usage.command, "--home-share %s: a number above 0 and up to 1, or figure2",
			 wishes->home_share);
	return -EINVAL;
}

static int parse(struct wishes *wishes, int argc, char **argv)
{
	struct associate *associate = &wishes->associate;
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes->files.elements, .required = true,
		 .argument = "SNO=FILE", .help = "two-line elements; for each operator"},
		{"stations", 0, OPTION_TEXT, &wishes->files.stations, .required = true,
		 .argument = "FILE", .help = "ground stations"},
		{"users", 0, OPTION_TEXT, &wishes->files.users, .required = true,
		 .argument = "FILE", .help = "users"},
		{"agreements", 0, OPTION_TEXT, &wishes->files.agreements, .argument = "FILE",
		 .help = "who serves whose users (all serve all)"},
		{"reserved", 0, OPTION_TEXT, &wishes->files.reserved, .argument = "FILE",
		 .help = "satellites that are kept for their owner (none)"},
		{"station-capacity", 0, OPTION_COUNT, &wishes->files.capacity, .least = 0,
		 .most = 1000000, .argument = "N",
		 .help = "satellites a station takes at a time (any number)"},
		{"start", 0, OPTION_TIME, &associate->start, .required = true, .argument = "TIME",
		 .help = "beginning of the plan"},
		{"hours", 0, OPTION_NUMBER, &associate->hours, .required = true, .least = 0.01,
		 .most = 8784, .argument = "H", .help = "its length"},
		{"step", 's', OPTION_NUMBER, &associate->slot, .least = 1, .most = 600,
		 .argument = "SECONDS", .help = "time between decisions (15)"},
		{"min-elevation", 0, OPTION_NUMBER, &associate->min_elevation, .least = 0,
		 .most = 90, .argument = "DEGREES", .help = "least elevation at a user (25)"},
		{"station-elevation", 0, OPTION_NUMBER, &associate->station_elevation, .least = 0,
		 .most = 90, .argument = "DEGREES", .help = "least elevation at a station (10)"},
		{"tau", 0, OPTION_NUMBER, &associate->tau, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "away from home, as bad as a handover (300)"},
		{"home-share", 0, OPTION_TEXT, &wishes->home_share, .argument = "SHARE",
		 .help = "at home for that part of the time at least, or figure2; tau follows"},
		{"tau-sweep", 0, OPTION_NUMBERS, &wishes->sweep, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS,...",
		 .help = "plan with each of these as well, for the report (none)"},
		{"outage", 0, OPTION_NUMBER, &associate->outage, .least = 1e-3, .most = 1e9,
		 .argument = "SECONDS", .help = "without service, as bad as a handover (10)"},
		{"gamma", 0, OPTION_NUMBER, &associate->gamma, .least = 0, .most = 1e9,
		 .argument = "WEIGHT",
		 .help = "price of an association change (0.75 of users' weight per satellite)"},
		{"dwell", 0, OPTION_NUMBER, &associate->dwell, .least = 0, .most = 86400,
		 .argument = "SECONDS", .help = "least length of an association (60)"},
		{"isl", 0, OPTION_FLAG, &wishes->isl,
		 .help = "satellites that see no station are relayed over neighbours"},
		{"isl-range", 0, OPTION_NUMBER, &wishes->isl_range, .least = 1, .most = 100000,
		 .argument = "KM", .help = "how far links between satellites reach (5000)"},
		{"out", 'o', OPTION_TEXT, &wishes->out, .required = true, .argument = "FILE",
		 .help = "the plan; - for standard output"},
		{"report", 0, OPTION_TEXT, &wishes->report, .argument = "FILE",
		 .help = "what it means for users, as JSON (none)"},
		{"present", 0, OPTION_TEXT, &wishes->present, .argument = "FILE",
		 .help = "plan in force at the beginning, to go on from (none)"},
		{"policy", 0, OPTION_CHOICE, &wishes->policy, .choices = policies,
		 .argument = "POLICY",
		 .help = "plan, or figure2: every satellite with its owner (plan)"},
		{"stretch", 0, OPTION_NUMBER, &wishes->stretch, .least = 5, .most = 1440,
		 .argument = "MINUTES", .help = "what is planned in one go (120)"},
		{"overlap", 0, OPTION_NUMBER, &wishes->overlap, .least = 0, .most = 720,
		 .argument = "MINUTES", .help = "what of it the next stretch plans again (20)"},
		{"iterations", 0, OPTION_COUNT, &wishes->iterations, .least = 10, .most = 100000,
		 .argument = "N", .help = "of prices, per stretch (600)"},
		{"rounds", 0, OPTION_COUNT, &wishes->rounds, .least = 0, .most = 100000,
		 .argument = "N", .help = "of the search, per stretch (120)"},
		{"no-baselines", 0, OPTION_FLAG, &wishes->no_baselines,
		 .help = "do not measure figure 2 and naive sharing"},
		OPTION_THREADS(wishes->threads),
		{"seed", 0, OPTION_COUNT, &wishes->seed, .least = 0, .most = 4294967295.0,
		 .argument = "N", .help = "of what is left to chance (1)"},
		{"quiet", 'q', OPTION_FLAG, &wishes->quiet, .help = "show no progress"},
	};

	return options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL);
}

/* As the planner takes them. OPTIONS_GO, or PLAN_USAGE and what is wrong is told. */
static int take_wishes(struct wishes *wishes)
{
	struct associate *associate = &wishes->associate;

	if (wishes->overlap >= wishes->stretch) {
		options_complain(usage.command, "--overlap has to be less than --stretch");
		return PLAN_USAGE;
	}
	if (wishes->sweep.count && !wishes->report) {
		options_complain(usage.command, "--tau-sweep is for the report: add --report FILE");
		return PLAN_USAGE;
	}
	if (wishes->home_share && read_home_share(wishes) < 0)
		return PLAN_USAGE;
	associate->sweep = wishes->sweep.values;
	associate->sweep_count = wishes->sweep.count;
	associate->stretch = wishes->stretch * 60;
	associate->overlap = wishes->overlap * 60;
	associate->effort.iterations = wishes->iterations;
	associate->effort.rounds = wishes->rounds;
	associate->seed = wishes->seed;
	associate->baselines = !wishes->no_baselines;
	associate->optimise = wishes->policy == 0;
	associate->isl_range = wishes->isl ? wishes->isl_range : 0;
	return OPTIONS_GO;
}

/* The plan as a file of so many bytes, to be given to free(3). NULL: out of memory. */
static char *print_plan(const struct associated *associated, bool relays, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	bool good = out && association_print_heading(out, relays) >= 0;

	for (size_t i = 0; good && i < associated->count; i++)
		good = association_print(out, &associated->rows[i], relays) >= 0;
	if (out && fclose(out) != 0)
		good = false;
	if (good)
		return text;
	free(text);
	return NULL;
}

/* Nothing is written that the checker finds fault with, or that daemons could not read. */
static int verify(const struct wishes *wishes, const char *text, size_t length)
{
	const struct associate *associate = &wishes->associate;
	struct verify verify = {.scenario = associate->scenario,
				.start = associate->start,
				.until = associate->start +
					 clock_from_seconds(associate->hours * 3600),
				.station_elevation = associate->station_elevation,
				.dwell = associate->dwell,
				.isl_range = associate->isl_range,
				.step = VERIFY_STEP,
				.tolerance = VERIFY_TOLERANCE,
				.parallel = associate->parallel,
				.progress = associate->progress};
	struct associations plan;
	int err =
		association_load_text(&plan, wishes->out, text, length, NULL, options_report, NULL);

	if (!err) {
		err = verify_plan(&verify, &plan, wishes->out, options_report, NULL);
		association_free(&plan);
	}
	if (err == -EINVAL)
		options_complain(usage.command,
				 "the plan has faults, which it must not; it is not written");
	else if (err < 0)
		options_complain(usage.command, "%s", strerror(-err));
	return err;
}

/* "users FILE", for the report. */
static char **name_files(const struct input_files *files, size_t *count)
{
	const struct {
		const char *what, *file;
	} others[] = {{"stations", files->stations},
		      {"users", files->users},
		      {"agreements", files->agreements},
		      {"reserved", files->reserved}};
	char **names = calloc(files->elements.count + 4, sizeof(*names));

	*count = 0;
	if (!names)
		return NULL;
	for (size_t i = 0; i < files->elements.count; i++)
		if (asprintf(&names[*count], "tle %s", files->elements.texts[i]) >= 0)
			++*count;
	for (size_t i = 0; i < 4; i++)
		if (others[i].file &&
		    asprintf(&names[*count], "%s %s", others[i].what, others[i].file) >= 0)
			++*count;
	return names;
}

static void fill_report(const struct wishes *wishes, const struct associated *associated,
			struct report *report)
{
	const struct associate *associate = &wishes->associate;

	report->scenario = associate->scenario;
	report->start = associate->start;
	report->hours = associate->hours;
	report->step = associate->slot;
	report->min_elevation = associate->min_elevation;
	report->station_elevation = associate->station_elevation;
	report->tau = associated->tau;
	report->home_share = associated->home_share;
	report->outage = associate->outage;
	report->gamma = associated->gamma;
	report->dwell = associate->dwell;
	report->isl_range = associate->isl_range;
	report->policy = policies[wishes->policy];
	report->seed = wishes->seed;
	report->threads = parallel_workers(associate->parallel);
	report->comparison = &associated->comparison;
	report->sweep = associated->sweep;
	report->sweep_count = associate->sweep_count;
	report->associations = associated->count;
	report->relayed = associated->relayed;
	report->peak_memory = report_peak_memory();
}

static int write_report(struct wishes *wishes, const struct associated *associated,
			struct report *report, usec_t begun)
{
	size_t files;
	char **names = name_files(&wishes->files, &files);
	int err;

	fill_report(wishes, associated, report);
	report->seconds = (double)(clock_now() - begun) / USEC_PER_SEC;
	report->files = (const char *const *)names;
	report->file_count = files;
	err = report_write(report, wishes->report);
	for (size_t i = 0; i < files; i++)
		free(names[i]);
	free(names);
	if (err < 0)
		options_complain(usage.command, "%s: %s", wishes->report, strerror(-err));
	return err;
}

/* The plan is good all the same; but the operator has asked for more. */
static void tell_home_share(const struct associated *associated)
{
	double share = associated->comparison.plan.home_share;

	if (share < associated->home_share)
		options_complain(usage.command,
				 "users are at home for %.4f of their time: no tau was found that "
				 "reaches the %.4f of --home-share",
				 share, associated->home_share);
}

/* Checks and writes what was planned. */
static int deliver(struct wishes *wishes, const struct associated *associated,
		   struct report *report, usec_t begun)
{
	size_t length = 0;
	char *text = print_plan(associated, wishes->isl, &length);
	int err = text ? verify(wishes, text, length) : -ENOMEM;

	if (!text)
		options_complain(usage.command, "%s", strerror(ENOMEM));
	if (!err) {
		err = output_write(wishes->out, text, length);
		if (err)
			options_complain(usage.command, "%s: %s", wishes->out, strerror(-err));
	}
	free(text);
	if (!err && wishes->report)
		err = write_report(wishes, associated, report, begun);
	if (!err)
		tell_home_share(associated);
	return err ? PLAN_FAILED : PLAN_GOOD;
}

static int plan(struct wishes *wishes)
{
	struct associate *associate = &wishes->associate;
	struct associations present;
	struct associated associated;
	struct progress progress;
	struct report report = {0};
	usec_t begun = clock_now();
	int err, status = PLAN_FAILED;

	if (wishes->present &&
	    association_load(&present, wishes->present, NULL, options_report, NULL) < 0)
		return PLAN_FAILED;
	progress_open(&progress, stderr, wishes->quiet);
	associate->progress = &progress;
	associate->report = &report;
	associate->present = wishes->present ? &present : NULL;
	associate->parallel = parallel_open(wishes->threads);
	err = associate->parallel ? associate_run(associate, &associated) : -ENOMEM;
	if (err == -ERANGE)
		options_complain(usage.command, "too many slots: take a larger --step");
	else if (err == -ENOSPC)
		options_complain(usage.command, "too many stations: with --isl there can be %d",
				 ASSOCIATE_RELAY_STATIONS_MAX);
	else if (err < 0)
		options_complain(usage.command, "%s", strerror(-err));
	else
		status = deliver(wishes, &associated, &report, begun);
	if (err == 0)
		associated_free(&associated);
	parallel_close(associate->parallel);
	if (wishes->present)
		association_free(&present);
	return status;
}

int command_associate(int argc, char **argv)
{
	struct scenario scenario;
	struct wishes wishes = {.associate = {.scenario = &scenario,
					      .slot = 15,
					      .min_elevation = 25,
					      .station_elevation = 10,
					      .tau = 300,
					      .outage = 10,
					      .gamma = -1,
					      .dwell = 60,
					      .effort = associate_effort},
				.stretch = 120,
				.overlap = 20,
				.isl_range = RELAYS_RANGE,
				.iterations = associate_effort.iterations,
				.rounds = associate_effort.rounds,
				.seed = 1};
	int status = parse(&wishes, argc, argv);

	if (status == OPTIONS_GO)
		status = take_wishes(&wishes);
	if (status == OPTIONS_GO) {
		status = PLAN_FAILED;
		if (inputs_load(&scenario, &wishes.files, options_report, NULL) == 0)
			status = plan(&wishes);
		scenario_free(&scenario);
	}
	free(wishes.files.elements.texts);
	free(wishes.sweep.values);
	return status;
}
