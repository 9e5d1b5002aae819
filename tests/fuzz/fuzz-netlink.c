/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: what the kernel answers, and tells unasked.
 *
 * Everything of common/kernel_*.c that reads netlink runs on a socket that is the input. Its first
 * octet says what is asked for; the rest are datagrams: an octet of flags, the length (2 octets,
 * lowest first), so many octets. Messages get the sequence number and the port of the question,
 * unless the flags say that they are somebody else's. What lies behind a datagram is poisoned, so
 * that no attribute is read for longer than it is. Whatever comes, what is handed out is of its
 * domain: names end, prefixes fit their family, marks and kinds are those that were asked for.
 */
#include "kernel_internal.h"
#include "kernel_monitor.h"
#include "kernel_tc.h"
#include "kernel_xfrm.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORT	 4711 /* ours */
#define IFINDEX	 7
#define REQIDS	 KERNEL_REQID_BASE
#define RECEIVES 2000 /* an input is over soon, whatever is repeated */

enum { KEEP_HEADERS = 1, STRANGER = 2, TRUNCATED = 4, LOST = 8 };

static const uint8_t *input, *input_end;
static uint32_t seq;
static unsigned int receives;
static const void *poisoned;
static size_t poisoned_length;

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* ---- the socket: these stand in for those of libmnl and of the C library -----------------------
 */

struct mnl_socket {
	int fd;
};
static struct mnl_socket sockets[4];

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	static unsigned int next;

	(void)bus;
	(void)flags;
	sockets[next % 4].fd = -1;
	return &sockets[next++ % 4];
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	return nl->fd;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return PORT;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t length)
{
	const struct nlmsghdr *nlh = request;

	(void)nl;
	must(length >= sizeof(*nlh) && nlh->nlmsg_len <= length);
	seq = nlh->nlmsg_seq;
	return (ssize_t)length;
}

int nanosleep(const struct timespec *span, struct timespec *rest)
{
	(void)span;
	(void)rest;
	return 0;
}

static void unpoison(void)
{
	if (poisoned)
		ASAN_UNPOISON_MEMORY_REGION(poisoned, poisoned_length);
	poisoned = NULL;
}

/* The answers are to what was asked: chance would not find the numbers. */
static void address(char *datagram, size_t length)
{
	size_t at = 0;

	while (at + sizeof(struct nlmsghdr) <= length) {
		struct nlmsghdr *nlh = (void *)(datagram + at);

		nlh->nlmsg_seq = seq;
		nlh->nlmsg_pid = PORT;
		if (nlh->nlmsg_len < sizeof(*nlh))
			return;
		at += MNL_ALIGN((size_t)nlh->nlmsg_len);
	}
}

/* Once all has been said a question is answered by an end, and there is no more news. */
static ssize_t end(struct msghdr *msg)
{
	struct nlmsghdr nlh = {.nlmsg_len = sizeof(nlh) + sizeof(int),
			       .nlmsg_type = NLMSG_DONE,
			       .nlmsg_flags = NLM_F_MULTI};
	int none = 0;

	if (receives++ % 2) {
		errno = EAGAIN;
		return -1;
	}
	nlh.nlmsg_seq = seq;
	nlh.nlmsg_pid = PORT;
	memcpy(msg->msg_iov->iov_base, &nlh, sizeof(nlh));
	memcpy((char *)msg->msg_iov->iov_base + sizeof(nlh), &none, sizeof(none));
	return (ssize_t)nlh.nlmsg_len;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl *from = msg->msg_name;
	char *datagram = msg->msg_iov->iov_base;
	ssize_t taken;
	size_t length;
	uint8_t how;

	(void)fd;
	(void)flags;
	unpoison();
	memset(from, 0, sizeof(*from));
	msg->msg_flags = 0;
	if (input_end - input < 3 || receives > RECEIVES) {
		input = input_end;
		return end(msg);
	}
	how = *input++;
	length = (size_t)(input[0] | input[1] << 8);
	input += 2;
	if (length > (size_t)(input_end - input))
		length = (size_t)(input_end - input);
	if (length > msg->msg_iov->iov_len)
		length = msg->msg_iov->iov_len;
	memcpy(datagram, input, length);
	input += length;
	taken = (ssize_t)length;
	receives++;
	if (how & LOST) {
		errno = ENOBUFS;
		return -1;
	}
	if (!(how & KEEP_HEADERS))
		address(datagram, length);
	from->nl_pid = how & STRANGER ? 1 : 0;
	msg->msg_flags = how & TRUNCATED ? MSG_TRUNC : 0;
	/* Messages are padded to four octets, which libmnl counts in. */
	length = MNL_ALIGN(length) < msg->msg_iov->iov_len ? MNL_ALIGN(length)
							   : msg->msg_iov->iov_len;
	poisoned = datagram + length;
	poisoned_length = msg->msg_iov->iov_len - length;
	ASAN_POISON_MEMORY_REGION(poisoned, poisoned_length);
	return taken;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	(void)fd;
	(void)data;
	(void)size;
	(void)flags;
	errno = EAGAIN;
	return -1;
}

