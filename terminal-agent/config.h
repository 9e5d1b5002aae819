/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of the terminal agent as a structure; sno-terminal-agent.conf(5) documents each
 * key, and the schema in config.c is the one place that knows ranges and defaults.
 */
#ifndef SNO_TERMINAL_CONFIG_H
#define SNO_TERMINAL_CONFIG_H

#include "conf.h"
#include "daemon.h"
#include "hold.h"
#include "lab_time.h"
#include "message.h"

/* An access link: an interface, and the satellite that is behind it or an antenna. */
struct link_config {
	char *name; /* NULL: called after its interface, and the satellite is not known */
	char *interface;
	char *antenna; /* NULL: none, the satellite is always the same one */
};

/* Who moves the terminal from one link to another. */
enum switching_mode {
	SWITCHING_SELF,	   /* the agent chooses among the links that have a carrier */
	SWITCHING_COMMAND, /* a program does it: a modem, a motor, a simulation */
};

struct config {
	struct {
		char *nai; /* user@realm */
		char *private_key_file;
		char *psk_file; /* NULL: none */
		char *state;	/* directory of what survives; NULL: the usual one */
		uint8_t home_public_key[CONF_KEY_BYTES];
	} terminal;
	struct link_config *links;
	size_t link_count;
	struct {
		uint16_t port;
		struct lladdr gateway_mac;
	} access;
	struct {
		bool given;
		double latitude, longitude; /* degrees */
		double height;		    /* metres */
		double min_elevation;	    /* degrees */
	} position;
	char **elements; /* files; none: satellites are not computed */
	size_t element_count;
	char *timetable; /* NULL: none */
	int policy;	 /* enum choice_policy */
	char *loads;	 /* NULL: none */
	struct {
		int mode; /* enum switching_mode */
		char **command;
		size_t command_count;
		bool resident; /* it stays and reads orders */
		usec_t timeout;
		bool administrative;
	} switching;
	struct {
		bool install_default;
		uint32_t metric;
	} routes;
	struct {
		bool given;
		char *interface; /* NULL: none */
	} delegated;
	struct {
		int mode;	/* enum handover_mode: the highest */
		usec_t lead;	/* a move is announced so long before it */
		char *schedule; /* the association file; NULL: none */
		struct hold_limits hold;
	} handover;
	struct {
		usec_t disconnect_wait;
		usec_t discovery_timeout;
		usec_t retry_max;
	} timers;
	struct lab_time_config time;
	struct metrics_config metrics;
	struct daemon_log_config log;
};

extern const struct conf_schema config_schema;

/* The `log` and `metrics` groups, for daemon.h. */
const struct daemon_log_config *config_log(const void *config);
const struct metrics_config *config_metrics(const void *config);

/* Does the agent itself choose satellites, by orbits or by a timetable? */
bool config_chooses(const struct config *config);
/* Are the links antennas, of which each can be pointed at any satellite? */
bool config_points(const struct config *config);
/* What a link is called: its name, that of the antenna, or that of its interface. */
const char *link_config_name(const struct link_config *link);

#endif
