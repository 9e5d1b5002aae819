/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What time brings to a channel: whether the peer is there, and how far away it is (PROTOCOL
 *sections 4.3 and 4.7).
 *
 * Every timer there is, and why:
 *
 *	keepalive     nothing was sent for so long: tell the peer that we live
 *	echo          the path is measured again, often while little is known of it
 *	dead peer     nothing authentic came for so long: down, outstanding requests fail
 *	handshake     while down, or when the current session is due for a new one (by age, or by
 *	              datagrams sealed; the initiator first, the responder after a grace time):
 *	              an initiation, and again after the retry time, with jitter so that two cores
 *	              that start together do not go on crossing each other
 *	reject        a session is wiped at this age, whatever became of its successor
 *	requests      retransmission and expiry, see request.c
 */
#include "channel_internal.h"

/* A tick that is later than no loop is by itself. */
#define STOOD_STILL (100 * USEC_PER_MSEC)

/* Echoes to a peer that has come up: so many this far apart, and then as the timers say. */
#define FIRST_ECHOES  8
#define ECHO_INTERVAL (200 * USEC_PER_MSEC)

void channel_go_up(struct channel *c, bool restarted, usec_t now)
{
	c->up = true;
	c->first_echoes = FIRST_ECHOES;
	c->echo_at = c->timers.echo > 0 ? now + ECHO_INTERVAL : USEC_NEVER;
	c->ops.state(c->ops.context, &c->peer_hello, restarted, now);
}

static void go_down(struct channel *c, usec_t now)
{
	c->up = false;
	c->counters.deaths++;
	requests_fail(c->requests, REASON_HOME_UNREACHABLE, now);
	c->ops.state(c->ops.context, NULL, false, now);
}

void channel_send_keepalive(struct channel *c)
{
	uint8_t octets[SNO_HEAD_LENGTH];

	message_write_head(octets, MESSAGE_KEEPALIVE, 0);
	channel_seal(c, octets, sizeof(octets));
}

/* Measures the path (section 4.7): what the answer says is no matter. */
static void send_echo(struct channel *c, usec_t now)
{
	struct message echo;

	message_init(&echo, MESSAGE_ECHO, 0);
	request_send(c->requests, &echo, NULL, NULL, 0, now);
	if (c->first_echoes > 0)
		c->first_echoes--;
	c->echo_at = now + (c->first_echoes > 0 ? ECHO_INTERVAL : c->timers.echo);
}

void channel_answer_echo(struct channel *c, uint32_t id, usec_t now)
{
	struct message answer;

	message_init(&answer, MESSAGE_ECHO_ACK, id);
	message_set_number(&answer, ATTR_REASON, REASON_ACCEPTED);
	request_answer(c->requests, id, &answer, now);
}

static bool handshake_wanted(const struct channel *c, usec_t now)
{
	return !c->up || !c->current || now >= c->current->rekey_at;
}

/* Sends the initiation that is due, or forgets one that nobody needs any more. */
static void tick_handshake(struct channel *c, usec_t now)
{
	if (now < c->handshake_at)
		return;
	if (handshake_wanted(c, now))
		handshake_initiate(c, now);
	else if (c->initiated)
		keyset_free(c->initiated);
}

static usec_t next_instant(const struct channel *c, usec_t now)
{
	usec_t next = sessions_expiry(c);

	if (handshake_wanted(c, now) || c->initiated)
		next = usec_min(next, c->handshake_at);
	if (!c->up) {
		/* What the callbacks have sent ends at the next tick, soon but not in a tight loop.
		 */
		if (requests_outstanding(c->requests) > 0)
			next = usec_min(next, now + USEC_PER_MSEC);
		return next;
	}
	if (!handshake_wanted(c, now))
		next = usec_min(next, c->current->rekey_at);
	next = usec_min(next, c->heard + c->timers.dead_peer);
	next = usec_min(next, c->echo_at);
	return usec_min(next, c->sent + c->timers.keepalive);
}

/*
 * Silence counts while we listen: a host that stood still (a virtual machine that was moved) has
 * heard nobody, and what has come meanwhile waits to be read.
 */
static void forgive_silence(struct channel *c, usec_t now)
{
	if (c->due && now - c->due >= STOOD_STILL)
		c->heard = usec_min(now, c->heard + now - c->due);
}

usec_t channel_tick(struct channel *c, usec_t now)
{
	usec_t requests;

	forgive_silence(c, now);
	c->now = now;
	sessions_expire(c, now);
	if (!c->up)
		requests_fail(c->requests, REASON_HOME_UNREACHABLE, now);
	else if (!c->current || now - c->heard >= c->timers.dead_peer)
		go_down(c, now);
	if (c->up && now >= c->echo_at)
		send_echo(c, now);
	if (c->up && now - c->sent >= c->timers.keepalive)
		channel_send_keepalive(c);
	channel_gather(c);
	requests = requests_tick(c->requests, now);
	channel_flush(c, now);
	/* What was sent may have worn the session. */
	tick_handshake(c, now);
	c->due = usec_min(requests, next_instant(c, now));
	return c->due;
}
