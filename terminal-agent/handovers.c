/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of handovers is for looking back; what counts them over time are the counters.
 */
#include "terminal-agent/handovers.h"

void handovers_add(struct handovers *h, const struct handover *handover)
{
	struct histogram *parts = h->parts[handover->mode];

	h->list[h->total++ % HANDOVERS_MAX] = *handover;
	histogram_add(&parts[HANDOVER_GAP], handover->gap);
	histogram_add(&parts[HANDOVER_REGISTRATION], handover->registration);
	histogram_add(&parts[HANDOVER_FIRST_PACKET], handover->first_packet);
}

void handovers_amend(struct handovers *h, const struct handover *handover)
{
	struct handover *last = &h->list[(h->total + HANDOVERS_MAX - 1) % HANDOVERS_MAX];
	usec_t wall = last->wall;

	if (last->first_packet < 0)
		histogram_add(&h->parts[handover->mode][HANDOVER_FIRST_PACKET],
			      handover->first_packet);
	*last = *handover;
	last->wall = wall;
}

size_t handovers_count(const struct handovers *h)
{
	return h->total < HANDOVERS_MAX ? (size_t)h->total : HANDOVERS_MAX;
}

const struct handover *handovers_get(const struct handovers *h, size_t i)
{
	uint64_t first = h->total - handovers_count(h);

	return &h->list[(first + i) % HANDOVERS_MAX];
}

static json_t *place_json(const struct place *place)
{
	return json_pack("{s:s, s:s*, s:s}", "link", place->link, "satellite",
			 place->satellite[0] ? place->satellite : NULL, "core", place->core);
}

json_t *handover_json(const struct handover *h)
{
	return json_pack("{s:f, s:o, s:o, s:s, s:I, s:I, s:o, s:I, s:I, s:i, s:s}", "time",
			 (double)h->wall / (double)USEC_PER_SEC, "from", place_json(&h->from), "to",
			 place_json(&h->to), "mode", handover_mode_name(h->mode), "gap_us",
			 (json_int_t)h->gap, "registration_us", (json_int_t)h->registration,
			 "first_packet_us",
			 h->first_packet < 0 ? json_null()
					     : json_integer((json_int_t)h->first_packet),
			 "held", (json_int_t)h->held, "dropped", (json_int_t)h->dropped, "tries",
			 (int)h->tries, "reason", h->reason);
}
