/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The measures of a plan (measures.h), computed from its rows without anything of the planner's.
 *
 * Time is gone through twice, a block of slots at a time: satellites are propagated to the middle
 * of each slot, then every place looks at all that are associated. The first time, the places
 * note which cores can be had; from that follow the groups' cores. The second time, satellites
 * are counted: a group stays on those that have served it ever since its last change, and changes
 * when none of them is left, which is the least number of changes there can be.
 *
 * In a block a place looks only at satellites that could come up in it: those that are not too far
 * away in the block's middle, at the greatest angular speed of their orbits.
 */
#include "plan/verify.h"

#include "orbit/sgp4.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16 /* slots */
/* The nearest that any place is to the Earth's centre, km; and room for the ellipsoid, radians. */
#define NEAREST 6356.0
#define ROOM	0.01
#define NO_CORE 0xff

/* A group's satellites: those it may have been on since its last change. */
struct group {
	uint8_t *path; /* the core per slot, or NO_CORE */
	uint32_t *candidates;
	size_t candidate_count;
	bool served;					   /* ever, so far */
	uint8_t last;					   /* core */
	double inter_sno, handovers, home, away, unserved; /* changes, and slots */
};

struct measuring {
	const struct verify *verify;
	const struct verify_users *users;
	const struct scenario *scenario;
	const struct associations *plan;
	size_t slots, satellites;
	struct sgp4 *orbits;
	struct site *sites;
	const struct association **rows; /* per satellite; NULL: it has none */
	size_t *row_counts;
	double (*positions)[3]; /* of the block: [slot x satellites + satellite] */
	uint8_t *cores;		/* likewise: NO_CORE when it is with none for all of the slot */
	size_t first, block;	/* slots of the block */
	double (*middles)[3];	/* per satellite: its direction in the block's middle */
	double *cosines;	/* ... and of how far from there it may be seen in the block */
	size_t *near;		/* per worker: satellites that may be seen from its place */
	size_t *near_count;
	sno_set *available; /* [place x slots + slot] */
	struct group *groups;
	bool counting; /* the second time */
};

/* ---- a block of slots ------------------------------------------------------------------------ */

static usec_t slot_begin(const struct measuring *m, size_t slot)
{
	return m->verify->start + clock_from_seconds((double)slot * m->users->slot);
}

/* The core with which a satellite is from one instant to another, or NO_CORE. */
static uint8_t core_during(const struct measuring *m, size_t satellite, usec_t from, usec_t until)
{
	const struct association *row = m->rows[satellite], *end;
	const struct association *first;

	if (!row)
		return NO_CORE;
	end = row + m->row_counts[satellite];
	first = row = association_at(row, m->row_counts[satellite], from);
	while (row && row->until < until) {
		if (row + 1 == end || row[1].from != row->until ||
		    strcmp(row[1].core, first->core) != 0)
			return NO_CORE;
		row++;
	}
	return row ? (uint8_t)scenario_find_sno(m->scenario, first->core) : NO_CORE;
}

/* From how far away a satellite may be seen in the block, and where it is in the middle of it. */
static void bound(struct measuring *m, size_t satellite)
{
	usec_t from = slot_begin(m, m->first), until = slot_begin(m, m->first + m->block);
	usec_t middle = from + (until - from) / 2;
	double least = m->users->min_elevation * M_PI / 180, r[3], v[3], length, reach;
	double half = (double)(until - from) / USEC_PER_SEC / 2;
	struct sgp4_bounds bounds;

	m->cosines[satellite] = -1;
	if (sgp4_at(&m->orbits[satellite], middle, r, v) != SGP4_GOOD)
		return;
	geodesy_earth_fixed(middle, r, NULL);
	sgp4_bound(&m->orbits[satellite], from, until, &bounds);
	length = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
	for (int k = 0; k < 3; k++)
		m->middles[satellite][k] = r[k] / length;
	reach = acos(fmin(1, NEAREST / bounds.farthest * cos(least))) - least +
		bounds.speed * half + ROOM;
	m->cosines[satellite] = reach < M_PI ? cos(reach) : -1;
}

