/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cores with a channel between them, in memory and in virtual time.
 *
 * Each side is what core-agent/peer.c is to a channel: it ticks after every event and executes
 * requests. The path between them carries datagrams after a delay and loses, repeats and delays
 * them by number, by type or at random; everything is drawn from a seed, so each run can be run
 * again. Requests carry a token (as BINDING), by which the pair counts how often each was executed
 * and how each ended.
 */
#ifndef SNO_TEST_PAIR_H
#define SNO_TEST_PAIR_H

#include "channel_internal.h"

#define SEC	    USEC_PER_SEC
#define MS	    USEC_PER_MSEC
#define PAIR_TOKENS 65536
#define PAIR_LOG    4096

enum { A, B };

/* When a side answers a request. */
enum manner {
	ANSWER_AT_ONCE,
	ANSWER_LATER, /* after pair->work */
	ANSWER_NEVER
};

struct side {
	struct pair *pair;
	int number;
	bool running;
	struct channel *channel;
	struct channel_identity identity;
	char name[SNO_NAME_MAX + 1];
	uint8_t psk[32];
	uint8_t peer_public[32]; /* what it takes for the other's key, and name */
	char peer_name[SNO_NAME_MAX + 1];
	uint64_t epoch;
	uint32_t tunnel_key; /* of its hello */
	uint8_t suites;	     /* likewise, 0: it does not protect tunnels */
	usec_t next_tick;
	enum manner manner;
	/* What it has seen. */
	unsigned int ups, downs, restarts;
	uint64_t seen_epoch; /* of the last hello */
	unsigned int authentic;
	/* Called in the middle of its callbacks, when set. */
	int (*on_agreed)(struct side *s, const struct channel_session *session);
	void (*on_heard)(struct side *s, const struct channel_session *session);
	void (*on_state)(struct side *s, const struct message *hello);
	void (*on_request)(struct side *s, const struct message *request);
	void (*on_done)(struct side *s, uint64_t token, enum reason reason);
};

struct datagram {
	int to;
	usec_t at;
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

struct token {
	uint8_t executed;  /* times */
	uint8_t ended;	   /* times */
	uint8_t reason;	   /* of the last end */
	uint8_t epoch_low; /* of the executing side at that time */
};

struct pair {
	usec_t now;
	uint64_t random;
	struct side side[2];
	struct channel_timers timers;

	/* The path. */
	usec_t delay;	   /* each way */
	usec_t jitter;	   /* up to so much more */
	double loss;	   /* share */
	double repeat;	   /* share that arrives twice */
	bool cut[2];	   /* nothing from A, from B */
	bool no_handshake; /* loses types 0x01 and 0x02 */
	/* By number, counting from 1 what both have sent: 0 for none. */
	unsigned int lose_nth, repeat_nth, delay_nth;
	usec_t work; /* of ANSWER_LATER */

	unsigned int carried;	 /* datagrams offered to the path */
	unsigned int stop_after; /* pair_run() returns when so many have been delivered */
	unsigned int delivered;
	struct datagram *log; /* the first PAIR_LOG of them, as sent */
	size_t log_length;

	struct datagram *queue; /* under way, in no order */
	size_t queue_length, queue_capacity;
	struct {
		int side;
		uint32_t id;
		usec_t at;
		uint64_t epoch;
	} * work_queue;
	size_t work_length, work_capacity;

	struct token tokens[PAIR_TOKENS];
};

/* Two sides that are configured for each other and not started. */
struct pair *pair_new(uint64_t seed);
void pair_free(struct pair *p);

/* Starts a side with a new boot epoch (and nothing remembered); stops it without a word. */
void pair_start(struct pair *p, int side);
void pair_stop(struct pair *p, int side);
/* Both, and runs until both are up; the test fails when they are not within a minute. */
void pair_open(struct pair *p);

/* Lets so much time pass, or less when stop_after datagrams have been delivered. */
void pair_run(struct pair *p, usec_t duration);
/* Ticks one side now, as its owner does after it has sent something. */
void pair_tick(struct pair *p, int side);

/* Sends a request from a side under this token. */
void pair_ask(struct pair *p, int side, uint64_t token);
/* Hands octets to a side as if they had come; they lie in memory of exactly their length. */
enum drop pair_inject(struct pair *p, int side, const uint8_t *octets, size_t length);
/* The nth datagram (from 0) of this type that was sent to a side; fails the test when none. */
const struct datagram *pair_sent(const struct pair *p, int to, enum message_type type, size_t nth);
/* Uniform in [0, 1). */
double pair_random(struct pair *p);
/* How many of a side's drops there were for this reason. */
uint64_t pair_drops(const struct pair *p, int side, enum drop drop);

/* For cmocka: *state is a pair of seed 1. */
int pair_setup(void **state);
int pair_teardown(void **state);
struct channel *pair_channel(struct pair *p, int side);
const struct channel_counters *pair_counters(struct pair *p, int side);
/* Starts both, so that A's is the first initiation that arrives: B's own one is lost. */
void pair_start_a_first(struct pair *p);
/* Opens with A as the initiator of the one session. */
void pair_open_by_a(struct pair *p);
/* The next handshake of A is due. */
void pair_rekey_a(struct pair *p);
/* How many of a side's sessions are in this state. */
size_t pair_sessions(struct pair *p, int side, enum keyset_state state);
/* A request from each side, under this token and the next, is executed once and answered. */
void pair_assert_works(struct pair *p, uint64_t token);

#endif
