/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core as home of a subscriber: PROTOCOL section 9, with refusals at every step. */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "kernel_fake.h"
#include "noise_ready.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

#define AT_HOME	   "10.2.0.9/32 table 254 metric 132105 via fe80::ff:fe00:102"
#define UNBOUND	   "10.2.0.9/32"
#define VISITING_A "encap dst 198.51.100.5"
#define VISITING_C "encap dst 203.0.113.5"

/* otto knows the epoch of its home, as after its first registration. */
static struct world *world_with_otto(void)
{
	struct world *w = world_new(NULL);

	w->otto.home_epoch = w->core.epoch;
	return w;
}

static const struct binding *binding(const struct world *w)
{
	return &subscriber_find(&w->core, "otto")->binding;
}

/* The discovery of otto, heard at a far core that now asks its home. */
static void ask_authentication(struct world *w, int which)
{
	struct message m;

	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

static void ask_tunnel(struct world *w, int which, uint64_t number, const char *coa,
		       enum tunnel_kind kind)
{
	struct message m;
	struct addr a;

	assert_int_equal(addr_parse(&a, coa), 0);
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, number);
	message_set_addr(&m, ATTR_COA, &a);
	message_set_number(&m, ATTR_TUNNEL_KIND, kind);
	message_set_number(&m, ATTR_TUNNEL_KEY, 99);
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

/* otto visits a far core; its binding number is returned. */
static uint64_t visit(struct world *w, int which)
{
	uint64_t number;

	ask_authentication(w, which);
	assert_int_equal(w->far[which].last_reason, REASON_ACCEPTED);
	number = w->far[which].last_answer.binding;
	ask_tunnel(w, which, number, which == FAR_A ? "198.51.100.5" : "203.0.113.5", TUNNEL_GRE4);
	assert_int_equal(w->far[which].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->far[which].last_answer.type, MESSAGE_TUNNEL_ACK);
	assert_int_equal(w->far[which].last_answer.mtu, 1400);
	return number;
}

static void test_at_home(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_string_equal(w->otto.assignment.core, "b.example");
	assert_int_equal(w->otto.registration.mtu, 1500);
	assert_false(message_has(&w->otto.registration, ATTR_COA));
	assert_int_equal(kernel_fake_count(AT_HOME), 1);
	assert_int_equal(binding(w)->state, BINDING_HOME);
	assert_int_equal(w->carried, 0);
	world_free(w);
}

/* Neither side remembers the other: one more round trip, told by the home core itself. */
static void test_resync(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.rejected);
	assert_int_equal(w->otto.assignment.reason, REASON_RESYNC);
	assert_true(w->otto.assignment.home_epoch == w->core.epoch);
	assert_true(w->otto.assignment.counter == 0);
	w->otto.home_epoch = w->otto.assignment.home_epoch;
	w->otto.counter = w->otto.assignment.counter;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	world_free(w);
}

/* A recorded discovery is worth nothing, wherever it is played. */
static void test_replayed_discovery(void **state)
{
	struct world *w = world_with_otto();
	struct terminal recorded;
	struct message m;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	recorded = w->otto;
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	terminal_send(w, &recorded, "s1", recorded.discovery, recorded.discovery_length);
	world_run(w, 500 * MS);
	assert_string_equal(session_find(&w->core, "otto@b.example")->satellite->name, "s2");
	terminal_authentication(&recorded, &m);
	far_ask(w, FAR_C, &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_RESYNC);
	assert_false(message_has(&w->far[FAR_C].last_answer, ATTR_ACCESS_KEY));
	assert_int_equal(binding(w)->state, BINDING_HOME);
	world_free(w);
}

static void test_wrong_key(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	keys_generate_pair(&w->otto.keys);
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.rejected);
	assert_int_equal(w->otto.reason, REASON_AUTHENTICATION_FAILED);
	assert_int_equal(w->otto.assignment.type, 0);
	world_free(w);
}

/*
 * A subscriber that has registered is made ready for when its handover is over; what is ready
 * serves once. A stranger is nobody to get ready for, and one who was a subscriber is forgotten.
 */
