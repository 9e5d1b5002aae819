/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core that goes on with its life after a restart: terminals and peers notice nothing, nothing
 * that may be used once is used twice, and what the configuration has taken away meanwhile ends.
 */
#include "core-agent/keep.h"
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/satellite.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "cursor.h"
#include "frame.h"
#include "kernel_fake.h"
#include "otto.h"
#include "tina.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* otto at home on s1, tina visiting on s2. */
static struct world *world_served(void)
{
	struct world *w;

	world_keeps = true;
	w = world_new(NULL);
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	return w;
}

static struct session *session_of(struct world *w, const char *nai)
{
	return session_find(&w->core, nai);
}

/* A message that is answered, whatever it is about. */
static void tell_done(struct world *w, struct terminal *t, const char *satellite)
{
	struct message m;

	message_init(&m, MESSAGE_HANDOVER_DONE, ++t->next_request);
	message_set_number(&m, ATTR_GAP, 1000);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 1000);
	terminal_tell(w, t, satellite, &m);
	world_run(w, 200 * MS);
	terminal_read(w, t);
}

static void test_unnoticed(void **state)
{
	struct world *w = world_served();
	const uint64_t epoch = w->core.epoch;
	const struct addr coa = session_of(w, "tina@a.example")->coa;
	const struct path path = session_of(w, "tina@a.example")->own_path;
	const uint32_t key = peer_find(&w->core, "a.example")->tunnel_key;
	const uint16_t mark = w->core.access_mark;
	char *kernel = strdup(kernel_fake_dump());
	const struct session *s;

	(void)state;
	w->carried = 0;
	kernel_fake_log_clear();
	world_restart(w, NULL);
	/* Nothing was away for a moment. */
	assert_string_equal(kernel_fake_dump(), kernel);
	assert_int_equal(kernel_fake_log_find("route delete", 1), 0);
	world_run(w, 2 * SEC);
	assert_string_equal(kernel_fake_dump(), kernel);
	assert_true(w->core.epoch == epoch);
	assert_int_equal(w->core.access_mark, mark);
	assert_int_equal(peer_find(&w->core, "a.example")->tunnel_key, key);
	for (int i = 0; i < 2; i++) {
		assert_true(channel_up(w->far[i].channel));
		assert_int_equal(channel_counters(w->far[i].channel)->restarts_seen, 0);
	}
	s = session_of(w, "tina@a.example");
	assert_int_equal(s->state, SESSION_REGISTERED);
	assert_true(path_equal(&s->own_path, &path));
	assert_true(addr_equal(&s->coa, &coa));
	assert_int_equal(pool_used(w->core.care_of4), 1);
	s = session_of(w, "otto@b.example");
	assert_ptr_equal(s->path, &s->subscriber->path);
	assert_int_equal(s->subscriber->binding.state, BINDING_HOME);
	/* Nobody was told anything, and both are answered under the keys they have. */
	assert_int_equal(w->otto.received[MESSAGE_RELEASE], 0);
	tell_done(w, &w->otto, "s1");
	tell_done(w, &w->tina, "s2");
	assert_int_equal(w->otto.received[MESSAGE_HANDOVER_DONE_ACK], 1);
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_DONE_ACK], 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_DONE], 1);
	/* And lifetimes go on from where they were. */
	world_run(w, 400 * SEC);
	assert_null(session_of(w, "tina@a.example"));
	assert_int_equal(pool_used(w->core.care_of4), 0);
	free(kernel);
	world_free(w);
}

