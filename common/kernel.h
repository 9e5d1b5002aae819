/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel surface of the daemons: links, addresses, neighbours, rules, tunnel devices, routes.
 *
 * The kernel forwards; the daemons only program it. Everything they may ask of it is declared here
 * and in kernel_xfrm.h, kernel_tc.h, kernel_guard.h and kernel_monitor.h, without one netlink type,
 * so that tests/unit/kernel_fake.c can stand in for it, remember it and refuse the Nth request. The
 * real thing is common/kernel_*.c, one concept per file.
 *
 * What holds for every function there:
 *
 *  - It returns 0 or -errno (other results are said). 0 means that the kernel has acknowledged it.
 *  - After a failure kernel_error() tells what was attempted and why the kernel refused, with the
 *    kernel's own extended ACK text where it gave one.
 *  - A delete of what is not there is done: ENOENT, ESRCH, ENODEV and EADDRNOTAVAIL count as 0.
 *  - "replace" and "ensure" create what is missing and are 0 when it is already so.
 *  - "each" functions collect the whole dump first (repeating it when the kernel says that it was
 *    interrupted by a change) and call back only then: the callback may use the same context,
 *    also to delete what it was shown. A non-zero result of the callback ends the walk and is
 *    returned. In a storm of changes that does not cease for half a second they fail with -EINTR;
 *    of rules the kernel does not tell interruptions, so one may be missed or shown twice then.
 *  - Interfaces are named by index; 0 is "none". Addresses are in network byte order (addr.h),
 *    every other number is in host byte order.
 *  - What the kernel can mark as somebody's carries KERNEL_PROTOCOL: routes, rules, addresses
 *    (Linux 5.18) and neighbours (Linux 5.2); tc actions carry a cookie, XFRM objects their reqid.
 *    "Ours" below means: carries that mark. It survives a restart of the daemon.
 *
 * A context is not to be shared between threads.
 */
#ifndef SNO_KERNEL_H
#define SNO_KERNEL_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Our routing protocol number: `sno` in rt_protos.d, outside rtnetlink.h and FRR's 186-198. */
#define KERNEL_PROTOCOL 83

/* Rules of ours have priorities in this range, and tables are numbered from KERNEL_TABLE_BASE. */
#define KERNEL_RULE_PRIORITY_MIN 8300
#define KERNEL_RULE_PRIORITY_MAX 8399
#define KERNEL_TABLE_BASE	 8300

/* Where packets that come out of a hold find their way (hold.h), by a rule of the last priority. */
#define KERNEL_TABLE_RELEASE (KERNEL_TABLE_BASE + 100)

/* Where this host's tunnel packets to protected peers find no way (protection_way.c). */
#define KERNEL_TABLE_CLEAR (KERNEL_TABLE_BASE + 101)

/* Room for an interface name and its final zero (IFNAMSIZ), and for a link kind ("vxlan"). */
#define KERNEL_NAME 16
#define KERNEL_KIND 16

/*
 * The context: sockets to the kernel's network configuration, in the network namespace of the
 * caller at the time of kernel_open(). Needs CAP_NET_ADMIN for every change. *k is NULL on failure;
 * then the negative errno is all there is to say.
 */
struct kernel;

int kernel_open(struct kernel **k);
void kernel_close(struct kernel *k);

/*
 * What went wrong in the last function that failed, for the log:
 * "route 10.1.0.7/32: Nexthop has invalid gateway. (EINVAL)". Valid until the next call. "" when
 * nothing has failed yet.
 */
const char *kernel_error(const struct kernel *k);

/* ---- links (kernel_link.c) ------------------------------------------------------------- */

struct kernel_link {
	unsigned int ifindex;
	unsigned int master; /* index of the bridge it is a port of, or 0 */
	unsigned int mtu;
	struct lladdr mac; /* all zero where the link has no Ethernet address */
	bool up;	   /* administratively up */
	bool carrier;	   /* the lower layer is up: packets pass when up is set too */
	bool promiscuous;  /* promiscuity asked for by the administrator or by us */
	bool loopback;
	bool external; /* a collect-metadata tunnel device */
	char name[KERNEL_NAME];
	char kind[KERNEL_KIND]; /* "bridge", "vxlan", "veth" ..., "" for a device without kind */
};

