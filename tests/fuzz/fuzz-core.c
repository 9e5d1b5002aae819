/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: a core agent between terminals, other cores and the kernel.
 *
 * The input is a program of steps, two octets each: what, and how. Terminals discover, leave and
 * repeat themselves, announce moves and come with short proofs, true and false; other cores answer
 * late, wrongly or not at all, restart, release, bind, prepare and have to prepare; the kernel
 * refuses and loses devices; the operator reloads and restarts; strangers send octets.
 * After each step what the core holds and what its tables say agree. At the end all goes well
 * again and time passes: then nothing is left, in the core or in the kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core-agent/anticipation.h"
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/preparation.h"
#include "core-agent/receive.h"
#include "core-agent/registration.h"
#include "core-agent/restore.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "frame.h"
#include "handover_key.h"
#include "log.h"
#include "tests/unit/kernel_fake.h"
#include "tests/unit/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS	  USEC_PER_MSEC
#define SEC	  USEC_PER_SEC
#define STEPS_MAX 64
#define LINES_MAX 128

static struct world *w;
static struct kernel_monitor *monitor;
static bool refused; /* or restarted: what is left in the kernel is for the broom */

static void require_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "line %d\n%s", line, kernel_fake_dump());
	abort();
}

#define require(condition) require_at(condition, __LINE__)

/* --- what must hold at any time ------------------------------------------------------------- */

static void check_subscriber(struct subscriber *subscriber)
{
	const struct binding *b = &subscriber->binding;
	const struct session *s = session_find(&w->core, subscriber->nai);
	const struct path *path = &subscriber->path;

	require(path->kind == PATH_NONE || b->state != BINDING_NONE);
	require((b->state == BINDING_HOME) ==
		(s && s->subscriber == subscriber && s->state != SESSION_PREPARING));
	require((b->state == BINDING_NONE) == !timer_pending(&b->timer));
	require(b->state != BINDING_NONE || !subscriber->anticipations);
	/* Its packets lead to where it is expected, or wait for an old way to be empty. */
	if (subscriber->anticipations || timer_pending(&subscriber->settle))
		return;
	require((path->kind == PATH_NONE) == (b->state == BINDING_NONE));
	require((path->kind == PATH_TUNNEL) == (b->state == BINDING_VISITING));
}

static void check_preparation(const struct preparation *p)
{
	require((p->state == PREPARATION_PREPARED) == (preparation_by_tag(&w->core, p->tag) == p));
	require(p->home || p->path.kind == PATH_NONE);
	require(p->path.kind != PATH_ACCESS || (p->claimed && lladdr_equal(&p->mac, &p->path.mac)));
	require((p->state == PREPARATION_RETURNING) == (p->release > 0));
	require(!p->home || p->state == PREPARATION_RETURNING || timer_pending(&p->timer));
}

static void check_tables(void)
{
	const struct core *core = &w->core;
	struct session *s, *next;
	struct registration *r, *next_registration;
	struct preparation *p, *next_preparation;
	struct subscriber *subscriber, *next_subscriber;
	uint64_t coas = 0, claimed = 0, indexed = 0, stations = 0, expected = 0, held = 0;

	HASH_ITER (hh, core->sessions, s, next) {
		coas += !addr_none(&s->coa);
		claimed += s->claimed;
		indexed += s->access.local_index != 0;
		stations += s->home && s->path->kind == PATH_ACCESS;
		held += s->home && s->path->kind == PATH_HOLD;
		require(!s->registration || s->registration->session == s);
		require(!s->home || !s->subscriber);
		require(s->home || s->subscriber || s->state == SESSION_RELEASED);
		require(s->state != SESSION_PREPARING || s->registration);
		require(s->state == SESSION_PREPARING || s->access.local_index != 0);
		require(s->path->kind != PATH_ACCESS ||
			(s->claimed && lladdr_equal(&s->claim, &s->path->mac)));
	}
	HASH_ITER (hh, core->registrations, r, next_registration) {
		coas += r->took_coa;
		require(!r->session || r->session->registration == r);
	}
	HASH_ITER (hh, core->preparations, p, next_preparation) {
		coas += !addr_none(&p->coa);
		stations += p->path.kind == PATH_ACCESS;
		held += p->path.kind == PATH_HOLD;
		expected += p->claimed;
		check_preparation(p);
	}
	HASH_ITER (hh, core->subscribers, subscriber, next_subscriber) {
		stations += subscriber->path.kind == PATH_ACCESS;
		held += subscriber->path.kind == PATH_HOLD;
		check_subscriber(subscriber);
	}
	require(HASH_COUNT(core->preparations_waiting) == 0);
	require(HASH_CNT(hh_mac, core->preparation_macs) == expected);
	/* Those that have been released linger for a while. */
	require(hold_queues(core->underlay.holding.hold) >= held);
	require(pool_used(core->care_of4) == coas);
	require(HASH_CNT(hh_mac, core->session_macs) == claimed);
	require(HASH_CNT(hh_index, core->session_indices) == indexed);
	require(HASH_COUNT(core->registrations) == HASH_CNT(hh_id, core->registration_ids));
	if (!refused)
		require(kernel_fake_count("neighbour ") == stations);
}

