/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-sat-forwarder: options, event loop, and nothing else. */
#include <errno.h>
#include <ev.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "kernel_monitor.h"
#include "log.h"
#include "sat-forwarder/figures.h"
#include "sat-forwarder/order.h"
#include "sat-forwarder/satellite.h"
#include "sat-forwarder/show.h"

/* The loop's side of the satellite; everything else is in struct satellite. */
static struct {
	struct daemon daemon;
	struct config config;
	struct satellite satellite;
	struct ev_loop *loop;
	ev_timer timer;	       /* the monotonic clock: drains, retries */
	ev_periodic switching; /* the wall clock: associations */
	ev_prepare prepare;
	ev_io monitor_io;
	struct kernel_monitor *monitor;
	int *claims; /* claim_index() */
	size_t claim_count;
} forwarder;

struct instant show_instant(void)
{
	return (struct instant){clock_now(), clock_wall()};
}

/* ---- time ------------------------------------------------------------------------------------ */

static void woken_by_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events; /* prepare() does what is due */
}

static void woken_by_clock(struct ev_loop *loop, ev_periodic *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
	satellite_update(&forwarder.satellite, show_instant());
}

/*
 * Until when to sleep for an instant. The kernel lets a sleeper lie for up to a thousandth longer
 * than it asked for (select(2) is no better): so a long sleep ends early, and a short one follows.
 */
static usec_t sleep_until(usec_t instant, usec_t now)
{
	usec_t left = instant - now;

	return left > 10 * USEC_PER_MSEC ? instant - left / 500 : instant;
}

/*
 * Before the loop sleeps, whatever woke it: does what is due and sets both clocks. So a wall clock
 * that was set, of which libev learns at the next wake-up, is seen to as well.
 */
static void prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct satellite *s = &forwarder.satellite;
	struct instant at = show_instant();
	usec_t due, instant;

	(void)watcher;
	(void)events;
	satellite_update(s, at);
	if (satellite_goes_on(s)) {
		daemon_reload(&forwarder.daemon, NULL);
		satellite_forget_file(s);
		at = show_instant();
		satellite_update(s, at);
	}
	due = satellite_next(s);
	instant = satellite_next_wall(s, at.wall);
	ev_now_update(loop);
	ev_timer_stop(loop, &forwarder.timer);
	ev_periodic_stop(loop, &forwarder.switching);
	if (due != USEC_NEVER) {
		ev_timer_set(&forwarder.timer,
			     due > at.now ? (double)(due - at.now) / (double)USEC_PER_SEC : 0., 0.);
		ev_timer_start(loop, &forwarder.timer);
	}
	if (instant != USEC_NEVER) {
		instant = sleep_until(instant, at.wall);
		ev_periodic_set(&forwarder.switching, (double)instant / (double)USEC_PER_SEC, 0.,
				0);
		ev_periodic_start(loop, &forwarder.switching);
	}
}

/* ---- configuration --------------------------------------------------------------------------- */

static int apply(void *arg, const void *old_config, const void *new_config,
		 struct control_reply *reply)
{
	struct satellite *s = arg;
	char why[SATELLITE_WHY];
	int err = satellite_reconfigure(s, new_config, show_instant(), why);

	/* The structure is moved to where the old one is; its strings stay. */
	s->config = old_config;
	if (!err || err == -EINPROGRESS)
		return err;
	log_warnx("%s", why);
	return reply ? control_refuse(reply, err, "%s", why) : err;
}

/* The association file may have changed where the configuration has not. */
static int reread(void *arg, struct control_reply *reply)
{
	char why[SATELLITE_WHY];
	int err = satellite_reread(arg, show_instant(), why);

	if (!err || err == -EINPROGRESS)
		return err;
	log_warnx("%s", why);
	return reply ? control_refuse(reply, err, "%s", why) : err;
}

static const struct daemon_program program = {
	.name = "sno-sat-forwarder",
	.file = "sat-forwarder",
	.summary = "stateless forwarding and association switching of a satellite",
	.schema = &config_schema,
	.schema_running = &config_schema_running,
	.capabilities = PRIVILEGE(CAP_NET_ADMIN) | PRIVILEGE(CAP_NET_RAW),
	.log = config_log,
	.metrics = config_metrics,
	.write_metrics = figures_write,
	.apply = apply,
	.reread = reread,
};

/* ---- the kernel ------------------------------------------------------------------------------ */

static void kernel_changed(const struct kernel_event *event, void *arg)
{
	satellite_event(arg, event, show_instant());
}