typedef int (*kernel_link_fn)(const struct kernel_link *link, void *arg);

/* Finds a link by its name or index. -ENODEV when there is none. */
int kernel_link_find(struct kernel *k, const char *name, struct kernel_link *link);
int kernel_link_get(struct kernel *k, unsigned int ifindex, struct kernel_link *link);
int kernel_link_each(struct kernel *k, kernel_link_fn each, void *arg);

int kernel_link_set_up(struct kernel *k, unsigned int ifindex, bool up);
int kernel_link_set_mtu(struct kernel *k, unsigned int ifindex, unsigned int mtu);
int kernel_link_set_mac(struct kernel *k, unsigned int ifindex, const struct lladdr *mac);
int kernel_link_set_promisc(struct kernel *k, unsigned int ifindex, bool promisc);
/* Makes the link a port of a bridge; master 0 releases it. */
int kernel_link_set_master(struct kernel *k, unsigned int ifindex, unsigned int master);
/* Removes a device (bridge, tunnel). Removing one that is not there is done. */
int kernel_link_delete(struct kernel *k, unsigned int ifindex);

/* ---- bridges (kernel_bridge.c) --------------------------------------------------------- */

struct kernel_bridge {
	struct lladdr mac;   /* all zero: the kernel's choice */
	unsigned int ageing; /* seconds until a learnt station is forgotten */
	bool mcast_snooping;
	bool stp;
};

/*
 * Makes or adopts the bridge of this name with these options, and sets it up. -EEXIST when the
 * name belongs to a device that is no bridge. The index is stored in *ifindex.
 */
int kernel_bridge_ensure(struct kernel *k, const char *name, const struct kernel_bridge *bridge,
			 unsigned int *ifindex);

/* How a port behaves. A fresh kernel port: not isolated, learning, floods all. */
struct kernel_bridge_port {
	bool isolated;	  /* no frames to or from other isolated ports */
	bool learning;	  /* source addresses enter the fdb by themselves */
	bool flood;	  /* unknown unicast leaves here */
	bool mcast_flood; /* unregistered multicast leaves here */
	bool bcast_flood;
	bool neigh_suppress; /* the bridge answers ARP and ND for addresses it knows */
};

/* Sets all of them on a port (a link that has a bridge as master). */
int kernel_bridge_port_set(struct kernel *k, unsigned int port,
			   const struct kernel_bridge_port *flags);
/* Reads them. -ENODEV when the link is no bridge port. */
int kernel_bridge_port_get(struct kernel *k, unsigned int port, struct kernel_bridge_port *flags);

/* A static fdb entry: frames to this station leave by this port of its bridge. */
struct kernel_fdb {
	unsigned int port;
	struct lladdr mac;
};

typedef int (*kernel_fdb_fn)(const struct kernel_fdb *fdb, void *arg);

/* Replacing moves the station when another port of the same bridge holds it. */
int kernel_fdb_replace(struct kernel *k, const struct kernel_fdb *fdb);
int kernel_fdb_delete(struct kernel *k, const struct kernel_fdb *fdb);
/* The static entries (not the learnt ones, not the ports' own addresses) of a bridge's ports. */
int kernel_fdb_each(struct kernel *k, unsigned int bridge, kernel_fdb_fn each, void *arg);

/* ---- addresses (kernel_address.c) ------------------------------------------------------ */

struct kernel_address {
	unsigned int ifindex;
	struct addr addr;
	uint8_t length; /* of the on-link prefix; host bits of addr are kept */
	bool nodad;	/* IPv6: usable at once, no duplicate address detection */
	bool ours;	/* filled in by each and by the monitor; ignored in requests */
};

typedef int (*kernel_address_fn)(const struct kernel_address *address, void *arg);

/* Adds the address, or changes its flags when it is there. */
int kernel_address_replace(struct kernel *k, const struct kernel_address *address);
int kernel_address_delete(struct kernel *k, const struct kernel_address *address);
/* The addresses of one interface, or of all when ifindex is 0: anybody's, see .ours. */
int kernel_address_each(struct kernel *k, unsigned int ifindex, kernel_address_fn each, void *arg);

