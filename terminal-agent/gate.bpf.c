// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate: no packet of the user's gets past others that are in the hold (uplink.h).
 *
 * Programs for tc, compiled for the kernel's virtual machine and carried in sno-terminal-agent
 * (gate_image.c): one counts what enters the hold's device; the other one sees what leaves by a
 * link. While a hold is released the routes lead to the link already, and packets may be in the
 * device or in the daemon's hands that came before. What comes now goes the same way round as long
 * as that is so; the daemon says what has left. All else is left to other filters.
 */
#include "gate_layout.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_PACKET 17 /* <sys/socket.h> is not for here */

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gate);
} gates SEC(".maps");

static __always_inline struct gate *get_gate(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&gates, &zero);
}

/* What the kernel has put together from several packets, or will take apart, counts as many. */
SEC("tc")
int sno_held(struct __sk_buff *skb)
{
	struct gate *gate = get_gate();

	if (gate)
		__sync_fetch_and_add(&gate->held, skb->gso_segs ? skb->gso_segs : 1);
	return TC_ACT_UNSPEC;
}

/*
 * Does it go the way of those in the hold? They themselves leave as frames through a packet socket,
 * and so does signalling.
 */
static __always_inline int goes_with_them(struct __sk_buff *skb, const struct gate *gate)
{
	const struct bpf_sock *sk = skb->sk;
	__u8 to[ETH_ALEN];

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return 0;
	if (bpf_skb_load_bytes(skb, 0, to, sizeof(to)) < 0)
		return 0;
	for (int i = 0; i < ETH_ALEN; i++)
		if (to[i] != gate->gateway[i])
			return 0;
	return !sk || sk->family != AF_PACKET;
}

SEC("tc")
int sno_uplink(struct __sk_buff *skb)
{
	const volatile struct gate *gate = get_gate();

	if (!gate || !gate->until || gate->link != skb->ifindex ||
	    gate->until <= bpf_ktime_get_ns() || (__s64)(gate->held - gate->passed) <= 0 ||
	    !goes_with_them(skb, (const struct gate *)gate))
		return TC_ACT_UNSPEC;
	return (int)bpf_redirect(gate->hold, 0);
}
