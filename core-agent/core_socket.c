/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues of the core channel; see core_socket.h. */
#include "core_socket.h"

#include "message.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- opening ------------------------------------------------------------------------------- */

/*
 * The first socket is bound while it shares with nobody, so that a second agent finds the port in
 * use; the others join it.
 */
static int bound(const struct endpoint *local, bool first)
{
	struct sockaddr_storage ss;
	socklen_t length = endpoint_to_sockaddr(local, &ss);
	int fd = socket(local->addr.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	int on = 1, error;

	if (fd >= 0 &&
	    (local->addr.family == AF_INET ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    (first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    bind(fd, (const struct sockaddr *)&ss, length) == 0 &&
	    (!first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0))
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	return -error;
}

int core_socket_open(const struct endpoint *local, int fds[CORE_QUEUES])
{
	for (size_t i = 0; i < CORE_QUEUES; i++) {
		fds[i] = bound(local, i == 0);
		if (fds[i] < 0) {
			int result = fds[i];

			while (i-- > 0)
				close(fds[i]);
			return result;
		}
	}
	return 0;
}

/* ---- sorting ------------------------------------------------------------------------------- */

/* Octets of a datagram, in which every message has its head, and of the IP header before it. */
#define AT_TYPE	       0
#define AT_ID	       4	       /* the receiver index of sealed datagrams and cookies */
#define AT_INDEX       SNO_HEAD_LENGTH /* that of responses */
#define AT_IPV4_SRC    ((uint32_t)SKF_NET_OFF + 12)
#define AT_IPV6_SRC    ((uint32_t)SKF_NET_OFF + 8)
#define WORDS_OF_IPV6  4
#define STEPS_BY_INDEX 9
#define STEPS_PER_WORD 2
#define STEPS_PER_PEER (STEPS_PER_WORD * WORDS_OF_IPV6 + 1)
#define STEPS(peer_count)                                                                          \
	(STEPS_BY_INDEX + STEPS_PER_WORD * WORDS_OF_IPV6 + STEPS_PER_PEER * (peer_count) + 1)

static struct sock_filter *by_index(struct sock_filter *step, uint16_t mark)
{
	const struct sock_filter code[STEPS_BY_INDEX] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_SEALED, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_COOKIE, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_HANDSHAKE_RESPONSE, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_INDEX),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_ID),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, CORE_OURS),
	};

	for (size_t i = 0; i < STEPS_BY_INDEX; i++)
		*step++ = code[i];
	return step;
}

static unsigned int words_of(sa_family_t family)
{
	return family == AF_INET ? 1 : WORDS_OF_IPV6;
}

/*
 * The source's words are kept in memory: what the kernel makes of a load from the packet is long,
 * and net.core.optmem_max (20 kB on older kernels) has to hold it.
 */
static struct sock_filter *source(struct sock_filter *step, sa_family_t family)
{
	const uint32_t at = family == AF_INET ? AT_IPV4_SRC : AT_IPV6_SRC;

	for (unsigned int i = 0; i < words_of(family); i++) {
		*step++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4 * i);
		*step++ = (struct sock_filter)BPF_STMT(BPF_ST, i);
	}
	return step;
}

/* Word for word; where one differs, on to the next peer. */
static struct sock_filter *by_source(struct sock_filter *step, const struct addr *peer)
{
	const unsigned int words = words_of(peer->family);

	for (unsigned int i = 0; i < words; i++) {
		const uint8_t *octets = peer->bytes + 4 * (size_t)i;
		const uint32_t word = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
				      (uint32_t)octets[2] << 8 | octets[3];

		*step++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, i);
		*step++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, 0,
						       (uint8_t)(2 * (words - i) - 1));
	}
	*step++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, CORE_PEERS);
	return step;
}

int core_socket_sort(const int fds[CORE_QUEUES], sa_family_t family, uint16_t mark,
		     const struct addr *peers, size_t count)
{
	struct sock_filter *code = calloc(STEPS(count), sizeof(*code)), *step;
	struct sock_fprog program = {.filter = code};
	int result;

	if (!code)
		return -ENOMEM;
	step = source(by_index(code, mark), family);
	for (size_t i = 0; i < count; i++)
		if (peers[i].family == family)
			step = by_source(step, &peers[i]);
	*step++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, CORE_REST);
	program.len = (unsigned short)(step - code);
	result = setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
			    sizeof(program)) < 0
			 ? -errno
			 : 0;
	free(code);
	return result;
}
