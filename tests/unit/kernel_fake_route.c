/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and routes of the kernel in memory.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN  254
#define LOCAL 255

/* ---- rules ---------------------------------------------------------------------------------- */

static void rule_key(char key[FAKE_KEY], const struct kernel_rule *r)
{
	char from[PREFIX_TEXT], to[PREFIX_TEXT], ports[32] = "";

	if (r->proto)
		snprintf(ports, sizeof(ports), " proto %u port %u", r->proto, r->dport);
	snprintf(key, FAKE_KEY, "%s priority %u iif %s from %s to %s%s table %u",
		 r->family == AF_INET ? "inet" : "inet6", r->priority, r->iif[0] ? r->iif : "any",
		 prefix_format(&r->from, from), prefix_format(&r->to, to), ports, r->table);
}

int kernel_rule_add(struct kernel *k, const struct kernel_rule *rule)
{
	char key[FAKE_KEY];
	int err;

	rule_key(key, rule);
	err = fake_change(k, "rule add %s", key);
	if (!err && !rule->table)
		err = fake_refuse(k, -EINVAL);
	if (!err)
		fake_put(FAKE_RULE, key)->rule = *rule;
	return err;
}

int kernel_rule_delete(struct kernel *k, const struct kernel_rule *rule)
{
	char key[FAKE_KEY];
	int err;

	rule_key(key, rule);
	err = fake_change(k, "rule delete %s", key);
	if (!err)
		fake_remove(fake_find(FAKE_RULE, key));
	return err;
}

int kernel_rule_each(struct kernel *k, kernel_rule_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_RULE, rule, true);
}

/* ---- routes --------------------------------------------------------------------------------- */

/* The route as the kernel would show it: table and metric are never left open. */
static struct kernel_route route_normal(const struct kernel_route *r)
{
	struct kernel_route n = *r;

	if (!n.table)
		n.table = n.type == KERNEL_ROUTE_LOCAL ? LOCAL : MAIN;
	if (!n.metric && n.dst.addr.family == AF_INET6)
		n.metric = 1024;
	if (!n.oif && n.type == KERNEL_ROUTE_LOCAL)
		n.oif = 1;
	return n;
}

static void route_key(char key[FAKE_KEY], const struct kernel_route *r)
{
	char text[PREFIX_TEXT];

	snprintf(key, FAKE_KEY, "%s table %u metric %u", prefix_format(&r->dst, text), r->table,
		 r->metric);
}

/* kernel_route_text() with the interface's name, which outlives its index. */
const char *fake_route_words(const struct kernel_route *r, char text[FAKE_TEXT])
{
	struct kernel_route without = *r;
	size_t used;

	without.oif = 0;
	kernel_route_text(&without, text);
	used = strlen(text);
	if (r->oif)
		snprintf(text + used, FAKE_TEXT - used, " dev %s", fake_link_name(r->oif));
	return text;
}

int kernel_route_replace(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	const struct fake_link *link = fake_link_of(r.oif);
	char key[FAKE_KEY], text[FAKE_TEXT];
	int err;

	err = fake_change(k, "route replace %s", fake_route_words(&r, text));
	if (err)
		return err;
	if (r.oif && !link)
		return fake_refuse(k, -ENODEV);
	if (r.oif && !link->link.up)
		return fake_refuse(k, -ENETDOWN);
	if (!addr_none(&r.encap.dst) && (!link || !link->link.external))
		return fake_refuse(k, -EINVAL);
	if (!addr_none(&r.encap.dst) && r.encap.src.family != r.encap.dst.family)
		return fake_refuse(k, -EINVAL);
	r.protocol = KERNEL_PROTOCOL;
	route_key(key, &r);
	fake_put(FAKE_ROUTE, key)->route = r;
	return 0;
}

int kernel_route_delete(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	const struct fake_object *o;
	char key[FAKE_KEY];
	int err;

	route_key(key, &r);
	err = fake_change(k, "route delete %s", key);
	o = fake_find(FAKE_ROUTE, key);
	if (!err && o && o->route.protocol == KERNEL_PROTOCOL)
		fake_remove(o);
	return err;
}

int kernel_route_each(struct kernel *k, kernel_route_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_ROUTE, route, o->route.protocol == KERNEL_PROTOCOL);
}

int kernel_route_foreign(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	const struct fake_object *o;
	char key[FAKE_KEY];

	(void)k;
	route_key(key, &r);
	o = fake_find(FAKE_ROUTE, key);
	return o && o->route.protocol != KERNEL_PROTOCOL;
}

void kernel_fake_route(const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	char key[FAKE_KEY];

	r.protocol = 4;
	route_key(key, &r);
	fake_put(FAKE_ROUTE, key)->route = r;
}

int kernel_route_lookup(struct kernel *k, const struct addr *dst, struct kernel_route *route)
{
	const struct kernel_route *r, *best = NULL;
	char text[ADDR_TEXT];
	size_t i;

	memset(route, 0, sizeof(*route));
	for (i = 0; i < fake.count; i++) {
		r = &fake.objects[i]->route;
		if (fake.objects[i]->kind == FAKE_ROUTE && r->table == MAIN &&
		    prefix_contains(&r->dst, dst) &&
		    (!best || r->dst.length > best->dst.length ||
		     (r->dst.length == best->dst.length && r->metric < best->metric)))
			best = r;
	}
	if (!best) {
		snprintf(k->error, sizeof(k->error),
			 "route to %s: Network is unreachable (ENETUNREACH)",
			 addr_format(dst, text));
		return -ENETUNREACH;
	}
	*route = *best;
	return 0;
}
