/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: the measuring tool of the lab, a UDP packet every millisecond and a log of each arrival.
 *
 * The time a handover costs is read off two such streams, one each way. The sender keeps an
 * absolute schedule (a late wake-up does not shift the later packets) and writes the sequence
 * number and the time of sending into each packet. The receiver takes the time of arrival from the
 * kernel (SO_TIMESTAMPNS), so it may sleep and read in batches: on the single virtual CPU of User
 * Mode Linux a wake-up per packet would disturb what it measures. All network namespaces of one
 * kernel share CLOCK_MONOTONIC, so both times lie on one axis.
 *
 *   stream send [-i INTERVAL_US] [-n COUNT] [-s BYTES] [-b BEGIN_US] [-q N] TARGET ...
 *   stream receive [-b ADDRESS] -o FILE PORT
 *   stream dump FILE
 *
 * A target is [NETNS/]ADDRESS/PORT[@FROM-TO,...]. One sender serves several, each from the network
 * namespace NETNS (the current one when none is named): they get their packets in one wake-up, with
 * equal sequence numbers. Windows FROM-TO are numbers of packets: outside of them a target gets
 * only every N-th packet (-q), so that a slow machine is measured where it matters. Packet number 0
 * is due at BEGIN_US of CLOCK_MONOTONIC (default: at once).
 * Both run until SIGTERM or SIGINT (send: or COUNT packets) and print one JSON object that sums up.
 * The log is a header "SNOSTRM1" and records of three little-endian 64-bit integers: sequence
 * number, sent and received in microseconds of CLOCK_MONOTONIC. `dump` prints it as CSV.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC	       0x534e4f53u /* "SNOS" */
#define LOG_HEADER     "SNOSTRM1"
#define NETNS_DIR      "/run/netns/"
#define BYTES_MAX      1452
#define WINDOWS_MAX    32
#define BATCH	       128
#define NSEC	       INT64_C(1000000000)
#define READ_PERIOD    (40 * NSEC / 1000)
#define RECEIVE_BUFFER (8 << 20)

/*
 * Real-time priorities. The lab's daemons stand in between (scripts/lab.d): a sender is a host of
 * its own, which does not send later because a core on the same slow CPU computes; what has arrived
 * can wait to be read.
 */
#define URGENCY_SEND	18
#define URGENCY_RECEIVE 10

/* What each packet begins with; the rest of it is zero. Integers in network byte order. */
struct probe {
	uint32_t magic;
	uint32_t length;
	uint64_t sequence;
	int64_t sent_us;
};

/* One arrival in the log; little-endian. */
struct record {
	uint64_t sequence;
	int64_t sent_us;
	int64_t received_us;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void usage(void)
{
	fputs("usage: stream send [-i INTERVAL_US] [-n COUNT] [-s BYTES] [-b ADDRESS] DESTINATION "
	      "PORT\n"
	      "       stream receive [-b ADDRESS] -o FILE PORT\n"
	      "       stream dump FILE\n",
	      stderr);
	exit(2);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / NSEC, .tv_nsec = ns % NSEC};

