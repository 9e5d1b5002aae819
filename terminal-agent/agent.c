/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wiring. Every callback here is a few lines: it knows both sides and decides nothing.
 */
#include "terminal-agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/files.h"
#include "terminal-agent/port.h"
#include "terminal-agent/receive.h"

/* ---- ports ------------------------------------------------------------------------------ */

/* A port knows its link by interface index; the link may have been removed meanwhile. */
static void datagram_arrived(void *arg, unsigned int ifindex, const struct datagram *datagram)
{
	struct agent *a = arg;
	struct link *link = links_by_index(&a->links, ifindex);

	a->now =
		a->clock(); /* one turn of the loop may see a discovery leave and its answer come */
	if (link)
		receive_datagram(&a->session, &a->counters, link, datagram, a->now);
}

static void packet_arrived(void *arg, unsigned int ifindex)
{
	struct agent *a = arg;
	struct link *link = links_by_index(&a->links, ifindex);

	if (link)
		session_first_packet(&a->session, link, a->clock());
}

static int open_port(void *context, struct link *link)
{
	struct agent *a = context;

	const struct port_place place = {.interface = link->interface,
					 .ifindex = link->ifindex,
					 .mac = link->mac,
					 .gateway = a->config->access.gateway_mac,
					 .udp_port = a->config->access.port};

	const struct port_ops ops = {datagram_arrived, packet_arrived, a};

	holding_watch_link(&a->holding, link->ifindex);
	return port_open(&link->port, a->loop, &place, &ops);
}

static void close_port(void *context, struct link *link)
{
	struct agent *a = context;

	port_close(link->port);
	holding_leave_link(&a->holding, link->ifindex);
}

static int transmit(void *context, struct link *link, bool group, const uint8_t *octets,
		    size_t length)
{
	(void)context;
	return link->port ? port_send(link->port, &link->address, group, octets, length)
			  : -ENETDOWN;
}

static int send_packet(void *context, struct link *link, const struct lladdr *gateway,
		       const uint8_t *packet, size_t length)
{
	(void)context;
	return link->port ? port_forward(link->port, gateway, packet, length) : -EAGAIN;
}

/* An antenna that is about to turn has its interface still on the link that it leaves. */
static bool watch(void *context, struct link *link, bool on)
{
	struct port *port = link->port || !link->twin ? link->port : link->twin->port;

	(void)context;
	if (port)
		port_watch(port, on);
	return port != NULL;
}

/* ---- links ------------------------------------------------------------------------------ */

static void link_event(struct agent *a, const struct link *link)
{
	if (a->control)
		control_event(a->control, "link",
			      json_pack("{s:s, s:s, s:b}", "link", link->name, "interface",
					link->interface, "ready", link->ready));
}

static void link_ready(void *context, struct link *link, usec_t now)
{
	struct agent *a = context;

	session_link_ready(&a->session, link, now);
	link_event(a, link);
}

static void link_lost(void *context, struct link *link, usec_t now)
{
	struct agent *a = context;

	link_event(a, link);
	session_link_lost(&a->session, link, now);
}

/* ---- session ---------------------------------------------------------------------------- */

/* The command that switches links, or points antennas, with its two words. */
static int command(void *context, const char *first, const char *second)
{
	struct agent *a = context;
	const struct config *c = a->config;

	if (c->switching.resident)
		return modem_switch(&a->modem, first, second, c->switching.timeout);
	return switching_start(&a->switching, c->switching.command, c->switching.command_count,
			       first, second, c->switching.timeout);
}

static int switch_link(void *context, struct link *from, struct link *to)
{
	struct agent *a = context;
	const struct config *c = a->config;
	int error = 0;

	if (to->twin && !to->ready) {
		error = pointing_order(&a->pointing, to, a->clock());
		a->awaited = error == 0 ? to : NULL;
		return error;
	}
	if (to->twin)
		return 1;
	if (c->switching.mode == SWITCHING_COMMAND)
		return command(a, from ? from->name : "-", to->name);
	if (c->switching.administrative) {
		if (from && from != to)
			error = links_set_up(&a->links, from, false);
		if (error == 0)
			error = links_set_up(&a->links, to, true);
	}
	return error < 0 ? error : 1;
}

