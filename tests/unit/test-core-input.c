/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes in by the two ways and is not what it should be: dropped, counted, without effect. */
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/receive.h"
#include "core-agent/registration.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "frame.h"
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

static struct frame frame_of(const struct world *w, const struct terminal *t)
{
	return (struct frame){.src = t->mac,
			      .dst = w->config.access.gateway_mac,
			      .ip_src = t->link_local,
			      .ip_dst = underlay_gateway,
			      .sport = SNO_ACCESS_PORT,
			      .dport = SNO_ACCESS_PORT,
			      .hop_limit = 255,
			      .payload = t->discovery,
			      .length = t->discovery_length};
}

static void receive(struct world *w, const struct frame *f)
{
	uint8_t octets[4096];
	int length = frame_build(f, octets, sizeof(octets));

	assert_true(length > 0);
	receive_frame(satellite_find(&w->core, "s1"), octets, (size_t)length, w->now);
}

/* The frame is dropped for this reason (DROP_NONE: without a word) and nothing follows from it. */
static void assert_dropped(struct world *w, const struct frame *f, enum drop reason)
{
	uint64_t before[DROP_COUNT];

	memcpy(before, w->core.counters.drops, sizeof(before));
	w->frame_count = 0;
	receive(w, f);
	for (int i = 1; i < DROP_COUNT; i++)
		assert_int_equal(w->core.counters.drops[i], before[i] + (i == (int)reason));
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(w->frame_count, 0);
}

static void test_frames(void **state)
{
	struct world *w = world_new(NULL);
	struct frame f, good;

	(void)state;
	terminal_discovery(&w->otto, NULL);
	good = frame_of(w, &w->otto);
	f = good;
	f.hop_limit = 254;
	assert_dropped(w, &f, DROP_VALUE);
	f = good;
	f.sport++;
	assert_dropped(w, &f, DROP_VALUE);
	f = good;
	f.dport++;
	assert_dropped(w, &f, DROP_NONE);
	f = good;
	assert_int_equal(addr_parse(&f.ip_src, "2001:db8::1"), 0);
	assert_dropped(w, &f, DROP_VALUE);
	f = good;
	f.src.bytes[0] |= 1;
	assert_dropped(w, &f, DROP_VALUE);
	f = good;
	f.src = w->config.access.gateway_mac;
	assert_dropped(w, &f, DROP_VALUE);
	f = good;
	f.length = 7;
	assert_dropped(w, &f, DROP_SHORT);
	f.length = 0;
	assert_dropped(w, &f, DROP_SHORT);
	world_free(w);
}

static void test_datagrams(void **state)
{
	struct world *w = world_new(NULL);
	uint8_t octets[SNO_DATAGRAM_MAX + 1] = {0};
	struct frame f;

	(void)state;
	terminal_discovery(&w->otto, NULL);
	f = frame_of(w, &w->otto);
	f.payload = octets;
	memcpy(octets, w->otto.discovery, w->otto.discovery_length);
	f.length = sizeof(octets);
	assert_dropped(w, &f, DROP_LONG);
	/* Cut short, of another version, of a type that a terminal does not send in the clear. */
	f.length = w->otto.discovery_length - 1;
	assert_dropped(w, &f, DROP_SHORT);
	f.length = w->otto.discovery_length;
	octets[1] = 2;
	assert_dropped(w, &f, DROP_VERSION);
	octets[1] = 1;
	octets[0] = MESSAGE_RELEASE;
	assert_dropped(w, &f, DROP_TYPE);
	/* A core's own message, whole: right for this place, wrong for this way. */
	memcpy(octets, "\x20\x01\0\0\0\0\0\0", 8);
	memcpy(octets + 8, "\x01\0\x01x\x04\0\x08\1\2\3\4\5\6\7\x08\x0d\0\x02\1\1", 20);
	f.length = 28;
	assert_dropped(w, &f, DROP_TYPE);
	/* Sealed, to nobody. */
	memset(octets, 0, sizeof(octets));
	octets[0] = MESSAGE_SEALED;
	octets[1] = 1;
	octets[7] = 9;
	f.length = 64;
	assert_dropped(w, &f, DROP_INDEX);
	world_free(w);
}

/* Not one bit of a discovery can be changed without its being refused. */
static void test_altered_discovery(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	terminal_discovery(&w->otto, NULL);
	for (size_t i = 0; i < w->otto.discovery_length; i++) {
		w->otto.discovery[i] ^= 0x10;
		terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
		w->otto.discovery[i] ^= 0x10;
		assert_int_equal(HASH_COUNT(w->core.sessions), 0);
		assert_int_equal(subscriber_find(&w->core, "otto")->counter, 0);
	}
	terminal_send(w, &w->otto, "s1", w->otto.discovery, w->otto.discovery_length);
	terminal_read(w, &w->otto);
	assert_int_equal(HASH_COUNT(w->core.sessions), 1);
	world_free(w);
}