	while (!stopping && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

static uint64_t parse_number(const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		errx(2, "%s: not a number between %" PRIu64 " and %" PRIu64, text, least, most);
	return value;
}

/* Signals that end a run, and as steady a clock as the scheduler grants (both are best effort). */
static void prepare(int urgency)
{
	struct sigaction action = {.sa_handler = stop};
	struct sched_param priority = {.sched_priority = urgency};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	prctl(PR_SET_TIMERSLACK, 1UL);
	sched_setscheduler(0, SCHED_FIFO, &priority);
}

/* Resolve numeric address and port; passive without an address means "any". */
static struct addrinfo *resolve(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *found;

	if (!address)
		hints.ai_family = AF_INET6;
	int error = getaddrinfo(address, port, &hints, &found);
	if (error)
		errx(2, "%s port %s: %s", address ? address : "any", port, gai_strerror(error));
	return found;
}

static int open_socket(int family, const char *bind_address, const char *bind_port)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	if (bind_address || strcmp(bind_port, "0") != 0) {
		struct addrinfo *self = resolve(bind_address, bind_port);

		if (bind(fd, self->ai_addr, self->ai_addrlen) < 0)
			err(1, "bind %s port %s", bind_address ? bind_address : "any", bind_port);
		freeaddrinfo(self);
	}
	return fd;
}

struct window {
	uint64_t from, to;
};

/* Where a stream goes, from where, and when it is dense. Without windows: always. */
struct target {
	const char *text;
	struct window windows[WINDOWS_MAX];
	int window_count;
	struct addrinfo *to;
	int fd;
	uint64_t failed;
};

static void parse_windows(struct target *target, const char *text)
{
	int used;

	for (; *text; text += used + (text[used] == ',')) {
		struct window *w = &target->windows[target->window_count];

		if (target->window_count++ == WINDOWS_MAX ||
		    sscanf(text, "%" SCNu64 "-%" SCNu64 "%n", &w->from, &w->to, &used) != 2)
			usage();
	}
}

/* Opens a target; the process stays in the namespace that was opened last. */
static void target_open(struct target *target, const char *text, int own_netns)
{
	char netns[128] = "", address[64], port[8], path[sizeof(NETNS_DIR) + sizeof(netns)];
	const char *windows = strchr(text, '@');

	if (sscanf(text, "%127[^/]/%63[^/]/%7[0-9]", netns, address, port) != 3) {
		netns[0] = '\0';
		if (sscanf(text, "%63[^/]/%7[0-9]", address, port) != 2)
			usage();
	}
	snprintf(path, sizeof(path), NETNS_DIR "%s", netns);
	int fd = netns[0] ? open(path, O_RDONLY | O_CLOEXEC) : own_netns;
	if (fd < 0 || (setns(fd, CLONE_NEWNET) < 0 && netns[0]))
		err(1, "%s", netns[0] ? path : "network namespace");
	if (fd != own_netns)
		close(fd);
	*target = (struct target){.text = text, .to = resolve(address, port)};
	parse_windows(target, windows ? windows + 1 : "");
	target->fd = open_socket(target->to->ai_family, NULL, "0");
}

static bool target_wants(const struct target *target, uint64_t sequence, uint64_t sparse)
{
	if (target->window_count == 0 || sequence % sparse == 0)
		return true;
	for (int i = 0; i < target->window_count; i++)
		if (sequence >= target->windows[i].from && sequence < target->windows[i].to)
			return true;
	return false;
}

static bool anybody_wants(const struct target *targets, int count, uint64_t sequence,
			  uint64_t sparse)
{
	for (int i = 0; i < count; i++)
		if (target_wants(&targets[i], sequence, sparse))
			return true;
	return false;
}

/* One reading of the clock for all: in User Mode Linux that is a system call. */
static void send_all(struct target *targets, int count, uint64_t sequence, uint64_t sparse,
		     int64_t now, unsigned char *packet, size_t size)
{
	const struct probe probe = {htobe32(MAGIC), htobe32((uint32_t)size), htobe64(sequence),
				    (int64_t)htobe64((uint64_t)now / 1000)};

	memcpy(packet, &probe, sizeof(probe));
	for (int i = 0; i < count; i++) {
		struct target *t = &targets[i];

		if (!target_wants(t, sequence, sparse))
			continue;
		/* No route during a handover is a lost packet, not a reason to stop. */
		if (sendto(t->fd, packet, size, MSG_DONTWAIT, t->to->ai_addr, t->to->ai_addrlen) <
		    0)
			t->failed++;
	}
}

static int run_send(int argc, char **argv)
{
	uint64_t count = UINT64_MAX, size = 64, sparse = 1, sequence;
	int64_t interval = NSEC / 1000, latest = 0, start = 0;
	unsigned char packet[BYTES_MAX] = {0};
	int option;

	while ((option = getopt(argc, argv, "i:n:s:b:q:")) != -1) {
		switch (option) {
		case 'i':
			interval = (int64_t)parse_number(optarg, 10, 10000000) * 1000;
			break;
		case 'n':
			count = parse_number(optarg, 1, UINT32_MAX);
			break;
		case 's':
			size = parse_number(optarg, sizeof(struct probe), BYTES_MAX);
			break;
		case 'b':
			start = (int64_t)parse_number(optarg, 1, INT64_MAX / 1000) * 1000;
			break;
		case 'q':
			sparse = parse_number(optarg, 1, 1000000);
			break;
		default:
			usage();
		}
	}
	int targets_count = argc - optind;
	if (targets_count < 1)
		usage();

	struct target *targets = calloc((size_t)targets_count, sizeof(*targets));
	int own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!targets || own_netns < 0)
		err(1, "own network namespace");
	for (int i = 0; i < targets_count; i++)
		target_open(&targets[i], argv[optind + i], own_netns);

	prepare(URGENCY_SEND);
	if (!start)
		start = clock_ns(CLOCK_MONOTONIC) + interval;
	for (sequence = 0; sequence < count; sequence++) {
		int64_t due = start + (int64_t)sequence * interval;

		if (!anybody_wants(targets, targets_count, sequence, sparse))
			continue;
		sleep_until(due);
		if (stopping)
			break;
		int64_t now = clock_ns(CLOCK_MONOTONIC);
		send_all(targets, targets_count, sequence, sparse, now, packet, size);
		latest = now - due > latest ? now - due : latest;
	}
	printf("{\"sent\": %" PRIu64 ", \"start_us\": %" PRId64 ", \"interval_us\": %" PRId64
	       ", \"latest_us\": %" PRId64 ", \"failed\": {",
	       sequence, start / 1000, interval / 1000, latest / 1000);
	for (int i = 0; i < targets_count; i++) {
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", targets[i].text, targets[i].failed);
		freeaddrinfo(targets[i].to);
		close(targets[i].fd);
	}
	puts("}}");
	free(targets);
	close(own_netns);
	return 0;
}

