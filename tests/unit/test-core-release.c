/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * That a binding has ended is told until the other core has answered, whoever of the two was away
 * or killed meanwhile, and at whatever moment (PROTOCOL section 4.6).
 */
#include "core-agent/keep.h"
#include "core-agent/peer.h"
#include "core-agent/release.h"
#include "core-agent/session.h"
#include "kernel_fake.h"
#include "otto.h"
#include "tina.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_DEAD (60 * SEC)

/* otto visits A; the number of that binding. */
static struct world *otto_away(uint64_t *binding)
{
	struct world *w;

	world_keeps = true;
	w = otto_world(WORLD_BASELINE);
	*binding = otto_visit(w, FAR_A);
	return w;
}

/* tina visits here, a subscriber of A; the number of that binding. */
static struct world *tina_here(uint64_t *binding)
{
	struct world *w;

	world_keeps = true;
	w = tina_world(NULL);
	terminal_register(w, &w->tina, "s2");
	*binding = tina(w)->binding;
	return w;
}

static unsigned int told(const struct world *w, int which)
{
	return w->far[which].asked[MESSAGE_RELEASE];
}

/* The far core was told that this binding has ended, and is told no more. */
static void told_last(struct world *w, int which, uint64_t binding, enum reason reason)
{
	const unsigned int times = told(w, which);

	assert_true(times > 0);
	assert_true(w->far[which].last[MESSAGE_RELEASE].binding == binding);
	assert_int_equal(w->far[which].last[MESSAGE_RELEASE].reason, reason);
	assert_null(w->core.releases);
	world_run(w, LONG_DEAD);
	world_restart(w, NULL);
	world_run(w, LONG_DEAD);
	assert_int_equal(told(w, which), times);
}

static void told_once(struct world *w, int which, uint64_t binding, enum reason reason)
{
	assert_int_equal(told(w, which), 1);
	told_last(w, which, binding, reason);
}

/* The path to the far core is cut until it is down, and longer than any request is repeated. */
static void away(struct world *w, int which)
{
	w->far[which].cut = true;
	world_run(w, LONG_DEAD);
	assert_false(channel_up(peer_find(&w->core, w->far[which].name)->channel));
}

static void back(struct world *w, int which)
{
	w->far[which].cut = false;
	world_run(w, LONG_DEAD);
	assert_true(channel_up(peer_find(&w->core, w->far[which].name)->channel));
}

