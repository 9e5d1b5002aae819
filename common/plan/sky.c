/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows to slots. Spans of hours are scanned one after the other and joined. */
#include "plan/sky.h"

#include "plan/relays.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is scanned at a time: bounds the memory of windows, which are larger than sightings. */
#define SCAN_HOURS 4

/* Rows that are still to be put in order. */
struct gathering {
	struct sighting *rows;
	size_t count, room;
};

struct scan_progress {
	const struct sky_view *view;
	size_t before, all; /* of satellites times scans */
};

static void pass_on_progress(void *arg, size_t done, size_t all)
{
	const struct scan_progress *progress = arg;

	(void)all;
	progress->view->progress(progress->view->arg, progress->before + done, progress->all);
}

static int gather(struct gathering *gathering, const struct sighting *row)
{
	if (gathering->count == gathering->room) {
		size_t room = gathering->room ? gathering->room + gathering->room / 2 : 4096;
		struct sighting *grown =
			reallocarray(gathering->rows, room, sizeof(*gathering->rows));

		if (!grown)
			return -ENOMEM;
		gathering->rows = grown;
		gathering->room = room;
	}
	gathering->rows[gathering->count++] = *row;
	return 0;
}

/* The first slot whose middle is not before the time. */
static double middle_slot(double time, double slot)
{
	return fmax(0, ceil(time / slot - 0.5));
}

/* Gathers what a scan that began at slot `first` has found: sites come first, then stations. */
static int gather_windows(const struct sky *sky, const struct windows *windows, uint32_t first,
			  struct gathering *users, struct gathering *stations)
{
	const struct scenario *scenario = sky->scenario;

	for (size_t i = 0; i < windows->count; i++) {
		const struct window *window = &windows->rows[i];
		bool user = window->place < scenario->site_count;
		struct sighting row = {.satellite = window->satellite};
		double from, until;
		int err;

		if (user) {
			row.where = window->place;
			from = middle_slot(window->from, sky->slot);
			until = middle_slot(window->until, sky->slot);
		} else {
			row.where = window->place - (uint32_t)scenario->site_count;
			/* Rounding of times that fall on a decision must not cost a slot. */
			from = ceil(window->from / sky->slot - 1e-9);
			until = floor(window->until / sky->slot + 1e-9);
			if (!(scenario->satellites[row.satellite].cores >>
				      scenario->stations[row.where].sno &
			      1))
				continue;
		}
		if (until <= from)
			continue;
		row.from = first + (uint32_t)from;
		row.until = first + (uint32_t)until;
		err = gather(user ? users : stations, &row);
		if (err < 0)
			return err;
	}
	return 0;
}

