/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP by libmicrohttpd, which is driven from the daemon's loop; see metrics_server.h. */
#include "metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define CONNECTIONS 8
#define TIMEOUT	    10	  /* seconds */
#define MEMORY	    8192u /* octets for one request */
#define FORMAT	    "text/plain; version=0.0.4; charset=utf-8"

const struct conf_key metrics_keys[] = {
	{"address", CONF_ADDR, CONF_FIELD(struct metrics_config, address), .def = "127.0.0.1",
	 .reloadable = true, .help = "where figures are served to a monitoring system"},
	{"port", CONF_INT, CONF_FIELD(struct metrics_config, port), .min = 0, .max = 65535,
	 .def = "0", .reloadable = true, .help = "TCP port of it; 0: not served"},
	{}};

struct metrics_server {
	struct metrics_config config;
	struct MHD_Daemon *http;
	struct ev_loop *loop;
	ev_io io;
	ev_timer timer;
	metrics_write_fn *write;
	void *arg;
};

static enum MHD_Result answer_with(struct MHD_Connection *connection, unsigned int status,
				   const char *type, char *body, size_t length)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *why)
{
	char *body = strdup(why);

	return body ? answer_with(connection, status, "text/plain", body, strlen(body)) : MHD_NO;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	struct metrics_server *server = arg;
	char *text = NULL;
	size_t length = 0;
	FILE *out;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)context;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET /metrics\n");
	if (strcmp(url, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "figures are at /metrics\n");
	out = open_memstream(&text, &length);
	if (!out)
		return MHD_NO;
	server->write(server->arg, out);
	if (fclose(out) != 0) {
		free(text);
		return MHD_NO;
	}
	return answer_with(connection, MHD_HTTP_OK, FORMAT, text, length);
}

/* What is due now, and an alarm for what will be without anybody's doing. */
static void run(struct metrics_server *server)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	MHD_run(server->http);
	ev_timer_stop(server->loop, &server->timer);
	if (MHD_get_timeout(server->http, &milliseconds) != MHD_YES)
		return;
	ev_timer_set(&server->timer, (double)milliseconds / 1e3, 0.);
	ev_timer_start(server->loop, &server->timer);
}

static void readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	run(io->data);
}

static void due(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	run(timer->data);
}

static void begin(struct metrics_server *server, int fd)
{
	ev_io_init(&server->io, readable, fd, EV_READ);
	ev_timer_init(&server->timer, due, 0., 0.);
	server->io.data = server->timer.data = server;
	/* Whatever moves terminals goes first. */
	ev_set_priority(&server->io, EV_MINPRI);
	ev_set_priority(&server->timer, EV_MINPRI);
	ev_io_start(server->loop, &server->io);
}

int metrics_server_open(struct metrics_server **out, struct ev_loop *loop,
			const struct metrics_config *config, metrics_write_fn *write, void *arg)
{
	struct endpoint endpoint = {.addr = config->address, .port = config->port};
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage address;
	struct metrics_server *server;
	char text[ENDPOINT_TEXT];
	unsigned int flags = MHD_USE_EPOLL;

	*out = NULL;
	if (config->port == 0)
		return 0;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	*server = (struct metrics_server){
		.config = *config, .loop = loop, .write = write, .arg = arg};
	endpoint_to_sockaddr(&endpoint, &address);
	if (config->address.family == AF_INET6)
		flags |= MHD_USE_IPv6;
	server->http = MHD_start_daemon(flags, config->port, NULL, NULL, answer, server,
					MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
					(unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
					(unsigned int)TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					(size_t)MEMORY, MHD_OPTION_END);
	info = server->http ? MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		log_error(
			"metrics cannot be served at %s: is the address there, and the port free?",
			endpoint_format(&endpoint, text));
		metrics_server_close(server);
		return -EADDRNOTAVAIL;
	}
	begin(server, info->epoll_fd);
	log_info("figures are served at http://%s/metrics", endpoint_format(&endpoint, text));
	*out = server;
	return 0;
}

void metrics_server_close(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->io.data) {
		ev_io_stop(server->loop, &server->io);
		ev_timer_stop(server->loop, &server->timer);
	}
	if (server->http)
		MHD_stop_daemon(server->http);
	free(server);
}

bool metrics_server_serves(const struct metrics_server *server, const struct metrics_config *config)
{
	if (!server)
		return config->port == 0;
	return server->config.port == config->port &&
	       addr_equal(&server->config.address, &config->address);
}
