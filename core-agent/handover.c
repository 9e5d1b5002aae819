/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of handovers; see handover.h. */
#include "handover.h"

#include "control.h"
#include "core.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

void handover_begun(struct core *core, const char *nai, const char *from, const char *to,
		    uint64_t binding, usec_t now)
{
	struct handover_log *log = &core->handovers;
	struct handover *h = &log->ring[log->next];

	*h = (struct handover){.at = now, .gap = -1, .registration = -1, .binding = binding};
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

const struct handover *handover_kept(const struct handover_log *log, size_t i)
{
	if (i >= log->count)
		return NULL;
	return &log->ring[(log->next + HANDOVERS_KEPT - log->count + i) % HANDOVERS_KEPT];
}