/* ---- neighbours (kernel_neighbour.c) --------------------------------------------------- */

/* A permanent neighbour: no ARP or ND is ever sent for it. */
struct kernel_neighbour {
	unsigned int ifindex;
	struct addr addr;
	struct lladdr mac;
};

typedef int (*kernel_neighbour_fn)(const struct kernel_neighbour *neighbour, void *arg);

int kernel_neighbour_replace(struct kernel *k, const struct kernel_neighbour *neighbour);
/* Only interface and address matter. */
int kernel_neighbour_delete(struct kernel *k, const struct kernel_neighbour *neighbour);
/* Ours, on one interface or, when ifindex is 0, on all. */
int kernel_neighbour_each(struct kernel *k, unsigned int ifindex, kernel_neighbour_fn each,
			  void *arg);

/* ---- rules (kernel_rule.c) ------------------------------------------------------------- */

/* Packets that came in by iif ("lo": are this host's own), from there to there, are looked up in
 * table. */
struct kernel_rule {
	sa_family_t family;    /* AF_INET or AF_INET6 */
	uint32_t priority;     /* KERNEL_RULE_PRIORITY_MIN..MAX; lower is asked first */
	char iif[KERNEL_NAME]; /* "" is any */
	struct prefix from;    /* AF_UNSPEC is any */
	struct prefix to;      /* AF_UNSPEC is any */
	uint8_t proto;	       /* IPPROTO_GRE, IPPROTO_UDP ...; 0 is any */
	uint16_t dport;	       /* 0 is any */
	uint32_t table;
};

typedef int (*kernel_rule_fn)(const struct kernel_rule *rule, void *arg);

/* Adding the same rule twice leaves one. */
int kernel_rule_add(struct kernel *k, const struct kernel_rule *rule);
/*
 * Deletes the rule that agrees in every field. -ENOTUNIQ when the kernel would rather delete a
 * narrower one: give rules that differ only in a field that one of them leaves out different
 * priorities.
 */
int kernel_rule_delete(struct kernel *k, const struct kernel_rule *rule);
/* Ours, of both families. */
int kernel_rule_each(struct kernel *k, kernel_rule_fn each, void *arg);

/* ---- tunnel devices (kernel_tunnel.c) -------------------------------------------------- */

/*
 * The collect-metadata devices, one per kind and namespace, into which encapsulating routes point.
 *
 *   kind   device                  outer    inner        name      key
 *   gre    gre external            IPv4     IPv4, IPv6   sno-gre   32 bits
 *   gre6   ip6gre external         IPv6     IPv4, IPv6   sno-gre6  32 bits
 *   ipip   ipip external           IPv4     IPv4         sno-ipip  none
 *   gpe    vxlan external gpe      either   IPv4, IPv6   sno-gpe   24 bits
 */
enum kernel_tunnel {
	KERNEL_TUNNEL_NONE,
	KERNEL_TUNNEL_GRE,
	KERNEL_TUNNEL_GRE6,
	KERNEL_TUNNEL_IPIP,
	KERNEL_TUNNEL_GPE,
};
#define KERNEL_TUNNELS 5 /* one more than the largest kind */

#define KERNEL_GPE_PORT 4790 /* draft-ietf-nvo3-vxlan-gpe section 6.1 */

/* "gre", "gre6", "ipip", "gpe", "none" (kernel_text.c). */
const char *kernel_tunnel_text(enum kernel_tunnel kind);
/* The device's name, "sno-gre" ...; "" for NONE (kernel_text.c). */
const char *kernel_tunnel_device(enum kernel_tunnel kind);

/*
 * Does this kernel have the kind? 0 yes, -EOPNOTSUPP no, otherwise the failure of asking (-EPERM
 * ...). Makes a device and removes it again, where none is there yet.
 */
int kernel_tunnel_probe(struct kernel *k, enum kernel_tunnel kind);