/* A terminal that was restarted itself asks by a keepalive, as often as it likes. */
static void asks(struct world *w, struct terminal *t, const char *satellite)
{
	uint8_t datagram[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	message_init(&m, MESSAGE_KEEPALIVE, 0);
	length = access_seal(&t->access, &m, datagram, sizeof(datagram));
	assert_true(length > 0);
	terminal_send(w, t, satellite, datagram, (size_t)length);
	world_run(w, 20 * MS);
	terminal_read(w, t);
}

static void test_asked(void **state)
{
	struct world *w = world_served();

	(void)state;
	asks(w, &w->tina, "s2");
	assert_int_equal(w->tina.received[MESSAGE_KEEPALIVE], 1);
	world_restart(w, NULL);
	asks(w, &w->tina, "s2");
	asks(w, &w->otto, "s1");
	assert_int_equal(w->tina.received[MESSAGE_KEEPALIVE], 2);
	assert_int_equal(w->otto.received[MESSAGE_KEEPALIVE], 1);
	/* Not from elsewhere. */
	asks(w, &w->tina, "s1");
	assert_int_equal(w->tina.received[MESSAGE_KEEPALIVE], 2);
	/* Nor is one served that has said farewell. */
	session_left(session_of(w, "tina@a.example"), w->now);
	asks(w, &w->tina, "s2");
	assert_int_equal(w->tina.received[MESSAGE_KEEPALIVE], 2);
	world_free(w);
}

/*
 * A terminal that has missed a core for a while registers anew. Its packets go on coming by the
 * same care-of address and key, so that it costs none.
 */
static void test_registers_anew(void **state)
{
	struct world *w = world_served();
	const struct far *a = &w->far[FAR_A];
	const struct message *asked = &a->last[MESSAGE_TUNNEL_REQUEST];
	const struct path path = session_of(w, "tina@a.example")->own_path;
	const unsigned int before = a->asked[MESSAGE_TUNNEL_REQUEST];

	(void)state;
	world_restart(w, NULL);
	world_run(w, 2 * SEC);
	kernel_fake_log_clear();
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	assert_int_equal(a->asked[MESSAGE_TUNNEL_REQUEST], before + 1);
	assert_int_equal(asked->tunnel_key, path.key);
	assert_true(addr_equal(&asked->coa, &path.outer_dst));
	assert_true(path_equal(&session_of(w, "tina@a.example")->own_path, &path));
	assert_int_equal(kernel_fake_calls(), 0);
	world_free(w);
}

/* What is counted for operators is what it was. */
static void test_counts(void **state)
{
	struct world *w = world_served();

	(void)state;
	otto_visit(w, FAR_A);
	world_restart(w, NULL);
	assert_int_equal(w->core.away, 1);
	assert_int_equal(peer_find(&w->core, "a.example")->bindings, 1);
	assert_int_equal(session_of(w, "tina@a.example")->satellite->terminals, 1);
	world_run(w, 400 * SEC);
	assert_int_equal(w->core.away, 0);
	assert_int_equal(peer_find(&w->core, "a.example")->bindings, 0);
	assert_int_equal(satellite_find(&w->core, "s2")->terminals, 0);
	world_free(w);
}

/* Tunnels are what they were, also in what routers on the way may do with their packets. */
static void test_protected(void **state)
{
	struct world *w;
	struct path path;

	(void)state;
	world_protected = true;
	w = world_served();
	otto_visit(w, FAR_A);
	path = otto(w)->path;
	assert_int_equal(path.kind, PATH_TUNNEL);
	assert_true(path.df);
	world_restart(w, NULL);
	assert_true(path_equal(&otto(w)->path, &path));
	world_run(w, 2 * SEC);
	assert_true(path_equal(&otto(w)->path, &path));
	world_free(w);
}

static int unprotect(void **state)
{
	(void)state;
	world_protected = false;
	return 0;
}

/* The kernel had lost it meanwhile: it is put in place. */
static void test_kernel_forgot(void **state)
{
	struct world *w = world_served();

	(void)state;
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	forwarding_clear(&w->core, &session_of(w, "tina@a.example")->own_path);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 0);
	world_restart(w, NULL);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	world_free(w);
}

/* Whom the kernel refuses is not served any more, and told so; the others go on. */
static void test_refused(void **state)
{
	static const char *const routes[] = {"route replace 10.1.0.7/32",
					     "route replace 10.2.0.9/32"};
	static const char *const nais[] = {"tina@a.example", "otto@b.example"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *w = world_served();
		struct terminal *t = i == 0 ? &w->tina : &w->otto;

		kernel_fake_fail_on(routes[i], -ENOSPC);
		world_restart(w, NULL);
		kernel_fake_fail_on(NULL, 0);
		assert_int_equal(session_of(w, nais[i])->state, SESSION_RELEASED);
		assert_int_equal(session_of(w, nais[1 - i])->state, SESSION_REGISTERED);
		assert_int_equal(pool_used(w->core.care_of4), i);
		assert_int_equal(otto_binding(w)->state, i == 0 ? BINDING_HOME : BINDING_NONE);
		world_run(w, 3 * SEC);
		terminal_read(w, t);
		assert_int_equal(t->last[MESSAGE_RELEASE].reason, REASON_KERNEL_REFUSED);
		terminal_register(w, t, i == 0 ? "s2" : "s1");
		assert_true(t->access.local_index == t->index);
		assert_int_equal(session_of(w, nais[i])->state, SESSION_REGISTERED);
		world_free(w);
	}
}

