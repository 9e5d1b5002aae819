/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: the terminals that this core serves, its own subscribers and visitors (PROTOCOL section
 * 8, the states from registered on; registration.c has those before).
 *
 * The only writer of session state. A session owns the access keys, and for a visitor also the
 * care-of address and the path; the path of an own subscriber belongs to its binding.
 */
#ifndef SNO_SESSION_H
#define SNO_SESSION_H

#include "access.h"
#include "accounting.h"
#include "core.h"
#include "forwarding.h"
#include "request.h"
#include "satellite.h"

#include <uthash.h>

enum session_state {
	SESSION_PREPARING,  /* a registration is on its way, nothing served yet */
	SESSION_REGISTERED, /* served */
	SESSION_LEAVING,    /* core disconnect has come; still served */
	SESSION_DRAINING,   /* moved on: what still comes is sent back to the home core */
	SESSION_RELEASED    /* not served any more; the terminal is being told */
};

struct session {
	char nai[NAI_TEXT];
	struct core *core;
	/* A visitor of this peer's, or an own subscriber; neither when released. */
	struct peer *home;
	struct subscriber *subscriber;
	enum session_state state;
	bool over;			   /* it was deregistered: nothing is kept of it any more */
	struct registration *registration; /* the attempt that is changing it, or NULL */

	struct satellite *satellite;
	struct lladdr mac; /* where it registered */
	struct addr link_local;
	struct lladdr claim; /* key of session_macs: what its path uses, or is about to */
	bool claimed;
	struct access_session access; /* access.local_index is the key of session_indices */
	struct requests *requests;

	struct path own_path; /* a visitor's */
	struct path *path;    /* own_path, or that of the subscriber */
	struct addr coa;
	uint64_t binding;
	struct account account;	    /* a visitor's */
	enum handover_mode mode;    /* in which it came, 0: not told */
	uint32_t buffered, dropped; /* of what was held for it before it came */

	struct bucket discoveries;	/* that may cost a handshake */
	uint8_t discovery[HASH_LENGTH]; /* SHA-256 of the discovery that led here ... */
	uint8_t done[SNO_DATAGRAM_MAX]; /* ... and the answer to it */
	size_t done_length;		/* 0: it had been received before a restart */

	usec_t registered, expires, deadline;
	struct timer timer;	    /* at deadline, what the state waits for */
	struct timer request_timer; /* retransmissions to the terminal */
	UT_hash_handle hh, hh_index, hh_mac, hh_visitor;
};

/* What a registration has obtained for its terminal. */
struct session_grant {
	struct satellite *satellite;
	struct lladdr mac;
	struct addr link_local;
	uint32_t terminal_index;
	uint64_t binding;
	struct addr coa;	 /* a visitor's ... */
	const struct path *path; /* ... and what has its home addresses in the kernel by now */
	uint32_t lifetime;	 /* seconds */
	uint16_t mtu;		 /* path MTU to tell */
	uint32_t uplink_delay;	 /* microseconds (PROTOCOL section 15.4) */
	enum handover_mode mode; /* to tell, 0: do not */
	const uint8_t *access_key;
	const struct message_blob *handshake; /* Noise message 2; NULL after a short proof */
	const uint8_t *discovery;	      /* SHA-256 of the discovery */
};

struct session *session_find(const struct core *core, const char *nai);
/* The session whose path uses this Ethernet address, or is about to. */
struct session *session_by_mac(const struct core *core, const struct lladdr *mac);
/* The satellite to which its path leads: that of a registration in progress comes first. */
struct satellite *session_satellite(const struct session *session);
struct session *session_by_index(const struct core *core, uint32_t index);

/*
 * May this Ethernet address be used by this terminal, which is on this satellite? Not while another
 * one that registered with it is on another satellite: its packets would be led here. On the same
 * satellite the newest one wins, and the other is over; what is only prepared gives way.
 */
bool session_admits(struct core *core, const struct satellite *satellite, const struct lladdr *mac,
		    const char *nai, usec_t now);
/*
 * The session of this terminal, made in SESSION_PREPARING when there is none, with the Ethernet
 * address claimed. One of home and subscriber is not NULL. NULL when out of memory.
 */
struct session *session_prepare(struct core *core, const char *nai, struct peer *home,
				struct subscriber *subscriber, const struct lladdr *mac,
				usec_t now);
/*
 * The attempt has failed and its traces are gone: a session that was only prepared goes, any other
 * returns to what it was waiting for.
 */
void session_abandon(struct session *session, usec_t now);
/*
 * The attempt has succeeded: new keys, new lifetime; registration done is sent. 0, or -errno and
 * nothing has changed.
 */
int session_register(struct session *session, const struct session_grant *grant, usec_t now);
/*
 * It is led to by now. So much was held for its terminal, and is on its way or lost: to be told
 * with handover done.
 */
void session_was_held(struct session *session, const struct hold_counters *held);
/* A sealed datagram to this session, from this satellite (session_request.c). */
enum drop session_receive(struct session *session, struct satellite *satellite,
			  const struct lladdr *mac, const uint8_t *datagram, size_t length,
			  usec_t now);

/*
 * The session that was kept as *like is there again, with its requests going on from an id; home
 * and subscriber are those of *like, and so is its path, which is not in the kernel yet. One that
 * has neither is told that it is over. NULL when out of memory.
 */
struct session *session_resume(struct core *core, const struct session *like, uint32_t next_request,
			       usec_t now);

/* The terminal has said that it leaves. */
void session_left(struct session *session, usec_t now);
/* It has said that it leaves for good: that is noted, answered, carried out, and owed to its home.
 */
void session_deregister(struct session *session, const struct message *request, usec_t now);

/* A release came from a peer: true when it was for a visitor here, and has been answered. */
bool session_released(struct peer *peer, const struct message *request, usec_t now);
/* The home address of an own subscriber leads elsewhere: its session here ends, its path stays. */
void session_moved(struct core *core, const char *nai, usec_t now);
/* The binding of an own subscriber ends: its terminal is told to register again. */
void session_withdrawn(struct core *core, const char *nai, enum reason reason, usec_t now);
/*
 * Its home core has another binding for this visitor, and has it prepared here: it is served here
 * no more. Its path and its care-of address go over to *path and *coa.
 */
void session_supersede(struct session *session, struct path *path, struct addr *coa, usec_t now);
/* Ends a session; the terminal is told, unless it has gone by itself. */
void session_dismiss(struct session *session, enum reason reason, usec_t now);
/* The same, and a visitor's home core is told. */
void session_evict(struct session *session, enum reason reason, usec_t now);
/* The home core of some visitors has lost its memory: have them register again. */
void session_home_restarted(struct peer *peer, usec_t now);
/* It is no peer any more, or another one: its visitors are told, and it is owed to be told of them.
 */
void session_peer_removed(struct peer *peer, usec_t now);
void session_satellite_removed(struct satellite *satellite, usec_t now);
/* The satellite has a port again, maybe another one: paths lead there. */
void session_port_changed(struct satellite *satellite, usec_t now);
/* Visitors whose care-of address is in no pool any more must register again. */
void session_pools_changed(struct core *core, usec_t now);
void sessions_close(struct core *core);

const char *session_state_name(enum session_state state);

#endif
