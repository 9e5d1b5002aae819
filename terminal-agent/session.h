/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal's state machine (PROTOCOL section 7).
 *
 *                    link ready                    registration done
 *      +------> down ----------> discovering --------------------------> registered
 *      |         ^                  ^   |  ^                                |   |
 *      |         | no link left     |   |  +- core changed, released, -----+   |
 *      |         +------------------|---+     silent; lifetime                 | told to switch
 *      |                            |                                          v or deregister
 *      |                            +------------- switching <---------- disconnecting
 *      |                             link ready              ACK or wait       |
 *      +----------------------------------------------------------------------+
 *                                   deregistered
 *
 * It reads no clock, opens no socket and knows no netlink: time, datagrams and links are handed to
 * it. A registration stays in force, with its routes, until the next one has replaced it, whatever
 * the state is meanwhile; so nothing that strangers send can take it away.
 */
#ifndef SNO_TERMINAL_SESSION_H
#define SNO_TERMINAL_SESSION_H

#include "log.h"
#include "terminal-agent/attempt.h"
#include "terminal-agent/config.h"
#include "terminal-agent/discovery.h"
#include "terminal-agent/forwarding.h"
#include "terminal-agent/handovers.h"
#include "terminal-agent/keep.h"
#include "terminal-agent/links.h"
#include "terminal-agent/measuring.h"
#include "terminal-agent/moving.h"
#include "terminal-agent/registration.h"
#include "terminal-agent/resume.h"
#include "terminal-agent/schedule.h"
#include "terminal-agent/send.h"
#include "terminal-agent/uplink.h"

enum session_state {
	SESSION_DOWN,
	SESSION_DISCOVERING,
	SESSION_REGISTERED,
	SESSION_DISCONNECTING,
	SESSION_SWITCHING,
};

struct session_ops {
	/*
	 * Begin to move from one link (NULL: none) to another. 1: done, as far as this side can;
	 * 0: session_switched() will tell; -errno: it cannot be done (logged).
	 */
	int (*switch_link)(void *context, struct link *from, struct link *to);
	/* Sets a link up or down, beside the others. 0 or -errno, logged. */
	int (*set_link)(void *context, struct link *link, bool up);
	/*
	 * Watches a link for the next packet of the user's, which session_first_packet() tells of,
	 * or stops doing so. False: it cannot be watched, and nothing is measured.
	 */
	bool (*watch)(void *context, struct link *link, bool on);
	void (*state)(void *context, enum session_state old_state, enum session_state state,
		      const char *reason);
	/* A handover; and the same again when it is measured. .wall is the receiver's to fill in.
	 */
	void (*handover)(void *context, const struct handover *handover, bool measured);
	void *context;
};

/* A link that may be given up after a soft move, and when. */
struct leaving {
	struct link *link; /* NULL: none */
	usec_t at;
};

/* All fields are those of session_internal.h's files and attempt.c; others read. */
struct session {
	const struct config *config;
	const struct identity *identity;
	struct links *links;
	struct forwarding *forwarding;
	const struct schedule *schedule;
	struct sender sender;
	struct session_ops ops;

	enum session_state state;
	usec_t since;	     /* in this state */
	bool started;	     /* events before are not acted upon */
	bool wanted;	     /* false: the operator has deregistered the terminal */
	bool commanded;	     /* what switch_link began has not ended, be its link up or not */
	struct link *link;   /* in use: discovered on or registered over; NULL: none */
	struct link *target; /* of the switch under way; NULL: none, or to deregister */

	struct registration registration;
	struct uplink uplink;
	struct discovery discovery;
	bool ahead; /* the discovery was made before its link is ready, and is not sent yet */
	struct attempt attempt;
	struct move move;
	struct leaving leaving;
	struct measuring measuring;
	uint64_t home_epoch; /* 0: not known */
	uint64_t counter;    /* the last one used */
	struct keep keep;
	struct resuming resuming;

