/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links of the kernel in memory, and what belongs to one: bridges, tunnels, addresses, neighbours.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- links ---------------------------------------------------------------------------------- */

struct fake_link *fake_link_make(const char *name, const char *kind)
{
	struct fake_link *link = &fake_put(FAKE_LINK, name)->link;

	link->link.ifindex = ++fake.last_ifindex;
	link->link.mtu = 1500;
	link->carrier = true;
	link->link.mac.bytes[0] = 0x02;
	link->link.mac.bytes[5] = (uint8_t)link->link.ifindex;
	link->port = (struct kernel_bridge_port){
		.learning = true, .flood = true, .mcast_flood = true, .bcast_flood = true};
	snprintf(link->link.name, sizeof(link->link.name), "%s", name);
	snprintf(link->link.kind, sizeof(link->link.kind), "%s", kind ? kind : "");
	return link;
}

unsigned int kernel_fake_link(const char *name, const char *kind)
{
	return fake_link_make(name, kind)->link.ifindex;
}

void kernel_fake_carrier(unsigned int ifindex, bool carrier)
{
	struct fake_link *link = fake_link_of(ifindex);

	if (!link)
		return;
	link->carrier = carrier;
	fake_emit_link(link, KERNEL_EVENT_LINK);
}

void kernel_fake_without_tunnel(enum kernel_tunnel kind)
{
	fake.without[kind] = true;
}

int kernel_link_find(struct kernel *k, const char *name, struct kernel_link *link)
{
	const struct fake_object *o = fake_find(FAKE_LINK, name);

	memset(link, 0, sizeof(*link));
	if (!o) {
		snprintf(k->error, sizeof(k->error), "interface %s: No such device (ENODEV)", name);
		return -ENODEV;
	}
	*link = fake_link_seen(&o->link);
	return 0;
}

int kernel_link_get(struct kernel *k, unsigned int ifindex, struct kernel_link *link)
{
	const struct fake_link *l = fake_link_of(ifindex);

	memset(link, 0, sizeof(*link));
	if (!l) {
		snprintf(k->error, sizeof(k->error), "interface %u: No such device (ENODEV)",
			 ifindex);
		return -ENODEV;
	}
	*link = fake_link_seen(l);
	return 0;
}

int kernel_link_each(struct kernel *k, kernel_link_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_LINK, link.link, (o->link.link = fake_link_seen(&o->link)).ifindex != 0);
}

/* Does the object hang on the interface, so that it goes with it? */
static bool object_on(const struct fake_object *o, unsigned int ifindex, bool down_only)
{
	switch (o->kind) {
	case FAKE_NEIGHBOUR:
		return o->neighbour.ifindex == ifindex;
	case FAKE_ROUTE:
		return o->route.oif == ifindex;
	case FAKE_ADDRESS:
		return !down_only && o->address.ifindex == ifindex;
	case FAKE_FDB:
		return !down_only && o->fdb.port == ifindex;
	case FAKE_CLSACT:
		return !down_only && o->clsact == ifindex;
	case FAKE_GUARD:
		return !down_only && o->guard.ifindex == ifindex;
	case FAKE_FILTER:
		return !down_only && o->filter.ifindex == ifindex;
	default:
		return false;
	}
}

static void objects_drop(unsigned int ifindex, bool down_only)
{
	size_t i;

	for (i = fake.count; i-- > 0;)
		if (object_on(fake.objects[i], ifindex, down_only))
			fake_remove(fake.objects[i]);
}

/* The change of a link: notes it and finds the link. */
static int link_change(struct kernel *k, unsigned int ifindex, struct fake_link **link,
		       const char *what)
{
	int err = fake_change(k, "link %s %s", fake_link_name(ifindex), what);

	*link = fake_link_of(ifindex);
	if (!err && !*link)
		err = fake_refuse(k, -ENODEV);
	return err;
}

