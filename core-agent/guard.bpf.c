// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard: which packets a core takes from terminals and from tunnels (PROTOCOL section 10).
 *
 * Programs for tc, compiled for the kernel's virtual machine and carried in sno-core-agent
 * (guard_image.c): one for what satellites' ports receive, one for what comes out of tunnel
 * devices, which take packets of any outer source, and two that count what leaves by either. All
 * of these have TCP agree on segments that fit the terminal's path. Another one counts what enters
 * the hold: nothing leaves past it. Who is who is written by guard.c, in the structures of
 * guard_layout.h.
 *
 * Packets are read relative to their network header: devices differ in what they have before it.
 * What signalling the access side receives is read by packet sockets, which come before this.
 */
#include "guard_layout.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* guard.c sets how many */
	__type(key, struct guard_address);
	__type(value, __u32);
} addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* likewise */
	__type(key, __u32);
	__type(value, struct guard_terminal);
} terminals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guard_common);
} common SEC(".maps");

/* Where addresses are in the headers of both families, and the rest that is looked at. */
#define IPV4_LENGTH   2
#define IPV4_FRAGMENT 6
#define IPV4_PROTOCOL 9
#define IPV4_SRC      12
#define IPV4_DST      16
#define IPV4_HEADER   20
#define IPV6_LENGTH   4
#define IPV6_NEXT     6
#define IPV6_SRC      8
#define IPV6_DST      24
#define IPV6_HEADER   40
#define UDP_DPORT     (IPV6_HEADER + 2)
#define TCP_LENGTH    12
#define TCP_CHECKSUM  16
#define TCP_HEADER    20
#define TCP_OPTIONS   10 /* that are looked at: nobody has so many before the one */

#define TCP_SYN	   0x02
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2 /* RFC 9293 section 3.7.1 */

#define WHOLE_ADDRESS 128

struct packet {
	struct guard_address src, dst;
	__u64 octets;
};

static __always_inline int load(struct __sk_buff *skb, __u32 at, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(skb, at, to, length, BPF_HDR_START_NET);
}

static __always_inline void map_ipv4(__u8 addr[16])
{
	__builtin_memset(addr, 0, 10);
	addr[10] = addr[11] = 0xff;
}

/* 0, or less when it is no whole IP packet. */
static __always_inline int read_packet(struct __sk_buff *skb, struct packet *p)
{
	__be16 length;

	__builtin_memset(p, 0, sizeof(*p));
	p->src.length = p->dst.length = WHOLE_ADDRESS;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		map_ipv4(p->src.addr);
		map_ipv4(p->dst.addr);
		if (load(skb, IPV4_LENGTH, &length, sizeof(length)) < 0 ||
		    load(skb, IPV4_SRC, p->src.addr + 12, 4) < 0 ||
		    load(skb, IPV4_DST, p->dst.addr + 12, 4) < 0)
			return -1;
		p->octets = bpf_ntohs(length);
		return 0;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return -1;
	if (load(skb, IPV6_LENGTH, &length, sizeof(length)) < 0 ||
	    load(skb, IPV6_SRC, p->src.addr, 16) < 0 || load(skb, IPV6_DST, p->dst.addr, 16) < 0)
		return -1;
	p->octets = IPV6_HEADER + bpf_ntohs(length);
	return 0;
}

static __always_inline struct guard_common *get_common(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&common, &zero);
}

static __always_inline struct guard_terminal *find(const struct guard_address *address)
{
	__u32 *slot = bpf_map_lookup_elem(&addresses, address);
	__u32 index;

	if (!slot)
		return 0;
	index = *slot;
	return bpf_map_lookup_elem(&terminals, &index);
}

static __always_inline int drop(struct guard_common *c, enum guard_drop reason)
{
	__sync_fetch_and_add(&c->drops[reason], 1);
	return TC_ACT_SHOT;
}

/* What the kernel has put together from several packets, or will take apart, counts as many. */
static __always_inline void count(struct __sk_buff *skb, struct guard_count *counter, __u64 octets)
{
	__sync_fetch_and_add(&counter->packets, skb->gso_segs ? skb->gso_segs : 1);
	__sync_fetch_and_add(&counter->octets, octets);
}