static void test_ready(void **state)
{
	const struct world_text nobody = {.subscribers = " "};
	struct world *w = world_with_otto();
	struct terminal stranger;

	(void)state;
	stranger = w->otto;
	keys_generate_pair(&stranger.keys);
	terminal_register(w, &stranger, "s1");
	assert_false(noise_ready_waits(w->core.ready));

	for (int i = 0; i < 2; i++) {
		ask_authentication(w, FAR_A);
		assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
		assert_true(noise_ready_waits(w->core.ready));
		world_run(w, SEC);
		assert_false(noise_ready_waits(w->core.ready));
		assert_true(noise_ready_of(w->core.ready, w->otto.keys.public)->has_ephemeral);
	}
	assert_int_equal(world_reload(w, &nobody), 0);
	assert_null(noise_ready_of(w->core.ready, w->otto.keys.public));
	world_free(w);
}

/* The same answer as for a wrong key: who subscribes here is nobody's business. */
static void test_unknown_user(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	snprintf(w->otto.user, sizeof(w->otto.user), "nobody");
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.rejected);
	assert_int_equal(w->otto.reason, REASON_AUTHENTICATION_FAILED);
	world_free(w);
}

static void test_named_core(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	terminal_discovery(&w->otto, "c.example");
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	world_run(w, 100 * MS);
	terminal_read(w, &w->otto);
	assert_true(w->otto.rejected);
	assert_int_equal(w->otto.reason, REASON_WRONG_CORE);
	terminal_discovery(&w->otto, "b.example");
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	world_run(w, 100 * MS);
	terminal_read(w, &w->otto);
	assert_true(w->otto.done);
	world_free(w);
}

/* Home, then A, then C, then home again: one path at a time, each old place is told. */
static void test_around(void **state)
{
	struct world *w = world_with_otto();
	uint64_t at_a, at_c;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	at_a = visit(w, FAR_A);
	assert_int_equal(kernel_fake_count(UNBOUND), 1);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	/* The session at home is over, with its neighbour and bridge entry. */
	assert_int_equal(kernel_fake_count("02:00:00:00:01:02"), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	at_c = visit(w, FAR_C);
	assert_true(at_c > at_a);
	assert_int_equal(kernel_fake_count(VISITING_C), 1);
	assert_int_equal(kernel_fake_count(VISITING_A), 0);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_A].last[MESSAGE_RELEASE].binding == at_a);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_TERMINAL_MOVED);
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	assert_int_equal(kernel_fake_count(AT_HOME), 1);
	assert_int_equal(kernel_fake_count(UNBOUND), 1);
	assert_int_equal(w->far[FAR_C].asked[MESSAGE_RELEASE], 1);
	assert_true(w->far[FAR_C].last[MESSAGE_RELEASE].binding == at_c);
	world_free(w);
}

/* The visited core registers it again: nobody is released, nothing interrupted. */
static void test_again_at_the_same_core(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	visit(w, FAR_A);
	ask_authentication(w, FAR_A);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	world_free(w);
}

static void test_tunnel_refusals(void **state)
{
	struct world *w = world_with_otto();
	uint64_t number;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	ask_authentication(w, FAR_A);
	number = w->far[FAR_A].last_answer.binding;
	/* Somebody else's number, a care-of address that is not the peer's, kinds not agreed on. */
	ask_tunnel(w, FAR_C, number, "203.0.113.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	ask_tunnel(w, FAR_A, number, "203.0.113.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NOT_PERMITTED);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_IPIP4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_COMMON_TUNNEL);
	ask_tunnel(w, FAR_A, number, "2001:db8::5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_COMMON_TUNNEL);
	assert_int_equal(kernel_fake_count(AT_HOME), 1);
	assert_int_equal(binding(w)->state, BINDING_HOME);
	/* The right one still works. */
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GPE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	world_free(w);
}

/* Two cores heard it; the one that authenticated last has it, whatever order the rest comes in. */
static void test_race(void **state)
{
	struct world *w = world_with_otto();
	uint64_t at_a, at_c;

	(void)state;
	ask_authentication(w, FAR_A);
	at_a = w->far[FAR_A].last_answer.binding;
	ask_authentication(w, FAR_C);
	at_c = w->far[FAR_C].last_answer.binding;
	ask_tunnel(w, FAR_C, at_c, "203.0.113.5", TUNNEL_GRE4);
	ask_tunnel(w, FAR_A, at_a, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_int_equal(kernel_fake_count(VISITING_C), 1);
	assert_int_equal(kernel_fake_count(VISITING_A), 0);
	world_free(w);
}

static void test_kernel_refuses_visit(void **state)
{
	struct world *w = world_with_otto();
	char *before;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	before = strdup(kernel_fake_dump());
	ask_authentication(w, FAR_A);
	kernel_fake_fail_at(1, -ENOBUFS);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_true(kernel_fake_failed());
	assert_int_equal(w->far[FAR_A].last_reason, REASON_KERNEL_REFUSED);
	assert_string_equal(kernel_fake_dump(), before);
	assert_int_equal(binding(w)->state, BINDING_HOME);
	assert_non_null(session_find(&w->core, "otto@b.example"));
	free(before);
	world_free(w);
}

/* What the kernel does not let go of does not undo the handover; it is swept up later. */
static void test_kernel_keeps_old_entries(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	terminal_register(w, &w->otto, "s1");
	ask_authentication(w, FAR_A);
	kernel_fake_fail_on("neighbour delete", -EPERM);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count("neighbour fe80::ff:fe00:102"), 1);
	kernel_fake_fail_on(NULL, 0);
	world_run(w, 80 * SEC);
	assert_int_equal(kernel_fake_count("neighbour fe80::ff:fe00:102"), 0);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	world_free(w);
}

