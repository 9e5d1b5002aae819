/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounts of bindings; see accounting.h. */
#include "accounting.h"

#include "control.h"
#include "core.h"

void accounting_open(const struct core *core, struct account *account, const struct path *path,
		     uint64_t binding, usec_t now)
{
	*account = (struct account){.binding = binding, .since = now};
	guard_traffic(core, path, &account->before);
}

bool accounting_look(const struct core *core, const struct account *account,
		     const struct path *path, struct guard_traffic *traffic)
{
	struct guard_traffic all;

	if (account->binding == 0 || !guard_traffic(core, path, &all))
		return false;
	*traffic = guard_traffic_since(&all, &account->before);
	return true;
}

void accounting_close(const struct core *core, struct account *account, const struct path *path,
		      const char *nai, const char *home, const char *serving, usec_t now)
{
	struct guard_traffic traffic;

	if (accounting_look(core, account, path, &traffic) && core->control)
		control_event(core->control, "accounting",
			      json_pack("{ss ss ss sI sI sI sI sI sI}", "terminal", nai, "home",
					home, "core", serving, "binding",
					(json_int_t)account->binding, "duration_us",
					(json_int_t)(now - account->since), "up_packets",
					(json_int_t)traffic.up.packets, "up_octets",
					(json_int_t)traffic.up.octets, "down_packets",
					(json_int_t)traffic.down.packets, "down_octets",
					(json_int_t)traffic.down.octets));
	*account = (struct account){0};
}