/* The counter under which the core has sealed its last datagram to a terminal. */
static uint64_t last_counter(const struct world *w)
{
	const struct sent_frame *sent = &w->frames[w->frame_count - 1];
	/* Ethernet, IPv6 and UDP heads, that of the datagram, counter. */
	struct cursor_in c = cursor_in(sent->octets + 14 + 40 + 8 + SNO_HEAD_LENGTH, 8);

	return cursor_get_u64(&c);
}

static void test_counters(void **state)
{
	struct world *w = world_served();
	uint64_t sent, binding;
	uint32_t request;
	struct session *s;

	(void)state;
	for (int i = 0; i < 3; i++)
		tell_done(w, &w->tina, "s2");
	s = session_of(w, "tina@a.example");
	sent = s->access.tx.counter;
	request = w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].id;
	binding = keep_binding_number(&w->core);
	for (int i = 0; i < 3; i++) {
		world_restart(w, NULL);
		world_run(w, 2 * SEC);
		s = session_of(w, "tina@a.example");
		assert_true(s->access.tx.counter >= sent);
		tell_done(w, &w->tina, "s2");
		assert_true(last_counter(w) >= sent);
		sent = s->access.tx.counter;
		assert_true(w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].id > request);
		request = w->far[FAR_A].last[MESSAGE_HANDOVER_DONE].id;
		assert_true(keep_binding_number(&w->core) > binding);
		binding = w->core.last_binding;
		assert_true(binding >> 32 == w->core.epoch >> 32);
	}
	world_free(w);
}

/* Blocks of numbers are set aside before they are used up. */
static void test_blocks(void **state)
{
	struct world *w = world_served();
	uint64_t binding = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		binding = keep_binding_number(&w->core);
	keep_request_id(&w->core, 1000000);
	world_restart(w, NULL);
	assert_true(keep_binding_number(&w->core) > binding);
	world_free(w);
}

/* Nor is any request id used twice by a core that has asked for nothing but echoes, for hours. */
static void test_request_ids(void **state)
{
	struct world *w;

	(void)state;
	world_keeps = true;
	w = world_new(WORLD_POOLS " timers = { keepalive = 0.1; dead_peer = 0.5; };");
	world_run(w, 8000 * SEC);
	world_restart(w, NULL);
	world_run(w, 5 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	world_free(w);
}

/* What was received before a restart is not received once more. */
static void test_replay(void **state)
{
	struct world *w = world_served();
	struct terminal recorded = w->tina;
	uint64_t dropped;

	(void)state;
	tell_done(w, &w->tina, "s2");
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_DONE], 1);
	world_restart(w, NULL);
	world_run(w, 2 * SEC);
	dropped = w->core.counters.drops[DROP_REPLAY];
	/* The same terminal with the same counter seals the same octets. */
	tell_done(w, &recorded, "s2");
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_DONE], 1);
	assert_int_equal(w->core.counters.drops[DROP_REPLAY], dropped + 1);
	world_free(w);
}

/* Nor is what nobody has answered. */
static void test_replay_unanswered(void **state)
{
	struct world *w = world_served();
	struct terminal recorded = w->tina;
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_RELEASE_ACK, 7);
	message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	terminal_tell(w, &w->tina, "s2", &m);
	world_run(w, 100 * MS);
	world_restart(w, NULL);
	assert_int_equal(w->core.counters.drops[DROP_REPLAY], 0);
	terminal_tell(w, &recorded, "s2", &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->core.counters.drops[DROP_REPLAY], 1);
	world_free(w);
}

/* The key of a move that was announced has been given out, whoever asks again. */
static void test_move(void **state)
{
	struct world *w;
	uint8_t key[KEY_LENGTH];

	(void)state;
	world_keeps = true;
	w = otto_world(NULL);
	terminal_register(w, &w->otto, "s1");
	otto_agree(w, MESSAGE_HANDOVER_ANNOUNCEMENT, 1, "a.example", MODE_PREDICTIVE);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_PROACTIVE_AUTHENTICATION], 1);
	world_restart(w, NULL);
	assert_int_equal(root_next(&otto(w)->root), 2);
	assert_int_equal(root_give(&otto(w)->root, "a.example", 1, key), -EEXIST);
	world_free(w);
}

/* A recorded discovery is worth nothing after a restart either. */
static void test_replayed_discovery(void **state)
{
	struct world *w = world_served();
	struct terminal recorded = w->otto;

	(void)state;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	world_restart(w, NULL);
	world_run(w, 2 * SEC);
	terminal_send(w, &recorded, "s1", recorded.discovery, recorded.discovery_length);
	world_run(w, 500 * MS);
	assert_string_equal(session_of(w, "otto@b.example")->satellite->name, "s2");
	/* A new one is accepted at once, without asking for epoch and counter. */
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_int_equal(w->otto.assignment.reason, REASON_ACCEPTED);
	world_free(w);
}

