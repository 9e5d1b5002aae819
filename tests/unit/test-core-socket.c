/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues of the core channel, in the kernel as it is, over the loopback interface: which socket
 * a datagram comes out of, by what it is and where it comes from.
 */
#include "core-agent/core_socket.h"

#include "message.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PORT	 46275
#define MARK	 0xbead
#define OURS	 ((uint32_t)MARK << 16 | 0x1234)
#define NOT_OURS (OURS ^ 0x00010000)

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

struct channel_end {
	int fds[CORE_QUEUES];
	sa_family_t family;
	struct endpoint to;
};

/* Listens there; false when this host has no such address. */
static bool listen_on(struct channel_end *end, const char *local, const char *to)
{
	const struct endpoint at = {.addr = address(local), .port = PORT};
	int result = core_socket_open(&at, end->fds);

	if (result == -EADDRNOTAVAIL || result == -EAFNOSUPPORT)
		return false;
	assert_int_equal(result, 0);
	end->family = at.addr.family;
	end->to = (struct endpoint){.addr = address(to), .port = PORT};
	return true;
}

static void leave(const struct channel_end *end)
{
	for (size_t i = 0; i < CORE_QUEUES; i++)
		close(end->fds[i]);
}

static void sort(const struct channel_end *end, size_t count, const char *const peers[])
{
	struct addr list[8];

	for (size_t i = 0; i < count; i++)
		list[i] = address(peers[i]);
	assert_int_equal(core_socket_sort(end->fds, end->family, MARK, list, count), 0);
}

/* Sends it from a port of its own, and says which socket it came out of. */
static enum core_queue queue_of(const struct channel_end *end, const char *from, const void *octets,
				size_t length)
{
	const struct endpoint source = {.addr = address(from)};
	struct pollfd polls[CORE_QUEUES];
	struct sockaddr_storage ss;
	socklen_t ss_length = endpoint_to_sockaddr(&source, &ss);
	enum core_queue queue = CORE_QUEUES;
	uint8_t got[64];
	int fd = socket(source.addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&ss, ss_length), 0);
	ss_length = endpoint_to_sockaddr(&end->to, &ss);
	assert_int_equal(sendto(fd, octets, length, 0, (const struct sockaddr *)&ss, ss_length),
			 length);
	close(fd);
	for (size_t i = 0; i < CORE_QUEUES; i++)
		polls[i] = (struct pollfd){.fd = end->fds[i], .events = POLLIN};
	assert_int_equal(poll(polls, CORE_QUEUES, 50000), 1);
	for (size_t i = 0; i < CORE_QUEUES; i++)
		if (polls[i].revents)
			queue = (enum core_queue)i;
	assert_int_equal(recv(end->fds[queue], got, sizeof(got), 0), length);
	assert_memory_equal(got, octets, length);
	return queue;
}

static enum core_queue queue_of_type(const struct channel_end *end, const char *from,
				     enum message_type type, uint32_t id)
{
	uint8_t datagram[40] = {0};

	message_write_head(datagram, type, id);
	return queue_of(end, from, datagram, sizeof(datagram));
}

/* A response has the receiver index behind its head. */
static enum core_queue queue_of_response(const struct channel_end *end, const char *from,
					 uint32_t index)
{
	uint8_t datagram[40] = {0};

	message_write_head(datagram, MESSAGE_HANDSHAKE_RESPONSE, NOT_OURS);
	for (unsigned int i = 0; i < 4; i++)
		datagram[SNO_HEAD_LENGTH + i] = (uint8_t)(index >> (24 - 8 * i));
	return queue_of(end, from, datagram, sizeof(datagram));
}

/* Whoever knows the mark is read first, wherever he says he is; peers' handshakes next. */
static void sorted(const struct channel_end *end, const char *from, enum core_queue others)
{
	static const uint8_t octets[] = {MESSAGE_SEALED, SNO_WIRE_VERSION, 0, 0, MARK >> 8};

	assert_int_equal(queue_of_type(end, from, MESSAGE_SEALED, OURS), CORE_OURS);
	assert_int_equal(queue_of_type(end, from, MESSAGE_COOKIE, OURS), CORE_OURS);
	assert_int_equal(queue_of_response(end, from, OURS), CORE_OURS);
	assert_int_equal(queue_of_type(end, from, MESSAGE_SEALED, NOT_OURS), others);
	assert_int_equal(queue_of_type(end, from, MESSAGE_COOKIE, NOT_OURS), others);
	assert_int_equal(queue_of_response(end, from, NOT_OURS), others);
	/* Of these it is the sender's own. */
	assert_int_equal(queue_of_type(end, from, MESSAGE_HANDSHAKE_RESPONSE, OURS), others);
	assert_int_equal(queue_of_type(end, from, MESSAGE_HANDSHAKE_INITIATION, OURS), others);
	assert_int_equal(queue_of_type(end, from, MESSAGE_COOKIE_PROOF, OURS), others);
	/* What ends too early to be told is anybody's. */
	assert_int_equal(queue_of(end, from, octets, sizeof(octets)), CORE_REST);
	assert_int_equal(queue_of(end, from, octets, 0), CORE_REST);
}

