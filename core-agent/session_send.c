/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session says to its terminal; see session_send.h. */
#include "session_send.h"

#include "keep.h"
#include "send.h"

#include <errno.h>

int session_transmit(void *context, const uint8_t *octets, size_t length)
{
	struct session *s = context;
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int sealed;

	if (message_read(&m, PLACE_ACCESS, octets, length) != DROP_NONE)
		return -EINVAL;
	sealed = access_seal(&s->access, &m, datagram, sizeof(datagram));
	message_wipe(&m);
	if (sealed < 0)
		return sealed;
	keep_session(s); /* before the counter is seen */
	s->core->counters.sent[octets[0]]++;
	return send_datagram(s->satellite, &s->mac, &s->link_local, datagram, (size_t)sealed);
}

void session_answer(struct session *s, const struct message *request, enum reason reason,
		    usec_t now)
{
	struct message answer;

	message_init(&answer,
		     reason == REASON_UNSUPPORTED ? MESSAGE_ERROR : message_answer(request->type),
		     request->id);
	message_set_number(&answer, ATTR_REASON, reason);
	request_answer(s->requests, request->id, &answer, now);
}

void session_tell_release(struct session *s, enum reason reason, request_done *done, usec_t now)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	request_send(s->requests, &m, done, s, 0, now);
	timer_set(&s->core->timers, &s->request_timer, now);
}

int session_build_done(const struct session *s, struct access_session *access,
		       const struct session_grant *grant, uint8_t *out, size_t capacity)
{
	const struct core *core = s->core;
	struct message registration, done;
	struct message_blob sealed;
	int result;

	message_init(&registration, MESSAGE_REGISTRATION, access->local_index);
	message_set_text(&registration, ATTR_CORE, core->config->name);
	message_set_number(&registration, ATTR_EPOCH, core->epoch);
	message_set_number(&registration, ATTR_MTU, grant->mtu);
	message_set_number(&registration, ATTR_LIFETIME, grant->lifetime);
	message_set_addr(&registration, ATTR_COA, &grant->coa);
	if (grant->uplink_delay > 0)
		message_set_number(&registration, ATTR_UPLINK_DELAY, grant->uplink_delay);
	if (grant->mode)
		message_set_number(&registration, ATTR_MODE, grant->mode);
	result = access_seal_registration(access, &registration, &sealed);
	if (result < 0)
		return result;
	message_init(&done, MESSAGE_REGISTRATION_DONE, grant->terminal_index);
	if (grant->handshake)
		message_set_blob(&done, ATTR_HANDSHAKE, grant->handshake->bytes,
				 grant->handshake->length);
	message_set_blob(&done, ATTR_SEALED, sealed.bytes, sealed.length);
	return message_write(&done, out, capacity);
}

void session_repeat_done(struct session *s)
{
	if (s->done_length == 0)
		return;
	s->core->counters.sent[MESSAGE_REGISTRATION_DONE]++;
	send_datagram(s->satellite, &s->mac, &s->link_local, s->done, s->done_length);
}
