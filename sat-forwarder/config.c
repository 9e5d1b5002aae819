/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema of sno-sat-forwarder.conf: every key with its type, range and default, and the checks
 * that concern more than one key. The association file is checked along with it, so that `-t` and a
 * reload refuse a plan that this satellite cannot execute. What names the satellite in the kernel
 * (its access side and its number) takes a restart.
 */
#include "sat-forwarder/config.h"

#include <stdio.h>
#include <string.h>

#include "association.h"
#include "sat-forwarder/plan.h"

#define FEEDERS_MAX 1024
#define RELAYS_MAX  16

static const char *check_name(const void *value)
{
	const char *const *name = value;

	return *name && !association_name_valid(*name)
		       ? "must be printable characters without comma and quote, no blank at an end"
		       : NULL;
}

static const struct conf_key satellite_keys[] = {
	{"name", CONF_STRING, CONF_FIELD(struct config, satellite.name), .required = true,
	 .check = check_name, .help = "name of this satellite, as in association files"},
	{"access", CONF_IFNAME, CONF_FIELD(struct config, satellite.access), .required = true,
	 .help = "interface towards the terminals, e.g. a bridge"},
	{"index", CONF_INT, CONF_FIELD(struct config, satellite.index), .min = 1,
	 .max = SATELLITE_INDEX_MAX, .def = "1",
	 .help = "number of this satellite among those of one network namespace"},
	{},
};

#define GRETAP_KEYS(may_change)                                                                    \
	{"local",                                                                                  \
	 CONF_ADDR,                                                                                \
	 CONF_FIELD(struct kernel_gretap, local),                                                  \
	 .required = true,                                                                         \
	 .reloadable = (may_change),                                                               \
	 .help = "address of this end"},                                                           \
		{"remote",                                                                         \
		 CONF_ADDR,                                                                        \
		 CONF_FIELD(struct kernel_gretap, remote),                                         \
		 .required = true,                                                                 \
		 .reloadable = (may_change),                                                       \
		 .help = "address of the ground station"},                                         \
		{"key",                                                                            \
		 CONF_INT,                                                                         \
		 CONF_FIELD(struct kernel_gretap, key),                                            \
		 .min = 0,                                                                         \
		 .max = 4294967295.,                                                               \
		 .def = "0",                                                                       \
		 .reloadable = (may_change),                                                       \
		 .help = "GRE key, the same at both ends; 0: none"},                               \
		{"mtu",                                                                            \
		 CONF_INT,                                                                         \
		 CONF_FIELD(struct kernel_gretap, mtu),                                            \
		 .min = 576,                                                                       \
		 .max = 65000,                                                                     \
		 .def = "1500",                                                                    \
		 .reloadable = (may_change),                                                       \
		 .help = "largest packet inside a frame"},                                         \
	{                                                                                          \
	}

static const struct conf_key gretap_keys[] = {GRETAP_KEYS(true)};
static const struct conf_key relay_gretap_keys[] = {GRETAP_KEYS(false)};

static const struct conf_key feeder_keys[] = {
	{"core", CONF_STRING, CONF_FIELD(struct feeder_config, core), .check = check_name,
	 .reloadable = true, .help = "core that this feeder leads to"},
	{"station", CONF_STRING, CONF_FIELD(struct feeder_config, station), .check = check_name,
	 .reloadable = true, .help = "ground station at its other end; none: any station"},
	{"via", CONF_STRING, CONF_FIELD(struct feeder_config, via), .check = check_name,
	 .reloadable = true,
	 .help = "neighbouring satellite at its other end, which relays to any core"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct feeder_config, interface), .reloadable = true,
	 .help = "local interface; with gretap: the name that the tunnel is given"},
	{"gretap", CONF_GROUP, CONF_MEMBER(struct feeder_config, gretap, gretap_keys),
	 CONF_PRESENT(struct feeder_config, tunnel), .reloadable = true,
	 .help = "GRE tunnel for Ethernet to the ground station, made by the daemon"},
	{},
};

