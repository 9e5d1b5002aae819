/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the core agent's configuration, and the checks across keys. */
#include "config.h"

#include "message.h"

#include <string.h>

static const char *check_name(const void *value)
{
	const char *const *name = value;

	return message_name_valid(*name)
		       ? NULL
		       : "use 1 to 63 of the characters a-z 0-9 - . _ (lower case)";
}

static const char *check_nai(const void *value)
{
	const char *const *nai = value;
	const char *at = strchr(*nai, '@');
	char user[SNO_NAME_MAX + 1];

	if (!at || (size_t)(at - *nai) >= sizeof(user))
		return "write it as user@realm";
	memcpy(user, *nai, (size_t)(at - *nai));
	user[at - *nai] = '\0';
	if (!message_name_valid(user) || !message_name_valid(at + 1))
		return "user and realm are 1 to 63 of the characters a-z 0-9 - . _ (lower case)";
	return NULL;
}

static const struct conf_name mode_names[] = {
	{"baseline", MODE_BASELINE},	 {"combined", MODE_COMBINED}, {"proactive", MODE_PROACTIVE},
	{"predictive", MODE_PREDICTIVE}, {"soft", MODE_SOFT},	      {NULL, 0}};

static const struct conf_key core_keys[] = {
	{"name", CONF_NAME, CONF_FIELD(struct config, name), .required = true, .check = check_name,
	 .help = "name of this core, which is the realm of its subscribers"},
	{"private_key_file", CONF_PATH, CONF_FIELD(struct config, private_key_file),
	 .def = SNO_SYSCONFDIR "/core.key",
	 .help = "file with this core's private key (snoctl genkey)"},
	{"state", CONF_PATH, CONF_FIELD(struct config, state),
	 .help = "directory of what is known again after a restart; default: /var/lib/sno, with -N "
		 "that of the instance in it"},
	{"listen", CONF_ADDR, CONF_LIST(struct config, listen, listen_count), .required = true,
	 .min_items = 1, .max_items = 8, .unique = true,
	 .help = "addresses on which other cores reach this one"},
	{"port", CONF_INT, CONF_FIELD(struct config, port), .min = 1, .max = 65535, .def = "6275",
	 .help = "UDP port for other cores"},
	{"guard", CONF_BOOL, CONF_FIELD(struct config, guard), .def = "true",
	 .help = "drop what terminals and peers have no right to send, and count what they have"},
	{}};

static const struct conf_key satellite_keys[] = {
	{"name", CONF_SATELLITE, CONF_FIELD(struct satellite_config, name), .required = true,
	 .id = true, .help = "name of the satellite"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct satellite_config, interface), .required = true,
	 .reloadable = true, .help = "interface on which its frames arrive"},
	{}};

static const struct conf_key access_keys[] = {
	{"bridge", CONF_IFNAME, CONF_FIELD(struct config, access.bridge), .def = "sno-acc",
	 .help = "bridge of the satellites' interfaces; made when it is missing"},
	{"gateway_mac", CONF_LLADDR, CONF_FIELD(struct config, access.gateway_mac),
	 .def = "02:53:4e:4f:00:01", .help = "Ethernet address of fe80::1, the same on every core"},
	{"port", CONF_INT, CONF_FIELD(struct config, access.port), .min = 1, .max = 65535,
	 .def = "6276", .help = "UDP port for terminals"},
	{"advertise_interval", CONF_SECONDS, CONF_FIELD(struct config, access.advertise_interval),
	 .min = 0.01, .max = 60, .def = "1", .reloadable = true,
	 .help = "time between core advertisements"},
	{"satellites", CONF_GROUP,
	 CONF_LIST(struct config, access.satellites, access.satellite_count),
	 CONF_ELEMENT(struct satellite_config, satellite_keys), .reloadable = true,
	 .help = "satellites that may be associated with this core"},
	{}};

static const struct conf_name tunnel_choices[] = {{"auto", TUNNEL_CHOICE_AUTO},
						  {"gre", TUNNEL_CHOICE_GRE},
						  {"ipip", TUNNEL_CHOICE_IPIP},
						  {"gpe", TUNNEL_CHOICE_GPE},
						  {NULL, 0}};

