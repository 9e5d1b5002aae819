/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another configuration for a running core: whole or not at all, and nobody whom it leaves alone
 * notices.
 */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "core-agent/walk.h"
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

#define OTTO "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = \"10.2.0.9\"; }"

/* tina visits on s1, otto is at home on s2. */
static struct world *world_served(const char *pools)
{
	struct world *w = world_new(pools);

	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->tina, "s1");
	terminal_register(w, &w->otto, "s2");
	assert_true(w->tina.done && w->otto.done);
	return w;
}

static const struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

static struct subscriber *otto(const struct world *w)
{
	return subscriber_find(&w->core, "otto");
}

static void test_same(void **state)
{
	const struct world_text same = {0};
	struct world *w = world_served(NULL);
	const struct session *visitor = tina(w);

	(void)state;
	kernel_fake_log_clear();
	w->carried = 0;
	assert_int_equal(world_reload(w, &same), 0);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_ptr_equal(tina(w), visitor);
	assert_int_equal(visitor->state, SESSION_REGISTERED);
	assert_int_equal(otto(w)->binding.state, BINDING_HOME);
	assert_int_equal(w->carried, 0);
	/* The structure that was handed over is gone: the core does not look into it. */
	world_run(w, 30 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	assert_string_equal(w->core.config->name, "b.example");
	world_free(w);
}

static void test_beside(void **state)
{
	const struct world_text more = {
		.satellites =
			"{ name = \"s1\"; interface = \"feed-s1\"; }, { name = \"s2\"; "
			"interface = \"feed-s2\"; }, { name = \"s3\"; interface = \"feed-s3\"; }",
		.subscribers = OTTO ", { nai = \"olga@b.example\"; public_key = \"$TINA\"; }",
		.peers = WORLD_PEER_A,
	};
	struct world *w = world_served(NULL);
	struct channel *channel = peer_find(&w->core, "a.example")->channel;

	(void)state;
	kernel_fake_link("feed-s3", NULL);
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &more), 0);
	assert_int_equal(kernel_fake_count("10.3.0.0/24"), 0);
	assert_int_equal(kernel_fake_count("link feed-s3 up"), 1);
	assert_non_null(subscriber_find(&w->core, "olga"));
	assert_null(peer_find(&w->core, "c.example"));
	/* Not one change to what the others have. */
	assert_int_equal(kernel_fake_log_find("10.1.0", 1), 0);
	assert_int_equal(kernel_fake_log_find("10.2.0", 1), 0);
	assert_int_equal(kernel_fake_log_find("table 8300", 1), 0);
	assert_ptr_equal(peer_find(&w->core, "a.example")->channel, channel);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_int_equal(otto(w)->binding.state, BINDING_HOME);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 0);
	world_free(w);
}

static void test_peer_removed(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C};
	struct world *w = world_served(NULL);

	(void)state;
	assert_int_equal(world_reload_cut(w, &less), 0);
	assert_int_equal(kernel_fake_count("10.1.0."), 0);
	assert_int_equal(kernel_fake_count("2001:db8:a:"), 0);
	assert_int_equal(kernel_fake_count("table 8300"), 0);
	assert_int_equal(kernel_fake_count("02:00:00:00:01:01"), 0);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	/* The terminal is told until it answers. */
	for (unsigned int i = 1; i <= 3; i++) {
		terminal_read(w, &w->tina);
		assert_int_equal(w->tina.received[MESSAGE_RELEASE], i);
		assert_int_equal(w->tina.last[MESSAGE_RELEASE].reason, REASON_ADMINISTRATIVE);
		world_run(w, (500 << i) * MS);
	}
	world_run(w, 20 * SEC);
	assert_null(tina(w));
	assert_int_equal(otto(w)->binding.state, BINDING_HOME);
	world_free(w);
}

static void test_release_is_acknowledged(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C};
	struct world *w = world_served(NULL);
	struct message ack;
	uint8_t datagram[SNO_DATAGRAM_MAX];
	int length;

	(void)state;
	assert_int_equal(world_reload_cut(w, &less), 0);
	terminal_read(w, &w->tina);
	message_init(&ack, MESSAGE_RELEASE_ACK, w->tina.last[MESSAGE_RELEASE].id);
	message_set_number(&ack, ATTR_REASON, REASON_ACCEPTED);
	length = access_seal(&w->tina.access, &ack, datagram, sizeof(datagram));
	assert_true(length > 0);
	terminal_send(w, &w->tina, "s1", datagram, (size_t)length);
	world_run(w, 1 * MS);
	assert_null(tina(w));
	world_free(w);
}