/* A discovery that nobody has made; each number another one. */
static void forge_discovery(struct terminal *t, const char *realm, uint32_t number)
{
	uint8_t handshake[SNO_HANDSHAKE_MIN] = {0};
	struct message m;
	int length;

	memcpy(handshake, &number, sizeof(number));
	message_init(&m, MESSAGE_CORE_DISCOVERY, 1);
	message_set_text(&m, ATTR_REALM, realm);
	message_set_blob(&m, ATTR_HANDSHAKE, handshake, sizeof(handshake));
	length = message_write(&m, t->discovery, sizeof(t->discovery));
	assert_true(length > 0);
	t->discovery_length = (size_t)length;
}

static void send_forged(struct world *w, const char *realm, uint32_t from, uint32_t to)
{
	for (uint32_t number = from; number < to; number++) {
		struct frame f;

		forge_discovery(&w->tina, realm, number);
		f = frame_of(w, &w->tina);
		receive(w, &f);
	}
}

/* A home core that does not answer has so many attempts waiting for it; others have their own. */
static void test_many_attempts(void **state)
{
	struct world *w = world_new(NULL);
	const uint64_t *dropped = &w->core.counters.drops[DROP_LIMIT];

	(void)state;
	w->far[FAR_A].cut = true;
	send_forged(w, "a.example", 0, REGISTRATIONS_OF_STRANGERS + 10);
	assert_int_equal(HASH_COUNT(w->core.registrations), REGISTRATIONS_OF_STRANGERS);
	assert_int_equal(*dropped, 10);
	/* With these they may try for what is kept from strangers. */
	assert_int_equal(w->core.counters.sent[MESSAGE_COOKIE], 10);
	send_forged(w, "c.example", 0, 1);
	assert_int_equal(HASH_COUNT(w->core.registrations), REGISTRATIONS_OF_STRANGERS + 1);
	assert_int_equal(*dropped, 10);
	world_run(w, 60 * SEC);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	send_forged(w, "a.example", 0, REGISTRATIONS_OF_STRANGERS + 10);
	assert_int_equal(HASH_COUNT(w->core.registrations), REGISTRATIONS_OF_STRANGERS);
	assert_int_equal(*dropped, 20);
	world_free(w);
}

/* Sealed by the right terminal, but cut, damaged, or of a type that it may not send. */
static void test_sealed(void **state)
{
	struct world *w = world_new(NULL);
	uint8_t datagram[SNO_DATAGRAM_MAX];
	const uint64_t *drops;
	struct message m;
	int length;

	(void)state;
	drops = w->core.counters.drops;
	w->otto.home_epoch = w->core.epoch;
	terminal_register(w, &w->otto, "s1");
	message_init(&m, MESSAGE_CORE_DISCONNECT, 1);
	message_set_number(&m, ATTR_LIFETIME, 0);
	length = access_seal(&w->otto.access, &m, datagram, sizeof(datagram));
	terminal_send(w, &w->otto, "s1", datagram, (size_t)length - 20);
	assert_true(drops[DROP_SHORT] + drops[DROP_SEAL] == 1);
	datagram[length - 1] ^= 1;
	terminal_send(w, &w->otto, "s1", datagram, (size_t)length);
	assert_true(drops[DROP_SHORT] + drops[DROP_SEAL] == 2);
	assert_int_equal(HASH_COUNT(w->core.sessions), 1);
	/* From another Ethernet address it is not the terminal that speaks. */
	datagram[length - 1] ^= 1;
	w->otto.mac.bytes[5] ^= 1;
	terminal_send(w, &w->otto, "s1", datagram, (size_t)length);
	w->otto.mac.bytes[5] ^= 1;
	assert_int_equal(HASH_COUNT(w->core.sessions), 1);
	/* A request that only a core may make of us. */
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_ADMINISTRATIVE);
	terminal_tell(w, &w->otto, "s1", &m);
	terminal_read(w, &w->otto);
	assert_int_equal(w->otto.last[MESSAGE_ERROR].reason, REASON_UNSUPPORTED);
	/* A keepalive and an answer to nothing are nothing. */
	message_init(&m, MESSAGE_RELEASE_ACK, 0);
	message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	terminal_tell(w, &w->otto, "s1", &m);
	assert_int_equal(session_find(&w->core, "otto@b.example")->state, SESSION_REGISTERED);
	world_free(w);
}

/* A repeated request is answered again, and carried out once. */
static void test_repeated_request(void **state)
{
	struct world *w = world_new(NULL);
	struct message m;

	(void)state;
	terminal_register(w, &w->tina, "s1");
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 1);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 1);
	terminal_tell(w, &w->tina, "s1", &m);
	w->tina.next_request--;
	terminal_tell(w, &w->tina, "s1", &m);
	world_run(w, 50 * MS);
	terminal_read(w, &w->tina);
	assert_int_equal(w->tina.received[MESSAGE_HANDOVER_DONE_ACK], 2);
	assert_int_equal(w->far[FAR_A].asked[MESSAGE_HANDOVER_DONE], 1);
	world_free(w);
}

/* ---- between cores ------------------------------------------------------------------------- */