static void ipv4_on(const char *local)
{
	struct channel_end end;

	assert_true(listen_on(&end, local, "127.0.0.1"));
	sort(&end, 3, (const char *const[]){"127.0.0.5", "::1", "127.0.0.2"});
	sorted(&end, "127.0.0.1", CORE_REST);
	sorted(&end, "127.0.0.2", CORE_PEERS);
	sorted(&end, "127.0.0.5", CORE_PEERS);
	/* A peer has moved, and the others are gone. */
	sort(&end, 1, (const char *const[]){"127.0.0.3"});
	sorted(&end, "127.0.0.2", CORE_REST);
	sorted(&end, "127.0.0.3", CORE_PEERS);
	sort(&end, 0, NULL);
	sorted(&end, "127.0.0.3", CORE_REST);
	leave(&end);
}

static void test_ipv4(void **state)
{
	(void)state;
	ipv4_on("127.0.0.1");
	ipv4_on("0.0.0.0");
}

static void ipv6_on(const char *local)
{
	struct channel_end end;

	if (!listen_on(&end, local, "::1"))
		skip();
	sort(&end, 2, (const char *const[]){"2001:db8::1", "::1"});
	sorted(&end, "::1", CORE_PEERS);
	/* All of an address counts. */
	sort(&end, 5,
	     (const char *const[]){"0:1::1", "0:0:0:1::1", "::1:0:0:1", "::2", "127.0.0.1"});
	sorted(&end, "::1", CORE_REST);
	leave(&end);
}

static void test_ipv6(void **state)
{
	(void)state;
	ipv6_on("::1");
	ipv6_on("::");
}

/* As many as there may be, both families mixed. */
static void test_many_peers(void **state)
{
	struct addr peers[100];
	struct channel_end end;

	(void)state;
	assert_true(listen_on(&end, "127.0.0.1", "127.0.0.1"));
	for (size_t i = 0; i < 100; i++) {
		peers[i] = address(i % 2 ? "2001:db8::1" : "127.0.1.0");
		peers[i].bytes[addr_length(peers[i].family) - 1] = (uint8_t)(i + 1);
	}
	peers[99] = address("127.0.0.9");
	assert_int_equal(core_socket_sort(end.fds, AF_INET, MARK, peers, 100), 0);
	sorted(&end, "127.0.0.9", CORE_PEERS);
	sorted(&end, "127.0.1.1", CORE_PEERS);
	sorted(&end, "127.0.1.2", CORE_REST);
	leave(&end);
	if (!listen_on(&end, "::1", "::1"))
		skip();
	for (size_t i = 0; i < 100; i++) {
		peers[i] = address("2001:db8::1");
		peers[i].bytes[7] = (uint8_t)i;
	}
	assert_int_equal(core_socket_sort(end.fds, AF_INET6, MARK, peers, 100), 0);
	sorted(&end, "::1", CORE_REST);
	peers[99] = address("::1");
	assert_int_equal(core_socket_sort(end.fds, AF_INET6, MARK, peers, 100), 0);
	sorted(&end, "::1", CORE_PEERS);
	leave(&end);
}

/* Sharing the port among themselves is not sharing it with another agent. */
static void test_port_in_use(void **state)
{
	const struct endpoint at = {.addr = address("127.0.0.1"), .port = PORT};
	const struct endpoint any = {.addr = address("0.0.0.0"), .port = PORT};
	int fds[CORE_QUEUES];
	struct channel_end end;

	(void)state;
	assert_true(listen_on(&end, "127.0.0.1", "127.0.0.1"));
	assert_int_equal(core_socket_open(&at, fds), -EADDRINUSE);
	assert_int_equal(core_socket_open(&any, fds), -EADDRINUSE);
	leave(&end);
	assert_int_equal(core_socket_open(&at, end.fds), 0);
	leave(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_many_peers),
		cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
