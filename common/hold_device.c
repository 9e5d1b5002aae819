/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device of a hold; see hold_device.h. */
#include "hold_device.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define DEVICE_MTU 65535
/* Two seconds of 10,000 packets per second, should the daemon be late. */
#define DEVICE_QUEUE 20000

/*
 * Nothing of the kernel's own making enters the device, and what was held is taken back whoever
 * sent it: the way to its source leads elsewhere, and it may be this host.
 */
static const struct {
	const char *where, *name, *value;
} settings[] = {
	{"net/ipv6/conf", "disable_ipv6", "0"}, {"net/ipv6/conf", "addr_gen_mode", "1"},
	{"net/ipv6/conf", "accept_dad", "0"},	{"net/ipv6/conf", "accept_ra", "0"},
	{"net/ipv4/conf", "rp_filter", "0"},	{"net/ipv4/conf", "accept_local", "1"},
};

static int device_make(struct hold_device *device, unsigned int *ifindex)
{
	const struct kernel_tun tun = {.mtu = DEVICE_MTU, .queue = DEVICE_QUEUE};
	int result = kernel_tun_ensure(device->kernel, device->name, &tun, &device->fd, ifindex);

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && result == 0; i++)
		result = kernel_sysctl_set(device->kernel, settings[i].where, device->name,
					   settings[i].name, settings[i].value);
	if (result == 0)
		result = kernel_link_set_up(device->kernel, *ifindex, true);
	if (result < 0)
		log_warnx("device for held packets: %s; without it nothing is held",
			  kernel_error(device->kernel));
	return result;
}

static void device_watch(struct hold_device *device)
{
	if (!device->loop || !device->ifindex)
		return;
	ev_io_stop(device->loop, &device->io);
	ev_io_set(&device->io, device->fd, EV_READ);
	ev_io_start(device->loop, &device->io);
}

int hold_device_open(struct hold_device *device, struct kernel *kernel, const char *name)
{
	*device = (struct hold_device){.kernel = kernel, .fd = -1};
	snprintf(device->name, sizeof(device->name), "%s", name);
	return hold_device_restore(device);
}

int hold_device_restore(struct hold_device *device)
{
	unsigned int ifindex;
	int result = device_make(device, &ifindex);

	device->ifindex = result < 0 ? 0 : ifindex;
	if (result == 0)
		device_watch(device);
	return result;
}

/* Nothing to wait for any more: a descriptor without device is always readable. */
void hold_device_lost(struct hold_device *device)
{
	device->ifindex = 0;
	if (device->loop)
		ev_io_stop(device->loop, &device->io);
}

void hold_device_close(struct hold_device *device)
{
	if (!device->kernel)
		return;
	if (device->loop)
		ev_io_stop(device->loop, &device->io);
	kernel_tun_close(device->kernel, device->fd);
	*device = (struct hold_device){.fd = -1};
}

static void io_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct hold_device *device = io->data;

	(void)loop;
	(void)events;
	device->readable(device, device->arg);
}

void hold_device_watch(struct hold_device *device, struct ev_loop *loop,
		       void (*readable)(struct hold_device *device, void *arg), void *arg)
{
	device->loop = loop;
	device->readable = readable;
	device->arg = arg;
	ev_init(&device->io, io_readable);
	device->io.data = device;
	device_watch(device);
}

ssize_t hold_device_read(void *context, uint8_t *packet, size_t size)
{
	struct hold_device *device = context;
	ssize_t length;

	do
		length = read(device->fd, packet, size);
	while (length < 0 && errno == EINTR);
	if (length >= 0)
		return length;
	if (errno == EBADFD)
		hold_device_lost(device);
	return -errno;
}

int hold_device_write(void *context, const uint8_t *packet, size_t length)
{
	const struct hold_device *device = context;
	ssize_t written;

	do
		written = write(device->fd, packet, length);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : 0;
}