/* --- steps ---------------------------------------------------------------------------------- */

static const char *satellite(uint8_t how)
{
	const char *name = how & 1 ? "s2" : "s1";

	return satellite_find(&w->core, name) ? name : NULL;
}

static void read_all(void)
{
	struct terminal *all[] = {&w->tina, &w->otto};

	for (int i = 0; i < 2; i++) {
		struct terminal *t = all[i];

		terminal_read(w, t);
		if (t->rejected && t->assignment.reason == REASON_RESYNC) {
			t->home_epoch = t->assignment.home_epoch;
			t->counter = t->assignment.counter;
		}
	}
}

static void discover(struct terminal *t, uint8_t how)
{
	if (!satellite(how))
		return;
	if (!(how & 2) || t->discovery_length == 0)
		terminal_discovery(t, how & 4 ? "b.example" : NULL);
	terminal_send(w, t, satellite(how), t->discovery, t->discovery_length);
}

/* With the short proof of this or that move; whether anybody expects that is another matter. */
static void come(uint8_t how)
{
	struct terminal *t = how & 2 ? &w->otto : &w->tina;

	if (!satellite(how))
		return;
	snprintf(t->target, sizeof(t->target), "%s", how & 64 ? "c.example" : "b.example");
	t->number = 1 + (how >> 2 & 3);
	t->mode = how & 32 ? MODE_SOFT : 0;
	terminal_discovery(t, NULL);
	if (how & 128)
		t->discovery[t->discovery_length - 1 - (how >> 2 & 15)] ^= 1;
	terminal_send(w, t, satellite(how), t->discovery, t->discovery_length);
	*t->target = '\0';
	/* What is answered to the garbled one cannot be for it. */
	if (how & 128)
		t->index = 0;
}

/* What a move is announced with, by a terminal or by the core that serves it. */
static void name_move(struct message *m, const struct terminal *t, const char *core, uint8_t how)
{
	message_init(m, how & 2 ? MESSAGE_CORE_DISCONNECT : MESSAGE_HANDOVER_ANNOUNCEMENT, 0);
	message_set_number(m, ATTR_HANDOVER_COUNTER, 1 + (how >> 2 & 3));
	if (!(how & 2))
		message_set_number(m, ATTR_EXPECTED, how & 16 ? 3000 : 100);
	message_set_text(m, ATTR_NEXT_CORE, core);
	if (!(how & 32))
		return;
	message_set_text(m, ATTR_NEXT_SATELLITE, how & 64 ? "s2" : "s1");
	message_set_link_layer(m, &t->mac);
	message_set_addr(m, ATTR_LINK_LOCAL, &t->link_local);
	message_set_number(m, ATTR_MTU, 1300 + how);
}

static void announce(uint8_t how)
{
	struct terminal *t = how & 1 ? &w->otto : &w->tina;
	struct message m;

	if (t->access.remote_index == 0 || !satellite(how >> 7))
		return;
	name_move(&m, t, how & 64 ? "a.example" : "c.example", how);
	terminal_tell(w, t, satellite(how >> 7), &m);
}

