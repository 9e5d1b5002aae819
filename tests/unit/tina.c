/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tina.h. */
#include "tina.h"

#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/registration.h"
#include "kernel_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct session *tina(const struct world *w)
{
	return session_find(&w->core, "tina@a.example");
}

struct preparation *tina_prepared(const struct world *w)
{
	return preparation_find(&w->core, "tina@a.example");
}

void tina_gone(struct world *w, const char *idle)
{
	assert_string_equal(kernel_fake_dump(), idle);
	assert_int_equal(pool_used(w->core.care_of4), 0);
	assert_int_equal(HASH_COUNT(w->core.sessions), 0);
	assert_int_equal(HASH_COUNT(w->core.session_macs), 0);
	assert_int_equal(HASH_COUNT(w->core.session_indices), 0);
	assert_int_equal(HASH_COUNT(w->core.registrations), 0);
	assert_int_equal(HASH_COUNT(w->core.preparations), 0);
	assert_int_equal(HASH_CNT(hh_tag, w->core.preparation_tags), 0);
	assert_int_equal(HASH_CNT(hh_mac, w->core.preparation_macs), 0);
	assert_int_equal(HASH_COUNT(w->core.preparations_waiting), 0);
}

struct world *tina_world(const char *pools)
{
	struct world *w = world_new(pools);

	keys_random(w->tina.root, sizeof(w->tina.root));
	memcpy(w->far[FAR_A].root, w->tina.root, sizeof(w->tina.root));
	w->tina.counter = 7;
	return w;
}

void tina_prepare(struct world *w, uint64_t number, unsigned int wishes)
{
	struct message m;

	message_init(&m, MESSAGE_PROACTIVE_AUTHENTICATION, 0);
	message_set_number(&m, ATTR_EXPECTED, 1000);
	if (wishes & HOLD)
		message_set_number(&m, ATTR_HOLD, 1);
	if (wishes & LINK) {
		message_set_link_layer(&m, &w->tina.mac);
		message_set_addr(&m, ATTR_LINK_LOCAL, &w->tina.link_local);
		message_set_number(&m, ATTR_MTU, 1300);
		message_set_text(&m, ATTR_NEXT_SATELLITE, "s1");
	}
	far_prepare(w, number, &m);
	world_run(w, 20 * MS);
}

void tina_expected(struct world *w)
{
	assert_int_equal(w->far[FAR_A].last_reason, REASON_ACCEPTED);
	assert_non_null(tina_prepared(w));
	assert_int_equal(tina_prepared(w)->state, PREPARATION_PREPARED);
}

void tina_comes(struct world *w, uint64_t number, const char *satellite)
{
	snprintf(w->tina.target, sizeof(w->tina.target), "b.example");
	w->tina.number = number;
	terminal_discovery(&w->tina, NULL);
	terminal_send(w, &w->tina, satellite, w->tina.discovery, w->tina.discovery_length);
}

void tina_arrived(struct world *w)
{
	terminal_read(w, &w->tina);
	assert_true(w->tina.done);
	assert_non_null(tina(w));
	assert_int_equal(tina(w)->state, SESSION_REGISTERED);
	assert_null(tina_prepared(w));
	assert_int_equal(kernel_fake_count(SERVED), 1);
	assert_int_equal(kernel_fake_count(STATION), 2);
	assert_int_equal(pool_used(w->core.care_of4), 1);
}

void tina_release(struct world *w, uint64_t binding, enum reason reason)
{
	struct message m;

	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, reason);
	message_set_number(&m, ATTR_BINDING, binding);
	far_ask(w, FAR_A, &m);
	world_run(w, 20 * MS);
}

void tina_send(uint8_t number)
{
	uint8_t packet[28] = {0x45,	[3] = 28, [8] = 64, [9] = 17, [12] = 192, [14] = 2,
			      [15] = 9, 10,	  1,	    0,	      7,	  [27] = number};

	assert_int_equal(kernel_fake_tun_send("sno-buf", packet, sizeof(packet)), 0);
}

void tina_delivered(const char *numbers)
{
	uint8_t packet[128];
	char got[16] = "";
	size_t count = 0;

	while (count < sizeof(got) - 1 &&
	       kernel_fake_tun_receive("sno-buf", packet, sizeof(packet)) == 28)
		got[count++] = (char)packet[27];
	assert_string_equal(got, numbers);
}
