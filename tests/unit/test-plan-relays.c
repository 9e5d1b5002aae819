/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links between satellites: the grid of neighbours is that of a Walker pattern, and stations are
 * reached over neighbours exactly where a look at every slot with SGP4 says so; and room at
 * stations is what counting all attachments leaves.
 */
#include "orbit/walker.h"
#include "plan/relays.h"
#include "plan/schedule.h"
#include "plan/verify.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START	 (INT64_C(1767225600) * USEC_PER_SEC)
#define PLANES	 4
#define IN_PLANE 10
#define ALL	 (PLANES * IN_PLANE)
#define SLOTS	 240
#define SLOT	 15.0
#define STATIONS 2
#define RANGE	 5000.0

static const struct walker shell = {.inclination = 53,
				    .altitude = 780,
				    .satellites = ALL,
				    .planes = PLANES,
				    .phasing = 1,
				    .first = 1,
				    .name = "S",
				    .epoch = START};

/* A shell, two stations of two cores, and a user. */
struct world {
	struct scenario scenario;
	struct sgp4 orbits[3 * ALL];
	struct sky sky;
	struct prices prices;
	struct past past;
	struct stretch stretch;
	struct parallel *parallel;
};

static void refuse(void *arg, const char *message)
{
	(void)arg;
	fail_msg("%s", message);
}

static void add_shell(struct world *w, const struct walker *walker, unsigned int owner)
{
	struct constellation *c = &w->scenario.constellation;
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(walker_print(out, walker), 0);
	fclose(out);
	assert_int_equal(tle_load_text(c, "shell", text, length, owner, refuse, NULL), 0);
	free(text);
}

static void close_scenario(struct world *w, unsigned int capacity)
{
	const struct place stations[STATIONS] = {{.lat = 48, .lon = 2}, {.lat = 35, .lon = 139}};
	static const char *const names[] = {"a.example", "b.example"};

	for (unsigned int i = 0; i < STATIONS; i++) {
		assert_int_equal(scenario_sno(&w->scenario, names[i]), (int)i);
		assert_int_equal(
			scenario_add_station(&w->scenario, i, names[i], &stations[i], capacity), 0);
	}
	assert_int_equal(scenario_add_users(&w->scenario, 0, &stations[0], 1), 0);
	assert_int_equal(scenario_close(&w->scenario), 0);
	for (size_t s = 0; s < w->scenario.satellite_count; s++)
		assert_int_equal(sgp4_init(&w->orbits[s], &w->scenario.constellation.sets[s]),
				 SGP4_GOOD);
}

static void open_sky(struct world *w, double range, unsigned int shortest)
{
	struct sky_view view = {.start = START,
				.slot = SLOT,
				.slots = SLOTS,
				.min_elevation = 25,
				.station_elevation = 10,
				.shortest = shortest,
				.isl_range = range,
				.grid = START};

	w->parallel = view.parallel = parallel_open(2);
	assert_non_null(w->parallel);
	assert_int_equal(sky_open(&w->sky, &w->scenario, &view), 0);
}

static void close_world(struct world *w)
{
	sky_close(&w->sky);
	parallel_close(w->parallel);
	scenario_free(&w->scenario);
}

/* ---- the grid -------------------------------------------------------------------------------- */

static void locate(const struct world *w, size_t satellite, double seconds, double r[3])
{
	double v[3];

	assert_int_equal(sgp4_at(&w->orbits[satellite], START + clock_from_seconds(seconds), r, v),
			 SGP4_GOOD);
}

static double distance(const struct world *w, size_t a, size_t b, double seconds)
{
	double r[3], q[3];

	locate(w, a, seconds, r);
	locate(w, b, seconds, q);
	return sqrt((r[0] - q[0]) * (r[0] - q[0]) + (r[1] - q[1]) * (r[1] - q[1]) +
		    (r[2] - q[2]) * (r[2] - q[2]));
}