/* Addresses of both kinds are told apart four octets at a time: both are aligned so. */
static __always_inline int same_address(const __u8 *one, const __u8 *other)
{
	const __u32 *a = (const void *)one, *b = (const void *)other;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

static __always_inline int valid(const struct guard_way *way, __u32 kind)
{
	__u64 until = *(volatile const __u64 *)&way->until;

	return way->kind == kind && until != 0 &&
	       (until == GUARD_FOREVER || until > bpf_ktime_get_ns());
}

/* ---- TCP's largest segments ---------------------------------------------------------------- */

/*
 * Each end of a connection says in its first packet how large segments it takes. Where the path
 * takes less, that number is lowered: then nothing depends on ICMP, which many networks filter.
 */

struct mss_option {
	__u8 kind, length;
	__be16 octets;
};

/* Where the TCP header begins, behind the network header's begin; 0: there is none in it. */
static __always_inline __u32 find_tcp(struct __sk_buff *skb)
{
	__u8 head[IPV4_PROTOCOL + 1];

	if (load(skb, 0, head, sizeof(head)) < 0)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return head[IPV6_NEXT] == IPPROTO_TCP ? IPV6_HEADER : 0;
	/* A fragment behind the first has none. */
	if (head[IPV4_PROTOCOL] != IPPROTO_TCP ||
	    (head[IPV4_FRAGMENT] & 0x1f) | head[IPV4_FRAGMENT + 1])
		return 0;
	return (head[0] & 0x0f) * 4;
}

/* Where the option is in a SYN, among the first of its options; 0: not there. */
static __always_inline __u32 find_mss(struct __sk_buff *skb, __u32 tcp)
{
	__u32 at = tcp + TCP_HEADER, end;
	__u8 two[2]; /* header length and flags; kind and length of an option */

	if (load(skb, tcp + TCP_LENGTH, two, sizeof(two)) < 0 || !(two[1] & TCP_SYN))
		return 0;
	end = tcp + (two[0] >> 4) * 4;
	for (int i = 0; i < TCP_OPTIONS && at + sizeof(struct mss_option) <= end; i++) {
		if (load(skb, at, two, sizeof(two)) < 0 || two[0] == OPTION_END)
			return 0;
		if (two[0] == OPTION_MSS)
			return at;
		if (two[0] != OPTION_NOP && two[1] < sizeof(two))
			return 0;
		at += two[0] == OPTION_NOP ? 1 : two[1];
	}
	return 0;
}

/* network: where the network header begins in what the program is given. */
static __always_inline void clamp(struct __sk_buff *skb, const struct guard_terminal *terminal,
				  __u32 network)
{
	const __u32 mtu = terminal->mtu;
	__u32 tcp = mtu ? find_tcp(skb) : 0, at = tcp ? find_mss(skb, tcp) : 0;
	__u32 headers = TCP_HEADER;
	struct mss_option option;
	__be16 is, fits;

	/* Where there is more behind the packet than belongs to it, `network` is not right. */
	if (!at || bpf_skb_load_bytes(skb, network + at, &option, sizeof(option)) < 0 ||
	    option.kind != OPTION_MSS || option.length != sizeof(option))
		return;
	headers += skb->protocol == bpf_htons(ETH_P_IPV6) ? IPV6_HEADER : IPV4_HEADER;
	if (mtu <= headers || bpf_ntohs(option.octets) <= mtu - headers)
		return;
	is = option.octets;
	option.octets = fits = bpf_htons(mtu - headers);
	/* The checksum is over pairs of octets: an option may begin in the middle of one. */
	if ((at - tcp) & 1) {
		is = __builtin_bswap16(is);
		fits = __builtin_bswap16(fits);
	}
	bpf_l4_csum_replace(skb, network + tcp + TCP_CHECKSUM, is, fits, sizeof(fits));
	bpf_skb_store_bytes(skb, network + at, &option, sizeof(option), 0);
}

/* A packet of a tunnel device is all that it is given, at the end of it. */
static __always_inline __u32 network_in_tunnel(const struct __sk_buff *skb, const struct packet *p)
{
	return skb->len - (__u32)p->octets;
}

/* ---- the access side ----------------------------------------------------------------------- */

static __always_inline int link_local(const __u8 addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* Signalling is somebody else's by now, and goes no further; nothing else may be link-local. */
static __always_inline int from_link_local(struct __sk_buff *skb, struct guard_common *c)
{
	__u8 next;
	__be16 port;

	if (load(skb, IPV6_NEXT, &next, sizeof(next)) == 0 && next == IPPROTO_UDP &&
	    load(skb, UDP_DPORT, &port, sizeof(port)) == 0 && port == bpf_htons(c->signalling))
		return TC_ACT_SHOT;
	return drop(c, GUARD_LINK_LOCAL);
}

SEC("tc")
int sno_access(struct __sk_buff *skb)
{
	struct guard_common *c = get_common();
	enum guard_drop reason = GUARD_SOURCE;
	struct guard_terminal *terminal;
	struct packet p;
	__u8 mac[16] __attribute__((aligned(4))) = {}; /* as in a way */

	if (!c)
		return TC_ACT_SHOT;
	if (skb->vlan_present || bpf_skb_load_bytes(skb, ETH_ALEN, mac, ETH_ALEN) < 0 ||
	    read_packet(skb, &p) < 0)
		return drop(c, GUARD_PROTOCOL);
	if (skb->protocol == bpf_htons(ETH_P_IPV6) && link_local(p.src.addr))
		return from_link_local(skb, c);
	terminal = find(&p.src);
	if (!terminal)
		return drop(c, GUARD_SOURCE);
	for (int i = 0; i < GUARD_WAYS; i++) {
		const struct guard_way *way = &terminal->ways[i];

		if (!valid(way, GUARD_ACCESS))
			continue;
		if (!same_address(way->addr, mac)) {
			if (reason == GUARD_SOURCE)
				reason = GUARD_LINK_LAYER;
			continue;
		}
		if (way->who == skb->ifindex) {
			count(skb, &terminal->up, p.octets);
			clamp(skb, terminal, ETH_HLEN);
			return TC_ACT_OK;
		}
		reason = GUARD_SATELLITE;
	}
	return drop(c, reason);
}

/* ---- tunnels ------------------------------------------------------------------------------- */

/* The outer header of a packet. */
struct outer {
	__u8 from[16] __attribute__((aligned(4))), to[16] __attribute__((aligned(4)));
	__u32 key;
	int v6, keyed;
	int clear; /* it would be let through, had it been protected */
};

static __always_inline int read_outer(struct __sk_buff *skb, const struct guard_common *c,
				      struct outer *o)
{
	struct bpf_tunnel_key key = {};
	__be32 addr;

	__builtin_memset(o, 0, sizeof(*o));
	o->keyed = skb->ifindex != c->keyless;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0) == 0) {
		map_ipv4(o->from);
		map_ipv4(o->to);
		addr = bpf_htonl(key.remote_ipv4);
		__builtin_memcpy(o->from + 12, &addr, sizeof(addr));
		addr = bpf_htonl(key.local_ipv4);
		__builtin_memcpy(o->to + 12, &addr, sizeof(addr));
	} else if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6) == 0) {
		__builtin_memcpy(o->from, key.remote_ipv6, sizeof(o->from));
		__builtin_memcpy(o->to, key.local_ipv6, sizeof(o->to));
		o->v6 = 1;
	} else {
		return -1;
	}
	o->key = key.tunnel_id;
	return 0;
}

