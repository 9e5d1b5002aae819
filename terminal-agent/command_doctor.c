/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this terminal finds of itself and its links; see doctor.h. */
#include "terminal-agent/command_doctor.h"

#include <stdio.h>

#include "doctor.h"
#include "terminal-agent/agent.h"

static void look_at_keys(const struct agent *a, struct control_reply *reply)
{
	const struct config *c = a->config;

	doctor_key_file(reply, "own key", c->terminal.private_key_file, a->identity.keys.private);
	if (c->terminal.psk_file)
		doctor_key_file(reply, "key with home", c->terminal.psk_file, a->identity.psk);
}

static void look_at_registration(const struct agent *a, struct control_reply *reply)
{
	const struct session *s = &a->session;

	if (s->registration.valid && s->state == SESSION_REGISTERED)
		doctor_row(reply, "registration", DOCTOR_GOOD, NULL, "with %s, for %.0f s more",
			   s->registration.place.core, registration_left(&s->registration, a->now));
	else
		doctor_row(
			reply, "registration", DOCTOR_WRONG,
			s->state == SESSION_DOWN
				? "bring a link up, or register again: snoctl terminal connect"
				: "see the log for a refusal and its reason; without one no core "
				  "answers on the link",
			"none: %s", session_state_name(s->state));
}

static void look_at_links(const struct agent *a, struct control_reply *reply)
{
	for (size_t i = 0; i < a->links.count; i++) {
		const struct link *link = a->links.list[i];
		char check[SNO_NAME_MAX + 16];

		snprintf(check, sizeof(check), "link %s", link->name);
		if (!link->ifindex)
			doctor_row(reply, check, DOCTOR_WARNING,
				   "make the interface, or correct links",
				   "there is no interface %s", link->interface);
		else if (!link->ready)
			doctor_row(reply, check, DOCTOR_WARNING,
				   "nothing, where only one link is up at a time; else look at the "
				   "modem",
				   "%s: %s", link->interface,
				   !link->up	    ? "down"
				   : !link->carrier ? "no carrier"
						    : "not usable");
		else if (!link->advertised.core[0])
			doctor_row(reply, check, DOCTOR_WARNING,
				   "see whether the satellite is associated, and its core runs",
				   "%s: up, but no core is heard", link->interface);
		else
			doctor_row(reply, check, DOCTOR_GOOD, NULL, "%s: %s is heard",
				   link->interface, link->advertised.core);
	}
}

int command_doctor(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct agent *a = arg;

	control_filter(reply, request);
	doctor_begin(reply);
	look_at_keys(a, reply);
	look_at_registration(a, reply);
	look_at_links(a, reply);
	return 0;
}
