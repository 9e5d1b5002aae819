/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two kinds of datagram leave a terminal: discoveries in the clear, and sealed messages.
 */
#include "terminal-agent/send.h"

#include <errno.h>

#include "log.h"

static int transmit(const struct sender *sender, struct link *link, bool group,
		    enum message_type type, const uint8_t *octets, size_t length)
{
	int error = sender->transmit(sender->context, link, group, octets, length);

	if (error < 0) {
		sender->counters->unsent++;
		log_debug("cannot send %s on %s: error %d", message_type_name(type), link->name,
			  -error);
	} else {
		sender->counters->sent[type]++;
	}
	return error;
}

int send_discovery(const struct sender *sender, struct link *link, const struct discovery *d)
{
	return transmit(sender, link, true, MESSAGE_CORE_DISCOVERY, d->octets, d->length);
}

int send_sealed(const struct sender *sender, struct registration *r, const uint8_t *message,
		size_t length)
{
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int sealed;

	if (!registration_reachable(r))
		return -ENETDOWN;
	if (message_read(&m, PLACE_ACCESS, message, length) != DROP_NONE)
		return -EINVAL;
	sealed = access_seal(&r->access, &m, datagram, sizeof(datagram));
	if (sealed < 0)
		return sealed;
	return transmit(sender, r->link, false, m.type, datagram, (size_t)sealed);
}
