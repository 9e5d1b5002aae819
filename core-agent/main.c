/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-core-agent: options, event loop, and nothing else. */
#include "config.h"
#include "core.h"
#include "daemon.h"
#include "figures.h"
#include "kernel_monitor.h"
#include "keys.h"
#include "log.h"
#include "protection.h"
#include "receive.h"
#include "restore.h"
#include "resume.h"
#include "show.h"
#include "store.h"

#include <errno.h>
#include <ev.h>
#include <linux/capability.h>

/* The loop's side of the agent; everything else is in struct core. */
static struct {
	struct core core;
	struct ev_loop *loop;
	ev_timer timer;
	ev_prepare prepare;
	ev_io monitor_io;
	struct kernel_monitor *monitor;
	ev_io xfrm_io;
	struct kernel_xfrm_monitor *xfrm;
	char journal[PATH_MAX];
} agent;

static void timers_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	/* Woken up; prepare() does the rest. */
}

/*
 * Before the loop sleeps: what is due is done, and the loop sleeps until the next deadline of any
 * state machine. The loop's own idea of the time may be a little behind, so it may wake a little
 * early: then it sleeps again.
 */
static void prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	usec_t now = clock_now(), next;

	(void)watcher;
	(void)events;
	agent.core.wall_ahead = clock_wall() - now;
	next = timers_run(&agent.core.timers, now);
	store_tick(agent.core.store);
	ev_timer_stop(loop, &agent.timer);
	if (next == USEC_NEVER)
		return;
	ev_timer_set(&agent.timer, next > now ? (double)(next - now) / (double)USEC_PER_SEC : 0.,
		     0.);
	ev_timer_start(loop, &agent.timer);
}

static void kernel_changed(const struct kernel_event *event, void *arg)
{
	restore_event(arg, event, clock_now());
}

static void monitor_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
	kernel_monitor_read(agent.monitor);
}

static void worn(const struct kernel_sa *sa, void *arg)
{
	protection_worn(arg, sa, clock_now());
}

static void removed(void *arg)
{
	protection_removed(arg, clock_now());
}

static void xfrm_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
	kernel_xfrm_monitor_read(agent.xfrm);
}

/* A kernel without IPsec has nothing that could become of it. */
static int watch_xfrm(void)
{
	static const struct kernel_xfrm_events events = {.worn = worn, .removed = removed};
	int result = kernel_xfrm_monitor_open(&agent.xfrm, agent.core.kernel, KERNEL_REQID_BASE,
					      KERNEL_REQID_CORE, &events, &agent.core);

	if (result == -EOPNOTSUPP)
		return 0;
	if (result < 0) {
		log_warn_errno(-result, "cannot listen to the kernel's reports of IPsec");
		return result;
	}
	ev_io_init(&agent.xfrm_io, xfrm_readable, kernel_xfrm_monitor_fd(agent.xfrm), EV_READ);
	ev_io_start(agent.loop, &agent.xfrm_io);
	return 0;
}

static const struct daemon_log_config *log_of(const void *config)
{
	return &((const struct config *)config)->log;
}

static const struct metrics_config *metrics_of(const void *config)
{
	return &((const struct config *)config)->metrics;
}

static int apply(void *arg, const void *old_config, const void *new_config,
		 struct control_reply *reply)
{
	int result = core_reconfigure(arg, new_config, clock_now());

	(void)old_config;
	if (result < 0 && reply)
		return control_refuse(
			reply, result,
			"the new configuration cannot be put into force; see the log");
	return result;
}

static int reread(void *arg, struct control_reply *reply)
{
	int result = core_reread(arg, clock_now());

	if (result < 0 && reply)
		return control_refuse(reply, result,
				      "a file that the configuration names is not good, the old "
				      "one stays in force; see the log");
	return result;
}

