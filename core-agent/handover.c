/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of handovers; see handover.h. */
#include "handover.h"

#include "control.h"
#include "core.h"
#include "log_event.h"

#include <errno.h>
#include <stdlib.h>

int handover_log_open(struct handover_log *log)
{
	*log = (struct handover_log){.ring = calloc(HANDOVERS_KEPT, sizeof(*log->ring))};
	return log->ring ? 0 : -ENOMEM;
}

void handover_log_close(struct handover_log *log)
{
	HASH_CLEAR(hh, log->by_binding);
	free(log->ring);
	*log = (struct handover_log){0};
}

static struct handover *handover_find(const struct handover_log *log, uint64_t binding)
{
	struct handover *h;

	HASH_FIND(hh, log->by_binding, &binding, sizeof(binding), h);
	return h;
}

/* The next place in the ring; the oldest gives way. */
static struct handover *handover_next(struct handover_log *log)
{
	struct handover *h = &log->ring[log->next];

	log->next = (log->next + 1) % HANDOVERS_KEPT;
	log->begun++;
	if (log->count == HANDOVERS_KEPT)
		HASH_DEL(log->by_binding, h);
	else
		log->count++;
	return h;
}

void handover_begun(struct core *core, const struct handover *begun)
{
	struct handover_log *log = &core->handovers;
	struct handover *h = handover_next(log);

	*h = *begun;
	h->gap = h->registration = h->first_packet = h->buffered = h->dropped = -1;
	HASH_ADD(hh, log->by_binding, binding, sizeof(h->binding), h);
	if (*h->from) {
		log->made[h->mode]++;
		histogram_add(&log->parts[h->mode][HANDOVER_SWITCHING], h->switching);
	}
	log_event(LOG_LEVEL_NOTICE,
		  &(struct log_about){.event = LOG_EVENT_SERVED, .terminal = h->nai, .peer = h->to},
		  "terminal %s: now served by %s, %s%s (%s)", h->nai, h->to,
		  *h->from ? "before by " : "first time", h->from, handover_mode_name(h->mode));
	if (core->control && control_subscribed(core->control))
		control_event(core->control, "binding",
			      json_pack("{ss ss ss sI ss sI}", "terminal", h->nai, "from", h->from,
					"to", h->to, "binding", (json_int_t)h->binding, "mode",
					handover_mode_name(h->mode), "switch_us",
					(json_int_t)h->switching));
}

/* What both ends and this core held, as far as they did. */
static int64_t sum(int64_t elsewhere, uint64_t here)
{
	if (here == 0)
		return elsewhere;
	return (int64_t)here + (elsewhere > 0 ? elsewhere : 0);
}

int64_t handover_buffered(const struct handover *h)
{
	return sum(h->buffered, h->held.released);
}

int64_t handover_dropped(const struct handover *h)
{
	return sum(h->dropped, hold_dropped(&h->held));
}

/* A number that may not have been told. */
static json_t *told(int64_t number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static void handover_event(struct core *core, const struct handover *h)
{
	if (core->control && control_subscribed(core->control))
		control_event(
			core->control, "handover",
			json_pack("{ss ss ss ss sI so so so so so}", "terminal", h->nai, "from",
				  h->from, "to", h->to, "mode", handover_mode_name(h->mode),
				  "switch_us", (json_int_t)h->switching, "gap_us", told(h->gap),
				  "registration_us", told(h->registration), "first_packet_us",
				  told(h->first_packet), "buffered", told(handover_buffered(h)),
				  "dropped", told(handover_dropped(h))));
}

void handover_held(struct core *core, uint64_t binding, const struct hold_counters *held)
{
	struct handover *h = handover_find(&core->handovers, binding);

	if (h)
		h->held = *held;
}

static int64_t number_of(const struct message *done, enum attribute a, uint32_t value)
{
	return message_has(done, a) ? (int64_t)value : -1;
}

static void sum_up(struct histogram parts[HANDOVER_PARTS], const struct handover *h)
{
	histogram_add(&parts[HANDOVER_GAP], h->gap);
	histogram_add(&parts[HANDOVER_REGISTRATION], h->registration);
	histogram_add(&parts[HANDOVER_FIRST_PACKET], h->first_packet);
}

/* One sentence, to be read aloud to whoever asks how it was. */
static void tell(const struct handover *h)
{
	int64_t buffered = handover_buffered(h), dropped = handover_dropped(h);
	char from[SNO_NAME_MAX + 16] = "", first[48] = "", held[100] = "";

	if (*h->from)
		snprintf(from, sizeof(from), " from %s", h->from);
	if (h->first_packet >= 0)
		snprintf(first, sizeof(first), ", first packet after %.1f ms",
			 (double)h->first_packet / 1e3);
	if (buffered > 0 || dropped > 0)
		snprintf(held, sizeof(held),
			 ", %lld packets held back and delivered, %lld given up",
			 buffered > 0 ? (long long)buffered : 0,
			 dropped > 0 ? (long long)dropped : 0);
	log_event(
		LOG_LEVEL_NOTICE,
		&(struct log_about){.event = LOG_EVENT_HANDOVER, .terminal = h->nai, .peer = h->to},
		"terminal %s: handed over%s to %s in mode %s, %.1f ms without a link, registered "
		"%.1f ms later%s%s",
		h->nai, from, h->to, handover_mode_name(h->mode), (double)h->gap / 1e3,
		(double)h->registration / 1e3, first, held);
}

void handover_measured(struct core *core, uint64_t binding, const struct message *done)
{
	struct handover *h = handover_find(&core->handovers, binding);

	/* Told again, or of a registration that was no handover. */
	if (!h || h->registration >= 0)
		return;
	h->gap = done->gap;
	h->registration = done->registration_time;
	h->first_packet = number_of(done, ATTR_FIRST_PACKET, done->first_packet);
	h->buffered = number_of(done, ATTR_BUFFERED, done->buffered);
	h->dropped = number_of(done, ATTR_DROPPED, done->dropped);
	if (*h->from)
		sum_up(core->handovers.parts[h->mode], h);
	tell(h);
	handover_event(core, h);
}

const struct handover *handover_kept(const struct handover_log *log, size_t i)
{
	if (i >= log->count)
		return NULL;
	return &log->ring[(log->next + HANDOVERS_KEPT - log->count + i) % HANDOVERS_KEPT];
}