/* The mean square over an orbit. */
static double apart(const struct world *w, size_t a, size_t b)
{
	double sum = 0, minutes = sgp4_period(&w->orbits[a]);

	for (unsigned int i = 0; i < 64; i++) {
		double d = distance(w, a, b, 60 * minutes * i / 64);

		sum += d * d / 64;
	}
	return sum;
}

/* A shell that begins at `first`: plane after plane. */
static void check_grid(const struct world *w, const neighbour_row *rows, size_t first, bool star)
{
	size_t last = 0, ahead;

	for (size_t s = 0; s < ALL; s++) {
		size_t plane = s / IN_PLANE, east = (plane + 1) % PLANES;
		const uint32_t *row = rows[first + s];
		double nearest = INFINITY;

		assert_int_equal(row[NEIGHBOUR_AHEAD],
				 first + plane * IN_PLANE + (s + 1) % IN_PLANE);
		assert_int_equal(rows[row[NEIGHBOUR_AHEAD]][NEIGHBOUR_BEHIND], first + s);
		if (star && east == 0) {
			assert_int_equal(row[NEIGHBOUR_EAST], NEIGHBOUR_NONE);
			continue;
		}
		assert_int_equal((row[NEIGHBOUR_EAST] - first) / IN_PLANE, east);
		assert_int_equal(rows[row[NEIGHBOUR_EAST]][NEIGHBOUR_WEST], first + s);
		for (size_t i = 0; i < IN_PLANE; i++)
			nearest = fmin(nearest, apart(w, first + s, first + east * IN_PLANE + i));
		/* Satellites before the first of a plane count on from its last. */
		assert_true(apart(w, first + s, row[NEIGHBOUR_EAST]) < nearest * 1.001);
		/* All of a plane look to the same side. */
		ahead = (row[NEIGHBOUR_EAST] + IN_PLANE - s) % IN_PLANE;
		assert_true(s % IN_PLANE == 0 || ahead == last);
		last = ahead;
	}
}

static void grids_are_those_of_walker(void **state)
{
	struct walker other = shell, even = shell;
	struct world w = {.prices = {0}};
	neighbour_row *rows;

	(void)state;
	other.pattern = WALKER_STAR;
	other.inclination = 90; /* then two of the next plane are equally near */
	other.first = 500;
	other.name = "T";
	other.node = 300; /* one of its planes lies on both sides of zero */
	other.phasing = PLANES / 2;
	/* The same, but for waves of the orbits. */
	even.altitude = 1100;
	even.inclination = 52.207;
	even.phasing = 3;
	even.first = 700;
	even.name = "U";
	/* One owner, so inclination and height are what tells the shells apart. */
	add_shell(&w, &shell, 0);
	add_shell(&w, &other, 0);
	add_shell(&w, &even, 0);
	close_scenario(&w, 0);
	rows = neighbours_find(&w.scenario, w.orbits, START);
	assert_non_null(rows);
	check_grid(&w, rows, 0, false);
	check_grid(&w, rows, ALL, true);
	check_grid(&w, rows, 2 * ALL, false);
	free(rows);
	scenario_free(&w.scenario);
}

static void owners_and_heights_have_no_links(void **state)
{
	struct walker other = shell;
	struct world w = {.prices = {0}};
	neighbour_row *rows;

	(void)state;
	other.name = "T";
	other.first = 500;
	other.planes = other.satellites = PLANES; /* one in each plane */
	other.phasing = 0;
	for (unsigned int i = 0; i < 2; i++) {
		other.altitude = i == 0 ? shell.altitude : shell.altitude + 50;
		assert_int_equal(scenario_sno(&w.scenario, "a.example"), 0);
		assert_int_equal(scenario_sno(&w.scenario, "b.example"), 1);
		add_shell(&w, &shell, 0);
		add_shell(&w, &other, i == 0);
		close_scenario(&w, 0);
		rows = neighbours_find(&w.scenario, w.orbits, START);
		assert_non_null(rows);
		for (size_t s = 0; s < ALL + PLANES; s++)
			for (unsigned int n = 0; n < NEIGHBOURS; n++)
				assert_true(rows[s][n] == NEIGHBOUR_NONE ||
					    (rows[s][n] < ALL) == (s < ALL));
		/* Alone in their planes: nobody ahead, one on either side. */
		assert_int_equal(rows[ALL][NEIGHBOUR_AHEAD], NEIGHBOUR_NONE);
		assert_int_equal(rows[ALL][NEIGHBOUR_EAST], ALL + 1);
		assert_int_equal(rows[ALL][NEIGHBOUR_WEST], ALL + PLANES - 1);
		free(rows);
		scenario_free(&w.scenario);
	}
}

