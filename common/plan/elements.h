/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The satellites that --tle names, for commands that ask for nothing but orbits. */
#ifndef SNO_PLAN_ELEMENTS_H
#define SNO_PLAN_ELEMENTS_H

#include "orbit/sgp4.h"
#include "plan/options.h"

struct elements {
	struct constellation constellation; /* owner: index into the list */
	struct sgp4 *orbits;		    /* as its sets */
	size_t refused;			    /* satellites that were left out */
};

/*
 * Reads all files of a list of "FILE" and "SNO=FILE" (whose SNO is not looked at); with
 * `satellite` the one of this name is all that is kept. Who plans needs all satellites of a file
 * and tle_load() refuses it whole; here a satellite that SGP4 refuses is complained about, counted
 * and left out, so that catalogues of mixed orbits can be asked about the others. 0, or -errno,
 * and said why.
 */
int elements_load(struct elements *elements, const char *command, const struct option_list *files,
		  const char *satellite);
void elements_free(struct elements *elements);

#endif
