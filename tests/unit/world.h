/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core agent in memory: the real state machines between a kernel in memory (kernel_fake.h), other
 * cores that are a channel and a script, and a terminal that is a script, in virtual time.
 *
 * The core under test is b.example with the satellites s1 and s2 and the peers a.example (home of
 * its visitor tina) and c.example; its own subscriber is otto. Datagrams between cores pass a path
 * that can lose the nth; frames to satellites are kept.
 */
#ifndef SNO_TEST_WORLD_H
#define SNO_TEST_WORLD_H

#include "access.h"
#include "channel.h"
#include "core-agent/core.h"
#include "core-agent/satellite.h"
#include "noise.h"

#include <stdbool.h>

#define WORLD_FRAMES 64
#define WORLD_ROUTED 8
#define WORLD_QUEUE  256

struct world;

/* Another core: its channel, and what it does with requests. */
struct far {
	struct world *world;
	char name[SNO_NAME_MAX + 1];
	struct key_pair keys;
	struct channel_identity identity;
	uint64_t epoch;
	struct channel *channel;
	struct endpoint endpoint;
	/* What it has been asked, by type, and the last of each. */
	unsigned int asked[256];
	struct message last[256];
	usec_t delay; /* on the way to it, and from it */
	/* How it answers as home core of tina. */
	enum reason authentication_reason, tunnel_reason;
	/* How it answers when it is to prepare for a terminal, and where that would be. */
	enum reason prepare_reason;
	bool no_hold; /* it prepares, but cannot hold anything */
	struct addr coa;
	bool mute;		      /* answers nothing */
	bool cut;		      /* nothing passes in either direction */
	enum message_type error_type; /* this it answers with "error" */
	enum message_type hold_type;  /* this it keeps in held, for far_answer() */
	struct message held[4];
	unsigned int held_count;
	struct addr hoa4, hoa6;
	struct prefix prefix;
	uint32_t lifetime; /* that it grants, in seconds */
	uint8_t kinds;	   /* of its hello, from the next far_restart() on */
	struct addr end4, end6;
	uint8_t suites, suite; /* of its hello likewise: how it protects tunnels, 0: it does not */
	uint32_t spi;	       /* of its last session, when the core was heard in it */
	struct lladdr claimed_mac;	/* LINK_LAYER of its ACK; zero: what the identity says */
	struct addr claimed_link_local; /* LINK_LOCAL likewise */
	uint64_t binding;
	uint64_t accepted;  /* counter */
	bool combined;	    /* binds where an authentication offers to ... */
	struct addr misled; /* ... or there, unless it is none */
	/* As home core of tina in better modes: what it has of her, and says. */
	uint8_t root[KEY_LENGTH];
	uint64_t prepared_number, prepared_binding; /* of the last far_prepare() */
	unsigned int arrivals;			    /* that it believed */
	uint32_t uplink_delay;
	/* Answers to its own requests. */
	unsigned int answers;
	enum reason last_reason;
	struct message last_answer;
};

struct under_way {
	usec_t at; /* when it arrives */
	int to;	   /* -1: the core under test, else far[] */
	int from;
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

struct sent_frame {
	struct satellite *satellite;
	size_t length;
	uint8_t octets[1500];
};

/* A terminal with one link. */
struct terminal {
	char user[SNO_NAME_MAX + 1], realm[SNO_NAME_MAX + 1];
	struct key_pair keys;
	uint8_t home_public[KEY_LENGTH];
	uint8_t psk[KEY_LENGTH];
	struct lladdr mac;
	struct addr link_local;
	uint64_t home_epoch, counter;
	uint32_t index;
	struct noise noise;
	uint8_t root[KEY_LENGTH];
	/* The core that it believes prepared, for which move; "": none. */
	char target[SNO_NAME_MAX + 1];
	uint64_t number;
	uint8_t handover_key[KEY_LENGTH]; /* of its last discovery with a short proof */
	enum handover_mode mode;	  /* that it tells, 0: none */
	uint8_t discovery[SNO_DATAGRAM_MAX];
	size_t discovery_length;
	/* What came back. */
	bool done, rejected;
	enum reason reason;	     /* of the reject */
	struct message assignment;   /* of the home core, type 0 when none was authentic */
	struct message registration; /* of the serving core */
	struct access_session access;
	struct message last[256]; /* sealed messages received, by type */
	unsigned int received[256];
	uint32_t next_request;
};

struct world {
	usec_t now;
	char directory[64];
	char state[96], journal[96]; /* of the store */
	struct config config;
	struct kernel *kernel;
	struct core core;
	unsigned int port1, port2;
	struct far far[2]; /* a.example, c.example */
	struct terminal tina, otto;

