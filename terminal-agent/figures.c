/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the terminal is connected, and what its handovers have cost; see figures.h. */
#include "terminal-agent/figures.h"

#include "families.h"
#include "metrics.h"
#include "terminal-agent/agent.h"

static void write_session(const struct agent *a, FILE *out)
{
	const struct session *s = &a->session;
	const struct registration *r = &s->registration;

	family_build(out, "terminal-agent");
	metrics_family(out, "sno_state", "gauge", "1 for the state that the terminal is in.");
	for (int state = SESSION_DOWN; state <= SESSION_SWITCHING; state++)
		metrics_number(out, s->state == (enum session_state)state, "sno_state", "state",
			       session_state_name((enum session_state)state), NULL);
	if (r->valid) {
		metrics_family(out, "sno_registration", "gauge", "1; where the terminal is.");
		metrics_number(out, 1, "sno_registration", "core", r->place.core, "satellite",
			       r->place.satellite, NULL);
		family_single(out, "sno_lifetime_seconds", "gauge",
			      "What is left of the registration.", registration_left(r, a->now));
	}
}

static void write_signalling(const struct counters *c, FILE *out)
{
	const struct family_messages only = {.sent = c->sent, .received = c->received};

	family_messages(out, &only, 1);
	family_drops(out, c->drops);
	family_single(out, "sno_datagrams_unsent_total", "counter",
		      "Datagrams of signalling that the kernel did not send.", (double)c->unsent);
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
	family_single(out, "sno_handovers_total", "counter", "Handovers made.", (double)h->total);
}

void figures_write(void *arg, FILE *out)
{
	const struct agent *a = arg;

	write_session(a, out);
	write_signalling(&a->counters, out);
	if (a->holding.hold)
		family_hold(out, a->holding.hold);
	write_handovers(&a->handovers, out);
}
