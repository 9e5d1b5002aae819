/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h from the command line, for tests/netns/kernel-*.t: one request per call, options as word
 *pairs.
 *
 *	kernel-tool route replace dst 10.1.0.7/32 dev sno-gre encap 198.51.100.9 src 192.0.2.1 key 7
 *
 * Exits 0 when the kernel has acknowledged, 1 with kernel_error() on stderr when not, 2 on a wrong
 *call. An interface is a name, or #INDEX for one that need not exist. Lists are one object a line.
 */
#include "clock.h"
#include "kernel_monitor.h"
#include "kernel_tc.h"
#include "kernel_xfrm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct kernel *k;
static char **words; /* options of the call: NAME VALUE pairs, or single flags */

static void __attribute__((noreturn)) wrong(const char *what, const char *word)
{
	fprintf(stderr, "kernel-tool: %s %s\n", what, word);
	exit(2);
}

/* ---- options -------------------------------------------------------------------------------- */

static const char *option(const char *name)
{
	char **w;

	for (w = words; *w; w++)
		if (strcmp(*w, name) == 0 && w[1])
			return w[1];
	return NULL;
}

static bool flag(const char *name)
{
	char **w;

	for (w = words; *w; w++)
		if (strcmp(*w, name) == 0)
			return true;
	return false;
}

static unsigned long number(const char *name)
{
	const char *text = option(name);
	char *end;
	unsigned long value;

	if (!text)
		return 0;
	value = strtoul(text, &end, 0);
	if (*end)
		wrong("no number:", text);
	return value;
}

static struct addr address(const char *name)
{
	struct addr a = {0};
	const char *text = option(name);

	if (text && addr_parse(&a, text))
		wrong("no address:", text);
	return a;
}

static struct prefix prefix(const char *name)
{
	struct prefix p = {0};
	const char *text = option(name);

	if (text && prefix_parse(&p, text))
		wrong("no prefix:", text);
	return p;
}

static struct lladdr mac(const char *name)
{
	struct lladdr l = {0};
	const char *text = option(name);

	if (text && lladdr_parse(&l, text))
		wrong("no link-layer address:", text);
	return l;
}

static unsigned int interface(const char *name)
{
	const char *text = option(name);
	struct kernel_link link;

	if (!text || strcmp(text, "none") == 0)
		return 0;
	if (text[0] == '#')
		return (unsigned int)strtoul(text + 1, NULL, 10);
	if (kernel_link_find(k, text, &link)) {
		fprintf(stderr, "%s\n", kernel_error(k));
		exit(1);
	}
	return link.ifindex;
}

/* ---- links and bridges ---------------------------------------------------------------------- */

static int print_link(const struct kernel_link *l, void *arg)
{
	char text[LLADDR_TEXT];

	(void)arg;
	printf("%s ifindex %u mtu %u mac %s master %u kind %s%s%s%s%s%s\n", l->name, l->ifindex,
	       l->mtu, lladdr_format(&l->mac, text), l->master, l->kind[0] ? l->kind : "none",
	       l->up ? " up" : "", l->carrier ? " carrier" : "", l->promiscuous ? " promisc" : "",
	       l->loopback ? " loopback" : "", l->external ? " external" : "");
	return 0;
}

static int do_link(const char *verb)
{
	unsigned int dev = strcmp(verb, "list") && strcmp(verb, "find") ? interface("dev") : 0;
	struct lladdr address_ = mac("mac");
	struct kernel_link link;
	int err;

	if (strcmp(verb, "list") == 0)
		return kernel_link_each(k, print_link, NULL);
	if (strcmp(verb, "find") == 0) {
		err = kernel_link_find(k, option("dev") ? option("dev") : "", &link);
		return err ? err : print_link(&link, NULL);
	}
	if (strcmp(verb, "up") == 0 || strcmp(verb, "down") == 0)
		return kernel_link_set_up(k, dev, verb[0] == 'u');
	if (strcmp(verb, "mtu") == 0)
		return kernel_link_set_mtu(k, dev, (unsigned int)number("mtu"));
	if (strcmp(verb, "mac") == 0)
		return kernel_link_set_mac(k, dev, &address_);
	if (strcmp(verb, "promisc") == 0)
		return kernel_link_set_promisc(k, dev, flag("on"));
	if (strcmp(verb, "master") == 0)
		return kernel_link_set_master(k, dev, interface("master"));
	if (strcmp(verb, "delete") == 0)
		return kernel_link_delete(k, dev);
	wrong("no such verb:", verb);
}