/* A registration whose answer was lost is answered by the core that goes on, under the same key. */
static void test_answer_lost(void **state)
{
	struct world *w;

	(void)state;
	world_keeps = true;
	w = world_new(NULL);
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, "s2", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 500 * MS);
	assert_int_equal(session_of(w, "tina@a.example")->state, SESSION_REGISTERED);
	w->frame_count = 0;
	world_restart(w, NULL);
	terminal_send(w, &w->tina, "s2", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 500 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	tell_done(w, &w->tina, "s2");
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_DONE_ACK], 1);
	/* It has it: what comes now is a late copy, with nothing behind it. */
	world_restart(w, NULL);
	terminal_send(w, &w->tina, "s2", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 500 * MS);
	assert_int_equal(w->core.counters.sent[MESSAGE_REGISTRATION_DONE], 0);
	assert_int_equal(session_of(w, "tina@a.example")->state, SESSION_REGISTERED);
	world_free(w);
}

/* So is that of a visitor who was expected, whose packets go on coming to it. */
static void arrival_lost(unsigned int wishes)
{
	struct world *w;
	struct path path;

	world_keeps = true;
	w = tina_world(NULL);
	tina_prepare(w, 1, wishes);
	tina_expected(w);
	if (wishes & HOLD)
		tina_send('1');
	tina_comes(w, 1, "s1");
	world_run(w, 20 * MS);
	path = tina(w)->own_path;
	assert_int_equal(path.kind, PATH_ACCESS);
	w->frame_count = 0;
	world_restart(w, NULL);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_true(path_equal(&tina(w)->own_path, &path));
	assert_int_equal(tina(w)->buffered, wishes & HOLD ? 1 : 0);
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 500 * MS);
	tina_arrived(w);
	world_free(w);
}

static void test_arrival_lost(void **state)
{
	(void)state;
	arrival_lost(0);
	arrival_lost(HOLD);
	arrival_lost(HOLD | LINK);
}

/* What an attempt has changed so far is the attempt's, and that ends with the process. */
static void test_attempt(void **state)
{
	struct world *w = world_served();
	const struct session *s = session_of(w, "tina@a.example");
	const struct path path = s->own_path;
	struct terminal old = w->tina;

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	w->tina.mac.bytes[5] ^= 0x80; /* of another link */
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 50 * MS);
	assert_non_null(s->registration);
	assert_false(path_equal(&s->own_path, &path));
	/* Meanwhile it is heard where it was. */
	asks(w, &old, "s2");
	assert_int_equal(old.received[MESSAGE_KEEPALIVE], 1);
	world_restart(w, NULL);
	s = session_of(w, "tina@a.example");
	assert_int_equal(s->state, SESSION_REGISTERED);
	assert_true(path_equal(&s->own_path, &path));
	asks(w, &old, "s2");
	assert_int_equal(old.received[MESSAGE_KEEPALIVE], 2);
	world_free(w);
}

/* Nor does it help that the subscriber was away meanwhile, by a restart or by a reload. */
static void test_counter_outlives(void **state)
{
	static const struct world_text nobody = {.subscribers = " "}, again = {0};
	struct world *w = world_served();
	const uint64_t counter = subscriber_find(&w->core, "otto")->counter;

	(void)state;
	assert_true(counter > 0);
	world_restart(w, &nobody);
	assert_null(subscriber_find(&w->core, "otto"));
	world_restart(w, &again);
	assert_true(subscriber_find(&w->core, "otto")->counter >= counter);
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.counter > counter);
	assert_int_equal(world_reload(w, &nobody), 0);
	world_restart(w, &again);
	assert_true(subscriber_find(&w->core, "otto")->counter >= w->otto.counter);
	world_free(w);
}

/* No key of one move is given out twice, nor is one of a move that is over. */
static void test_root(void **state)
{
	struct world *w = world_served();
	struct subscriber *s = subscriber_find(&w->core, "otto");
	uint8_t first[KEY_LENGTH], key[KEY_LENGTH];

	(void)state;
	assert_int_equal(root_give(&s->root, "a.example", 4, first), 0);
	root_announced(&s->root, 4);
	keep_subscriber(s);
	world_restart(w, NULL);
	s = subscriber_find(&w->core, "otto");
	assert_int_equal(root_next(&s->root), 5);
	assert_int_equal(root_give(&s->root, "a.example", 4, key), -EEXIST);
	assert_int_equal(root_give(&s->root, "c.example", 4, key), 0);
	assert_int_equal(root_give(&s->root, "a.example", 5, key), 0);
	assert_int_equal(handover_key(key, s->root.key, "a.example", 4), 0);
	assert_memory_equal(key, first, KEY_LENGTH);
	world_free(w);
}