/* ---- what is handed out ------------------------------------------------------------------------
 */

static bool addr_good(const struct addr *a)
{
	return a->family == AF_UNSPEC || a->family == AF_INET || a->family == AF_INET6;
}

static bool prefix_good(const struct prefix *p)
{
	return addr_good(&p->addr) && p->length <= 8 * addr_length(p->addr.family);
}

static int check_link(const struct kernel_link *link, void *arg)
{
	(void)arg;
	must(strnlen(link->name, sizeof(link->name)) < sizeof(link->name));
	must(strnlen(link->kind, sizeof(link->kind)) < sizeof(link->kind));
	return 0;
}

static int check_address(const struct kernel_address *address, void *arg)
{
	(void)arg;
	must(address->addr.family != AF_UNSPEC && addr_good(&address->addr));
	must(address->length <= 8 * addr_length(address->addr.family));
	return 0;
}

static int check_neighbour(const struct kernel_neighbour *neighbour, void *arg)
{
	(void)arg;
	must(neighbour->addr.family != AF_UNSPEC && addr_good(&neighbour->addr));
	return 0;
}

static int check_fdb(const struct kernel_fdb *fdb, void *arg)
{
	(void)fdb;
	(void)arg;
	return 0;
}

static int check_route(const struct kernel_route *route, void *arg)
{
	char text[KERNEL_ROUTE_TEXT];

	(void)arg;
	must(route->dst.addr.family != AF_UNSPEC && prefix_good(&route->dst));
	must(addr_good(&route->gateway) && addr_good(&route->prefsrc));
	must(addr_good(&route->encap.dst) && addr_good(&route->encap.src));
	must(*kernel_route_text(route, text));
	return 0;
}

static int check_rule(const struct kernel_rule *rule, void *arg)
{
	(void)arg;
	must(strnlen(rule->iif, sizeof(rule->iif)) < sizeof(rule->iif));
	must(prefix_good(&rule->from) && prefix_good(&rule->to));
	return 0;
}

static int check_sa(const struct kernel_sa *sa, void *arg)
{
	static const uint8_t none[KERNEL_SA_KEY];

	(void)arg;
	must(sa->reqid >= REQIDS && sa->reqid <= REQIDS + 99);
	must(sa->dst.family != AF_UNSPEC && addr_good(&sa->dst) && addr_good(&sa->src));
	must(memcmp(sa->key, none, sizeof(none)) == 0);
	return 0;
}

static void check_worn(const struct kernel_sa *sa, void *arg)
{
	check_sa(sa, arg);
}

static int check_policy(const struct kernel_policy *policy, void *arg)
{
	(void)arg;
	must(policy->reqid >= REQIDS && policy->reqid <= REQIDS + 99);
	must(prefix_good(&policy->src) && prefix_good(&policy->dst));
	must(policy->src.addr.family == policy->dst.addr.family);
	return 0;
}

static int check_redirect(const struct kernel_redirect *redirect, void *arg)
{
	(void)redirect;
	(void)arg;
	return 0;
}

static int check_filter(const struct kernel_filter *filter, void *arg)
{
	(void)filter;
	(void)arg;
	return 0;
}

static void check_event(const struct kernel_event *event, void *arg)
{
	switch (event->type) {
	case KERNEL_EVENT_LINK:
	case KERNEL_EVENT_LINK_GONE:
		check_link(&event->link, arg);
		break;
	case KERNEL_EVENT_ADDRESS:
	case KERNEL_EVENT_ADDRESS_GONE:
		check_address(&event->address, arg);
		break;
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_ROUTE_GONE:
		check_route(&event->route, arg);
		break;
	case KERNEL_EVENT_NEIGHBOUR:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		check_neighbour(&event->neighbour, arg);
		break;
	default:
		must(*kernel_event_text(event->type));
	}
}

/* ---- questions ---------------------------------------------------------------------------------
 */

static int ask_link(struct kernel *k)
{
	struct kernel_link link;
	int err = kernel_link_find(k, "sno-acc", &link);

	check_link(&link, NULL);
	if (!err)
		err = kernel_link_get(k, IFINDEX, &link);
	check_link(&link, NULL);
	return err;
}

