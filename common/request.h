/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and answers (PROTOCOL section 3.3): at-most-once execution over a datagram channel.
 *
 * One `struct requests` per direction pair (a peer core, an access session). The asking side keeps
 * the octets of each outstanding request and sends them again with back-off until the answer comes;
 * the answering side keeps each answer for ANSWER_CACHE seconds and repeats it instead of executing
 * twice. Time is passed in. Sending is a callback, so that tests lose, repeat and reorder at will.
 */
#ifndef SNO_REQUEST_H
#define SNO_REQUEST_H

#include "clock.h"
#include "message.h"

#define REQUEST_MAX_TRIES	5		      /* sendings of one request */
#define REQUEST_TIMEOUT_INITIAL (500 * USEC_PER_MSEC) /* while nothing was measured */
#define REQUEST_TIMEOUT_MIN	(100 * USEC_PER_MSEC)
#define REQUEST_TIMEOUT_MAX	(2 * USEC_PER_SEC)	/* before the first retransmission */
#define REQUEST_ANSWER_CACHE	(60 * USEC_PER_SEC)	/* outlives every retransmission */
#define REQUEST_LIMIT		65536			/* outstanding, and answers kept */
#define REQUEST_OCTETS_MAX	(SNO_DATAGRAM_MAX - 32) /* one message in a sealed datagram */

struct requests;

/*
 * How a request ended. answer is NULL when there was none: then reason says why (REASON_TIMEOUT,
 * REASON_HOME_UNREACHABLE). answer->reason is copied to reason otherwise; an `error` answer arrives
 * as answer with type MESSAGE_ERROR. Called exactly once per request, never from within
 * request_send(). It may call everything here except requests_free().
 */
typedef void request_done(void *context, uint64_t token, enum reason reason,
			  const struct message *answer, usec_t now);

struct request_ops {
	/* Give these octets (one encoded message) to the channel. A negative return is only
	 * counted: the retransmission will try again. */
	int (*transmit)(void *context, const uint8_t *octets, size_t length);
	void *context;
};

/* A new table; NULL when out of memory. */
struct requests *requests_new(const struct request_ops *ops);
/* Wipes and frees; outstanding requests end without a callback. */
void requests_free(struct requests *r);

/*
 * Send a request: m->id is assigned here, m is encoded and kept until it ends. token is given back
 * to done, so that a caller may look its object up again instead of holding a pointer across time
 * (0 is allowed). Returns the request id (above 0), -EINVAL (not a request, not encodable),
 * -ENOBUFS (REQUEST_LIMIT outstanding), -ENOMEM. It is due before the instant that the last
 * requests_tick() returned, so tick again after sending.
 */
int64_t request_send(struct requests *r, struct message *m, request_done *done, void *context,
		     uint64_t token, usec_t now);

/*
 * The id of the next request, and to go on from that: a table that replaces another one in the same
 * boot epoch must not use its ids again (PROTOCOL section 3.3).
 */
uint32_t requests_next_id(const struct requests *r);
void requests_go_on(struct requests *r, uint32_t next_id);

/* Forget an outstanding request without a callback. */
void request_cancel(struct requests *r, uint32_t id);

/* An answer has arrived (already authenticated and parsed). Unknown ids are ignored and counted. */
void request_answered(struct requests *r, const struct message *answer, usec_t now);

enum request_fate {
	REQUEST_NEW,	  /* execute it, then call request_answer() */
	REQUEST_REPEATED, /* the cached answer was sent again */
	REQUEST_RUNNING	  /* being executed, or too old, or no room to remember it: ignore */
};

/*
 * A request has arrived: is it new? A new one is remembered as running. What was forgotten (after
 * ANSWER_CACHE, or to make room) is never executed again: ids count up (section 3.3), so one that
 * is not above all forgotten ones is too old.
 */
enum request_fate request_arrived(struct requests *r, const struct message *request, usec_t now);

/*
 * Answer a request that is running: encodes, remembers and transmits. answer->type must be the
 * answer to the request's type or MESSAGE_ERROR; answer->id is set from id. 0, -EINVAL, -ENOENT
 * (not running), -ENOMEM.
 */
int request_answer(struct requests *r, uint32_t id, struct message *answer, usec_t now);

/*
 * Everything of the other side's past is void (it restarted): the answer cache is emptied, requests
 * that are running included. Ids begin anew, so a caller that answers later must forget them too.
 */
void requests_peer_restarted(struct requests *r);
/* End all outstanding requests with this reason, through their callbacks (peer down). */
void requests_fail(struct requests *r, enum reason reason, usec_t now);

/* Retransmit and expire what is due. Returns the next instant at which to be called, USEC_NEVER if
 * none. */
usec_t requests_tick(struct requests *r, usec_t now);

struct request_counters {
	/* Asking: requests, further sendings, how they ended; answers to nothing outstanding;
	 * sendings that the channel did not take. */
	uint64_t sent, retransmitted, answered, timed_out, failed, unknown_answers, unsent;
	/* Answering: executed, answered from the cache, ignored while running, ignored as too old,
	 * ignored or pushed out of the cache for want of room. */
	uint64_t arrived, repeated, running, stale, overflow;
};
const struct request_counters *requests_counters(const struct requests *r);
/* Smoothed round-trip time in microseconds, 0 while nothing was measured. */
usec_t requests_srtt(const struct requests *r);
/*
 * The round trip of the path in microseconds, as the least of the last measurements: what the way
 * takes, without what an answer took to be found. 0 while nothing was measured.
 */
usec_t requests_rtt(const struct requests *r);
/* One more measurement of the path, made by something else than a request (a handshake). */
void requests_measured(struct requests *r, usec_t rtt);
/* The latest instant that it was told, for a transmit that wants to know. */
usec_t requests_now(const struct requests *r);
/* Requests that have not ended yet. */
size_t requests_outstanding(const struct requests *r);

#endif
