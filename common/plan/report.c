/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as JSON, with jansson. */
#define _GNU_SOURCE /* asprintf */
#include "plan/report.h"

#include "plan/output.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jansson.h>

void report_phase(struct report *report, const char *name, double seconds)
{
	size_t i = 0;

	while (i < report->phase_count && strcmp(report->phases[i].name, name) != 0)
		i++;
	if (i == REPORT_PHASES_MAX)
		i--;
	else if (i == report->phase_count)
		report->phases[report->phase_count++] = (struct report_phase){.name = name};
	report->phases[i].seconds += seconds;
}

size_t report_peak_memory(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) < 0 ? 0 : (size_t)usage.ru_maxrss * 1024;
}

/* A figure; null when it says nothing. */
static json_t *figure(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *measures_json(const struct measures *m)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "inter_sno_per_user_hour",
			 figure(m->inter_sno_per_user_hour), "handovers_per_user_hour",
			 figure(m->handovers_per_user_hour), "home_share", figure(m->home_share),
			 "served_share", figure(m->served_share),
			 "association_changes_per_satellite_hour",
			 figure(m->association_changes_per_satellite_hour), "objective",
			 figure(m->objective));
}

/* NULL members stand for what was not computed. */
static json_t *comparison_json(const struct comparison *c)
{
	const struct measures bound = {NAN, NAN, NAN, NAN, NAN, c->has_bound ? c->bound : NAN};

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "figure2",
			 c->has_baselines ? measures_json(&c->figure2) : json_null(),
			 "figure2_planned_terminals",
			 c->has_baselines ? measures_json(&c->figure2_planned_terminals)
					  : json_null(),
			 "naive", c->has_baselines ? measures_json(&c->naive) : json_null(), "plan",
			 measures_json(&c->plan), "bound",
			 c->has_bound ? measures_json(&bound) : json_null(),
			 "unavoidable_objective", figure(c->unavoidable));
}

/* What each tau makes of users: null without a sweep. */
static json_t *sweep_json(const struct report *report)
{
	const struct comparison *c = report->comparison;
	json_t *curve = report->sweep_count ? json_array() : json_null();

	for (size_t i = 0; i < report->sweep_count; i++) {
		const struct sweep_point *point = &report->sweep[i];
		double theirs = c->has_baselines ? c->figure2.inter_sno_per_user_hour : NAN;
		json_t *all = measures_json(&point->plan);

		json_object_set_new(all, "tau", json_real(point->tau));
		json_object_set_new(all, "bound", figure(c->has_bound ? point->bound : NAN));
		json_object_set_new(all, "inter_sno_cut",
				    figure(1 - point->plan.inter_sno_per_user_hour / theirs));
		json_array_append_new(curve, all);
	}
	return curve;
}

static json_t *inputs_json(const struct report *report)
{
	const struct scenario *scenario = report->scenario;
	json_t *files = json_array(), *snos = json_array();
	char start[ASSOCIATION_TIME_TEXT];

	for (size_t i = 0; i < report->file_count; i++)
		json_array_append_new(files, json_string(report->files[i]));
	for (unsigned int i = 0; i < scenario->sno_count; i++)
		json_array_append_new(snos, json_string(scenario->snos[i].name));
	return json_pack(
		"{s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:o, s:f, s:f, "
		"s:f, s:o, s:s?, s:I, s:I}",
		"files", files, "snos", snos, "satellites", (json_int_t)scenario->satellite_count,
		"stations", (json_int_t)scenario->station_count, "sites",
		(json_int_t)scenario->site_count, "groups", (json_int_t)scenario->group_count,
		"weight", scenario->weight, "start", association_time_format(report->start, start),
		"hours", report->hours, "step", report->step, "min_elevation",
		report->min_elevation, "station_elevation", report->station_elevation, "tau",
		report->tau, "home_share",
		figure(report->home_share > 0 ? report->home_share : NAN), "outage", report->outage,
		"gamma", report->gamma, "dwell", report->dwell, "isl_range",
		figure(report->isl_range > 0 ? report->isl_range : NAN), "policy", report->policy,
		"seed", (json_int_t)report->seed, "threads", (json_int_t)report->threads);
}