static const struct conf_key relay_feeder_keys[] = {
	{"core", CONF_STRING, CONF_FIELD(struct feeder_config, core), .required = true,
	 .check = check_name, .help = "core that this feeder leads to"},
	{"station", CONF_STRING, CONF_FIELD(struct feeder_config, station), .check = check_name,
	 .help = "ground station at its other end; none: any station"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct feeder_config, interface),
	 .help = "local interface; with gretap: the name that the tunnel is given"},
	{"gretap", CONF_GROUP, CONF_MEMBER(struct feeder_config, gretap, relay_gretap_keys),
	 CONF_PRESENT(struct feeder_config, tunnel),
	 .help = "GRE tunnel for Ethernet to the ground station, made by the daemon"},
	{},
};

static const struct conf_key relay_keys[] = {
	{"satellite", CONF_STRING, CONF_FIELD(struct relay_config, satellite), .required = true,
	 .id = true, .check = check_name, .help = "name of the neighbouring satellite"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct relay_config, interface), .required = true,
	 .help = "interface towards it"},
	{"index", CONF_INT, CONF_FIELD(struct relay_config, index), .required = true, .min = 1,
	 .max = SATELLITE_INDEX_MAX,
	 .help = "another number like satellite.index, for what the relay puts into the kernel"},
	{"feeders", CONF_GROUP, CONF_LIST(struct relay_config, feeders, feeder_count),
	 CONF_ELEMENT(struct feeder_config, relay_feeder_keys), .required = true, .min_items = 1,
	 .max_items = FEEDERS_MAX, .help = "the ways of its frames to the cores"},
	{},
};

static const struct conf_key association_keys[] = {
	{"core", CONF_STRING, CONF_FIELD(struct config, association.core), .check = check_name,
	 .reloadable = true,
	 .help = "core that is served where the file says nothing: before its first association, "
		 "after its last one, or without a file"},
	{"station", CONF_STRING, CONF_FIELD(struct config, association.station),
	 .check = check_name, .reloadable = true,
	 .help = "station over which; none: the first feeder of the core"},
	{"file", CONF_PATH, CONF_FIELD(struct config, association.file), .reloadable = true,
	 .help = "associations and their times, see sno-associations(5)"},
	{},
};

static const struct conf_key timers_keys[] = {
	{"drain", CONF_SECONDS, CONF_FIELD(struct config, timers.drain), .min = 0, .max = 60,
	 .def = "0.2", .reloadable = true,
	 .help = "how long frames from the former core still reach terminals"},
	{},
};

static const struct conf_key keys[] = {
	{"satellite", CONF_GROUP, CONF_INLINE(satellite_keys), .required = true,
	 .help = "this satellite"},
	{"feeders", CONF_GROUP, CONF_LIST(struct config, feeders, feeder_count),
	 CONF_ELEMENT(struct feeder_config, feeder_keys), .required = true, .min_items = 1,
	 .max_items = FEEDERS_MAX, .reloadable = true, .help = "the ways to the cores"},
	{"relays", CONF_GROUP, CONF_LIST(struct config, relays, relay_count),
	 CONF_ELEMENT(struct relay_config, relay_keys), .max_items = RELAYS_MAX,
	 .help = "neighbouring satellites whose frames pass to ground stations here"},
	{"association", CONF_GROUP, CONF_INLINE(association_keys), .help = "which core is served"},
	{"timers", CONF_GROUP, CONF_INLINE(timers_keys), .help = "times in seconds"},
	{"time", CONF_GROUP, CONF_MEMBER(struct config, time, lab_time_keys),
	 CONF_PRESENT(struct config, time.given),
	 .help = "for laboratories only: plans run in a time of their own"},
	{"metrics", CONF_GROUP, CONF_MEMBER(struct config, metrics, metrics_keys),
	 .reloadable = true, .help = "figures for a monitoring system"},
	{"log", CONF_GROUP, CONF_MEMBER(struct config, log, daemon_log_keys), .reloadable = true,
	 .help = "what is logged"},
	{},
};

/* FNV-1a */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t length)
{
	for (const uint8_t *p = bytes; length; length--)
		hash = (hash ^ *p++) * 16777619U;
	return hash;
}

const char *config_device_prefix(const struct config *config, char prefix[KERNEL_NAME])
{
	snprintf(prefix, KERNEL_NAME, "snof%u-", (unsigned int)config->satellite.index);
	return prefix;
}

