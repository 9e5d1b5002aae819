/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a monitoring system fetches figures: http://ADDRESS:PORT/metrics (metrics.h), served by
 * libmicrohttpd inside the daemon's loop. Off unless a port is configured.
 *
 * There is no secret among the figures, but names of peers and how they do: the address should be
 * one that only the monitoring system reaches. Requests are answered one at a time between the
 * events of the loop; what a daemon writes must not grow with its terminals.
 */
#ifndef SNO_METRICS_SERVER_H
#define SNO_METRICS_SERVER_H

#include <ev.h>

#include "addr.h"
#include "conf.h"

#include <stdio.h>

/* The configuration's `metrics` group, the same in every daemon:
 *	{"metrics", CONF_GROUP, CONF_MEMBER(struct config, metrics, metrics_keys), .reloadable =
 *true, .help = "figures for a monitoring system"}
 */
struct metrics_config {
	struct addr address;
	uint16_t port; /* 0: off */
};
extern const struct conf_key metrics_keys[];

struct metrics_server;

/* Writes everything that the daemon has to tell. */
typedef void metrics_write_fn(void *arg, FILE *out);

/*
 * Begins to serve. 0 and *server, which is NULL with port 0; or -errno, logged: the address is not
 * there, or the port is taken.
 */
int metrics_server_open(struct metrics_server **server, struct ev_loop *loop,
			const struct metrics_config *config, metrics_write_fn *write, void *arg);
/* NULL is allowed. */
void metrics_server_close(struct metrics_server *server);
/* Does it serve just this? */
bool metrics_server_serves(const struct metrics_server *server,
			   const struct metrics_config *config);

#endif