int kernel_link_set_up(struct kernel *k, unsigned int ifindex, bool up)
{
	struct fake_link *link;
	int err = link_change(k, ifindex, &link, up ? "up" : "down");

	if (err)
		return err;
	if (!up)
		objects_drop(ifindex, true);
	if (link->link.up != up) {
		link->link.up = up;
		fake_emit_link(link, KERNEL_EVENT_LINK);
	}
	return 0;
}

int kernel_link_set_promisc(struct kernel *k, unsigned int ifindex, bool promisc)
{
	struct fake_link *link;
	int err = link_change(k, ifindex, &link, promisc ? "promisc on" : "promisc off");

	if (!err)
		link->link.promiscuous = promisc;
	return err;
}

int kernel_link_set_mtu(struct kernel *k, unsigned int ifindex, unsigned int mtu)
{
	struct fake_link *link;
	char what[32];
	int err;

	snprintf(what, sizeof(what), "mtu %u", mtu);
	err = link_change(k, ifindex, &link, what);
	if (!err)
		link->link.mtu = mtu;
	return err;
}

int kernel_link_set_mac(struct kernel *k, unsigned int ifindex, const struct lladdr *mac)
{
	char what[LLADDR_TEXT + 8] = "address ";
	struct fake_link *link;
	int err;

	lladdr_format(mac, what + 8);
	err = link_change(k, ifindex, &link, what);
	if (!err)
		link->link.mac = *mac;
	return err;
}

int kernel_link_set_master(struct kernel *k, unsigned int ifindex, unsigned int master)
{
	struct fake_link *link;
	char what[32];
	size_t i;
	int err;

	snprintf(what, sizeof(what), "master %s", fake_link_name(master));
	err = link_change(k, ifindex, &link, what);
	if (err)
		return err;
	if (master && !fake_link_of(master))
		return fake_refuse(k, -EINVAL);
	for (i = fake.count; i-- > 0;)
		if (fake.objects[i]->kind == FAKE_FDB && fake.objects[i]->fdb.port == ifindex)
			fake_remove(fake.objects[i]);
	if (link->link.master != master) {
		link->link.master = master;
		link->port = (struct kernel_bridge_port){
			.learning = true, .flood = true, .mcast_flood = true, .bcast_flood = true};
		fake_emit_link(link, KERNEL_EVENT_LINK);
	}
	return 0;
}

int kernel_link_delete(struct kernel *k, unsigned int ifindex)
{
	int err = fake_change(k, "link %s delete", fake_link_name(ifindex));

	if (!err)
		fake_link_drop(ifindex);
	return err;
}

void fake_link_drop(unsigned int ifindex)
{
	struct fake_link *link = fake_link_of(ifindex);
	size_t i;

	if (!link)
		return;
	objects_drop(ifindex, false);
	for (i = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == FAKE_LINK &&
		    fake.objects[i]->link.link.master == ifindex)
			fake.objects[i]->link.link.master = 0;
	link->link.up = false;
	fake_emit_link(link, KERNEL_EVENT_LINK_GONE);
	fake_remove(fake_find(FAKE_LINK, link->link.name));
}

/* ---- bridges -------------------------------------------------------------------------------- */

int kernel_bridge_ensure(struct kernel *k, const char *name, const struct kernel_bridge *bridge,
			 unsigned int *ifindex)
{
	static const struct lladdr none;
	int err = fake_change(k, "bridge %s", name);
	struct fake_object *o = fake_find(FAKE_LINK, name);
	struct fake_link *link;

	if (err)
		return err;
	if (o && strcmp(o->link.link.kind, "bridge") != 0)
		return fake_refuse(k, -EEXIST);
	link = o ? &o->link : fake_link_make(name, "bridge");
	link->bridge = *bridge;
	if (!lladdr_equal(&bridge->mac, &none))
		link->link.mac = bridge->mac;
	link->link.up = true;
	fake_emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}

