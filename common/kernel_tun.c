/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TUN devices: packets that the kernel has routed to us, and packets that come from us.
 *
 * They are made by ioctl(2) on a descriptor of /dev/net/tun, not by netlink. The device stays with
 * its descriptor: a daemon that dies leaves none behind. When somebody deletes it the descriptor
 * reads EBADFD and can be given another one.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH  "/dev/net/tun"
#define TUN_FLAGS (IFF_TUN | IFF_NO_PI)

static int tun_open(struct kernel *k, const char *name, int *fd)
{
	*fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return kernel_refuse(k, -EOPNOTSUPP, "no " TUN_PATH " here: load the module tun",
				     "tun %s", name);
	if (errno == EPERM || errno == EACCES)
		return kernel_refuse(k, -errno, TUN_PATH " must not be opened", "tun %s", name);
	return kernel_fail(k, -errno, "tun %s: " TUN_PATH, name);
}

static int tun_refused(struct kernel *k, const char *name, int err)
{
	switch (err) {
	case -EBUSY:
		return kernel_refuse(k, err,
				     "another process has it: is another agent running in this "
				     "network namespace?",
				     "tun %s", name);
	case -EINVAL:
	case -EEXIST:
		return kernel_refuse(
			k, -EEXIST,
			"there is a device of this name that is no such device: rename "
			"or delete it",
			"tun %s", name);
	default:
		return kernel_fail(k, err, "tun %s", name);
	}
}

/* Is a device on the descriptor? One that somebody has renamed is removed: rules go by the name. */
static bool tun_present(struct kernel *k, const char *name, int fd)
{
	struct ifreq request;
	struct kernel_link link;

	memset(&request, 0, sizeof(request));
	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return false;
	if (strcmp(request.ifr_name, name) == 0)
		return true;
	if (kernel_link_find(k, request.ifr_name, &link) == 0)
		kernel_link_delete(k, link.ifindex);
	return false;
}

/*
 * Puts a device on the descriptor. One that is there already may be adopted; then it goes with us
 * like one that was made here, and delivers nothing that another network card would have to
 * complete.
 */
static int tun_attach(struct kernel *k, const char *name, int fd)
{
	struct ifreq request;

	if (tun_present(k, name, fd))
		return 0;
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_flags = TUN_FLAGS;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return tun_refused(k, name, -errno);
	if (ioctl(fd, TUNSETPERSIST, 0L) < 0 || ioctl(fd, TUNSETOFFLOAD, 0L) < 0)
		return kernel_fail(k, -errno, "tun %s", name);
	return 0;
}

/* MTU and queue, as changes of the link. */
static int tun_configure(struct kernel *k, const char *name, const struct kernel_tun *tun,
			 unsigned int ifindex)
{
	struct nlmsghdr *nlh = kernel_message(k, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_MTU, tun->mtu);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, tun->queue);
	return kernel_fail(k, kernel_request(k, nlh), "tun %s mtu %u queue %u", name, tun->mtu,
			   tun->queue);
}

int kernel_tun_ensure(struct kernel *k, const char *name, const struct kernel_tun *tun, int *fd,
		      unsigned int *ifindex)
{
	struct kernel_link link = {0};
	int given = *fd, err = 0;

	*ifindex = 0;
	k->reason[0] = '\0';
	if (given < 0)
		err = tun_open(k, name, fd);
	if (!err)
		err = tun_attach(k, name, *fd);
	if (!err)
		err = kernel_link_find(k, name, &link);
	if (!err)
		err = tun_configure(k, name, tun, link.ifindex);
	if (!err) {
		*ifindex = link.ifindex;
		return 0;
	}
	if (given < 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

void kernel_tun_close(struct kernel *k, int fd)
{
	(void)k;
	if (fd >= 0)
		close(fd);
}
