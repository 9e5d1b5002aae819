/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the terminal is connected, and what its handovers have cost; see figures.h. */
#include "terminal-agent/figures.h"

#include "metrics.h"
#include "terminal-agent/agent.h"

static void gauge(FILE *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "gauge", help);
	metrics_number(out, value, name, NULL);
}

static void write_session(const struct agent *a, FILE *out)
{
	const struct session *s = &a->session;
	const struct registration *r = &s->registration;

	metrics_family(out, "sno_build_info", "gauge", "1; the version is a label.");
	metrics_number(out, 1, "sno_build_info", "version", SNO_VERSION, "daemon", "terminal-agent",
		       NULL);
	metrics_family(out, "sno_state", "gauge", "1 for the state that the terminal is in.");
	for (int state = SESSION_DOWN; state <= SESSION_SWITCHING; state++)
		metrics_number(out, s->state == (enum session_state)state, "sno_state", "state",
			       session_state_name((enum session_state)state), NULL);
	if (r->valid) {
		metrics_family(out, "sno_registration", "gauge", "1; where the terminal is.");
		metrics_number(out, 1, "sno_registration", "core", r->place.core, "satellite",
			       r->place.satellite, NULL);
		gauge(out, "sno_lifetime_seconds", "What is left of the registration.",
		      registration_left(r, a->now));
	}
}

static void write_types(FILE *out, const char *name, const uint64_t count[256])
{
	for (unsigned int type = 0; type < 256; type++)
		if (count[type])
			metrics_number(out, (double)count[type], name, "type",
				       message_type_name(type), NULL);
}

static void write_signalling(const struct counters *c, FILE *out)
{
	metrics_family(out, "sno_messages_sent_total", "counter", "Signalling messages sent.");
	write_types(out, "sno_messages_sent_total", c->sent);
	metrics_family(out, "sno_messages_received_total", "counter",
		       "Signalling messages received and taken.");
	write_types(out, "sno_messages_received_total", c->received);
	metrics_family(out, "sno_datagrams_dropped_total", "counter",
		       "Datagrams of signalling that were dropped, by reason.");
	for (int i = DROP_NONE + 1; i < DROP_COUNT; i++)
		metrics_number(out, (double)c->drops[i], "sno_datagrams_dropped_total", "reason",
			       drop_name(i), NULL);
	metrics_family(out, "sno_datagrams_unsent_total", "counter",
		       "Datagrams of signalling that the kernel did not send.");
	metrics_number(out, (double)c->unsent, "sno_datagrams_unsent_total", NULL);
}

static void write_hold(const struct hold *hold, FILE *out)
{
	const struct hold_counters *c = hold_counters(hold);

	gauge(out, "sno_hold_packets", "Packets that are held now.", (double)c->packets);
	metrics_family(out, "sno_hold_buffered_total", "counter", "Packets that were held.");
	metrics_number(out, (double)c->buffered, "sno_hold_buffered_total", NULL);
	metrics_family(out, "sno_hold_dropped_total", "counter",
		       "Packets that were to be held and were given up, by reason.");
	for (int i = 0; i < HOLD_DROPS; i++)
		metrics_number(out, (double)c->dropped[i], "sno_hold_dropped_total", "reason",
			       hold_drop_name((enum hold_drop)i), NULL);
}

static void write_handovers(const struct handovers *h, FILE *out)
{
	static const struct {
		const char *name, *help;
	} parts[HANDOVER_PARTS] = {
		[HANDOVER_GAP] = {"sno_handover_gap_seconds", "Time without a link."},
		[HANDOVER_REGISTRATION] = {"sno_handover_registration_seconds",
					   "From the first discovery to registration done."},
		[HANDOVER_FIRST_PACKET] = {"sno_handover_first_packet_seconds",
					   "From the new link to the first packet on it."},
	};

	for (int part = 0; part < HANDOVER_PARTS; part++) {
		metrics_family(out, parts[part].name, "histogram", parts[part].help);
		for (int mode = MODE_BASELINE; mode <= MODE_SOFT; mode++)
			metrics_histogram(out, &h->parts[mode][part], parts[part].name, "mode",
					  handover_mode_name((enum handover_mode)mode), NULL);
	}
	metrics_family(out, "sno_handovers_total", "counter", "Handovers made.");
	metrics_number(out, (double)h->total, "sno_handovers_total", NULL);
}

void figures_write(void *arg, FILE *out)
{
	const struct agent *a = arg;

	write_session(a, out);
	write_signalling(&a->counters, out);
	if (a->hold)
		write_hold(a->hold, out);
	write_handovers(&a->handovers, out);
}