/* A root that has served more targets than a row can hold is forgotten, and nothing else is. */
static void test_root_too_large(void **state)
{
	struct world *w = world_served();
	struct subscriber *s = subscriber_find(&w->core, "otto");
	const uint64_t counter = s->counter;
	uint8_t key[KEY_LENGTH];

	(void)state;
	assert_true(counter > 0);
	for (unsigned int i = 0; i < 200; i++) {
		char target[SNO_NAME_MAX + 1];

		snprintf(target, sizeof(target), "core-%u.with.a.name.of.some.length.example", i);
		assert_int_equal(root_give(&s->root, target, 4, key), 0);
	}
	keep_subscriber(s);
	world_restart(w, NULL);
	s = subscriber_find(&w->core, "otto");
	assert_true(s->counter == counter);
	assert_int_equal(s->binding.state, BINDING_HOME);
	assert_false(s->root.known);
	assert_int_equal(session_of(w, "otto@b.example")->state, SESSION_REGISTERED);
	world_free(w);
}

/* After a boot of the machine it is another life, in which addresses are the same. */
static void test_boot(void **state)
{
	const struct world_text leasing = {
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; }"};
	struct world *w;
	uint64_t epoch;
	struct addr hoa4, other;

	(void)state;
	world_keeps = true;
	w = world_new(NULL);
	world_restart(w, &leasing);
	epoch = w->core.epoch;
	assert_int_equal(pool_take(w->core.home4, &other), 0);
	w->otto.home_epoch = epoch;
	terminal_register(w, &w->otto, "s1");
	hoa4 = subscriber_find(&w->core, "otto")->hoa4;
	assert_false(addr_none(&hoa4));
	/* What is in the database by then, that is. */
	assert_int_equal(store_begin(w->core.store), 0);
	world_boot(w);
	world_restart(w, NULL);
	world_run(w, 2 * SEC);
	assert_false(w->core.epoch == epoch);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(subscriber_find(&w->core, "otto")->binding.state, BINDING_NONE);
	assert_true(addr_equal(&subscriber_find(&w->core, "otto")->hoa4, &hoa4));
	assert_int_equal(pool_used(w->core.home4), 1);
	assert_int_equal(channel_counters(w->far[FAR_A].channel)->restarts_seen, 1);
	world_free(w);
}

/* A visitor whose home core is no peer any more is told, and everything of it goes. */
static void test_peer_removed(void **state)
{
	struct world *w = world_served();

	(void)state;
	world_restart(w, &(struct world_text){.peers = WORLD_PEER_C});
	world_run(w, 500 * MS);
	terminal_read(w, &w->tina);
	assert_int_not_equal(w->tina.received[MESSAGE_RELEASE], 0);
	assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_ADMINISTRATIVE);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(session_of(w, "otto@b.example")->state, SESSION_REGISTERED);
	world_run(w, 70 * SEC);
	assert_null(session_of(w, "tina@a.example"));
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 0);
	world_free(w);
}

/* The end of a session is an end. */
static void test_ended(void **state)
{
	struct world *w = world_served();
	struct message release;

	(void)state;
	message_init(&release, MESSAGE_RELEASE, 0);
	message_set_number(&release, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&release, ATTR_BINDING, w->far[FAR_A].binding);
	far_ask(w, FAR_A, &release);
	world_run(w, 100 * MS);
	assert_int_equal(session_of(w, "tina@a.example")->state, SESSION_DRAINING);
	world_restart(w, NULL);
	/* It drains until it would have. */
	assert_int_equal(session_of(w, "tina@a.example")->state, SESSION_DRAINING);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_run(w, 3 * SEC);
	assert_null(session_of(w, "tina@a.example"));
	world_restart(w, NULL);
	assert_null(session_of(w, "tina@a.example"));
	assert_int_equal(pool_used(w->core.care_of4), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_unnoticed),
		cmocka_unit_test(test_registers_anew),
		cmocka_unit_test_teardown(test_protected, unprotect),
		cmocka_unit_test(test_kernel_forgot),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_request_ids),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_replay_unanswered),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_replayed_discovery),
		cmocka_unit_test(test_counter_outlives),
		cmocka_unit_test(test_answer_lost),
		cmocka_unit_test(test_arrival_lost),
		cmocka_unit_test(test_attempt),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_root_too_large),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_peer_removed),
		cmocka_unit_test(test_ended),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
