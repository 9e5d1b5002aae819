/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a configuration no longer has and somebody still uses is drained: those go on, nothing new
 * begins, and it goes when they have gone. And secrets in files that a reload finds changed.
 */
#include "core-agent/drain.h"
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/satellite.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "kernel_fake.h"
#include "otto.h"
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

static const struct world_text all = {0}, without_a = {.peers = WORLD_PEER_C};

/* tina, of a.example, visits on s1. */
static struct world *world_visited(const char *pools)
{
	struct world *w = world_new(pools);

	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	return w;
}

static const struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

static const struct peer *peer_a(const struct world *w)
{
	return peer_find(&w->core, "a.example");
}

/* The same terminal again: what came of it is in done and reason. */
static void again(struct world *w)
{
	w->tina.done = false;
	w->tina.reason = REASON_ACCEPTED;
	terminal_register(w, &w->tina, "s1");
}

/* ---- peers ---------------------------------------------------------------------------------- */

static void test_peer_drained(void **state)
{
	struct world *w = world_visited(NULL);
	const struct session *visitor = tina(w);
	const struct channel *channel = peer_a(w)->channel;

	(void)state;
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_true(peer_a(w)->draining);
	assert_int_equal(drain_count(&w->core.drain), 1);
	/* Its visitor does not notice, and neither does the kernel. */
	assert_int_equal(kernel_fake_calls(), 0);
	world_run(w, 60 * SEC);
	assert_ptr_equal(tina(w), visitor);
	assert_int_equal(visitor->state, SESSION_REGISTERED);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	assert_ptr_equal(peer_a(w)->channel, channel);
	/* Nothing new begins. */
	again(w);
	assert_false(w->tina.done);
	/* With the last of them it goes. */
	world_run(w, 400 * SEC);
	assert_null(tina(w));
	assert_null(peer_a(w));
	assert_int_equal(drain_count(&w->core.drain), 0);
	assert_int_equal(kernel_fake_count("table 8300"), 0);
	assert_int_equal(kernel_fake_count("10.1.0."), 0);
	world_free(w);
}

/* Its requests for what would be new are refused, whatever it was before. */
static void test_peer_asks_in_vain(void **state)
{
	struct world *w = world_visited(NULL);
	struct message m;

	(void)state;
	assert_int_equal(world_reload(w, &without_a), 0);
	w->otto.home_epoch = w->core.epoch;
	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ADMINISTRATIVE);
	assert_null(subscriber_find(&w->core, "otto")->offer.to);
	world_free(w);
}

static void test_peer_unused(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_null(peer_a(w));
	assert_int_equal(kernel_fake_count("table 8300"), 0);
	world_free(w);
}

/* What is counted for operators, as bindings come, move and end. */
static void test_counts(void **state)
{
	struct world *w = world_visited(NULL);
	const struct satellite *s1, *s2;

	(void)state;
	HASH_FIND_STR(w->core.satellites, "s1", s1);
	HASH_FIND_STR(w->core.satellites, "s2", s2);
	assert_int_equal(s1->terminals, 1);
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s2");
	assert_int_equal(s2->terminals, 1);
	assert_int_equal(HASH_CNT(hh_bound, w->core.bound), 1);
	assert_int_equal(w->core.away, 0);
	otto_visit(w, FAR_A);
	assert_int_equal(w->core.away, 1);
	assert_int_equal(peer_a(w)->bindings, 1);
	otto_visit(w, FAR_C);
	assert_int_equal(w->core.away, 1);
	assert_int_equal(peer_a(w)->bindings, 0);
	assert_int_equal(peer_find(&w->core, "c.example")->bindings, 1);
	terminal_register(w, &w->tina, "s2");
	assert_int_equal(s1->terminals, 0);
	world_run(w, 1000 * SEC);
	assert_int_equal(w->core.away, 0);
	assert_int_equal(peer_find(&w->core, "c.example")->bindings, 0);
	assert_int_equal(s2->terminals, 0);
	world_free(w);
}

