/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema of sno-terminal-agent.conf: every key with its type, range and default, and the checks
 * that concern more than one key. What is marked reloadable is applied by main.c on SIGHUP; the
 * identity and the port are not, because they are what the running registration stands on.
 */
#include "terminal-agent/config.h"

#include <stdio.h>
#include <string.h>

#include "orbit/choice.h"
#include "terminal-agent/identity.h"

#define LINKS_MAX 64

static const char *check_nai(const void *value)
{
	const char *const *nai = value;
	struct identity_name name;

	return identity_split(&name, *nai) < 0
		       ? "must be user@realm, each 1 to 63 of the characters a-z 0-9 - . _"
		       : NULL;
}

static const char *check_antenna(const void *value)
{
	const char *const *name = value;

	return *name && !message_name_valid(*name)
		       ? "must be 1 to 63 of the characters a-z 0-9 - . _ (it is sent to the core)"
		       : NULL;
}

static const struct conf_key terminal_keys[] = {
	{"nai", CONF_NAME, CONF_FIELD(struct config, terminal.nai), .required = true, .max = 127,
	 .check = check_nai,
	 .help = "identity of this terminal, user@realm; the realm is the home core"},
	{"private_key_file", CONF_PATH, CONF_FIELD(struct config, terminal.private_key_file),
	 .def = SNO_SYSCONFDIR "/terminal.key",
	 .help = "file with the private key, as `snoctl genkey` writes it"},
	{"psk_file", CONF_PATH, CONF_FIELD(struct config, terminal.psk_file),
	 .help = "file with the key shared with the home core; none: no such key"},
	{"home_public_key", CONF_KEY, CONF_FIELD(struct config, terminal.home_public_key),
	 .required = true, .help = "public key of the home core"},
	{"state", CONF_PATH, CONF_FIELD(struct config, terminal.state),
	 .help = "directory of what is known again after a restart; default: /var/lib/sno, with -N "
		 "that of the instance in it"},
	{},
};

static const struct conf_key link_keys[] = {
	{"name", CONF_SATELLITE, CONF_FIELD(struct link_config, name), .reloadable = true,
	 .help = "name of the satellite behind the link; none: the link is named like its "
		 "interface"},
	{"antenna", CONF_STRING, CONF_FIELD(struct link_config, antenna), .max = 63,
	 .reloadable = true, .check = check_antenna,
	 .help = "name of the antenna, which the switching command points at satellites"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct link_config, interface), .required = true,
	 .id = true, .reloadable = true, .help = "network interface of the link"},
	{},
};

static const struct conf_key position_keys[] = {
	{"latitude", CONF_NUMBER, CONF_FIELD(struct config, position.latitude), .required = true,
	 .min = -90, .max = 90, .reloadable = true, .help = "degrees north, WGS-84"},
	{"longitude", CONF_NUMBER, CONF_FIELD(struct config, position.longitude), .required = true,
	 .min = -180, .max = 360, .reloadable = true, .help = "degrees east"},
	{"height", CONF_NUMBER, CONF_FIELD(struct config, position.height), .min = -1000,
	 .max = 20000, .def = "0", .reloadable = true, .help = "metres above the ellipsoid"},
	{"min_elevation", CONF_NUMBER, CONF_FIELD(struct config, position.min_elevation), .min = 0,
	 .max = 89, .def = "25", .reloadable = true,
	 .help = "degrees above the horizon from which on a satellite is used"},
	{},
};

static const struct conf_name policy_names[] = {
	{"plan", CHOICE_PLAN},	     {"home-first", CHOICE_HOME_FIRST},
	{"longest", CHOICE_LONGEST}, {"elevation", CHOICE_ELEVATION},
	{"load", CHOICE_LOAD},	     {NULL, 0}};

static const struct conf_key access_keys[] = {
	{"port", CONF_INT, CONF_FIELD(struct config, access.port), .min = 1, .max = 65535,
	 .def = "6276", .help = "UDP port of the access side"},
	{"gateway_mac", CONF_LLADDR, CONF_FIELD(struct config, access.gateway_mac),
	 .def = "02:53:4e:4f:00:01", .reloadable = true,
	 .help = "Ethernet address of the gateway until a core's answer has shown it"},
	{},
};

static const struct conf_name switching_modes[] = {
	{"self", SWITCHING_SELF}, {"command", SWITCHING_COMMAND}, {NULL, 0}};

static const struct conf_key switching_keys[] = {
	{"mode", CONF_ENUM, CONF_FIELD(struct config, switching.mode), .names = switching_modes,
	 .def = "self", .reloadable = true, .help = "who switches links: the agent or a command"},
	{"command", CONF_STRING,
	 CONF_LIST(struct config, switching.command, switching.command_count), .max_items = 64,
	 .reloadable = true,
	 .help = "program and arguments; the names of the old and the new link are appended"},
	{"resident", CONF_BOOL, CONF_FIELD(struct config, switching.resident), .def = "false",
	 .reloadable = true,
	 .help = "the command stays and reads the names of both links from its standard input"},
	{"timeout", CONF_SECONDS, CONF_FIELD(struct config, switching.timeout), .min = 0.1,
	 .max = 600, .def = "10", .reloadable = true,
	 .help = "time in which the new link must have come up and the command ended"},
	{"administrative", CONF_BOOL, CONF_FIELD(struct config, switching.administrative),
	 .def = "false", .reloadable = true,
	 .help = "in mode self: set the link in use up and the other ones down"},
	{},
};

