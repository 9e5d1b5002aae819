/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange with the kernel: one request, one answer, nothing taken for granted.
 *
 * Netlink is a datagram protocol inside one machine. A request may be answered by an error, an ACK,
 * one message or a dump of many datagrams; a dump may be interrupted by a change (NLM_F_DUMP_INTR,
 * then it is repeated), answers may be dropped when the receive buffer is full (ENOBUFS, then the
 * request, which is idempotent by the contract of kernel.h, is repeated), and any process may send
 * us datagrams that look like answers (so the sender has to be port 0, and sequence and port have
 * to be ours).
 */
#define _GNU_SOURCE /* strerrorname_np */
#include "kernel_internal.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT 5	 /* seconds; the kernel answers at once or never */
#define REQUEST_BUFFER (1 << 22) /* room for the errors of a whole batch */
#define DUMP_ATTEMPTS  16
#define LOST_ATTEMPTS  3
#define ERRNO_MAX      4095 /* the kernel's MAX_ERRNO */

/* What one exchange is after, and what came of it. */
struct exchange {
	kernel_parse_fn parse; /* NULL: the ACK is all */
	const void *arg;
	struct kernel_list *list; /* a dump appends here ... */
	size_t before;		  /* ... what was in it when the dump began */
	void *item;		  /* a query stores here */
	unsigned int kept;
	bool interrupted;
};

static void option_set(int fd, int level, int option, int value)
{
	/* A kernel without the option still answers, with less to say. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

int kernel_socket_open(struct kernel_socket *s, int bus, int flags, unsigned int groups,
		       size_t buffer)
{
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	int fd, err;

	s->nl = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	if (!s->nl)
		return -errno;
	fd = mnl_socket_get_fd(s->nl);
	option_set(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	option_set(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	option_set(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
	/* The kernel doubles the value; without CAP_NET_ADMIN rmem_max bounds it. */
	option_set(fd, SOL_SOCKET, SO_RCVBUF, (int)(buffer / 2));
	option_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)(buffer / 2));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (mnl_socket_bind(s->nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		kernel_socket_close(s);
		return err;
	}
	s->portid = mnl_socket_get_portid(s->nl);
	s->seq = 0;
	return 0;
}

void kernel_socket_close(struct kernel_socket *s)
{
	if (s->nl)
		mnl_socket_close(s->nl);
	s->nl = NULL;
}

int kernel_open(struct kernel **result)
{
	struct kernel *k;
	int err;

	*result = NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	err = kernel_socket_open(&k->route, NETLINK_ROUTE, 0, 0, REQUEST_BUFFER);
	if (err) {
		free(k);
		return err;
	}
	*result = k;
	return 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	kernel_socket_close(&k->route);
	kernel_socket_close(&k->xfrm);
	free(k);
}

const char *kernel_error(const struct kernel *k)
{
	return k->error;
}

static void error_note(struct kernel *k, int err, const char *reason, const char *format,
		       va_list args)
{
	const char *name = strerrorname_np(-err);
	int length;

	length = vsnprintf(k->error, sizeof(k->error), format, args);
	if (length < 0 || (size_t)length >= sizeof(k->error))
		return;
	snprintf(k->error + length, sizeof(k->error) - (size_t)length, ": %s (%s)",
		 reason[0] ? reason : strerror(-err), name ? name : "unknown error");
}

int kernel_fail(struct kernel *k, int err, const char *format, ...)
{
	va_list args;

	if (!err)
		return 0;
	va_start(args, format);
	error_note(k, err, k->reason, format, args);
	va_end(args);
	return err;
}

int kernel_fail_link(struct kernel *k, int err, unsigned int ifindex, const char *format, ...)
{
	char what[KERNEL_ERROR_SIZE], name[IF_NAMESIZE];
	va_list args;

	if (!err)
		return 0;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (if_indextoname(ifindex, name))
		return kernel_fail(k, err, "%s on %s", what, name);
	return kernel_fail(k, err, "%s on interface #%u", what, ifindex);
}

int kernel_refuse(struct kernel *k, int err, const char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_note(k, err, reason, format, args);
	va_end(args);
	return err;
}

int kernel_gone(int err)
{
	switch (err) {
	case -ENOENT:
	case -ESRCH:
	case -ENODEV:
	case -ENXIO:
	case -EADDRNOTAVAIL:
		return 0;
	default:
		return err;
	}
}

int kernel_socket_send(const struct kernel_socket *s, const void *data, size_t length)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(s->nl, data, length);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == length ? 0 : -EMSGSIZE;
}

