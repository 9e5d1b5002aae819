/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this satellite finds of its ports and its plan; see doctor.h. */
#include "sat-forwarder/command_doctor.h"

#include <stdio.h>

#include "doctor.h"
#include "sat-forwarder/relays.h"
#include "sat-forwarder/satellite.h"
#include "sat-forwarder/show.h"

#define SOON (3600 * USEC_PER_SEC) /* a plan that ends within that is worth a word */

static void look_at_port(const struct port *port, const char *role, bool needed,
			 struct control_reply *reply)
{
	enum doctor_state bad = needed ? DOCTOR_WRONG : DOCTOR_WARNING;
	char check[KERNEL_NAME + 16];

	snprintf(check, sizeof(check), "%s %s", role, port->name);
	if (!port->ready)
		doctor_row(reply, check, bad, "make the interface, or correct the configuration",
			   "%s", port->trouble);
	else if (!port->up || !port->carrier)
		doctor_row(reply, check, bad, "look at the line: ip link show",
			   port->up ? "no carrier" : "down");
	else
		doctor_row(reply, check, DOCTOR_GOOD, NULL, "up, MTU %u", port->mtu);
}

static void look_at_plan(const struct satellite *s, struct control_reply *reply)
{
	const char *path = s->config->association.file;
	usec_t end = plan_end(&s->schedule.plan), wall = show_instant().wall;

	if (!path)
		return;
	/* It may be there for its neighbours alone. */
	for (size_t i = 0; i < s->relay_count; i++) {
		usec_t other = plan_end(&s->relays[i].satellite.schedule.plan);

		end = other > end ? other : end;
	}
	if (end <= wall)
		doctor_row(reply, "plan", DOCTOR_WRONG,
			   "put a newer file there (sno-plan associate), and reload",
			   "%s: it is over", path);
	else if (end < wall + SOON)
		doctor_row(reply, "plan", DOCTOR_WARNING,
			   "put a newer file there (sno-plan associate), and reload",
			   "%s: it ends in %.0f s", path,
			   (double)(end - wall) / (double)USEC_PER_SEC);
	else
		doctor_row(reply, "plan", DOCTOR_GOOD, NULL, "%s: %.0f h are ahead", path,
			   (double)(end - wall) / 3600 / (double)USEC_PER_SEC);
}

int command_doctor(void *arg, const json_t *request, struct control_reply *reply)
{
	const struct satellite *s = arg;
	const struct forwarding *f = &s->forwarding;

	control_filter(reply, request);
	doctor_begin(reply);
	look_at_port(&f->access, "access", true, reply);
	for (size_t i = 0; i < f->count; i++)
		look_at_port(&f->feeders[i]->port, "feeder", f->feeders[i] == f->serving, reply);
	if (!f->serving)
		doctor_row(reply, "association", DOCTOR_WARNING,
			   "give one (snoctl associate CORE), or a plan that has one now",
			   "none: frames are dropped");
	else
		doctor_row(reply, "association", DOCTOR_GOOD, NULL, "with %s", f->serving->core);
	look_at_plan(s, reply);
	return 0;
}
