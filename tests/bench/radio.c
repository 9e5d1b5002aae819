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
 * A link is back when the terminal's own interface is operational: until then the kernel there
 * drops what it is given, whoever gives it. That takes some tenths of a millisecond and belongs to
 * the gap. On a single CPU whatever is done right after it would hold up the agent that is being
 * measured, so the answer and the record have to wait.
 *
 *   radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT/INTERFACE ...
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
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX     64
#define LINK_NAME_MAX 63
#define NETNS_DIR     "/run/netns/"
#define WAIT_US	      20000 /* for the interface to be operational, at the most */
#define ASIDE_US      2000  /* until the agent has sent its discovery */

/* A link by its name: a control socket inside the satellite's namespace, the request that names
 * the port there, and the index of the terminal's interface. */
struct port {
	char link[LINK_NAME_MAX + 1];
	int fd;
	struct ifreq request;
	int interface;
};

static void usage(void)
{
	fputs("usage: radio -g GAP_US [-o FILE] -l LINK=NETNS/PORT/INTERFACE ...\n", stderr);
	exit(2);
}

/* Tells what becomes of the interfaces of the namespace in which it is opened. */
static int watch_open(void)
{
	struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct timeval longest = {.tv_usec = WAIT_US};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) < 0)
		err(1, "netlink");
	return fd;
}

static bool says_operational(const struct nlmsghdr *nlh, size_t length, int interface)
{
	for (; NLMSG_OK(nlh, length); nlh = NLMSG_NEXT(nlh, length)) {
		const struct ifinfomsg *link = NLMSG_DATA(nlh);

		if (nlh->nlmsg_type == RTM_NEWLINK && link->ifi_index == interface &&
		    link->ifi_flags & IFF_RUNNING)
			return true;
	}
	return false;
}

/* With MSG_DONTWAIT only takes in what is old. */
static void watch_read(int watch, int interface, int flags)
{
	_Alignas(struct nlmsghdr) char datagram[32768];
	ssize_t length;

	do
		length = recv(watch, datagram, sizeof(datagram), flags);
	while ((length < 0 && (errno == EINTR || errno == ENOBUFS)) ||
	       (length >= 0 && !says_operational((void *)datagram, (size_t)length, interface)));
}

/* Opens LINK=NETNS/PORT/INTERFACE. The process has to be in the terminal's namespace, own_netns,
 * and is there again afterwards. */
static struct port port_open(const char *text, int own_netns)
{
	struct port port = {.fd = -1};
	char path[sizeof(NETNS_DIR) + 128], netns[128], interface[IFNAMSIZ];

	_Static_assert(LINK_NAME_MAX == 63 && IFNAMSIZ == 16, "the widths below");
	if (sscanf(text, "%63[^=]=%127[^/]/%15[^/]/%15s", port.link, netns, port.request.ifr_name,
		   interface) != 4)
		usage();
	port.interface = (int)if_nametoindex(interface);
	if (port.interface == 0)
		err(1, "%s", interface);
	snprintf(path, sizeof(path), NETNS_DIR "%s", netns);

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(1, "%s", path);
	close(fd);
	port.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port.fd < 0 || setns(own_netns, CLONE_NEWNET) < 0)
		err(1, "%s", text);
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

/* The lab may have set the port meanwhile, so its flags are read each time. True when it has
 * changed. */
static bool port_set(struct port *port, bool up)
{
	if (ioctl(port->fd, SIOCGIFFLAGS, &port->request) < 0)
		err(1, "%s", port->request.ifr_name);
	if (up == !!(port->request.ifr_flags & IFF_UP))
		return false;
	port->request.ifr_flags ^= IFF_UP;
	if (ioctl(port->fd, SIOCSIFFLAGS, &port->request) < 0)
		err(1, "%s %s", port->request.ifr_name, up ? "up" : "down");
	return true;
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
static void go(struct port *old, struct port *new, int watch, long gap_us, struct timespec *cut,
	       struct timespec *back)
{
	*cut = now();
	if (old)
		port_set(old, false);

	struct timespec until = {.tv_sec =
					 cut->tv_sec + (cut->tv_nsec + gap_us * 1000) / 1000000000,
				 .tv_nsec = (cut->tv_nsec + gap_us * 1000) % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
	watch_read(watch, 0, MSG_DONTWAIT);
	if (port_set(new, true))
		watch_read(watch, new->interface, 0);
	*back = now();
}

/* Carries out the order in a line and answers it. */
static void obey(const char *line, struct port *ports, size_t count, int watch, long gap_us,
		 FILE *record)
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
	go(old, new, watch, gap_us, &cut, &back);
	usleep(ASIDE_US);
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
	int option, watch = watch_open();
	int own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own_netns < 0)
		err(1, "own network namespace");

	while ((option = getopt(argc, argv, "g:l:o:")) != -1) {
		switch (option) {
		case 'g':
			gap = atol(optarg);
			break;
		case 'l':
			if (count == LINKS_MAX)
				errx(2, "more than %d links", LINKS_MAX);
			ports[count++] = port_open(optarg, own_netns);
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
		obey(line, ports, count, watch, gap, record);
	return record && fclose(record) != 0 ? 1 : 0;
}
