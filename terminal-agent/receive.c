/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any datagram may be hostile. The cheap checks come first: a core speaks from fe80::1 and its
 * port, with hop limit 255, which no router leaves intact (PROTOCOL section 5.1).
 */
#include "terminal-agent/receive.h"

#include "terminal-agent/config.h"

static enum drop receive_clear(struct session *session, struct counters *counters,
			       struct link *link, const struct datagram *datagram, usec_t now)
{
	struct message m;
	enum drop drop = message_read(&m, PLACE_CLEAR, datagram->octets, datagram->length);

	if (drop != DROP_NONE)
		return drop;
	switch (m.type) {
	case MESSAGE_CORE_ADVERTISEMENT:
		drop = session_advertisement(session, link, &m, now);
		break;
	case MESSAGE_REGISTRATION_DONE:
		drop = session_registration_done(session, link, &m, &datagram->source, now);
		break;
	case MESSAGE_REGISTRATION_REJECT:
		drop = session_registration_reject(session, link, &m, now);
		break;
	default: /* what only terminals send */
		return DROP_TYPE;
	}
	if (drop == DROP_NONE)
		counters->received[m.type]++;
	return drop;
}

static enum drop receive_sealed(struct session *session, struct counters *counters,
				const struct link *link, const struct datagram *datagram,
				usec_t now)
{
	struct registration *r = &session->registration;
	struct message m;
	enum drop drop;

	if (!r->valid || r->link != link)
		return DROP_INDEX;
	drop = access_open(&r->access, datagram->octets, datagram->length, &m);
	if (drop != DROP_NONE)
		return drop;
	keep_registration(session); /* it is not taken once more, whatever follows from it */
	counters->received[m.type]++;
	session_message(session, &m, now);
	message_wipe(&m);
	return DROP_NONE;
}

static enum drop receive(struct session *session, struct counters *counters, struct link *link,
			 const struct datagram *datagram, usec_t now)
{
	enum message_type type;
	uint32_t id;
	enum drop drop = message_read_head(datagram->octets, datagram->length, &type, &id);

	if (drop != DROP_NONE)
		return drop;
	if (datagram->hop_limit != 255 || !addr_equal(&datagram->from, &port_gateway) ||
	    datagram->from_port != session->config->access.port)
		return DROP_VALUE;
	if (type == MESSAGE_SEALED)
		return receive_sealed(session, counters, link, datagram, now);
	if (type == MESSAGE_COOKIE) {
		drop = session_cookie(session, link, datagram->octets, datagram->length, now);
		counters->received[type] += drop == DROP_NONE;
		return drop;
	}
	return receive_clear(session, counters, link, datagram, now);
}

enum drop receive_datagram(struct session *session, struct counters *counters, struct link *link,
			   const struct datagram *datagram, usec_t now)
{
	enum drop drop = receive(session, counters, link, datagram, now);

	if (drop != DROP_NONE)
		counters->drops[drop]++;
	return drop;
}