static int by_where(const void *left, const void *right)
{
	const struct sighting *a = left, *b = right;

	if (a->where != b->where)
		return a->where < b->where ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

static int by_beginning(const void *left, const void *right)
{
	const struct sighting *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->where < b->where ? -1 : a->where > b->where;
}

/* Sightings that are put in order. */
struct ordering {
	struct sightings *sightings;
	uint32_t shortest; /* slots: what is shorter is left out */
};

/* Puts the rows of one satellite in order, and joins what the end of a scan has cut. Those that
 * are joined, or too short, stay behind with no slots left, at the end. */
static void order_satellite(void *arg, size_t part, unsigned int worker)
{
	const struct ordering *ordering = arg;
	struct sightings *sightings = ordering->sightings;
	struct sighting *rows = sightings->rows + sightings->of[part];
	size_t count = sightings->of[part + 1] - sightings->of[part], joined = 0, kept = 0;

	(void)worker;
	if (count == 0)
		return;
	qsort(rows, count, sizeof(*rows), by_where);
	for (size_t i = 1; i < count; i++)
		if (rows[i].where == rows[joined].where && rows[i].from == rows[joined].until)
			rows[joined].until = rows[i].until;
		else
			rows[++joined] = rows[i];
	for (size_t i = 0; i <= joined; i++)
		if (rows[i].until - rows[i].from >= ordering->shortest)
			rows[kept++] = rows[i];
	qsort(rows, kept, sizeof(*rows), by_beginning);
	for (size_t i = kept; i < count; i++)
		rows[i].from = rows[i].until = UINT32_MAX;
}

/* Takes the gathered rows over, by satellite and time; those of `shortest` slots at least. */
static int put_in_order(struct sightings *sightings, struct gathering *gathering, size_t satellites,
			uint32_t shortest, struct parallel *parallel)
{
	struct ordering ordering = {.sightings = sightings, .shortest = shortest};
	size_t *next = NULL, kept = 0;
	int err = -ENOMEM;

	sightings->of = calloc(satellites + 1, sizeof(*sightings->of));
	sightings->rows = calloc(gathering->count + 1, sizeof(*sightings->rows));
	next = calloc(satellites + 1, sizeof(*next));
	if (!sightings->of || !sightings->rows || !next)
		goto out;
	for (size_t i = 0; i < gathering->count; i++)
		sightings->of[gathering->rows[i].satellite + 1]++;
	for (size_t s = 0; s < satellites; s++)
		sightings->of[s + 1] += sightings->of[s];
	memcpy(next, sightings->of, (satellites + 1) * sizeof(*next));
	for (size_t i = 0; i < gathering->count; i++)
		sightings->rows[next[gathering->rows[i].satellite]++] = gathering->rows[i];
	sightings->count = gathering->count;
	parallel_run(parallel, satellites, order_satellite, &ordering);
	for (size_t s = 0; s < satellites; s++) {
		size_t from = sightings->of[s];

		sightings->of[s] = kept;
		for (size_t i = from; i < sightings->of[s + 1]; i++)
			if (sightings->rows[i].from != UINT32_MAX)
				sightings->rows[kept++] = sightings->rows[i];
	}
	sightings->of[satellites] = sightings->count = kept;
	err = 0;
out:
	free(next);
	free(gathering->rows);
	gathering->rows = NULL;
	return err;
}

static int scan(struct sky *sky, const struct sky_view *view, const struct site *sites,
		const double *elevations, struct gathering *users, struct gathering *stations)
{
	const struct scenario *scenario = sky->scenario;
	uint32_t step = (uint32_t)fmax(1, SCAN_HOURS * 3600 / view->slot);
	size_t scans = (view->slots + step - 1) / step;
	struct scan_progress progress = {.view = view, .all = scans * scenario->satellite_count};

	for (uint32_t first = 0; first < view->slots; first += step) {
		uint32_t count = view->slots - first < step ? view->slots - first : step;
		struct window_scan ask = {
			.orbits = sky->orbits,
			.orbit_count = scenario->satellite_count,
			.sites = sites,
			.min_elevation = elevations,
			.site_count = scenario->site_count + scenario->station_count,
			.start = view->start + clock_from_seconds(first * view->slot),
			.seconds = count * view->slot,
			.threads = parallel_workers(view->parallel),
			.progress = view->progress ? pass_on_progress : NULL,
			.arg = &progress};
		struct windows windows = {0};
		int err = window_scan(&ask, &windows);

		if (err < 0)
			return err;
		err = gather_windows(sky, &windows, first, users, stations);
		window_free(&windows);
		if (err < 0)
			return err;
		progress.before += scenario->satellite_count;
	}
	return 0;
}

int sky_open(struct sky *sky, const struct scenario *scenario, const struct sky_view *view)
{
	size_t sites = scenario->site_count, all = sites + scenario->station_count;
	struct gathering users = {0}, stations = {0};
	double *elevations = calloc(all, sizeof(*elevations));
	int err = -ENOMEM;

	*sky = (struct sky){.scenario = scenario,
			    .start = view->start,
			    .slot = view->slot,
			    .slots = view->slots};
	sky->orbits = calloc(scenario->satellite_count, sizeof(*sky->orbits));
	sky->sites = calloc(all, sizeof(*sky->sites));
	if (!elevations || !sky->orbits || !sky->sites)
		goto out;
	for (size_t i = 0; i < scenario->satellite_count; i++)
		if (sgp4_init(&sky->orbits[i], &scenario->constellation.sets[i]) != SGP4_GOOD) {
			err = -EINVAL;
			goto out;
		}
	for (size_t i = 0; i < all; i++) {
		geodesy_site(i < sites ? &scenario->sites[i] : &scenario->stations[i - sites].where,
			     &sky->sites[i]);
		elevations[i] = i < sites ? view->min_elevation : view->station_elevation;
	}
	err = scan(sky, view, sky->sites, elevations, &users, &stations);
	if (err == 0)
		err = put_in_order(&sky->users, &users, scenario->satellite_count, 0,
				   view->parallel);
	if (err == 0)
		err = put_in_order(&sky->stations, &stations, scenario->satellite_count,
				   view->shortest, view->parallel);
	if (err == 0 && view->isl_range > 0)
		err = relays_find(sky, view);
out:
	free(users.rows);
	free(stations.rows);
	free(elevations);
	if (err < 0)
		sky_close(sky);
	return err;
}

void sky_close(struct sky *sky)
{
	free(sky->orbits);
	free(sky->sites);
	free(sky->users.rows);
	free(sky->users.of);
	free(sky->stations.rows);
	free(sky->stations.of);
	free(sky->neighbours);
	*sky = (struct sky){0};
}