static const struct conf_name protection_choices[] = {
	{"esp", PROTECTION_ESP}, {"none", PROTECTION_NONE}, {NULL, 0}};

static const struct conf_name suite_choices[] = {{"chacha20-poly1305", SUITE_CHACHA20_POLY1305},
						 {"aes-256-gcm", SUITE_AES_256_GCM},
						 {NULL, 0}};

static const struct conf_key tunnel_keys[] = {
	{"kind", CONF_ENUM, CONF_FIELD(struct config, tunnel.kind), .names = tunnel_choices,
	 .def = "auto", .help = "encapsulation offered to peers; auto offers all the kernel has"},
	{"local", CONF_ADDR, CONF_LIST(struct config, tunnel.local, tunnel.local_count),
	 .max_items = 2,
	 .help = "outer addresses of this core, one per family; default: those of core.listen"},
	{"mtu", CONF_INT, CONF_FIELD(struct config, tunnel.mtu), .min = 0, .max = 65535, .def = "0",
	 .help = "highest path MTU inside tunnels, 0: 1400 over IPv4, 1360 over IPv6"},
	{"protection", CONF_ENUM, CONF_FIELD(struct config, tunnel.protection),
	 .names = protection_choices, .def = "esp", .help = "protection of tunnels to peers"},
	{"suite", CONF_ENUM, CONF_FIELD(struct config, tunnel.suite), .names = suite_choices,
	 .def = "chacha20-poly1305", .help = "cipher that this core prefers"},
	{"rekey_octets", CONF_INT, CONF_FIELD(struct config, tunnel.rekey_octets), .min = 65536,
	 .max = 1e15, .def = "68719476736",
	 .help = "octets sent under one key before it is renewed"},
	{}};

static const struct conf_key pool_keys[] = {
	{"home4", CONF_PREFIX, CONF_LIST(struct config, pools.home4, pools.home4_count),
	 .family = AF_INET, .reloadable = true, .help = "IPv4 home addresses of subscribers"},
	{"home6", CONF_PREFIX, CONF_LIST(struct config, pools.home6, pools.home6_count),
	 .family = AF_INET6, .reloadable = true, .help = "IPv6 home addresses of subscribers"},
	{"care_of4", CONF_PREFIX, CONF_LIST(struct config, pools.care_of4, pools.care_of4_count),
	 .family = AF_INET, .reloadable = true, .help = "IPv4 care-of addresses for visitors"},
	{"care_of6", CONF_PREFIX, CONF_LIST(struct config, pools.care_of6, pools.care_of6_count),
	 .family = AF_INET6, .reloadable = true, .help = "IPv6 care-of addresses for visitors"},
	{"delegated", CONF_PREFIX, CONF_LIST(struct config, pools.delegated, pools.delegated_count),
	 .family = AF_INET6, .reloadable = true,
	 .help = "prefixes out of which subscribers' fixed delegated prefixes are taken"},
	{"delegated_length", CONF_INT, CONF_FIELD(struct config, pools.delegated_length), .min = 1,
	 .max = 64, .def = "56", .reloadable = true,
	 .help = "longest delegated prefix that a subscriber may have"},
	{}};

static const struct conf_key subscriber_keys[] = {
	{"nai", CONF_NAME, CONF_FIELD(struct subscriber_config, nai), .required = true, .id = true,
	 .check = check_nai, .help = "identity, user@realm with this core's realm"},
	{"public_key", CONF_KEY, CONF_FIELD(struct subscriber_config, public_key), .required = true,
	 .reloadable = true, .help = "the terminal's public key"},
	{"psk_file", CONF_PATH, CONF_FIELD(struct subscriber_config, psk_file), .reloadable = true,
	 .help = "file with a pre-shared key in addition"},
	{"home4", CONF_ADDR, CONF_FIELD(struct subscriber_config, home4), .family = AF_INET,
	 .reloadable = true, .help = "fixed IPv4 home address; otherwise one of pools.home4"},
	{"home6", CONF_ADDR, CONF_FIELD(struct subscriber_config, home6), .family = AF_INET6,
	 .reloadable = true, .help = "fixed IPv6 home address; otherwise one of pools.home6"},
	{"prefix", CONF_PREFIX, CONF_FIELD(struct subscriber_config, prefix), .family = AF_INET6,
	 .reloadable = true, .help = "IPv6 prefix delegated to the network behind the terminal"},
	{"mode", CONF_ENUM, CONF_FIELD(struct subscriber_config, mode), .names = mode_names,
	 .def = "soft", .reloadable = true, .help = "highest handover mode for this subscriber"},
	{}};

