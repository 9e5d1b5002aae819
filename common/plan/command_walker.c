/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-plan walker: elements of a constellation, where none are at hand. */
#include "orbit/walker.h"

#include <errno.h>
#include <string.h>

#include "plan/command.h"
#include "plan/options.h"

static const struct option_usage usage = {
	"walker",
	"Prints two-line elements of a Walker constellation i:T/P/F: T satellites on P planes of\n"
	"inclination i, spread over 360 degrees (delta) or 180 (star), the satellites of a plane "
	"F\n"
	"times 360/T degrees ahead of those of the plane before.",
	NULL,
};

static const char *const patterns[] = {"delta", "star", NULL};

int command_walker(int argc, char **argv)
{
	struct walker walker = {.first = 1};
	unsigned int pattern = WALKER_DELTA;
	const struct option_spec specs[] = {
		{"satellites", 't', OPTION_COUNT, &walker.satellites, .least = 1, .most = 339999,
		 .required = true, .argument = "T", .help = "of the whole constellation"},
		{"planes", 'p', OPTION_COUNT, &walker.planes, .least = 1, .most = 339999,
		 .required = true, .argument = "P", .help = "which divide the satellites"},
		{"phasing", 'f', OPTION_COUNT, &walker.phasing, .least = 0, .most = 339998,
		 .argument = "F", .help = "less than the planes (0)"},
		{"pattern", 0, OPTION_CHOICE, &pattern, .choices = patterns, .argument = "PATTERN",
		 .help = "delta or star (delta)"},
		{"inclination", 'i', OPTION_NUMBER, &walker.inclination, .least = 0, .most = 180,
		 .required = true, .argument = "DEGREES", .help = "of all planes"},
		{"altitude", 'a', OPTION_NUMBER, &walker.altitude, .least = 160, .most = 5700,
		 .required = true, .argument = "KM", .help = "above the equator"},
		{"epoch", 0, OPTION_TIME, &walker.epoch, .required = true, .argument = "TIME",
		 .help = "of the elements, like 2026-01-01T00:00:00Z"},
		{"name", 0, OPTION_TEXT, &walker.name, .required = true, .argument = "NAME",
		 .help = "satellites are called NAME-0001 and so on"},
		{"first", 0, OPTION_COUNT, &walker.first, .least = 1, .most = 339999,
		 .argument = "NUMBER", .help = "catalogue number of the first satellite (1)"},
		{"node", 0, OPTION_NUMBER, &walker.node, .least = 0, .most = 360,
		 .argument = "DEGREES", .help = "ascending node of the first plane (0)"},
		{"anomaly", 0, OPTION_NUMBER, &walker.anomaly, .least = 0, .most = 360,
		 .argument = "DEGREES", .help = "anomaly of the first satellite (0)"},
	};
	int status = options_parse(&usage, specs, OPTION_SPECS(specs), argc, argv, NULL), err;
	const char *fault;

	if (status != OPTIONS_GO)
		return status;
	walker.pattern = (enum walker_pattern)pattern;
	fault = walker_fault(&walker);
	if (fault) {
		options_complain(usage.command, "%s", fault);
		return PLAN_USAGE;
	}
	err = walker_print(stdout, &walker);
	if (err == -ERANGE)
		options_complain(usage.command,
				 "elements cannot say this: epochs go from 1957 to 2056");
	return err ? PLAN_FAILED : PLAN_GOOD;
}