static void test_kernel_refuses_home(void **state)
{
	struct world *w = world_with_otto();
	char *before;
	unsigned int n;

	(void)state;
	visit(w, FAR_A);
	before = strdup(kernel_fake_dump());
	for (n = 1; n < 20; n++) {
		kernel_fake_fail_at(n, -ENOSPC);
		terminal_register(w, &w->otto, "s1");
		if (!kernel_fake_failed())
			break;
		assert_true(w->otto.rejected);
		assert_int_equal(w->otto.reason, REASON_KERNEL_REFUSED);
		assert_string_equal(kernel_fake_dump(), before);
		assert_int_equal(binding(w)->state, BINDING_VISITING);
		assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	}
	assert_int_equal(n, 4);
	assert_true(w->otto.done);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	free(before);
	world_free(w);
}

static void test_lifetime_away(void **state)
{
	struct world *w = world_with_otto();
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	visit(w, FAR_A);
	world_run(w, 301 * SEC);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	assert_string_equal(kernel_fake_dump(), idle);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_LIFETIME_EXPIRED);
	free(idle);
	world_free(w);
}

static void test_lifetime_at_home(void **state)
{
	struct world *w = world_with_otto();
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	terminal_register(w, &w->otto, "s1");
	world_run(w, 301 * SEC);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_string_equal(kernel_fake_dump(), idle);
	free(idle);
	world_free(w);
}

static void ask_binding(struct world *w, int which, enum message_type type, uint64_t number)
{
	struct message m;

	message_init(&m, type, 0);
	if (type == MESSAGE_RELEASE)
		message_set_number(&m, ATTR_REASON, REASON_TERMINAL_LEFT);
	else
		message_set_number(&m, ATTR_LIFETIME, 0);
	message_set_number(&m, ATTR_BINDING, number);
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

static void test_released_by_visited(void **state)
{
	struct world *w = world_with_otto();
	char *idle = strdup(kernel_fake_dump());
	uint64_t number;

	(void)state;
	number = visit(w, FAR_A);
	ask_binding(w, FAR_C, MESSAGE_RELEASE, number);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	ask_binding(w, FAR_A, MESSAGE_RELEASE, number - 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_int_equal(binding(w)->state, BINDING_VISITING);
	ask_binding(w, FAR_A, MESSAGE_RELEASE, number);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	assert_string_equal(kernel_fake_dump(), idle);
	free(idle);
	world_free(w);
}

static void test_deregistered_away(void **state)
{
	struct world *w = world_with_otto();
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	ask_binding(w, FAR_A, MESSAGE_CORE_DISCONNECT, visit(w, FAR_A));
	assert_int_equal(binding(w)->state, BINDING_NONE);
	assert_string_equal(kernel_fake_dump(), idle);
	free(idle);
	world_free(w);
}

static void test_deregistered_at_home(void **state)
{
	struct world *w = world_with_otto();
	char *idle = strdup(kernel_fake_dump());
	struct message m;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_LIFETIME, 0);
	terminal_tell(w, &w->otto, "s1", &m);
	world_run(w, 100 * MS);
	terminal_read(w, &w->otto);
	assert_int_equal(w->otto.received[MESSAGE_DISCONNECTION_ACK], 1);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	assert_string_equal(kernel_fake_dump(), idle);
	free(idle);
	world_free(w);
}

/* ---- how long a binding number is worth something ------------------------------------------ */

/* A core that has released a terminal, or was released, cannot bind it again by itself. */
static void test_number_after_its_end(void **state)
{
	struct world *w = world_with_otto();
	uint64_t number;

	(void)state;
	/* The same core, the same number, while it is in force: another care-of address. */
	number = visit(w, FAR_A);
	ask_tunnel(w, FAR_A, number, "198.51.100.6", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_count("encap dst 198.51.100.6"), 1);
	ask_binding(w, FAR_A, MESSAGE_RELEASE, number);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	number = visit(w, FAR_A);
	world_run(w, 301 * SEC);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	world_free(w);
}

/* It is taken up within the lifetime that the terminal was told, or not at all. */
static void test_number_expires(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	ask_authentication(w, FAR_A);
	world_run(w, 299 * SEC);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	ask_authentication(w, FAR_A);
	world_run(w, 301 * SEC);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	world_free(w);
}

/* Given back before its tunnel request, which comes later: it comes too late. */
static void test_number_given_back(void **state)
{
	struct world *w = world_with_otto();
	uint64_t number;

	(void)state;
	ask_authentication(w, FAR_A);
	number = w->far[FAR_A].last_answer.binding;
	/* Somebody else cannot give it back. */
	ask_binding(w, FAR_C, MESSAGE_RELEASE, number);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_STALE_BINDING);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	ask_authentication(w, FAR_A);
	number = w->far[FAR_A].last_answer.binding;
	ask_binding(w, FAR_A, MESSAGE_RELEASE, number);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	/* The binding in force is another one. */
	assert_int_equal(binding(w)->state, BINDING_VISITING);
	world_free(w);
}

