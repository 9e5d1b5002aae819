/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the satellite serves, and how well it keeps the plan's times; see figures.h. */
#include "sat-forwarder/figures.h"

#include "families.h"
#include "metrics.h"
#include "sat-forwarder/satellite.h"

void figures_write(void *arg, FILE *out)
{
	const struct satellite *s = arg;
	const struct counters *c = &s->counters;

	family_build(out, "sat-forwarder");
	metrics_family(out, "sno_association", "gauge", "1; what the satellite serves.");
	if (s->served.core[0])
		metrics_number(out, 1, "sno_association", "core", s->served.core, "station",
			       s->served.station, "source", source_text(s->source), NULL);
	family_single(out, "sno_forwarding", "gauge", "1 while frames pass.",
		      forwarding_passes(&s->forwarding));
	metrics_family(out, "sno_association_changes_total", "counter",
		       "Associations that changed, by who said so.");
	metrics_number(out, (double)c->by_plan, "sno_association_changes_total", "source", "plan",
		       NULL);
	metrics_number(out, (double)c->by_order, "sno_association_changes_total", "source",
		       "command", NULL);
	metrics_number(out, (double)c->by_configuration, "sno_association_changes_total", "source",
		       "configuration", NULL);
	family_single(out, "sno_association_failures_total", "counter",
		      "Changes that the kernel refused and that were tried again.",
		      (double)c->failures);
	family_single(out, "sno_reloads_total", "counter", "Reloads of configuration and plan.",
		      (double)c->reloads);
	family_single(out, "sno_reloads_refused_total", "counter", "Those that were refused.",
		      (double)c->refused_reloads);
	metrics_family(out, "sno_association_lateness_seconds", "gauge",
		       "By how much planned changes came late.");
	metrics_number(out, (double)c->late / (double)USEC_PER_SEC,
		       "sno_association_lateness_seconds", "change", "last", NULL);
	metrics_number(out, (double)c->latest / (double)USEC_PER_SEC,
		       "sno_association_lateness_seconds", "change", "worst", NULL);
}