/* The core that serves otto says that he comes home. */
static void relay_home(uint8_t how)
{
	struct message m;

	name_move(&m, &w->otto, how & 128 ? "a.example" : "b.example", how);
	message_set_number(&m, ATTR_BINDING, w->core.last_binding - (how & 1));
	far_ask(w, FAR_C, &m);
}

/* The home core of tina has this core prepared. */
static void prepare(uint8_t how)
{
	struct message m;

	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, (uint64_t)(how >> 6) * 500);
	if (how & 16)
		message_set_number(&m, ATTR_HOLD, 1);
	if (how & 32) {
		message_set_text(&m, ATTR_NEXT_SATELLITE, how & 1 ? "s2" : "s1");
		message_set_link_layer(&m, how & 2 ? &w->otto.mac : &w->tina.mac);
		message_set_addr(&m, ATTR_LINK_LOCAL, &w->tina.link_local);
		message_set_number(&m, ATTR_MTU, 1300);
	}
	far_prepare(w, 1 + (how >> 2 & 3), &m);
}

/* A core that was to prepare for otto says that he has come; or would like him to have. */
static void arrive(uint8_t how)
{
	struct far *far = &w->far[how & 1 ? FAR_C : FAR_A];
	const struct message *asked = &far->last[MESSAGE_PROACTIVE_AUTHENTICATION];
	uint64_t counter = w->otto.counter + (how & 16 ? 0 : 1);
	uint8_t arrival[HANDOVER_ARRIVAL];
	struct message m;

	if (asked->binding == 0)
		return;
	if (handover_arrival(arrival, w->otto.root, far->name, 1 + (how >> 2 & 3), counter) < 0)
		return;
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, asked->binding);
	message_set_number(&m, ATTR_COUNTER, counter);
	message_set_octets(&m, ATTR_ARRIVAL, arrival);
	message_set_addr(&m, ATTR_COA, &far->coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 55);
	if (how & 32)
		message_set_number(&m, ATTR_MODE, MODE_SOFT);
	far_ask(w, how & 2 ? FAR_A : (int)(far - w->far), &m);
	w->otto.counter = counter;
}

/* Something for tina or otto, which the hold may be waiting for. */
static void send_packet(uint8_t how)
{
	uint8_t packet[28] = {0x45,	[3] = 28, [8] = 64, [9] = 17, [12] = 192, [14] = 2,
			      [15] = 9, 10,	  1,	    0,	      7,	  [27] = how};

	if (how & 1) {
		packet[17] = 2;
		packet[19] = 9;
	}
	kernel_fake_tun_send("sno-buf", packet, sizeof(packet));
}

static void speak(struct terminal *t, uint8_t how)
{
	static const enum message_type types[] = {MESSAGE_CORE_DISCONNECT, MESSAGE_CORE_DISCONNECT,
						  MESSAGE_HANDOVER_DONE, MESSAGE_RELEASE_ACK};
	struct message m;

	if (t->access.remote_index == 0 || !satellite(how))
		return;
	message_init(&m, types[how >> 1 & 3], 0);
	if (m.type == MESSAGE_RELEASE_ACK)
		message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	else if (m.type == MESSAGE_HANDOVER_DONE)
		message_set_number(&m, ATTR_GAP, how);
	else if (how & 2)
		message_set_number(&m, ATTR_LIFETIME, 0);
	if (m.type == MESSAGE_HANDOVER_DONE)
		message_set_number(&m, ATTR_REGISTRATION_TIME, how);
	terminal_tell(w, t, satellite(how), &m);
}

static void pass(uint8_t how)
{
	static const usec_t spans[] = {0,	1 * MS,	 20 * MS,  200 * MS,
				       1 * SEC, 3 * SEC, 11 * SEC, 70 * SEC};

	world_run(w, how >= 250 ? 150 * SEC : spans[how & 7]);
}