/* A session that is over answers what its terminal still says, and comes not back by it. */
static void test_talk_after_the_end(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C};
	struct world *w = world_served(NULL);
	struct message m;

	(void)state;
	assert_int_equal(world_reload_cut(w, &less), 0);
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	terminal_tell(w, &w->tina, "s1", &m);
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 1);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 1);
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 1 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.last[MESSAGE_DISCONNECTION_ACK].reason, REASON_STALE_BINDING);
	assert_int_equal(w->tina.last[MESSAGE_HANDOVER_DONE_ACK].reason, REASON_STALE_BINDING);
	assert_int_equal(tina(w)->state, SESSION_RELEASED);
	world_free(w);
}

/* What a peer was given before it was removed is worth nothing when it is back. */
static void test_offer_to_a_removed_peer(void **state)
{
	const struct world_text less = {.peers = WORLD_PEER_C}, again = {0};
	struct world *w = world_new(NULL);
	struct message m;
	struct addr coa;

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_non_null(otto(w)->offer.to);
	assert_int_equal(world_reload(w, &less), 0);
	assert_null(otto(w)->offer.to);
	assert_int_equal(world_reload(w, &again), 0);
	world_run(w, 5 * SEC);
	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, w->far[FAR_A].last_answer.binding);
	assert_int_equal(addr_parse(&coa, "198.51.100.5"), 0);
	message_set_addr(&m, ATTR_COA, &coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 9);
	far_ask(w, FAR_A, &m);
	world_run(w, 50 * MS);
	assert_int_equal(w->far[FAR_A].last_reason, REASON_STALE_BINDING);
	world_free(w);
}

/* The peer's entry changes, its visitors register again; what it keeps is not touched. */
static void test_peer_changed(void **state)
{
	const struct world_text other = {
		.peers = "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\";"
			 " home_prefixes = [ \"10.1.0.0/24\", \"10.4.0.0/24\" ];"
			 " care_of_prefixes = [ \"198.51.100.0/25\" ]; }, " WORLD_PEER_C};
	struct world *w = world_served(NULL);
	unsigned int slot = peer_find(&w->core, "c.example")->slot;

	(void)state;
	w->far[FAR_A].hoa6.family = AF_UNSPEC;
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &other), 0);
	assert_int_equal(kernel_fake_count("from 10.1.0.0/24"), 1);
	assert_int_equal(kernel_fake_count("from 10.4.0.0/24"), 1);
	assert_int_equal(kernel_fake_count("from 2001:db8:a::/64"), 0);
	assert_int_equal(kernel_fake_log_find("rule delete inet priority 8300", 1), 0);
	/* No tunnel yet: unreachable, and not out by our own uplink. */
	assert_int_equal(kernel_fake_count("table 8300 metric 100"), 0);
	assert_int_equal(kernel_fake_count("table 8300 metric 200"), 2);
	assert_int_equal(peer_find(&w->core, "a.example")->slot, 0);
	assert_int_equal(peer_find(&w->core, "c.example")->slot, slot);
	world_run(w, 3 * SEC);
	assert_int_equal(kernel_fake_count("table 8300 metric 100"), 2);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	world_free(w);
}

static void test_satellite_removed(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s2\"; interface = \"feed-s2\"; }"};
	struct world *w = world_served(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &less), 0);
	world_run(w, 100 * MS);
	assert_null(satellite_find(&w->core, "s1"));
	assert_null(tina(w));
	assert_int_equal(kernel_fake_count("feed-s1"), 1);
	assert_int_equal(kernel_fake_count("link feed-s1 up mtu 1500 mac 02:00:00:00:00:02 master"),
			 0);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(w->far[FAR_A].last[MESSAGE_RELEASE].reason, REASON_ADMINISTRATIVE);
	assert_int_equal(otto(w)->binding.state, BINDING_HOME);
	world_free(w);
}

/* An own subscriber's satellite goes: the home address is unreachable, nothing is left. */
static void test_satellite_of_a_subscriber_removed(void **state)
{
	const struct world_text less = {.satellites =
						"{ name = \"s1\"; interface = \"feed-s1\"; }"};
	struct world *w = world_served(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &less), 0);
	assert_int_equal(otto(w)->binding.state, BINDING_NONE);
	assert_null(session_find(&w->core, "otto@b.example"));
	assert_int_equal(kernel_fake_count("10.2.0.9"), 0);
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	world_free(w);
}

