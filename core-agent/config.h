/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core agent's configuration: what an operator says of this core, its satellites, its
 * subscribers and its peers. Every key is described in sno-core-agent.conf(5).
 */
#ifndef SNO_CORE_CONFIG_H
#define SNO_CORE_CONFIG_H

#include "conf.h"
#include "daemon.h"
#include "hold.h"
#include "lab_time.h"
#include "message.h"

/* What tunnel.kind allows; TUNNEL_CHOICE_AUTO leaves the choice to what the kernel has. */
enum tunnel_choice { TUNNEL_CHOICE_AUTO, TUNNEL_CHOICE_GRE, TUNNEL_CHOICE_IPIP, TUNNEL_CHOICE_GPE };

/* How tunnels are protected; a peer may inherit it from the core. */
enum protection_choice { PROTECTION_INHERIT, PROTECTION_ESP, PROTECTION_NONE };

struct satellite_config {
	char *name;
	char *interface;
};

struct subscriber_config {
	char *nai;
	uint8_t public_key[CONF_KEY_BYTES];
	char *psk_file; /* NULL: none */
	struct addr home4, home6;
	struct prefix prefix;
	int mode; /* enum handover_mode: no better one for this subscriber */
};

struct peer_config {
	char *name;
	struct endpoint endpoint;
	uint8_t public_key[CONF_KEY_BYTES];
	char *psk_file; /* NULL: none */
	struct prefix *home_prefixes;
	size_t home_prefix_count;
	struct prefix *care_of_prefixes;
	size_t care_of_prefix_count;
	int mode;	/* enum handover_mode: no better one together with this peer */
	int protection; /* enum protection_choice */
	bool drains;	/* in no file any more, but in use (drain.h) */
};

struct pools_config {
	struct prefix *home4, *home6, *care_of4, *care_of6, *delegated;
	size_t home4_count, home6_count, care_of4_count, care_of6_count, delegated_count;
	uint8_t delegated_length;
};

/* How terminals change from core to core (PROTOCOL section 15). */
struct handover_config {
	int mode;		 /* enum handover_mode: the highest that this core takes part in */
	char *schedule;		 /* association file (sno-associations(5)); NULL: none */
	usec_t lead;		 /* how long ahead of the schedule cores are prepared */
	usec_t prepared_for;	 /* how long after the expected time a preparation lasts */
	usec_t prepare_wait;	 /* how long a disconnect waits for its preparation */
	struct hold_limits hold; /* what may be held for terminals that are to come */
};

struct config {
	char *name;
	char *private_key_file;
	struct addr *listen;
	size_t listen_count;
	uint16_t port;
	char *state; /* directory of what survives; NULL: the usual one */
	bool guard;  /* packets of terminals and peers are checked (guard.h) */

	struct {
		char *bridge;
		struct lladdr gateway_mac;
		uint16_t port;
		usec_t advertise_interval;
		struct satellite_config *satellites;
		size_t satellite_count;
	} access;

	struct {
		int kind; /* enum tunnel_choice */
		struct addr *local;
		size_t local_count;
		uint16_t mtu;	       /* 0: 1400 over IPv4, 1360 over IPv6 */
		int protection;	       /* enum protection_choice, never to inherit */
		int suite;	       /* enum suite: the one that is preferred */
		uint64_t rekey_octets; /* by one association, then its keys are renewed */
	} tunnel;

	struct pools_config pools;
	struct subscriber_config *subscribers;
	size_t subscriber_count;
	struct peer_config *peers;
	size_t peer_count;
	struct handover_config handover;

	struct {
		usec_t lifetime, drain, leave, stale, keepalive, dead_peer, rekey;
	} timers;

	struct lab_time_config time;
	struct metrics_config metrics;
	struct daemon_log_config log;
};

extern const struct conf_schema config_schema;

/* The checks across keys, for config_schema (config_check.c). */
void config_check(struct conf_check *check, const void *config);

#endif
