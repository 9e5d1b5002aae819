/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites as --tle names them (elements.h). */
#include "plan/elements.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All files are read, so that the faults of all are told. */
static int read_files(struct elements *elements, const struct option_list *files)
{
	int err = 0, result;

	for (size_t i = 0; i < files->count; i++) {
		const char *equals = strchr(files->texts[i], '=');

		result = tle_load(&elements->constellation, equals ? equals + 1 : files->texts[i],
				  (unsigned int)i, options_report, NULL);
		err = err ? err : result;
	}
	return err;
}

int elements_load(struct elements *elements, const char *command, const struct option_list *files,
		  const char *satellite)
{
	struct constellation *c = &elements->constellation;
	const struct element_set *only;
	int err;

	memset(elements, 0, sizeof(*elements));
	err = read_files(elements, files);
	if (!err && satellite) {
		only = tle_find(c, satellite);
		if (only) {
			c->sets[0] = *only;
			c->count = 1;
		} else {
			options_complain(command, "no satellite \"%s\" in the files", satellite);
			err = -ENOENT;
		}
	}
	if (!err) {
		elements->orbits = calloc(c->count, sizeof(*elements->orbits));
		if (!elements->orbits) {
			options_complain(command, "%s", strerror(ENOMEM));
			err = -ENOMEM;
		}
	}
	if (err) {
		elements_free(elements);
		return err;
	}
	/* None is refused: tle_load() has tried. */
	for (size_t i = 0; i < c->count; i++)
		sgp4_init(&elements->orbits[i], &c->sets[i]);
	return 0;
}

void elements_free(struct elements *elements)
{
	tle_free(&elements->constellation);
	free(elements->orbits);
	elements->orbits = NULL;
}