	usec_t deadline; /* of the state */
	usec_t again;	 /* a discovery that had to wait for the rate limit; USEC_NEVER: none */
	const char *again_reason;
	unsigned int patience; /* how many times 3 intervals of silence are borne */
	bool disconnected;     /* the answer to core disconnect has come */
	uint32_t disconnect_id;
	usec_t repaired;	/* when forwarding was last put back in order */
	bool repair;		/* that is due */
	bool reschedule;	/* the schedule is another one since the last tick */
	struct log_limit noise; /* messages that strangers can cause */
};

/* What a session is made of; all of it outlives the session. What config points to may change
 * (reload) between two calls. */
struct session_parts {
	const struct config *config;
	const struct identity *identity;
	struct links *links;
	struct forwarding *forwarding;
	const struct schedule *schedule;
	struct sender sender;
	uplink_send_fn *send_packet; /* with sender.context */
	struct session_ops ops;
};

void session_init(struct session *s, const struct session_parts *parts);
/* Wipes keys and frees; sends nothing, and the kernel's state stays. */
void session_end(struct session *s);

/* All links are known now: begin on the link of this index if it is ready, else on the first. */
void session_start(struct session *s, unsigned int preferred, usec_t now);

/* Links: see links_ops. */
void session_link_ready(struct session *s, struct link *link, usec_t now);
void session_link_lost(struct session *s, struct link *link, usec_t now);
void session_link_removed(struct session *s, struct link *link, usec_t now);
/* The switch begun by switch_link has ended; error 0 or -errno. */
void session_switched(struct session *s, int error, usec_t now);
/* The first packet has come over a link that was watched. */
void session_first_packet(struct session *s, const struct link *link, usec_t now);
/* Forwarding has lost something. */
void session_repair(struct session *s);

/* Messages, parsed; DROP_NONE or why it was dropped after all. Advertisements are not authentic. */
enum drop session_advertisement(struct session *s, struct link *link, const struct message *m,
				usec_t now);
/* source is the Ethernet address that it came from, all zero when not known. */
enum drop session_registration_done(struct session *s, struct link *link, const struct message *m,
				    const struct lladdr *source, usec_t now);
enum drop session_registration_reject(struct session *s, struct link *link, const struct message *m,
				      usec_t now);
/* A cookie, as it came: no proof of anything, but the sender has seen our discovery. */
enum drop session_cookie(struct session *s, const struct link *link, const uint8_t *datagram,
			 size_t length, usec_t now);
/* A message that was sealed under the present registration. */
void session_message(struct session *s, const struct message *m, usec_t now);

/*
 * Orders of the operator. Hand over to this link, at once or at a later time, in place of an order
 * whose time has not come. 0; -EALREADY (the link is in use), -EBUSY (a switch is under way),
 * -ENETDOWN (nobody can bring that link up).
 */
int session_handover(struct session *s, struct link *link, usec_t at, usec_t now);
/* What the agent itself has chosen: to be on this link from then on. */
struct chosen {
	struct link *link;
	const char *core; /* which is believed to be there; "": not known */
	usec_t risen;	  /* the link cannot come up before */
	usec_t at;	  /* when to leave */
	usec_t latest;	  /* ... at the latest: until then the link in use will do */
};
/*
 * Nothing where that is the link in use, while a switch is under way, and against an operator's
 * order whose time has not come.
 */
void session_choose(struct session *s, const struct chosen *chosen, usec_t now);
/* Registers (again) after session_deregister(). -EALREADY when that is wanted anyway. */
int session_connect(struct session *s, usec_t now);
/* The schedule is another one; by the next tick the configuration that came with it is in force. */
void session_follow_schedule(struct session *s);
/* Gives the registration up and removes its traces from the kernel. */
void session_deregister(struct session *s, usec_t now);

/* All that time brings. Returns the next instant at which to be called. */
usec_t session_tick(struct session *s, usec_t now);

/* "down", "discovering", ... */
const char *session_state_name(enum session_state state);

#endif
