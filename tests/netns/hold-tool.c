/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a core agent holds packets, for tests/netns/hold.t: the data plane that it sets up once,
 * and paths of terminals, without any other core or terminal to talk to.
 *
 *	hold-tool ADDRESS			this core's outer address; then commands, one a
 *line:
 *
 *	limits PACKETS OCTETS MSEC TOTAL-PACKETS TOTAL-OCTETS
 *	terminal NAME ADDRESS|PREFIX ...	its home addresses
 *	hold NAME
 *	gate NAME				shuts the guard's gate
 *	access NAME MAC INTERFACE		INTERFACE is the port of its satellite
 *	tunnel NAME ADDRESS KEY			through the tunnel to this core
 *	clear NAME
 *	restore					what somebody has taken out of the kernel
 *	sweep					what an earlier run has left there
 *	counters NAME|all
 *	quit
 *
 * Each is answered by one line of JSON: "error", 0 or a negative errno, and what has been counted.
 */
#include "core-agent/core.h"
#include "core-agent/forwarding.h"
#include "core-agent/guard.h"
#include "core-agent/pool.h"
#include "core-agent/sweep.h"
#include "kernel.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINALS 8
#define WORDS	  8
#define MTU	  1400

static struct core core;
static struct ev_loop *loop;
static ev_timer alarm_clock;
static char bridge[] = "sno-acc";

static struct terminal {
	char name[16];
	struct path addresses; /* of kind PATH_NONE: what every path of it has */
	struct path path;
} terminals[TERMINALS];

static struct terminal *find(const char *name)
{
	for (int i = 0; i < TERMINALS; i++)
		if (name && strcmp(terminals[i].name, name) == 0)
			return &terminals[i];
	return NULL;
}

static void answer(int error, const struct hold_counters *c)
{
	printf("{\"error\": %d, \"buffered\": %" PRIu64 ", \"released\": %" PRIu64
	       ", \"packets\": %zu, \"octets\": %zu, \"dropped\": %" PRIu64,
	       error, c->buffered, c->released, c->packets, c->octets, hold_dropped(c));
	printf(", \"why\": {");
	for (int i = 0, any = 0; i < HOLD_DROPS; i++)
		if (c->dropped[i])
			printf("%s\"%s\": %" PRIu64, any++ ? ", " : "",
			       hold_drop_name((enum hold_drop)i), c->dropped[i]);
	puts("}}");
	fflush(stdout);
}

/* ---- commands -------------------------------------------------------------------------------- */

static int terminal_new(char **words)
{
	struct terminal *t = find("");
	struct prefix prefix;

	if (!t || !words[1])
		return -ENOSPC;
	*t = (struct terminal){0};
	snprintf(t->name, sizeof(t->name), "%s", words[1]);
	t->addresses.mtu = MTU;
	for (char **word = words + 2; *word; word++) {
		if (prefix_parse(&prefix, *word) < 0)
			return -EINVAL;
		if (prefix.length < addr_bits(prefix.addr.family))
			t->addresses.prefix = prefix;
		else if (prefix.addr.family == AF_INET)
			t->addresses.hoa4 = prefix.addr;
		else
			t->addresses.hoa6 = prefix.addr;
	}
	return 0;
}

static int limits_set(char **words)
{
	struct hold_limits *l = &core.current.handover.hold;

	if (!words[5])
		return -EINVAL;
	l->packets = strtoul(words[1], NULL, 10);
	l->octets = strtoul(words[2], NULL, 10);
	l->time = (usec_t)strtoul(words[3], NULL, 10) * USEC_PER_MSEC;
	l->total_packets = strtoul(words[4], NULL, 10);
	l->total_octets = strtoul(words[5], NULL, 10);
	holding_configure(&core);
	return 0;
}

/* The path that the words ask for. */
static int wanted_path(char **words, const struct terminal *t, struct path *path)
{
	struct kernel_link port;

	*path = t->addresses;
	if (strcmp(words[0], "hold") == 0) {
		path->kind = PATH_HOLD;
		return 0;
	}
	if (!words[2] || !words[3])
		return -EINVAL;
	if (strcmp(words[0], "access") == 0) {
		path->kind = PATH_ACCESS;
		if (kernel_link_find(core.kernel, words[3], &port) < 0)
			return -ENODEV;
		if (guard_attach(&core, port.ifindex, KERNEL_GUARD_ACCESS) < 0)
			return -EIO;
		path->port = port.ifindex;
		return lladdr_parse(&path->mac, words[2]);
	}
	path->kind = PATH_TUNNEL;
	path->tunnel = TUNNEL_GPE4;
	path->outer_src = core.underlay.end4;
	path->key = (uint32_t)strtoul(words[3], NULL, 10);
	return addr_parse(&path->outer_dst, words[2]);
}

