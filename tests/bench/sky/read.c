/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that describes the sky; sky.h has its format. */
#include "sky.h"

#include <err.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8

struct reader {
	struct sky *sky;
	const char *path;
	unsigned int line;
	char *words[WORDS_MAX];
	size_t count;
};

static void fault(const struct reader *r, const char *text)
{
	errx(1, "%s:%u: %s: %s", r->path, r->line, r->words[0], text);
}

static double number(const struct reader *r, size_t i)
{
	char *end;
	double value = strtod(r->words[i], &end);

	if (end == r->words[i] || *end)
		fault(r, "not a number");
	return value;
}

static usec_t whole(const struct reader *r, size_t i)
{
	return (usec_t)number(r, i);
}

static char *copy(const char *text)
{
	char *own = strdup(text);

	if (!own)
		err(1, NULL);
	return own;
}

/* One more, zeroed, at the end of an array. */
static void *more(void *array, size_t *count, size_t size)
{
	char **pointer = array;

	*pointer = reallocarray(*pointer, *count + 1, size);
	if (!*pointer)
		err(1, NULL);
	return memset(*pointer + (*count)++ * size, 0, size);
}

static void tell(void *arg, const char *message)
{
	(void)arg;
	warnx("%s", message);
}

static void read_time(struct reader *r)
{
	r->sky->time = (struct sky_time){whole(r, 1), whole(r, 2), (unsigned int)whole(r, 3)};
	if (r->sky->time.rate < 1 || r->sky->time.rate > LAB_RATE_MAX)
		fault(r, "no such rate");
}

static void read_period(struct reader *r)
{
	r->sky->period = whole(r, 1);
	if (r->sky->period < 1000)
		fault(r, "less than a millisecond");
}

static void read_late(struct reader *r)
{
	r->sky->late = whole(r, 1);
	r->sky->netem = true;
}

static void read_elements(struct reader *r)
{
	if (tle_load(&r->sky->elements, r->words[1], 0, tell, NULL) < 0)
		fault(r, "cannot be used");
}

static void read_associations(struct reader *r)
{
	const struct lab_time time = {r->sky->time.start, r->sky->time.epoch, r->sky->time.rate};

	if (association_load(&r->sky->associations, r->words[1], NULL, tell, NULL) < 0)
		fault(r, "cannot be used");
	lab_time_associations(&time, &r->sky->associations);
}

static void read_satellite(struct reader *r)
{
	struct satellite *s = more(&r->sky->satellites, &r->sky->satellite_count, sizeof(*s));
	const struct element_set *set = tle_find(&r->sky->elements, r->words[1]);

	if (!set || sgp4_init(&s->orbit, set) != SGP4_GOOD)
		fault(r, "no elements of it");
	s->name = copy(r->words[1]);
	s->bridge = if_nametoindex(r->words[2]);
	if (!s->bridge)
		fault(r, "no such bridge");
	s->rows = association_of(&r->sky->associations, s->name, &s->count);
}

static void read_ground(struct reader *r)
{
	const struct place place = {.lat = number(r, 2), .lon = number(r, 3)};
	struct ground *g = more(&r->sky->grounds, &r->sky->ground_count, sizeof(*g));

	g->name = copy(r->words[1]);
	g->mask = number(r, 4);
	geodesy_site(&place, &g->site);
}

static void read_antenna(struct reader *r)
{
	struct antenna *a = more(&r->sky->antennas, &r->sky->antenna_count, sizeof(*a));

	for (size_t i = 0; i < r->sky->ground_count; i++)
		if (strcmp(r->sky->grounds[i].name, r->words[1]) == 0)
			a->ground = &r->sky->grounds[i];
	if (!a->ground)
		fault(r, "no such place");
	a->name = copy(r->words[2]);
	a->gap = whole(r, 3);
	a->edge = a->answered = USEC_NEVER;
	end_open(&a->port, r->words[4]);
	end_open(&a->end, r->words[5]);
}

static void read_feeder(struct reader *r)
{
	struct feeder *f = more(&r->sky->feeders, &r->sky->feeder_count, sizeof(*f));

	for (size_t i = 0; i < r->sky->satellite_count; i++)
		if (strcmp(r->sky->satellites[i].name, r->words[1]) == 0)
			f->satellite = &r->sky->satellites[i];
	if (!f->satellite)
		fault(r, "no such satellite");
	f->core = copy(r->words[2]);
	end_open(&f->port, r->words[3]);
	end_open(&f->end, r->words[4]);
}

/* Antennas and feeders point to what stands before them, so that must not move any more. */
static const struct kind {
	const char *name;
	size_t words;
	void (*read)(struct reader *r);
	int order;
} kinds[] = {
	{"time", 3, read_time, 0},
	{"period", 1, read_period, 0},
	{"late", 1, read_late, 0},
	{"elements", 1, read_elements, 0},
	{"associations", 1, read_associations, 0},
	{"satellite", 2, read_satellite, 1},
	{"ground", 4, read_ground, 1},
	{"antenna", 5, read_antenna, 2},
	{"feeder", 4, read_feeder, 2},
};

static void read_line(struct reader *r, int *order)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, r->words[0]) != 0)
			continue;
		if (r->count != kinds[i].words + 1)
			fault(r, "wrong number of words");
		if (kinds[i].order < *order)
			fault(r, "too late");
		*order = kinds[i].order;
		kinds[i].read(r);
		return;
	}
	fault(r, "unknown");
}

void sky_read(struct sky *sky, const char *path)
{
	struct reader r = {.sky = sky, .path = path};
	FILE *file = fopen(path, "re");
	char *line = NULL, *rest;
	size_t room = 0;
	int order = 0;

	if (!file)
		err(1, "%s", path);
	while (getline(&line, &room, file) > 0) {
		r.line++;
		line[strcspn(line, "\n")] = '\0';
		rest = line;
		for (r.count = 0; rest && r.count < WORDS_MAX; r.count++)
			r.words[r.count] = strsep(&rest, "\t");
		read_line(&r, &order);
	}
	free(line);
	fclose(file);
	if (!sky->time.rate || !sky->period || sky->satellite_count == 0)
		errx(1, "%s: no time, no period or no satellite", path);
}