static const struct conf_key peer_keys[] = {
	{"name", CONF_NAME, CONF_FIELD(struct peer_config, name), .required = true, .id = true,
	 .check = check_name, .help = "name of the peer, the realm of its subscribers"},
	{"endpoint", CONF_ENDPOINT, CONF_FIELD(struct peer_config, endpoint), .required = true,
	 .port = SNO_CORE_PORT, .reloadable = true, .help = "where it listens"},
	{"public_key", CONF_KEY, CONF_FIELD(struct peer_config, public_key), .required = true,
	 .reloadable = true, .help = "its public key"},
	{"psk_file", CONF_PATH, CONF_FIELD(struct peer_config, psk_file), .reloadable = true,
	 .help = "file with a pre-shared key in addition"},
	{"home_prefixes", CONF_PREFIX,
	 CONF_LIST(struct peer_config, home_prefixes, home_prefix_count), .unique = true,
	 .reloadable = true, .help = "home addresses of its subscribers, delegated ones included"},
	{"care_of_prefixes", CONF_PREFIX,
	 CONF_LIST(struct peer_config, care_of_prefixes, care_of_prefix_count), .unique = true,
	 .reloadable = true, .help = "care-of addresses that it may bind our subscribers to"},
	{"mode", CONF_ENUM, CONF_FIELD(struct peer_config, mode), .names = mode_names,
	 .def = "soft", .reloadable = true, .help = "highest handover mode together with it"},
	{"protection", CONF_ENUM, CONF_FIELD(struct peer_config, protection),
	 .names = protection_choices, .reloadable = true,
	 .help = "protection of tunnels to it; default: tunnel.protection"},
	{}};

static const struct conf_key timer_keys[] = {
	{"lifetime", CONF_SECONDS, CONF_FIELD(struct config, timers.lifetime), .min = 10,
	 .max = 86400, .def = "300", .reloadable = true, .help = "lifetime of a registration"},
	{"drain", CONF_SECONDS, CONF_FIELD(struct config, timers.drain), .min = 0.1, .max = 60,
	 .def = "2", .reloadable = true,
	 .help = "how long a released core forwards what was under way"},
	{"leave", CONF_SECONDS, CONF_FIELD(struct config, timers.leave), .min = 1, .max = 600,
	 .def = "10", .reloadable = true,
	 .help = "how long a disconnected terminal may stay without registering anywhere"},
	{"stale", CONF_SECONDS, CONF_FIELD(struct config, timers.stale), .min = 1, .max = 3600,
	 .def = "60", .reloadable = true,
	 .help = "after a restart: how long forwarding goes on for terminals not registered again"},
	{"keepalive", CONF_SECONDS, CONF_FIELD(struct config, timers.keepalive), .min = 0.1,
	 .max = 600, .def = "5", .help = "silence after which a keepalive is sent to a peer"},
	{"dead_peer", CONF_SECONDS, CONF_FIELD(struct config, timers.dead_peer), .min = 0.3,
	 .max = 3600, .def = "15", .help = "silence after which a peer is taken for dead"},
	{"rekey", CONF_SECONDS, CONF_FIELD(struct config, timers.rekey), .min = 1, .max = 86400,
	 .def = "120", .help = "age at which the keys between cores are renewed"},
	{}};

