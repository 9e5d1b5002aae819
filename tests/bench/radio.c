/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * radio: the terminal's modem of the lab. It leaves one satellite and locks on to the next.
 *
 * The terminal agent keeps it running as its switching command (switching.resident) and gives it a
 * line "FROM TO" for each switch. A link goes down and up at the satellite's end (a veth port in
 * the satellite's network namespace), so that the terminal loses and finds a carrier, as with a
 * real modem, and keeps the addresses of its interface. Everything that takes time (starting a
 * process, entering namespaces, opening sockets) is done before the first order, so the old link is
 * cut some tens of microseconds after the order and the gap is the one asked for.
 *
 *   radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT ...
 *
 * FROM may be "-": nothing to leave (the terminal had no link). With -o a line "FROM TO DOWN UP" is
 * added to FILE, the moments of cut and return in microseconds of CLOCK_MONOTONIC. It ends with its
 * standard input.
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX     64
#define LINK_NAME_MAX 63
#define NETNS_DIR     "/run/netns/"

/* A link by its name: a control socket inside the satellite's namespace, and the request that names
 * the port there. */
struct port {
	char link[LINK_NAME_MAX + 1];
	int fd;
	struct ifreq request;
};

static void usage(void)
{
	fputs("usage: radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT ...\n", stderr);
	exit(2);
}

/* Opens LINK=NETNS/PORT. The process stays in the namespace that was opened last. */
static struct port port_open(const char *text)
{
	struct port port = {.fd = -1};
	char path[sizeof(NETNS_DIR) + 128], netns[128];

	_Static_assert(LINK_NAME_MAX == 63 && IFNAMSIZ == 16, "the widths below");
	if (sscanf(text, "%63[^=]=%127[^/]/%15s", port.link, netns, port.request.ifr_name) != 3)
		usage();
	snprintf(path, sizeof(path), NETNS_DIR "%s", netns);

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(1, "%s", path);
	close(fd);
	port.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port.fd < 0)
		err(1, "socket");
	return port;
}

/* NULL for "-" and for what is no link. */
static struct port *port_find(struct port *ports, size_t count, const char *link)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ports[i].link, link) == 0)
			return &ports[i];
	return NULL;
}

/* The lab may have set the port meanwhile, so its flags are read each time. */
static void port_set(struct port *port, int up)
{
	if (ioctl(port->fd, SIOCGIFFLAGS, &port->request) < 0)
		err(1, "%s", port->request.ifr_name);
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

/* Cuts the old link (NULL: none), waits, restores the new one; tells when. */
static void go(struct port *old, struct port *new, long gap_us, struct timespec *cut,
	       struct timespec *back)
{
	*cut = now();
	if (old)
		port_set(old, 0);

	struct timespec until = {.tv_sec =
					 cut->tv_sec + (cut->tv_nsec + gap_us * 1000) / 1000000000,
				 .tv_nsec = (cut->tv_nsec + gap_us * 1000) % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
	port_set(new, 1);
	*back = now();
}

/* Carries out the order in a line and answers it. */
static void obey(const char *line, struct port *ports, size_t count, long gap_us, FILE *record)
{
	char from[LINK_NAME_MAX + 1], to[LINK_NAME_MAX + 1];
	struct timespec cut, back;
	struct port *old, *new;

	if (sscanf(line, "%63s %63s", from, to) != 2) {
		puts("an order is FROM TO");
		return;
	}
	old = strcmp(from, to) == 0 ? NULL : port_find(ports, count, from);
	new = port_find(ports, count, to);
	if (!new) {
		printf("link %s is not among those given with -l\n", to);
		return;
	}
	go(old, new, gap_us, &cut, &back);
	puts("ok");
	if (record)
		fprintf(record, "%s %s %" PRId64 " %" PRId64 "\n", old ? from : "-", to,
			microseconds(&cut), microseconds(&back));
}

int main(int argc, char **argv)
{
	struct sched_param priority = {.sched_priority = 20};
	struct port ports[LINKS_MAX];
	char line[2 * LINK_NAME_MAX + 3];
	const char *path = NULL;
	FILE *record = NULL;
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
			ports[count++] = port_open(optarg);
			break;
		case 'o':
			path = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc != optind || count == 0 || gap < 0 || gap > 60000000)
		usage();
	if (path) {
		record = fopen(path, "a");
		if (!record)
			err(1, "%s", path);
		setlinebuf(record);
	}
	setlinebuf(stdout);
	mlockall(MCL_CURRENT | MCL_FUTURE); /* both best effort: a gap of steady length */
	sched_setscheduler(0, SCHED_FIFO, &priority);
	while (fgets(line, sizeof(line), stdin))
		obey(line, ports, count, gap, record);
	return record && fclose(record) != 0 ? 1 : 0;
}