/* Two satellites exchange their interfaces; the ports never leave the bridge. */
static void test_satellites_exchange(void **state)
{
	const struct world_text crossed = {.satellites =
						   "{ name = \"s1\"; interface = \"feed-s2\"; }, "
						   "{ name = \"s2\"; interface = \"feed-s1\"; }"};
	struct world *w = world_served(NULL);

	(void)state;
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &crossed), 0);
	assert_int_equal(kernel_fake_log_find("master none", 1), 0);
	assert_int_equal(satellite_find(&w->core, "s1")->port, w->port2);
	assert_int_equal(satellite_find(&w->core, "s2")->port, w->port1);
	world_run(w, 1 * SEC);
	terminal_register(w, &w->tina, "s2");
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count("fdb 02:00:00:00:01:01 sno-acc port feed-s1"), 1);
	world_free(w);
}

static void test_care_of_pool_removed(void **state)
{
	const struct world_text other = {.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; "
						  "care_of4 = [ \"203.0.113.128/25\" ]; };"};
	struct world *w = world_served(NULL);

	(void)state;
	assert_int_equal(world_reload_cut(w, &other), 0);
	world_run(w, 10 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_RELEASE], 1);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_RELEASE], 1);
	assert_int_equal(kernel_fake_count("10.1.0.7"), 0);
	assert_int_equal(kernel_fake_count("198.51.100.128/25"), 0);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(w->tina.registration.coa.bytes[0], 203);
	world_free(w);
}

/* One route serves two pools: it stays for the one that stays. */
static void test_prefix_changes_its_pool(void **state)
{
	const struct world_text after = {
		.pools = "pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ "
			 "\"198.51.100.128/25\" ]; delegated = [ \"2001:db8:b00::/40\" ]; };"};
	struct world *w =
		world_new("pools = { home4 = [ \"10.2.0.0/24\" ]; care_of4 = [ "
			  "\"198.51.100.128/25\" ]; home6 = [ \"2001:db8:b00::/40\" ]; };");

	(void)state;
	assert_int_equal(kernel_fake_count("2001:db8:b00::/40"), 1);
	kernel_fake_log_clear();
	assert_int_equal(world_reload(w, &after), 0);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_int_equal(kernel_fake_count("2001:db8:b00::/40"), 1);
	world_free(w);
}

/* ---- subscribers --------------------------------------------------------------------------- */

static void test_subscriber_removed(void **state)
{
	const struct world_text nobody = {.subscribers = " "}, again = {0};
	struct world *w = world_served(NULL);
	struct terminal recorded = w->otto;

	(void)state;
	assert_int_equal(world_reload(w, &nobody), 0);
	assert_null(otto(w));
	assert_int_equal(kernel_fake_count("10.2.0.9"), 0);
	assert_int_equal(pool_used(w->core.home4), 0);
	terminal_read(w, &w->otto);
	assert_int_equal(w->otto.received[MESSAGE_RELEASE], 1);
	terminal_register(w, &w->otto, "s2");
	assert_int_equal(w->otto.reason, REASON_AUTHENTICATION_FAILED);
	/* Back again: what was recorded before is still worth nothing. */
	assert_int_equal(world_reload(w, &again), 0);
	terminal_send(w, &recorded, "s1", recorded.discovery, recorded.discovery_length);
	assert_int_equal(otto(w)->binding.state, BINDING_NONE);
	assert_int_equal(kernel_fake_count("10.2.0.9"), 0);
	assert_true(otto(w)->counter >= recorded.counter);
	world_free(w);
}

/* A table that is being shown while those in it go: its place is never one of them. */
static void test_walk(void **state)
{
	const struct world_text both = {.subscribers = OTTO ", { nai = \"olga@b.example\"; "
							    "public_key = \"$TINA\"; }"},
				olga = {.subscribers = "{ nai = \"olga@b.example\"; "
						       "public_key = \"$TINA\"; }"},
				nobody = {.subscribers = " "};
	struct world *w = world_served(NULL);
	struct walk first, second, sessions;

	(void)state;
	assert_int_equal(world_reload(w, &both), 0);
	walk_begin(&w->core, &first, otto(w));
	walk_begin(&w->core, &second, subscriber_find(&w->core, "olga"));
	walk_begin(&w->core, &sessions, session_find(&w->core, "otto@b.example"));
	assert_int_equal(world_reload(w, &olga), 0);
	assert_ptr_equal(first.at, subscriber_find(&w->core, "olga"));
	assert_ptr_equal(second.at, first.at);
	world_run(w, 60 * SEC);
	assert_null(session_find(&w->core, "otto@b.example"));
	assert_ptr_equal(sessions.at, NULL);
	walk_end(&second);
	assert_int_equal(world_reload(w, &nobody), 0);
	assert_null(first.at);
	assert_non_null(second.at); /* nobody looks after it any more */
	walk_end(&first);
	walk_end(&sessions);
	world_free(w);
}

