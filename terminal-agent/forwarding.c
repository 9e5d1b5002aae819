/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a plan to objects, and back to the plan when the kernel has lost some.
 *
 * The order of the list is the order of installation: a route needs its source address and its
 * neighbour, a rule its table. A default route without a home address of that family is not made.
 */
#include "terminal-agent/forwarding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/objects.h"
#include "terminal-agent/port.h"

#define TABLE_MAIN     254
#define TABLE_OWN      KERNEL_TABLE_BASE
#define PRIORITY_HOMES KERNEL_RULE_PRIORITY_MIN	      /* packets from the home addresses */
#define PRIORITY_HOSTS (KERNEL_RULE_PRIORITY_MIN + 1) /* packets from hosts behind */
#define METRIC_LAST    UINT32_MAX /* below every route to a part of the prefix */
#define INSIDE_LENGTH  64	  /* of the on-link prefix there (RFC 4291 section 2.5.1) */

struct forwarding {
	struct kernel *kernel;
	struct forwarding_settings settings;
	struct forwarding_plan plan;
	struct objects objects;
	unsigned int loopback;
	unsigned int inside; /* the inside interface as last looked up; 0: look again */
	bool link_up;	     /* the link of the plan is administratively up */
	bool incomplete;     /* the inside interface is missing */
	bool routing;	     /* for hosts behind: the kernel's forwarding is switched on */
};

static int find_loopback(const struct kernel_link *link, void *arg)
{
	unsigned int *ifindex = arg;

	if (link->loopback)
		*ifindex = link->ifindex;
	return 0;
}

struct forwarding *forwarding_new(struct kernel *kernel, const struct forwarding_settings *settings)
{
	struct forwarding *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->kernel = kernel;
	f->settings = *settings;
	if (kernel_link_each(kernel, find_loopback, &f->loopback) < 0 || !f->loopback) {
		log_error("no loopback interface for the home addresses: %s", kernel_error(kernel));
		free(f);
		return NULL;
	}
	return f;
}

void forwarding_free(struct forwarding *f)
{
	if (!f)
		return;
	objects_free(&f->objects);
	free(f);
}

const struct forwarding_plan *forwarding_plan(const struct forwarding *f)
{
	return &f->plan;
}

int forwarding_adopt(struct forwarding *f)
{
	int error = objects_collect(f->kernel, &f->objects);

	if (error < 0) {
		log_warnx("cannot look for what an earlier run left: %s", kernel_error(f->kernel));
		return error;
	}
	if (f->objects.count > 0)
		log_info("adopted %zu kernel objects of an earlier run", f->objects.count);
	for (size_t i = 0; i < f->objects.count; i++) {
		const struct object *object = &f->objects.list[i];

		if (object->kind == OBJECT_ROUTE && object->route.dst.length == 0 &&
		    object->route.type == KERNEL_ROUTE_UNICAST)
			return (int)object->route.oif;
	}
	return 0;
}

/* ---- from plan to objects --------------------------------------------------------------- */

/* What the plan means under these settings on this machine. */
struct builder {
	const struct forwarding *f;
	const struct forwarding_settings *settings;
	const struct forwarding_plan *plan;
	unsigned int inside; /* 0: none */
	struct objects *out;
	int error; /* the first one; later additions do nothing */
};

static void build_address(struct builder *b, unsigned int ifindex, const struct addr *addr,
			  uint8_t length)
{
	if (b->error == 0)
		b->error = objects_add_address(b->out, &(struct kernel_address){.ifindex = ifindex,
										.addr = *addr,
										.length = length,
										.nodad = true});
}

static void build_route(struct builder *b, const struct kernel_route *route)
{
	if (b->error == 0)
		b->error = objects_add_route(b->out, route);
}

static void build_rule(struct builder *b, uint32_t priority, const struct prefix *from,
		       const char *iif)
{
	struct kernel_rule rule = {.family = from->addr.family,
				   .priority = priority,
				   .from = *from,
				   .table = TABLE_OWN};

	snprintf(rule.iif, sizeof(rule.iif), "%s", iif);
	if (b->error == 0)
		b->error = objects_add_rule(b->out, &rule);
}

static void build_default(struct builder *b, const struct addr *hoa, uint32_t table)
{
	static const struct addr none;

	if (addr_none(hoa) || !b->plan->ifindex)
		return;
	build_route(b, &(struct kernel_route){.dst = {.addr = {.family = hoa->family}},
					      .table = table,
					      .metric = b->settings->metric,
					      .oif = b->plan->ifindex,
					      .gateway = b->plan->held ? none : port_gateway,
					      .prefsrc = *hoa,
					      .mtu = b->plan->mtu,
					      .mtu_lock = b->plan->mtu != 0});
}

/* The part of the delegated prefix that is used on the inside interface: its first /64. */
static struct prefix inside_prefix(const struct prefix *delegated)
{
	struct prefix inside = *delegated;

	if (inside.length < INSIDE_LENGTH)
		inside.length = INSIDE_LENGTH;
	return inside;
}