const char *config_feeder_device(const struct config *config, const struct feeder_config *feeder,
				 char name[KERNEL_NAME])
{
	const struct kernel_gretap *g = &feeder->gretap;
	uint32_t hash = 2166136261U;
	size_t n;

	if (feeder->interface) {
		snprintf(name, KERNEL_NAME, "%s", feeder->interface);
		return name;
	}
	hash = hash_bytes(hash, g->local.bytes, addr_length(g->local.family));
	hash = hash_bytes(hash, g->remote.bytes, addr_length(g->remote.family));
	hash = hash_bytes(hash, &g->key, sizeof(g->key));
	hash = hash_bytes(hash, &g->mtu, sizeof(g->mtu));
	n = strlen(config_device_prefix(config, name));
	snprintf(name + n, KERNEL_NAME - n, "%06x", (hash ^ hash >> 24) & 0xffffff);
	return name;
}

static bool is(const char *name, const char *wanted)
{
	return name && wanted && strcmp(name, wanted) == 0;
}

const struct feeder_config *config_feeder(const struct config *config, const char *core,
					  const char *station, const char *via)
{
	bool any = !station || !*station;
	const struct feeder_config *found = NULL, *f;

	for (size_t i = 0; i < config->feeder_count; i++) {
		f = &config->feeders[i];
		if (via && *via) {
			if (is(f->via, via))
				return f;
			continue;
		}
		if (!is(f->core, core))
			continue;
		if (any || is(f->station, station))
			return f;
		if (!f->station && !found)
			found = f;
	}
	return found;
}

void config_relay(const struct config *config, size_t i, struct config *relay)
{
	const struct relay_config *r = &config->relays[i];

	*relay = *config;
	relay->relay = config->satellite.name;
	relay->relays = NULL;
	relay->relay_count = 0;
	relay->satellite.name = r->satellite;
	relay->satellite.access = r->interface;
	relay->satellite.index = r->index;
	relay->feeders = r->feeders;
	relay->feeder_count = r->feeder_count;
	relay->association.core = relay->association.station = NULL;
}

/* ---- checks ----------------------------------------------------------------------------------
 */

/* What leads where: a station of a core, or a neighbour, and no two to the same. */
static void check_ends(struct conf_check *check, const struct config *config, const char *path,
		       size_t i)
{
	const struct feeder_config *f = &config->feeders[i], *g;

	if (!f->via == !f->core || (f->via && f->station)) {
		conf_fault(check, path,
			   "needs a core, over a station or over any, or else via a neighbour");
		return;
	}
	if (is(f->via, config->satellite.name))
		conf_fault(check, path, "via %s, which is this satellite itself", f->via);
	for (size_t j = 0; j < i; j++) {
		g = &config->feeders[j];
		if (is(f->via, g->via))
			conf_fault(check, path, "feeders[%zu] leads to satellite %s too", j,
				   f->via);
		if (!is(f->core, g->core))
			continue;
		if (!f->station || !g->station)
			conf_fault(check, path,
				   "feeders[%zu] leads to core %s too: name the station of both", j,
				   f->core);
		else if (is(f->station, g->station))
			conf_fault(check, path, "feeders[%zu] leads to core %s over %s too", j,
				   f->core, f->station);
	}
}

static void check_feeder(struct conf_check *check, const struct config *config, const char *path,
			 size_t i)
{
	const struct feeder_config *f = &config->feeders[i];
	char here[KERNEL_NAME], there[KERNEL_NAME];

	if (!f->tunnel && !f->interface) {
		conf_fault(check, path, "needs an interface, or gretap = { local, remote }");
		return;
	}
	if (f->tunnel && f->gretap.local.family != f->gretap.remote.family)
		conf_fault(check, path,
			   "gretap: local and remote must both be IPv4 or both be IPv6");
	config_feeder_device(config, f, here);
	if (strcmp(here, config->satellite.access) == 0)
		conf_fault(check, path, "%s is the access side", here);
	for (size_t j = 0; j < i; j++)
		if (strcmp(here, config_feeder_device(config, &config->feeders[j], there)) == 0)
			conf_fault(check, path,
				   "%s is feeders[%zu] too: one interface is one feeder", here, j);
	check_ends(check, config, path, i);
}

