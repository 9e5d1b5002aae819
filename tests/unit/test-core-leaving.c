/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a terminal asks of the core that serves it when it is about to go (PROTOCOL sections 15.2
 * and 15.5): relayed to its home core and answered with what that says, or at once where nothing is
 * prepared; and what happens here when it has gone.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

static struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

static struct world *world_served(const char *pools)
{
	struct world *w = world_new(pools);

	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	return w;
}

static void announce(struct world *w, uint64_t number)
{
	struct message m;

	message_init(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 0);
	message_set_number(&m, ATTR_HANDOVER_COUNTER, number);
	message_set_number(&m, ATTR_EXPECTED, 2000);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s9");
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
}

/* A disconnect that names a move; number 0: one that does not. */
static void leave(struct world *w, uint64_t number)
{
	struct message m;

	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s9");
	if (number)
		message_set_number(&m, ATTR_HANDOVER_COUNTER, number);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
}

static void deregister(struct world *w)
{
	struct message m;

	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
}

/* The home core answers what it has kept, as one that has prepared a core. */
static void home_answers(struct world *w, enum reason reason, bool prepared)
{
	struct far *a = &w->far[FAR_A];
	struct message answer;

	assert_int_equal(a->held_count, 1);
	message_init(&answer, message_answer(a->held[0].type), 0);
	message_set_number(&answer, ATTR_REASON, reason);
	if (prepared) {
		message_set_text(&answer, ATTR_NEXT_CORE, "c.example");
		message_set_number(&answer, ATTR_UPLINK_DELAY, 2500);
		message_set_number(&answer, ATTR_MODE, MODE_PREDICTIVE);
	}
	assert_int_equal(
		request_answer(channel_requests(a->channel), a->held[0].id, &answer, w->now), 0);
	a->held_count = 0;
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
}

static void assert_answered(const struct world *w, enum message_type type, enum reason reason)
{
	assert_int_equal(w->tina.received[type], 1);
	assert_int_equal(w->tina.last[type].reason, reason);
}

/* ---- relayed ------------------------------------------------------------------------------- */

/* She hears from her home core which core expects her. */
static void test_announcement(void **state)
{
	struct world *w = world_served(NULL);
	const struct message *asked = &w->far[FAR_A].last[MESSAGE_HANDOVER_ANNOUNCEMENT];
	const struct message *told = &w->tina.last[MESSAGE_HANDOVER_ANNOUNCEMENT_ACK];

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_HANDOVER_ANNOUNCEMENT;
	announce(w, 5);
	assert_true(asked->binding == w->far[FAR_A].binding);
	assert_true(asked->handover_counter == 5);
	assert_int_equal(asked->expected, 2000);
	assert_string_equal(asked->next_satellite, "s9");
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_ANNOUNCEMENT_ACK], 0);
	home_answers(w, REASON_ACCEPTED, true);
	assert_answered(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, REASON_ACCEPTED);
	assert_string_equal(told->next_core, "c.example");
	assert_int_equal(told->uplink_delay, 2500);
	assert_int_equal(told->mode, MODE_PREDICTIVE);
	/* Nothing has changed here. */
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

/* The disconnect is acknowledged when her home core has: then the old way is empty. */
static void test_disconnect(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_CORE_DISCONNECT;
	leave(w, 5);
	assert_int_equal(w->tina.received[MESSAGE_DISCONNECTION_ACK], 0);
	/* Her link may be gone any moment. */
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	home_answers(w, REASON_ACCEPTED, true);
	assert_answered(w, MESSAGE_DISCONNECTION_ACK, REASON_ACCEPTED);
	assert_string_equal(w->tina.last[MESSAGE_DISCONNECTION_ACK].next_core, "c.example");
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	world_free(w);
}

/* The home core's refusal is its own, and reaches her as it is. */
static void test_not_prepared(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_HANDOVER_ANNOUNCEMENT;
	announce(w, 5);
	home_answers(w, REASON_NOT_PREPARED, false);
	assert_answered(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, REASON_NOT_PREPARED);
	world_free(w);
}