/* The lifetime counts from the last registration, wherever that was. */
static void test_lifetime_is_renewed(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	visit(w, FAR_A);
	world_run(w, 200 * SEC);
	visit(w, FAR_A);
	world_run(w, 200 * SEC);
	assert_int_equal(binding(w)->state, BINDING_VISITING);
	terminal_register(w, &w->otto, "s1");
	world_run(w, 200 * SEC);
	terminal_register(w, &w->otto, "s1");
	world_run(w, 200 * SEC);
	assert_int_equal(binding(w)->state, BINDING_HOME);
	world_run(w, 101 * SEC);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	world_free(w);
}

/* A subscriber is removed with a number given out for it. */
static void test_number_of_a_removed_subscriber(void **state)
{
	const struct world_text nobody = {.subscribers = " "}, again = {0};
	struct world *w = world_with_otto();
	uint64_t number;

	(void)state;
	ask_authentication(w, FAR_A);
	number = w->far[FAR_A].last_answer.binding;
	assert_int_equal(world_reload(w, &nobody), 0);
	assert_null(w->core.offered);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	assert_int_equal(world_reload(w, &again), 0);
	ask_tunnel(w, FAR_A, number, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	world_free(w);
}

/* ---- leaving ------------------------------------------------------------------------------- */

static void test_leaves_home(void **state)
{
	for (int returns = 0; returns < 2; returns++) {
		struct world *w = world_with_otto();
		struct message m;

		(void)state;
		terminal_register(w, &w->otto, "s1");
		message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
		terminal_tell(w, &w->otto, "s1", &m);
		world_run(w, 100 * MS);
		assert_true(binding(w)->left);
		assert_int_equal(kernel_fake_count(AT_HOME), 1);
		world_run(w, 5 * SEC);
		if (returns)
			terminal_register(w, &w->otto, "s2");
		world_run(w, 6 * SEC);
		assert_int_equal(binding(w)->state, returns ? BINDING_HOME : BINDING_NONE);
		assert_false(binding(w)->left);
		assert_int_equal(kernel_fake_count(UNBOUND), returns);
		assert_int_equal(HASH_COUNT(w->core.sessions), returns);
		world_free(w);
	}
}

/* Told by the visited core that it leaves: the binding stays, marked, until it is somewhere. */
static void test_leaves_visited(void **state)
{
	struct world *w = world_with_otto();
	struct message m;
	unsigned int answers;
	uint64_t number;

	(void)state;
	number = visit(w, FAR_A);
	answers = w->far[FAR_A].answers;
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_BINDING, number);
	far_ask(w, FAR_A, &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].answers, answers + 1);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_true(binding(w)->left);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	visit(w, FAR_C);
	assert_false(binding(w)->left);
	world_free(w);
}

/* ---- addresses ----------------------------------------------------------------------------- */

