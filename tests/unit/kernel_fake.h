/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in memory, for unit tests.
 *
 * kernel_fake.c defines every symbol of common/kernel*.h except the pure ones of kernel_text.c, so
 *a test that lists it is linked with it instead of the real thing. There is one fake kernel per
 * process: contexts opened with kernel_open() all see the same tables, as contexts of one namespace
 *do, and the tables outlive the context, as a real kernel survives the daemon.
 *
 * A transition is tested like this:
 *
 *	kernel_fake_reset();
 *	kernel_fake_link("sat1", NULL);
 *	... bring the machine into its state ...
 *	before = kernel_fake_dump();
 *	for (n = 1;; n++) {
 *		kernel_fake_fail_at(n, -ENOSPC);
 *		run the transition
 *		if (!kernel_fake_failed())
 *			break;			the whole transition went through
 *		assert_string_equal(before, kernel_fake_dump())
 *	}
 */
#ifndef SNO_KERNEL_FAKE_H
#define SNO_KERNEL_FAKE_H

#include "kernel_guard.h"
#include "kernel_monitor.h"
#include "kernel_tc.h"
#include "kernel_xfrm.h"

#include <sys/types.h>

/*
 * What follows happens in the kernel of this number, below KERNEL_FAKES, as after setns(2): each
 * has tables, a log and failures of its own. The first is 0. Monitors and the guard are of all.
 */
#define KERNEL_FAKES 2
void kernel_fake_enter(unsigned int number);

/* Empties everything: tables, call log, failures. A loopback `lo`, index 1, up, is there again. */
void kernel_fake_reset(void);

/*
 * Puts a link there as the administrator would (kind may be NULL): mtu 1500, MAC
 * 02:00:00:00:00:INDEX, down, carrier. Returns its index.
 */
unsigned int kernel_fake_link(const char *name, const char *kind);
/* Changes the carrier of a link, and reports it to the monitors. */
void kernel_fake_carrier(unsigned int ifindex, bool carrier);
/*
 * Puts a route there as another program would (protocol 4, static): seen by kernel_route_lookup(),
 * which finds the longest match of table 254, but not by kernel_route_each().
 */
void kernel_fake_route(const struct kernel_route *route);
/* The kind of tunnel is not in this kernel; kernel_tunnel_probe() and _ensure() say -EOPNOTSUPP. */
void kernel_fake_without_tunnel(enum kernel_tunnel kind);

/* This kernel has no ESP; kernel_sa_probe() says -EOPNOTSUPP. */
void kernel_fake_without_esp(void);

/*
 * The nth change from now (1 is the next) fails with this negative errno and has no effect; later
 * ones succeed again. n 0 cancels. Only changes count: looking does not, neither does open.
 */
void kernel_fake_fail_at(unsigned int n, int error);
/* Has the failure asked for happened since it was asked for? */
bool kernel_fake_failed(void);
/* Fails every change whose log line starts with this text, until NULL is given. */
void kernel_fake_fail_on(const char *start, int error);

/*
 * Calls back whenever a change whose log line starts with this text is asked for, before it is
 * made: what happens at that very moment. NULL ends it.
 */
void kernel_fake_meet(const char *start, void (*meet)(void *arg), void *arg);

/*
 * A packet is routed to the TUN device of this name, for the daemon to read. 0, or -ENODEV when
 * there is no such device, or it is down.
 */
int kernel_fake_tun_send(const char *name, const void *packet, size_t length);
/* Takes the next packet that the daemon has written to it: its length, or -EAGAIN. */
ssize_t kernel_fake_tun_receive(const char *name, void *packet, size_t size);

/*
 * The state as sorted text, one object a line, all interfaces by name: equal text means equal
 * state. The string is the fake's and is valid until the second next dump, so that two may be
 * compared.
 */
const char *kernel_fake_dump(void);
/* Number of lines of the dump that contain this text ("" counts all). */
unsigned int kernel_fake_count(const char *text);

/*
 * The changes asked for since the last reset or clear, in order, one a line, with " = -ENOSPC" at
 * the end of those that failed: "route replace 10.1.0.7/32 ...".
 */
const char *kernel_fake_log(void);
void kernel_fake_log_clear(void);
/* Position (1 ...) of the first log line at or after `from` that contains the text; 0 when none
 * does. */
unsigned int kernel_fake_log_find(const char *text, unsigned int from);
/* Number of changes asked for, failed ones included. */
unsigned int kernel_fake_calls(void);
/* Number of batches among them, each of which is one exchange, since the last reset or clear. */
unsigned int kernel_fake_batches(void);

/* What the guard has of the terminal whose address or prefix this is ("10.1.0.7/32"), or NULL. */
struct guard_terminal *kernel_fake_guarded(const char *prefix);
/* What it has of the peer with this number. */
const struct guard_peer *kernel_fake_guard_peer(uint32_t index);

/* Queues an event for all monitors that watch such; kernel_monitor_read() delivers it. */
void kernel_fake_emit(const struct kernel_event *event);
/* Loses the queued events: the next read finds an overrun and resynchronises. */
void kernel_fake_overrun(void);

/* The value last written to a sysctl ("net/ipv4/ip_forward"), or NULL. */
const char *kernel_fake_sysctl(const char *path);
/* Contexts and monitors that are open: 0 at the end of a test that closes what it opens. */
unsigned int kernel_fake_open_count(void);

#endif