static void build_delegated(struct builder *b)
{
	const struct prefix *delegated = &b->plan->delegated;
	struct prefix inside = inside_prefix(delegated);
	struct addr address = inside.addr;

	build_route(b, &(struct kernel_route){.dst = *delegated,
					      .table = TABLE_MAIN,
					      .metric = METRIC_LAST,
					      .type = KERNEL_ROUTE_UNREACHABLE});
	if (!b->inside)
		return;
	address.bytes[15] |= 1;
	build_address(b, b->inside, &address, inside.length);
	build_route(b, &(struct kernel_route){.dst = inside,
					      .table = TABLE_OWN,
					      .metric = b->settings->metric,
					      .oif = b->inside});
}

/* What a handover changes, the default routes, stands together: one batch for the kernel. */
static int build(struct builder *b)
{
	const struct forwarding_plan *plan = b->plan;
	bool delegated = !prefix_none(&plan->delegated) && b->settings->inside[0];
	bool own = !b->settings->install_default;

	if (!addr_none(&plan->hoa4))
		build_address(b, b->f->loopback, &plan->hoa4, 32);
	if (!addr_none(&plan->hoa6))
		build_address(b, b->f->loopback, &plan->hoa6, 128);
	if (plan->ifindex && !plan->held && b->error == 0)
		b->error = objects_add_neighbour(
			b->out,
			&(struct kernel_neighbour){plan->ifindex, port_gateway, plan->gateway});
	if (b->settings->install_default) {
		build_default(b, &plan->hoa4, TABLE_MAIN);
		build_default(b, &plan->hoa6, TABLE_MAIN);
	} else {
		build_default(b, &plan->hoa4, TABLE_OWN);
	}
	if (delegated || own)
		build_default(b, &plan->hoa6, TABLE_OWN);
	if (delegated) {
		build_delegated(b);
		build_rule(b, PRIORITY_HOSTS, &plan->delegated, b->settings->inside);
	}
	if (own && !addr_none(&plan->hoa4))
		build_rule(b, PRIORITY_HOMES, &(struct prefix){plan->hoa4, 32}, "");
	if (own && !addr_none(&plan->hoa6))
		build_rule(b, PRIORITY_HOMES, &(struct prefix){plan->hoa6, 128}, "");
	return b->error;
}

/* ---- changing --------------------------------------------------------------------------- */

/* Switches forwarding on for hosts behind; *was_off says whether to switch it off on undo. */
static int enable_forwarding(struct forwarding *f, bool *was_off)
{
	char value[16];
	int error;

	*was_off = kernel_sysctl_get(f->kernel, "net/ipv6/conf", "all", "forwarding", value,
				     sizeof(value)) == 0 &&
		   strcmp(value, "0") == 0;
	error = kernel_sysctl_set(f->kernel, "net/ipv6/conf", "all", "forwarding", "1");
	if (error < 0)
		log_warnx("cannot forward for the hosts behind: %s", kernel_error(f->kernel));
	return error;
}

/* The interface of the hosts behind, 0 when it is not there (now). */
static int find_inside(struct forwarding *f, const struct forwarding_settings *settings,
		       unsigned int *ifindex)
{
	struct kernel_link link;
	int error;

	*ifindex = f->inside;
	if (f->inside && settings == &f->settings)
		return 0;
	error = kernel_link_find(f->kernel, settings->inside, &link);
	*ifindex = error == 0 ? link.ifindex : 0;
	if (error == -ENODEV) {
		log_warnx("delegated.interface %s is not there: hosts behind it have to wait",
			  settings->inside);
		return 0;
	}
	if (error < 0)
		log_warnx("delegated.interface: %s", kernel_error(f->kernel));
	return error;
}

static int change(struct forwarding *f, const struct forwarding_settings *settings,
		  const struct forwarding_plan *plan)
{
	struct objects wanted = {0};
	struct builder b = {.f = f, .settings = settings, .plan = plan, .out = &wanted};
	bool delegated = !prefix_none(&plan->delegated) && settings->inside[0], was_off = false;
	int error = 0;

	if (delegated)
		error = find_inside(f, settings, &b.inside);
	if (error == 0 && (error = build(&b)) < 0)
		log_warn_errno(error, "cannot plan the forwarding state");
	if (error == 0 && delegated && !f->routing)
		error = enable_forwarding(f, &was_off);
	if (error == 0)
		error = objects_change(f->kernel, &f->objects, &wanted);
	if (error < 0) {
		if (was_off &&
		    kernel_sysctl_set(f->kernel, "net/ipv6/conf", "all", "forwarding", "0") < 0)
			log_error("cannot undo: %s", kernel_error(f->kernel));
		objects_free(&wanted);
		return error;
	}
	f->inside = b.inside;
	f->routing = delegated;
	f->incomplete = delegated && !b.inside;
	return 0;
}