static void monitor_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
	if (kernel_monitor_read(forwarder.monitor) < 0)
		log_warnx("%s", kernel_error(forwarder.satellite.kernel));
}

static int watch_kernel(struct kernel *kernel)
{
	int err = kernel_monitor_open(&forwarder.monitor, kernel, KERNEL_WATCH_LINKS, 0,
				      kernel_changed, &forwarder.satellite);

	if (err) {
		log_error("%s", kernel_error(kernel));
		return err;
	}
	ev_io_init(&forwarder.monitor_io, monitor_readable, kernel_monitor_fd(forwarder.monitor),
		   EV_READ);
	ev_io_start(forwarder.loop, &forwarder.monitor_io);
	return 0;
}

/*
 * Each satellite has a number of its own in a network namespace, relays too. Abstract sockets are
 * of a namespace, and the kernel forgets them with the process, however that ends.
 */
static int claim_index(uint32_t index)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), n;

	if (fd < 0) {
		log_warn("socket");
		return -1;
	}
	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "sno-sat-forwarder/%u",
		     (unsigned int)index);
	if (bind(fd, (const struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
		return fd;
	if (errno == EADDRINUSE)
		log_error("another sno-sat-forwarder of this network namespace has index %u: "
			  "give each satellite its own satellite.index",
			  (unsigned int)index);
	else
		log_warn("cannot claim index %u", (unsigned int)index);
	close(fd);
	return -1;
}

/* A number for each satellite and relay. 0, or -1 and those that were claimed are closed. */
static int claim(const struct config *config)
{
	size_t count = 0;

	forwarder.claims = calloc(1 + config->relay_count, sizeof(*forwarder.claims));
	if (!forwarder.claims)
		return -1;
	do {
		int fd = claim_index(count ? config->relays[count - 1].index
					   : config->satellite.index);

		if (fd < 0)
			return -1;
		forwarder.claims[forwarder.claim_count++] = fd;
	} while (++count <= config->relay_count);
	return 0;
}

static void release(void)
{
	while (forwarder.claim_count)
		close(forwarder.claims[--forwarder.claim_count]);
	free(forwarder.claims);
}

/* ---- running --------------------------------------------------------------------------------- */

static void loop_open(void)
{
	forwarder.loop = ev_default_loop(0);
	ev_timer_init(&forwarder.timer, woken_by_timer, 0., 0.);
	ev_periodic_init(&forwarder.switching, woken_by_clock, 0., 0., 0);
	ev_prepare_init(&forwarder.prepare, prepare);
}

/* Runs until a signal ends it. 0, or -errno when it could not begin. */
static int run(void)
{
	struct satellite *s = &forwarder.satellite;
	struct daemon *daemon = &forwarder.daemon;
	int err;

	s->control = daemon->control;
	control_snapshot(daemon->control, show_status);
	ev_prepare_start(forwarder.loop, &forwarder.prepare);
	err = daemon_ready(daemon, forwarder.config.satellite.name);
	if (!err)
		ev_run(forwarder.loop, 0);
	daemon_stopping(daemon);
	satellite_close(s);
	return err;
}

/*
 * Takes socket and events before it touches the kernel: a second daemon of this name changes
 * nothing, and no change of a link is missed.
 */
static int serve(struct kernel *kernel)
{
	struct satellite *s = &forwarder.satellite;
	char order[PATH_MAX];
	int err;

	if (order_path(order, sizeof(order), forwarder.daemon.socket_path))
		order[0] = '\0';
	err = daemon_serve(&forwarder.daemon, forwarder.loop, show_commands, s);
	if (!err)
		err = watch_kernel(kernel);
	if (!err)
		err = satellite_open(s, &forwarder.config, kernel, order, show_instant());
	if (!err)
		err = run();
	if (forwarder.monitor) {
		ev_io_stop(forwarder.loop, &forwarder.monitor_io);
		kernel_monitor_close(forwarder.monitor);
	}
	return err ? DAEMON_BAD : DAEMON_GOOD;
}

int main(int argc, char **argv)
{
	struct kernel *kernel;
	int status = daemon_begin(&forwarder.daemon, &program, &forwarder.config, argc, argv);

	if (status != DAEMON_RUN)
		return status;
	status = DAEMON_BAD;
	if (kernel_open(&kernel) < 0) {
		log_error("cannot open netlink: run as root, or with CAP_NET_ADMIN");
	} else {
		loop_open();
		if (claim(&forwarder.config) == 0)
			status = serve(kernel);
		release();
		kernel_close(kernel);
	}
	daemon_end(&forwarder.daemon);
	return status;
}
