/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two kinds of datagram leave a terminal: discoveries in the clear, and sealed messages.
 */
#include "terminal-agent/send.h"

#include <errno.h>

#include "cookie.h"
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

int send_discovery(const struct sender *sender, struct link *link, const struct discovery *d,
		   const uint8_t *cookie)
{
	uint8_t proof[SNO_DATAGRAM_MAX];
	int length;

	length = cookie ? cookie_prove(proof, sizeof(proof), NULL, cookie, d->octets, d->length)
			: -ENOKEY;
	if (length > 0)
		return transmit(sender, link, true, MESSAGE_COOKIE_PROOF, proof, (size_t)length);
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
