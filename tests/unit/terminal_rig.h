/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal on the bench: the agent's links, session and forwarding over the kernel in memory,
 * with datagrams as octets and time as a number; and cores to talk to, home and serving core in
 * one, written from common/PROTOCOL.
 */
#ifndef SNO_TERMINAL_RIG_H
#define SNO_TERMINAL_RIG_H

#include "access.h"
#include "kernel_fake.h"
#include "terminal-agent/choosing.h"
#include "terminal-agent/receive.h"
#include "terminal-agent/session.h"

#define RIG_SENT    256
#define RIG_PACKETS 4096
#define RIG_HOA4    "10.1.0.7"
#define RIG_HOA6    "2001:db8:a::7"
#define RIG_MAC	    "02:53:4e:4f:00:01"

/* A datagram that the terminal has sent. */
struct rig_sent {
	struct link *link;
	bool group;
	usec_t at;
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

/* A packet of the user's that came out of the hold: its number, and where it went. */
struct rig_packet {
	unsigned int number;
	struct link *link;
	usec_t at;
};

/* A core as the terminal sees it. What it answers with can be set by the test. */
struct rig_core {
	const char *name;
	uint64_t epoch;
	const char *hoa4, *hoa6, *prefix; /* NULL: not assigned */
	uint32_t lifetime;
	uint16_t mtu;
	const char *claimed;	 /* the core named in `registration`, when not its own name */
	enum handover_mode mode; /* in `registration`; 0: not told */
	uint32_t uplink_delay;	 /* in `registration`; 0: not told */
	bool prepared;		 /* it has handover_key, and serves by it */
	uint8_t handover_key[KEY_LENGTH];
	struct access_session access;
	uint32_t next_index;
};

struct rig {
	struct config config;
	struct link_config link_configs[3];
	struct identity identity;
	struct key_pair home;
	uint64_t home_epoch, accepted; /* of the home core; accepted: its highest COUNTER */
	uint64_t named_epoch;	       /* in assignments, when not 0 */
	uint8_t root[KEY_LENGTH];      /* of the last full registration, at the home core */

	struct kernel *kernel;
	struct kernel_monitor *monitor;
	unsigned int sat1, sat2, sat3, lan; /* interfaces */
	struct links links;
	struct forwarding *forwarding;
	struct hold *hold;
	unsigned int buffer; /* interface of the hold */
	struct gate gate;
	struct schedule schedule;
	struct session session;
	struct pointing pointing;
	struct choosing choosing;
	struct counters counters;
	usec_t now, next;
	usec_t handling; /* how long it takes to deal with a datagram */