/* Is this interface the access side or a feeder? */
static bool has_interface(const struct config *config, const char *name)
{
	char device[KERNEL_NAME];

	if (strcmp(config->satellite.access, name) == 0)
		return true;
	for (size_t i = 0; i < config->feeder_count; i++)
		if (strcmp(config_feeder_device(config, &config->feeders[i], device), name) == 0)
			return true;
	return false;
}

static void check_apart(struct conf_check *check, const char *path, const struct config *one,
			const struct config *other)
{
	char device[KERNEL_NAME];

	if (one->satellite.index == other->satellite.index)
		conf_fault(check, path, "index %u is that of %s too", one->satellite.index,
			   other->satellite.name);
	if (has_interface(other, one->satellite.access))
		conf_fault(check, path, "%s is in use for %s: a relay needs interfaces of its own",
			   one->satellite.access, other->satellite.name);
	for (size_t i = 0; i < one->feeder_count; i++)
		if (has_interface(other, config_feeder_device(one, &one->feeders[i], device)))
			conf_fault(check, path,
				   "%s is in use for %s: a relay needs interfaces of its own",
				   device, other->satellite.name);
}

/* A relay is like a satellite whose access side is a neighbour. */
static void check_relay(struct conf_check *check, const struct config *config, size_t i)
{
	struct config relay, other;
	char path[64];

	config_relay(config, i, &relay);
	for (size_t j = 0; j < relay.feeder_count; j++) {
		snprintf(path, sizeof(path), "relays[%zu].feeders[%zu]", i, j);
		check_feeder(check, &relay, path, j);
	}
	snprintf(path, sizeof(path), "relays[%zu]", i);
	if (is(relay.satellite.name, config->satellite.name))
		conf_fault(check, path, "%s is this satellite itself", relay.satellite.name);
	check_apart(check, path, &relay, config);
	for (size_t j = 0; j < i; j++) {
		config_relay(config, j, &other);
		check_apart(check, path, &relay, &other);
	}
}

static void check_association(struct conf_check *check, const struct config *config)
{
	const char *core = config->association.core, *station = config->association.station;

	if (station && !core)
		conf_fault(check, "association.station", "needs association.core");
	if (core && !config_feeder(config, core, NULL, NULL))
		conf_fault(check, "association.core", "no feeder leads to core %s", core);
	else if (core && !config_feeder(config, core, station, NULL))
		conf_fault(check, "association.station", "no feeder leads to core %s over %s", core,
			   station);
}

static void plan_fault(void *arg, const char *message)
{
	conf_fault(arg, "association.file", "%s", message);
}

/* The association file, for the satellite and its relays. */
static void check_file(struct conf_check *check, const struct config *config)
{
	struct plan_file *file;
	struct config relay;
	struct plan plan;
	int err = plan_file_load(&file, config, plan_fault, check);

	if (!err)
		err = plan_take(&plan, config, file, plan_fault, check);
	if (!err)
		plan_free(&plan);
	for (size_t i = 0; !err && i < config->relay_count; i++) {
		config_relay(config, i, &relay);
		err = plan_take(&plan, &relay, file, plan_fault, check);
		if (!err)
			plan_free(&plan);
	}
	plan_file_free(file);
}

static void check_values(struct conf_check *check, const void *value)
{
	const struct config *config = value;
	char path[64];

	for (size_t i = 0; i < config->feeder_count; i++) {
		snprintf(path, sizeof(path), "feeders[%zu]", i);
		check_feeder(check, config, path, i);
	}
	for (size_t i = 0; i < config->relay_count; i++)
		check_relay(check, config, i);
	check_association(check, config);
}

static void check_all(struct conf_check *check, const void *value)
{
	check_values(check, value);
	check_file(check, value);
}

const struct conf_schema config_schema = {keys, sizeof(struct config), check_all};
const struct conf_schema config_schema_running = {keys, sizeof(struct config), check_values};

const struct metrics_config *config_metrics(const void *config)
{
	return &((const struct config *)config)->metrics;
}

const struct daemon_log_config *config_log(const void *config)
{
	return &((const struct config *)config)->log;
}
