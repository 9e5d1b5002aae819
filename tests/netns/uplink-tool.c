// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a terminal agent holds packets, for tests/netns/uplink.t: routes, hold, gate and the port
 * of one link, without any core to talk to.
 *
 *	uplink-tool INTERFACE GATEWAY ADDRESS...	the gateway's Ethernet address, and home
 *							addresses; then commands, one a line:
 *
 *	hold
 *	set
 *	gate		shuts the gate, for as long as an agent does at most
 *	gate-long	shuts it for a minute, which outlasts what a test does meanwhile
 *	counters
 *	quit
 *
 * Each is answered by one line of JSON: "error", 0 or a negative errno, and what has been counted.
 */
#include "terminal-agent/uplink.h"

#include "hold_device.h"
#include "kernel.h"
#include "kernel_gate.h"
#include "terminal-agent/gate_image.h"
#include "terminal-agent/port.h"

#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	struct kernel *kernel;
	struct forwarding *forwarding;
	struct hold_device buffer;
	struct hold *hold;
	struct kernel_gate *gate;
	struct uplink uplink;
	struct link link;
	struct forwarding_plan plan;
	struct ev_loop *loop;
	ev_timer alarm;
	usec_t now;
} t;

static void answer(int error)
{
	struct uplink_count count = uplink_count(&t.uplink);

	printf("{\"error\": %d, \"held\": %" PRIu64 ", \"dropped\": %" PRIu64 "}\n", error,
	       count.held, count.dropped);
	fflush(stdout);
}

static int shut_gate(usec_t time)
{
	struct gate *gate = kernel_gate_memory(t.gate);

	gate->hold = t.buffer.ifindex;
	gate->link = t.plan.ifindex;
	memcpy(gate->gateway, t.plan.gateway.bytes, sizeof(gate->gateway));
	gate->until = (uint64_t)(t.now + time) * 1000;
	return 0;
}

static void command(const char *line)
{
	if (strcmp(line, "hold") == 0)
		answer(uplink_hold(&t.uplink, t.now));
	else if (strcmp(line, "set") == 0)
		answer(uplink_set(&t.uplink, &t.plan, &t.link, t.now, t.now));
	else if (strcmp(line, "gate") == 0)
		answer(shut_gate(UPLINK_PATIENCE));
	else if (strcmp(line, "gate-long") == 0)
		answer(shut_gate(60 * USEC_PER_SEC));
	else if (strcmp(line, "counters") == 0)
		answer(0);
	else
		ev_break(t.loop, EVBREAK_ALL);
}

static void command_readable(struct ev_loop *l, ev_io *io, int events)
{
	char line[64];
	ssize_t n = read(io->fd, line, sizeof(line) - 1);

	(void)l;
	(void)events;
	t.now = clock_now();
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	command(line);
}

static int send_packet(void *context, struct link *link, const struct lladdr *gateway,
		       const uint8_t *packet, size_t length)
{
	(void)context;
	return port_forward(link->port, gateway, packet, length);
}

static void buffer_readable(struct hold_device *device, void *arg)
{
	(void)device;
	(void)arg;
	t.now = clock_now();
	uplink_read(&t.uplink, t.now);
}

static void datagram_arrived(void *arg, unsigned int ifindex, const struct datagram *datagram)
{
	(void)arg;
	(void)ifindex;
	(void)datagram;
}

static void packet_arrived(void *arg, unsigned int ifindex)
{
	(void)arg;
	(void)ifindex;
}

static void alarm_rings(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l;
	(void)timer;
	(void)events;
}

static void before_sleep(struct ev_loop *l, ev_prepare *watcher, int events)
{
	usec_t next;

	(void)watcher;
	(void)events;
	t.now = clock_now();
	next = uplink_tick(&t.uplink, t.now);
	ev_timer_stop(l, &t.alarm);
	if (next == USEC_NEVER)
		return;
	ev_timer_set(&t.alarm, next > t.now ? (double)(next - t.now) / USEC_PER_SEC : 0., 0.);
	ev_timer_start(l, &t.alarm);
}