static int set_link(void *context, struct link *link, bool up)
{
	struct agent *a = context;

	return links_set_up(&a->links, link, up);
}

static void switch_ended(void *arg, int error)
{
	struct agent *a = arg;

	if (a->pointing.busy)
		pointing_ended(&a->pointing, error, a->now);
	else
		session_switched(&a->session, error, a->now);
}

/* What nobody waits for is tried again in its time. */
static void pointed(void *context, struct link *link, int error)
{
	struct agent *a = context;

	if (link != a->awaited)
		return;
	a->awaited = NULL;
	session_switched(&a->session, error, a->now);
}

static void link_removed(void *context, struct link *link, usec_t now)
{
	struct agent *a = context;

	if (link == a->awaited)
		pointed(a, link, -ENODEV);
	pointing_forget(&a->pointing, link);
	session_link_removed(&a->session, link, now);
}

static void state_changed(void *context, enum session_state old_state, enum session_state state,
			  const char *reason)
{
	struct agent *a = context;
	const struct session *s = &a->session;

	if (a->control)
		control_event(a->control, "state",
			      json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "old",
					session_state_name(old_state), "state",
					session_state_name(state), "reason", reason, "link",
					s->link ? s->link->name : NULL, "core",
					s->registration.valid ? s->registration.place.core : NULL));
}

static void handover_complete(void *context, const struct handover *handover, bool measured)
{
	struct agent *a = context;
	struct handover stamped = *handover;

	stamped.wall = a->wall;
	if (measured)
		handovers_amend(&a->handovers, &stamped);
	else
		handovers_add(&a->handovers, &stamped);
	if (measured && a->control)
		control_event(a->control, "handover",
			      handover_json(handovers_get(&a->handovers,
							  handovers_count(&a->handovers) - 1)));
}

/* ---- the hold --------------------------------------------------------------------------- */

static void buffer_readable(struct hold_device *buffer, void *arg)
{
	struct agent *a = arg;

	(void)buffer;
	uplink_read(&a->session.uplink, a->now);
}

static void configure_hold(struct agent *a, const struct config *config)
{
	const struct holding_reader reader = {
		.loop = a->loop, .readable = buffer_readable, .arg = a};

	holding_configure(&a->holding, config, &reader, a->now);
}

/* ---- the kernel -------------------------------------------------------------------------- */

static void kernel_changed(const struct kernel_event *event, void *arg)
{
	struct agent *a = arg;

	a->now = a->clock();
	if (forwarding_event(a->forwarding, event))
		session_repair(&a->session);
	links_event(&a->links, event, a->now);
	holding_event(&a->holding, event);
}

void agent_read_kernel(struct agent *a)
{
	int error = kernel_monitor_read(a->monitor);

	if (error < 0)
		log_warn_errno(error, "cannot read the kernel's events");
}

void agent_clock(struct agent *a, usec_t now, usec_t wall)
{
	a->now = now;
	a->wall = wall;
	schedule_clock(&a->schedule, now, wall);
}

/* ---- files ------------------------------------------------------------------------------ */

static void report(void *arg, const char *message)
{
	(void)arg;
	log_warnx("%s", message);
}

bool agent_goes_on(struct agent *a)
{
	return reloading_goes_on(&a->reloading);
}

void agent_forget_files(struct agent *a)
{
	reloading_forget(&a->reloading);
}