static void propagate(void *arg, size_t satellite, unsigned int worker)
{
	struct measuring *m = arg;
	double v[3];

	(void)worker;
	bound(m, satellite);
	for (size_t i = 0; i < m->block; i++) {
		usec_t from = slot_begin(m, m->first + i), until = slot_begin(m, m->first + i + 1);
		usec_t middle = from + (until - from) / 2;
		size_t at = i * m->satellites + satellite;

		m->cores[at] = core_during(m, satellite, from, usec_min(until, m->verify->until));
		if (m->cores[at] == NO_CORE)
			continue;
		if (sgp4_at(&m->orbits[satellite], middle, m->positions[at], v) == SGP4_GOOD)
			geodesy_earth_fixed(middle, m->positions[at], NULL);
		else
			m->cores[at] = NO_CORE;
	}
}

/* Notes the satellites that this worker's place may see in the block. Returns the list. */
static const size_t *find_near(struct measuring *m, const struct site *site, unsigned int worker)
{
	size_t *near = &m->near[worker * m->satellites], count = 0;
	const double *p = site->position;
	double length = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]), cosine;

	for (size_t s = 0; s < m->satellites; s++) {
		cosine = (p[0] * m->middles[s][0] + p[1] * m->middles[s][1] +
			  p[2] * m->middles[s][2]) /
			 length;
		if (cosine >= m->cosines[s] || m->cosines[s] == -1)
			near[count++] = s;
	}
	m->near_count[worker] = count;
	return near;
}

/* True when a place sees a satellite that its users may use, and that serves, in slot first + i. */
static bool sees(const struct measuring *m, const struct scenario_place *place, size_t i,
		 size_t satellite)
{
	const struct site *site = &m->sites[place->site];
	size_t at = i * m->satellites + satellite;
	const double *r = m->positions[at];
	double above = 0;

	if (m->cores[at] == NO_CORE || !scenario_admits(place, &m->scenario->satellites[satellite]))
		return false;
	for (int k = 0; k < 3; k++)
		above += (r[k] - site->position[k]) * site->up[k];
	return above >= 0 && geodesy_elevation(site, r) >= m->users->min_elevation;
}

/* ---- cores ----------------------------------------------------------------------------------- */

static void note_available(struct measuring *m, size_t place, const size_t *near, size_t count)
{
	const struct scenario_place *p = &m->scenario->places[place];
	sno_set *available = &m->available[place * m->slots + m->first];

	for (size_t i = 0; i < m->block; i++)
		for (size_t n = 0; n < count; n++)
			if (sees(m, p, i, near[n]))
				available[i] |=
					(sno_set)(1u << m->cores[i * m->satellites + near[n]]);
}

/* The sequence of cores that costs a group least. -ENOMEM */
static int find_path(const struct measuring *m, size_t group)
{
	const struct scenario_group *g = &m->scenario->groups[group];
	const sno_set *available = &m->available[g->place * m->slots];
	unsigned int cores = m->scenario->sno_count, best;
	double costs[SCENARIO_SNOS_MAX] = {0}, away = m->users->slot / m->users->tau, change;
	uint8_t *path = m->groups[group].path, *before = malloc(m->slots * cores + 1);

	if (!before)
		return -ENOMEM;
	for (size_t t = 0; t < m->slots; t++) {
		sno_set had = available[t] & g->cores;

		best = 0;
		for (unsigned int k = 1; k < cores; k++)
			best = costs[k] < costs[best] ? k : best;
		change = costs[best] + 1;
		for (unsigned int k = 0; k < cores; k++) {
			bool stays = !had || costs[k] <= change;

			before[t * cores + k] = (uint8_t)(stays ? k : best);
			if (!stays)
				costs[k] = change;
			if (had)
				costs[k] += had >> k & 1 ? (k == g->home ? 0 : away) : INFINITY;
		}
	}
	best = 0;
	for (unsigned int k = 1; k < cores; k++)
		best = costs[k] < costs[best] ? k : best;
	for (size_t t = m->slots; t-- > 0;) {
		path[t] = available[t] & g->cores ? (uint8_t)best : NO_CORE;
		best = before[t * cores + best];
	}
	free(before);
	return 0;
}

