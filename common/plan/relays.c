/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellite by satellite: where it sees no station, and which of its neighbours do, over a link. */
#include "plan/relays.h"

#include "orbit/track.h"
#include "plan/verify.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EQUATOR 6378.135 /* km, WGS-72 */
/* Links are looked at so often, seconds; and have this much to spare, km: more than what two
 * satellites can do in between, and tracks are wrong by. */
#define LOOKS 15.0
#define SPARE 1.0

/* What is known of a link in a slot. */
enum link { UNKNOWN, HOLDS, BROKEN };

/* Sightings over neighbours of one satellite. */
struct found {
	struct sighting *rows;
	size_t count, room;
};

struct finding {
	const struct sky *sky;
	const struct sky_view *view;
	struct found *found; /* per satellite */
	int err;
};

/* One satellite and one neighbour. */
struct side {
	const struct finding *finding;
	struct track own, other;
	const bool *alone; /* per slot: it sees no station itself */
	uint8_t *links;	   /* per slot: enum link */
};

/* ---- links ----------------------------------------------------------------------------------- */

static bool clear(const double a[3], const double b[3], double range)
{
	double along = 0, length = 0, square = 0, t;

	for (int i = 0; i < 3; i++) {
		along -= a[i] * (b[i] - a[i]);
		length += (b[i] - a[i]) * (b[i] - a[i]);
	}
	/* The point of the way that is nearest to the Earth's centre. */
	t = length > 0 ? fmin(fmax(along / length, 0), 1) : 0;
	for (int i = 0; i < 3; i++)
		square += (a[i] + t * (b[i] - a[i])) * (a[i] + t * (b[i] - a[i]));
	return sqrt(length) <= range - SPARE && sqrt(square) >= EQUATOR + VERIFY_CLEARANCE + SPARE;
}

/* True when the link holds for all of a slot. */
static bool link_holds(struct side *side, uint32_t slot)
{
	const struct sky_view *view = side->finding->view;
	unsigned int looks = (unsigned int)ceil(view->slot / LOOKS);
	double own[3], other[3];

	if (side->links[slot] != UNKNOWN)
		return side->links[slot] == HOLDS;
	side->links[slot] = HOLDS;
	for (unsigned int i = 0; i <= looks && side->links[slot] == HOLDS; i++) {
		double t = (slot + (double)i / looks) * view->slot;

		if (!track_position(&side->own, t, own) ||
		    !track_position(&side->other, t, other) || !clear(own, other, view->isl_range))
			side->links[slot] = BROKEN;
	}
	return side->links[slot] == HOLDS;
}

/* ---- sightings ------------------------------------------------------------------------------- */

