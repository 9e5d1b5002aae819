/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel.h can say without a kernel: names, texts and the metric of a HoA.
 */
#include "kernel_monitor.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct tunnel_name {
	const char *text;
	const char *device;
} tunnel_names[KERNEL_TUNNELS] = {
	[KERNEL_TUNNEL_NONE] = {"none", ""},	     [KERNEL_TUNNEL_GRE] = {"gre", "sno-gre"},
	[KERNEL_TUNNEL_GRE6] = {"gre6", "sno-gre6"}, [KERNEL_TUNNEL_IPIP] = {"ipip", "sno-ipip"},
	[KERNEL_TUNNEL_GPE] = {"gpe", "sno-gpe"},
};

const char *kernel_tunnel_text(enum kernel_tunnel kind)
{
	return tunnel_names[(unsigned int)kind < KERNEL_TUNNELS ? kind : KERNEL_TUNNEL_NONE].text;
}

const char *kernel_tunnel_device(enum kernel_tunnel kind)
{
	return tunnel_names[(unsigned int)kind < KERNEL_TUNNELS ? kind : KERNEL_TUNNEL_NONE].device;
}

uint32_t kernel_route_metric(const struct addr *hoa)
{
	if (hoa->family != AF_INET)
		return 1024;
	/* Neighbouring addresses get different metrics; more than 2^24 HoAs only share some. */
	return 1024 + (ntohl(hoa->v4.s_addr) & 0xffffff);
}

/* Appends to the text, as far as there is room. */
static void __attribute__((format(printf, 2, 3)))
route_append(char text[KERNEL_ROUTE_TEXT], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, KERNEL_ROUTE_TEXT - used, format, args);
	va_end(args);
}

static void route_append_encap(char text[KERNEL_ROUTE_TEXT], const struct kernel_encap *encap)
{
	char addr[ADDR_TEXT];

	route_append(text, " encap dst %s", addr_format(&encap->dst, addr));
	route_append(text, " src %s", addr_format(&encap->src, addr));
	if (encap->key)
		route_append(text, " key %u", encap->key);
	route_append(text, " ttl %u", encap->ttl ? encap->ttl : 64);
	if (encap->tos)
		route_append(text, " tos %u", encap->tos);
	if (encap->df)
		route_append(text, " df");
}

const char *kernel_route_text(const struct kernel_route *route, char text[KERNEL_ROUTE_TEXT])
{
	static const char *const types[] = {"", "local ", "blackhole ", "unreachable "};
	char addr[PREFIX_TEXT];

	text[0] = '\0';
	route_append(text, "%s%s", types[route->type & 3], prefix_format(&route->dst, addr));
	if (route->table)
		route_append(text, " table %u", route->table);
	if (route->metric)
		route_append(text, " metric %u", route->metric);
	if (!addr_none(&route->encap.dst))
		route_append_encap(text, &route->encap);
	if (!addr_none(&route->gateway))
		route_append(text, " via %s", addr_format(&route->gateway, addr));
	if (route->oif)
		route_append(text, " dev %u", route->oif);
	if (!addr_none(&route->prefsrc))
		route_append(text, " src %s", addr_format(&route->prefsrc, addr));
	if (route->mtu)
		route_append(text, " mtu %u%s", route->mtu, route->mtu_lock ? " lock" : "");
	if (route->onlink)
		route_append(text, " onlink");
	return text;
}

const char *kernel_event_text(enum kernel_event_type type)
{
	static const char *const names[] = {
		[KERNEL_EVENT_LINK] = "link",
		[KERNEL_EVENT_LINK_GONE] = "link-gone",
		[KERNEL_EVENT_ADDRESS] = "address",
		[KERNEL_EVENT_ADDRESS_GONE] = "address-gone",
		[KERNEL_EVENT_ROUTE] = "route",
		[KERNEL_EVENT_ROUTE_GONE] = "route-gone",
		[KERNEL_EVENT_NEIGHBOUR] = "neighbour",
		[KERNEL_EVENT_NEIGHBOUR_GONE] = "neighbour-gone",
		[KERNEL_EVENT_RESYNC_BEGIN] = "resync-begin",
		[KERNEL_EVENT_RESYNC] = "resync",
	};

	return type <= KERNEL_EVENT_RESYNC ? names[type] : "unknown";
}