/* How the home core of tina behaves from now on. */
static void behave(uint8_t how)
{
	static const enum message_type held[] = {0, MESSAGE_TUNNEL_REQUEST, MESSAGE_AUTHENTICATION,
						 MESSAGE_RELEASE};
	static const enum reason reasons[] = {REASON_ACCEPTED, REASON_STALE_BINDING};
	struct far *a = &w->far[FAR_A];

	a->hold_type = held[how & 3];
	a->tunnel_reason = reasons[how >> 2 & 1];
	a->authentication_reason = how & 8 ? REASON_RESYNC : REASON_ACCEPTED;
	a->error_type = how & 16 ? MESSAGE_TUNNEL_REQUEST : 0;
	a->mute = how & 32;
	a->cut = how & 64;
	w->far[FAR_C].cut = how & 128;
}

/* ... and what else is there to choose. */
static void behave_ahead(uint8_t how)
{
	static const enum message_type held[] = {0, MESSAGE_PROACTIVE_AUTHENTICATION,
						 MESSAGE_HANDOVER_ANNOUNCEMENT,
						 MESSAGE_CORE_DISCONNECT};

	w->far[FAR_A].combined = how & 1;
	w->far[FAR_A].uplink_delay = how & 2 ? 3000 : 0;
	w->far[FAR_A].hold_type = held[how >> 2 & 3];
	w->far[FAR_C].prepare_reason = how & 16 ? REASON_BUSY : REASON_ACCEPTED;
	w->far[FAR_C].delay = how & 32 ? 30 * MS : 0;
	w->far[FAR_C].mute = how & 64;
}

static void answer(uint8_t how)
{
	struct far *a = &w->far[FAR_A];

	if (a->held_count == 0)
		return;
	far_answer(w, FAR_A, how % a->held_count);
	a->held_count--;
	memmove(&a->held[how % (a->held_count + 1)], &a->held[how % (a->held_count + 1) + 1],
		(a->held_count - how % (a->held_count + 1)) * sizeof(a->held[0]));
}

static void release(uint8_t how)
{
	static const enum reason reasons[] = {REASON_TERMINAL_MOVED, REASON_ADMINISTRATIVE,
					      REASON_LIFETIME_EXPIRED, REASON_TERMINAL_LEFT};
	int which = how & 1 ? FAR_C : FAR_A;
	struct message m;
	uint64_t binding;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reasons[how >> 1 & 3]);
	/* One of tina's, or otto's newest. */
	binding = how & 8 ? w->core.last_binding : w->far[FAR_A].binding + 1 - (how >> 4 & 3);
	message_set_number(&m, ATTR_BINDING, binding ? binding : 1);
	far_ask(w, which, &m);
}

static void restart_far(uint8_t how)
{
	static const uint8_t kinds[] = {TUNNEL_GRE4 | TUNNEL_GPE4, TUNNEL_GPE4, TUNNEL_IPIP4,
					TUNNEL_GRE6};
	struct far *a = &w->far[FAR_A];

	a->kinds = kinds[how & 3];
	if (!a->cut && !w->far[FAR_C].cut && peer_find(&w->core, "a.example") &&
	    peer_find(&w->core, "c.example"))
		far_restart(w, how & 4 ? FAR_C : FAR_A);
}

/* A far core acts for otto, who may be there, or for a recording of him. */
static void visit(uint8_t how)
{
	int which = how & 1 ? FAR_C : FAR_A;
	struct message discovery, m;
	struct addr coa;

	if (how & 2) {
		message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
		message_set_number(&m, ATTR_BINDING, w->core.last_binding - (how >> 6));
		require(addr_parse(&coa, which == FAR_A ? "198.51.100.5" : "203.0.113.5") == 0);
		message_set_addr(&m, ATTR_COA, &coa);
		message_set_number(&m, ATTR_TUNNEL_KIND, how & 4 ? TUNNEL_GPE4 : TUNNEL_GRE4);
		message_set_number(&m, ATTR_TUNNEL_KEY, 1 + how);
	} else {
		if (!(how & 8) || w->otto.discovery_length == 0)
			terminal_discovery(&w->otto, NULL);
		require(message_read(&discovery, PLACE_CLEAR, w->otto.discovery,
				     w->otto.discovery_length) == DROP_NONE);
		message_init(&m, MESSAGE_AUTHENTICATION, 0);
		message_set_text(&m, ATTR_REALM, discovery.realm);
		message_set_number(&m, ATTR_INDEX, discovery.id);
		message_set_blob(&m, ATTR_HANDSHAKE, discovery.handshake.bytes,
				 discovery.handshake.length);
	}
	far_ask(w, which, &m);
}