	struct under_way queue[WORLD_QUEUE];
	size_t queued;
	unsigned int routed[WORLD_ROUTED]; /* routes to tina when the nth of them left */
	unsigned int carried, lose_nth;	   /* datagrams between cores; which one to lose, 0: none */
	/* world_kill() */
	enum { WORLD_LIVES, WORLD_DIES, WORLD_DIES_ON_SATELLITE, WORLD_DEAD } fate;
	struct sent_frame frames[WORLD_FRAMES];
	size_t frame_count;
};

enum { FAR_A, FAR_C };

/* Whether worlds made or loaded from here on protect their tunnels (far cores by their suites). */
extern bool world_protected;
/* Cores have a guard (core-agent/guard.h) from the next start or reload on: at first they have not,
 * so that what they ask of the kernel is what forwards. */
extern bool world_guarded;
/* Worlds made from here on have a store (core-agent/keep.h), which a restart goes on with. */
extern bool world_keeps;

#define WORLD_PEER_A                                                                               \
	"{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\";"                   \
	" home_prefixes = [ \"10.1.0.0/24\", \"2001:db8:a::/64\" ];"                               \
	" care_of_prefixes = [ \"198.51.100.0/25\" ]; }"
#define WORLD_PEER_C                                                                               \
	"{ name = \"c.example\"; endpoint = \"192.0.2.3\"; public_key = \"$C\";"                   \
	" home_prefixes = [ \"10.3.0.0/24\" ]; care_of_prefixes = [ \"203.0.113.0/25\" ]; }"
#define WORLD_PEERS WORLD_PEER_A ", " WORLD_PEER_C

#define WORLD_POOLS                                                                                \
	"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/25\" ]; };"
/* For world_new(): handovers as in the draft's figure 4 and no better. */
#define WORLD_BASELINE WORLD_POOLS " handover = { mode = \"baseline\"; };"

/* Parts of the configuration in which a test differs, as libconfig text; NULL: as in all tests. */
struct world_text {
	const char *satellites;	 /* elements of access.satellites */
	const char *pools;	 /* the group, and any other groups */
	const char *subscribers; /* elements; $OTTO is his public key, $DIR the world's folder */
	const char *peers;
};

/* A fresh world, both peers up; pools as in struct world_text. */
struct world *world_new(const char *pools);
/* Reloads the configuration; what core_reconfigure() says. */
int world_reload(struct world *w, const struct world_text *text);
/* The same, and what would be drained (drain.h) ends at once. */
int world_reload_cut(struct world *w, const struct world_text *text);
/* Stops the core and starts it again, with another configuration unless that is NULL. */
void world_restart(struct world *w, const struct world_text *text);
/*
 * The next datagram that the core sends to another core is the last thing it does: nothing leaves
 * it after that, and the next restart finds its store as that was then.
 */
void world_kill(struct world *w);
/* The same of the next frame that it sends on a satellite. */
void world_kill_on_satellite(struct world *w);
/* The machine is booted before the next restart. */
void world_boot(struct world *w);
void world_free(struct world *w);
/* Delivers everything and lets so much time pass. */
void world_run(struct world *w, usec_t duration);

/* A far core restarts: new epoch, everything forgotten. */
void far_restart(struct world *w, int which);
/* Answers the nth request that it has kept. */
void far_answer(struct world *w, int which, unsigned int n);
/* Sends a request from a far core; its answer is in last_answer after world_run(). */
void far_ask(struct world *w, int which, struct message *m);

/*
 * Proactive authentication for tina to the core under test, for the move of this number, with what
 * the caller has put into m (its type and attributes beside those); the answer is in last_answer
 * after world_run().
 */
void far_prepare(struct world *w, uint64_t number, struct message *m);

/* A terminal with these names and this Ethernet address; its keys are there already. */
void terminal_make(struct terminal *t, const char *user, const char *realm,
		   const uint8_t home_public[KEY_LENGTH], const char *mac);
/* A new discovery of this terminal is made (not sent). core may be NULL: none named. */
void terminal_discovery(struct terminal *t, const char *core);
/* What a serving core asks the home core upon it, and may add to. */
void terminal_authentication(const struct terminal *t, struct message *m);
/* Sends it on a satellite, from the terminal's address. */
void terminal_send(struct world *w, struct terminal *t, const char *satellite,
		   const uint8_t *datagram, size_t length);
/* Both, and half a second passes. */
void terminal_register(struct world *w, struct terminal *t, const char *satellite);
/* Seals and sends a message. */
void terminal_tell(struct world *w, struct terminal *t, const char *satellite, struct message *m);
/* Reads what came for this terminal since the last call. */
void terminal_read(struct world *w, struct terminal *t);

#endif
