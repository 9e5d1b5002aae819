/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shells, in them planes, in these the order of satellites; then the pairs between planes. */
#include "plan/neighbours.h"

#include <math.h>
#include <stdlib.h>

#define RADIUS 6378.135 /* km, WGS-72 */
#define FULL   (2 * M_PI)
#define DEGREE (M_PI / 180)
/* Gaps that tell shells and planes apart. */
#define INCLINATION_GAP (0.5 * DEGREE)
#define HEIGHT_GAP	20.0 /* km */
#define NODE_GAP	(0.5 * DEGREE)

/* Where a satellite is in its orbit. */
struct orbiter {
	uint32_t satellite;
	unsigned int owner;
	double height, inclination, node, latitude; /* km, radians; latitude: its argument */
};

/* A pair of satellites in neighbouring planes. */
struct pair {
	uint32_t west, east;
	double apart;
};

static double turned(double angle)
{
	angle = fmod(angle, FULL);
	return angle < 0 ? angle + FULL : angle;
}

/* ---- where they are -------------------------------------------------------------------------- */

/* False when the satellite has decayed. */
static bool locate(const struct sgp4 *orbit, usec_t instant, struct orbiter *o)
{
	double r[3], v[3], along, across;

	if (sgp4_at(orbit, instant, r, v) != SGP4_GOOD)
		return false;
	o->height = orbit->axis * RADIUS;
	o->inclination = orbit->inclination;
	/* The node is where the plane of r and v crosses the equator: z x h, h = r x v. */
	o->node = turned(atan2(r[1] * v[2] - r[2] * v[1], r[0] * v[2] - r[2] * v[0]));
	along = cos(o->node) * r[0] + sin(o->node) * r[1];
	across = cos(o->node) * r[1] - sin(o->node) * r[0];
	o->latitude =
		turned(atan2(across * cos(o->inclination) + r[2] * sin(o->inclination), along));
	return true;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int compare(double a, double b, uint32_t one, uint32_t other)
{
	if (a != b)
		return a < b ? -1 : 1;
	return one < other ? -1 : one > other;
}

static int by_inclination(const void *left, const void *right)
{
	const struct orbiter *a = left, *b = right;

	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	return compare(a->inclination, b->inclination, a->satellite, b->satellite);
}

static int by_height(const void *left, const void *right)
{
	const struct orbiter *a = left, *b = right;

	return compare(a->height, b->height, a->satellite, b->satellite);
}

static int by_node(const void *left, const void *right)
{
	const struct orbiter *a = left, *b = right;

	return compare(a->node, b->node, a->satellite, b->satellite);
}

static int by_latitude(const void *left, const void *right)
{
	const struct orbiter *a = left, *b = right;

	return compare(a->latitude, b->latitude, a->satellite, b->satellite);
}

static int by_distance(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->west != b->west)
		return compare(a->apart, b->apart, a->west, b->west);
	return compare(a->apart, b->apart, a->east, b->east);
}

/* ---- links ----------------------------------------------------------------------------------- */

/* The satellites of a plane, in their order. */
static void link_plane(neighbour_row *rows, const struct orbiter *plane, size_t count)
{
	for (size_t i = 0; count > 1 && i < count; i++) {
		uint32_t next = plane[(i + 1) % count].satellite;

		rows[plane[i].satellite][NEIGHBOUR_AHEAD] = next;
		/* Of two each has the other once. */
		if (count > 2)
			rows[next][NEIGHBOUR_BEHIND] = plane[i].satellite;
	}
}

/*
 * How far ahead in the plane to the east the point is that is nearest on average to one in the
 * plane to the west. For circular orbits the mean of the cosine between two satellites, whose nodes
 * are d and whose arguments of latitude are u apart, is
 *
 *	((1 + cos^2 i) cos u cos d - 2 cos i sin u sin d + sin^2 i cos u) / 2
 */
static double nearest_ahead(double inclination, double nodes)
{
	double c = cos(inclination), s = sin(inclination);

	return atan2(-2 * c * sin(nodes), (1 + c * c) * cos(nodes) + s * s);
}

/* How far each one of the plane to the east is ahead of that point of each one to the west. */
static void compare_planes(struct pair *pairs, const struct orbiter *west, size_t wests,
			   const struct orbiter *east, size_t easts)
{
	double ahead = nearest_ahead(west->inclination, turned(east->node - west->node));

	for (size_t i = 0; i < wests; i++)
		for (size_t j = 0; j < easts; j++)
			*pairs++ = (struct pair){
				.west = west[i].satellite,
				.east = east[j].satellite,
				.apart = remainder(east[j].latitude - west[i].latitude - ahead,
						   FULL)};
}

/*
 * Evenly spaced planes stand to each other as one pair does, up to whole spacings: how far that is,
 * by the mean over all pairs. Measured from there, each pair is close to 0 or a spacing away, so
 * that all satellites of a plane take the same side where two are nearly equally near.
 */