/* Short lives: an input is over soon. */
#define LIFETIME 20
#define TIMERS	 " timers = { lifetime = 20.0; stale = 10.0; };"
#define POOLS                                                                                      \
	"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"198.51.100.128/25\" ]; };" TIMERS
#define OTHER_POOLS                                                                                \
	"pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ \"203.0.113.128/30\" ]; };" TIMERS

static const struct world_text variants[] = {
	{.pools = POOLS},
	{.pools = POOLS, .satellites = "{ name = \"s1\"; interface = \"feed-s1\"; }"},
	{.pools = POOLS,
	 .satellites = "{ name = \"s1\"; interface = \"feed-s2\"; }, "
		       "{ name = \"s2\"; interface = \"feed-s1\"; }"},
	{.pools = OTHER_POOLS},
	{.pools = POOLS,
	 .subscribers =
		 "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = \"10.2.0.10\"; }"},
	{.pools = POOLS, .subscribers = " "},
	{.pools = POOLS, .peers = WORLD_PEER_A},
	{.pools = POOLS, .peers = " "},
};

/* No better than that. */
static const struct world_text modes[] = {
	{.pools = POOLS " handover = { mode = \"baseline\"; };"},
	{.pools = POOLS " handover = { mode = \"combined\"; };"},
	{.pools = POOLS " handover = { mode = \"proactive\"; };"},
	{.pools = POOLS " handover = { mode = \"predictive\"; prepared_for = 0.2; };"},
};

static void reload(uint8_t how)
{
	if (how & 0x80) {
		refused = true;
		kernel_fake_fail_at(0, 0);
		world_restart(w, NULL);
		return;
	}
	world_reload(w, how & 0x40 ? &modes[how & 3] : &variants[how & 7]);
}

/* What somebody else does to links; the core hears of it. */
static void disturb(uint8_t how)
{
	unsigned int device = w->core.underlay.device[1 + (how >> 3 & 3)];

	switch (how & 7) {
	case 0:
	case 1:
		kernel_fake_carrier(how & 1 ? w->port1 : w->port2, how & 0x80);
		break;
	case 2:
	case 3:
		kernel_link_set_master(w->kernel, how & 1 ? w->port1 : w->port2, 0);
		break;
	case 4:
		kernel_link_delete(w->kernel, w->core.underlay.bridge);
		break;
	case 5:
		kernel_link_set_up(w->kernel, w->core.underlay.bridge, false);
		break;
	default:
		if (device)
			kernel_link_delete(w->kernel, device);
		break;
	}
	refused = true;
}

/* Octets from a stranger: a true datagram with some of it changed. */
static void garble(uint8_t how)
{
	struct terminal *t = how & 1 ? &w->tina : &w->otto;
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct endpoint stranger = {.port = 6275};

	if (t->discovery_length == 0)
		return;
	memcpy(octets, t->discovery, t->discovery_length);
	octets[how % t->discovery_length] ^= (uint8_t)(1 + how);
	if (how & 2 && satellite(how >> 2))
		terminal_send(w, t, satellite(how >> 2), octets, t->discovery_length);
	require(addr_parse(&stranger.addr, "203.0.113.99") == 0);
	peer_receive(&w->core, &stranger, octets, t->discovery_length, w->now);
}

static void borrow_address(uint8_t how)
{
	static const struct lladdr own = {{2, 0, 0, 0, 1, 2}};

	w->otto.mac = how & 1 ? w->tina.mac : own;
	w->otto.link_local = lladdr_link_local(&w->otto.mac);
}