static int ask_bridge(struct kernel *k)
{
	struct kernel_bridge bridge = {.ageing = 100, .mac = {{2, 1, 2, 3, 4, 5}}};
	struct kernel_bridge_port port;
	unsigned int ifindex;
	int err = kernel_bridge_port_get(k, IFINDEX, &port);

	return err ? err : kernel_bridge_ensure(k, "sno-acc", &bridge, &ifindex);
}

static int ask_route(struct kernel *k)
{
	struct kernel_route route = {.dst = {{.family = AF_INET, .bytes = {10, 1, 0, 7}}, 32}};
	int err = kernel_route_foreign(k, &route);

	if (err >= 0)
		err = kernel_route_lookup(k, &route.dst.addr, &route);
	if (!err)
		check_route(&route, NULL);
	return err;
}

static int ask_tunnel(struct kernel *k)
{
	unsigned int ifindex;
	int err = 0;

	for (int kind = 0; kind < KERNEL_TUNNELS && err != -ETIMEDOUT; kind++) {
		err = kernel_tunnel_probe(k, (enum kernel_tunnel)kind);
		if (!err)
			err = kernel_tunnel_ensure(k, (enum kernel_tunnel)kind, 1400, &ifindex);
	}
	return err;
}

static int ask_gretap(struct kernel *k)
{
	struct kernel_gretap gretap = {.local = {.family = AF_INET, .bytes = {192, 0, 2, 1}},
				       .remote = {.family = AF_INET, .bytes = {192, 0, 2, 2}}};
	unsigned int ifindex;

	return kernel_gretap_ensure(k, "feeder", &gretap, &ifindex);
}

/* Changes, each of which may be refused, and one that looks before it leaps. */
static int ask_batch(struct kernel *k)
{
	struct kernel_change changes[3] = {
		{.kind = KERNEL_CHANGE_ROUTE,
		 .route = {.dst = {{.family = AF_INET, .bytes = {10, 1, 0, 7}}, 32},
			   .oif = IFINDEX}},
		{.kind = KERNEL_CHANGE_NEIGHBOUR,
		 .neighbour = {.ifindex = IFINDEX,
			       .addr = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}}}},
		{.kind = KERNEL_CHANGE_FDB, .remove = true, .fdb = {.port = IFINDEX}}};
	int err = kernel_batch(k, changes, 3);

	for (int i = 0; i < 3; i++)
		must(strnlen(changes[i].reason, KERNEL_REASON) < KERNEL_REASON);
	return err;
}

static int ask_rules(struct kernel *k)
{
	struct kernel_rule rule = {
		.family = AF_INET, .priority = REQIDS, .table = REQIDS, .iif = "sno-acc"};
	int err = kernel_rule_each(k, check_rule, NULL);

	return err ? err : kernel_rule_delete(k, &rule);
}

static int ask_filters(struct kernel *k)
{
	struct kernel_filter filter = {.ifindex = IFINDEX, .priority = 1, .action = 9};
	int err = kernel_tc_filter_each(k, IFINDEX, check_filter, NULL);

	if (!err)
		err = kernel_tc_filter_replace(k, &filter);
	if (!err)
		err = kernel_tc_filter_delete(k, &filter);
	if (!err)
		err = kernel_tc_clsact_ensure(k, IFINDEX);
	return err ? err : kernel_tc_clsact_delete(k, IFINDEX);
}

static int hear(struct kernel *k)
{
	struct kernel_monitor *m;
	int err = kernel_monitor_open(&m, k, ~0U, 0, check_event, NULL);

	must(err == 0);
	err = kernel_monitor_read(m);
	if (err)
		err = kernel_monitor_read(m);
	kernel_monitor_close(m);
	return err;
}

static void removed(void *arg)
{
	(void)arg;
}

static int hear_xfrm(struct kernel *k)
{
	const struct kernel_xfrm_events events = {.worn = check_worn, .removed = removed};
	struct kernel_xfrm_monitor *m;
	int err = kernel_xfrm_monitor_open(&m, k, REQIDS, REQIDS + 99, &events, NULL);

	must(err == 0);
	err = kernel_xfrm_monitor_read(m);
	kernel_xfrm_monitor_close(m);
	return err;
}

static int ask_clsact(struct kernel *k)
{
	int err = kernel_tc_clsact_ensure(k, IFINDEX);

	return err ? err : kernel_tc_clsact_delete(k, IFINDEX);
}