int forwarding_apply(struct forwarding *f, const struct forwarding_plan *plan)
{
	int error = change(f, &f->settings, plan);

	if (error == 0) {
		f->link_up = true;
		f->plan = *plan;
	}
	return error;
}

int forwarding_withdraw(struct forwarding *f)
{
	int error = forwarding_apply(f, &(struct forwarding_plan){0});

	return error == 0 && f->objects.count > 0 ? -EBUSY : error;
}

int forwarding_configure(struct forwarding *f, const struct forwarding_settings *settings)
{
	/* Before the first plan there is nothing to change, and adopted objects stay. */
	int error = f->plan.ifindex ? change(f, settings, &f->plan) : 0;

	if (error == 0)
		f->settings = *settings;
	return error;
}

/* ---- losing and repairing --------------------------------------------------------------- */

/* It cannot be put back while its link is down. */
static bool needs_link(const struct forwarding *f, const struct object *object)
{
	if (object->kind == OBJECT_ROUTE)
		return object->route.oif == f->plan.ifindex;
	return object->kind == OBJECT_NEIGHBOUR;
}

/* Something was taken away: was it ours, and what went with it unsaid? */
static bool lose(struct forwarding *f, const struct object *gone)
{
	struct object *object = objects_find(&f->objects, gone);

	if (!object || object->lost)
		return false;
	object->lost = true;
	for (size_t i = 0; i < f->objects.count && gone->kind == OBJECT_ADDRESS; i++)
		if (f->objects.list[i].kind == OBJECT_ROUTE &&
		    addr_equal(&f->objects.list[i].route.prefsrc, &gone->address.addr))
			f->objects.list[i].lost = true;
	return f->link_up || !needs_link(f, object);
}

static bool lose_link(struct forwarding *f)
{
	f->link_up = false;
	for (size_t i = 0; i < f->objects.count; i++)
		if (needs_link(f, &f->objects.list[i]))
			f->objects.list[i].lost = true;
	return false;
}

static bool any_lost(const struct forwarding *f)
{
	for (size_t i = 0; i < f->objects.count; i++)
		if (f->objects.list[i].lost)
			return true;
	return false;
}

static bool link_event(struct forwarding *f, const struct kernel_link *link)
{
	if (link->ifindex == f->inside && strcmp(link->name, f->settings.inside) != 0)
		f->inside = 0; /* renamed */
	if (f->incomplete && strcmp(link->name, f->settings.inside) == 0)
		return true;
	if (link->ifindex != f->plan.ifindex || !f->plan.ifindex)
		return false;
	if (!link->up)
		return lose_link(f);
	f->link_up = true;
	return any_lost(f);
}

/* An object as it is now: somebody else may have changed it. */
static bool check(struct forwarding *f, const struct object *now)
{
	struct object *object = objects_find(&f->objects, now);

	if (!object)
		return false;
	object->seen = true;
	return !object_equal(object, now) && lose(f, now);
}

static bool resynchronised(struct forwarding *f)
{
	for (size_t i = 0; i < f->objects.count; i++) {
		struct object *object = &f->objects.list[i];

		if (!object->seen && object->kind != OBJECT_RULE)
			object->lost = true;
	}
	return f->link_up && any_lost(f);
}

/* The object that an event speaks of. */
static struct object event_object(const struct kernel_event *event)
{
	struct object object = {0};

	switch (event->type) {
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_ROUTE_GONE:
		object.kind = OBJECT_ROUTE;
		object.route = event->route;
		break;
	case KERNEL_EVENT_NEIGHBOUR:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		object.kind = OBJECT_NEIGHBOUR;
		object.neighbour = event->neighbour;
		break;
	default:
		object.kind = OBJECT_ADDRESS;
		object.address = event->address;
	}
	return object;
}

bool forwarding_event(struct forwarding *f, const struct kernel_event *event)
{
	struct object object;

	switch (event->type) {
	case KERNEL_EVENT_LINK:
		return link_event(f, &event->link);
	case KERNEL_EVENT_LINK_GONE:
		if (event->link.ifindex == f->inside)
			f->inside = 0;
		return event->link.ifindex == f->plan.ifindex && lose_link(f);
	case KERNEL_EVENT_ADDRESS:
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_NEIGHBOUR:
		object = event_object(event);
		return check(f, &object);
	case KERNEL_EVENT_ADDRESS_GONE:
	case KERNEL_EVENT_ROUTE_GONE:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		object = event_object(event);
		return lose(f, &object);
	case KERNEL_EVENT_RESYNC_BEGIN:
		f->inside = 0;
		for (size_t i = 0; i < f->objects.count; i++)
			f->objects.list[i].seen = false;
		return false;
	case KERNEL_EVENT_RESYNC:
		return resynchronised(f);
	}
	return false;
}

int forwarding_repair(struct forwarding *f)
{
	if (!f->link_up || !f->plan.ifindex || (!any_lost(f) && !f->incomplete))
		return 0;
	log_notice("putting back addresses or routes that somebody has removed");
	return change(f, &f->settings, &f->plan);
}
