/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The satellites that --tle names, for commands that ask for nothing but orbits. */
#ifndef SNO_PLAN_ELEMENTS_H
#define SNO_PLAN_ELEMENTS_H

#include "orbit/sgp4.h"
#include "plan/options.h"

struct elements {
	struct constellation constellation; /* owner: index into the list */
	struct sgp4 *orbits;		    /* as its sets */
};

/*
 * Reads all files of a list of "FILE" and "SNO=FILE" (whose SNO is not looked at); with
 * `satellite` the one of this name is all that is kept. 0, or -errno, and said why.
 */
int elements_load(struct elements *elements, const char *command, const struct option_list *files,
		  const char *satellite);
void elements_free(struct elements *elements);

#endif