/* The link of this name, with its port. */
static int open_link(const char *interface)
{
	const struct port_ops ops = {datagram_arrived, packet_arrived, NULL};
	struct kernel_link found;
	int error = kernel_link_find(t.kernel, interface, &found);

	if (error < 0)
		return error;
	t.link.ifindex = t.plan.ifindex = found.ifindex;
	return port_open(&t.link.port, t.loop,
			 &(struct port_place){.interface = interface,
					      .ifindex = found.ifindex,
					      .mac = found.mac,
					      .gateway = t.plan.gateway,
					      .udp_port = SNO_ACCESS_PORT},
			 &ops);
}

static int open_gate(void)
{
	int error = kernel_gate_open(t.kernel, gate_image, (size_t)(gate_image_end - gate_image),
				     &t.gate);

	if (error == 0)
		error = kernel_gate_attach(t.gate, t.plan.ifindex, KERNEL_GATE_LINK);
	if (error == 0)
		error = kernel_gate_attach(t.gate, t.buffer.ifindex, KERNEL_GATE_HOLD);
	if (error == 0)
		uplink_use_gate(&t.uplink, kernel_gate_memory(t.gate));
	else
		fprintf(stderr, "%s\n", kernel_error(t.kernel));
	return error;
}

static int open_all(char **words)
{
	static const struct forwarding_settings settings = {.install_default = true, .metric = 100};
	/* How long packets may wait is no subject here, whatever the machine does meanwhile. */
	static const struct hold_limits limits = {HOLD_TOTAL_PACKETS, HOLD_TOTAL_OCTETS,
						  600 * USEC_PER_SEC, HOLD_TOTAL_PACKETS,
						  HOLD_TOTAL_OCTETS};
	struct addr addr;

	if (!words[0] || !words[1] || lladdr_parse(&t.plan.gateway, words[1]) < 0 ||
	    kernel_open(&t.kernel) < 0 || open_link(words[0]) < 0)
		return -1;
	for (char **word = words + 2; *word; word++) {
		if (addr_parse(&addr, *word) < 0)
			return -1;
		*(addr.family == AF_INET ? &t.plan.hoa4 : &t.plan.hoa6) = addr;
	}
	t.forwarding = forwarding_new(t.kernel, &settings);
	t.hold = hold_new(&limits, hold_device_read, &t.buffer);
	if (!t.forwarding || !t.hold ||
	    hold_device_open(&t.buffer, t.kernel, HOLD_DEVICE_TERMINAL) < 0)
		return -1;
	hold_device_watch(&t.buffer, t.loop, buffer_readable, NULL);
	uplink_init(&t.uplink, t.forwarding, send_packet, NULL);
	if (open_gate() < 0)
		return -1;
	uplink_use(&t.uplink, t.hold, t.buffer.ifindex);
	t.now = clock_now();
	return uplink_set(&t.uplink, &t.plan, &t.link, t.now, t.now);
}

static void close_all(void)
{
	uplink_end(&t.uplink);
	forwarding_withdraw(t.forwarding);
	forwarding_free(t.forwarding);
	hold_device_close(&t.buffer);
	hold_free(t.hold);
	port_close(t.link.port);
	kernel_gate_detach(t.kernel, t.plan.ifindex);
	kernel_gate_close(t.gate);
	kernel_close(t.kernel);
}

int main(int argc, char **argv)
{
	ev_io commands;
	ev_prepare prepare;

	(void)argc;
	t.loop = ev_default_loop(0);
	if (open_all(argv + 1) < 0)
		return 1;
	ev_io_init(&commands, command_readable, STDIN_FILENO, EV_READ);
	ev_io_start(t.loop, &commands);
	ev_timer_init(&t.alarm, alarm_rings, 0., 0.);
	ev_prepare_init(&prepare, before_sleep);
	ev_prepare_start(t.loop, &prepare);
	answer(0);
	ev_run(t.loop, 0);
	close_all();
	return 0;
}
