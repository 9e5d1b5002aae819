/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending evenly, and writing down what arrives; see downlink.h. */
#define _GNU_SOURCE /* sendmmsg */
#include "downlink.h"

#include "terminal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x43524f57u /* "CROW" */
#define BURST 32	  /* packets that may leave at one moment */

struct probe {
	uint32_t magic, terminal, number, zero;
	int64_t sent;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* ---- out ----------------------------------------------------------------------------------- */

/* Packets k to k + count - 1, as one system call. */
static void send_some(int fd, const struct downlink *d, uint64_t k, unsigned int count)
{
	struct mmsghdr messages[BURST];
	struct iovec vectors[BURST];
	struct sockaddr_in to[BURST];
	struct probe probes[BURST];
	usec_t now = clock_wall();

	for (unsigned int i = 0; i < count; i++) {
		uint32_t terminal = (uint32_t)((k + i) % d->count);

		probes[i] = (struct probe){.magic = htonl(MAGIC),
					   .terminal = htonl(terminal),
					   .number = htonl((uint32_t)((k + i) / d->count)),
					   .sent = now};
		to[i] = (struct sockaddr_in){.sin_family = AF_INET,
					     .sin_port = htons(d->port),
					     .sin_addr.s_addr =
						     htonl(ntohl(d->first.v4.s_addr) + terminal)};
		vectors[i] = (struct iovec){&probes[i], sizeof(probes[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &to[i],
						      .msg_namelen = sizeof(to[i]),
						      .msg_iov = &vectors[i],
						      .msg_iovlen = 1};
	}
	/* One that has no route now (an ICMP error that is told late) is a lost packet. */
	for (unsigned int sent = 0; sent < count;) {
		int n = sendmmsg(fd, messages + sent, count - sent, 0);

		sent += n > 0 ? (unsigned int)n : 1;
	}
}

static void sleep_until(usec_t when)
{
	const struct timespec ts = {.tv_sec = when / USEC_PER_SEC,
				    .tv_nsec = when % USEC_PER_SEC * 1000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

int downlink_send(const struct downlink *d)
{
	const struct sigaction action = {.sa_handler = stop};
	const uint64_t most = d->count / 4 + 1; /* may be late */
	usec_t start = clock_now(), latest = 0;
	uint64_t k = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1UL);
	while (!stopping) {
		usec_t now = clock_now();
		uint64_t due = (uint64_t)(now - start) * d->rate / (uint64_t)USEC_PER_SEC;
		usec_t planned = start + (usec_t)(k * (uint64_t)USEC_PER_SEC / d->rate);
		unsigned int some;

		if (due > k + most) {
			start += (usec_t)((due - k - most) * (uint64_t)USEC_PER_SEC / d->rate);
			due = k + most;
		}
		some = due - k > BURST ? BURST : (unsigned int)(due - k);
		if (some == 0) {
			sleep_until(planned + USEC_PER_MSEC);
			continue;
		}
		latest = now - planned > latest ? now - planned : latest;
		send_some(fd, d, k, some);
		k += some;
	}
	close(fd);
	printf("{\"sent\": %" PRIu64 ", \"latest_us\": %" PRId64 "}\n", k, latest);
	return 0;
}

/* ---- in ------------------------------------------------------------------------------------ */

static bool log_room(struct downlink_log *log)
{
	size_t capacity = log->capacity ? 2 * log->capacity : 1 << 16;
	struct downlink_arrival *arrivals;

	if (log->count < log->capacity)
		return true;
	arrivals = realloc(log->arrivals, capacity * sizeof(*arrivals));
	if (!arrivals)
		return false;
	log->arrivals = arrivals;
	log->capacity = capacity;
	return true;
}

void downlink_receive(void *arg, const uint8_t *octets, size_t length, usec_t arrived)
{
	struct downlink_log *log = arg;
	struct ether_header ethernet;
	struct probe probe;
	struct udphdr udp;
	struct iphdr ip;
	struct lladdr to;

	if (length < sizeof(ethernet) + sizeof(ip) + sizeof(udp) + sizeof(probe))
		return;
	memcpy(&ethernet, octets, sizeof(ethernet));
	memcpy(&ip, octets + sizeof(ethernet), sizeof(ip));
	memcpy(&udp, octets + sizeof(ethernet) + sizeof(ip), sizeof(udp));
	memcpy(&probe, octets + sizeof(ethernet) + sizeof(ip) + sizeof(udp), sizeof(probe));
	if (ip.ihl != sizeof(ip) / 4 || ip.protocol != IPPROTO_UDP ||
	    udp.uh_dport != htons(log->to.port) || probe.magic != htonl(MAGIC) || !log_room(log))
		return;
	memcpy(to.bytes, ethernet.ether_dhost, sizeof(to.bytes));
	if (terminal_of(&to) != ntohl(probe.terminal) ||
	    ntohl(ip.daddr) != ntohl(log->to.first.v4.s_addr) + ntohl(probe.terminal))
		log->misled++;
	log->arrivals[log->count++] = (struct downlink_arrival){
		ntohl(probe.terminal), ntohl(probe.number), probe.sent, arrived};
}

void downlink_write(const struct downlink_log *log, FILE *file)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct downlink_arrival *a = &log->arrivals[i];

		fprintf(file, "%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%" PRId64 "\n", a->terminal,
			a->number, a->sent, a->arrived);
	}
}