/* ---- no answer ----------------------------------------------------------------------------- */

static void test_home_silent(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].mute = true;
	announce(w, 5);
	world_run(w, 20 * SEC);
	terminal_read(w, &w->tina);
	assert_answered(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, REASON_NOT_PREPARED);
	world_free(w);
}

/* A home core of the time before does not know what an announcement is. */
static void test_home_does_not_know(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].error_type = MESSAGE_HANDOVER_ANNOUNCEMENT;
	announce(w, 5);
	assert_answered(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, REASON_NOT_PREPARED);
	world_free(w);
}

static void test_home_unreachable(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].cut = true;
	world_run(w, 20 * SEC);
	leave(w, 5);
	assert_answered(w, MESSAGE_DISCONNECTION_ACK, REASON_NOT_PREPARED);
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	world_free(w);
}

/* The answer comes when she has registered anew, or has gone: it is nobody's. */
static void test_answer_comes_late(void **state)
{
	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		struct world *w = world_served(NULL);

		w->far[FAR_A].hold_type = MESSAGE_CORE_DISCONNECT;
		leave(w, 5);
		w->far[FAR_A].hold_type = 0;
		if (gone)
			deregister(w);
		else
			terminal_register(w, &w->tina, "s1");
		assert_true(gone == !tina(w));
		w->tina.received[MESSAGE_DISCONNECTION_ACK] = 0;
		home_answers(w, REASON_ACCEPTED, true);
		assert_int_equal(w->tina.received[MESSAGE_DISCONNECTION_ACK], 0);
		world_free(w);
	}
}

/* The same request again while it is being relayed: nothing is asked twice. */
static void test_repeated(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_HANDOVER_ANNOUNCEMENT;
	announce(w, 5);
	w->tina.next_request--;
	announce(w, 5);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_ANNOUNCEMENT], 1);
	home_answers(w, REASON_ACCEPTED, true);
	w->tina.next_request--;
	announce(w, 5);
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_ANNOUNCEMENT_ACK], 2);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_ANNOUNCEMENT], 1);
	world_free(w);
}

/* ---- answered at once ---------------------------------------------------------------------- */

/* Where nothing is prepared nobody waits; the home core is told all the same. */
static void test_modes_below(void **state)
{
	static const struct {
		const char *mode;
		bool waits;
	} modes[] = {{"baseline", false}, {"combined", false}, {"proactive", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char pools[256];
		struct world *w;

		snprintf(pools, sizeof(pools), WORLD_POOLS " handover = { mode = \"%s\"; };",
			 modes[i].mode);
		w = world_served(pools);
		announce(w, 5);
		assert_answered(w, MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, REASON_NOT_PREPARED);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_ANNOUNCEMENT], 0);
		w->far[FAR_A].hold_type = MESSAGE_CORE_DISCONNECT;
		leave(w, 5);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_CORE_DISCONNECT], 1);
		if (modes[i].waits)
			assert_int_equal(w->tina.received[MESSAGE_DISCONNECTION_ACK], 0);
		else
			assert_answered(w, MESSAGE_DISCONNECTION_ACK, REASON_ACCEPTED);
		world_free(w);
	}
}

/* No move is named: the draft's core disconnect. */
static void test_names_no_move(void **state)
{
	struct world *w = world_served(NULL);

	(void)state;
	w->far[FAR_A].mute = true;
	leave(w, 0);
	assert_answered(w, MESSAGE_DISCONNECTION_ACK, REASON_ACCEPTED);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_CORE_DISCONNECT], 1);
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	world_free(w);
}

/* She goes for good, whatever else she says: there is nothing to wait for. */
static void test_final(void **state)
{
	struct world *w = world_served(NULL);
	struct message m;

	(void)state;
	w->far[FAR_A].mute = true;
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "s9");
	message_set_number(&m, ATTR_HANDOVER_COUNTER, 5);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 20 * MS);
	terminal_read(w, &w->tina);
	assert_answered(w, MESSAGE_DISCONNECTION_ACK, REASON_ACCEPTED);
	assert_null(tina(w));
	world_free(w);
}

