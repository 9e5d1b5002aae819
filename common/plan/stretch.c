/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cutting a stretch out of the sky. */
#include "plan/stretch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int past_open(struct past *past, const struct scenario *scenario)
{
	*past = (struct past){.beginning = true,
			      .held = calloc(scenario->satellite_count, sizeof(*past->held)),
			      .age = calloc(scenario->satellite_count, sizeof(*past->age)),
			      .last = malloc(scenario->group_count)};
	if (!past->held || !past->age || !past->last) {
		past_close(past);
		return -ENOMEM;
	}
	memset(past->last, NO_CORE, scenario->group_count);
	return 0;
}

void past_close(struct past *past)
{
	free(past->held);
	free(past->age);
	free(past->last);
	*past = (struct past){0};
}

/* Cuts to the stretch; false when nothing is left. */
static bool cut(const struct stretch *stretch, const struct sighting *row, uint16_t *from,
		uint16_t *until)
{
	uint32_t end = stretch->first + stretch->slots;

	if (row->until <= stretch->first || row->from >= end)
		return false;
	*from = (uint16_t)(row->from <= stretch->first ? 0 : row->from - stretch->first);
	*until = (uint16_t)((row->until < end ? row->until : end) - stretch->first);
	return true;
}

/* The places of every site: places of site i are first[i] to first[i + 1] - 1. */
static size_t *places_by_site(const struct scenario *scenario)
{
	size_t *first = calloc(scenario->site_count + 1, sizeof(*first));

	if (!first)
		return NULL;
	for (size_t p = 0; p < scenario->place_count; p++)
		first[scenario->places[p].site + 1]++;
	for (size_t i = 0; i < scenario->site_count; i++)
		first[i + 1] += first[i];
	return first;
}

/* Cuts the views of all satellites; with views NULL only counts them. */
static size_t cut_views(struct stretch *stretch, const struct sky *sky, const size_t *places)
{
	const struct scenario *scenario = stretch->scenario;
	size_t count = 0;

	for (size_t s = 0; s < scenario->satellite_count; s++) {
		stretch->view_of[s] = count;
		for (size_t i = sky->users.of[s]; i < sky->users.of[s + 1]; i++) {
			const struct sighting *row = &sky->users.rows[i];
			struct view view;

			if (!cut(stretch, row, &view.from, &view.until))
				continue;
			for (size_t p = places[row->where]; p < places[row->where + 1]; p++) {
				if (!scenario_admits(&scenario->places[p],
						     &scenario->satellites[s]))
					continue;
				view.place = (uint32_t)p;
				if (stretch->views)
					stretch->views[count] = view;
				count++;
			}
		}
	}
	stretch->view_of[scenario->satellite_count] = count;
	return count;
}

static size_t cut_passes(struct stretch *stretch, const struct sky *sky)
{
	const struct scenario *scenario = stretch->scenario;
	size_t count = 0;

	for (size_t s = 0; s < scenario->satellite_count; s++) {
		stretch->pass_of[s] = count;
		for (size_t i = sky->stations.of[s]; i < sky->stations.of[s + 1]; i++) {
			const struct sighting *row = &sky->stations.rows[i];
			struct pass pass = {.attached = (attachment)(row->where + 1)};

			if (!cut(stretch, row, &pass.from, &pass.until))
				continue;
			pass.core = attachment_core(scenario, pass.attached);
			if (stretch->passes)
				stretch->passes[count] = pass;
			count++;
		}
		if (count - stretch->pass_of[s] > stretch->most_passes)
			stretch->most_passes = count - stretch->pass_of[s];
	}
	stretch->pass_of[scenario->satellite_count] = count;
	return count;
}

/* Puts views in the order of time. */
static void index_time(struct stretch *stretch, size_t *next)
{
	const struct scenario *scenario = stretch->scenario;
	size_t count = stretch->view_of[scenario->satellite_count];

	for (size_t i = 0; i < count; i++)
		stretch->begun_of[stretch->views[i].from + 1]++;
	for (unsigned int t = 0; t < stretch->slots; t++)
		stretch->begun_of[t + 1] += stretch->begun_of[t];
	memcpy(next, stretch->begun_of, stretch->slots * sizeof(*next));
	for (size_t s = 0; s < scenario->satellite_count; s++)
		for (size_t i = stretch->view_of[s]; i < stretch->view_of[s + 1]; i++)
			stretch->begun[next[stretch->views[i].from]++] =
				(struct begun){.view = (uint32_t)i, .satellite = (uint32_t)s};
}

/* Turns views round. */
static void index_places(struct stretch *stretch, size_t *next)
{
	const struct scenario *scenario = stretch->scenario;
	size_t count = stretch->view_of[scenario->satellite_count];

	for (size_t i = 0; i < count; i++)
		stretch->viewed_of[stretch->views[i].place + 1]++;
	for (size_t p = 0; p < scenario->place_count; p++)
		stretch->viewed_of[p + 1] += stretch->viewed_of[p];
	memcpy(next, stretch->viewed_of, scenario->place_count * sizeof(*next));
	for (size_t i = 0; i < count; i++) {
		const struct view *view = &stretch->views[stretch->begun[i].view];
		unsigned int length = (unsigned int)(view->until - view->from);

		stretch->viewed[next[view->place]++] =
			(struct viewed){.satellite = stretch->begun[i].satellite,
					.from = view->from,
					.until = view->until};
		if (length > stretch->longest)
			stretch->longest = length;
	}
}