int kernel_bridge_port_set(struct kernel *k, unsigned int port,
			   const struct kernel_bridge_port *flags)
{
	struct fake_link *link;
	int err = link_change(k, port, &link, "port flags");

	if (err)
		return err;
	if (!link->link.master)
		return fake_refuse(k, -EOPNOTSUPP);
	link->port = *flags;
	return 0;
}

int kernel_bridge_port_get(struct kernel *k, unsigned int port, struct kernel_bridge_port *flags)
{
	const struct fake_link *link = fake_link_of(port);

	memset(flags, 0, sizeof(*flags));
	if (!link || !link->link.master) {
		snprintf(k->error, sizeof(k->error), "bridge port %u: No such device (ENODEV)",
			 port);
		return -ENODEV;
	}
	*flags = link->port;
	return 0;
}

static void fdb_key(char key[FAKE_KEY], unsigned int bridge, const struct lladdr *mac)
{
	char text[LLADDR_TEXT];

	snprintf(key, FAKE_KEY, "%s %s", lladdr_format(mac, text), fake_link_name(bridge));
}

int kernel_fdb_replace(struct kernel *k, const struct kernel_fdb *fdb)
{
	const struct fake_link *port = fake_link_of(fdb->port);
	char key[FAKE_KEY];
	int err;

	fdb_key(key, port ? port->link.master : 0, &fdb->mac);
	err = fake_change(k, "fdb replace %s port %s", key, fake_link_name(fdb->port));
	if (err)
		return err;
	if (!port || !port->link.master)
		return fake_refuse(k, port ? -EOPNOTSUPP : -ENODEV);
	fake_put(FAKE_FDB, key)->fdb = *fdb;
	return 0;
}

int kernel_fdb_delete(struct kernel *k, const struct kernel_fdb *fdb)
{
	const struct fake_link *port = fake_link_of(fdb->port);
	const struct fake_object *o;
	char key[FAKE_KEY];
	int err;

	fdb_key(key, port ? port->link.master : 0, &fdb->mac);
	err = fake_change(k, "fdb delete %s port %s", key, fake_link_name(fdb->port));
	o = fake_find(FAKE_FDB, key);
	if (!err && o && o->fdb.port == fdb->port)
		fake_remove(o);
	return err;
}

int kernel_fdb_each(struct kernel *k, unsigned int bridge, kernel_fdb_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_FDB, fdb,
		  fake_link_of(o->fdb.port) && fake_link_of(o->fdb.port)->link.master == bridge);
}

/* ---- addresses and neighbours ---------------------------------------------------------------- */

static void address_key(char key[FAKE_KEY], const struct kernel_address *a)
{
	char text[ADDR_TEXT];

	snprintf(key, FAKE_KEY, "%s/%u dev %s", addr_format(&a->addr, text), a->length,
		 fake_link_name(a->ifindex));
}

int kernel_address_replace(struct kernel *k, const struct kernel_address *address)
{
	char key[FAKE_KEY];
	struct fake_object *o;
	int err;

	address_key(key, address);
	err = fake_change(k, "address replace %s%s", key, address->nodad ? " nodad" : "");
	if (!err && !fake_link_of(address->ifindex))
		err = fake_refuse(k, -ENODEV);
	if (err)
		return err;
	o = fake_put(FAKE_ADDRESS, key);
	o->address = *address;
	o->address.ours = true;
	fake_emit_address(&o->address, KERNEL_EVENT_ADDRESS);
	return 0;
}

int kernel_address_delete(struct kernel *k, const struct kernel_address *address)
{
	const struct fake_object *o;
	char key[FAKE_KEY];
	int err;

	address_key(key, address);
	err = fake_change(k, "address delete %s", key);
	o = fake_find(FAKE_ADDRESS, key);
	if (err || !o)
		return err;
	fake_emit_address(&o->address, KERNEL_EVENT_ADDRESS_GONE);
	fake_remove(o);
	return 0;
}

int kernel_address_each(struct kernel *k, unsigned int ifindex, kernel_address_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_ADDRESS, address, !ifindex || o->address.ifindex == ifindex);
}