static int do_bridge(const char *verb)
{
	struct kernel_bridge bridge = {
		.mac = mac("mac"),
		.ageing = (unsigned int)number("ageing"),
		.mcast_snooping = flag("snooping"),
		.stp = flag("stp"),
	};
	unsigned int ifindex;

	return kernel_bridge_ensure(k, verb, &bridge, &ifindex);
}

static int do_port(const char *verb)
{
	struct kernel_bridge_port p = {flag("isolated"), flag("learning"), flag("flood"),
				       flag("mcast"),	 flag("bcast"),	   flag("suppress")};
	int err;

	if (strcmp(verb, "set") == 0)
		return kernel_bridge_port_set(k, interface("dev"), &p);
	err = kernel_bridge_port_get(k, interface("dev"), &p);
	if (!err)
		printf("isolated %d learning %d flood %d mcast %d bcast %d suppress %d\n",
		       p.isolated, p.learning, p.flood, p.mcast_flood, p.bcast_flood,
		       p.neigh_suppress);
	return err;
}

static int print_fdb(const struct kernel_fdb *f, void *arg)
{
	char text[LLADDR_TEXT];

	(void)arg;
	printf("%s port %u\n", lladdr_format(&f->mac, text), f->port);
	return 0;
}

static int do_fdb(const char *verb)
{
	struct kernel_fdb fdb = {.port = interface("dev"), .mac = mac("mac")};

	if (strcmp(verb, "list") == 0)
		return kernel_fdb_each(k, interface("bridge"), print_fdb, NULL);
	return verb[0] == 'r' ? kernel_fdb_replace(k, &fdb) : kernel_fdb_delete(k, &fdb);
}

/* ---- addresses, neighbours, rules ----------------------------------------------------------- */

static int print_address(const struct kernel_address *a, void *arg)
{
	char text[ADDR_TEXT];

	(void)arg;
	printf("%s/%u dev %u%s%s\n", addr_format(&a->addr, text), a->length, a->ifindex,
	       a->nodad ? " nodad" : "", a->ours ? " ours" : "");
	return 0;
}

static int do_address(const char *verb)
{
	struct kernel_address a = {
		.ifindex = interface("dev"),
		.addr = address("addr"),
		.length = (uint8_t)number("length"),
		.nodad = flag("nodad"),
	};

	if (strcmp(verb, "list") == 0)
		return kernel_address_each(k, a.ifindex, print_address, NULL);
	return verb[0] == 'r' ? kernel_address_replace(k, &a) : kernel_address_delete(k, &a);
}

static int print_neighbour(const struct kernel_neighbour *n, void *arg)
{
	char text[ADDR_TEXT], lladdr[LLADDR_TEXT];

	(void)arg;
	printf("%s dev %u lladdr %s\n", addr_format(&n->addr, text), n->ifindex,
	       lladdr_format(&n->mac, lladdr));
	return 0;
}

static int do_neighbour(const char *verb)
{
	struct kernel_neighbour n = {
		.ifindex = interface("dev"), .addr = address("addr"), .mac = mac("mac")};

	if (strcmp(verb, "list") == 0)
		return kernel_neighbour_each(k, n.ifindex, print_neighbour, NULL);
	return verb[0] == 'r' ? kernel_neighbour_replace(k, &n) : kernel_neighbour_delete(k, &n);
}

static int print_rule(const struct kernel_rule *r, void *arg)
{
	char from[PREFIX_TEXT], to[PREFIX_TEXT];

	(void)arg;
	printf("%s %u iif %s from %s to %s table %u", r->family == AF_INET ? "inet" : "inet6",
	       r->priority, r->iif[0] ? r->iif : "any", prefix_format(&r->from, from),
	       prefix_format(&r->to, to), r->table);
	if (r->proto)
		printf(" proto %u dport %u", r->proto, r->dport);
	putchar('\n');
	return 0;
}

static int do_rule(const char *verb)
{
	struct kernel_rule r = {
		.family = flag("inet6") ? AF_INET6 : AF_INET,
		.priority = (uint32_t)number("priority"),
		.from = prefix("from"),
		.to = prefix("to"),
		.proto = (uint8_t)number("proto"),
		.dport = (uint16_t)number("dport"),
		.table = (uint32_t)number("table"),
	};

	snprintf(r.iif, sizeof(r.iif), "%s", option("iif") ? option("iif") : "");
	if (strcmp(verb, "list") == 0)
		return kernel_rule_each(k, print_rule, NULL);
	return verb[0] == 'a' ? kernel_rule_add(k, &r) : kernel_rule_delete(k, &r);
}

