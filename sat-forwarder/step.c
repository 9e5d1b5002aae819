/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single changes of actions and filters: made only where the mirror differs, noted in a journal,
 * undone in reverse.
 */
#include "sat-forwarder/forwarding_private.h"

#include <errno.h>

#include "kernel_tc.h"
#include "log.h"

/* The kernel lets go of an action only after the filter's grace period (RCU). */
#define TIDY_AGAIN (100 * USEC_PER_MSEC)

static struct step *note(struct journal *j)
{
	return &j->steps[j->count++];
}

int step_point(struct forwarding *f, struct journal *j, struct action *action, unsigned int ifindex)
{
	struct kernel_redirect redirect = {action->index, ifindex};
	int err;

	if (action->exists && action->ifindex == ifindex)
		return 0;
	err = kernel_tc_redirect_replace(f->kernel, &redirect);
	if (err)
		return err;
	*note(j) = (struct step){.action = action, .before = *action};
	action->exists = true;
	action->ifindex = ifindex;
	return 0;
}

static int put_filter(struct forwarding *f, const struct port *port, uint32_t action)
{
	struct kernel_filter filter = {port->ifindex, port->priority, action};

	return action ? kernel_tc_filter_replace(f->kernel, &filter)
		      : kernel_tc_filter_delete(f->kernel, &filter);
}

int step_filter(struct forwarding *f, struct journal *j, struct port *port,
		const struct action *action)
{
	uint32_t index = action ? action->index : 0;
	int err;

	if (port->filter == index)
		return 0;
	err = put_filter(f, port, index);
	if (err)
		return err;
	*note(j) = (struct step){.port = port, .filter = port->filter};
	port->filter = index;
	return 0;
}

static int undo_action(struct forwarding *f, const struct step *step)
{
	struct kernel_redirect redirect = {step->action->index, step->before.ifindex};
	int err = 0;

	if (!step->before.exists)
		err = kernel_tc_redirect_delete(f->kernel, &redirect);
	else if (step->before.ifindex)
		err = kernel_tc_redirect_replace(f->kernel, &redirect);
	/* -EPERM: still bound for a moment, and step_tidy() removes it. */
	if (err == -EPERM)
		return 0;
	if (!err)
		*step->action = step->before;
	return err;
}

static int undo_filter(struct forwarding *f, const struct step *step)
{
	int err = put_filter(f, step->port, step->filter);

	if (!err)
		step->port->filter = step->filter;
	return err;
}

void step_undo(struct forwarding *f, struct journal *j)
{
	while (j->count) {
		const struct step *step = &j->steps[--j->count];

		if (step->action ? undo_action(f, step) : undo_filter(f, step))
			log_warnx("satellite %s: cannot undo: %s", f->satellite,
				  kernel_error(f->kernel));
	}
}

static int adopt_redirect(const struct kernel_redirect *redirect, void *arg)
{
	struct forwarding *f = arg;
	struct action *a = redirect->index == f->up.index     ? &f->up
			   : redirect->index == f->down.index ? &f->down
							      : NULL;

	if (a) {
		a->exists = true;
		a->ifindex = redirect->ifindex;
	}
	return 0;
}

static int adopt_filter(const struct kernel_filter *filter, void *arg)
{
	struct port *port = arg;

	if (filter->priority == port->priority)
		port->filter = filter->action;
	return 0;
}

static int adopt_port(struct forwarding *f, struct port *port)
{
	port->filter = 0;
	return port->ready ? kernel_tc_filter_each(f->kernel, port->ifindex, adopt_filter, port)
			   : 0;
}

int step_adopt(struct forwarding *f)
{
	int err;

	f->up.exists = f->down.exists = false;
	err = kernel_tc_redirect_each(f->kernel, adopt_redirect, f);
	if (!err)
		err = adopt_port(f, &f->access);
	for (size_t i = 0; !err && i < f->count; i++)
		err = adopt_port(f, &f->feeders[i]->port);
	return err;
}

static void tidy(struct forwarding *f, struct action *action, usec_t now)
{
	struct kernel_redirect redirect = {action->index, 0};
	int err = kernel_tc_redirect_delete(f->kernel, &redirect);

	if (!err)
		action->exists = false;
	else
		f->tidy_at = usec_min(f->tidy_at, now + TIDY_AGAIN);
	if (err && err != -EPERM)
		log_debug("satellite %s: %s", f->satellite, kernel_error(f->kernel));
}

void step_tidy(struct forwarding *f, usec_t now)
{
	bool used = false;

	f->tidy_at = USEC_NEVER;
	for (size_t i = 0; i < f->count; i++)
		used |= f->feeders[i]->port.filter == f->down.index;
	if (f->down.exists && !used)
		tidy(f, &f->down, now);
	if (f->up.exists && f->access.filter != f->up.index)
		tidy(f, &f->up, now);
}
