/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sequence of a place: the walk through its offers, and the policies that do not look ahead. */
#include "orbit/choice_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const choice_policy_names[] = {"plan",	"home-first", "longest",
					   "elevation", "load",	      NULL};

const struct choice_rules choice_rules_default = {.policy = CHOICE_PLAN,
						  .home = CHOICE_CORE_UNKNOWN,
						  .tau = CHOICE_TAU,
						  .outage = CHOICE_OUTAGE,
						  .margin = CHOICE_MARGIN,
						  .step = CHOICE_STEP};

/* ---- the walk -------------------------------------------------------------------------------- */

void choice_walk_to(struct choice_walk *walk, double t)
{
	size_t kept = 0;

	while (walk->begun < walk->count && walk->offers[walk->begun].from <= t)
		walk->active[walk->active_count++] = &walk->offers[walk->begun++];
	for (size_t i = 0; i < walk->active_count; i++)
		if (walk->active[i]->until > t)
			walk->active[kept++] = walk->active[i];
	walk->active_count = kept;
}

double choice_walk_next(const struct choice_walk *walk)
{
	return walk->begun < walk->count ? walk->offers[walk->begun].from : walk->until;
}

const struct choice_offer *choice_walk_of(const struct choice_walk *walk, uint32_t satellite)
{
	for (size_t i = 0; i < walk->active_count; i++)
		if (walk->active[i]->satellite == satellite)
			return walk->active[i];
	return NULL;
}

int choice_walk_take(struct choice_walk *walk, const struct choice_offer *offer, double from,
		     double until)
{
	struct choices *out = walk->out;
	struct choice *last = out->count ? &out->rows[out->count - 1] : NULL, *more;
	size_t room;

	if (last && last->until == from && last->satellite == offer->satellite &&
	    last->core == offer->core) {
		last->until = until;
		return 0;
	}
	if (out->count == walk->room) {
		room = walk->room ? 2 * walk->room : 64;
		more = reallocarray(out->rows, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		out->rows = more;
		walk->room = room;
	}
	out->rows[out->count++] = (struct choice){
		.from = from, .until = until, .satellite = offer->satellite, .core = offer->core};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct choice_offer *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->satellite < y->satellite ? -1 : x->satellite > y->satellite;
}

static int walk_open(struct choice_walk *walk, const struct choice_offer *offers, size_t count)
{
	struct choice_offer *cut;

	walk->offers = calloc(count + 1, sizeof(*walk->offers));
	walk->active = calloc(count + 1, sizeof(const struct choice_offer *));
	if (!walk->offers || !walk->active)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		cut = &walk->offers[walk->count];
		*cut = offers[i];
		cut->from = fmax(cut->from, walk->from);
		cut->until = fmin(cut->until, walk->until);
		walk->count += cut->from < cut->until;
	}
	qsort(walk->offers, walk->count, sizeof(*walk->offers), compare);
	return 0;
}

/* ---- policies -------------------------------------------------------------------------------- */

/* How much the policy likes an offer at time t: the first figure decides, then the second. */
struct liking {
	double first, second;
};

static struct liking like(const struct choice_rules *rules, const struct choice_offer *offer,
			  double t, uint32_t core)
{
	struct liking liking = {.second = offer->until};

	switch (rules->policy) {
	case CHOICE_PLAN:
	case CHOICE_LONGEST:
		break;
	case CHOICE_HOME_FIRST:
		liking.first = offer->core == rules->home ? 2 : offer->core == core;
		break;
	case CHOICE_ELEVATION:
		liking.first = rules->elevation(rules->arg, offer->satellite, t);
		break;
	case CHOICE_LOAD:
		liking.first = -offer->load;
		break;
	}
	return liking;
}

/* By how much another offer must be liked better for the present one to be left for it. */
static double reluctance(const struct choice_rules *rules)
{
	switch (rules->policy) {
	case CHOICE_ELEVATION:
	case CHOICE_LOAD:
		return rules->margin;
	case CHOICE_HOME_FIRST:
		return 0;
	case CHOICE_PLAN:
	case CHOICE_LONGEST:
		break;
	}
	return INFINITY;
}

/* The offer to be on at time t for who is on `on` (NULL: on none) of `core`. Some are active. */
static const struct choice_offer *prefer(const struct choice_walk *walk, double t,
					 const struct choice_offer *on, uint32_t core)
{
	const struct choice_offer *best = NULL;
	struct liking most = {0}, now;

	for (size_t i = 0; i < walk->active_count; i++) {
		now = like(walk->rules, walk->active[i], t, core);
		if (best &&
		    (now.first < most.first ||
		     (now.first == most.first && (now.second < most.second ||
						  (now.second == most.second &&
						   walk->active[i]->satellite > best->satellite)))))
			continue;
		best = walk->active[i];
		most = now;
	}
	if (on && most.first <= like(walk->rules, on, t, core).first + reluctance(walk->rules))
		return on;
	return best;
}

/* When to look again, being on an offer since t: when it ends, and when a better one may come. */
static double look_again(const struct choice_walk *walk, const struct choice_offer *on, double t)
{
	const struct choice_rules *rules = walk->rules;

	if (rules->policy == CHOICE_LONGEST)
		return on->until;
	/* On the same grid wherever the sequence begins, so that asking again later changes
	 * nothing. */
	if (rules->policy == CHOICE_ELEVATION)
		return fmin(on->until, (floor(t / rules->step) + 1) * rules->step);
	return fmin(on->until, choice_walk_next(walk));
}

static int walk_through(struct choice_walk *walk, const struct choice *before)
{
	uint32_t satellite = before ? before->satellite : 0;
	uint32_t core = before ? before->core : CHOICE_CORE_UNKNOWN;
	bool connected = before != NULL;
	const struct choice_offer *on;
	double t = walk->from, until;
	int err = 0;

	while (!err && t < walk->until) {
		choice_walk_to(walk, t);
		if (!walk->active_count) {
			t = choice_walk_next(walk);
			connected = false;
			continue;
		}
		on = connected ? choice_walk_of(walk, satellite) : NULL;
		on = prefer(walk, t, on, core);
		until = look_again(walk, on, t);
		err = choice_walk_take(walk, on, t, until);
		satellite = on->satellite;
		core = on->core;
		connected = true;
		t = until;
	}
	return err;
}

struct choice choice_on(const struct choice_offer *offers, size_t count, uint32_t satellite)
{
	struct choice on = {.satellite = satellite, .core = CHOICE_CORE_UNKNOWN};

	for (size_t i = 0; i < count; i++)
		if (offers[i].satellite == satellite && offers[i].from <= 0)
			on.core = offers[i].core;
	return on;
}

int choice_sequence(const struct choice_rules *rules, const struct choice_offer *offers,
		    size_t count, const struct choice *on, double from, double until,
		    struct choices *choices)
{
	struct choice_walk walk = {.rules = rules, .from = from, .until = until, .out = choices};
	int err;

	memset(choices, 0, sizeof(*choices));
	if (!(rules->tau > 0) || !(rules->outage > 0) || !(rules->step > 0) ||
	    !(rules->margin >= 0) || (rules->policy == CHOICE_ELEVATION && !rules->elevation))
		return -EINVAL;
	if (!(from < until))
		return 0;
	err = walk_open(&walk, offers, count);
	if (!err)
		err = rules->policy == CHOICE_PLAN ? choice_plan(&walk, on)
						   : walk_through(&walk, on);
	free(walk.offers);
	free(walk.active);
	if (err) {
		free(choices->rows);
		memset(choices, 0, sizeof(*choices));
	}
	return err;
}