/* ---- satellites ------------------------------------------------------------------------------ */

/* One slot of a group: keeps the candidates that serve it still; when none does, changes. */
static void count_slot(struct measuring *m, size_t index, size_t i, const size_t *near,
		       size_t count)
{
	const struct scenario_group *g = &m->scenario->groups[index];
	const struct scenario_place *place = &m->scenario->places[g->place];
	struct group *group = &m->groups[index];
	uint8_t core = group->path[m->first + i], *cores = &m->cores[i * m->satellites];
	bool first = !group->served, changes = first || core != group->last;
	size_t kept = 0;

	if (core == NO_CORE) {
		group->unserved++;
		return;
	}
	for (size_t n = 0; n < group->candidate_count && !changes; n++) {
		uint32_t s = group->candidates[n];

		if (cores[s] == core && sees(m, place, i, s))
			group->candidates[kept++] = s;
	}
	group->inter_sno += !first && core != group->last;
	group->handovers += !first && !kept;
	if (!kept)
		for (size_t n = 0; n < count; n++)
			if (cores[near[n]] == core && sees(m, place, i, near[n]))
				group->candidates[kept++] = (uint32_t)near[n];
	group->candidate_count = kept;
	group->home += core == g->home;
	group->away += core != g->home;
	group->served = true;
	group->last = core;
}

static void look_from_place(void *arg, size_t place, unsigned int worker)
{
	struct measuring *m = arg;
	const struct scenario_place *p = &m->scenario->places[place];
	const size_t *near = find_near(m, &m->sites[p->site], worker);
	size_t count = m->near_count[worker];

	if (!m->counting) {
		note_available(m, place, near, count);
		return;
	}
	for (size_t g = p->first_group; g < p->first_group + p->group_count; g++)
		for (size_t i = 0; i < m->block; i++)
			count_slot(m, g, i, near, count);
}