static __always_inline int from_peer(const struct guard_peer *peer, const struct outer *o)
{
	return same_address(o->v6 ? peer->end6 : peer->end4, o->from);
}

/*
 * Policies of the kernel's IPsec have dropped clear text already; unless somebody has removed them,
 * and they are not back yet. What has come by an association still bears its mark: a tunnel device
 * drops all else that tells.
 */
static __always_inline int was_protected(struct __sk_buff *skb, const struct guard_peer *peer)
{
	if (!peer->mark)
		return 1;
	if ((skb->mark & GUARD_MARK_MASK) != peer->mark)
		return 0;
	skb->mark &= ~GUARD_MARK_MASK;
	return 1;
}

/* Has the packet come by one of the terminal's tunnels of this kind? */
static __always_inline int came_by(struct __sk_buff *skb, const struct guard_terminal *terminal,
				   __u32 kind, const struct guard_common *c, struct outer *o)
{
	for (int i = 0; i < GUARD_WAYS; i++) {
		const struct guard_way *way = &terminal->ways[i];
		const struct guard_peer *peer;
		__u32 who = way->who;

		if (!valid(way, kind) || who >= GUARD_PEERS)
			continue;
		peer = &c->peers[who];
		if (!from_peer(peer, o))
			continue;
		if (kind == GUARD_DOWN &&
		    (!same_address(way->addr, o->to) || (o->keyed && way->key != o->key)))
			continue;
		if (kind == GUARD_UP && o->keyed && peer->key != o->key &&
		    peer->key_before != o->key)
			continue;
		if (was_protected(skb, peer))
			return 1;
		o->clear = 1;
	}
	return 0;
}

