/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sky: the space between the terminals, satellites and ground stations of a lab.
 *
 * In the lab a satellite's access side is a bridge, an antenna of a terminal a veth pair whose far
 * end becomes a port of the bridge of the satellite at which it points, and a feeder a veth pair
 *from satellite to core. This program keeps them as orbits would have it, in real or faster time:
 *an antenna has a carrier as long as its satellite stands above the horizon, and packets are under
 * way as long as light would be, on feeders to the station that the association file names.
 *
 *	sky run [-o RECORD] SOCKET FILE       FILE is described in sky.h
 *	sky point SOCKET TERMINAL             the modem of a terminal: see below
 *
 * The modem is a terminal agent's switching command that stays: it gets a line "ANTENNA SATELLITE"
 *on its standard input, hands it to the sky, and answers with a line when the antenna has turned.
 *It ends with its standard input.
 *
 * The record has a line for each time an antenna turns, gets a carrier or loses it: CLOCK_MONOTONIC
 *in microseconds, what, terminal, antenna, satellite, and how late it was. At its end, on SIGTERM,
 *the sky prints a JSON object with what it has done, and how late.
 */
#define _GNU_SOURCE /* ppoll */
#include "sky.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ORDER_MAX 512

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		errx(1, "%s: longer than a socket's name may be", path);
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

static void take_orders(struct sky *sky, int orders)
{
	struct sockaddr_un asker;
	socklen_t length = sizeof(asker);
	char order[ORDER_MAX];
	ssize_t size;

	while ((size = recvfrom(orders, order, sizeof(order) - 1, MSG_DONTWAIT,
				(struct sockaddr *)&asker, &length)) >= 0) {
		order[size] = '\0';
		sky_order(sky, orders, order, &asker, length, sky_time_now());
		length = sizeof(asker);
	}
}

/* Sleeps until an instant or an order; signals come in only here. */
static void wait_until(int orders, usec_t until, const sigset_t *open)
{
	struct pollfd poll = {.fd = orders, .events = POLLIN};
	usec_t left = until - sky_time_now();
	struct timespec timeout = {.tv_sec = left / USEC_PER_SEC,
				   .tv_nsec = left % USEC_PER_SEC * 1000};

	if (left > 0 && ppoll(&poll, 1, &timeout, open) < 0 && errno != EINTR)
		err(1, "ppoll");
}

static void run(struct sky *sky, int orders)
{
	struct sigaction action = {.sa_handler = on_signal};
	usec_t look = sky_time_now(), now, next;
	sigset_t closed, open;

	sigemptyset(&closed);
	sigaddset(&closed, SIGTERM);
	sigaddset(&closed, SIGINT);
	sigprocmask(SIG_BLOCK, &closed, &open);
	sigdelset(&open, SIGTERM);
	sigdelset(&open, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	while (!ended) {
		take_orders(sky, orders);
		now = sky_time_now();
		if (now >= look) {
			if (now - look > sky->figures.look_late_most)
				sky->figures.look_late_most = now - look;
			sky_look(sky, now);
			look = now + sky->period;
		}
		next = sky_turn(sky, orders, sky_time_now());
		wait_until(orders, usec_min(next, look), &open);
	}
}

static void print_figures(const struct figures *f)
{
	printf("{\"looks\": %lu, \"settings\": %lu, \"turns\": %lu, \"refused\": %lu, \"edges\": "
	       "%lu, "
	       "\"edge_late_mean_us\": %.1f, \"edge_late_most_us\": %lld, \"look_late_most_us\": "
	       "%lld, "
	       "\"delay_error_most_us\": %lld, \"blind\": %lu}\n",
	       f->looks, f->settings, f->turns, f->refused, f->edges,
	       f->edges ? (double)f->edge_late / (double)f->edges : 0, (long long)f->edge_late_most,
	       (long long)f->look_late_most, (long long)f->delay_error_most, f->blind);
}

static int command_run(int argc, char **argv)
{
	static struct sky sky;
	struct sched_param priority = {.sched_priority = 20};
	struct sockaddr_un address;
	int option, orders = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	while ((option = getopt(argc, argv, "o:")) != -1) {
		if (option != 'o')
			return 2;
		sky.record = fopen(optarg, "we");
		if (!sky.record)
			err(1, "%s", optarg);
		setlinebuf(sky.record);
	}
	if (argc != optind + 2)
		return 2;
	sky_read(&sky, argv[optind + 1]);
	address = address_of(argv[optind]);
	unlink(argv[optind]);
	if (orders < 0 || bind(orders, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[optind]);
	mlockall(MCL_CURRENT | MCL_FUTURE); /* both best effort: instants that are kept */
	sched_setscheduler(0, SCHED_FIFO, &priority);
	run(&sky, orders);
	unlink(argv[optind]);
	print_figures(&sky.figures);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Hands one order on and waits for its answer. */
static void ask(int sky, const char *terminal, const char *line)
{
	char order[2 * ORDER_MAX], answer[ORDER_MAX];
	ssize_t size;

	snprintf(order, sizeof(order), "%s %s", terminal, line);
	if (send(sky, order, strlen(order), 0) < 0) {
		printf("the sky: %s\n", strerror(errno));
		return;
	}
	size = recv(sky, answer, sizeof(answer) - 1, 0);
	printf("%.*s\n", size < 0 ? 0 : (int)size, answer);
}

static int command_point(int argc, char **argv)
{
	struct sockaddr_un address, own;
	int sky = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char line[ORDER_MAX], path[sizeof(own.sun_path) + ORDER_MAX];

	if (argc != 3)
		return 2;
	address = address_of(argv[1]);
	/* In the file system, since other names are known in one network namespace only. */
	snprintf(path, sizeof(path), "%s-%s", argv[1], argv[2]);
	own = address_of(path);
	unlink(path);
	if (sky < 0 || bind(sky, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(sky, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[1]);
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		ask(sky, argv[2], line);
	}
	unlink(path);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc > 1 && strcmp(argv[1], "run") == 0)
		status = command_run(argc - 1, argv + 1);
	else if (argc > 1 && strcmp(argv[1], "point") == 0)
		status = command_point(argc - 1, argv + 1);
	if (status == 2)
		fputs("usage: sky run [-o RECORD] SOCKET FILE | sky point SOCKET TERMINAL\n",
		      stderr);
	return status;
}
