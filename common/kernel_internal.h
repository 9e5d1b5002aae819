/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel_*.c files share, and nobody else may include.
 *
 * All requests go through one exchange (kernel_socket.c): a sequence number per request, an ACK for
 * every change, strict checking, extended ACK text, answers from the kernel only. Messages come
 * from libnl's objects where libnl-route 3.7 has them (links, addresses, neighbours, rules) and are
 * put together with libmnl where it has not (external tunnels, encapsulating routes, bridge
 * options, XFRM, tc). What is read back needs attributes that libnl does not know (protocol of an
 * address or neighbour, kinds of external devices), so it is parsed with libmnl.
 */
#ifndef SNO_KERNEL_INTERNAL_H
#define SNO_KERNEL_INTERNAL_H

#include "kernel.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>

struct nl_msg;
struct nl_addr;

#define KERNEL_MESSAGE_SIZE                                                                        \
	4096			  /* the largest single request: an ESP state with 4096-bit window \
				   */
#define KERNEL_RECEIVE_SIZE 65536 /* the kernel's dumps use at most 32 KiB a datagram */
#define KERNEL_BATCH_SIZE   49152 /* well below the default send buffer */
#define KERNEL_ERROR_SIZE   512

/* One netlink socket to the kernel. */
struct kernel_socket {
	struct mnl_socket *nl; /* NULL: not opened yet */
	unsigned int portid;
	uint32_t seq; /* of the last request */
};

struct kernel {
	struct kernel_socket route;    /* NETLINK_ROUTE */
	struct kernel_socket xfrm;     /* NETLINK_XFRM, opened at first use */
	char reason[KERNEL_REASON];    /* extended ACK text of the last request, or "" */
	char error[KERNEL_ERROR_SIZE]; /* for kernel_error() */
	_Alignas(16) char message[KERNEL_MESSAGE_SIZE]; /* XFRM headers have 64-bit members */
	_Alignas(struct nlmsghdr) char received[KERNEL_RECEIVE_SIZE];
	_Alignas(struct nlmsghdr) char batch[KERNEL_BATCH_SIZE];
};

/* A growing array of equal items, for dumps. Start with .size set and the rest zero. */
struct kernel_list {
	size_t size;
	size_t count;
	size_t room;
	char *items;
};

/* Turns one message into *item (zeroed before). 1: keep it, 0: not one of those asked for, or
 * -errno. */
typedef int (*kernel_parse_fn)(const struct nlmsghdr *nlh, void *item, const void *arg);

/*
 * Starts a request in the context's message buffer: NLM_F_REQUEST is added to the flags. The header
 * that follows (ifinfomsg ...) is `size` zeroed bytes, returned by mnl_nlmsg_get_payload().
 */
struct nlmsghdr *kernel_message(struct kernel *k, uint16_t type, uint16_t flags, size_t size);

/* A change: asks for an ACK and waits for it. 0 or -errno; the reason is kept for kernel_fail(). */
int kernel_request(struct kernel *k, struct nlmsghdr *nlh);
/* The same for a message of libnl, which is freed; NULL (no memory) is -ENOMEM. */
int kernel_request_nl(struct kernel *k, struct nl_msg *msg);
/* A question with one answer, which `parse` turns into *item. -ENOENT when it did not keep any. */
int kernel_query(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, void *item,
		 const void *arg);
/* A question answered by a dump: appends what `parse` keeps to the list, whole or not at all. */
int kernel_dump(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, const void *arg,
		struct kernel_list *list);

/* The same for NETLINK_XFRM. The socket is opened when needed. */
int kernel_xfrm_request(struct kernel *k, struct nlmsghdr *nlh);
int kernel_xfrm_dump(struct kernel *k, struct nlmsghdr *nlh, kernel_parse_fn parse, const void *arg,
		     struct kernel_list *list);

/* Which XFRM objects a list is after, as argument of its parse function. */
struct kernel_reqids {
	uint32_t low, high;
};

/* Opens a netlink socket with all we ask of one; groups 0 for requests. */
int kernel_socket_open(struct kernel_socket *s, int bus, int flags, unsigned int groups,
		       size_t buffer);
void kernel_socket_close(struct kernel_socket *s);
/* Sends bytes to the kernel. 0 or -errno. */
int kernel_socket_send(const struct kernel_socket *s, const void *data, size_t length);
/* Receives one datagram from the kernel (others are ignored). Its length, or -errno. */
ssize_t kernel_socket_receive(const struct kernel_socket *s, void *data, size_t size);
/* Is there a whole message in the rest of a datagram? mnl_nlmsg_ok() takes lengths of 2 GiB and
 * more for negative ones. */
