/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * radio: the terminal's modem of the lab. It leaves one satellite and locks on to the next.
 *
 * The terminal agent runs it as its switching command. A link goes down and up at the satellite's
 * end (a veth port in the satellite's network namespace), so that the terminal loses and finds a
 * carrier, as with a real modem, and keeps the addresses of its interface. Everything that takes
 * time (entering namespaces, opening sockets) is done before the old link is cut, so the gap is
 * the one asked for, to some tens of microseconds.
 *
 *   radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT ... FROM TO
 *
 * FROM may be "-" or empty: nothing to leave (the terminal had no link). With -o a line "FROM TO
 * DOWN UP" is added to FILE, the moments of cut and return in microseconds of CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 64
#define SETTLE_US 100000
#define NETNS_DIR "/run/netns/"

/* A control socket inside a satellite's namespace and the request that names the port there. */
struct port {
	int fd;
	struct ifreq request;
};

static void usage(void)
{
	fputs("usage: radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT ... FROM TO\n", stderr);
	exit(2);
}

/* The "NETNS/PORT" that belongs to a link, or exit: a link without one is a fault of the caller. */
static const char *place_of(char *const *links, size_t count, const char *link)
{
	size_t length = strlen(link);

	for (size_t i = 0; i < count; i++)
		if (strncmp(links[i], link, length) == 0 && links[i][length] == '=')
			return links[i] + length + 1;
	errx(2, "link %s is not among those given with -l", link);
}

static struct port port_open(const char *place)
{
	const char *slash = strchr(place, '/');
	struct port port = {.fd = -1};
	char path[sizeof(NETNS_DIR) + 128];

	if (!slash || strlen(slash + 1) == 0 || strlen(slash + 1) >= IFNAMSIZ ||
	    slash - place > 127)
		usage();
	snprintf(path, sizeof(path), NETNS_DIR "%.*s", (int)(slash - place), place);
	memcpy(port.request.ifr_name, slash + 1, strlen(slash + 1) + 1);

	int netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
		err(1, "%s", path);
	close(netns);
	port.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port.fd < 0)
		err(1, "socket");
	if (ioctl(port.fd, SIOCGIFFLAGS, &port.request) < 0)
		err(1, "%s", place);
	return port;
}

static void port_set(struct port *port, int up)
{
	if (up)
		port->request.ifr_flags |= IFF_UP;
	else
		port->request.ifr_flags &= (short)~IFF_UP;
	if (ioctl(port->fd, SIOCSIFFLAGS, &port->request) < 0)
		err(1, "%s %s", port->request.ifr_name, up ? "up" : "down");
}

static struct timespec now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts;
}

static int64_t microseconds(const struct timespec *ts)
{
	return ts->tv_sec * INT64_C(1000000) + ts->tv_nsec / 1000;
}

/* Cuts the old link, waits, restores the new one; tells when. */
static void go(struct port *old, struct port *new, long gap_us, struct timespec *cut,
	       struct timespec *back)
{
	*cut = now();
	if (old->fd >= 0)
		port_set(old, 0);

	struct timespec until = {.tv_sec =
					 cut->tv_sec + (cut->tv_nsec + gap_us * 1000) / 1000000000,
				 .tv_nsec = (cut->tv_nsec + gap_us * 1000) % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
	port_set(new, 1);
	*back = now();
}

int main(int argc, char **argv)
{
	struct sched_param priority = {.sched_priority = 20};
	const char *record = NULL;
	char *links[LINKS_MAX];
	size_t count = 0;
	long gap = 0;
	int option;

	while ((option = getopt(argc, argv, "g:l:o:")) != -1) {
		switch (option) {
		case 'g':
			gap = atol(optarg);
			break;
		case 'l':
			if (count == LINKS_MAX)
				errx(2, "more than %d links", LINKS_MAX);
			links[count++] = optarg;
			break;
		case 'o':
			record = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2 || gap < 0 || gap > 60000000)
		usage();

	const char *from = argv[optind], *to = argv[optind + 1];
	struct port old = {.fd = -1}, new = port_open(place_of(links, count, to));
	struct timespec cut, back;

	if (*from && strcmp(from, "-") != 0 && strcmp(from, to) != 0)
		old = port_open(place_of(links, count, from));
	sched_setscheduler(0, SCHED_FIFO, &priority); /* best effort: a gap of steady length */
	/*
	 * On a single CPU the start and the end of a process hold up everybody else for some
	 * milliseconds. Not while a handover is being measured, or packets are still on their way.
	 */
	usleep(SETTLE_US);
	go(&old, &new, gap, &cut, &back);
	usleep(SETTLE_US);

	FILE *file = record ? fopen(record, "a") : NULL;
	if (record && !file)
		err(1, "%s", record);
	if (file) {
		fprintf(file, "%s %s %" PRId64 " %" PRId64 "\n", old.fd < 0 ? "-" : from, to,
			microseconds(&cut), microseconds(&back));
		if (fclose(file) != 0)
			err(1, "%s", record);
	}
	return 0;
}
