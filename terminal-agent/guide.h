/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which satellite this terminal is to use, and which ones come next (draft section 4.3): by a
 * timetable, or computed from orbits, the position of the terminal and the association file, with
 * the policy of orbit/choice.h, which is also that of `sno-plan terminal`.
 *
 * It says what should be; choosing.h does it. All times are those of plans (lab_time.h).
 */
#ifndef SNO_TERMINAL_GUIDE_H
#define SNO_TERMINAL_GUIDE_H

#include "association.h"

struct config;
struct sgp4;
struct site;

/* A satellite for a while. Between two steps there may be a gap: none is to be had. */
struct guide_step {
	usec_t from, until;
	usec_t visible; /* since when it can be seen; `from` where that is not known */
	usec_t offered; /* since when it can be seen and leads to this core; likewise */
	usec_t lost;	/* until when it can be seen; `until` where that is not known */
	char satellite[ASSOCIATION_FOLDED_MAX + 1];
	char core[ASSOCIATION_NAME_MAX + 1]; /* "": not known */
};

/* A satellite that may be chosen. */
struct guide_satellite {
	char name[ASSOCIATION_FOLDED_MAX + 1];
	double load;
};

/* Zeroed, it has nothing to say. */
struct guide {
	struct guide_step *steps; /* in their order */
	size_t step_count;

	struct sgp4 *orbits; /* NULL: it is a timetable, or nothing */
	struct guide_satellite *satellites;
	size_t count;
	struct site *site; /* of this terminal */
	double min_elevation;
	int policy; /* enum choice_policy */
	char home[ASSOCIATION_FOLDED_MAX + 1];
	bool known;   /* the steps have been computed */
	usec_t fresh; /* until when the steps are good enough */
};

/*
 * Reads what the configuration names, elements or a timetable or neither, in place of what was
 * there; on any thread. A timetable that was over at `planned` is refused. 0, or -errno with every
 * fault reported, and all is as before.
 */
int guide_load(struct guide *g, const struct config *config, usec_t planned,
	       association_report_fn *report, void *arg);
void guide_free(struct guide *g);

/* Is there anything that it goes by? */
bool guide_active(const struct guide *g);
/* Should the steps be computed (again) by now? Never for a timetable. */
bool guide_stale(const struct guide *g, usec_t planned);
/*
 * Computes the steps from this instant on, by an association file, which may be empty. `on` is the
 * satellite in use, NULL or "": none. 0, or -errno, logged, and the steps are as before; it is
 * tried again after a while. Takes some milliseconds for each thousand of satellites.
 */
int guide_compute(struct guide *g, const struct associations *plan, const char *on, usec_t planned);
/* Another association file, or another place to be: what was computed is not good any more. */
void guide_forget(struct guide *g);

/* The step that holds; NULL in a gap and where there is nothing to go by. */
const struct guide_step *guide_at(const struct guide *g, usec_t planned);
/* The first step that begins later; NULL: none is known. */
const struct guide_step *guide_after(const struct guide *g, usec_t planned);

#endif
