/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites as --tle names them (elements.h). */
#include "plan/elements.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file of "SNO=FILE" or "FILE". */
static const char *file_of(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals ? equals + 1 : text;
}

/* All files are read, so that the faults of all are told. */
static int read_files(struct elements *elements, const struct option_list *files)
{
	int err = 0, result;

	for (size_t i = 0; i < files->count; i++) {
		result = tle_load(&elements->constellation, file_of(files->texts[i]),
				  (unsigned int)i, options_report, NULL);
		err = err ? err : result;
	}
	return err;
}

static int keep_only(struct constellation *c, const char *command, const char *satellite)
{
	const struct element_set *only = tle_find(c, satellite);

	if (!only) {
		options_complain(command, "no satellite \"%s\" in the files", satellite);
		return -ENOENT;
	}
	c->sets[0] = *only;
	c->count = 1;
	return 0;
}

static int make_orbits(struct elements *elements, const char *command,
		       const struct option_list *files)
{
	struct constellation *c = &elements->constellation;
	enum sgp4_result result;
	size_t kept = 0;

	elements->orbits = calloc(c->count, sizeof(*elements->orbits));
	if (!elements->orbits) {
		options_complain(command, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < c->count; i++) {
		result = sgp4_init(&elements->orbits[kept], &c->sets[i]);
		if (result == SGP4_GOOD) {
			c->sets[kept++] = c->sets[i];
			continue;
		}
		elements->refused++;
		fprintf(stderr, "%s:%u: satellite %s: %s\n",
			file_of(files->texts[c->sets[i].owner]), c->sets[i].line, c->sets[i].name,
			sgp4_text(result));
	}
	c->count = kept;
	return 0;
}

int elements_load(struct elements *elements, const char *command, const struct option_list *files,
		  const char *satellite)
{
	int err;

	memset(elements, 0, sizeof(*elements));
	elements->constellation.unchecked = true;
	err = read_files(elements, files);
	if (!err && satellite)
		err = keep_only(&elements->constellation, command, satellite);
	if (!err)
		err = make_orbits(elements, command, files);
	if (err)
		elements_free(elements);
	return err;
}

void elements_free(struct elements *elements)
{
	tle_free(&elements->constellation);
	free(elements->orbits);
	elements->orbits = NULL;
}
