/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of the satellite forwarder as a structure; sno-sat-forwarder.conf(5) documents
 * each key, and the schema in config.c is the one place that knows ranges and defaults.
 */
#ifndef SNO_SAT_CONFIG_H
#define SNO_SAT_CONFIG_H

#include "conf.h"
#include "daemon.h"
#include "kernel.h"
#include "lab_time.h"

/* Instances in one network namespace have different numbers up to this one. */
#define SATELLITE_INDEX_MAX 999

/*
 * A way to a core, over a local interface or a gretap tunnel: to a ground station, or to a
 * neighbouring satellite, which lets frames pass to the station that a plan names.
 */
struct feeder_config {
	char *core;	 /* NULL: with via, whatever core a plan names */
	char *station;	 /* NULL: whatever station a plan names */
	char *via;	 /* the neighbour; NULL: none */
	char *interface; /* NULL: only for a tunnel, whose name is then made up */
	bool tunnel;	 /* gretap is given */
	struct kernel_gretap gretap;
};

/* A neighbour whose frames are let pass to ground stations. */
struct relay_config {
	char *satellite;
	char *interface; /* towards it */
	uint32_t index;
	struct feeder_config *feeders; /* for its frames alone */
	size_t feeder_count;
};

struct config {
	struct {
		char *name;
		char *access;
		uint32_t index;
	} satellite;
	struct feeder_config *feeders;
	size_t feeder_count;
	struct relay_config *relays;
	size_t relay_count;
	const char *relay; /* config_relay(): this satellite, which relays that one; else NULL */
	struct {
		char *core;    /* NULL: none */
		char *station; /* NULL: the first feeder of the core */
		char *file;    /* NULL: none */
	} association;
	struct {
		usec_t drain;
	} timers;
	struct lab_time_config time;
	struct metrics_config metrics;
	struct daemon_log_config log;
};

/* Its check reads the association file too; that of the other, for a running daemon, does not
 * (satellite.h). */
extern const struct conf_schema config_schema, config_schema_running;

/* The `log` and `metrics` groups, for daemon.h. */
const struct daemon_log_config *config_log(const void *config);
const struct metrics_config *config_metrics(const void *config);

/*
 * The interface of a feeder. A tunnel without a name is called "snofINDEX-HASH" after the number of
 * this satellite and its own parameters: another end is another device, whatever else is edited.
 */
const char *config_feeder_device(const struct config *config, const struct feeder_config *feeder,
				 char name[KERNEL_NAME]);
/* "snofINDEX-": how the names begin that only this satellite gives. */
const char *config_device_prefix(const struct config *config, char prefix[KERNEL_NAME]);

/*
 * The feeder that leads to a core over a station (NULL or "": over any): that of this very station,
 * else one that names no station; among several the first. With via (neither NULL nor "") the one
 * to this neighbour. NULL when there is none.
 */
const struct feeder_config *config_feeder(const struct config *config, const char *core,
					  const char *station, const char *via);

/*
 * The i-th relay as the configuration of a satellite of its own: its access side is the link to the
 * neighbour, whose name it bears, and it has no relays. Borrows all strings and lists of `config`.
 */
void config_relay(const struct config *config, size_t i, struct config *relay);

#endif
