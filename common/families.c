/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures that daemons have in common; see families.h. */
#include "families.h"

#include "metrics.h"

void family_single(FILE *out, const char *name, const char *type, const char *help, double value)
{
	metrics_family(out, name, type, help);
	metrics_number(out, value, name, NULL);
}

void family_build(FILE *out, const char *daemon)
{
	metrics_family(out, "sno_build_info", "gauge", "1; the version is a label.");
	metrics_number(out, 1, "sno_build_info", "version", SNO_VERSION, "daemon", daemon, NULL);
}

static void write_types(FILE *out, const char *name, const char *side, const uint64_t *count)
{
	for (unsigned int type = 0; type < 256; type++) {
		const char *type_name = message_type_name((enum message_type)type);

		if (count[type] && side)
			metrics_number(out, (double)count[type], name, "side", side, "type",
				       type_name, NULL);
		else if (count[type])
			metrics_number(out, (double)count[type], name, "type", type_name, NULL);
	}
}

void family_messages(FILE *out, const struct family_messages *sides, size_t count)
{
	metrics_family(out, "sno_messages_sent_total", "counter", "Signalling messages sent.");
	for (size_t i = 0; i < count; i++)
		write_types(out, "sno_messages_sent_total", sides[i].side, sides[i].sent);
	metrics_family(out, "sno_messages_received_total", "counter",
		       "Signalling messages received and taken.");
	for (size_t i = 0; i < count; i++)
		write_types(out, "sno_messages_received_total", sides[i].side, sides[i].received);
}

void family_drops(FILE *out, const uint64_t drops[DROP_COUNT])
{
	metrics_family(out, "sno_datagrams_dropped_total", "counter",
		       "Datagrams of signalling that were dropped, by reason.");
	for (int i = DROP_NONE + 1; i < DROP_COUNT; i++)
		metrics_number(out, (double)drops[i], "sno_datagrams_dropped_total", "reason",
			       drop_name(i), NULL);
}

void family_hold(FILE *out, const struct hold *hold)
{
	const struct hold_counters *c = hold_counters(hold);

	family_single(out, "sno_hold_packets", "gauge", "Packets that are held now.",
		      (double)c->packets);
	family_single(out, "sno_hold_buffered_total", "counter", "Packets that were held.",
		      (double)c->buffered);
	metrics_family(out, "sno_hold_dropped_total", "counter",
		       "Packets that were to be held and were given up, by reason.");
	for (int i = 0; i < HOLD_DROPS; i++)
		metrics_number(out, (double)c->dropped[i], "sno_hold_dropped_total", "reason",
			       hold_drop_name((enum hold_drop)i), NULL);
}