static json_t *work_json(const struct report *report)
{
	json_t *phases = json_object();

	for (size_t i = 0; i < report->phase_count; i++)
		json_object_set_new(phases, report->phases[i].name,
				    json_real(report->phases[i].seconds));
	return json_pack("{s:I, s:I, s:I, s:f, s:o, s:o}", "windows", (json_int_t)report->windows,
			 "associations", (json_int_t)report->associations, "relayed",
			 (json_int_t)report->relayed, "seconds", report->seconds, "phases", phases,
			 "peak_memory",
			 report->peak_memory ? json_integer((json_int_t)report->peak_memory)
					     : json_null());
}

static json_t *report_json(const struct report *report)
{
	json_t *all = json_pack("{s:s, s:s}", "program", "sno-plan", "version", SNO_VERSION);
	json_t *inputs = inputs_json(report), *figures = comparison_json(report->comparison);
	json_t *work = work_json(report), *sweep = sweep_json(report);

	if (!all || !inputs || !figures || !work || json_object_set(all, "inputs", inputs) < 0 ||
	    json_object_update(all, figures) < 0 || json_object_set(all, "tau_sweep", sweep) < 0 ||
	    json_object_set(all, "work", work) < 0) {
		json_decref(all);
		all = NULL;
	}
	json_decref(inputs);
	json_decref(figures);
	json_decref(sweep);
	json_decref(work);
	return all;
}

int report_write(const struct report *report, const char *path)
{
	json_t *json = report_json(report);
	/* So many digits that a span of a year reads again to a part of a slot. */
	char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
	char *line = NULL;
	int length = text ? asprintf(&line, "%s\n", text) : -1;
	int err = length < 0 ? -ENOMEM : output_write(path, line, (size_t)length);

	if (length >= 0)
		free(line);
	free(text);
	json_decref(json);
	return err;
}

/* ---- reading --------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* False when a setting is missing. */
static bool read_settings(const json_t *inputs, struct report_settings *settings)
{
	const char *start = json_string_value(json_object_get(inputs, "start"));
	const struct {
		const char *key;
		double *value;
	} numbers[] = {
		{"hours", &settings->hours},
		{"step", &settings->step},
		{"min_elevation", &settings->min_elevation},
		{"station_elevation", &settings->station_elevation},
		{"tau", &settings->tau},
		{"outage", &settings->outage},
		{"gamma", &settings->gamma},
		{"dwell", &settings->dwell},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		*numbers[i].value = number(inputs, numbers[i].key);
		if (!isfinite(*numbers[i].value) || *numbers[i].value < 0)
			return false;
	}
	settings->isl_range = fmax(number(inputs, "isl_range"), 0);
	return settings->hours > 0 && settings->step > 0 && settings->tau > 0 &&
	       settings->outage > 0 && start &&
	       association_time_parse(start, &settings->start) == 0;
}

static struct measures read_measures(const json_t *json, const char *key)
{
	const json_t *figures = json_object_get(json, key);

	return (struct measures){
		.inter_sno_per_user_hour = number(figures, "inter_sno_per_user_hour"),
		.handovers_per_user_hour = number(figures, "handovers_per_user_hour"),
		.home_share = number(figures, "home_share"),
		.served_share = number(figures, "served_share"),
		.association_changes_per_satellite_hour =
			number(figures, "association_changes_per_satellite_hour"),
		.objective = number(figures, "objective")};
}

int report_read(const char *path, struct report_settings *settings, struct comparison *comparison,
		csv_report_fn *report, void *arg)
{
	char message[PATH_MAX + JSON_ERROR_TEXT_LENGTH + 64] = "";
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);

	*comparison = (struct comparison){
		.figure2 = read_measures(json, "figure2"),
		.figure2_planned_terminals = read_measures(json, "figure2_planned_terminals"),
		.naive = read_measures(json, "naive"),
		.plan = read_measures(json, "plan"),
		.bound = read_measures(json, "bound").objective,
		.unavoidable = number(json, "unavoidable_objective"),
		.has_baselines = json_is_object(json_object_get(json, "figure2")),
		.has_bound = json_is_object(json_object_get(json, "bound"))};
	if (!json)
		snprintf(message, sizeof(message), "%s:%d: %s", path, error.line, error.text);
	else if (!json_is_object(json_object_get(json, "plan")) ||
		 !read_settings(json_object_get(json, "inputs"), settings))
		snprintf(message, sizeof(message), "%s: is no report of sno-plan associate", path);
	json_decref(json);
	if (!*message)
		return 0;
	report(arg, message);
	return -EINVAL;
}