/* CLOCK_REALTIME minus CLOCK_MONOTONIC; the tightest of a few tries, so that no preemption counts.
 */
static int64_t wall_offset(void)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < 5; i++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC);
		int64_t wall = clock_ns(CLOCK_REALTIME);
		int64_t after = clock_ns(CLOCK_MONOTONIC);

		if (after - before < best) {
			best = after - before;
			offset = wall - before - best / 2;
		}
	}
	return offset;
}

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	unsigned char packets[BATCH][BYTES_MAX];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
	} control[BATCH];
};

static void batch_prepare(struct batch *b)
{
	for (int i = 0; i < BATCH; i++) {
		b->vectors[i] = (struct iovec){b->packets[i], BYTES_MAX};
		b->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &b->vectors[i],
					.msg_iovlen = 1,
					.msg_control = b->control[i].bytes,
					.msg_controllen = sizeof(b->control[i].bytes)};
	}
}

/* Arrival in nanoseconds of CLOCK_REALTIME, or 0 when the kernel did not say; overflow so far. */
static int64_t read_control(struct msghdr *message, uint32_t *overflow)
{
	int64_t arrival = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			arrival = ts.tv_sec * NSEC + ts.tv_nsec;
		} else if (c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(overflow, CMSG_DATA(c), sizeof(*overflow));
		}
	}
	return arrival;
}

/* Log every packet that waits in the socket; returns how many. */
static uint64_t receive_waiting(int fd, struct batch *b, FILE *log, uint64_t *strange,
				uint32_t *overflow)
{
	int64_t offset = wall_offset();
	uint64_t logged = 0;
	int n;

	do {
		batch_prepare(b);
		n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			struct probe probe;
			int64_t arrival = read_control(&b->messages[i].msg_hdr, overflow);

			memcpy(&probe, b->packets[i], sizeof(probe));
			if (b->messages[i].msg_len < sizeof(probe) ||
			    probe.magic != htobe32(MAGIC) ||
			    be32toh(probe.length) != b->messages[i].msg_len || !arrival) {
				(*strange)++;
				continue;
			}
			struct record record = {
				htole64(be64toh(probe.sequence)),
				(int64_t)htole64(be64toh((uint64_t)probe.sent_us)),
				(int64_t)htole64((uint64_t)((arrival - offset) / 1000))};
			if (fwrite(&record, sizeof(record), 1, log) != 1)
				err(1, "log");
			logged++;
		}
	} while (n == BATCH);
	return logged;
}

static int run_receive(int argc, char **argv)
{
	const char *address = NULL, *path = NULL;
	uint64_t received = 0, strange = 0;
	uint32_t overflow = 0;
	int option, on = 1, size = RECEIVE_BUFFER;

	while ((option = getopt(argc, argv, "b:o:")) != -1) {
		switch (option) {
		case 'b':
			address = optarg;
			break;
		case 'o':
			path = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 1 || !path)
		usage();

	struct addrinfo *self = resolve(address, argv[optind]);
	int fd = open_socket(self->ai_family, address, argv[optind]);
	FILE *log = fopen(path, "w");
	struct batch *batch = malloc(sizeof(*batch));

	freeaddrinfo(self);
	if (!log || fwrite(LOG_HEADER, 8, 1, log) != 1)
		err(1, "%s", path);
	if (!batch)
		err(1, "memory");
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) < 0)
		err(1, "socket options");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

	prepare(URGENCY_RECEIVE);
	while (!stopping) {
		sleep_until(clock_ns(CLOCK_MONOTONIC) + READ_PERIOD);
		received += receive_waiting(fd, batch, log, &strange, &overflow);
	}
	if (fclose(log) != 0)
		err(1, "%s", path);
	printf("{\"received\": %" PRIu64 ", \"strange\": %" PRIu64 ", \"overflow\": %" PRIu32 "}\n",
	       received, strange, overflow);
	free(batch);
	close(fd);
	return 0;
}

static int run_dump(int argc, char **argv)
{
	struct record record;
	char header[8];

	if (argc != 2)
		usage();
	FILE *log = fopen(argv[1], "r");
	if (!log)
		err(1, "%s", argv[1]);
	if (fread(header, 8, 1, log) != 1 || memcmp(header, LOG_HEADER, 8) != 0)
		errx(1, "%s: not a log of stream receive", argv[1]);
	puts("sequence,sent_us,received_us");
	while (fread(&record, sizeof(record), 1, log) == 1)
		printf("%" PRIu64 ",%" PRId64 ",%" PRId64 "\n", le64toh(record.sequence),
		       (int64_t)le64toh((uint64_t)record.sent_us),
		       (int64_t)le64toh((uint64_t)record.received_us));
	fclose(log);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "send") == 0)
		return run_send(argc - 1, argv + 1);
	if (strcmp(argv[1], "receive") == 0)
		return run_receive(argc - 1, argv + 1);
	if (strcmp(argv[1], "dump") == 0)
		return run_dump(argc - 1, argv + 1);
	usage();
}