usec_t agent_tick(struct agent *a)
{
	usec_t next = links_tick(&a->links, a->now);

	reloading_look(&a->reloading, a->now, report, NULL);
	next = usec_min(next, reloading_next(&a->reloading));
	next = usec_min(next, choosing_tick(&a->choosing, a->now));
	next = usec_min(next, holding_tick(&a->holding, a->now));
	next = usec_min(next, session_tick(&a->session, a->now));
	return choosing_waited(&a->choosing) ? a->now : next;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static void make_settings(struct forwarding_settings *settings, const struct config *config)
{
	*settings = (struct forwarding_settings){.install_default = config->routes.install_default,
						 .metric = config->routes.metric};
	if (config->delegated.interface)
		snprintf(settings->inside, sizeof(settings->inside), "%s",
			 config->delegated.interface);
}

static int open_kernel(struct agent *a)
{
	const unsigned int watch = KERNEL_WATCH_LINKS | KERNEL_WATCH_ADDRESSES |
				   KERNEL_WATCH_ROUTES | KERNEL_WATCH_NEIGHBOURS;
	struct forwarding_settings settings;
	int error = kernel_open(&a->kernel);

	if (error < 0) {
		log_warn_errno(error, "cannot talk to the kernel's network configuration");
		return error;
	}
	error = kernel_monitor_open(&a->monitor, a->kernel, watch, 0, kernel_changed, a);
	if (error < 0) {
		log_warn_errno(error, "cannot listen to the kernel's events");
		return error;
	}
	make_settings(&settings, a->config);
	a->forwarding = forwarding_new(a->kernel, &settings);
	return a->forwarding ? 0 : -ENODEV;
}

static void wire(struct agent *a)
{
	const struct links_ops links = {open_port, close_port,	 link_ready,
					link_lost, link_removed, a};
	const struct session_parts parts = {
		.config = a->config,
		.identity = &a->identity,
		.links = &a->links,
		.forwarding = a->forwarding,
		.schedule = &a->schedule,
		.sender = {transmit, a, &a->counters},
		.send_packet = send_packet,
		.ops = {switch_link, set_link, watch, state_changed, handover_complete, a},
	};
	const struct pointing_ops pointing = {command, pointed, a};

	links_init(&a->links, a->kernel, &links);
	session_init(&a->session, &parts);
	switching_init(&a->switching, a->loop, switch_ended, a);
	modem_init(&a->modem, a->loop, switch_ended, a);
	pointing_init(&a->pointing, &a->links, &pointing);
	choosing_init(&a->choosing, a->config, &a->schedule, &a->links, &a->session, &a->pointing);
}

/* At the start files are waited for, and not needed. */
static void read_first(struct agent *a)
{
	struct associations table;

	if (schedule_read(&table, files_schedule(a->config), 0, report, NULL) < 0)
		log_warnx("going on without the schedule");
	else
		schedule_take(&a->schedule, &table);
	if (guide_load(&a->choosing.guide, a->config, 0, report, NULL) < 0)
		log_warnx("going on without choosing satellites");
	files_tell(a->config, &a->schedule.table, &a->choosing.guide);
}

int agent_open(struct agent *a, const struct config *config, const struct keep_place *state,
	       struct ev_loop *loop, usec_t (*clock)(void))
{
	const struct lab_time time = lab_time_of(&config->time);
	int error;

	memset(a, 0, sizeof(*a));
	a->config = config;
	a->loop = loop;
	a->clock = clock;
	a->now = clock();
	lab_time_warn(&time);
	error = identity_load(&a->identity, config);
	if (error == 0)
		log_of_terminal(a->identity.name.nai);
	if (error == 0)
		error = open_kernel(a);
	if (error == 0) {
		wire(a);
		error = keep_open(&a->session, state);
	}
	if (error == 0) {
		holding_open(&a->holding, a->kernel, &a->session.uplink);
		configure_hold(a, config);
		a->schedule.time = time;
		read_first(a);
		error = links_configure(&a->links, config, a->now);
	}
	if (error < 0)
		agent_close(a);
	return error;
}

/* In mode self with administrative set, one link is up and no other. */
static void set_others_down(struct agent *a)
{
	const struct session *s = &a->session;

	if (a->config->switching.mode != SWITCHING_SELF || !a->config->switching.administrative)
		return;
	for (size_t i = 0; i < a->links.count; i++) {
		struct link *link = a->links.list[i];

		if (link->up && link != s->link && link != s->target)
			links_set_up(&a->links, link, false);
	}
}

/* The stricter of this setting and the link's own counts; it concerns all interfaces, so it is
 * the administrator's to change. */
static void check_reverse_path(struct agent *a)
{
	char value[16];

	if (kernel_sysctl_get(a->kernel, "net/ipv4/conf", "all", "rp_filter", value,
			      sizeof(value)) == 0 &&
	    strcmp(value, "0") != 0)
		log_warnx("net.ipv4.conf.all.rp_filter is %s: IPv4 packets that come in while the "
			  "routes move are lost; set it to 0",
			  value);
}

/* The program that stays, if one is configured. One that cannot be started is tried again. */
static void configure_modem(struct agent *a, const struct config *config)
{
	bool wanted = config->switching.mode == SWITCHING_COMMAND && config->switching.resident;

	modem_configure(&a->modem, config->switching.command,
			wanted ? config->switching.command_count : 0);
}

int agent_start(struct agent *a)
{
	int preferred = forwarding_adopt(a->forwarding);
	int error = kernel_monitor_resync(a->monitor);

	if (preferred < 0 || error < 0) {
		log_error("cannot look at the kernel's state: %s", kernel_error(a->kernel));
		return preferred < 0 ? preferred : error;
	}
	check_reverse_path(a);
	configure_modem(a, a->config);
	session_start(&a->session, (unsigned int)preferred, a->now);
	set_others_down(a);
	if (a->session.state == SESSION_DOWN)
		log_info("no link is ready, waiting for one (snoctl links shows why)");
	return 0;
}

void agent_close(struct agent *a)
{
	if (a->switching.loop)
		switching_stop(&a->switching);
	if (a->modem.loop)
		modem_stop(&a->modem);
	keep_close(&a->session);
	reloading_close(&a->reloading);
	session_end(&a->session);
	links_free(&a->links);
	forwarding_free(a->forwarding);
	holding_close(&a->holding);
	choosing_free(&a->choosing);
	schedule_free(&a->schedule);
	if (a->monitor)
		kernel_monitor_close(a->monitor);
	if (a->kernel)
		kernel_close(a->kernel);
	log_of_terminal(NULL);
	identity_wipe(&a->identity);
}

/* The links and the forwarding state; the schedule has been read. */
static int reconfigure(struct agent *a, const struct config *config)
{
	struct forwarding_settings settings, before;
	int error;

	make_settings(&before, a->config);
	make_settings(&settings, config);
	error = forwarding_configure(a->forwarding, &settings);
	if (error < 0)
		return error;
	error = links_configure(&a->links, config, a->now);
	if (error < 0) {
		log_warn_errno(error, "cannot change the links");
		forwarding_configure(a->forwarding, &before);
	}
	return error;
}

/* What a reload needs before it changes anything. */
static int prepare_reload(struct agent *a, const struct config *config)
{
	int error = identity_check(&a->identity, config);

	if (error < 0)
		return error;
	return reloading_find(&a->reloading, &files_kind,
			      files_new(config, lab_time_planned(&a->schedule.time, a->wall)),
			      a->now, report, NULL);
}

static void take_files(struct agent *a)
{
	files_take(a->reloading.object, &a->schedule, &a->choosing.guide);
	choosing_changed(&a->choosing);
	session_follow_schedule(&a->session);
}

/* With the links and all that goes with them. */
static int configure_all(struct agent *a, const struct config *config)
{
	int error = reconfigure(a, config);

	if (error < 0)
		return error;
	configure_modem(a, config);
	configure_hold(a, config);
	take_files(a);
	error = kernel_monitor_resync(a->monitor);
	if (error < 0)
		log_warn_errno(error,
			       "cannot look at the new links, their next change will show them");
	return 0;
}

int agent_configure(struct agent *a, const struct config *config)
{
	int error = prepare_reload(a, config);

	if (error == 0)
		error = configure_all(a, config);
	agent_forget_files(a);
	return error;
}

int agent_reread(struct agent *a)
{
	int error = prepare_reload(a, a->config);

	if (error == 0)
		take_files(a);
	agent_forget_files(a);
	return error;
}
