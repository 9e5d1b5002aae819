/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways of a terminal's packets; see way.h. */
#include "way.h"

#include "keys.h"
#include "log.h"

struct path way_to_terminal(const struct satellite *satellite, const struct lladdr *mac,
			    unsigned int mtu)
{
	return (struct path){.kind = PATH_ACCESS, .mac = *mac, .port = satellite->port, .mtu = mtu};
}

struct path way_of_visitor(const struct path *way, const struct peer *home, const struct addr *coa,
			   uint32_t key)
{
	struct path path = *way;

	path.peer = home;
	path.outer_dst = *coa;
	path.key = key;
	return path;
}

uint16_t way_mtu_at_home(uint16_t link_mtu)
{
	return link_mtu < 1500 ? link_mtu : 1500;
}

struct path way_home(const struct peer *home)
{
	const struct core *core = home->core;
	enum tunnel_kind kind = home->uplink;

	if (!kind)
		return (struct path){.kind = PATH_NONE};
	return (struct path){
		.kind = PATH_TUNNEL,
		.tunnel = kind,
		.outer_src = *underlay_end(&core->underlay, kind),
		.outer_dst = peer_tunnel_end(home, kind),
		.key = peer_tunnel_key(home),
		.mtu = path_mtu(home, kind),
		.df = path_mtu_df(home, kind),
	};
}

struct path way_of(const struct path *of, const struct path *way)
{
	struct path path = *way;

	path.hoa4 = of->hoa4;
	path.hoa6 = of->hoa6;
	path.prefix = of->prefix;
	return path;
}

bool way_permitted(const struct peer *home, const struct message *grant)
{
	const struct prefix hoa4 = prefix_of(&grant->hoa4), hoa6 = prefix_of(&grant->hoa6);

	if ((!message_has(grant, ATTR_HOA4) || peer_owns_home(home, &hoa4)) &&
	    (!message_has(grant, ATTR_HOA6) || peer_owns_home(home, &hoa6)) &&
	    (!message_has(grant, ATTR_PREFIX) || peer_owns_home(home, &grant->prefix)))
		return true;
	log_warnx("peer %s grants a home address outside its home_prefixes", home->name);
	return false;
}

uint32_t way_fresh_key(void)
{
	uint32_t key;

	keys_random(&key, sizeof(key));
	return key % 0xffffff + 1;
}