/* Our subscriber there is a use of the peer as well. */
static void test_peer_of_a_subscriber(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_true(peer_a(w)->draining);
	assert_int_equal(subscriber_find(&w->core, "otto")->binding.state, BINDING_VISITING);
	world_run(w, 1000 * SEC);
	assert_null(peer_a(w));
	world_free(w);
}

/* Configured again before it was empty: as if nothing had been. */
static void test_peer_back(void **state)
{
	struct world *w = world_visited(NULL);
	const struct session *visitor = tina(w);
	const struct channel *channel = peer_a(w)->channel;

	(void)state;
	assert_int_equal(world_reload(w, &without_a), 0);
	world_run(w, 20 * SEC);
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &all), 0);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_false(peer_a(w)->draining);
	assert_ptr_equal(peer_a(w)->channel, channel);
	assert_ptr_equal(tina(w), visitor);
	again(w);
	assert_true(w->tina.done);
	world_free(w);
}

/* Another reload in between changes nothing for those that are drained. */
static void test_reload_meanwhile(void **state)
{
	const struct world_text more = {.peers = WORLD_PEER_C,
					.subscribers = "{ nai = \"olga@b.example\"; public_key = "
						       "\"$OTTO\"; }"};
	struct world *w = world_visited(NULL);
	const struct session *visitor = tina(w);

	(void)state;
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_int_equal(world_reload(w, &more), 0);
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_ptr_equal(tina(w), visitor);
	assert_true(peer_a(w)->draining);
	world_free(w);
}

/* Somebody else gets what it had: that cannot wait. */
static void test_peer_in_the_way(void **state)
{
	const struct world_text heir = {
		.peers = "{ name = \"c.example\"; endpoint = \"192.0.2.3\"; public_key = \"$C\"; "
			 "home_prefixes = [ \"10.1.0.0/16\" ]; }"};
	struct world *w = world_visited(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &heir), 0);
	assert_null(peer_a(w));
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	world_free(w);
}

static void test_flush(void **state)
{
	struct world *w = world_visited(NULL);

	(void)state;
	assert_int_equal(core_flush(&w->core, w->now), 0);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_int_equal(world_reload(w, &without_a), 0);
	assert_int_equal(core_flush(&w->core, w->now), 1);
	assert_null(peer_a(w));
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	world_free(w);
}

/* ---- pools ---------------------------------------------------------------------------------- */

static void test_care_of_drained(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; "
						  "care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = world_visited(NULL);
	const struct addr coa = tina(w)->coa;

	(void)state;
	assert_int_equal(world_reload(w, &other), 0);
	world_run(w, 30 * SEC);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_true(addr_equal(&tina(w)->coa, &coa));
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 1);
	assert_int_equal(kernel_fake_count("local 198.51.100.128/25"), 1);
	/* When it registers again it has an address of the new one, and the old one can go. */
	again(w);
	assert_true(w->tina.done);
	assert_int_equal(w->tina.registration.coa.bytes[0], 203);
	world_run(w, 30 * SEC);
	assert_int_equal(kernel_fake_count("198.51.100.128/25"), 0);
	assert_int_equal(drain_count(&w->core.drain), 0);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

static void test_care_of_unused(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; "
						  "care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &other), 0);
	assert_int_equal(kernel_fake_count("198.51.100.128/25"), 0);
	world_free(w);
}

/* ---- secrets in files ----------------------------------------------------------------------- */

static char secret[] = "/tmp/test-core-drain.XXXXXX";

static void write_secret(const char *path, uint8_t fill)
{
	uint8_t key[KEY_LENGTH];
	char text[KEY_TEXT];
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	memset(key, fill, sizeof(key));
	keys_encode(text, key);
	fprintf(file, "%s\n", text);
	fclose(file);
	chmod(path, 0600);
}