/*
 * Makes or adopts the device of this kind, sets MTU (0: leave) and sets it up. -EEXIST when an
 * external device of this kind has another name (the kernel allows only one; the message tells
 * which), or when our name belongs to a device of another kind.
 */
int kernel_tunnel_ensure(struct kernel *k, enum kernel_tunnel kind, unsigned int mtu,
			 unsigned int *ifindex);

/* A GRE tunnel that carries Ethernet, as feeder between a satellite and a ground station. */
struct kernel_gretap {
	struct addr local; /* IPv4 (gretap) or IPv6 (ip6gretap), both ends of one family */
	struct addr remote;
	uint32_t key;	  /* 0: no key */
	unsigned int mtu; /* 0: 1500 */
};

/*
 * Makes or replaces the device and sets it up. Over IPv4 outer packets may be fragmented
 * (nopmtudisc, ignore-df) so that full-size frames pass, whatever the inner DF bit says. Over IPv6
 * the kernel does not fragment them: frames that the path to the station cannot take whole (its MTU
 * less 62) are lost.
 */
int kernel_gretap_ensure(struct kernel *k, const char *name, const struct kernel_gretap *gretap,
			 unsigned int *ifindex);

/* ---- TUN devices (kernel_tun.c) -------------------------------------------------------- */

struct kernel_tun {
	unsigned int mtu;
	unsigned int queue; /* packets that may wait to be read; more are dropped */
};

/*
 * Makes the device of this name, for as long as *fd is open, and leaves it down. Each read from *fd
 * takes one IP packet that was routed to it, without anything before it; each write has one
 * received on it. Non-blocking, close-on-exec. *fd is -1 in the beginning, and then a new
 * descriptor. Given one from an earlier call it is that one's device that is made again where
 * somebody has removed it. A device that somebody has made persistent is adopted, and persistent no
 * more.
 *
 * -EEXIST when the name belongs to another kind of device, -EBUSY when another process has it,
 * -EOPNOTSUPP when this system has no TUN devices. *fd is as before then.
 */
int kernel_tun_ensure(struct kernel *k, const char *name, const struct kernel_tun *tun, int *fd,
		      unsigned int *ifindex);
/* Removes the device, unless fd is -1. */
void kernel_tun_close(struct kernel *k, int fd);

/* ---- routes (kernel_route.c, kernel_route_message.c) ----------------------------------- */

/* Encapsulation by the collect-metadata device that the route points to (LWTUNNEL_ENCAP_IP, _IP6).
 */
struct kernel_encap {
	struct addr dst; /* AF_UNSPEC: no encapsulation, the rest is ignored */
	struct addr src; /* needed; same family as dst */
	uint32_t key;	 /* 0: none is sent. gpe: the low 24 bits are the VNI */
	uint8_t ttl;	 /* 0 is taken as 64: the inner one is never inherited */
	uint8_t tos;
	bool df; /* set the outer DF bit */
};

enum kernel_route_type {
	KERNEL_ROUTE_UNICAST,
	KERNEL_ROUTE_LOCAL,	  /* delivered here; a prefix is as good as an address */
	KERNEL_ROUTE_BLACKHOLE,	  /* dropped silently */
	KERNEL_ROUTE_UNREACHABLE, /* dropped with ICMP host unreachable */
};

/*
 * A route is identified by (dst, table, metric): replace overwrites the one that agrees in these,
 * delete removes it, whatever else the fields say. Give the same metric in both.
 */
struct kernel_route {
	struct prefix dst; /* length 0 with the family set is the default route */
	uint32_t table;	   /* 0: local (255) for type local, otherwise main (254) */
	uint32_t metric;   /* 0: the kernel's default (0 for IPv4, 1024 for IPv6) */
	enum kernel_route_type type;
	unsigned int oif;
	struct addr gateway; /* may be IPv6 for an IPv4 dst (RTA_VIA) */
	struct addr prefsrc; /* source of local packets that take this route */
	struct kernel_encap encap;
	unsigned int mtu; /* 0: that of the device */
	bool mtu_lock;	  /* path MTU discovery must not change it: no exception per HoA */
	bool onlink;	  /* believe that the gateway is on the link */
	uint8_t protocol; /* filled in by lookup and by the monitor; requests always say 83 */
};

