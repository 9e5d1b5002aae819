/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the windows of a place meet the associations of its satellites: the offers. */
#include "orbit/choice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct list {
	struct choice_offer *rows;
	size_t count, room;
};

static int add(struct list *list, const struct choice_offer *offer)
{
	struct choice_offer *last = list->count ? &list->rows[list->count - 1] : NULL, *more;
	size_t room;

	if (offer->from >= offer->until)
		return 0;
	if (last && last->satellite == offer->satellite && last->core == offer->core &&
	    last->until == offer->from) {
		last->until = offer->until;
		return 0;
	}
	if (list->count == list->room) {
		room = list->room ? 2 * list->room : 64;
		more = reallocarray(list->rows, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->rows = more;
		list->room = room;
	}
	list->rows[list->count++] = *offer;
	return 0;
}

/* The seconds from the start to an instant. */
static double seconds_to(usec_t start, usec_t instant)
{
	return instant == USEC_NEVER ? INFINITY : (double)(instant - start) / USEC_PER_SEC;
}

static int add_window(struct list *list, const struct window *window,
		      const struct choice_satellite *satellite, usec_t start, choice_core_fn *core,
		      void *arg)
{
	const struct association *row = satellite->rows, *end = row + satellite->count;
	struct choice_offer offer = {.satellite = window->satellite, .load = satellite->load};
	int err = 0;

	for (; !err && row < end && seconds_to(start, row->from) < window->until; row++) {
		offer.from = fmax(window->from, seconds_to(start, row->from));
		offer.until = fmin(window->until, seconds_to(start, row->until));
		if (offer.from >= offer.until)
			continue;
		offer.core = core(arg, row->core);
		err = add(list, &offer);
	}
	return err;
}

int choice_offers(const struct window *windows, size_t window_count,
		  const struct choice_satellite *satellites, usec_t start, choice_core_fn *core,
		  void *arg, struct choice_offer **offers, size_t *count)
{
	struct list list = {.count = 0};
	int err = 0;

	for (size_t i = 0; !err && i < window_count; i++) {
		const struct window *window = &windows[i];
		struct choice_offer whole = {.from = window->from,
					     .until = window->until,
					     .satellite = window->satellite,
					     .core = CHOICE_CORE_UNKNOWN};

		err = satellites ? add_window(&list, window, &satellites[window->satellite], start,
					      core, arg)
				 : add(&list, &whole);
	}
	if (err) {
		free(list.rows);
		list = (struct list){.count = 0};
	}
	*offers = list.rows;
	*count = list.count;
	return err;
}
