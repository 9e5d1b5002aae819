/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sky.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SETTLED_US  100		       /* a delay that is as exact as this stays as it is */
#define ASIDE_US    2000	       /* for the agent to do what it does when it sees a carrier */
#define PATIENCE_US 200000	       /* for the carrier to be seen */
#define AHEAD_US    (2 * USEC_PER_SEC) /* a feeder is made ready so long before it is used */

static void complain(const struct end *end, const char *what, int error)
{
	warnx("%s: %s: %s", end->name, what, strerror(-error));
}

/* Monotonic, as every record of the lab. */
static void record(const struct sky *sky, const struct antenna *a, const char *what, usec_t late)
{
	if (sky->record)
		fprintf(sky->record, "%lld\t%s\t%s\t%s\t%s\t%lld\n", (long long)clock_now(), what,
			a->ground->name, a->name, a->on ? a->on->name : "-", (long long)late);
}

/* Sets both ends of a line, if it is worth it. `sudden`: what was there before says nothing. */
static void set_line(struct sky *sky, struct end *port, struct end *end, usec_t delay, bool silent,
		     bool sudden)
{
	struct end *both[] = {port, end};

	if (!sky->netem)
		return;
	delay = delay > sky->late ? delay - sky->late : 0;
	for (size_t i = 0; i < 2; i++) {
		usec_t off = llabs(both[i]->delay - delay);
		int error;

		if (both[i]->delay >= 0 && both[i]->silent == silent && off < SETTLED_US)
			continue;
		if (both[i]->delay >= 0 && !silent && !both[i]->silent && !sudden &&
		    off > sky->figures.delay_error_most)
			sky->figures.delay_error_most = off;
		error = end_delay(both[i], delay, silent);
		if (error < 0)
			complain(both[i], "delay", error);
		sky->figures.settings++;
	}
}

static void set_antenna(struct sky *sky, struct antenna *a, bool up, usec_t late)
{
	int error = end_carrier(&a->port, up);

	if (error < 0)
		complain(&a->port, up ? "up" : "down", error);
	a->up = up;
	record(sky, a, up ? "up" : "down", late);
}

/* The association that the feeder serves now, or else will soon; NULL: none. */
static const struct association *in_use(const struct feeder *feeder, usec_t now)
{
	const struct satellite *satellite = feeder->satellite;

	for (size_t i = 0; i < satellite->count; i++) {
		const struct association *row = &satellite->rows[i];

		if (row->from > now + AHEAD_US)
			break;
		if (row->until > now && strcmp(row->core, feeder->core) == 0)
			return row;
	}
	return NULL;
}

static const struct ground *station_of(const struct sky *sky, const struct association *row)
{
	for (size_t i = 0; i < sky->ground_count; i++)
		if (strcmp(sky->grounds[i].name, row->station) == 0)
			return &sky->grounds[i];
	return NULL;
}

static void look_feeder(struct sky *sky, struct feeder *feeder, usec_t now)
{
	const struct association *row = in_use(feeder, now);
	const struct ground *station = row ? station_of(sky, row) : NULL;
	struct sight sight;
	bool blind;

	if (!station)
		return;
	sight = air_sight(&sky->time, feeder->satellite, station, now);
	blind = sight.elevation < station->mask && row->from <= now;
	if (blind && !feeder->port.silent) {
		sky->figures.blind++;
		warnx("%s is associated with %s over %s, which sees it at %.1f degrees",
		      feeder->satellite->name, row->core, station->name, sight.elevation);
	}
	set_line(sky, &feeder->port, &feeder->end, sight.delay, blind, feeder->station != station);
	feeder->port.silent = blind;
	feeder->station = station;
}

static void note_edge(struct figures *f, usec_t late)
{
	f->edges++;
	f->edge_late += late;
	if (late > f->edge_late_most)
		f->edge_late_most = late;
}

/* The satellite has risen or set, at `edge`. */
static void cross(struct sky *sky, struct antenna *a, usec_t edge, usec_t now)
{
	note_edge(&sky->figures, now - edge);
	set_antenna(sky, a, !a->up, now - edge);
}

static void look_antenna(struct sky *sky, struct antenna *a, usec_t now)
{
	const usec_t next = now + sky->period;
	struct sight sight;
	bool up, later;

	if (!a->on || a->turning)
		return;
	sight = air_sight(&sky->time, a->on, a->ground, now);
	up = sight.elevation >= a->ground->mask;
	if (up != a->up) /* it came between two looks */
		cross(sky, a, air_edge(&sky->time, a->on, a->ground, a->looked, now), now);
	later = air_sight(&sky->time, a->on, a->ground, next).elevation >= a->ground->mask;
	a->edge = later == up ? USEC_NEVER : air_edge(&sky->time, a->on, a->ground, now, next);
	a->looked = now;
	set_line(sky, &a->port, &a->end, sight.delay, false, false);
}

