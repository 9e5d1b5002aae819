/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who says which core is served: order, plan, configuration, in this order. */
#include "sat-forwarder/schedule.h"

const char *source_text(enum source source)
{
	static const char *const texts[] = {"none", "configuration", "plan", "command"};

	return texts[source];
}

static bool order_holds(const struct order *order, usec_t wall)
{
	return order->given && wall < order->until;
}

/* Between its first and its last instant the plan decides, in its gaps too. */
static bool plan_holds(const struct plan *plan, usec_t wall)
{
	return plan->count && wall >= plan->rows[0].from && wall < plan_end(plan);
}

struct choice schedule_at(const struct schedule *schedule, usec_t wall)
{
	const struct plan *plan = &schedule->plan;
	const struct association *row;

	if (order_holds(&schedule->order, wall))
		return (struct choice){schedule->order.core, schedule->order.station, NULL,
				       SOURCE_ORDER, schedule->order.since};
	if (plan_holds(plan, wall)) {
		row = association_at(plan->rows, plan->count, wall);
		if (row)
			return (struct choice){row->core, row->station, row->via, SOURCE_PLAN,
					       row->from};
		return (struct choice){.source = SOURCE_PLAN};
	}
	if (schedule->core)
		return (struct choice){schedule->core, schedule->station, NULL,
				       SOURCE_CONFIGURATION, 0};
	return (struct choice){.source = SOURCE_NONE};
}

usec_t schedule_next(const struct schedule *schedule, usec_t wall)
{
	usec_t next = association_next(schedule->plan.rows, schedule->plan.count, wall);

	if (order_holds(&schedule->order, wall))
		next = usec_min(next, schedule->order.until);
	return next;
}

usec_t schedule_order_end(const struct schedule *schedule, usec_t wall)
{
	return association_next(schedule->plan.rows, schedule->plan.count, wall);
}
