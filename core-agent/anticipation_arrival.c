/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrivals: a terminal has come to a core that was prepared for it, which the home core believes
 * when the proof is right (PROTOCOL sections 6.1 and 9). Then that core is its binding.
 */
#include "anticipation.h"
#include "binding.h"
#include "keep.h"
#include "mode.h"
#include "peer.h"

#include <string.h>

/* Is it the terminal, on this move, and nothing that is older than what was accepted? */
static bool arrived(const struct anticipation *a, const struct peer *target, uint64_t counter,
		    const uint8_t arrival[HANDOVER_ARRIVAL])
{
	return a && a->target == target && counter > a->subscriber->counter &&
	       root_proves(&a->subscriber->root, anticipation_target(a), a->number, counter,
			   arrival);
}

/* Has the home addresses lead there, if they do not yet. */
static enum reason take_in(const struct anticipation *a, uint64_t counter, enum handover_mode mode,
			   struct binding_next *next, usec_t now)
{
	struct subscriber *s = a->subscriber;
	enum reason reason;

	next->number = a->binding;
	next->mode = a->mode;
	if (mode == MODE_SOFT && !a->chosen &&
	    mode_of_move(s, binding_serving(s), a->target) == MODE_SOFT)
		next->mode = MODE_SOFT;
	reason = binding_lead(s, next, now);
	if (reason != REASON_ACCEPTED)
		return reason;
	if (a->leads)
		next->switching = a->switching;
	/* What was offered to an older discovery is taken up no more. */
	subscriber_offer_end(s);
	s->counter = counter;
	root_moved(&s->root, a->number);
	keep_binding(s, next, now);
	return REASON_ACCEPTED;
}

/* Its binding is in force: it is an anticipation no more. */
static void fulfilled(struct anticipation *a, const struct binding_next *next, usec_t now)
{
	struct subscriber *s = a->subscriber;

	anticipation_fulfil(a, now);
	binding_rebind(s, next, now);
}

void anticipation_arrived(struct peer *target, const struct message *request, usec_t now)
{
	struct anticipation *a = anticipation_find(target->core, request->binding);
	struct binding_next next = {.state = BINDING_VISITING, .peer = target, .coa = request->coa};
	enum reason reason = REASON_STALE_BINDING;

	if (arrived(a, target, request->counter, request->arrival)) {
		next.place = a->place;
		if (message_has(request, ATTR_NEXT_SATELLITE) &&
		    strcmp(next.place.satellite, request->next_satellite) != 0) {
			next.place = (struct place){.satellite = ""};
			memcpy(next.place.satellite, request->next_satellite,
			       sizeof(next.place.satellite));
		}
		reason = binding_tunnel_path(target, a->subscriber, request, &next.path);
		if (reason == REASON_ACCEPTED)
			reason = take_in(a, request->counter, request->mode, &next, now);
	}
	binding_tunnel_answer(target, request, reason, now);
	if (reason == REASON_ACCEPTED)
		fulfilled(a, &next, now);
}

enum reason anticipation_arrived_here(struct subscriber *s, uint64_t binding, uint64_t counter,
				      const uint8_t arrival[HANDOVER_ARRIVAL],
				      enum handover_mode mode, const struct path *path, usec_t now)
{
	struct anticipation *a = anticipation_find(s->core, binding);
	struct binding_next next = {.state = BINDING_HOME, .path = *path};
	enum reason reason;

	if (!arrived(a, NULL, counter, arrival))
		return REASON_STALE_BINDING;
	next.place = a->place;
	reason = take_in(a, counter, mode, &next, now);
	if (reason == REASON_ACCEPTED)
		fulfilled(a, &next, now);
	return reason;
}