static int ask_gpe(struct kernel *k)
{
	unsigned int ifindex;
	int err = kernel_tunnel_probe(k, KERNEL_TUNNEL_GPE);

	return err ? err : kernel_tunnel_ensure(k, KERNEL_TUNNEL_GPE, 1400, &ifindex);
}

/* What is answered by yes or no, each whatever became of the one before: a refusal has a reason. */
static int ask_changes(struct kernel *k)
{
	const struct prefix four = {{.family = AF_INET, .bytes = {10, 1, 0, 7}}, 32};
	const struct addr end = {.family = AF_INET, .bytes = {192, 0, 2, 1}};
	const struct kernel_address address = {.ifindex = IFINDEX, .addr = four.addr, .length = 32};
	const struct kernel_neighbour neighbour = {.ifindex = IFINDEX, .addr = four.addr};
	const struct kernel_fdb fdb = {.port = IFINDEX, .mac = {{2, 1, 2, 3, 4, 5}}};
	const struct kernel_route route = {.dst = four, .oif = IFINDEX};
	const struct kernel_rule rule = {
		.family = AF_INET, .priority = REQIDS, .table = REQIDS, .from = four, .iif = "lo"};
	const struct kernel_sa sa = {.src = end,
				     .dst = end,
				     .spi = 4096,
				     .reqid = REQIDS,
				     .replay_window = 64,
				     .esn = true,
				     .mark = 1,
				     .mark_mask = 1};
	const struct kernel_policy policy = {
		.src = four, .dst = four, .reqid = REQIDS, .tunnel_src = end, .tunnel_dst = end};
	const int results[] = {
		kernel_address_replace(k, &address),
		kernel_address_delete(k, &address),
		kernel_neighbour_replace(k, &neighbour),
		kernel_neighbour_delete(k, &neighbour),
		kernel_fdb_replace(k, &fdb),
		kernel_fdb_delete(k, &fdb),
		kernel_route_replace(k, &route),
		kernel_route_delete(k, &route),
		kernel_rule_add(k, &rule),
		kernel_rule_delete(k, &rule),
		kernel_link_set_up(k, IFINDEX, true),
		kernel_link_set_mtu(k, IFINDEX, 1400),
		kernel_link_set_mac(k, IFINDEX, &fdb.mac),
		kernel_link_set_master(k, IFINDEX, 9),
		kernel_link_delete(k, IFINDEX),
		kernel_sa_add(k, &sa),
		kernel_sa_update(k, &sa),
		kernel_sa_delete(k, &sa),
		kernel_sa_probe(k, AF_INET6, KERNEL_CIPHER_AES_256_GCM),
		kernel_policy_add(k, &policy),
		kernel_policy_update(k, &policy),
		kernel_policy_delete(k, &policy),
		kernel_xfrm_flush(k, REQIDS, REQIDS + 99),
	};

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		must(results[i] <= 0);
	if (results[sizeof(results) / sizeof(results[0]) - 1] < 0)
		must(*kernel_error(k));
	return 0;
}

static int ask(struct kernel *k, uint8_t what)
{
	switch (what % 21) {
	case 0:
		return ask_link(k);
	case 1:
		return kernel_link_each(k, check_link, NULL);
	case 2:
		return kernel_address_each(k, IFINDEX, check_address, NULL);
	case 3:
		return kernel_neighbour_each(k, IFINDEX, check_neighbour, NULL);
	case 4:
		return kernel_route_each(k, check_route, NULL);
	case 5:
		return ask_route(k);
	case 6:
		return ask_rules(k);
	case 7:
		return ask_bridge(k);
	case 8:
		return kernel_fdb_each(k, IFINDEX, check_fdb, NULL);
	case 9:
		return ask_tunnel(k);
	case 10:
		return ask_gretap(k);
	case 11:
		return ask_filters(k);
	case 12:
		return kernel_tc_redirect_each(k, check_redirect, NULL);
	case 13:
		return kernel_sa_each(k, REQIDS, REQIDS + 99, check_sa, NULL);
	case 14:
		return kernel_policy_each(k, REQIDS, REQIDS + 99, check_policy, NULL);
	case 15:
		return ask_batch(k);
	case 16:
		return hear(k);
	case 18:
		return ask_clsact(k);
	case 19:
		return ask_gpe(k);
	case 20:
		return ask_changes(k);
	default:
		return hear_xfrm(k);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel *k;
	int err;

	if (size < 1)
		return 0;
	input = data + 1;
	input_end = data + size;
	receives = 0;
	must(kernel_open(&k) == 0);
	err = ask(k, data[0]);
	unpoison();
	must(err <= 1);
	kernel_close(k);
	return 0;
}