/* ---- tunnels and routes --------------------------------------------------------------------- */

static enum kernel_tunnel tunnel_kind(const char *text)
{
	int kind;

	for (kind = KERNEL_TUNNEL_GRE; kind < KERNEL_TUNNELS; kind++)
		if (text && strcmp(text, kernel_tunnel_text((enum kernel_tunnel)kind)) == 0)
			return (enum kernel_tunnel)kind;
	return KERNEL_TUNNEL_NONE;
}

static int do_tunnel(const char *verb)
{
	unsigned int ifindex;
	int err;

	if (strcmp(verb, "probe") == 0)
		return kernel_tunnel_probe(k, tunnel_kind(option("kind")));
	err = kernel_tunnel_ensure(k, tunnel_kind(option("kind")), (unsigned int)number("mtu"),
				   &ifindex);
	if (!err)
		printf("%u\n", ifindex);
	return err;
}

static int do_gretap(const char *verb)
{
	struct kernel_gretap g = {
		.local = address("local"),
		.remote = address("remote"),
		.key = (uint32_t)number("key"),
		.mtu = (unsigned int)number("mtu"),
	};
	unsigned int ifindex;

	return kernel_gretap_ensure(k, verb, &g, &ifindex);
}

static struct kernel_route route(void)
{
	struct kernel_route r = {
		.dst = prefix("dst"),
		.table = (uint32_t)number("table"),
		.metric = (uint32_t)number("metric"),
		.oif = interface("dev"),
		.gateway = address("via"),
		.prefsrc = address("prefsrc"),
		.encap = {.dst = address("encap"),
			  .src = address("src"),
			  .key = (uint32_t)number("key"),
			  .ttl = (uint8_t)number("ttl"),
			  .tos = (uint8_t)number("tos"),
			  .df = flag("df")},
		.mtu = (unsigned int)number("mtu"),
		.mtu_lock = flag("lock"),
		.onlink = flag("onlink"),
	};

	if (flag("local"))
		r.type = KERNEL_ROUTE_LOCAL;
	if (flag("blackhole"))
		r.type = KERNEL_ROUTE_BLACKHOLE;
	if (flag("unreachable"))
		r.type = KERNEL_ROUTE_UNREACHABLE;
	return r;
}

static int print_route(const struct kernel_route *r, void *arg)
{
	char text[KERNEL_ROUTE_TEXT];

	(void)arg;
	printf("%s\n", kernel_route_text(r, text));
	return 0;
}

static int sweep_route(const struct kernel_route *r, void *arg)
{
	(void)arg;
	return kernel_route_delete(k, r);
}

/* A batch of `count` host routes from 10.64.0.0 on; item `bad` has a gateway that is not on the
 * link. */
static int route_batch(void)
{
	size_t count = number("count"), bad = option("bad") ? number("bad") : count, failed = 0, i;
	struct kernel_change *c = calloc(count, sizeof(*c));
	struct kernel_route pattern = route();
	usec_t start;
	int err;

	if (!c)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		c[i].remove = flag("remove");
		c[i].route = pattern;
		c[i].route.dst = (struct prefix){.addr = {.family = AF_INET}, .length = 32};
		c[i].route.dst.addr.v4.s_addr = htonl((uint32_t)(0x0a400000 + i));
		c[i].route.metric = kernel_route_metric(&c[i].route.dst.addr);
		if (i == bad)
			c[i].route.gateway = address("badvia");
	}
	start = clock_now();
	err = kernel_batch(k, c, count);
	start = clock_now() - start;
	for (i = 0; i < count; i++)
		failed += c[i].error != 0;
	printf("items %zu failed %zu bad %d us %lld\n", count, failed,
	       bad < count ? c[bad].error : 0, (long long)start);
	free(c);
	return err;
}

static int do_route(const char *verb)
{
	struct kernel_route r = route(), found;
	struct addr to = address("to");
	int err;

	if (strcmp(verb, "list") == 0)
		return kernel_route_each(k, print_route, NULL);
	if (strcmp(verb, "sweep") == 0)
		return kernel_route_each(k, sweep_route, NULL);
	if (strcmp(verb, "batch") == 0)
		return route_batch();
	if (strcmp(verb, "lookup") == 0) {
		err = kernel_route_lookup(k, &to, &found);
		return err ? err : print_route(&found, NULL);
	}
	return verb[0] == 'r' ? kernel_route_replace(k, &r) : kernel_route_delete(k, &r);
}

/* ---- IPsec ---------------------------------------------------------------------------------- */