ssize_t kernel_socket_receive(const struct kernel_socket *s, void *data, size_t size)
{
	struct sockaddr_nl from;
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr msg = {.msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t length;

	do {
		msg.msg_namelen = sizeof(from);
		length = recvmsg(mnl_socket_get_fd(s->nl), &msg, 0);
		if (length < 0 && errno != EINTR)
			return -errno;
	} while (length < 0 || msg.msg_namelen != sizeof(from) || from.nl_pid != 0);
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return length;
}

bool kernel_message_whole(const struct nlmsghdr *nlh, int rest)
{
	return mnl_nlmsg_ok(nlh, rest) && nlh->nlmsg_len <= (uint32_t)rest;
}

void kernel_socket_drain(const struct kernel_socket *s)
{
	char ignored;

	while (recv(mnl_socket_get_fd(s->nl), &ignored, sizeof(ignored), MSG_DONTWAIT) >= 0 ||
	       errno == EINTR || errno == ENOBUFS)
		;
}

int kernel_socket_result(const struct nlmsghdr *nlh, char reason[KERNEL_REASON])
{
	size_t length = mnl_nlmsg_get_payload_len(nlh), fixed;
	const struct nlattr *attr;
	int err;

	/* NETLINK_CAP_ACK: of the request only its header comes back. DONE has the bare number. */
	fixed = nlh->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);
	if (length < sizeof(int))
		return nlh->nlmsg_type == NLMSG_ERROR ? -EBADMSG : 0;
	memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
	if (err < -ERRNO_MAX || err > ERRNO_MAX)
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || length < MNL_ALIGN(fixed))
		return err > 0 ? -err : err;
	mnl_attr_for_each(attr, nlh, fixed) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
						mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		snprintf(reason, KERNEL_REASON, "%s", mnl_attr_get_str(attr));
	return err > 0 ? -err : err;
}

/* ---- lists ------------------------------------------------------------------------------ */

/* A zeroed item at the end, not counted yet; NULL when memory is out. */
static void *list_next(struct kernel_list *list)
{
	char *items;
	size_t room;

	if (list->count == list->room) {
		room = list->room ? list->room * 2 : 64;
		items = reallocarray(list->items, room, list->size);
		if (!items)
			return NULL;
		list->items = items;
		list->room = room;
	}
	return memset(list->items + list->count * list->size, 0, list->size);
}

void kernel_list_free(struct kernel_list *list)
{
	free(list->items);
	list->items = NULL;
	list->count = list->room = 0;
}

/* ---- exchange --------------------------------------------------------------------------- */

struct nlmsghdr *kernel_message(struct kernel *k, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(k->message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(nlh, size);
	return nlh;
}

static int exchange_take(struct exchange *x, const struct nlmsghdr *nlh)
{
	void *item = x->item;
	int keep;

	if (!x->parse)
		return 0;
	if (x->list) {
		item = list_next(x->list);
		if (!item)
			return -ENOMEM;
	}
	keep = x->parse(nlh, item, x->arg);
	if (keep <= 0)
		return keep;
	x->kept++;
	if (x->list)
		x->list->count++;
	return 0;
}

/* Reads answers until the request with this sequence number is settled. 0 or -errno. */
static int exchange_finish(struct kernel *k, const struct kernel_socket *s, struct exchange *x)
{
	int err, failed = 0, rest;
	const struct nlmsghdr *nlh;
	ssize_t length;

	for (;;) {
		length = kernel_socket_receive(s, k->received, sizeof(k->received));
		if (length == -EAGAIN)
			return -ETIMEDOUT;
		if (length < 0)
			return (int)length;
		rest = (int)length;
		for (nlh = (void *)k->received; kernel_message_whole(nlh, rest);
		     nlh = mnl_nlmsg_next(nlh, &rest)) {
			if (nlh->nlmsg_seq != s->seq || nlh->nlmsg_pid != s->portid)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				x->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_OVERRUN)
				return -ENOBUFS;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				err = kernel_socket_result(nlh, k->reason);
				return err ? err : failed;
			}
			if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && !failed)
				failed = exchange_take(x, nlh);
		}
	}
}

static int exchange_run(struct kernel *k, struct kernel_socket *s, struct nlmsghdr *nlh,
			struct exchange *x)
{
	int attempt, err = 0;

	for (attempt = 0; attempt < LOST_ATTEMPTS; attempt++) {
		k->reason[0] = '\0';
		x->interrupted = false;
		x->kept = 0;
		if (x->list)
			x->list->count = x->before;
		nlh->nlmsg_seq = ++s->seq;
		nlh->nlmsg_pid = s->portid;
		err = kernel_socket_send(s, nlh, nlh->nlmsg_len);
		if (!err)
			err = exchange_finish(k, s, x);
		if (err != -ENOBUFS)
			break;
		kernel_socket_drain(s);
	}
	return err;
}

static int request_on(struct kernel *k, struct kernel_socket *s, struct nlmsghdr *nlh)
{
	struct exchange x = {0};

	nlh->nlmsg_flags |= NLM_F_ACK;
	return exchange_run(k, s, nlh, &x);
}

/* The first repetitions are at once; in a storm of changes the later ones wait for a lull, 0.5 s in
 * all. */
static void dump_pause(int attempt)
{
	struct timespec pause = {.tv_nsec = 64000000};

	if (attempt < 3)
		return;
	if (attempt < 8)
		pause.tv_nsec = 1000000L << (attempt - 2);
	nanosleep(&pause, NULL);
}