static void test_subscriber_changed(void **state)
{
	const struct world_text moved = {.subscribers = "{ nai = \"otto@b.example\"; public_key = "
							"\"$OTTO\"; home4 = \"10.2.0.10\"; }"};
	struct world *w = world_served(NULL);
	struct terminal recorded = w->otto;

	(void)state;
	assert_int_equal(world_reload(w, &moved), 0);
	assert_int_equal(kernel_fake_count("10.2.0.9"), 0);
	assert_int_equal(pool_used(w->core.home4), 1);
	assert_int_equal(otto(w)->counter, recorded.counter);
	terminal_send(w, &recorded, "s1", recorded.discovery, recorded.discovery_length);
	assert_int_equal(otto(w)->binding.state, BINDING_NONE);
	terminal_register(w, &w->otto, "s2");
	assert_true(w->otto.done);
	assert_int_equal(kernel_fake_count("10.2.0.10"), 1);
	world_free(w);
}

/* A leased address outlives a change of the key; a fixed one gives way. */
static void test_leased_address_stays(void **state)
{
	const struct world_text leased = {
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; }"};
	const struct world_text rekeyed = {
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$TINA\"; }"};
	struct world *w = world_new(NULL);
	struct addr hoa, other;

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	assert_int_equal(world_reload(w, &leased), 0);
	assert_int_equal(pool_take(w->core.home4, &other), 0);
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	hoa = otto(w)->hoa4;
	assert_int_equal(world_reload(w, &rekeyed), 0);
	assert_true(addr_equal(&otto(w)->hoa4, &hoa));
	assert_int_equal(pool_used(w->core.home4), 2);
	world_free(w);
}

#define PAIR(a, b)                                                                                 \
	"{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = \"10.2.0." a "\"; }, "        \
	"{ nai = \"olga@b.example\"; public_key = \"$TINA\"; home4 = \"10.2.0." b "\"; }"

static void test_addresses_exchange(void **state)
{
	const struct world_text before = {.subscribers = PAIR("9", "10")};
	const struct world_text after = {.subscribers = PAIR("10", "9")};
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(world_reload(w, &before), 0);
	assert_int_equal(world_reload(w, &after), 0);
	assert_int_equal(otto(w)->hoa4.bytes[3], 10);
	assert_int_equal(subscriber_find(&w->core, "olga")->hoa4.bytes[3], 9);
	assert_int_equal(pool_used(w->core.home4), 2);
	world_free(w);
}

/* What a reload is refused for, and that it was as if it had never been tried. */
static void assert_refused(struct world *w, const struct world_text *text, int error)
{
	char *before = strdup(kernel_fake_dump());
	const struct session *visitor = tina(w);
	uint64_t care_of = pool_used(w->core.care_of4), home = pool_used(w->core.home4);

	w->carried = 0;
	assert_int_equal(world_reload(w, text), error);
	assert_string_equal(kernel_fake_dump(), before);
	assert_ptr_equal(tina(w), visitor);
	assert_int_equal(visitor->state, SESSION_REGISTERED);
	assert_int_equal(otto(w)->binding.state, BINDING_HOME);
	assert_int_equal(pool_used(w->core.care_of4), care_of);
	assert_int_equal(pool_used(w->core.home4), home);
	assert_int_equal(pool_size(w->core.care_of4), 126);
	assert_int_equal(w->carried, 0);
	assert_string_equal(w->core.config->name, "b.example");
	assert_int_equal(w->core.config->subscriber_count, 1);
	free(before);
}

