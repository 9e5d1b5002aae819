/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold's device and the gate; see holding.h. */
#include "terminal-agent/holding.h"

#include "log.h"
#include "terminal-agent/gate_image.h"

#include <errno.h>
#include <string.h>

#define RESTORE_RETRY (10 * USEC_PER_SEC)

void holding_open(struct holding *h, struct kernel *kernel, struct uplink *uplink)
{
	/* cppcheck-suppress comparePointers; begin and end of one object, gate_image.c */
	const size_t size = (size_t)(gate_image_end - gate_image);

	*h = (struct holding){.kernel = kernel, .uplink = uplink};
	if (kernel_gate_open(kernel, gate_image, size, &h->gate) == 0)
		uplink_use_gate(uplink, kernel_gate_memory(h->gate));
	else
		log_warnx("%s: packets that were held may be overtaken (CAP_BPF?)",
			  kernel_error(kernel));
}

static void attach_gate(struct holding *h, unsigned int ifindex, enum kernel_gate_place place)
{
	if (h->gate && kernel_gate_attach(h->gate, ifindex, place) < 0)
		log_warnx("%s: packets that were held may be overtaken", kernel_error(h->kernel));
}

static struct hold_limits limits_of(const struct config *config)
{
	struct hold_limits limits = config->handover.hold;

	limits.total_packets = limits.packets;
	limits.total_octets = limits.octets;
	return limits;
}

/* What has come of making the device; where another one stands in its place it is tried again. */
static void use_device(struct holding *h, int result, usec_t now)
{
	h->due = result == 0 ? 0 : now + RESTORE_RETRY;
	if (result == 0)
		attach_gate(h, h->device.ifindex, KERNEL_GATE_HOLD);
	uplink_use(h->uplink, h->hold, h->device.ifindex);
}

static void make_device(struct holding *h, const struct holding_reader *reader, usec_t now)
{
	int result = hold_device_open(&h->device, h->kernel, HOLD_DEVICE_TERMINAL);

	if (result == -EOPNOTSUPP)
		return;
	hold_device_watch(&h->device, reader->loop, reader->readable, reader->arg);
	use_device(h, result, now);
}

void holding_configure(struct holding *h, const struct config *config,
		       const struct holding_reader *reader, usec_t now)
{
	struct hold_limits limits = limits_of(config);

	if (h->hold) {
		hold_set_limits(h->hold, &limits);
		return;
	}
	/* Only modes that hold packets need the device. */
	if (config->handover.mode < MODE_PROACTIVE || limits.packets == 0)
		return;
	h->hold = hold_new(&limits, hold_device_read, &h->device);
	if (h->hold)
		make_device(h, reader, now);
	else
		log_warnx("out of memory for the uplink hold");
}

/* By name too: where another device has taken it, there is room for ours when that is gone. */
void holding_event(struct holding *h, const struct kernel_event *event)
{
	bool gone = event->type == KERNEL_EVENT_LINK_GONE;

	if (!h->device.loop || (event->type != KERNEL_EVENT_LINK && !gone))
		return;
	if (gone && strcmp(event->link.name, h->device.name) == 0)
		h->due = 0;
	if (event->link.ifindex == h->device.ifindex && (gone || !event->link.up))
		hold_device_lost(&h->device);
}

usec_t holding_tick(struct holding *h, usec_t now)
{
	if (!h->device.loop || h->device.ifindex)
		return USEC_NEVER;
	if (now < h->due)
		return h->due;
	use_device(h, hold_device_restore(&h->device), now);
	return h->due ? h->due : USEC_NEVER;
}

void holding_watch_link(struct holding *h, unsigned int ifindex)
{
	attach_gate(h, ifindex, KERNEL_GATE_LINK);
}

void holding_leave_link(struct holding *h, unsigned int ifindex)
{
	if (h->gate && kernel_gate_detach(h->kernel, ifindex) < 0)
		log_warnx("%s", kernel_error(h->kernel));
}

void holding_close(struct holding *h)
{
	hold_free(h->hold);
	hold_device_close(&h->device);
	kernel_gate_close(h->gate);
	*h = (struct holding){.device = {.fd = -1}};
}