static __always_inline int has_way(const struct guard_terminal *terminal, __u32 kind)
{
	for (int i = 0; i < GUARD_WAYS; i++)
		if (valid(&terminal->ways[i], kind))
			return 1;
	return 0;
}

SEC("tc")
int sno_tunnel(struct __sk_buff *skb)
{
	struct guard_common *c = get_common();
	struct guard_terminal *to, *from;
	struct packet p;
	struct outer o;

	if (!c)
		return TC_ACT_SHOT;
	if (read_packet(skb, &p) < 0 || read_outer(skb, c, &o) < 0)
		return drop(c, GUARD_UNSERVED);
	to = find(&p.dst);
	/* Down to a visitor; or what a visited core sends back of a subscriber that has left. */
	if (to && came_by(skb, to, GUARD_DOWN, c, &o))
		return TC_ACT_OK;
	from = find(&p.src);
	if (from && came_by(skb, from, GUARD_UP, c, &o)) {
		count(skb, &from->up, p.octets);
		clamp(skb, from, network_in_tunnel(skb, &p));
		return TC_ACT_OK;
	}
	if (to && came_by(skb, to, GUARD_UP, c, &o))
		return TC_ACT_OK;
	if (o.clear)
		return drop(c, GUARD_CLEAR);
	if (from && !has_way(from, GUARD_DOWN))
		return drop(c, GUARD_ELSEWHERE);
	return drop(c, to ? GUARD_TUNNEL : GUARD_UNSERVED);
}

/* ---- the hold ------------------------------------------------------------------------------ */

/*
 * While a hold is released the routes lead past it already, and packets may be in its device or in
 * the daemon's hands that came before. What comes now goes the same way round as long as that is
 * so; the daemon says what has left. Packets out of the hold are on that way.
 */
static __always_inline int must_wait(const struct __sk_buff *skb, const struct guard_common *c,
				     const struct guard_terminal *terminal)
{
	const volatile struct guard_terminal *t = terminal;

	return t->gate && skb->ingress_ifindex != c->hold && (__s64)(t->held - t->passed) > 0;
}

SEC("tc")
int sno_held(struct __sk_buff *skb)
{
	struct guard_terminal *terminal;
	struct packet p;

	if (read_packet(skb, &p) < 0)
		return TC_ACT_OK;
	terminal = find(&p.dst);
	if (terminal)
		__sync_fetch_and_add(&terminal->held, skb->gso_segs ? skb->gso_segs : 1);
	return TC_ACT_OK;
}

/* ---- counting ------------------------------------------------------------------------------ */

static __always_inline int sent(struct __sk_buff *skb, int into_tunnel)
{
	struct guard_common *c = get_common();
	struct guard_terminal *terminal;
	struct packet p;

	if (!c || read_packet(skb, &p) < 0)
		return TC_ACT_OK;
	/* A visitor's own packets on their way to its home core: they were counted as they came. */
	if (into_tunnel && skb->ingress_ifindex == c->bridge) {
		terminal = find(&p.src);
		if (terminal && has_way(terminal, GUARD_DOWN))
			return TC_ACT_OK;
	}
	terminal = find(&p.dst);
	if (!terminal)
		return TC_ACT_OK;
	if (must_wait(skb, c, terminal))
		return (int)bpf_redirect(c->hold, 0);
	count(skb, &terminal->down, p.octets);
	clamp(skb, terminal, into_tunnel ? network_in_tunnel(skb, &p) : ETH_HLEN);
	return TC_ACT_OK;
}

SEC("tc")
int sno_delivered(struct __sk_buff *skb)
{
	return sent(skb, 0);
}

SEC("tc")
int sno_sent(struct __sk_buff *skb)
{
	return sent(skb, 1);
}