	struct rig_sent sent[RIG_SENT];
	size_t sent_count, taken;
	struct handover handovers[32];
	size_t handover_count, measured_count;
	unsigned int waiting[RIG_PACKETS]; /* numbers of packets in the hold's device */
	size_t waiting_count;
	struct rig_packet packets[RIG_PACKETS]; /* that have come out of the hold */
	size_t packet_count;
	bool full;  /* sockets take no packets */
	bool dense; /* the device is never empty: packets of number 0, which nobody keeps */
	struct link *watched;
	char from[64], to[64]; /* of the last switch */
	unsigned int switches;
	int switch_result;
	char pointed[64];     /* the last order to an antenna: "ANTENNA SATELLITE" */
	struct link *awaited; /* the session waits for an antenna to be pointed there */
	bool deaf;	      /* nothing can be sent */
	char folder[40];      /* of what is kept; "": nothing is */
	int refused;	      /* by the store, at the last start */
};

/* Interfaces sat1 (up), sat2 and sat3 (no carrier) and lan0; the session has not been started. */
void rig_open(struct rig *rig);
/* From the next start on it keeps what survives, in a folder that rig_close() removes. */
void rig_keep(struct rig *rig);
/* The agent is gone, as after SIGKILL; the kernel stays. */
void rig_kill(struct rig *rig);
/* A new agent over the same kernel. */
void rig_restart(struct rig *rig);
/* A new agent, but its store is refused with this error; it is gone again. */
void rig_refused(struct rig *rig, int error);
/* Takes everything down and checks that nothing is left open. */
void rig_close(struct rig *rig);
/* Antennas dish0 (sat1) and dish1 (sat2) in place of the links. */
void rig_use_antennas(struct rig *rig);
/* The antenna that turns has come to rest. */
void rig_turned(struct rig *rig);
/* An association file: 1000 s of the rig's clock are 2026-01-01T00:00:00Z. */
void rig_schedule(struct rig *rig, const char *text);
/* Learns the links from the kernel and starts the session. */
void rig_start(struct rig *rig);

/* Time passes, in steps as the agent asks to be woken. */
void rig_pass(struct rig *rig, usec_t time);
/* Delivers the kernel's events and lets the session do what is due. */
void rig_turn(struct rig *rig);
void rig_carrier(struct rig *rig, unsigned int ifindex, bool carrier);
struct link *rig_link(const struct rig *rig, const char *name);

/* The user sends a packet by the routes as they are. True when it leaves, or waits in the hold; */
/* false when there is no way or it ends at a dead link. */
bool rig_send_packet(struct rig *rig, unsigned int number);
/* One that was routed to the hold's device before, whatever the routes are now. */
void rig_straggle(struct rig *rig, unsigned int number);
/* The first packet comes in over this link. */
void rig_receive_packet(struct rig *rig, const char *link);

/* The next datagram that the terminal has sent and the test has not looked at; NULL if none. */
const struct rig_sent *rig_take(struct rig *rig);
/* The next one is a discovery, sent to the group on this link. */
const struct rig_sent *rig_take_discovery(struct rig *rig, const char *link);
/* The next one is sealed for this core and holds a message of this type. */
struct message rig_take_sealed(struct rig *rig, struct rig_core *core, enum message_type type);
void rig_no_more(struct rig *rig);

/* A datagram from fe80::1 as it should be. */
enum drop rig_deliver(struct rig *rig, const char *link, const uint8_t *octets, size_t length);

/* What the home core reads in a discovery. */
struct message rig_identity(struct rig *rig, const struct rig_sent *discovery);
/* The octets of the answer: registration done, or reject when reason is not 0. Returns length. */
size_t rig_answer(struct rig *rig, struct rig_core *core, const struct rig_sent *discovery,
		  enum reason reason, uint8_t out[SNO_DATAGRAM_MAX]);
/* The same, delivered on the link that the discovery came from. */
enum drop rig_reply(struct rig *rig, struct rig_core *core, const struct rig_sent *discovery,
		    enum reason reason);
/* A reject of the serving core, without proof. */
enum drop rig_reject(struct rig *rig, const struct rig_sent *discovery, enum reason reason);
enum drop rig_advertise(struct rig *rig, const char *link, const char *core, uint64_t epoch);
/* A sealed message of the core. */
enum drop rig_tell(struct rig *rig, const char *link, struct rig_core *core, struct message *m);
/* Answers the request of the terminal with this id. */
void rig_ack(struct rig *rig, const char *link, struct rig_core *core, enum message_type type,
	     uint32_t id);

/* The same with what the home core says of a move. */
void rig_ack_move(struct rig *rig, const char *link, struct rig_core *core, const struct message *m,
		  enum reason reason, const char *next_core, uint32_t uplink_delay);
/* The home core gives this core the key of a move under the present root. */
void rig_prepare(struct rig *rig, struct rig_core *core, uint64_t number);
/* Answers a discovery as a prepared core, which has to find tag, proof and arrival right. */
enum drop rig_reply_prepared(struct rig *rig, struct rig_core *core,
			     const struct rig_sent *discovery);

/* Takes discoveries on the link, resynchronisation included, until registered; lets a packet come
 * in, takes and acknowledges handover done. Returns it. */
struct message rig_register(struct rig *rig, const char *link, struct rig_core *core);

/* Steps of a handover (terminal_rig_moves.c). Orders the terminal to a link, in so much time. */
void rig_order(struct rig *rig, const char *link, usec_t in);
/* A discovery as the target reads it, and whether it holds the short proof. */
struct message rig_discovery(const struct rig_sent *sent);
bool rig_has_proof(const struct rig_sent *sent);
/* s1 breaks, and after the gap s2 is there. */
void rig_cut_over(struct rig *rig, usec_t gap);
/* From the order to s2 to the disconnect, which is returned: the next core has been prepared. */
struct message rig_announce(struct rig *rig, struct rig_core *from, struct rig_core *to,
			    uint32_t uplink_delay);
/* Handover done, acknowledged. */
struct message rig_take_done(struct rig *rig, const char *link, struct rig_core *core);
/* Registers the terminal on s2 by its short proof; a packet comes in; handover done. */
void rig_arrive_prepared(struct rig *rig, struct rig_core *core);

/* For the bench itself: registration and its seal, and both ends of the hold. */
void rig_seal_registration(struct rig_core *core, const uint8_t key[KEY_LENGTH], uint32_t index,
			   struct message *done);
ssize_t rig_read_packet(void *context, uint8_t *packet, size_t size);
int rig_release_packet(void *context, struct link *link, const struct lladdr *gateway,
		       const uint8_t *packet, size_t length);

/* A core with usual values. */
struct rig_core rig_core(const char *name, uint64_t epoch);

#endif