static const struct conf_key routes_keys[] = {
	{"default", CONF_BOOL, CONF_FIELD(struct config, routes.install_default), .def = "true",
	 .reloadable = true,
	 .help = "default routes for the whole host; false: only for packets from the home "
		 "addresses"},
	{"metric", CONF_INT, CONF_FIELD(struct config, routes.metric), .min = 1, .max = 2147483647,
	 .def = "50", .reloadable = true, .help = "metric of the routes, must not be in use"},
	{},
};

static const struct conf_key delegated_keys[] = {
	{"interface", CONF_IFNAME, CONF_FIELD(struct config, delegated.interface), .required = true,
	 .reloadable = true,
	 .help = "interface behind which the hosts of the delegated prefix are"},
	{},
};

static const struct conf_name mode_names[] = {
	{"baseline", MODE_BASELINE},	 {"combined", MODE_COMBINED}, {"proactive", MODE_PROACTIVE},
	{"predictive", MODE_PREDICTIVE}, {"soft", MODE_SOFT},	      {NULL, 0}};

static const struct conf_key handover_keys[] = {
	{"mode", CONF_ENUM, CONF_FIELD(struct config, handover.mode), .names = mode_names,
	 .def = "soft", .reloadable = true, .help = "highest handover mode of this terminal"},
	{"lead", CONF_SECONDS, CONF_FIELD(struct config, handover.lead), .min = 0.1, .max = 600,
	 .def = "2", .reloadable = true, .help = "how long before a move the core is told of it"},
	{"schedule", CONF_PATH, CONF_FIELD(struct config, handover.schedule), .reloadable = true,
	 .help = "file with the satellites' associations"},
	{"hold_packets", CONF_INT, CONF_FIELD(struct config, handover.hold.packets), .min = 0,
	 .max = 1e9, .def = "10000", .reloadable = true,
	 .help = "packets that are held while there is no link"},
	{"hold_octets", CONF_INT, CONF_FIELD(struct config, handover.hold.octets), .min = 0,
	 .max = 1e12, .def = "8388608", .reloadable = true, .help = "octets likewise"},
	{"hold_time", CONF_SECONDS, CONF_FIELD(struct config, handover.hold.time), .min = 0,
	 .max = 60, .def = "2", .reloadable = true, .help = "how long a packet is held"},
	{},
};

static const struct conf_key timers_keys[] = {
	{"disconnect_wait", CONF_SECONDS, CONF_FIELD(struct config, timers.disconnect_wait),
	 .min = 0, .max = 10, .def = "0.6", .reloadable = true,
	 .help = "time to wait for the core's answer before the link is left"},
	{"discovery_timeout", CONF_SECONDS, CONF_FIELD(struct config, timers.discovery_timeout),
	 .min = 0.02, .max = 60, .def = "0.5", .reloadable = true,
	 .help = "time until an unanswered core discovery is repeated, doubled each time"},
	{"retry_max", CONF_SECONDS, CONF_FIELD(struct config, timers.retry_max), .min = 0.02,
	 .max = 600, .def = "8", .reloadable = true,
	 .help = "longest time between two discoveries"},
	{},
};

static const struct conf_key keys[] = {
	{"terminal", CONF_GROUP, CONF_INLINE(terminal_keys), .required = true,
	 .help = "who this terminal is"},
	{"links", CONF_GROUP, CONF_LIST(struct config, links, link_count),
	 CONF_ELEMENT(struct link_config, link_keys), .required = true, .min_items = 1,
	 .max_items = LINKS_MAX, .reloadable = true,
	 .help = "access links, the preferred ones first"},
	{"position", CONF_GROUP, CONF_INLINE(position_keys),
	 CONF_PRESENT(struct config, position.given), .reloadable = true,
	 .help = "where this terminal is"},
	{"elements", CONF_PATH, CONF_LIST(struct config, elements, element_count), .max_items = 64,
	 .unique = true, .reloadable = true,
	 .help = "files with the orbital elements of the satellites that may be used"},
	{"timetable", CONF_PATH, CONF_FIELD(struct config, timetable), .reloadable = true,
	 .help = "file with the satellites to use and when, in place of position and elements"},
	{"policy", CONF_ENUM, CONF_FIELD(struct config, policy), .names = policy_names,
	 .def = "plan", .reloadable = true, .help = "which of the visible satellites is used"},
	{"loads", CONF_PATH, CONF_FIELD(struct config, loads), .reloadable = true,
	 .help = "file with the satellites' loads, for policy \"load\""},
	{"access", CONF_GROUP, CONF_INLINE(access_keys), .help = "the access side"},
	{"switching", CONF_GROUP, CONF_INLINE(switching_keys), .help = "how links are switched"},
	{"routes", CONF_GROUP, CONF_INLINE(routes_keys),
	 .help = "what is routed to the satellites"},
	{"delegated", CONF_GROUP, CONF_INLINE(delegated_keys),
	 CONF_PRESENT(struct config, delegated.given),
	 .help = "where the delegated prefix is used"},
	{"handover", CONF_GROUP, CONF_INLINE(handover_keys),
	 .help = "how the terminal changes from core to core"},
	{"timers", CONF_GROUP, CONF_INLINE(timers_keys), .help = "time-outs in seconds"},
	{"time", CONF_GROUP, CONF_MEMBER(struct config, time, lab_time_keys),
	 CONF_PRESENT(struct config, time.given),
	 .help = "for laboratories only: plans run in a time of their own"},
	{"metrics", CONF_GROUP, CONF_MEMBER(struct config, metrics, metrics_keys),
	 .reloadable = true, .help = "figures for a monitoring system"},
	{"log", CONF_GROUP, CONF_MEMBER(struct config, log, daemon_log_keys), .reloadable = true,
	 .help = "what is logged"},
	{},
};