static int restore_all(void)
{
	int result = underlay_restore(&core);

	for (int i = 0; i < TERMINALS && result == 0; i++)
		result = forwarding_restore(&core, &terminals[i].path);
	return result;
}

static int path_set(char **words, struct hold_counters *held)
{
	struct terminal *t = find(words[1]);
	struct path wanted;
	int result;

	if (!t)
		return -ENOENT;
	*held = forwarding_held(&core, &t->path);
	if (strcmp(words[0], "counters") == 0)
		return 0;
	if (strcmp(words[0], "gate") == 0) {
		guard_hold_gate(&core, &t->path, true);
		return 0;
	}
	if (strcmp(words[0], "clear") == 0) {
		forwarding_clear(&core, &t->path);
		return 0;
	}
	result = wanted_path(words, t, &wanted);
	return result < 0 ? result
			  : forwarding_release(&core, &t->path, &wanted, clock_now(), held);
}

static void command(char *line)
{
	struct hold_counters held = {0};
	char *words[WORDS + 1] = {0};
	int count = 0, result;

	for (char *w = strtok(line, " \n"); w && count < WORDS; w = strtok(NULL, " \n"))
		words[count++] = w;
	if (count == 0)
		return;
	if (strcmp(words[0], "quit") == 0) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	if (strcmp(words[0], "terminal") == 0)
		result = terminal_new(words);
	else if (strcmp(words[0], "limits") == 0)
		result = limits_set(words);
	else if (strcmp(words[0], "restore") == 0)
		result = restore_all();
	else if (strcmp(words[0], "sweep") == 0)
		result = sweep(&core);
	else if (words[1] && strcmp(words[1], "all") == 0) {
		held = *hold_counters(core.underlay.holding.hold);
		result = 0;
	} else
		result = path_set(words, &held);
	answer(result, &held);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void command_readable(struct ev_loop *l, ev_io *io, int events)
{
	static char line[512];
	static size_t length;
	ssize_t n = read(io->fd, line + length, sizeof(line) - 1 - length);
	char *end;

	(void)events;
	if (n <= 0) {
		ev_break(l, EVBREAK_ALL);
		return;
	}
	length += (size_t)n;
	line[length] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end++ = '\0';
		command(line);
		length -= (size_t)(end - line);
		memmove(line, end, length + 1);
	}
}

static void hold_readable(struct hold_device *device, void *arg)
{
	(void)device;
	holding_read(arg, clock_now());
}

static void alarm_rings(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l;
	(void)timer;
	(void)events;
}

static void before_sleep(struct ev_loop *l, ev_prepare *watcher, int events)
{
	usec_t now = clock_now(), next = timers_run(&core.timers, now);

	(void)watcher;
	(void)events;
	ev_timer_stop(l, &alarm_clock);
	if (next == USEC_NEVER)
		return;
	ev_timer_set(&alarm_clock, next > now ? (double)(next - now) / USEC_PER_SEC : 0., 0.);
	ev_timer_start(l, &alarm_clock);
}

int main(int argc, char **argv)
{
	struct pool *empty = pool_new(NULL, 0);
	struct addr listen;
	ev_io commands;
	ev_prepare prepare;

	if (argc != 2 || addr_parse(&listen, argv[1]) < 0 || kernel_open(&core.kernel) < 0)
		return 2;
	core.current.listen = &listen;
	core.current.listen_count = 1;
	core.current.access.bridge = bridge;
	core.current.access.gateway_mac = (struct lladdr){{0x02, 0, 0, 0, 0, 0xfe}};
	core.current.tunnel.kind = TUNNEL_CHOICE_GPE;
	core.current.guard = true;			 /* nothing gets past what is held */
	core.current.timers.stale = 3600 * USEC_PER_SEC; /* no terminal claims these paths */
	core.current.handover.hold = (struct hold_limits){HOLD_PACKETS, HOLD_OCTETS, HOLD_TIME,
							  HOLD_TOTAL_PACKETS, HOLD_TOTAL_OCTETS};
	core.config = &core.current;
	core.home4 = core.home6 = core.care_of4 = core.care_of6 = empty;
	if (!empty || underlay_open(&core, clock_now()) < 0)
		return 1;
	loop = ev_default_loop(0);
	hold_device_watch(&core.underlay.holding.device, loop, hold_readable, &core);
	ev_io_init(&commands, command_readable, STDIN_FILENO, EV_READ);
	ev_io_start(loop, &commands);
	ev_timer_init(&alarm_clock, alarm_rings, 0., 0.);
	ev_prepare_init(&prepare, before_sleep);
	ev_prepare_start(loop, &prepare);
	answer(0, hold_counters(core.underlay.holding.hold));
	ev_run(loop, 0);
	underlay_close(&core);
	pool_free(empty);
	timers_free(&core.timers);
	kernel_close(core.kernel);
	return 0;
}
