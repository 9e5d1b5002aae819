/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The association file, and what of it one satellite does, held against its feeders. */
#include "sat-forwarder/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file ----------------------------------------------------------------------------------
 */

struct plan_file *plan_file_new(const char *path)
{
	struct plan_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->path = strdup(path);
	if (!file->path) {
		free(file);
		return NULL;
	}
	file->seen = file_state(path);
	return file;
}

void plan_file_free(struct plan_file *file)
{
	if (!file)
		return;
	association_free(&file->all);
	free(file->path);
	free(file);
}

static int read_file(void *object, association_report_fn *report, void *arg)
{
	struct plan_file *file = object;

	return association_load(&file->all, file->path, NULL, report, arg);
}

static void free_file(void *object)
{
	plan_file_free(object);
}

static bool small(const void *object)
{
	const struct plan_file *file = object;

	return file->seen.size <= READING_SMALL;
}

static bool same(const void *one, const void *other)
{
	const struct plan_file *a = one, *b = other;

	return strcmp(a->path, b->path) == 0 && file_same(&a->seen, &b->seen);
}

const struct reloading_kind plan_file_kind = {{read_file, free_file}, small, same};

int plan_file_load(struct plan_file **file, const struct config *config,
		   association_report_fn *report, void *arg)
{
	int err;

	*file = NULL;
	if (!config->association.file)
		return 0;
	*file = plan_file_new(config->association.file);
	if (!*file) {
		report(arg, "out of memory");
		return -ENOMEM;
	}
	err = read_file(*file, report, arg);
	if (err) {
		plan_file_free(*file);
		*file = NULL;
	}
	return err;
}

/* ---- a satellite's part of it ------------------------------------------------------------------
 */

/* Why a row cannot be executed, or NULL when it can. */
#define WHY (2 * ASSOCIATION_NAME_MAX + 64)
static const char *wrong(const struct config *config, const struct association *row, char why[WHY])
{
	if (config_feeder(config, row->core, row->station, config->relay ? NULL : row->via))
		return NULL;
	if (*row->via && !config->relay)
		snprintf(why, WHY, "no feeder leads to satellite %s", row->via);
	else if (*row->station && config_feeder(config, row->core, NULL, NULL))
		snprintf(why, WHY, "no feeder leads to core %s over station %s", row->core,
			 row->station);
	else
		snprintf(why, WHY, "no feeder leads to core %s", row->core);
	return why;
}

/* Rows that no feeder can serve. Returns how many there are; so many alike are told once. */
static size_t check_feeders(const struct plan *plan, const struct config *config,
			    association_report_fn *report, void *arg)
{
	char message[PATH_MAX + 2 * WHY], relay[ASSOCIATION_NAME_MAX + 16] = "", why[WHY];
	size_t faults = 0;

	if (config->relay)
		snprintf(relay, sizeof(relay), "relay of %s: ", config->satellite.name);
	for (size_t i = 0; i < plan->count && faults < ASSOCIATION_FAULTS_MAX; i++) {
		const struct association *row = &plan->rows[i];

		if (!wrong(config, row, why))
			continue;
		faults++;
		snprintf(message, sizeof(message), "%s:%u: %s%s", config->association.file,
			 row->line, relay, why);
		report(arg, message);
	}
	return faults;
}

/*
 * Of a relayed satellite this one executes the rows that lead over it. The way is open a little
 * before and after, so that two satellites whose clocks differ lose nothing: the relayed one
 * decides what passes, and while it sends nothing here and takes nothing from here, nothing does.
 */
static void keep_relayed(struct plan *plan, const char *via, usec_t margin)
{
	struct association *rows = plan->associations.rows;
	size_t count = 0;
	usec_t gap;

	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(rows[i].via, via) == 0)
			rows[count++] = rows[i];
	for (size_t i = 0; i <= count && count; i++) {
		gap = i && i < count ? rows[i].from - rows[i - 1].until : 2 * margin;
		if (i)
			rows[i - 1].until += usec_min(margin, gap / 2);
		if (i < count)
			rows[i].from -= usec_min(margin, gap / 2);
	}
	plan->associations.count = plan->count = count;
}

/* True when the file has a neighbour's row that leads over this satellite. */
static bool relays_anyone(const struct config *config, const struct associations *all)
{
	for (size_t i = 0; i < config->relay_count; i++) {
		size_t count;
		const struct association *theirs =
			association_of(all, config->relays[i].satellite, &count);

		for (size_t n = 0; n < count; n++)
			if (strcmp(theirs[n].via, config->satellite.name) == 0)
				return true;
	}
	return false;
}

int plan_take(struct plan *plan, const struct config *config, const struct plan_file *file,
	      association_report_fn *report, void *arg)
{
	char message[PATH_MAX + 2 * ASSOCIATION_NAME_MAX];
	const struct lab_time time = lab_time_of(&config->time);

	memset(plan, 0, sizeof(*plan));
	if (!file)
		return 0;
	if (association_pick(&plan->associations, &file->all, config->satellite.name) < 0) {
		report(arg, "out of memory");
		return -ENOMEM;
	}
	lab_time_associations(&time, &plan->associations);
	plan->rows = plan->associations.rows;
	plan->count = plan->associations.count;
	if (config->relay)
		keep_relayed(plan, config->relay, config->timers.drain);
	if (plan->count || config->relay || relays_anyone(config, &file->all)) {
		if (check_feeders(plan, config, report, arg) == 0)
			return 0;
	} else {
		snprintf(message, sizeof(message), "%s: no association of satellite %s",
			 config->association.file, config->satellite.name);
		report(arg, message);
	}
	plan_free(plan);
	return -EINVAL;
}

void plan_free(struct plan *plan)
{
	association_free(&plan->associations);
	memset(plan, 0, sizeof(*plan));
}

usec_t plan_end(const struct plan *plan)
{
	return plan->count ? plan->rows[plan->count - 1].until : 0;
}