const char *link_config_name(const struct link_config *link)
{
	return link->name ? link->name : link->antenna ? link->antenna : link->interface;
}

bool config_chooses(const struct config *config)
{
	return config->timetable || config->element_count > 0;
}

bool config_points(const struct config *config)
{
	return config->link_count > 0 && config->links[0].antenna;
}

/* What the agent chooses satellites by, and what it does about it. */
static void check_choice(struct conf_check *check, const struct config *config)
{
	char path[64];

	if (config->element_count > 0 && !config->position.given)
		conf_fault(check, "elements",
			   "the position of this terminal is needed to know which are visible");
	if (config->position.given && config->element_count == 0)
		conf_fault(check, "position", "is of no use without elements");
	if (config->timetable && config->element_count > 0)
		conf_fault(check, "timetable",
			   "satellites are chosen by a timetable or by elements, not by both");
	if (config->policy == CHOICE_LOAD && config->element_count > 0 && !config->loads)
		conf_fault(check, "policy", "\"load\" needs loads, a file of satellite,load");
	for (size_t i = 0; i < config->link_count; i++) {
		snprintf(path, sizeof(path), "links[%zu]", i);
		if (config->links[i].antenna && config->links[i].name)
			conf_fault(check, path, "either has an antenna, or its satellite a name");
		else if (!config->links[i].antenna != !config->links[0].antenna)
			conf_fault(check, path, "either all links have antennas, or none");
	}
	if (config_points(config) && !config_chooses(config))
		conf_fault(check, "links",
			   "antennas need elements or a timetable, or nobody knows the satellites");
	if (config_points(config) && config->switching.mode != SWITCHING_COMMAND)
		conf_fault(check, "switching.mode",
			   "antennas are pointed by a command; this needs mode \"command\"");
}

/* Operators name links in commands, so a name must mean one link. */
static void check_links(struct conf_check *check, const struct config *config)
{
	char path[64];

	for (size_t i = 0; i < config->link_count; i++) {
		const struct link_config *link = &config->links[i];

		snprintf(path, sizeof(path), "links[%zu]", i);
		for (size_t j = 0; j < i; j++)
			if (strcmp(link_config_name(link), link_config_name(&config->links[j])) ==
			    0)
				conf_fault(check, path,
					   "link %s is named twice, first at links[%zu]",
					   link_config_name(link), j);
		if (config->delegated.interface &&
		    strcmp(config->delegated.interface, link->interface) == 0)
			conf_fault(check, "delegated.interface",
				   "%s is an access link; name the interface of the hosts behind "
				   "this terminal",
				   link->interface);
	}
}

static void check_config(struct conf_check *check, const void *value)
{
	const struct config *config = value;

	check_links(check, config);
	check_choice(check, config);
	if (config->switching.mode == SWITCHING_COMMAND) {
		if (config->switching.command_count == 0)
			conf_fault(
				check, "switching.command",
				"mode \"command\" needs a command, e.g. [ \"/usr/sbin/modem\" ]");
		else if (config->switching.command[0][0] != '/')
			conf_fault(check, "switching.command",
				   "\"%s\" must be an absolute path: no shell searches for it",
				   config->switching.command[0]);
		if (config->switching.administrative)
			conf_fault(check, "switching.administrative",
				   "the command switches the links; this needs mode \"self\"");
	}
	if (config->switching.mode != SWITCHING_COMMAND && config->switching.resident)
		conf_fault(check, "switching.resident",
			   "there is no command that could stay; this needs mode \"command\"");
	if (config->timers.retry_max < config->timers.discovery_timeout)
		conf_fault(check, "timers.retry_max", "must not be below discovery_timeout");
}

const struct conf_schema config_schema = {keys, sizeof(struct config), check_config};

const struct metrics_config *config_metrics(const void *config)
{
	return &((const struct config *)config)->metrics;
}

const struct daemon_log_config *config_log(const void *config)
{
	return &((const struct config *)config)->log;
}