static void test_refused(void **state)
{
	const struct world_text secret = {
		.subscribers = "{ nai = \"olga@b.example\"; public_key = \"$TINA\"; "
			       "psk_file = \"$DIR/nothing\"; }",
		.peers = WORLD_PEER_C};
	const struct world_text peer_secret = {
		.subscribers = " ",
		.peers =
			"{ name = \"d.example\"; endpoint = \"192.0.2.4\"; public_key = \"$TINA\"; "
			"psk_file = \"$DIR/nothing\"; home_prefixes = [ \"10.4.0.0/24\" ]; }"};
	const struct world_text taken = {.subscribers = OTTO
					 ", { nai = \"olga@b.example\"; public_key = \"$TINA\"; "
					 "home4 = \"10.2.0.1\"; }",
					 .peers = WORLD_PEER_C};
	struct world *w = world_served(NULL);
	struct addr somebody;

	(void)state;
	assert_refused(w, &secret, -ENOENT);
	assert_refused(w, &peer_secret, -EINVAL);
	assert_int_equal(pool_take(w->core.home4, &somebody), 0);
	assert_refused(w, &taken, -EEXIST);
	/* All still works. */
	terminal_register(w, &w->tina, "s2");
	terminal_register(w, &w->otto, "s1");
	assert_true(w->tina.done && w->otto.done);
	world_free(w);
}

static int reload_or_nothing(struct world *w, const struct world_text *text)
{
	char *before = strdup(kernel_fake_dump());
	int result = world_reload(w, text);

	if (result < 0) {
		assert_string_equal(kernel_fake_dump(), before);
		assert_int_equal(tina(w)->state, SESSION_REGISTERED);
		assert_int_equal(otto(w)->binding.state, BINDING_HOME);
		assert_int_equal(w->core.config->pools.home4_count, 1);
	} else {
		assert_non_null(peer_find(&w->core, "d.example"));
		assert_null(peer_find(&w->core, "c.example"));
		assert_non_null(satellite_find(&w->core, "s4"));
		assert_int_equal(w->core.config->pools.home4_count, 2);
	}
	free(before);
	return result;
}

/* A reload that does everything at once, refused by the kernel at each call in turn. */
static void test_kernel_refuses(void **state)
{
	const struct world_text all = {
		.satellites = "{ name = \"s2\"; interface = \"feed-s3\"; }, "
			      "{ name = \"s4\"; interface = \"feed-s4\"; }",
		.pools = "pools = { home4 = [ \"10.2.0.0/24\", \"10.5.0.0/24\" ]; care_of4 = [ "
			 "\"203.0.113.128/25\" ]; delegated = [ \"2001:db8:b00::/40\" ]; };",
		.subscribers = "{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = "
			       "\"10.5.0.9\"; }",
		.peers = "{ name = \"a.example\"; endpoint = \"192.0.2.1\"; public_key = \"$A\";"
			 " home_prefixes = [ \"10.1.0.0/24\", \"10.4.0.0/24\" ]; }, "
			 "{ name = \"d.example\"; endpoint = \"192.0.2.4\"; public_key = \"$TINA\";"
			 " home_prefixes = [ \"10.3.0.0/24\" ]; }"};
	char *after = NULL;
	bool failed = true;

	(void)state;
	for (unsigned int n = 0; failed; n++) {
		struct world *w = world_served(NULL);
		int result;

		kernel_fake_link("feed-s3", NULL);
		kernel_fake_link("feed-s4", NULL);
		if (n == 1)
			kernel_fake_fail_on("link feed-s4 master", -EBUSY);
		if (n == 1)
			assert_refused(w, &all, -EBUSY);
		kernel_fake_fail_on(NULL, 0);
		kernel_fake_fail_at(n, -ENOBUFS);
		result = reload_or_nothing(w, &all);
		failed = n == 0 || kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
		/* Done: then what could not be taken away at once is swept up. */
		if (kernel_fake_log_find("master none = -ENOBUFS", 1)) {
			/* A port that is not let go stays in the bridge, isolated; it was told. */
			assert_int_equal(result, 0);
		} else if (result == 0) {
			world_run(w, 70 * SEC);
			if (!after)
				after = strdup(kernel_fake_dump());
			assert_string_equal(kernel_fake_dump(), after);
		}
		world_free(w);
	}
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_peer_removed),
		cmocka_unit_test(test_release_is_acknowledged),
		cmocka_unit_test(test_talk_after_the_end),
		cmocka_unit_test(test_offer_to_a_removed_peer),
		cmocka_unit_test(test_peer_changed),
		cmocka_unit_test(test_satellite_removed),
		cmocka_unit_test(test_satellite_of_a_subscriber_removed),
		cmocka_unit_test(test_satellites_exchange),
		cmocka_unit_test(test_care_of_pool_removed),
		cmocka_unit_test(test_prefix_changes_its_pool),
		cmocka_unit_test(test_subscriber_removed),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_subscriber_changed),
		cmocka_unit_test(test_leased_address_stays),
		cmocka_unit_test(test_addresses_exchange),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kernel_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