static int print_sa(const struct kernel_sa *s, void *arg)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT];

	(void)arg;
	printf("%s to %s spi %u reqid %u cipher %d window %u%s limit %llu",
	       addr_format(&s->src, src), addr_format(&s->dst, dst), s->spi, s->reqid,
	       (int)s->cipher, s->replay_window, s->esn ? " esn" : "",
	       (unsigned long long)s->packet_limit);
	if (s->mark_mask)
		printf(" mark %#x/%#x", s->mark, s->mark_mask);
	printf(" packets %llu\n", (unsigned long long)s->packets);
	return 0;
}

static int do_sa(const char *verb)
{
	struct kernel_sa s = {
		.src = address("src"),
		.dst = address("dst"),
		.spi = (uint32_t)number("spi"),
		.reqid = (uint32_t)number("reqid"),
		.cipher = flag("aes") ? KERNEL_CIPHER_AES_256_GCM : KERNEL_CIPHER_CHACHA20_POLY1305,
		.replay_window = (unsigned int)number("window"),
		.esn = flag("esn"),
		.packet_limit = number("limit"),
		.mark = (uint32_t)number("mark"),
		.mark_mask = (uint32_t)number("mask"),
	};

	/* One byte all over: a test key, the same at both ends. */
	memset(s.key, (int)number("key"), sizeof(s.key));
	if (strcmp(verb, "list") == 0)
		return kernel_sa_each(k, (uint32_t)number("low"), (uint32_t)number("high"),
				      print_sa, NULL);
	if (strcmp(verb, "add") == 0)
		return kernel_sa_add(k, &s);
	return verb[0] == 'u' ? kernel_sa_update(k, &s) : kernel_sa_delete(k, &s);
}

static int print_policy(const struct kernel_policy *p, void *arg)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT], from[ADDR_TEXT], to[ADDR_TEXT];

	(void)arg;
	printf("%s %s to %s proto %u ports %u-%u priority %u reqid %u %s %s %s\n",
	       p->direction == KERNEL_IN ? "in" : "out", prefix_format(&p->src, src),
	       prefix_format(&p->dst, dst), p->proto, p->sport, p->dport, p->priority, p->reqid,
	       p->block ? "block" : "allow", addr_format(&p->tunnel_src, from),
	       addr_format(&p->tunnel_dst, to));
	return 0;
}

static int do_policy(const char *verb)
{
	struct kernel_policy p = {
		.direction = flag("in") ? KERNEL_IN : KERNEL_OUT,
		.src = prefix("src"),
		.dst = prefix("dst"),
		.proto = (uint8_t)number("proto"),
		.sport = (uint16_t)number("sport"),
		.dport = (uint16_t)number("dport"),
		.priority = (uint32_t)number("priority"),
		.block = flag("block"),
		.reqid = (uint32_t)number("reqid"),
		.tunnel_src = address("from"),
		.tunnel_dst = address("to"),
	};

	if (strcmp(verb, "list") == 0)
		return kernel_policy_each(k, (uint32_t)number("low"), (uint32_t)number("high"),
					  print_policy, NULL);
	if (strcmp(verb, "flush") == 0)
		return kernel_xfrm_flush(k, (uint32_t)number("low"), (uint32_t)number("high"));
	if (strcmp(verb, "add") == 0)
		return kernel_policy_add(k, &p);
	return verb[0] == 'u' ? kernel_policy_update(k, &p) : kernel_policy_delete(k, &p);
}

/* ---- traffic control and sysctl ------------------------------------------------------------- */

static int do_clsact(const char *verb)
{
	return verb[0] == 'e' ? kernel_tc_clsact_ensure(k, interface("dev"))
			      : kernel_tc_clsact_delete(k, interface("dev"));
}

static int print_redirect(const struct kernel_redirect *r, void *arg)
{
	(void)arg;
	printf("%u dev %u\n", r->index, r->ifindex);
	return 0;
}

static int do_redirect(const char *verb)
{
	struct kernel_redirect r = {.index = (uint32_t)number("index"),
				    .ifindex = interface("dev")};

	if (strcmp(verb, "list") == 0)
		return kernel_tc_redirect_each(k, print_redirect, NULL);
	return verb[0] == 'r' ? kernel_tc_redirect_replace(k, &r)
			      : kernel_tc_redirect_delete(k, &r);
}

static int print_filter(const struct kernel_filter *f, void *arg)
{
	(void)arg;
	printf("dev %u priority %u action %u\n", f->ifindex, f->priority, f->action);
	return 0;
}

