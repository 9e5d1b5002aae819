/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attempts to register that cross each other, and answers that do not come: whatever happens, the
 * serving core and the home core end up of one mind, and nothing is left behind.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/registration.h"
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

static const struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

static void assert_nothing_left(struct world *w, const char *idle)
{
	assert_string_equal(kernel_fake_dump(), idle);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(HASH_COUNT(w->core.session_macs), 0);
	assert_int_equal(HASH_COUNT(w->core.session_indices), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	assert_int_equal(HASH_COUNT(w->core.registration_ids), 0);
}

static void assert_released(const struct world *w, unsigned int times, uint64_t binding)
{
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], times);
	if (times)
		assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == binding);
}

static void discover(struct world *w, struct terminal *t, const char *satellite)
{
	terminal_discovery(t, NULL);
	terminal_send(w, t, satellite, t->discovery, t->discovery_length);
	world_run(w, 50 * MS);
}

static void release(struct world *w, uint64_t binding, enum reason reason)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	message_set_number(&m, ATTR_BINDING, binding);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
}

/* ---- no answer ----------------------------------------------------------------------------- */

/* The tunnel request may have been carried out: the home core is told that nobody serves here. */
static void test_tunnel_request_unanswered(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	assert_int_equal(w->far[FAR_A].held_count, 1);
	assert_non_null(tina(w));
	world_run(w, 60 * SEC);
	assert_released(w, 1, w->far[FAR_A].binding);
	assert_true(w->core.counters.refused[REASON_TIMEOUT] == 1);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* A refusal is an answer: there is nothing to release. */
static void test_tunnel_request_refused(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	w->far[FAR_A].tunnel_reason = REASON_NOT_PERMITTED;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
	w->far[FAR_A].tunnel_reason = REASON_ACCEPTED;
	w->far[FAR_A].error_type = MESSAGE_TUNNEL_REQUEST;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_UNSUPPORTED);
	w->far[FAR_A].error_type = MESSAGE_AUTHENTICATION;
	terminal_register(w, &w->tina, "s1");
	assert_int_equal(w->tina.reason, REASON_UNSUPPORTED);
	assert_released(w, 0, 0);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The path to home breaks: what is served goes on, what is new is refused, soon. */
static void test_home_unreachable(void **state)
{
	struct world *w = world_new(NULL);
	char *served;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	served = strdup(kernel_fake_dump());
	w->far[FAR_A].cut = true;
	world_run(w, 20 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.rejected);
	assert_int_equal(w->tina.reason, REASON_HOME_UNREACHABLE);
	assert_string_equal(kernel_fake_dump(), served);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	w->far[FAR_A].cut = false;
	world_run(w, 5 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	free(served);
	world_free(w);
}

/* ---- an attempt ends before its answer ----------------------------------------------------- */

static void test_deregistered_while_tunnelling(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());
	struct terminal old;
	struct message m;
	uint64_t before;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	old = w->tina;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	before = tina(w)->binding;
	discover(w, &w->tina, "s1");
	w->far[FAR_A].hold_type = MESSAGE_RELEASE;
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	terminal_tell(w, &old, "s1", &m);
	world_run(w, 100 * MS);
	/* The home core is told of the one that may be as of the one that was. */
	assert_int_equal(w->far[FAR_A].held_count, 3);
	assert_true(w->far[FAR_A].held[1].binding == w->far[FAR_A].binding);
	assert_true(w->far[FAR_A].held[2].binding == before);
	far_answer(w, FAR_A, 1);
	far_answer(w, FAR_A, 2);
	assert_nothing_left(w, idle);
	/* The answer comes after all, and finds nobody. */
	far_answer(w, FAR_A, 0);
	world_run(w, 100 * MS);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* Its home core has not said yet who wants to register: an answer after that registers nobody. */
static void deregistered_while_authenticating(enum handover_mode mode)
{
	struct world *w = world_new(mode == MODE_BASELINE ? WORLD_BASELINE : NULL);
	char *idle = strdup(kernel_fake_dump());
	struct terminal old;
	struct message m;

	terminal_register(w, &w->tina, "s1");
	old = w->tina;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	discover(w, &w->tina, "s1");
	assert_int_equal(HASH_COUNT(w->core.registrations), 1);
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	terminal_tell(w, &old, "s1", &m);
	world_run(w, 100 * MS);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	far_answer(w, FAR_A, 0);
	world_run(w, 100 * MS);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

static void test_deregistered_while_authenticating(void **state)
{
	(void)state;
	deregistered_while_authenticating(MODE_BASELINE);
	deregistered_while_authenticating(MODE_COMBINED);
}

static void test_satellite_goes_while_tunnelling(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};
	struct world *w = world_new(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	assert_int_equal(world_reload(w, &less), 0);
	world_run(w, 100 * MS);
	assert_released(w, 1, w->far[FAR_A].binding);
	assert_nothing_left(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

/* The home core is removed while it is being asked; another one's going changes nothing. */
static void test_peer_goes_while_authenticating(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_A}, none = {.peers = " "};
	struct world *w = world_new(NULL);

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_AUTHENTICATION;
	discover(w, &w->tina, "s1");
	assert_int_equal(world_reload(w, &less), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	discover(w, &w->tina, "s1");
	assert_int_equal(HASH_COUNT(w->core.registrations), 1);
	assert_int_equal(world_reload(w, &none), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	assert_int_equal(HASH_COUNT(w->core.registration_ids), 0);
	world_run(w, 60 * SEC);
	world_free(w);
}

/* It was served on s1, registers on s2, and s1 is what goes. */
static void test_former_satellite_goes(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s2");
	assert_int_equal(world_reload(w, &less), 0);
	world_run(w, 100 * MS);
	/* Both the binding in force and the one on its way. */
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 2);
	assert_nothing_left(w, kernel_fake_dump());
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

/* The refused attempt cannot even be undone: the session goes, and everybody is told. */
static void test_way_back_refused(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());
	uint64_t first;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	first = w->far[FAR_A].binding;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	discover(w, &w->tina, "s2");
	kernel_fake_fail_on("fdb replace", -ENOBUFS);
	far_answer(w, FAR_A, 0);
	world_run(w, 100 * MS);
	kernel_fake_fail_on(NULL, 0);
	assert_released(w, 1, first);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	world_run(w, 30 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* ---- two attempts -------------------------------------------------------------------------- */

static void test_newer_takes_over(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t older;

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	older = w->far[FAR_A].binding;
	kernel_fake_log_clear();
	discover(w, &w->tina, "s2");
	assert_int_equal(w->far[FAR_A].held_count, 2);
	/* Moved over, not taken down and set up again. */
	assert_int_equal(kernel_fake_log_find("route delete", 1), 0);
	assert_int_equal(pool_used(w->core.care_of4), 1);
	assert_int_equal(HASH_COUNT(w->core.registrations), 1);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	assert_int_equal(tina(w)->state, SESSION_PREPARING);
	far_answer(w, FAR_A, 1);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_true(tina(w)->binding > older);
	assert_released(w, 0, 0);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s2"), 1);
	world_free(w);
}

/* The newer one is refused: the older one may be bound at home, and is given back. */
static void test_newer_is_refused(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());
	uint64_t older;

	(void)state;
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	older = w->far[FAR_A].binding;
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	discover(w, &w->tina, "s2");
	far_answer(w, FAR_A, 1);
	world_run(w, 50 * MS);
	assert_released(w, 1, older);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* The older answer of the home core comes last: it changes nothing. */
static void test_older_answer_last(void **state)
{
	struct world *w = world_new(NULL);
	struct far *a = &w->far[FAR_A];

	(void)state;
	a->hold_type = MESSAGE_AUTHENTICATION;
	discover(w, &w->tina, "s1");
	discover(w, &w->tina, "s2");
	assert_int_equal(a->held_count, 2);
	a->binding = 20;
	far_answer(w, FAR_A, 1);
	world_run(w, 50 * MS);
	a->binding = 10;
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_true(tina(w)->binding == 21);
	assert_string_equal(tina(w)->satellite->name, "s2");
	assert_int_equal(a->asked[MESSAGE_TUNNEL_REQUEST], 1);
	assert_true(w->core.counters.refused[REASON_STALE_BINDING] == 1);
	world_free(w);
}

/* ... also while the newer one is still waiting for its tunnel. */
static void test_older_answer_while_tunnelling(void **state)
{
	struct world *w = world_new(NULL);
	struct far *a = &w->far[FAR_A];

	(void)state;
	a->hold_type = MESSAGE_AUTHENTICATION;
	discover(w, &w->tina, "s1");
	discover(w, &w->tina, "s2");
	a->hold_type = MESSAGE_TUNNEL_REQUEST;
	a->binding = 20;
	far_answer(w, FAR_A, 1);
	world_run(w, 50 * MS);
	a->binding = 10;
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	assert_int_equal(a->held_count, 3);
	far_answer(w, FAR_A, 2);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_true(tina(w)->binding == 21);
	world_free(w);
}

/* Numbers of the home core's next life are not compared with those of the last. */
static void test_numbers_of_another_life(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->far[FAR_A].binding = UINT64_C(9) << 32;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	w->far[FAR_A].binding = UINT64_C(5) << 32;
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	world_free(w);
}

/* ---- releases in between ------------------------------------------------------------------- */

/* Moved elsewhere and back while what was under way is still being sent home. */
static void test_back_while_draining(void **state)
{
	struct world *w = world_new(WORLD_BASELINE);
	struct addr coa;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	coa = w->tina.registration.coa;
	release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	assert_int_equal(HASH_COUNT(w->core.session_macs), 0);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	assert_true(addr_equal(&coa, &w->tina.registration.coa));
	world_run(w, 10 * SEC);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_int_equal(kernel_fake_count("10.1.0.7/32 table 254 metric 66567 via"), 1);
	world_free(w);
}

/* It tries to come back while draining and is refused: draining goes on, and ends. */
static void test_refused_while_draining(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	release(w, w->far[FAR_A].binding, REASON_TERMINAL_MOVED);
	w->far[FAR_A].tunnel_reason = REASON_KERNEL_REFUSED;
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.rejected);
	assert_int_equal(tina(w)->state, SESSION_DRAINING);
	assert_int_equal(kernel_fake_count("10.1.0.7/32 table 254 metric 66567 encap"), 1);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	world_run(w, 2 * SEC);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* Released while it registers anew; the new registration decides. */
static void test_released_while_tunnelling(void **state)
{
	for (int refuse = 0; refuse < 2; refuse++) {
		struct world *w = world_new(NULL);
		char *idle = strdup(kernel_fake_dump());

		(void)state;
		terminal_register(w, &w->tina, "s1");
		w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
		discover(w, &w->tina, "s2");
		release(w, w->far[FAR_A].binding - 1, REASON_TERMINAL_MOVED);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
		/* Longer than draining takes: the attempt has the path. */
		world_run(w, 2500 * MS);
		w->far[FAR_A].tunnel_reason = refuse ? REASON_STALE_BINDING : REASON_ACCEPTED;
		far_answer(w, FAR_A, 0);
		world_run(w, 100 * MS);
		terminal_read(w, &w->tina);
		assert_int_equal(w->tina.done, !refuse);
		if (refuse)
			assert_nothing_left(w, idle);
		else
			assert_int_equal(tina(w)->state, SESSION_REGISTERED);
		free(idle);
		world_free(w);
	}
}

/* Released for another reason than moving: the terminal is told, nothing drains. */
static void test_released_administratively(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->tina, "s1");
	release(w, w->far[FAR_A].binding, REASON_ADMINISTRATIVE);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_ADMINISTRATIVE);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	/* It does what it was told, and is not asked again. */
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_run(w, 30 * SEC);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

/* The lifetime ends while it registers anew: that registration decides. */
static void test_lifetime_ends_while_tunnelling(void **state)
{
	struct world *w = world_new(NULL);
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->tina, "s1");
	world_run(w, 299 * SEC);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	world_run(w, 2 * SEC);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 1);
	w->far[FAR_A].tunnel_reason = REASON_BUSY;
	far_answer(w, FAR_A, 0);
	world_run(w, 100 * MS);
	assert_released(w, 1, w->far[FAR_A].binding - 1);
	assert_nothing_left(w, idle);
	free(idle);
	world_free(w);
}

/* What was sent before the disconnect arrives after it: no registration comes of that. */
static void test_late_copy_while_leaving(void **state)
{
	struct world *w = world_new(NULL);
	struct message m;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 50 * MS);
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	w->frame_count = 0;
	w->tina.done = false;
	terminal_send(w, &w->tina, "s1", w->tina.discovery, w->tina.discovery_length);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_false(w->tina.done);
	assert_int_equal(tina(w)->state, SESSION_LEAVING);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_AUTHENTICATION], 1);
	world_free(w);
}

/* ---- one Ethernet address, two terminals --------------------------------------------------- */

static void borrow_address(struct world *w)
{
	w->otto.home_epoch = w->core.epoch;
	w->otto.mac = w->tina.mac;
	w->otto.link_local = w->tina.link_local;
}

/* On another satellite the one that has it keeps it, from the first moment on. */
static void test_address_in_use_elsewhere(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	borrow_address(w);
	w->far[FAR_A].hold_type = MESSAGE_TUNNEL_REQUEST;
	discover(w, &w->tina, "s1");
	terminal_register(w, &w->otto, "s2");
	assert_int_equal(w->otto.reason, REASON_NOT_PERMITTED);
	far_answer(w, FAR_A, 0);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s1"), 1);
	world_free(w);
}

/* On the same satellite the newer one wins, and the older leaves nothing of its own. */
static void test_address_taken_over(void **state)
{
	for (int registered = 0; registered < 2; registered++) {
		struct world *w = world_new(NULL);

		(void)state;
		borrow_address(w);
		w->far[FAR_A].hold_type = registered ? 0 : MESSAGE_TUNNEL_REQUEST;
		discover(w, &w->tina, "s1");
		terminal_register(w, &w->otto, "s1");
		assert_true(w->otto.done);
		assert_null(tina(w));
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
		if (!registered)
			far_answer(w, FAR_A, 0);
		world_run(w, 1 * SEC);
		assert_null(tina(w));
		assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
		assert_int_equal(kernel_fake_count("10.2.0.9"), 1);
		assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 2);
		assert_int_equal(HASH_COUNT(w->core.session_macs), 1);
		world_free(w);
	}
}