static void step(uint8_t what, uint8_t how)
{
	switch (what % 24) {
	case 0:
	case 1:
		discover(&w->tina, how);
		break;
	case 2:
		discover(&w->otto, how);
		break;
	case 3:
	case 4:
		pass(how);
		break;
	case 5:
		kernel_fake_fail_at(1 + how % 24, -ENOBUFS);
		refused = true;
		break;
	case 6:
		speak(&w->tina, how);
		break;
	case 7:
		speak(&w->otto, how);
		break;
	case 8:
		behave(how);
		break;
	case 9:
		answer(how);
		break;
	case 10:
		release(how);
		break;
	case 11:
		restart_far(how);
		break;
	case 12:
		visit(how);
		break;
	case 13:
		reload(how);
		break;
	case 14:
		disturb(how);
		break;
	case 16:
	case 17:
		come(how);
		break;
	case 18:
		prepare(how);
		break;
	case 19:
		announce(how);
		break;
	case 20:
		arrive(how);
		break;
	case 21:
		relay_home(how);
		break;
	case 22:
		send_packet(how);
		break;
	case 23:
		behave_ahead(how);
		break;
	default:
		if (how & 0x80)
			borrow_address(how);
		else
			garble(how);
		break;
	}
	kernel_monitor_read(monitor);
	world_run(w, 10 * MS);
	read_all();
}

/* --- the whole ------------------------------------------------------------------------------ */

static void kernel_event(const struct kernel_event *event, void *arg)
{
	(void)arg;
	restore_event(&w->core, event, w->now);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The kernel's state, whatever tables the peers have got: sorted lines. The caller frees it. */
static char *kernel_state(void)
{
	char *dump = strdup(kernel_fake_dump()), *rest = dump, *lines[LINES_MAX], *at, *text;
	size_t count = 0, size;
	FILE *out = open_memstream(&text, &size);

	require(dump && out);
	for (at = dump; (at = strstr(at, " 83")); at++)
		memcpy(at, " 83xx", 5);
	while ((at = strsep(&rest, "\n")) && *at && count < LINES_MAX)
		lines[count++] = at;
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", lines[i]);
	fclose(out);
	free(dump);
	return text;
}

/* All goes well again, and the terminals are gone for good. */
static void settle(void)
{
	kernel_fake_fail_at(0, 0);
	w->far[FAR_A].kinds = TUNNEL_GRE4 | TUNNEL_GPE4;
	behave(0);
	behave_ahead(0);
	kernel_monitor_read(monitor);
	world_run(w, 15 * SEC);
	kernel_monitor_read(monitor);
	/* Twice: what the kernel refused at the first time may have been left half done. */
	for (int i = 0; i < 2; i++) {
		require(world_reload(w, &variants[0]) == 0);
		kernel_fake_carrier(w->port1, true);
		kernel_fake_carrier(w->port2, true);
		kernel_monitor_read(monitor);
		world_run(w, 15 * SEC);
	}
	far_restart(w, FAR_A);
	far_restart(w, FAR_C);
	behave(0);
	world_run(w, LIFETIME * SEC + 30 * SEC);
	kernel_monitor_read(monitor);
	world_run(w, 15 * SEC);
}

static void check_idle(const char *idle)
{
	struct subscriber *otto = subscriber_find(&w->core, "otto");
	char *state = kernel_state();

	require(HASH_COUNT(w->core.sessions) == 0);
	require(HASH_COUNT(w->core.registrations) == 0);
	require(HASH_COUNT(w->core.preparations) == 0);
	require(HASH_COUNT(w->core.anticipations) == 0);
	require(hold_queues(w->core.underlay.holding.hold) == 0);
	require(pool_used(w->core.care_of4) == 0);
	require(otto && otto->binding.state == BINDING_NONE);
	if (strcmp(state, idle) != 0) {
		fprintf(stderr, "--- idle\n%s--- now\n%s", idle, state);
		abort();
	}
	free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *idle;

	refused = false;
	w = world_new(POOLS);
	w->far[FAR_A].lifetime = LIFETIME;
	w->otto.home_epoch = w->core.epoch;
	require(addr_parse(&w->far[FAR_A].coa, "198.51.100.5") == 0);
	require(addr_parse(&w->far[FAR_C].coa, "203.0.113.5") == 0);
	require(kernel_monitor_open(&monitor, w->kernel, KERNEL_WATCH_LINKS, 0, kernel_event,
				    NULL) == 0);
	idle = kernel_state();
	for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
		step(data[i], data[i + 1]);
		check_tables();
	}
	settle();
	check_tables();
	check_idle(idle);
	free(idle);
	kernel_monitor_close(monitor);
	world_free(w);
	return 0;
}
