/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan propagate: the states of satellites at instants, as SGP4 gives them. */
#include <stdio.h>
#include <stdlib.h>

#include "plan/command.h"
#include "plan/elements.h"

static const struct option_usage usage = {
	"propagate",
	"Prints where satellites are, as CSV: satellite,time,x,y,z,vx,vy,vz, in the frame of SGP4\n"
	"(TEME: true equator, mean equinox of date), kilometres and kilometres per second.",
	NULL,
};

struct wishes {
	struct option_list files;
	const char *satellite;
	usec_t start;
	double step;
	unsigned int count;
};

/* False, and said so, when SGP4 has no state for one of the instants: the rest is left out. */
static bool print_states(const struct wishes *wishes, const char *name, const struct sgp4 *orbit)
{
	char time[ASSOCIATION_TIME_TEXT];
	enum sgp4_result result;
	double r[3], v[3];

	for (unsigned int i = 0; i < wishes->count; i++) {
		usec_t instant = wishes->start + clock_from_seconds(wishes->step * i);

		association_time_format(instant, time);
		result = sgp4_at(orbit, instant, r, v);
		if (result != SGP4_GOOD) {
			options_complain(usage.command, "satellite %s at %s: %s", name, time,
					 sgp4_text(result));
			return false;
		}
		printf("%s,%s,%.9f,%.9f,%.9f,%.12f,%.12f,%.12f\n", name, time, r[0], r[1], r[2],
		       v[0], v[1], v[2]);
	}
	return true;
}

static int propagate(const struct wishes *wishes)
{
	struct elements elements;
	int status;

	if (elements_load(&elements, usage.command, &wishes->files, wishes->satellite) < 0)
		return PLAN_FAILED;
	status = elements.refused ? PLAN_FAILED : PLAN_GOOD;
	puts("satellite,time,x,y,z,vx,vy,vz");
	for (size_t i = 0; i < elements.constellation.count; i++)
		if (!print_states(wishes, elements.constellation.sets[i].name, &elements.orbits[i]))
			status = PLAN_FAILED;
	elements_free(&elements);
	return status;
}

int command_propagate(int argc, char **argv)
{
	struct wishes wishes = {.step = 60, .count = 1};
	const struct option_spec specs[] = {
		{"tle", 't', OPTION_LIST, &wishes.files, .required = true, .argument = "FILE",
		 .help = "two-line elements; may be given several times"},
		{"satellite", 0, OPTION_TEXT, &wishes.satellite, .argument = "NAME",
		 .help = "this one only (all)"},
		{"start", 0, OPTION_TIME, &wishes.start, .required = true, .argument = "TIME",
		 .help = "the first instant, like 2026-01-01T00:00:00Z"},
		{"step", 0, OPTION_NUMBER, &wishes.step, .least = -1e7, .most = 1e7,
		 .argument = "SECONDS", .help = "from one to the next (60)"},
		{"count", 'n', OPTION_COUNT, &wishes.count, .least = 1, .most = 1e7,
		 .argument = "N", .help = "how many (1)"},
	};
	int status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL);

	if (status == OPTIONS_GO)
		status = propagate(&wishes);
	free(wishes.files.texts);
	return status;
}