void sky_look(struct sky *sky, usec_t now)
{
	for (size_t i = 0; i < sky->antenna_count; i++)
		look_antenna(sky, &sky->antennas[i], now);
	for (size_t i = 0; i < sky->feeder_count; i++)
		look_feeder(sky, &sky->feeders[i], now);
	sky->figures.looks++;
}

static void answer(struct sky *sky, int orders, struct antenna *a, const char *text)
{
	if (a->asker.sun_family && sendto(orders, text, strlen(text), 0,
					  (struct sockaddr *)&a->asker, a->asker_length) < 0)
		warn("%s of %s: answer", a->name, a->ground->name);
	a->asker.sun_family = 0;
	if (strcmp(text, "ok") != 0)
		sky->figures.refused++;
}

/* The antenna has turned to its satellite and locks on to it, if it is there. */
static void lock(struct sky *sky, int orders, struct antenna *a, usec_t now)
{
	struct sight sight = air_sight(&sky->time, a->on, a->ground, now);
	int error = end_master(&a->port, a->on->bridge);

	if (error < 0)
		complain(&a->port, a->on->name, error);
	a->turning = false;
	a->looked = now;
	set_line(sky, &a->port, &a->end, sight.delay, false, true);
	if (sight.elevation >= a->ground->mask) {
		set_antenna(sky, a, true, now - a->locked);
	} else {
		answer(sky, orders, a, "the satellite is below the horizon");
	}
	a->answered = now + ASIDE_US;
	look_antenna(sky, a, now);
	sky->figures.turns++;
}

/*
 * An antenna that has locked on: the bridge is a port richer as soon as the kernel gets round to
 * it, and the terminal's interface operational after that. Who heard that it is done before that
 * would send into nowhere.
 */
static void confirm(struct sky *sky, int orders, struct antenna *a, usec_t now)
{
	if (a->turning || a->answered > now)
		return;
	if (!a->asker.sun_family) {
		a->answered = USEC_NEVER;
	} else if (now < a->locked + PATIENCE_US && a->up &&
		   !(end_running(&a->port) && end_running(&a->end))) {
		a->answered = now + ASIDE_US;
	} else {
		answer(sky, orders, a, "ok");
		a->answered = USEC_NEVER;
	}
}

usec_t sky_turn(struct sky *sky, int orders, usec_t now)
{
	usec_t next = USEC_NEVER;

	for (size_t i = 0; i < sky->antenna_count; i++) {
		struct antenna *a = &sky->antennas[i];

		if (a->turning && a->locked <= now) {
			lock(sky, orders, a, now);
		} else if (!a->turning && a->edge <= now) {
			cross(sky, a, a->edge, now);
			a->edge = USEC_NEVER;
			a->looked = now;
		}
		confirm(sky, orders, a, now);
		next = usec_min(next, a->turning ? a->locked : usec_min(a->edge, a->answered));
	}
	return next;
}

static struct antenna *find_antenna(struct sky *sky, const char *ground, const char *name)
{
	for (size_t i = 0; i < sky->antenna_count; i++)
		if (strcmp(sky->antennas[i].ground->name, ground) == 0 &&
		    strcmp(sky->antennas[i].name, name) == 0)
			return &sky->antennas[i];
	return NULL;
}

static const struct satellite *find_satellite(const struct sky *sky, const char *name)
{
	for (size_t i = 0; i < sky->satellite_count; i++)
		if (strcmp(sky->satellites[i].name, name) == 0)
			return &sky->satellites[i];
	return NULL;
}

static void reply(int orders, const struct sockaddr_un *asker, socklen_t length, const char *text)
{
	if (sendto(orders, text, strlen(text), 0, (const struct sockaddr *)asker, length) < 0)
		warn("answer");
}

void sky_order(struct sky *sky, int orders, char *order, const struct sockaddr_un *asker,
	       socklen_t length, usec_t now)
{
	const char *ground = strsep(&order, " "), *name = strsep(&order, " ");
	struct antenna *a = name && order ? find_antenna(sky, ground, name) : NULL;
	const struct satellite *to = a ? find_satellite(sky, order) : NULL;

	if (!a || (!to && strcmp(order, "-") != 0)) {
		sky->figures.refused++;
		reply(orders, asker, length,
		      a ? "there is no such satellite" : "there is no such antenna");
		return;
	}
	if (a->turning)
		answer(sky, orders, a, "called off");
	if (a->on == to && !a->turning) {
		reply(orders, asker, length,
		      !to || a->up ? "ok" : "the satellite is below the horizon");
		return;
	}
	if (a->up)
		set_antenna(sky, a, false, 0);
	a->on = to;
	a->edge = a->answered = USEC_NEVER;
	a->turning = to != NULL;
	a->locked = now + a->gap;
	record(sky, a, "turn", 0);
	if (!to) {
		reply(orders, asker, length, "ok");
		return;
	}
	a->asker = *asker;
	a->asker_length = length;
}