static void go_through(struct measuring *m)
{
	const struct verify *verify = m->verify;

	if (verify->progress)
		progress_begin(verify->progress, m->counting ? "satellites" : "cores", m->slots);
	for (m->first = 0; m->first < m->slots; m->first += m->block) {
		m->block = m->slots - m->first < BLOCK ? m->slots - m->first : BLOCK;
		parallel_run(verify->parallel, m->satellites, propagate, m);
		parallel_run(verify->parallel, m->scenario->place_count, look_from_place, m);
		if (verify->progress)
			progress_add(verify->progress, m->block);
	}
	if (verify->progress)
		progress_end(verify->progress);
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* Beginnings of an association that its satellite did not have just before. */
static size_t count_changes(const struct measuring *m)
{
	const struct association *rows = m->plan->rows;
	size_t changes = 0;

	for (size_t i = 0; i < m->plan->count; i++)
		changes += rows[i].from > m->verify->start &&
			   !(i > 0 && strcmp(rows[i - 1].satellite, rows[i].satellite) == 0 &&
			     rows[i - 1].until == rows[i].from &&
			     association_same(&rows[i - 1], &rows[i]));
	return changes;
}

static void sum_up(const struct measuring *m, struct measures *measures)
{
	const struct verify_users *users = m->users;
	double hours = (double)m->slots * users->slot / 3600, weight = m->scenario->weight;
	double changes = (double)count_changes(m);

	*measures = (struct measures){.objective = users->gamma * changes};
	for (size_t i = 0; i < m->scenario->group_count; i++) {
		const struct group *g = &m->groups[i];
		double w = m->scenario->groups[i].weight;

		measures->inter_sno_per_user_hour += w * g->inter_sno / (weight * hours);
		measures->handovers_per_user_hour += w * g->handovers / (weight * hours);
		measures->home_share += w * g->home / (weight * (double)m->slots);
		measures->served_share += w * (g->home + g->away) / (weight * (double)m->slots);
		measures->objective += w * (g->inter_sno + g->away * users->slot / users->tau +
					    g->unserved * users->slot / users->outage);
	}
	measures->association_changes_per_satellite_hour =
		changes / ((double)m->satellites * hours);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int prepare(struct measuring *m)
{
	const struct scenario *scenario = m->scenario;
	size_t groups = scenario->group_count, found = 0;

	m->orbits = calloc(m->satellites, sizeof(*m->orbits));
	m->sites = calloc(scenario->site_count, sizeof(*m->sites));
	m->rows = calloc(m->satellites, sizeof(const struct association *));
	m->row_counts = calloc(m->satellites, sizeof(*m->row_counts));
	m->positions = calloc(BLOCK * m->satellites, sizeof(*m->positions));
	m->cores = calloc(BLOCK, m->satellites);
	m->middles = calloc(m->satellites, sizeof(*m->middles));
	m->cosines = calloc(m->satellites, sizeof(*m->cosines));
	m->near = calloc(parallel_workers(m->verify->parallel) * m->satellites, sizeof(*m->near));
	m->near_count = calloc(parallel_workers(m->verify->parallel), sizeof(*m->near_count));
	m->available = calloc(scenario->place_count, m->slots);
	m->groups = calloc(groups, sizeof(*m->groups));
	if (!m->orbits || !m->sites || !m->rows || !m->row_counts || !m->positions || !m->cores ||
	    !m->available || !m->groups || !m->middles || !m->cosines || !m->near || !m->near_count)
		return -ENOMEM;
	for (size_t i = 0; i < groups; i++) {
		m->groups[i].path = malloc(m->slots);
		m->groups[i].candidates = calloc(m->satellites, sizeof(uint32_t));
		if (!m->groups[i].path || !m->groups[i].candidates)
			return -ENOMEM;
	}
	for (size_t i = 0; i < scenario->site_count; i++)
		geodesy_site(&scenario->sites[i], &m->sites[i]);
	for (size_t i = 0; i < m->satellites; i++) {
		const struct element_set *set = &scenario->constellation.sets[i];

		if (sgp4_init(&m->orbits[i], set) != SGP4_GOOD)
			return -EINVAL;
		m->rows[i] = association_of(m->plan, set->name, &m->row_counts[i]);
		found += m->row_counts[i];
	}
	for (size_t i = 0; i < m->plan->count; i++)
		if (scenario_find_sno(scenario, m->plan->rows[i].core) < 0)
			return -EINVAL;
	return found == m->plan->count ? 0 : -EINVAL;
}

static void clear(struct measuring *m)
{
	for (size_t i = 0; m->groups && i < m->scenario->group_count; i++) {
		free(m->groups[i].path);
		free(m->groups[i].candidates);
	}
	free(m->orbits);
	free(m->sites);
	free(m->rows);
	free(m->row_counts);
	free(m->positions);
	free(m->cores);
	free(m->middles);
	free(m->cosines);
	free(m->near);
	free(m->near_count);
	free(m->available);
	free(m->groups);
}

int verify_measures(const struct verify *verify, const struct associations *plan,
		    const struct verify_users *users, struct measures *measures)
{
	struct measuring m = {.verify = verify,
			      .users = users,
			      .scenario = verify->scenario,
			      .plan = plan,
			      .satellites = verify->scenario->satellite_count};
	int err;

	m.slots = (size_t)ceil(
		(double)(verify->until - verify->start) / USEC_PER_SEC / users->slot - 1e-6);
	err = m.slots ? prepare(&m) : -EINVAL;
	if (!err)
		go_through(&m);
	for (size_t i = 0; !err && i < m.scenario->group_count; i++)
		err = find_path(&m, i);
	if (!err) {
		m.counting = true;
		go_through(&m);
		sum_up(&m, measures);
	}
	clear(&m);
	return err;
}