static const struct daemon_program program = {
	.name = "sno-core-agent",
	.file = "core-agent",
	.summary = "home agent, authenticator and care-of address allocator of an SNO core",
	.schema = &config_schema,
	/* Guards of ports and tunnels are programs of the kernel's, and maps. */
	.capabilities = PRIVILEGE(CAP_NET_ADMIN) | PRIVILEGE(CAP_NET_RAW) | PRIVILEGE(CAP_BPF),
	.log = log_of,
	.metrics = metrics_of,
	.write_metrics = figures_write,
	.apply = apply,
	.reread = reread,
};

static void hold_readable(struct hold_device *device, void *arg)
{
	(void)device;
	holding_read(arg, clock_now());
}

static int watch_kernel(void)
{
	int result = kernel_monitor_open(&agent.monitor, agent.core.kernel, KERNEL_WATCH_LINKS, 0,
					 kernel_changed, &agent.core);

	if (result < 0) {
		log_warn_errno(-result, "cannot listen to the kernel's link events");
		return result;
	}
	ev_io_init(&agent.monitor_io, monitor_readable, kernel_monitor_fd(agent.monitor), EV_READ);
	ev_io_start(agent.loop, &agent.monitor_io);
	/* What has changed since the ports were opened, be it by our own hand. */
	return kernel_monitor_resync(agent.monitor);
}

static void loop_open(void)
{
	agent.loop = ev_default_loop(0);
	ev_timer_init(&agent.timer, timers_due, 0., 0.);
	ev_prepare_init(&agent.prepare, prepare);
	ev_prepare_start(agent.loop, &agent.prepare);
}

/* The core as it was, or a new one. 0 or -errno, logged. */
static int open_core(struct daemon *daemon, const struct config *config, struct kernel *kernel)
{
	struct core *core = &agent.core;
	struct core_io io = receive_io;
	int result = daemon_state(daemon, config->state, &io.state, agent.journal);

	io.journal = agent.journal;
	if (result == 0)
		result = core_open(core, config, kernel, &io, clock_now());
	if (result < 0)
		return result;
	core->clock = clock_now;
	hold_device_watch(&core->underlay.holding.device, agent.loop, hold_readable, core);
	return 0;
}

/* Runs until a signal ends it. 0, or 1 when it could not start. */
static int serve(struct daemon *daemon, const struct config *config, struct kernel *kernel)
{
	struct core *core = &agent.core;
	int status = DAEMON_BAD;

	receive_begin(agent.loop);
	if (open_core(daemon, config, kernel) < 0)
		return status;
	if (receive_open(core) == 0 && resume(core, clock_now()) == 0 && watch_kernel() == 0 &&
	    watch_xfrm() == 0 && daemon_serve(daemon, agent.loop, show_commands, core) == 0) {
		core->control = daemon->control;
		control_snapshot(daemon->control, show_snapshot);
		/* The store's writer keeps no privilege that this has given up. */
		if (daemon_ready(daemon, config->name) == 0 && store_begin(core->store) == 0) {
			ev_run(agent.loop, 0);
			status = DAEMON_GOOD;
		}
		daemon_stopping(daemon);
	}
	if (agent.monitor) {
		ev_io_stop(agent.loop, &agent.monitor_io);
		kernel_monitor_close(agent.monitor);
	}
	if (agent.xfrm) {
		ev_io_stop(agent.loop, &agent.xfrm_io);
		kernel_xfrm_monitor_close(agent.xfrm);
	}
	core_close(core);
	receive_close();
	return status;
}

int main(int argc, char **argv)
{
	struct daemon daemon;
	struct config config;
	struct kernel *kernel;
	int status = daemon_begin(&daemon, &program, &config, argc, argv);

	if (status != DAEMON_RUN)
		return status;
	status = DAEMON_BAD;
	if (keys_init() < 0) {
		log_error("the cryptographic library cannot start (no source of randomness?)");
	} else if (kernel_open(&kernel) < 0) {
		log_error("cannot open netlink: run as root, or with CAP_NET_ADMIN");
	} else {
		loop_open();
		status = serve(&daemon, &config, kernel);
		kernel_close(kernel);
	}
	daemon_end(&daemon);
	return status;
}
