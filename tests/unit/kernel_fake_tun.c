/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TUN devices of the kernel in memory: a pair of sockets each, that keep packets apart and in
 * order.
 */
#define _GNU_SOURCE /* dup3 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (4 << 20) /* of the sockets' buffers, as root */

static struct fake_link *tun_of(int fd)
{
	for (size_t i = 0; fd >= 0 && i < fake.count; i++) {
		struct fake_link *link = &fake.objects[i]->link;

		if (fake.objects[i]->kind == FAKE_LINK && link->tun && link->tun_fd == fd)
			return link;
	}
	return NULL;
}

static struct fake_link *tun_make(const char *name, int *fd)
{
	static const int room = ROOM;
	struct fake_link *link = fake_link_make(name, "tun");
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (*fd >= 0) {
		if (dup3(pair[0], *fd, O_CLOEXEC) < 0)
			abort();
		close(pair[0]);
	} else {
		*fd = pair[0];
	}
	memset(&link->link.mac, 0, sizeof(link->link.mac));
	link->tun = true;
	link->tun_fd = *fd;
	link->tun_end = pair[1];
	return link;
}

int kernel_tun_ensure(struct kernel *k, const char *name, const struct kernel_tun *tun, int *fd,
		      unsigned int *ifindex)
{
	int err = fake_change(k, "tun %s mtu %u queue %u", name, tun->mtu, tun->queue);
	struct fake_link *link = tun_of(*fd);

	*ifindex = 0;
	if (err)
		return err;
	if (!link && fake_find(FAKE_LINK, name))
		return fake_refuse(k, fake_find(FAKE_LINK, name)->link.tun ? -EBUSY : -EEXIST);
	if (!link)
		link = tun_make(name, fd);
	link->link.mtu = tun->mtu;
	*ifindex = link->link.ifindex;
	return 0;
}

void kernel_tun_close(struct kernel *k, int fd)
{
	const struct fake_link *link = tun_of(fd);

	(void)k;
	if (link)
		fake_link_drop(link->link.ifindex);
	if (fd >= 0)
		close(fd);
}

int kernel_fake_tun_send(const char *name, const void *packet, size_t length)
{
	const struct fake_object *o = fake_find(FAKE_LINK, name);

	if (!o || !o->link.tun || !o->link.link.up)
		return -ENODEV;
	return send(o->link.tun_end, packet, length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t kernel_fake_tun_receive(const char *name, void *packet, size_t size)
{
	const struct fake_object *o = fake_find(FAKE_LINK, name);
	ssize_t length;

	if (!o || !o->link.tun)
		return -ENODEV;
	length = recv(o->link.tun_end, packet, size, 0);
	return length < 0 ? -errno : length;
}
