/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access-side datagrams on their way out; see send.h. */
#include "send.h"

#include "frame.h"

/* ff02::6276:2, all terminals on this link (PROTOCOL section 5.1). */
static const struct addr terminals_group = {
	.family = AF_INET6,
	.bytes = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 2},
};

int send_datagram(struct satellite *satellite, const struct lladdr *dst,
		  const struct addr *link_local, const uint8_t *datagram, size_t length)
{
	const struct core *core = satellite->core;
	uint8_t octets[FRAME_OVERHEAD + SNO_DATAGRAM_MAX];
	struct frame frame = {
		.src = core->config->access.gateway_mac,
		.dst = dst ? *dst : frame_multicast(&terminals_group),
		.ip_src = underlay_gateway,
		.ip_dst = dst ? *link_local : terminals_group,
		.sport = core->config->access.port,
		.dport = core->config->access.port,
		.hop_limit = 255,
		.payload = datagram,
		.length = length,
	};
	int built = frame_build(&frame, octets, sizeof(octets));

	if (built < 0)
		return built;
	return core->io.to_satellite(core->io.context, satellite, octets, (size_t)built);
}

int send_message(struct satellite *satellite, const struct lladdr *dst,
		 const struct addr *link_local, const struct message *m)
{
	uint8_t datagram[SNO_DATAGRAM_MAX];
	int length = message_write(m, datagram, sizeof(datagram));

	if (length < 0)
		return length;
	satellite->core->counters.sent[m->type & 0xff]++;
	return send_datagram(satellite, dst, link_local, datagram, (size_t)length);
}

void send_advertisement(struct satellite *satellite)
{
	const struct core *core = satellite->core;
	usec_t interval = core->config->access.advertise_interval / USEC_PER_MSEC;
	struct message m;

	message_init(&m, MESSAGE_CORE_ADVERTISEMENT, 0);
	message_set_text(&m, ATTR_CORE, core->config->name);
	message_set_number(&m, ATTR_EPOCH, core->epoch);
	message_set_number(&m, ATTR_INTERVAL, (uint64_t)interval);
	send_message(satellite, NULL, NULL, &m);
}

void send_reject(struct satellite *satellite, const struct lladdr *dst,
		 const struct addr *link_local, uint32_t index, enum reason reason,
		 const struct message_blob *handshake)
{
	struct message m;

	message_init(&m, MESSAGE_REGISTRATION_REJECT, index);
	message_set_number(&m, ATTR_REASON, reason);
	if (handshake && handshake->length > 0)
		message_set_blob(&m, ATTR_HANDSHAKE, handshake->bytes, handshake->length);
	if (reason < REASON_COUNT)
		satellite->core->counters.refused[reason]++;
	send_message(satellite, dst, link_local, &m);
}