/* What could be available: the cores of all passes of all satellites in view. */
static void find_possible(struct stretch *stretch)
{
	for (size_t s = 0; s < stretch->scenario->satellite_count; s++) {
		sno_set *cores = stretch->attachable + s * stretch->slots;

		for (size_t i = stretch->pass_of[s]; i < stretch->pass_of[s + 1]; i++) {
			const struct pass *pass = &stretch->passes[i];

			for (unsigned int t = pass->from; t < pass->until; t++)
				cores[t] |= (sno_set)(1u << pass->core);
		}
		for (size_t i = stretch->view_of[s]; i < stretch->view_of[s + 1]; i++) {
			const struct view *view = &stretch->views[i];
			sno_set *possible =
				stretch->possible + (size_t)view->place * stretch->slots;

			for (unsigned int t = view->from; t < view->until; t++)
				possible[t] |= cores[t];
		}
	}
}

int stretch_open(struct stretch *stretch, const struct sky *sky, const struct prices *prices,
		 const struct past *past, uint32_t first, unsigned int slots)
{
	const struct scenario *scenario = sky->scenario;
	size_t satellites = scenario->satellite_count, views, passes;
	size_t *places = places_by_site(scenario), *next = NULL;
	int err = -ENOMEM;

	*stretch = (struct stretch){.scenario = scenario,
				    .neighbours = sky->neighbours,
				    .prices = prices,
				    .past = past,
				    .first = first,
				    .slots = slots,
				    .lanes = lanes_for(scenario->sno_count)};
	stretch->view_of = calloc(satellites + 1, sizeof(*stretch->view_of));
	stretch->pass_of = calloc(satellites + 1, sizeof(*stretch->pass_of));
	stretch->viewed_of = calloc(scenario->place_count + 1, sizeof(*stretch->viewed_of));
	stretch->begun_of = calloc(slots + 1, sizeof(*stretch->begun_of));
	stretch->attachable = calloc(satellites, slots);
	stretch->possible = calloc(scenario->place_count, slots);
	next = calloc(scenario->place_count + slots, sizeof(*next));
	if (!places || !stretch->view_of || !stretch->pass_of || !stretch->viewed_of ||
	    !stretch->begun_of || !stretch->attachable || !stretch->possible || !next)
		goto out;
	views = cut_views(stretch, sky, places);
	passes = cut_passes(stretch, sky);
	stretch->views = calloc(views + 1, sizeof(*stretch->views));
	stretch->passes = calloc(passes + 1, sizeof(*stretch->passes));
	stretch->viewed = calloc(views + 1, sizeof(*stretch->viewed));
	stretch->begun = calloc(views + 1, sizeof(*stretch->begun));
	if (!stretch->views || !stretch->passes || !stretch->viewed || !stretch->begun)
		goto out;
	cut_views(stretch, sky, places);
	cut_passes(stretch, sky);
	index_time(stretch, next);
	index_places(stretch, next);
	find_possible(stretch);
	cost_table_fill(&stretch->costs, prices, scenario->sno_count);
	err = 0;
out:
	free(places);
	free(next);
	if (err < 0)
		stretch_close(stretch);
	return err;
}

void stretch_close(struct stretch *stretch)
{
	free(stretch->views);
	free(stretch->view_of);
	free(stretch->passes);
	free(stretch->pass_of);
	free(stretch->viewed);
	free(stretch->viewed_of);
	free(stretch->begun);
	free(stretch->begun_of);
	free(stretch->attachable);
	free(stretch->possible);
	*stretch = (struct stretch){0};
}

/* The first of rows `low` to high - 1 that begins at slot `from` or later. */
static size_t first_from(const struct viewed *viewed, size_t low, size_t high, unsigned int from)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (viewed[middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct viewed *stretch_viewed(const struct stretch *stretch, size_t place, unsigned int t,
				    size_t *count)
{
	unsigned int from = t < stretch->longest ? 0 : t - stretch->longest + 1;
	size_t end = stretch->viewed_of[place + 1];
	size_t first = first_from(stretch->viewed, stretch->viewed_of[place], end, from);

	*count = first_from(stretch->viewed, first, end, t + 1) - first;
	return stretch->viewed + first;
}

double stretch_unavoidable(const struct stretch *stretch)
{
	const struct scenario *scenario = stretch->scenario;
	double weight = 0;

	for (size_t g = 0; g < scenario->group_count; g++) {
		const struct scenario_group *group = &scenario->groups[g];
		const sno_set *possible = stretch->possible + (size_t)group->place * stretch->slots;

		for (unsigned int t = 0; t < stretch->slots; t++)
			if (!(possible[t] & group->cores))
				weight += group->weight;
	}
	return weight * stretch->prices->slot / stretch->prices->outage;
}
