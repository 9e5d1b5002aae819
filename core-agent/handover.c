/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of handovers; see handover.h. */
#include "handover.h"

#include "control.h"
#include "core.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

void handover_begun(struct core *core, const char *nai, const char *from, const char *to,
		    uint64_t binding)
{
	struct handover_log *log = &core->handovers;
	struct handover *h = &log->ring[log->next];

	*h = (struct handover){
		.wall = clock_wall(), .gap = -1, .registration = -1, .binding = binding};
	snprintf(h->nai, sizeof(h->nai), "%s", nai);
	snprintf(h->from, sizeof(h->from), "%s", from);
	snprintf(h->to, sizeof(h->to), "%s", to);
	log->next = (log->next + 1) % HANDOVERS_KEPT;
	if (log->count < HANDOVERS_KEPT)
		log->count++;
	log_notice("terminal %s: now served by %s, %s%s", nai, to,
		   *from ? "before by " : "first time", from);
	if (core->control)
		control_event(core->control, "binding",
			      json_pack("{ss ss ss sI}", "terminal", nai, "from", from, "to", to,
					"binding", (json_int_t)binding));
}

void handover_measured(struct core *core, uint64_t binding, uint32_t gap, uint32_t registration)
{
	struct handover_log *log = &core->handovers;

	for (size_t i = 0; i < log->count; i++) {
		struct handover *h = &log->ring[i];

		if (h->binding != binding || h->registration >= 0)
			continue;
		h->gap = gap;
		h->registration = registration;
		log_info("terminal %s: handover %s -> %s: link gap %.1f ms, registered %.1f ms "
			 "after",
			 h->nai, *h->from ? h->from : "none", h->to, gap / 1e3, registration / 1e3);
		if (core->control)
			control_event(core->control, "handover",
				      json_pack("{ss ss ss sI sI}", "terminal", h->nai, "from",
						h->from, "to", h->to, "gap_us", (json_int_t)gap,
						"registration_us", (json_int_t)registration));
		return;
	}
}

static json_t *milliseconds(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1e3);
}

int handover_show(struct core *core, struct control_reply *reply)
{
	const struct handover_log *log = &core->handovers;

	control_columns(reply, "time:time", "terminal", "from", "to", "mode", "gap:ms",
			"registration:ms", NULL);
	for (size_t i = 0; i < log->count; i++) {
		size_t at = (log->next + HANDOVERS_KEPT - log->count + i) % HANDOVERS_KEPT;
		const struct handover *h = &log->ring[at];

		control_row(reply, "f s s s s o o", (double)h->wall / (double)USEC_PER_SEC, h->nai,
			    *h->from ? h->from : "none", h->to, "baseline", milliseconds(h->gap),
			    milliseconds(h->registration));
	}
	return 0;
}