static void test_leases(void **state)
{
	const struct world_text text = {
		.pools = "pools = { home4 = [ \"10.2.0.0/30\" ]; home6 = [ \"2001:db8:b::/64\" ]; "
			 "};",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; }"};
	struct world *w = world_new(NULL);
	const struct subscriber *otto;
	struct addr hoa6, other;

	(void)state;
	world_restart(w, &text);
	w->otto.home_epoch = w->core.epoch;
	otto = subscriber_find(&w->core, "otto");
	assert_true(addr_none(&otto->hoa4));
	/* One family may be exhausted. */
	while (pool_take(w->core.home4, &other) == 0)
		;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_false(message_has(&w->otto.assignment, ATTR_HOA4));
	assert_true(message_has(&w->otto.assignment, ATTR_HOA6));
	hoa6 = otto->hoa6;
	/* What it has it keeps, and it gets what there is when there is some. */
	pool_give(w->core.home4, &other);
	terminal_register(w, &w->otto, "s1");
	assert_true(message_has(&w->otto.assignment, ATTR_HOA4));
	assert_true(addr_equal(&hoa6, &otto->hoa6));
	assert_int_equal(pool_used(w->core.home6), 1);
	world_free(w);
}

static void test_no_home_address(void **state)
{
	const struct world_text text = {
		.pools = "pools = { home4 = [ \"10.2.0.0/32\" ]; };",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; }"};
	struct world *w = world_new(NULL);
	struct addr other;

	(void)state;
	world_restart(w, &text);
	w->otto.home_epoch = w->core.epoch;
	assert_int_equal(pool_take(w->core.home4, &other), 0);
	terminal_register(w, &w->otto, "s1");
	assert_int_equal(w->otto.reason, REASON_NO_HOME_ADDRESS);
	assert_int_equal(w->otto.assignment.reason, REASON_NO_HOME_ADDRESS);
	/* The discovery was not used up by it. */
	pool_give(w->core.home4, &other);
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	world_free(w);
}

/* A subscriber without an IPv4 home address has no use for ipip. */
static void test_ipip_without_ipv4(void **state)
{
	const struct world_text text = {
		.pools = "pools = { home6 = [ \"2001:db8:b::/64\" ]; }; "
			 "tunnel = { kind = \"ipip\"; };",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; }"};
	struct world *w = world_new(NULL);

	(void)state;
	kernel_fake_reset();
	world_restart(w, &text);
	w->otto.home_epoch = w->core.epoch;
	w->far[FAR_A].kinds = TUNNEL_IPIP4;
	far_restart(w, FAR_A);
	world_run(w, 3 * SEC);
	ask_authentication(w, FAR_A);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	ask_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_IPIP4);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_NO_COMMON_TUNNEL);
	assert_int_equal(binding(w)->state, BINDING_NONE);
	world_free(w);
}

/* The network behind the terminal goes where the terminal goes. */
static void test_delegated_prefix(void **state)
{
	const struct world_text text = {
		.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; home6 = [ \"2001:db8:b::/64\" ]; "
			 "delegated = [ \"2001:db8:b00::/40\" ]; };",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; "
			       "prefix = \"2001:db8:b01::/56\"; }"};
	struct world *w = world_with_otto();
	struct message ack;

	(void)state;
	assert_int_equal(world_reload(w, &text), 0);
	assert_int_equal(pool_size(w->core.home6), UINT64_MAX);
	terminal_register(w, &w->otto, "s1");
	assert_true(message_has(&w->otto.assignment, ATTR_PREFIX));
	assert_int_equal(kernel_fake_count("2001:db8:b01::/56 table 254 metric 1024 via"), 1);
	ask_authentication(w, FAR_A);
	ack = w->far[FAR_A].last_answer;
	assert_true(message_has(&ack, ATTR_HOA4) && message_has(&ack, ATTR_HOA6));
	assert_true(message_has(&ack, ATTR_PREFIX));
	assert_int_equal(ack.prefix.length, 56);
	ask_tunnel(w, FAR_A, ack.binding, "198.51.100.5", TUNNEL_GRE4);
	assert_int_equal(kernel_fake_count("2001:db8:b01::/56 table 254 metric 1024 encap"), 1);
	assert_int_equal(kernel_fake_count(VISITING_A), 3);
	world_free(w);
}

/* The identity says from where the terminal speaks; from elsewhere it is somebody else's copy. */
static void test_from_another_address(void **state)
{
	struct world *w = world_with_otto();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct terminal copy;

		terminal_discovery(&w->otto, NULL);
		copy = w->otto;
		if (i == 0)
			copy.mac.bytes[5] ^= 1;
		else
			copy.link_local.bytes[15] ^= 1;
		terminal_send(w, &copy, "s1", copy.discovery, copy.discovery_length);
		terminal_read(w, &copy);
		assert_true(copy.rejected);
		assert_int_equal(copy.reason, REASON_NOT_PERMITTED);
		assert_int_equal(binding(w)->state, BINDING_NONE);
	}
	world_free(w);
}