/* ---- sightings over neighbours --------------------------------------------------------------- */

/* How far the way between two satellites stays from the Earth's centre, by trying. */
static double clearance(const double a[3], const double b[3])
{
	double least = INFINITY;

	for (unsigned int i = 0; i <= 200; i++) {
		double r[3], f = i / 200.0;

		for (int k = 0; k < 3; k++)
			r[k] = (1 - f) * a[k] + f * b[k];
		least = fmin(least, sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]));
	}
	return least;
}

/* True when a link holds at both ends of a slot, by so much to spare. */
static bool linked(const struct world *w, size_t a, size_t b, unsigned int slot, double range,
		   double spare)
{
	for (unsigned int i = 0; i < 2; i++) {
		double r[3], q[3], t = (slot + i) * SLOT;

		locate(w, a, t, r);
		locate(w, b, t, q);
		if (distance(w, a, b, t) > range - spare ||
		    clearance(r, q) < 6378.135 + VERIFY_CLEARANCE + spare)
			return false;
	}
	return true;
}

/* What a satellite sees in each slot, [satellite][station + stations x (1 + neighbour)]. */
typedef bool seen_table[ALL][STATIONS * (1 + NEIGHBOURS)][SLOTS];

static void fill(const struct sky *sky, seen_table seen)
{
	memset(seen, 0, sizeof(seen_table));
	for (size_t i = 0; i < sky->stations.count; i++) {
		const struct sighting *row = &sky->stations.rows[i];

		for (unsigned int t = row->from; t < row->until; t++)
			seen[row->satellite][row->where][t] = true;
	}
}

static void check_relays(double range)
{
	static seen_table seen;
	struct world w = {.prices = {0}};
	unsigned int relayed = 0, unlinked = 0;

	add_shell(&w, &shell, 0);
	close_scenario(&w, 0);
	open_sky(&w, range, 1);
	fill(&w.sky, seen);
	for (size_t s = 0; s < ALL; s++)
		for (unsigned int t = 0; t < SLOTS; t++)
			for (unsigned int k = 0; k < STATIONS * NEIGHBOURS; k++) {
				unsigned int n = k / STATIONS;
				uint32_t via = w.sky.neighbours[s][n];
				bool could = !seen[s][0][t] && !seen[s][1][t] &&
					     via != NEIGHBOUR_NONE && seen[via][k % STATIONS][t];

				if (seen[s][STATIONS + k][t]) {
					assert_true(could && linked(&w, s, via, t, range, 0));
					relayed++;
				} else if (could) {
					assert_false(linked(&w, s, via, t, range, 2));
					unlinked++;
				}
			}
	assert_true(relayed > 1000 && unlinked > 100);
	/* In the order of beginnings, as all who read it take it to be. */
	for (size_t i = 1; i < w.sky.stations.count; i++) {
		const struct sighting *row = &w.sky.stations.rows[i];

		assert_true(row->satellite > row[-1].satellite ||
			    (row->satellite == row[-1].satellite && row->from >= row[-1].from));
	}
	close_world(&w);
}

static void relays_are_where_they_can_be(void **state)
{
	(void)state;
	check_relays(RANGE);
	check_relays(2 * RANGE); /* it is the Earth that is in the way */
}

