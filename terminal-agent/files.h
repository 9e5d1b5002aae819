/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files by which this terminal goes, as a configuration names them: the schedule, and the
 * timetable or the elements and loads of the guide. They are read beside the loop (reloading.h).
 */
#ifndef SNO_TERMINAL_FILES_H
#define SNO_TERMINAL_FILES_H

#include "reloading.h"
#include "terminal-agent/guide.h"
#include "terminal-agent/schedule.h"

struct config;

struct files;
extern const struct reloading_kind files_kind;

/* What a configuration names, in copies, to be read as at this instant of plans. NULL: out of
 * memory. */
struct files *files_new(const struct config *config, usec_t planned);
/* NULL is none. */
void files_free(struct files *files);

/* Once they have been read: the schedule's table and the guide become the caller's, and what was
 * there becomes the files', to be freed with them. */
void files_take(struct files *files, struct schedule *schedule, struct guide *guide);

/* Logs what has been read by a configuration. */
void files_tell(const struct config *config, const struct associations *table,
		const struct guide *guide);

/* The association file of a configuration; NULL: none. A timetable is one too, where there is no
 * other. */
const char *files_schedule(const struct config *config);

#endif