static int make_secret(void **state)
{
	int fd = mkstemp(secret);

	(void)state;
	close(fd);
	write_secret(secret, 1);
	return fd < 0;
}

static int remove_secret(void **state)
{
	(void)state;
	unlink(secret);
	strcpy(secret + strlen(secret) - 6, "XXXXXX");
	return 0;
}

static void test_psk_of_a_peer(void **state)
{
	char text[600];
	const struct world_text with = {.peers = text};
	struct world *w = world_new(NULL);
	const struct channel *channel, *other;

	(void)state;
	snprintf(text, sizeof(text),
		 "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\"; "
		 "psk_file = \"%s\"; }, " WORLD_PEER_C,
		 secret);
	assert_int_equal(world_reload(w, &with), 0);
	channel = peer_a(w)->channel;
	other = peer_find(&w->core, "c.example")->channel;
	assert_int_equal(core_reread(&w->core, w->now), 0);
	assert_ptr_equal(peer_a(w)->channel, channel);
	write_secret(secret, 2);
	assert_int_equal(core_reread(&w->core, w->now), 0);
	assert_int_equal(peer_a(w)->psk[0], 2);
	assert_ptr_not_equal(peer_a(w)->channel, channel);
	assert_ptr_equal(peer_find(&w->core, "c.example")->channel, other);
	/* What cannot be read leaves all as it is. */
	channel = peer_a(w)->channel;
	unlink(secret);
	assert_true(core_reread(&w->core, w->now) < 0);
	assert_ptr_equal(peer_a(w)->channel, channel);
	assert_int_equal(peer_a(w)->psk[0], 2);
	world_free(w);
}

static void test_psk_of_a_subscriber(void **state)
{
	char text[400];
	const struct world_text with = {.subscribers = text};
	struct world *w = world_new(NULL);
	const struct subscriber *olga;

	(void)state;
	snprintf(text, sizeof(text),
		 "{ nai = \"olga@b.example\"; public_key = \"$OTTO\"; psk_file = \"%s\"; }",
		 secret);
	assert_int_equal(world_reload(w, &with), 0);
	olga = subscriber_find(&w->core, "olga");
	assert_int_equal(core_reread(&w->core, w->now), 0);
	assert_ptr_equal(subscriber_find(&w->core, "olga"), olga);
	write_secret(secret, 2);
	assert_int_equal(core_reread(&w->core, w->now), 0);
	assert_int_equal(subscriber_find(&w->core, "olga")->psk[0], 2);
	unlink(secret);
	assert_true(core_reread(&w->core, w->now) < 0);
	assert_int_equal(subscriber_find(&w->core, "olga")->psk[0], 2);
	world_free(w);
}

/* Who the core is does not change under its peers' feet. */
static void test_own_key(void **state)
{
	struct world *w = world_visited(NULL);

	(void)state;
	write_secret(w->core.config->private_key_file, 9);
	assert_int_equal(core_reread(&w->core, w->now), -EINVAL);
	assert_int_equal(world_reload(w, &without_a), -EINVAL);
	assert_false(peer_a(w)->draining);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

int main(void)
{
#define SECRET_TEST(name) cmocka_unit_test_setup_teardown(name, make_secret, remove_secret)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_drained),
		cmocka_unit_test(test_peer_asks_in_vain),
		cmocka_unit_test(test_peer_unused),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_peer_of_a_subscriber),
		cmocka_unit_test(test_peer_back),
		cmocka_unit_test(test_reload_meanwhile),
		cmocka_unit_test(test_peer_in_the_way),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_care_of_drained),
		cmocka_unit_test(test_care_of_unused),
		SECRET_TEST(test_psk_of_a_peer),
		SECRET_TEST(test_psk_of_a_subscriber),
		cmocka_unit_test(test_own_key),
	};

	if (keys_init() < 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core-drain", tests, NULL, NULL);
}