bool kernel_message_whole(const struct nlmsghdr *nlh, int rest);
/*
 * Throws away what is queued. Needed after ENOBUFS: until its queue is empty the kernel drops
 * further answers without saying so again.
 */
void kernel_socket_drain(const struct kernel_socket *s);
/*
 * The result that an NLMSG_ERROR or NLMSG_DONE message carries: 0 or -errno. The extended ACK text
 * is copied to reason, when there is one.
 */
int kernel_socket_result(const struct nlmsghdr *nlh, char reason[KERNEL_REASON]);

/*
 * Notes what failed: "WHAT: REASON (EINVAL)". Returns err. The text has no effect when err is 0, so
 * that a function can end with `return kernel_fail(k, err, "route %s", ...)`.
 */
int kernel_fail(struct kernel *k, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, ending in " on NAME": the interface's name is only looked up when it is needed. */
int kernel_fail_link(struct kernel *k, int err, unsigned int ifindex, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with a reason of our own in place of the kernel's. */
int kernel_refuse(struct kernel *k, int err, const char *reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* 0 for the errors by which the kernel says that what was to be deleted is not there. */
int kernel_gone(int err);

void kernel_list_free(struct kernel_list *list);

/* What an attribute says; 0 or "" for NULL and for one that is shorter than that. */
uint8_t kernel_attr_u8(const struct nlattr *attr);
uint16_t kernel_attr_u16(const struct nlattr *attr);
uint32_t kernel_attr_u32(const struct nlattr *attr);
uint64_t kernel_attr_u64(const struct nlattr *attr);
const char *kernel_attr_str(const struct nlattr *attr);
/* Copies an attribute's address of this family; AF_UNSPEC and false when the length is wrong. */
bool kernel_attr_addr(const struct nlattr *attr, sa_family_t family, struct addr *a);
/* An address of this family out of a kernel structure that has room for either. */
void kernel_addr_from(struct addr *a, sa_family_t family, const void *bytes);
void kernel_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a);
/* Attributes of a nest or of a message behind a header of that size into tb[0..max], the rest NULL.
 */
void kernel_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
		  uint16_t max);
void kernel_attrs_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max);

/* libnl's address object with this prefix length; NULL when memory is out. */
struct nl_addr *kernel_nl_addr(const struct addr *a, unsigned int length);

/* Messages to values, used by dumps and by the monitor. kernel_parse_fn; arg is not used. */
int kernel_link_parse(const struct nlmsghdr *nlh, void *item, const void *arg);
int kernel_address_parse(const struct nlmsghdr *nlh, void *item, const void *arg);
int kernel_neighbour_parse(const struct nlmsghdr *nlh, void *item, const void *arg);
int kernel_route_parse(const struct nlmsghdr *nlh, void *item, const void *arg);

/* True when the neighbour message is one of ours. */
bool kernel_neighbour_ours(const struct nlmsghdr *nlh);
/* Permanent neighbours of anybody (ours false) or only ours. */
int kernel_neighbour_list(struct kernel *k, unsigned int ifindex, bool ours,
			  struct kernel_list *list);
int kernel_link_list(struct kernel *k, struct kernel_list *list);
int kernel_address_list(struct kernel *k, unsigned int ifindex, struct kernel_list *list);
int kernel_route_list(struct kernel *k, struct kernel_list *list);

/*
 * A request to replace or to delete, put together in buffer (KERNEL_CHANGE_MESSAGE bytes, aligned
 * as a message has to be). A route that the kernel would understand otherwise than it is meant is
 * refused: -EINVAL, with our words as the reason for kernel_fail().
 */
#define KERNEL_CHANGE_MESSAGE 512
int kernel_route_put(struct kernel *k, void *buffer, const struct kernel_route *route, bool remove,
		     struct nlmsghdr **nlh);
struct nlmsghdr *kernel_neighbour_put(void *buffer, const struct kernel_neighbour *neighbour,
				      bool remove);
struct nlmsghdr *kernel_fdb_put(void *buffer, const struct kernel_fdb *fdb, bool remove);

/* One change by itself, waiting for its ACK. 0 or -errno, told by kernel_error(). */
int kernel_change(struct kernel *k, struct kernel_change *change);

#endif