static void neighbour_key(char key[FAKE_KEY], const struct kernel_neighbour *n)
{
	char text[ADDR_TEXT];

	snprintf(key, FAKE_KEY, "%s dev %s", addr_format(&n->addr, text),
		 fake_link_name(n->ifindex));
}

int kernel_neighbour_replace(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	char key[FAKE_KEY], mac[LLADDR_TEXT];
	int err;

	neighbour_key(key, neighbour);
	err = fake_change(k, "neighbour replace %s lladdr %s", key,
			  lladdr_format(&neighbour->mac, mac));
	if (!err && !fake_link_of(neighbour->ifindex))
		err = fake_refuse(k, -ENODEV);
	if (!err && !fake_link_of(neighbour->ifindex)->link.up)
		err = fake_refuse(k, -ENETDOWN);
	if (!err)
		fake_put(FAKE_NEIGHBOUR, key)->neighbour = *neighbour;
	return err;
}

int kernel_neighbour_delete(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	char key[FAKE_KEY];
	int err;

	neighbour_key(key, neighbour);
	err = fake_change(k, "neighbour delete %s", key);
	if (!err)
		fake_remove(fake_find(FAKE_NEIGHBOUR, key));
	return err;
}

int kernel_neighbour_each(struct kernel *k, unsigned int ifindex, kernel_neighbour_fn each,
			  void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_NEIGHBOUR, neighbour, !ifindex || o->neighbour.ifindex == ifindex);
}

/* ---- tunnels -------------------------------------------------------------------------------- */

int kernel_tunnel_probe(struct kernel *k, enum kernel_tunnel kind)
{
	if (!fake.without[kind])
		return 0;
	snprintf(k->error, sizeof(k->error), "tunnel kind %s: Operation not supported (EOPNOTSUPP)",
		 kernel_tunnel_text(kind));
	return -EOPNOTSUPP;
}

int kernel_tunnel_ensure(struct kernel *k, enum kernel_tunnel kind, unsigned int mtu,
			 unsigned int *ifindex)
{
	static const char *const link_kinds[] = {"", "gre", "ip6gre", "ipip", "vxlan"};
	const char *name = kernel_tunnel_device(kind);
	int err = fake_change(k, "tunnel %s", name);
	struct fake_object *o = fake_find(FAKE_LINK, name);
	struct fake_link *link;

	*ifindex = 0;
	if (err)
		return err;
	if (!name[0] || fake.without[kind])
		return fake_refuse(k, name[0] ? -EOPNOTSUPP : -EINVAL);
	if (o && o->link.tunnel != kind)
		return fake_refuse(k, -EEXIST);
	link = o ? &o->link : fake_link_make(name, link_kinds[kind]);
	link->tunnel = kind;
	link->link.external = link->link.up = true;
	memset(&link->link.mac, 0, sizeof(link->link.mac));
	if (mtu)
		link->link.mtu = mtu;
	fake_emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}

int kernel_gretap_ensure(struct kernel *k, const char *name, const struct kernel_gretap *gretap,
			 unsigned int *ifindex)
{
	const char *kind = gretap->local.family == AF_INET ? "gretap" : "ip6gretap";
	struct fake_object *o = fake_find(FAKE_LINK, name);
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	struct fake_link *link;
	int err;

	*ifindex = 0;
	err = fake_change(k, "gretap %s local %s remote %s key %u", name,
			  addr_format(&gretap->local, local), addr_format(&gretap->remote, remote),
			  gretap->key);
	if (err)
		return err;
	if (addr_none(&gretap->local) || gretap->local.family != gretap->remote.family)
		return fake_refuse(k, -EINVAL);
	if (o && strcmp(o->link.link.kind, kind) != 0)
		return fake_refuse(k, -EEXIST);
	link = o ? &o->link : fake_link_make(name, kind);
	link->gretap = *gretap;
	link->link.mtu = gretap->mtu ? gretap->mtu : 1500;
	link->link.up = true;
	fake_emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}
