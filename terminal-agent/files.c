/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An excerpt of the configuration, which outlives it, and what was read by it; see files.h. */
#include "terminal-agent/files.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/config.h"

struct named {
	char *path;
	struct file_state seen;
};

struct files {
	/* Of the configuration what guide_load() looks at; the strings are our own. */
	struct config config;
	struct named *named; /* all files */
	size_t named_count;
	usec_t planned;
	/* of the thread: */
	struct associations table;
	struct guide guide;
};

const char *files_schedule(const struct config *config)
{
	return config->handover.schedule ? config->handover.schedule : config->timetable;
}

/* ---- the excerpt ----------------------------------------------------------------------------- */

/* A copy of a string; NULL stays. False without memory. */
static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool name_file(struct files *files, const char *path)
{
	struct named *named = &files->named[files->named_count];

	if (!path)
		return true;
	if (!copy(&named->path, path))
		return false;
	named->seen = file_state(path);
	files->named_count++;
	return true;
}

static bool copy_links(struct config *to, const struct config *from)
{
	to->links = calloc(from->link_count + 1, sizeof(*to->links));
	if (!to->links)
		return false;
	for (; to->link_count < from->link_count; to->link_count++) {
		const struct link_config *link = &from->links[to->link_count];
		struct link_config *own = &to->links[to->link_count];

		if (!copy(&own->name, link->name) || !copy(&own->antenna, link->antenna)) {
			free(own->name);
			return false;
		}
	}
	return true;
}

static bool copy_elements(struct config *to, const struct config *from)
{
	to->elements = calloc(from->element_count + 1, sizeof(*to->elements));
	if (!to->elements)
		return false;
	for (; to->element_count < from->element_count; to->element_count++)
		if (!copy(&to->elements[to->element_count], from->elements[to->element_count]))
			return false;
	return true;
}

/* All that guide_load() and schedule_read() need. */
static bool copy_config(struct files *files, const struct config *from)
{
	struct config *to = &files->config;
	bool good;

	files->named = calloc(from->element_count + 3, sizeof(*files->named));
	if (!files->named)
		return false;
	to->position = from->position;
	to->policy = from->policy;
	good = copy(&to->terminal.nai, from->terminal.nai) &&
	       copy(&to->timetable, from->timetable) && copy(&to->loads, from->loads) &&
	       copy(&to->handover.schedule, from->handover.schedule) && copy_links(to, from) &&
	       copy_elements(to, from) && name_file(files, from->handover.schedule) &&
	       name_file(files, from->timetable) && name_file(files, from->loads);
	for (size_t i = 0; good && i < from->element_count; i++)
		good = name_file(files, from->elements[i]);
	return good;
}

struct files *files_new(const struct config *config, usec_t planned)
{
	struct files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->planned = planned;
	if (copy_config(files, config))
		return files;
	files_free(files);
	return NULL;
}

void files_free(struct files *files)
{
	struct config *config;

	if (!files)
		return;
	config = &files->config;
	association_free(&files->table);
	guide_free(&files->guide);
	for (size_t i = 0; i < files->named_count; i++)
		free(files->named[i].path);
	for (size_t i = 0; i < config->link_count; i++) {
		free(config->links[i].name);
		free(config->links[i].antenna);
	}
	for (size_t i = 0; i < config->element_count; i++)
		free(config->elements[i]);
	free(files->named);
	free(config->links);
	free(config->elements);
	free(config->terminal.nai);
	free(config->timetable);
	free(config->loads);
	free(config->handover.schedule);
	free(files);
}

/* ---- the reading ----------------------------------------------------------------------------- */

static int read_files(void *object, association_report_fn *report, void *arg)
{
	struct files *files = object;
	int error = schedule_read(&files->table, files_schedule(&files->config), files->planned,
				  report, arg);

	return error < 0 ? error
			 : guide_load(&files->guide, &files->config, files->planned, report, arg);
}

static void free_files(void *object)
{
	files_free(object);
}

/* ---- questions ------------------------------------------------------------------------------- */

static bool small(const void *object)
{
	const struct files *files = object;

	for (size_t i = 0; i < files->named_count; i++)
		if (files->named[i].seen.size > READING_SMALL)
			return false;
	return true;
}

static bool equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_links(const struct config *a, const struct config *b)
{
	if (a->link_count != b->link_count)
		return false;
	for (size_t i = 0; i < a->link_count; i++)
		if (!equal(a->links[i].name, b->links[i].name) ||
		    !equal(a->links[i].antenna, b->links[i].antenna))
			return false;
	return true;
}

static bool same_position(const struct config *a, const struct config *b)
{
	return a->position.latitude == b->position.latitude &&
	       a->position.longitude == b->position.longitude &&
	       a->position.height == b->position.height &&
	       a->position.min_elevation == b->position.min_elevation;
}

static bool same(const void *one, const void *other)
{
	const struct files *a = one, *b = other;
	const struct config *x = &a->config, *y = &b->config;

	if (a->named_count != b->named_count || x->element_count != y->element_count)
		return false;
	for (size_t i = 0; i < a->named_count; i++)
		if (!equal(a->named[i].path, b->named[i].path) ||
		    !file_same(&a->named[i].seen, &b->named[i].seen))
			return false;
	return equal(x->handover.schedule, y->handover.schedule) &&
	       equal(x->timetable, y->timetable) && equal(x->loads, y->loads) &&
	       equal(x->terminal.nai, y->terminal.nai) && x->policy == y->policy &&
	       same_position(x, y) && same_links(x, y);
}

const struct reloading_kind files_kind = {{read_files, free_files}, small, same};

void files_tell(const struct config *config, const struct associations *table,
		const struct guide *guide)
{
	if (table->count > 0)
		log_info("%s: %zu associations", files_schedule(config), table->count);
	if (guide->orbits)
		log_info("%zu satellites to choose from", guide->count);
}

void files_take(struct files *files, struct schedule *schedule, struct guide *guide)
{
	struct associations table = files->table;
	struct guide fresh = files->guide;

	files_tell(&files->config, &table, &fresh);
	files->table = schedule->table;
	schedule->table = table;
	files->guide = *guide;
	*guide = fresh;
}