static const struct conf_key handover_keys[] = {
	{"mode", CONF_ENUM, CONF_FIELD(struct handover_config, mode), .names = mode_names,
	 .def = "soft", .reloadable = true, .help = "highest handover mode of this core"},
	{"schedule", CONF_PATH, CONF_FIELD(struct handover_config, schedule), .reloadable = true,
	 .help = "file with the satellites' associations"},
	{"lead", CONF_SECONDS, CONF_FIELD(struct handover_config, lead), .min = 0.1, .max = 600,
	 .def = "2", .reloadable = true,
	 .help = "how long before a satellite changes its core the next one is prepared"},
	{"prepared_for", CONF_SECONDS, CONF_FIELD(struct handover_config, prepared_for), .min = 0.1,
	 .max = 600, .def = "5", .reloadable = true,
	 .help = "how long after the expected time a terminal may still come"},
	{"prepare_wait", CONF_SECONDS, CONF_FIELD(struct handover_config, prepare_wait),
	 .min = 0.001, .max = 10, .def = "0.15", .reloadable = true,
	 .help = "how long a disconnecting terminal waits for the next core to be prepared"},
	{"hold_packets", CONF_INT, CONF_FIELD(struct handover_config, hold.packets), .min = 0,
	 .max = 1e9, .def = "10000", .reloadable = true,
	 .help = "packets that are held for one terminal that is to come"},
	{"hold_octets", CONF_INT, CONF_FIELD(struct handover_config, hold.octets), .min = 0,
	 .max = 1e12, .def = "8388608", .reloadable = true, .help = "octets likewise"},
	{"hold_time", CONF_SECONDS, CONF_FIELD(struct handover_config, hold.time), .min = 0,
	 .max = 60, .def = "2", .reloadable = true, .help = "how long a packet is held"},
	{"hold_total_packets", CONF_INT, CONF_FIELD(struct handover_config, hold.total_packets),
	 .min = 0, .max = 1e9, .def = "200000", .reloadable = true,
	 .help = "packets that are held for all terminals together"},
	{"hold_total_octets", CONF_INT, CONF_FIELD(struct handover_config, hold.total_octets),
	 .min = 0, .max = 1e12, .def = "134217728", .reloadable = true, .help = "octets likewise"},
	{}};

static const struct conf_key keys[] = {
	{"core", CONF_GROUP, CONF_INLINE(core_keys), .required = true, .help = "this core"},
	{"access", CONF_GROUP, CONF_INLINE(access_keys), .help = "the side of the satellites"},
	{"tunnel", CONF_GROUP, CONF_INLINE(tunnel_keys), .help = "tunnels to other cores"},
	{"pools", CONF_GROUP, CONF_INLINE(pool_keys), .help = "addresses that this core gives out"},
	{"subscribers", CONF_GROUP, CONF_LIST(struct config, subscribers, subscriber_count),
	 CONF_ELEMENT(struct subscriber_config, subscriber_keys), .reloadable = true,
	 .help = "terminals whose home is this core"},
	{"peers", CONF_GROUP, CONF_LIST(struct config, peers, peer_count),
	 CONF_ELEMENT(struct peer_config, peer_keys), .reloadable = true, .max_items = 90,
	 .help = "other operators' cores"},
	{"handover", CONF_GROUP, CONF_MEMBER(struct config, handover, handover_keys),
	 .reloadable = true, .help = "how terminals change from core to core"},
	{"timers", CONF_GROUP, CONF_INLINE(timer_keys), .help = "times, in seconds"},
	{"time", CONF_GROUP, CONF_MEMBER(struct config, time, lab_time_keys),
	 CONF_PRESENT(struct config, time.given),
	 .help = "for laboratories only: plans run in a time of their own"},
	{"metrics", CONF_GROUP, CONF_MEMBER(struct config, metrics, metrics_keys),
	 .reloadable = true, .help = "figures for a monitoring system"},
	{"log", CONF_GROUP, CONF_MEMBER(struct config, log, daemon_log_keys), .reloadable = true,
	 .help = "what is logged"},
	{}};

const struct conf_schema config_schema = {keys, sizeof(struct config), config_check};