typedef int (*kernel_route_fn)(const struct kernel_route *route, void *arg);

/*
 * The metric for routes to one HoA (kernel_text.c). IPv4 encapsulating routes of one device that
 * differ only in the encapsulation are kept by the kernel in one hash chain; a metric fixed per HoA
 * spreads them (1.2k/s against 199k/s at 20,000 routes). IPv6 does not need it and has 1024.
 * Every route to that HoA, tunnelled or not, has to use it, so that one replaces the other.
 */
uint32_t kernel_route_metric(const struct addr *hoa);

int kernel_route_replace(struct kernel *k, const struct kernel_route *route);
int kernel_route_delete(struct kernel *k, const struct kernel_route *route);
/* Ours, of both families and all tables; for adoption and sweeping after a restart. */
int kernel_route_each(struct kernel *k, kernel_route_fn each, void *arg);

/* The route that a packet from here to dst takes now: oif, gateway, prefsrc, mtu (0: device's). */
int kernel_route_lookup(struct kernel *k, const struct addr *dst, struct kernel_route *route);

/*
 * 1 when somebody else's route has the same dst, table and metric, so that a replace would take it
 * away; 0 when none has; or -errno. Lists the routes of the family: not for the way of a handover.
 */
int kernel_route_foreign(struct kernel *k, const struct kernel_route *route);

/* ---- batches (kernel_change.c) ---------------------------------------------------------- */

/*
 * Many changes with few system calls: all that the paths of hundreds of terminals need goes to the
 * kernel in one datagram after the other, and only the last request of each is acknowledged.
 */
enum kernel_change_kind { KERNEL_CHANGE_ROUTE, KERNEL_CHANGE_NEIGHBOUR, KERNEL_CHANGE_FDB };

/* Room for the kernel's own words about a refusal. */
#define KERNEL_REASON 128

struct kernel_change {
	enum kernel_change_kind kind;
	bool remove;		    /* false: replace */
	int error;		    /* afterwards: 0 or -errno for this very change */
	char reason[KERNEL_REASON]; /* afterwards: extended ACK text of a refusal, or "" */
	union {
		struct kernel_route route;
		struct kernel_neighbour neighbour;
		struct kernel_fdb fdb;
	};
};

/*
 * Applies the changes in order. Every one is tried, whatever becomes of the others. Returns 0 when
 * all succeeded, otherwise the error of the first in the list that failed, which is also what
 * kernel_error() tells.
 */
int kernel_batch(struct kernel *k, struct kernel_change *changes, size_t count);
/* Makes kernel_error() tell about this change, which has failed in a batch, and returns that. */
const char *kernel_change_error(struct kernel *k, const struct kernel_change *change);

/* ---- sysctl (kernel_sysctl.c) ---------------------------------------------------------- */

/*
 * Writes /proc/sys/WHERE/INTERFACE/NAME; interface NULL leaves that part out. What already has the
 * value is not written, so that a read-only /proc/sys with the shipped sysctl.d in force is fine.
 *     kernel_sysctl_set(k, "net/ipv4", NULL, "ip_forward", "1");
 *     kernel_sysctl_set(k, "net/ipv6/conf", "sno-acc", "accept_dad", "0");
 * -EINVAL when a part climbs out of its place ("..", a slash in interface or name).
 */
int kernel_sysctl_set(struct kernel *k, const char *where, const char *interface, const char *name,
		      const char *value);
/* Reads it without the final newline. -ERANGE when it does not fit. */
int kernel_sysctl_get(struct kernel *k, const char *where, const char *interface, const char *name,
		      char *value, size_t size);

/* ---- text (kernel_text.c) -------------------------------------------------------------- */

/* "10.1.0.7/32 table 254 metric 66543 via fe80::2 dev 5 mtu 1400 lock", for logs and tests. */
#define KERNEL_ROUTE_TEXT 384
const char *kernel_route_text(const struct kernel_route *route, char text[KERNEL_ROUTE_TEXT]);

#endif