/* A terminal comes with another Ethernet address; refused, it keeps the old one, and that alone. */
static void test_address_of_a_refused_attempt(void **state)
{
	struct world *w = world_new(NULL);
	struct lladdr first = w->tina.mac;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	w->far[FAR_A].tunnel_reason = REASON_BUSY;
	assert_int_equal(lladdr_parse(&w->tina.mac, "02:00:00:00:01:09"), 0);
	w->tina.link_local = lladdr_link_local(&w->tina.mac);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.rejected);
	assert_ptr_equal(session_by_mac(&w->core, &first), tina(w));
	assert_null(session_by_mac(&w->core, &w->tina.mac));
	assert_int_equal(kernel_fake_count("02:00:00:00:01:09"), 0);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 2);
	w->far[FAR_A].tunnel_reason = REASON_ACCEPTED;
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_null(session_by_mac(&w->core, &first));
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnel_request_unanswered),
		cmocka_unit_test(test_tunnel_request_refused),
		cmocka_unit_test(test_home_unreachable),
		cmocka_unit_test(test_deregistered_while_tunnelling),
		cmocka_unit_test(test_deregistered_while_authenticating),
		cmocka_unit_test(test_satellite_goes_while_tunnelling),
		cmocka_unit_test(test_peer_goes_while_authenticating),
		cmocka_unit_test(test_former_satellite_goes),
		cmocka_unit_test(test_way_back_refused),
		cmocka_unit_test(test_newer_takes_over),
		cmocka_unit_test(test_newer_is_refused),
		cmocka_unit_test(test_older_answer_last),
		cmocka_unit_test(test_older_answer_while_tunnelling),
		cmocka_unit_test(test_numbers_of_another_life),
		cmocka_unit_test(test_back_while_draining),
		cmocka_unit_test(test_refused_while_draining),
		cmocka_unit_test(test_released_while_tunnelling),
		cmocka_unit_test(test_released_administratively),
		cmocka_unit_test(test_lifetime_ends_while_tunnelling),
		cmocka_unit_test(test_late_copy_while_leaving),
		cmocka_unit_test(test_address_in_use_elsewhere),
		cmocka_unit_test(test_address_taken_over),
		cmocka_unit_test(test_address_of_a_refused_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