static double find_shift(const struct pair *pairs, size_t count, double spacing)
{
	double along = 0, across = 0;

	for (size_t i = 0; i < count; i++) {
		along += cos(pairs[i].apart * FULL / spacing);
		across += sin(pairs[i].apart * FULL / spacing);
	}
	return atan2(across, along) / FULL * spacing;
}

/* Pairs of two planes: the nearest first. -1: out of memory. */
static int link_planes(neighbour_row *rows, const struct orbiter *west, size_t wests,
		       const struct orbiter *east, size_t easts)
{
	size_t count = wests * easts;
	struct pair *pairs = calloc(count, sizeof(*pairs));
	double shift;

	if (!pairs)
		return -1;
	compare_planes(pairs, west, wests, east, easts);
	shift = find_shift(pairs, count, FULL / (double)(wests > easts ? wests : easts));
	for (size_t i = 0; i < count; i++)
		pairs[i].apart = fabs(pairs[i].apart - shift);
	qsort(pairs, count, sizeof(*pairs), by_distance);
	for (size_t i = 0; i < count; i++) {
		uint32_t *to_east = &rows[pairs[i].west][NEIGHBOUR_EAST];
		uint32_t *to_west = &rows[pairs[i].east][NEIGHBOUR_WEST];

		if (*to_east != NEIGHBOUR_NONE || *to_west != NEIGHBOUR_NONE)
			continue;
		*to_east = pairs[i].east;
		*to_west = pairs[i].west;
	}
	free(pairs);
	return 0;
}

/* Nodes are a circle, and a plane may lie on both sides of zero: its part at the end is turned to
 * the front of the shell, which is in the order of nodes and stays so. */
static void join_at_zero(struct orbiter *shell, size_t count)
{
	size_t first = count - 1;

	if (shell[0].node + FULL - shell[count - 1].node >= NODE_GAP)
		return;
	while (first > 0 && shell[first].node - shell[first - 1].node < NODE_GAP)
		first--;
	for (size_t i = first; first > 0 && i < count; i++)
		shell[i].node -= FULL;
	qsort(shell, count, sizeof(*shell), by_node);
}

/* One shell: what lies behind a gap between nodes is another plane. -1: out of memory. */
static int link_shell(neighbour_row *rows, struct orbiter *shell, size_t count)
{
	size_t *begins = calloc(count + 1, sizeof(*begins)), planes = 0;
	int err = 0;

	if (!begins)
		return -1;
	qsort(shell, count, sizeof(*shell), by_node);
	join_at_zero(shell, count);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || shell[i].node - shell[i - 1].node >= NODE_GAP)
			begins[planes++] = i;
	begins[planes] = count;
	for (size_t p = 0; p < planes; p++) {
		struct orbiter *plane = shell + begins[p];
		size_t size = begins[p + 1] - begins[p];

		qsort(plane, size, sizeof(*plane), by_latitude);
		link_plane(rows, plane, size);
	}
	for (size_t p = 0; !err && planes > 1 && p < planes; p++) {
		size_t q = (p + 1) % planes;
		const struct orbiter *west = shell + begins[p], *east = shell + begins[q];

		if (turned(east->node - west->node) < M_PI - NODE_GAP)
			err = link_planes(rows, west, begins[p + 1] - begins[p], east,
					  begins[q + 1] - begins[q]);
	}
	free(begins);
	return err;
}

/* All satellites, in the order of owners and inclinations. -1: out of memory. */
static int link_all(neighbour_row *rows, struct orbiter *all, size_t count)
{
	size_t until, next;

	for (size_t from = 0; from < count; from = until) {
		for (until = from + 1;
		     until < count && all[until].owner == all[from].owner &&
		     all[until].inclination - all[until - 1].inclination < INCLINATION_GAP;)
			until++;
		qsort(all + from, until - from, sizeof(*all), by_height);
		for (size_t i = from; i < until; i = next) {
			for (next = i + 1;
			     next < until && all[next].height - all[next - 1].height < HEIGHT_GAP;)
				next++;
			if (link_shell(rows, all + i, next - i) < 0)
				return -1;
		}
	}
	return 0;
}

neighbour_row *neighbours_find(const struct scenario *scenario, const struct sgp4 *orbits,
			       usec_t instant)
{
	size_t satellites = scenario->satellite_count, count = 0;
	neighbour_row *rows = calloc(satellites + 1, sizeof(*rows));
	struct orbiter *all = calloc(satellites + 1, sizeof(*all));
	int err = rows && all ? 0 : -1;

	for (size_t s = 0; !err && s < satellites; s++) {
		for (unsigned int n = 0; n < NEIGHBOURS; n++)
			rows[s][n] = NEIGHBOUR_NONE;
		all[count].satellite = (uint32_t)s;
		all[count].owner = scenario->satellites[s].owner;
		count += locate(&orbits[s], instant, &all[count]);
	}
	if (!err) {
		qsort(all, count, sizeof(*all), by_inclination);
		err = link_all(rows, all, count);
	}
	free(all);
	if (!err)
		return rows;
	free(rows);
	return NULL;
}