static int keep(struct found *found, const struct sighting *row)
{
	if (found->count == found->room) {
		size_t room = found->room ? 2 * found->room : 16;
		struct sighting *grown = reallocarray(found->rows, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		found->rows = grown;
		found->room = room;
	}
	found->rows[found->count++] = *row;
	return 0;
}

/* What a neighbour sees, where the satellite is alone and the link holds. */
static int relay(struct side *side, const struct sighting *seen, uint32_t satellite, unsigned int n,
		 struct found *found)
{
	const struct finding *finding = side->finding;
	size_t stations = finding->sky->scenario->station_count;
	uint32_t end;
	int err = 0;

	for (uint32_t t = seen->from; !err && t < seen->until; t = end + 1) {
		for (end = t; end < seen->until && side->alone[end] && link_holds(side, end);)
			end++;
		if (end > t && end - t >= finding->view->shortest)
			err = keep(found,
				   &(struct sighting){
					   .satellite = satellite,
					   .where = (uint32_t)((1 + n) * stations + seen->where),
					   .from = t,
					   .until = end});
	}
	return err;
}

/* All over one neighbour. */
static int look_over(struct side *side, uint32_t satellite, unsigned int n, struct found *found)
{
	const struct sky *sky = side->finding->sky;
	const struct scenario *scenario = sky->scenario;
	uint32_t via = sky->neighbours[satellite][n];
	sno_set cores = scenario->satellites[satellite].cores;
	int err = 0;

	if (via == NEIGHBOUR_NONE)
		return 0;
	memset(side->links, UNKNOWN, sky->slots);
	track_reuse(&side->other, &sky->orbits[via]);
	for (size_t i = sky->stations.of[via]; !err && i < sky->stations.of[via + 1]; i++) {
		const struct sighting *seen = &sky->stations.rows[i];

		if (cores >> scenario->stations[seen->where].sno & 1)
			err = relay(side, seen, satellite, n, found);
	}
	return err;
}

/* Notes the slots in which the satellite sees no station; false when there are none. */
static bool find_alone(const struct sky *sky, size_t satellite, bool *alone)
{
	for (uint32_t t = 0; t < sky->slots; t++)
		alone[t] = true;
	for (size_t i = sky->stations.of[satellite]; i < sky->stations.of[satellite + 1]; i++)
		memset(alone + sky->stations.rows[i].from, false,
		       sky->stations.rows[i].until - sky->stations.rows[i].from);
	return memchr(alone, 1, sky->slots) != NULL;
}

static int look_around(const struct finding *finding, uint32_t satellite, struct found *found)
{
	const struct sky *sky = finding->sky;
	double seconds = sky->slots * sky->slot;
	bool *alone = malloc(sky->slots);
	struct side side = {.finding = finding, .alone = alone, .links = malloc(sky->slots)};
	int err = alone && side.links ? 0 : -ENOMEM;

	if (!err && find_alone(sky, satellite, alone)) {
		err = track_open(&side.own, &sky->orbits[satellite], sky->start, seconds);
		if (!err)
			err = track_open(&side.other, NULL, sky->start, seconds);
		for (unsigned int n = 0; !err && n < NEIGHBOURS; n++)
			err = look_over(&side, satellite, n, found);
		track_close(&side.own);
		track_close(&side.other);
	}
	free(alone);
	free(side.links);
	return err;
}

static void look_from(void *arg, size_t part, unsigned int worker)
{
	struct finding *finding = arg;

	(void)worker;
	if (look_around(finding, (uint32_t)part, &finding->found[part]) < 0)
		__atomic_store_n(&finding->err, -ENOMEM, __ATOMIC_RELAXED);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int by_beginning(const void *left, const void *right)
{
	const struct sighting *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->where < b->where ? -1 : a->where > b->where;
}

/* Puts what was found behind what each satellite sees itself. */
static int join(struct sightings *stations, const struct found *found, size_t satellites)
{
	struct sighting *rows;
	size_t count = stations->count, to = 0, from = 0;

	for (size_t s = 0; s < satellites; s++)
		count += found[s].count;
	rows = calloc(count + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t s = 0; s < satellites; s++) {
		size_t own = stations->of[s + 1] - from, first = to;

		if (own)
			memcpy(rows + to, stations->rows + from, own * sizeof(*rows));
		if (found[s].count)
			memcpy(rows + to + own, found[s].rows, found[s].count * sizeof(*rows));
		to += own + found[s].count;
		from = stations->of[s + 1];
		stations->of[s + 1] = to;
		qsort(rows + first, to - first, sizeof(*rows), by_beginning);
	}
	free(stations->rows);
	stations->rows = rows;
	stations->count = to;
	return 0;
}

int relays_find(struct sky *sky, const struct sky_view *view)
{
	size_t satellites = sky->scenario->satellite_count;
	struct finding finding = {
		.sky = sky, .view = view, .found = calloc(satellites + 1, sizeof(*finding.found))};

	if (!finding.found)
		return -ENOMEM;
	sky->neighbours = neighbours_find(sky->scenario, sky->orbits, view->grid);
	if (sky->neighbours)
		parallel_run(view->parallel, satellites, look_from, &finding);
	else
		finding.err = -ENOMEM;
	if (finding.err == 0)
		finding.err = join(&sky->stations, finding.found, satellites);
	for (size_t s = 0; s < satellites; s++)
		free(finding.found[s].rows);
	free(finding.found);
	return finding.err;
}