static void assert_core_drops(struct world *w, const void *octets, size_t length, enum drop reason)
{
	struct endpoint stranger = {.port = 6275};
	uint64_t before = w->core.counters.drops[reason];

	assert_int_equal(addr_parse(&stranger.addr, "203.0.113.99"), 0);
	peer_receive(&w->core, &stranger, octets, length, w->now);
	assert_int_equal(w->core.counters.drops[reason], before + 1);
}

static void test_core_datagrams(void **state)
{
	uint8_t octets[SNO_DATAGRAM_MAX + 1] = {MESSAGE_SEALED, 1, 0, 0, 1, 2, 3, 4};
	struct world *w = world_new(NULL);
	struct peer *a = peer_find(&w->core, "a.example");
	struct endpoint stranger = {.port = 6275}, before = a->endpoint;

	(void)state;
	assert_core_drops(w, octets, sizeof(octets), DROP_LONG);
	assert_core_drops(w, octets, 64, DROP_INDEX);
	assert_core_drops(w, octets, 7, DROP_SHORT);
	assert_core_drops(w, octets, 0, DROP_SHORT);
	octets[0] = MESSAGE_CORE_DISCOVERY;
	assert_core_drops(w, octets, 64, DROP_TYPE);
	octets[0] = MESSAGE_HANDSHAKE_INITIATION;
	assert_core_drops(w, octets, 200, DROP_HANDSHAKE);
	/* The hint of a peer is no secret; it alone moves nothing. */
	memcpy(octets + 8, a->hint, sizeof(a->hint));
	assert_int_equal(addr_parse(&stranger.addr, "203.0.113.99"), 0);
	peer_receive(&w->core, &stranger, octets, 200, w->now);
	assert_int_equal(channel_counters(a->channel)->drops[DROP_HANDSHAKE], 1);
	assert_true(addr_equal(&a->endpoint.addr, &before.addr));
	assert_true(channel_up(a->channel));
	world_free(w);
}

/* What a peer may not ask, or asks about somebody else. */
static void test_core_requests(void **state)
{
	struct world *w = world_new(NULL);
	struct far *c = &w->far[FAR_C];
	struct message m;

	(void)state;
	w->otto.home_epoch = w->core.epoch;
	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	message_set_text(&m, ATTR_REALM, "c.example");
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(c->last_reason, REASON_UNKNOWN_REALM);
	assert_false(message_has(&c->last_answer, ATTR_HANDSHAKE));
	/* The index is part of what the handshake protects. */
	terminal_authentication(&w->otto, &m);
	message_set_number(&m, ATTR_INDEX, m.index ^ 2);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(c->last_reason, REASON_AUTHENTICATION_FAILED);
	assert_int_equal(subscriber_find(&w->core, "otto")->counter, 0);
	message_init(&m, MESSAGE_HANDOVER_DONE, 0);
	message_set_number(&m, ATTR_GAP, 1);
	message_set_number(&m, ATTR_REGISTRATION_TIME, 1);
	message_set_number(&m, ATTR_BINDING, 12345);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(c->last_reason, REASON_STALE_BINDING);
	message_init(&m, MESSAGE_CORE_DISCONNECT, 0);
	message_set_number(&m, ATTR_BINDING, 12345);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(c->last_reason, REASON_STALE_BINDING);
	world_free(w);
}

/* What a home core grants must be its own to give, and for the terminal that asked. */
static void test_grants(void **state)
{
	struct world *w = world_new(NULL);
	struct far *a = &w->far[FAR_A];
	char *idle = strdup(kernel_fake_dump());

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct addr hoa4 = a->hoa4, hoa6 = a->hoa6;

		if (i == 0)
			assert_int_equal(addr_parse(&a->hoa4, "10.2.0.9"), 0);
		else if (i == 1)
			assert_int_equal(addr_parse(&a->hoa6, "2001:db8:b::7"), 0);
		else if (i == 2)
			assert_int_equal(prefix_parse(&a->prefix, "2001:db8:b00::/56"), 0);
		else
			assert_int_equal(addr_parse(&a->claimed_link_local, "fe80::bad"), 0);
		terminal_register(w, &w->tina, "s1");
		assert_true(w->tina.rejected);
		assert_int_equal(w->tina.reason, REASON_NOT_PERMITTED);
		assert_int_equal(a->asked[MESSAGE_TUNNEL_REQUEST], 0);
		assert_string_equal(kernel_fake_dump(), idle);
		a->hoa4 = hoa4;
		a->hoa6 = hoa6;
		a->prefix = (struct prefix){0};
		a->claimed_link_local.family = AF_UNSPEC;
	}
	/* A prefix inside its own is routed to the terminal like its addresses. */
	assert_int_equal(prefix_parse(&a->prefix, "2001:db8:a:0:8000::/80"), 0);
	terminal_register(w, &w->tina, "s1");
	assert_true(w->tina.done);
	assert_int_equal(kernel_fake_count("2001:db8:a:0:8000::/80"), 1);
	free(idle);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_altered_discovery),
		cmocka_unit_test(test_many_attempts),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_repeated_request),
		cmocka_unit_test(test_core_datagrams),
		cmocka_unit_test(test_core_requests),
		cmocka_unit_test(test_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