/* ---- a terminal at home -------------------------------------------------------------------- */

/* Its own core is its home core: it answers for itself. */
static void test_at_home(void **state)
{
	struct world *w = world_new(NULL);
	struct terminal *otto = &w->otto;
	struct message m;

	(void)state;
	otto->home_epoch = w->core.epoch;
	terminal_register(w, otto, "s1");
	assert_true(otto->done);
	message_init(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 0);
	message_set_number(&m, ATTR_HANDOVER_COUNTER, 1);
	message_set_number(&m, ATTR_EXPECTED, 100);
	message_set_text(&m, ATTR_NEXT_CORE, "nowhere.example");
	terminal_tell(w, otto, "s1", &m);
	world_run(w, 20 * MS);
	terminal_read(w, otto);
	assert_int_equal(otto->last[MESSAGE_HANDOVER_ANNOUNCEMENT_ACK].reason, REASON_NOT_PREPARED);
	/* And one whose target is slow, while he registers anew. */
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_HANDOVER_COUNTER, 2);
	message_set_text(&m, ATTR_NEXT_CORE, "c.example");
	w->far[FAR_C].mute = true;
	terminal_tell(w, otto, "s1", &m);
	world_run(w, 20 * MS);
	assert_int_equal(session_find(&w->core, "otto@b.example")->state, SESSION_LEAVING);
	assert_true(subscriber_find(&w->core, "otto")->binding.left);
	terminal_register(w, otto, "s1");
	assert_true(otto->done);
	world_run(w, 5 * SEC);
	assert_int_equal(session_find(&w->core, "otto@b.example")->state, SESSION_REGISTERED);
	world_free(w);
}

/* ---- gone ---------------------------------------------------------------------------------- */

/* Released softly: she still listens here, and gets what is under way. */
static void test_soft_release(void **state)
{
	struct world *w = world_served(NULL);
	char *served = strdup(kernel_fake_dump());
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].binding);
	message_set_number(&m, ATTR_MODE, MODE_SOFT);
	far_ask(w, FAR_A, &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	assert_string_equal(kernel_fake_dump(), served);
	world_run(w, 3 * SEC);
	assert_null(tina(w));
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.session_macs), 0);
	/* Nothing is told to her, who knows. */
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 0);
	free(served);
	world_free(w);
}

/* Another value of MODE there means nothing: what is under way goes back to the home core. */
static void test_other_release(void **state)
{
	struct world *w = world_served(NULL);
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].binding);
	message_set_number(&m, ATTR_MODE, MODE_PREDICTIVE);
	far_ask(w, FAR_A, &m);
	world_run(w, 100 * MS);
	assert_int_equal(kernel_fake_count("encap dst 192.0.2.1 src 192.0.2.2 key 77 ttl 64 mtu "
					   "1400 lock dev sno-gre"),
			 4);
	world_free(w);
}

/* She comes back to where she was released softly, while that lasts. */
static void test_back_after_soft_release(void **state)
{
	struct world *w = world_served(NULL);
	struct message m;

	(void)state;
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_TERMINAL_MOVED);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].binding);
	message_set_number(&m, ATTR_MODE, MODE_SOFT);
	far_ask(w, FAR_A, &m);
	world_run(w, 100 * MS);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	world_run(w, 5 * SEC);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_int_equal(kernel_fake_count("10.1.0.7/32"), 1);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announcement),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_not_prepared),
		cmocka_unit_test(test_home_silent),
		cmocka_unit_test(test_home_does_not_know),
		cmocka_unit_test(test_home_unreachable),
		cmocka_unit_test(test_answer_comes_late),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_modes_below),
		cmocka_unit_test(test_names_no_move),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_at_home),
		cmocka_unit_test(test_soft_release),
		cmocka_unit_test(test_other_release),
		cmocka_unit_test(test_back_after_soft_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