/* A pre-shared key is part of the proof, when there is one. */
static void test_psk(void **state)
{
	const struct world_text text = {.subscribers = "{ nai = \"otto@b.example\"; public_key = "
						       "\"$OTTO\"; home4 = \"10.2.0.9\"; "
						       "psk_file = \"$DIR/psk\"; }"};
	struct world *w = world_with_otto();
	char path[96], key[KEY_TEXT];
	FILE *file;

	(void)state;
	keys_random(w->otto.psk, sizeof(w->otto.psk));
	snprintf(path, sizeof(path), "%s/psk", w->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", keys_encode(key, w->otto.psk));
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(world_reload(w, &text), 0);
	unlink(path);
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	world_free(w);
}

/* The last handovers, with what the terminal has measured. */
static void test_handovers(void **state)
{
	struct world *w = world_with_otto();
	const struct handover *h;
	struct message m;
	uint64_t number;

	(void)state;
	terminal_register(w, &w->otto, "s1");
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 1000);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 2000);
	terminal_tell(w, &w->otto, "s1", &m);
	number = visit(w, FAR_A);
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 50000);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 90000);
	message_set_number(&m, ATTR_BINDING, number);
	far_ask(w, FAR_A, &m);
	world_run(w, 100 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	/* Registering again where it is, is none. */
	visit(w, FAR_A);
	h = handover_kept(&w->core.handovers, 0);
	assert_string_equal(h->from, "");
	assert_string_equal(h->to, "b.example");
	assert_int_equal(h->gap, 1000);
	assert_int_equal(h->registration, 2000);
	h = handover_kept(&w->core.handovers, 1);
	assert_string_equal(h->from, "b.example");
	assert_string_equal(h->to, "a.example");
	assert_string_equal(h->nai, "otto@b.example");
	assert_int_equal(h->gap, 50000);
	assert_null(handover_kept(&w->core.handovers, 2));
	for (int i = 0; i < HANDOVERS_KEPT; i++)
		handover_begun(&w->core,
			       &(struct handover){.nai = "x@b.example",
						  .to = "other",
						  .binding = 1,
						  .mode = i == 0 ? MODE_COMBINED : MODE_BASELINE});
	assert_int_equal(handover_kept(&w->core.handovers, 0)->mode, MODE_COMBINED);
	assert_non_null(handover_kept(&w->core.handovers, HANDOVERS_KEPT - 1));
	assert_null(handover_kept(&w->core.handovers, HANDOVERS_KEPT));
	world_free(w);
}

/* After a restart what is there goes on, until the time to come back is over. */
static void test_adoption(void **state)
{
	struct world *w = world_with_otto();
	struct core_io io;

	(void)state;
	visit(w, FAR_A);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	io = w->core.io;
	core_close(&w->core);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	world_run(w, 30 * SEC);
	assert_int_equal(kernel_fake_count(VISITING_A), 1);
	world_run(w, 60 * SEC);
	assert_int_equal(kernel_fake_count(VISITING_A), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_home),
		cmocka_unit_test(test_resync),
		cmocka_unit_test(test_replayed_discovery),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_named_core),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_again_at_the_same_core),
		cmocka_unit_test(test_tunnel_refusals),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_kernel_refuses_visit),
		cmocka_unit_test(test_kernel_keeps_old_entries),
		cmocka_unit_test(test_kernel_refuses_home),
		cmocka_unit_test(test_lifetime_away),
		cmocka_unit_test(test_lifetime_at_home),
		cmocka_unit_test(test_released_by_visited),
		cmocka_unit_test(test_deregistered_away),
		cmocka_unit_test(test_deregistered_at_home),
		cmocka_unit_test(test_number_after_its_end),
		cmocka_unit_test(test_number_expires),
		cmocka_unit_test(test_number_given_back),
		cmocka_unit_test(test_number_of_a_removed_subscriber),
		cmocka_unit_test(test_lifetime_is_renewed),
		cmocka_unit_test(test_leaves_home),
		cmocka_unit_test(test_leaves_visited),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_no_home_address),
		cmocka_unit_test(test_ipip_without_ipv4),
		cmocka_unit_test(test_delegated_prefix),
		cmocka_unit_test(test_from_another_address),
		cmocka_unit_test(test_psk),
		cmocka_unit_test(test_handovers),
		cmocka_unit_test(test_adoption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