static int do_filter(const char *verb)
{
	struct kernel_filter f = {
		.ifindex = interface("dev"),
		.priority = (uint16_t)number("priority"),
		.action = (uint32_t)number("action"),
	};

	if (strcmp(verb, "list") == 0)
		return kernel_tc_filter_each(k, f.ifindex, print_filter, NULL);
	return verb[0] == 'r' ? kernel_tc_filter_replace(k, &f) : kernel_tc_filter_delete(k, &f);
}

static int do_sysctl(const char *verb)
{
	const char *where = option("where"), *name = option("name"), *value = option("value");
	char text[256];
	int err;

	if (!where || !name)
		wrong("where and name are needed by sysctl", verb);
	if (strcmp(verb, "set") == 0)
		return kernel_sysctl_set(k, where, option("dev"), name, value ? value : "");
	err = kernel_sysctl_get(k, where, option("dev"), name, text, sizeof(text));
	if (!err)
		printf("%s\n", text);
	return err;
}

/* ---- monitor -------------------------------------------------------------------------------- */

static void print_event(const struct kernel_event *e, void *arg)
{
	(void)arg;
	printf("%s%s ", kernel_event_text(e->type), e->replay ? " replay" : "");
	switch (e->type) {
	case KERNEL_EVENT_LINK:
	case KERNEL_EVENT_LINK_GONE:
		print_link(&e->link, NULL);
		break;
	case KERNEL_EVENT_ADDRESS:
	case KERNEL_EVENT_ADDRESS_GONE:
		print_address(&e->address, NULL);
		break;
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_ROUTE_GONE:
		print_route(&e->route, NULL);
		break;
	case KERNEL_EVENT_NEIGHBOUR:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		print_neighbour(&e->neighbour, NULL);
		break;
	default:
		printf("\n");
	}
}

/*
 * Says "ready", then does what stdin says, a word a line: "own" changes a route by the watched
 * context itself, "read" reads and prints what there is and says "done". Ends with stdin.
 */
static int do_monitor(const char *verb)
{
	struct kernel_route own = {.table = 99, .type = KERNEL_ROUTE_BLACKHOLE};
	struct kernel_monitor *m;
	struct pollfd readable = {.events = POLLIN};
	char line[64];
	int err;

	prefix_parse(&own.dst, "10.99.0.0/16");
	err = kernel_monitor_open(&m, k,
				  KERNEL_WATCH_LINKS | KERNEL_WATCH_ADDRESSES |
					  KERNEL_WATCH_ROUTES | KERNEL_WATCH_NEIGHBOURS,
				  (size_t)strtoul(verb, NULL, 10), print_event, NULL);
	if (err)
		return err;
	readable.fd = kernel_monitor_fd(m);
	printf("ready\n");
	fflush(stdout);
	while (!err && fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "own\n") == 0) {
			err = kernel_route_replace(k, &own);
			if (!err)
				err = kernel_route_delete(k, &own);
		} else if (strcmp(line, "read\n") == 0) {
			while (!err && poll(&readable, 1, 200) > 0)
				err = kernel_monitor_read(m);
		} else if (strcmp(line, "resync\n") == 0) {
			err = kernel_monitor_resync(m);
		}
		printf("done\n");
		fflush(stdout);
	}
	kernel_monitor_close(m);
	return err;
}

/* --------------------------------------------------------------------------------------------- */

static const struct command {
	const char *name;
	int (*run)(const char *verb);
} commands[] = {
	{"link", do_link},	   {"bridge", do_bridge},   {"port", do_port},
	{"fdb", do_fdb},	   {"address", do_address}, {"neighbour", do_neighbour},
	{"rule", do_rule},	   {"tunnel", do_tunnel},   {"gretap", do_gretap},
	{"route", do_route},	   {"sa", do_sa},	    {"policy", do_policy},
	{"clsact", do_clsact},	   {"filter", do_filter},   {"sysctl", do_sysctl},
	{"redirect", do_redirect}, {"monitor", do_monitor},
};

int main(int argc, char **argv)
{
	size_t i;
	int err;

	if (argc < 3)
		wrong("usage:", "kernel-tool OBJECT VERB|NAME [OPTION VALUE]...");
	words = argv + 3;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			break;
	if (i == sizeof(commands) / sizeof(commands[0]))
		wrong("no such object:", argv[1]);
	err = kernel_open(&k);
	if (err) {
		fprintf(stderr, "netlink: %s\n", strerror(-err));
		return 1;
	}
	err = commands[i].run(argv[2]);
	if (err)
		fprintf(stderr, "%s\n", kernel_error(k));
	kernel_close(k);
	return err ? 1 : 0;
}