/* A dump that a change interrupted, or that another one on this socket holds up, is begun again. */
static int dump_on(struct kernel *k, struct kernel_socket *s, struct nlmsghdr *nlh,
		   kernel_parse_fn parse, const void *arg, struct kernel_list *list)
{
	struct exchange x = {.parse = parse, .arg = arg, .list = list, .before = list->count};
	int attempt, err = 0;

	nlh->nlmsg_flags |= NLM_F_DUMP;
	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		dump_pause(attempt);
		err = exchange_run(k, s, nlh, &x);
		if (!err && x.interrupted)
			err = -EINTR;
		if (err != -EINTR && err != -EBUSY)
			break;
	}
	if (err)
		list->count = x.before;
	return err;
}

int kernel_request(struct kernel *k, struct nlmsghdr *nlh)
{
	return request_on(k, &k->route, nlh);
}

int kernel_request_nl(struct kernel *k, struct nl_msg *msg)
{
	int err;

	k->reason[0] = '\0';
	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_REQUEST;
	err = kernel_request(k, nlmsg_hdr(msg));
	nlmsg_free(msg);
	return err;
}

int kernel_query(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, void *item,
		 const void *arg)
{
	struct exchange x = {.parse = parse, .arg = arg, .item = item};
	int err;

	nlh->nlmsg_flags |= NLM_F_ACK;
	err = exchange_run(k, &k->route, nlh, &x);
	if (!err && !x.kept)
		err = -ENOENT;
	return err;
}

int kernel_dump(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, const void *arg,
		struct kernel_list *list)
{
	return dump_on(k, &k->route, nlh, parse, arg, list);
}

/* Not every kernel has XFRM, and not every daemon needs it. */
static int xfrm_open(struct kernel *k)
{
	k->reason[0] = '\0';
	if (k->xfrm.nl)
		return 0;
	return kernel_socket_open(&k->xfrm, NETLINK_XFRM, 0, 0, REQUEST_BUFFER);
}

int kernel_xfrm_request(struct kernel *k, struct nlmsghdr *nlh)
{
	int err = xfrm_open(k);

	return err ? err : request_on(k, &k->xfrm, nlh);
}

int kernel_xfrm_dump(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, const void *arg,
		     struct kernel_list *list)
{
	int err = xfrm_open(k);

	return err ? err : dump_on(k, &k->xfrm, nlh, parse, arg, list);
}

/* ---- attributes ------------------------------------------------------------------------- */

struct attr_table {
	const struct nlattr **tb;
	uint16_t max;
};

static int attr_collect(const struct nlattr *attr, void *data)
{
	const struct attr_table *table = data;

	if (mnl_attr_get_type(attr) <= table->max)
		table->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void kernel_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, uint16_t max)
{
	struct attr_table table = {tb, max};

	memset(tb, 0, (max + 1U) * sizeof(tb[0]));
	mnl_attr_parse(nlh, (unsigned int)header, attr_collect, &table);
}

void kernel_attrs_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	struct attr_table table = {tb, max};

	memset(tb, 0, (max + 1U) * sizeof(tb[0]));
	if (nest)
		mnl_attr_parse_nested(nest, attr_collect, &table);
}

static bool attr_has(const struct nlattr *attr, size_t length)
{
	return attr && mnl_attr_get_payload_len(attr) >= length;
}

uint8_t kernel_attr_u8(const struct nlattr *attr)
{
	return attr_has(attr, sizeof(uint8_t)) ? mnl_attr_get_u8(attr) : 0;
}

uint16_t kernel_attr_u16(const struct nlattr *attr)
{
	return attr_has(attr, sizeof(uint16_t)) ? mnl_attr_get_u16(attr) : 0;
}

uint32_t kernel_attr_u32(const struct nlattr *attr)
{
	return attr_has(attr, sizeof(uint32_t)) ? mnl_attr_get_u32(attr) : 0;
}

uint64_t kernel_attr_u64(const struct nlattr *attr)
{
	return attr_has(attr, sizeof(uint64_t)) ? mnl_attr_get_u64(attr) : 0;
}

const char *kernel_attr_str(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(attr)
									 : "";
}

bool kernel_attr_addr(const struct nlattr *attr, sa_family_t family, struct addr *a)
{
	size_t length = addr_length(family);

	memset(a, 0, sizeof(*a));
	if (!attr || !length || mnl_attr_get_payload_len(attr) != length)
		return false;
	a->family = family;
	memcpy(a->bytes, mnl_attr_get_payload(attr), length);
	return true;
}

void kernel_addr_from(struct addr *a, sa_family_t family, const void *bytes)
{
	memset(a, 0, sizeof(*a));
	a->family = family;
	memcpy(a->bytes, bytes, addr_length(family));
}

void kernel_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a)
{
	mnl_attr_put(nlh, type, addr_length(a->family), a->bytes);
}

struct nl_addr *kernel_nl_addr(const struct addr *a, unsigned int length)
{
	struct nl_addr *n = nl_addr_build(a->family, a->bytes, addr_length(a->family));

	if (n)
		nl_addr_set_prefixlen(n, (int)length);
	return n;
}