/* What is too short for an association is seen neither by the satellite nor for a neighbour. */
static void short_sightings_are_none(void **state)
{
	static seen_table seen;
	struct world w = {.prices = {0}};

	(void)state;
	add_shell(&w, &shell, 0);
	close_scenario(&w, 0);
	open_sky(&w, RANGE, 20);
	for (size_t i = 0; i < w.sky.stations.count; i++)
		assert_true(w.sky.stations.rows[i].until - w.sky.stations.rows[i].from >= 20);
	fill(&w.sky, seen);
	for (size_t s = 0; s < ALL; s++)
		for (unsigned int t = 0; t < SLOTS; t++)
			for (unsigned int k = 0; k < STATIONS * NEIGHBOURS; k++)
				if (seen[s][STATIONS + k][t]) {
					uint32_t via = w.sky.neighbours[s][k / STATIONS];

					assert_true(!seen[s][0][t] && !seen[s][1][t]);
					assert_true(seen[via][k % STATIONS][t]);
				}
	close_world(&w);
}

/* ---- room ------------------------------------------------------------------------------------ */

/* How many satellites a station has in a slot: each carrier once. */
static unsigned int count_carriers(const struct world *w, const struct schedule *schedule,
				   unsigned int station, unsigned int t)
{
	bool carries[ALL] = {false};
	unsigned int count = 0;

	for (size_t s = 0; s < ALL; s++) {
		attachment at = schedule->attachments[s * SLOTS + t];

		if (at && (at - 1u) % STATIONS == station)
			carries[at <= STATIONS ? s
					       : w->sky.neighbours[s][(at - 1u) / STATIONS - 1]] =
				true;
	}
	for (size_t s = 0; s < ALL; s++)
		count += carries[s];
	return count;
}

static void room_is_what_carriers_leave(void **state)
{
	struct world w = {.prices = {.slot = SLOT, .tau = 300, .outage = 10, .dwell = 1}};
	struct schedule schedule;
	attachment one;
	uint32_t random = 1;
	unsigned int taken = 0, refused = 0, shared = 0;

	(void)state;
	add_shell(&w, &shell, 0);
	close_scenario(&w, 2);
	open_sky(&w, RANGE, 1);
	assert_int_equal(past_open(&w.past, &w.scenario), 0);
	assert_int_equal(stretch_open(&w.stretch, &w.sky, &w.prices, &w.past, 0, SLOTS), 0);
	assert_int_equal(schedule_open(&schedule, &w.stretch), 0);
	for (unsigned int i = 0; i < 200000; i++) {
		const struct pass *pass;
		size_t s, first, count;
		unsigned int t, before;

		random = random * 1664525 + 1013904223;
		s = (random >> 8) % ALL;
		first = w.stretch.pass_of[s];
		count = w.stretch.pass_of[s + 1] - first;
		if (count == 0)
			continue;
		pass = &w.stretch.passes[first + (random >> 16) % count];
		t = pass->from + (random >> 4) % (pass->until - pass->from);
		one = random >> 30 ? pass->attached : 0;
		if (one && !schedule_takes(&schedule, s, one, t)) {
			refused++;
			continue;
		}
		before = schedule.room[attachment_station(&w.scenario, pass->attached) * SLOTS + t];
		shared += one && before == 0 && schedule.attachments[s * SLOTS + t] != one;
		schedule_set(&schedule, s, t, t + 1, &one, NULL);
		taken++;
		for (unsigned int k = 0; k < STATIONS; k++)
			assert_int_equal(schedule.room[k * SLOTS + t],
					 2 - count_carriers(&w, &schedule, k, t));
	}
	assert_true(taken > 1000 && refused > 100 && shared > 100);
	schedule_close(&schedule);
	stretch_close(&w.stretch);
	past_close(&w.past);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grids_are_those_of_walker),
		cmocka_unit_test(owners_and_heights_have_no_links),
		cmocka_unit_test(relays_are_where_they_can_be),
		cmocka_unit_test(short_sightings_are_none),
		cmocka_unit_test(room_is_what_carriers_leave),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("plan-relays", tests, NULL, NULL);
}
