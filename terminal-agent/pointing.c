/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One order after the other; see pointing.h. */
#include "terminal-agent/pointing.h"

#include "log.h"

void pointing_init(struct pointing *p, struct links *links, const struct pointing_ops *ops)
{
	*p = (struct pointing){.links = links, .ops = *ops};
}

static int begin(struct pointing *p, struct link *link, usec_t now)
{
	int error;

	link->ordered = false;
	log_info("antenna %s: to satellite %s", link->antenna, link->name);
	links_aim(p->links, link, now);
	error = p->ops.start(p->ops.context, link->antenna, link->name);
	if (error < 0)
		return error;
	p->busy = true;
	p->current = link;
	return 0;
}

int pointing_order(struct pointing *p, struct link *link, usec_t now)
{
	if (p->busy && p->current == link)
		return 0;
	/* Of an antenna the last order counts. */
	link->twin->ordered = false;
	link->ordered = true;
	return p->busy ? 0 : begin(p, link, now);
}

void pointing_ended(struct pointing *p, int error, usec_t now)
{
	struct link *link = p->current;

	p->busy = false;
	p->current = NULL;
	if (link && error == 0 && link->aimed)
		links_aimed(p->links, link, now);
	if (link)
		p->ops.ended(p->ops.context, link, error);
	for (size_t i = 0; i < p->links->count && !p->busy; i++) {
		link = p->links->list[i];
		if (link->ordered && (error = begin(p, link, now)) < 0)
			p->ops.ended(p->ops.context, link, error);
	}
}

void pointing_forget(struct pointing *p, const struct link *link)
{
	if (p->current == link)
		p->current = NULL;
}