/* He comes home while the core that served him is away. */
static void test_peer_away(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	away(w, FAR_A);
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	w->far[FAR_A].cut = false;
	while (!channel_up(peer_find(&w->core, "a.example")->channel))
		world_run(w, 10 * MS);
	/* At once. */
	world_run(w, 50 * MS);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* It goes away after he has come home, before it could answer. */
static void test_peer_goes(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	w->far[FAR_A].cut = true;
	terminal_register(w, &w->otto, "s1");
	away(w, FAR_A);
	back(w, FAR_A);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* It is there, and is not heard for as long as a request is repeated. */
static void test_peer_mute(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	w->far[FAR_A].mute = true;
	terminal_register(w, &w->otto, "s1");
	world_run(w, LONG_DEAD);
	assert_true(channel_up(peer_find(&w->core, "a.example")->channel));
	assert_true(told(w, FAR_A) >= 1);
	w->far[FAR_A].mute = false;
	w->far[FAR_A].asked[MESSAGE_RELEASE] = 0;
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* Softly, and that too is told. */
static void test_softly(void **state)
{
	uint64_t binding;
	struct world *w;

	(void)state;
	world_keeps = true;
	w = otto_world(NULL);
	binding = otto_visit(w, FAR_A);
	w->otto.mode = MODE_SOFT;
	w->far[FAR_A].cut = true;
	terminal_register(w, &w->otto, "s1");
	world_restart(w, NULL);
	back(w, FAR_A);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].mode, MODE_SOFT);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* This core is restarted before the answer, the far core away or not. */
static void test_restarted(void **state)
{
	(void)state;
	for (int is_away = 0; is_away < 2; is_away++) {
		uint64_t binding;
		struct world *w = otto_away(&binding);

		w->far[FAR_A].cut = true;
		terminal_register(w, &w->otto, "s1");
		if (is_away)
			away(w, FAR_A);
		world_restart(w, NULL);
		back(w, FAR_A);
		told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
		world_free(w);
	}
}

/* Who has forgotten everything need not be told; nor who is no peer any more. */
static void test_forgotten(void **state)
{
	static const struct world_text without_a = {.peers = WORLD_PEER_C};
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	w->far[FAR_A].cut = true;
	terminal_register(w, &w->otto, "s1");
	assert_non_null(w->core.releases);
	w->far[FAR_A].cut = false;
	far_restart(w, FAR_A);
	world_run(w, LONG_DEAD);
	assert_int_equal(told(w, FAR_A), 0);
	assert_null(w->core.releases);
	world_free(w);

	for (int restarts = 0; restarts < 2; restarts++) {
		w = otto_away(&binding);
		away(w, FAR_A);
		terminal_register(w, &w->otto, "s1");
		if (restarts)
			world_restart(w, &without_a);
		else
			assert_int_equal(world_reload(w, &without_a), 0);
		assert_null(w->core.releases);
		world_free(w);
	}
}

static const struct world_text changed = {
	.peers = "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\";"
		 " home_prefixes = [ \"10.1.0.0/24\", \"10.9.0.0/24\", \"2001:db8:a::/64\" ];"
		 " care_of_prefixes = [ \"198.51.100.0/25\" ]; }, " WORLD_PEER_C};

/* A peer that is configured otherwise is the same one to which that is owed. */
static void test_changed(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	away(w, FAR_A);
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(world_reload(w, &changed), 0);
	back(w, FAR_A);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* Whom he visits is told, if it is configured otherwise: with that his binding there is over. */
static void test_changed_at_once(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	assert_int_equal(world_reload(w, &changed), 0);
	world_run(w, LONG_DEAD);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	/* Over the former channel, and over the new one, where that has not heard the answer. */
	told_last(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* The same for a visitor of ours. */
static void test_home_changed(void **state)
{
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	assert_int_equal(world_reload(w, &changed), 0);
	world_run(w, LONG_DEAD);
	assert_null(tina(w));
	told_last(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* He is no subscriber any more after a restart. */
static void test_without_subscriber(void **state)
{
	static const struct world_text nobody = {.subscribers = " "};
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	world_restart(w, &nobody);
	assert_null(otto(w));
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* He has other home addresses after a restart, to which nothing leads where he is. */
static void test_other_addresses(void **state)
{
	static const struct world_text other = {
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; "
			       "home4 = \"10.2.0.8\"; }"};
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	world_restart(w, &other);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	world_free(w);
}

/* Her care-of address is in no pool after a restart: whoever sends to it is to know. */
static void test_other_care_of(void **state)
{
	static const struct world_text other = {
		.pools = "pools = { home4 = [ \"10.2.0.0/24\" ];"
			 " care_of4 = [ \"198.51.101.128/25\" ]; };"};
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	world_restart(w, &other);
	world_run(w, LONG_DEAD);
	assert_null(tina(w));
	told_once(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* One that is configured no more goes when it has been told of the last one that it served. */
static void test_drained(void **state)
{
	static const struct world_text without_a = {.peers = WORLD_PEER_C};
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	assert_int_equal(world_reload(w, &without_a), 0);
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	terminal_register(w, &w->otto, "s1");
	world_run(w, 11 * SEC);
	assert_non_null(peer_find(&w->core, "a.example"));
	assert_true(told(w, FAR_A) > 0);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].binding, binding);
	w->far[FAR_A].hold_type = (enum message_type)0;
	world_run(w, 20 * SEC);
	assert_null(w->core.releases);
	assert_null(peer_find(&w->core, "a.example"));
	world_free(w);
}

/* Numbers are the home core's choice: what it owes one peer is nothing that it owes another. */
static void test_same_number(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	away(w, FAR_C);
	release_send(peer_find(&w->core, "c.example"), 7, REASON_ADMINISTRATIVE, w->now);
	release_send(peer_find(&w->core, "a.example"), 7, REASON_TERMINAL_MOVED, w->now);
	world_run(w, SEC);
	assert_int_equal(told(w, FAR_A), 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_MOVED);
	assert_non_null(w->core.releases);
	back(w, FAR_C);
	told_once(w, FAR_C, 7, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* A peer that never answers is not owed without end. */
static void test_limit(void **state)
{
	struct world *w = world_new(NULL);
	struct peer *peer = peer_find(&w->core, "a.example");

	(void)state;
	away(w, FAR_A);
	log_set_level(LOG_LEVEL_ERROR);
	for (uint64_t binding = 1; binding <= 65536 + 10; binding++)
		release_owe(peer, binding, REASON_ADMINISTRATIVE, false, w->now);
	assert_int_equal(HASH_COUNT(w->core.releases), 65536);
	assert_int_equal(peer->releases, 65536);
	world_free(w);
}

/* After a day whatever was bound has ended. */
static void test_expires(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	away(w, FAR_A);
	terminal_register(w, &w->otto, "s1");
	world_run(w, 86000 * SEC);
	assert_non_null(w->core.releases);
	world_run(w, 500 * SEC);
	assert_null(w->core.releases);
	back(w, FAR_A);
	assert_int_equal(told(w, FAR_A), 0);
	world_free(w);
}

/* Killed with the word that he is home just said: A is told by the next life. */
static void test_killed_at_rebinding(void **state)
{
	uint64_t binding;
	struct world *w = otto_away(&binding);

	(void)state;
	/* He goes on to C, and the answer to its tunnel request is the last that leaves. */
	otto_authenticate(w, FAR_C, NULL);
	w->far[FAR_A].asked[MESSAGE_RELEASE] = 0;
	world_kill(w);
	otto_tunnel(w, FAR_C, w->far[FAR_C].last_answer.binding, "203.0.113.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(told(w, FAR_A), 0);
	world_restart(w, NULL);
	assert_ptr_equal(otto_binding(w)->peer, peer_find(&w->core, "c.example"));
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_TERMINAL_MOVED);
	world_free(w);
}

/* What was owed for what has not ended is not told: he is still there. */
static void test_not_ended(void **state)
{
	uint64_t binding, tinas;
	struct world *w = otto_away(&binding);

	(void)state;
	terminal_register(w, &w->tina, "s2");
	tinas = tina(w)->binding;
	release_owe(peer_find(&w->core, "a.example"), binding, REASON_TERMINAL_MOVED, false,
		    w->now);
	release_owe(peer_find(&w->core, "a.example"), tinas, REASON_ADMINISTRATIVE, false, w->now);
	world_restart(w, NULL);
	assert_null(w->core.releases);
	world_run(w, LONG_DEAD);
	assert_int_equal(told(w, FAR_A), 0);
	assert_true(otto_binding(w)->number == binding);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

/* The other way round: whom this core does not serve any more, his home core is told of. */
static void test_visitor(void **state)
{
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	away(w, FAR_A);
	session_evict(tina(w), REASON_ADMINISTRATIVE, w->now);
	world_restart(w, NULL);
	back(w, FAR_A);
	told_once(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* Her satellite is not there any more after a restart: nobody can tell her, but her home core. */
static void test_without_satellite(void **state)
{
	static const struct world_text without = {
		.satellites = "{ name = \"s1\"; interface = \"feed-s1\"; }"};
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	world_restart(w, &without);
	assert_null(tina(w));
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_ADMINISTRATIVE);
	world_free(w);
}

/* Whoever was told accepted finds it carried out, if this core is killed in that moment. */
static void test_killed_at_answer(void **state)
{
	static const struct {
		enum reason reason;
		bool soft;
	} ends[] = {{REASON_TERMINAL_MOVED, false},
		    {REASON_TERMINAL_MOVED, true},
		    {REASON_ADMINISTRATIVE, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct world *w;
		struct message m;
		char *idle;

		world_keeps = true;
		w = tina_world(NULL);
		idle = strdup(kernel_fake_dump());
		terminal_register(w, &w->tina, "s2");
		message_init(&m, MESSAGE_RELEASE, 0);
		message_set_number(&m, ATTR_BINDING, tina(w)->binding);
		message_set_number(&m, ATTR_REASON, ends[i].reason);
		if (ends[i].soft)
			message_set_number(&m, ATTR_MODE, MODE_SOFT);
		world_kill(w);
		far_ask(w, FAR_A, &m);
		world_run(w, 20 * MS);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
		world_restart(w, NULL);
		assert_true(!tina(w) || tina(w)->state == SESSION_DRAINING ||
			    tina(w)->state == SESSION_RELEASED);
		world_run(w, LONG_DEAD);
		tina_gone(w, idle);
		free(idle);
		world_free(w);
	}
}

static void deregister(struct world *w, struct terminal *t, const char *satellite)
{
	struct message m;

	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	terminal_tell(w, t, satellite, &m);
	world_run(w, 20 * MS);
	terminal_read(w, t);
	assert_int_equal(t->received[MESSAGE_DISCONNECTION_ACK], 1);
}

/* Whoever deregisters is gone here at once, and from her home core when that is there again. */
static void test_deregistered(void **state)
{
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	away(w, FAR_A);
	deregister(w, &w->tina, "s2");
	assert_null(tina(w));
	back(w, FAR_A);
	told_once(w, FAR_A, binding, REASON_TERMINAL_LEFT);
	world_free(w);
}

/* Also if the answer to her is the last that this core has done. */
static void test_killed_at_deregistration(void **state)
{
	uint64_t binding;
	struct world *w = tina_here(&binding);

	(void)state;
	world_kill_on_satellite(w);
	deregister(w, &w->tina, "s2");
	assert_int_equal(w->fate, WORLD_DEAD);
	assert_int_equal(told(w, FAR_A), 0);
	world_restart(w, NULL);
	assert_null(tina(w));
	world_run(w, LONG_DEAD);
	told_once(w, FAR_A, binding, REASON_TERMINAL_LEFT);
	world_free(w);
}

/* And at home, where nobody else need know. */
static void test_killed_at_deregistration_at_home(void **state)
{
	struct world *w;

	(void)state;
	world_keeps = true;
	w = otto_world(NULL);
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	world_kill_on_satellite(w);
	deregister(w, &w->otto, "s1");
	assert_int_equal(w->fate, WORLD_DEAD);
	world_restart(w, NULL);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_null(session_find(&w->core, "otto@b.example"));
	world_free(w);
}

/* Likewise where the visited core says that he has left, or that it serves him no more. */
static void test_killed_at_home(void **state)
{
	(void)state;
	for (int leaves = 0; leaves < 2; leaves++) {
		uint64_t binding;
		struct world *w = otto_away(&binding);
		struct message m;

		message_init(&m, leaves ? MESSAGE_CORE_DISCONNECT : MESSAGE_RELEASE, 0);
		message_set_number(&m, ATTR_BINDING, binding);
		if (leaves)
			message_set_number(&m, ATTR_LIFETIME, 0);
		else
			message_set_number(&m, ATTR_REASON, REASON_TERMINAL_LEFT);
		world_kill(w);
		far_ask(w, FAR_A, &m);
		world_run(w, 20 * MS);
		assert_int_equal(w->fate, WORLD_DEAD);
		world_restart(w, NULL);
		assert_int_equal(otto_binding(w)->state, BINDING_NONE);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_away),
		cmocka_unit_test(test_peer_goes),
		cmocka_unit_test(test_peer_mute),
		cmocka_unit_test(test_softly),
		cmocka_unit_test(test_restarted),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_changed_at_once),
		cmocka_unit_test(test_home_changed),
		cmocka_unit_test(test_without_subscriber),
		cmocka_unit_test(test_other_addresses),
		cmocka_unit_test(test_other_care_of),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_same_number),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_without_satellite),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_killed_at_rebinding),
		cmocka_unit_test(test_not_ended),
		cmocka_unit_test(test_visitor),
		cmocka_unit_test(test_killed_at_answer),
		cmocka_unit_test(test_killed_at_home),
		cmocka_unit_test(test_deregistered),
		cmocka_unit_test(test_killed_at_deregistration),
		cmocka_unit_test(test_killed_at_deregistration_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
