/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real-time priority for moments; see urgent.h. */
#include "urgent.h"

void urgent_begin(struct urgency *before)
{
	const struct sched_param lowest = {.sched_priority = 1};

	before->policy = sched_getscheduler(0);
	before->raised = before->policy >= 0 && sched_getparam(0, &before->param) == 0 &&
			 before->policy == SCHED_OTHER &&
			 sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}

void urgent_end(const struct urgency *before)
{
	if (before->raised)
		sched_setscheduler(0, before->policy, &before->param);
}
