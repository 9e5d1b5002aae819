/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sno-terminal-agent: options, event loop and clock; everything else is in struct agent. */
#include <errno.h>
#include <ev.h>
#include <linux/capability.h>

#include "daemon.h"
#include "keys.h"
#include "log.h"
#include "terminal-agent/agent.h"
#include "terminal-agent/config.h"
#include "terminal-agent/figures.h"
#include "terminal-agent/show.h"

static struct {
	struct agent agent;
	ev_prepare prepare;
	ev_check check;
	ev_timer timer;
	ev_io kernel;
} run;

/* Before the loop sleeps: do what is due, and set the alarm for what will be. */
static void prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	usec_t next;

	(void)events;
	run.agent.now = clock_now();
	next = agent_tick(&run.agent);
	if (agent_goes_on(&run.agent)) {
		daemon_reload(watcher->data, NULL);
		agent_forget_files(&run.agent);
		run.agent.now = clock_now();
		next = agent_tick(&run.agent);
	}
	store_tick(run.agent.session.keep.store);
	ev_timer_stop(loop, &run.timer);
	if (next == USEC_NEVER)
		return;
	ev_now_update(loop);
	run.agent.now = clock_now();
	ev_timer_set(&run.timer,
		     next > run.agent.now ? (double)(next - run.agent.now) / (double)USEC_PER_SEC
					  : 0.,
		     0.);
	ev_timer_start(loop, &run.timer);
}

/* After it, before all callbacks. */
static void check(struct ev_loop *loop, ev_check *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
	agent_clock(&run.agent, clock_now(), clock_wall());
}

/* The alarm: prepare() does the work. */
static void alarm_rings(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

static void kernel_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
	agent_read_kernel(&run.agent);
}

static void loop_begin(struct ev_loop *loop, struct daemon *daemon)
{
	ev_prepare_init(&run.prepare, prepare);
	run.prepare.data = daemon;
	ev_prepare_start(loop, &run.prepare);
	ev_check_init(&run.check, check);
	ev_set_priority(&run.check, EV_MAXPRI);
	ev_check_start(loop, &run.check);
	ev_timer_init(&run.timer, alarm_rings, 0., 0.);
	ev_io_init(&run.kernel, kernel_readable, kernel_monitor_fd(run.agent.monitor), EV_READ);
	ev_io_start(loop, &run.kernel);
}

static int apply(void *arg, const void *old_config, const void *new_config,
		 struct control_reply *reply)
{
	int error = agent_configure(arg, new_config);

	(void)old_config;
	if (error < 0 && error != -EINPROGRESS && reply)
		return control_refuse(reply, error,
				      "the new configuration cannot take effect; see the log");
	return error;
}

static int reread(void *arg, struct control_reply *reply)
{
	int error = agent_reread(arg);

	if (error < 0 && error != -EINPROGRESS && reply)
		return control_refuse(
			reply, error,
			"a file is not good, the old one stays in force; see the log");
	return error;
}

static bool starts_programs(const void *config)
{
	return ((const struct config *)config)->switching.mode == SWITCHING_COMMAND;
}

static const struct daemon_program program = {
	.name = "sno-terminal-agent",
	.file = "terminal-agent",
	.summary = "keeps a terminal registered with its home core over shared satellites",
	.schema = &config_schema,
	.capabilities = PRIVILEGE(CAP_NET_ADMIN) | PRIVILEGE(CAP_NET_RAW),
	.programs = starts_programs,
	.log = config_log,
	.metrics = config_metrics,
	.write_metrics = figures_write,
	.apply = apply,
	.reread = reread,
};

/* Runs until a signal ends it. */
static int serve(struct daemon *daemon, struct ev_loop *loop)
{
	struct agent *agent = &run.agent;

	loop_begin(loop, daemon);
	if (daemon_serve(daemon, loop, show_commands, agent) < 0)
		return DAEMON_BAD;
	agent->control = daemon->control;
	control_snapshot(daemon->control, show_snapshot);
	agent_clock(agent, clock_now(), clock_wall());
	if (agent_start(agent) < 0)
		return DAEMON_BAD;
	/* The store's writer keeps no privilege that this has given up. */
	if (daemon_ready(daemon, agent->config->terminal.nai) < 0 ||
	    store_begin(agent->session.keep.store) < 0)
		return DAEMON_BAD;
	ev_run(loop, 0);
	daemon_stopping(daemon);
	return DAEMON_GOOD;
}

int main(int argc, char **argv)
{
	struct daemon daemon;
	struct config config;
	struct keep_place state;
	char journal[PATH_MAX];
	struct ev_loop *loop;
	int status = daemon_begin(&daemon, &program, &config, argc, argv);

	if (status != DAEMON_RUN)
		return status;
	status = DAEMON_BAD;
	loop = ev_default_loop(0);
	state.journal = journal;
	if (keys_init() < 0) {
		log_error("the cryptographic library cannot start (no source of randomness?)");
	} else if (daemon_state(&daemon, config.terminal.state, &state.directory, journal) == 0 &&
		   agent_open(&run.agent, &config, &state, loop, clock_now) == 0) {
		status = serve(&daemon, loop);
		run.agent.control = NULL;
		agent_close(&run.agent);
	}
	daemon_end(&daemon);
	return status;
}
