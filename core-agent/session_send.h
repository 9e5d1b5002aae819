/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session says to its terminal, under its access keys (PROTOCOL sections 5.3 and 5.5). These
 * change nothing of the session's state.
 */
#ifndef SNO_CORE_SESSION_SEND_H
#define SNO_CORE_SESSION_SEND_H

#include "session.h"

/* Seals one encoded message to the terminal: the transmit of its request table. 0 or -errno. */
int session_transmit(void *context, const uint8_t *octets, size_t length);

/* Answers a request of the terminal, with `error` when the reason is REASON_UNSUPPORTED. */
void session_answer(struct session *s, const struct message *request, enum reason reason,
		    usec_t now);

/* Asks the terminal to register again; done gets the session as its context. */
void session_tell_release(struct session *s, enum reason reason, request_done *done, usec_t now);

/*
 * The registration done datagram, whose SEALED proves this core and tells its index. Returns its
 * octets, or -errno.
 */
int session_build_done(const struct session *s, struct access_session *access,
		       const struct session_grant *grant, uint8_t *out, size_t capacity);

/* The same discovery again: the same answer again (PROTOCOL section 8), as long as it is known. */
void session_repeat_done(struct session *s);

#endif
