/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See otto.h. */
#include "otto.h"

#include "core-agent/anticipation.h"
#include "core-agent/peer.h"
#include "core-agent/preparation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct world *otto_world(const char *pools)
{
	struct world *w = world_new(pools);

	w->otto.home_epoch = w->core.epoch;
	return w;
}

struct subscriber *otto(const struct world *w)
{
	return subscriber_find(&w->core, "otto");
}

const struct binding *otto_binding(const struct world *w)
{
	return &otto(w)->binding;
}

static void set_tunnel(struct message *m, const char *coa, enum tunnel_kind kind)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, coa), 0);
	message_set_addr(m, ATTR_COA, &a);
	message_set_number(m, ATTR_TUNNEL_KIND, kind);
	message_set_number(m, ATTR_TUNNEL_KEY, 99);
}

void otto_authenticate(struct world *w, int which, const char *coa)
{
	otto_authenticate_from(w, which, coa, coa ? &w->otto.mac : NULL, &w->otto.link_local);
}

void otto_authenticate_from(struct world *w, int which, const char *coa, const struct lladdr *mac,
			    const struct addr *link_local)
{
	struct message m;

	terminal_discovery(&w->otto, NULL);
	terminal_authentication(&w->otto, &m);
	message_set_text(&m, ATTR_NEXT_SATELLITE, which == FAR_A ? "sat-a" : "sat-c");
	if (coa)
		set_tunnel(&m, coa, TUNNEL_GRE4);
	if (mac) {
		message_set_link_layer(&m, mac);
		message_set_addr(&m, ATTR_LINK_LOCAL, link_local);
	}
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

void otto_tunnel(struct world *w, int which, uint64_t number, const char *coa,
		 enum tunnel_kind kind)
{
	struct message m;

	message_init(&m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(&m, ATTR_BINDING, number);
	set_tunnel(&m, coa, kind);
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

uint64_t otto_visit(struct world *w, int which)
{
	uint64_t number;

	otto_authenticate(w, which, NULL);
	assert_int_equal(w->far[which].last_reason, REASON_ACCEPTED);
	number = w->far[which].last_answer.binding;
	otto_tunnel(w, which, number, which == FAR_A ? "198.51.100.5" : "203.0.113.5", TUNNEL_GRE4);
	assert_int_equal(w->far[which].last_reason, REASON_ACCEPTED);
	return number;
}

void otto_move(struct message *m, enum message_type type, uint64_t number, const char *core)
{
	message_init(m, type, 0);
	message_set_number(m, ATTR_HANDOVER_COUNTER, number);
	message_set_text(m, ATTR_NEXT_CORE, core);
	if (type == MESSAGE_HANDOVER_ANNOUNCEMENT)
		message_set_number(m, ATTR_EXPECTED, 2000);
}

static int serving(const struct world *w)
{
	const struct binding *b = otto_binding(w);

	if (b->state != BINDING_VISITING)
		return -1;
	return strcmp(b->peer->name, w->far[FAR_A].name) ? FAR_C : FAR_A;
}

void otto_says(struct world *w, struct message *m)
{
	int which = serving(w);

	memset(&w->otto.last[message_answer(m->type)], 0, sizeof(w->otto.last[0]));
	if (which < 0) {
		terminal_tell(w, &w->otto, "s1", m);
		return;
	}
	message_set_number(m, ATTR_BINDING, otto_binding(w)->number);
	w->far[which].answers = 0;
	far_ask(w, which, m);
}

const struct message *otto_told(struct world *w, enum message_type type)
{
	int which = serving(w);
	const struct message *told;

	if (which < 0) {
		terminal_read(w, &w->otto);
		told = &w->otto.last[type];
	} else {
		told = w->far[which].answers > 0 ? &w->far[which].last_answer : NULL;
	}
	return told && told->type == type ? told : NULL;
}

void otto_say(struct world *w, enum message_type type, uint64_t number, const char *core)
{
	struct message m;

	otto_move(&m, type, number, core);
	otto_says(w, &m);
	world_run(w, 50 * MS);
}

void otto_agree(struct world *w, enum message_type type, uint64_t number, const char *core,
		enum handover_mode mode)
{
	const struct message *told;

	otto_say(w, type, number, core);
	told = otto_told(w, message_answer(type));
	assert_non_null(told);
	assert_int_equal(told->reason, REASON_ACCEPTED);
	assert_string_equal(told->next_core, core);
	assert_int_equal(told->mode, mode);
}

void otto_unprepared(struct world *w, enum message_type type, uint64_t number, const char *core)
{
	const struct message *told;

	otto_say(w, type, number, core);
	told = otto_told(w, message_answer(type));
	assert_non_null(told);
	assert_int_equal(told->reason, REASON_NOT_PREPARED);
	assert_false(message_has(told, ATTR_NEXT_CORE));
}

uint64_t otto_prepared(const struct world *w, int which)
{
	return w->far[which].last[MESSAGE_PROACTIVE_AUTHENTICATION].binding;
}

void otto_arrival(struct world *w, int which, uint64_t number, struct message *m)
{
	uint8_t proof[HANDOVER_ARRIVAL];

	w->otto.counter++;
	assert_int_equal(handover_arrival(proof, otto(w)->root.key, w->far[which].name, number,
					  w->otto.counter),
			 0);
	message_init(m, MESSAGE_TUNNEL_REQUEST, 0);
	message_set_number(m, ATTR_BINDING, otto_prepared(w, which));
	set_tunnel(m, which == FAR_A ? "198.51.100.6" : "203.0.113.6", TUNNEL_GRE4);
	message_set_number(m, ATTR_TUNNEL_KEY, 55);
	message_set_number(m, ATTR_COUNTER, w->otto.counter);
	message_set_octets(m, ATTR_ARRIVAL, proof);
}

void otto_arrive(struct world *w, int which, uint64_t number)
{
	struct message m;

	otto_arrival(w, which, number, &m);
	far_ask(w, which, &m);
	world_run(w, 100 * MS);
}

void otto_clean(const struct world *w)
{
	assert_null(w->core.anticipations);
	assert_null(w->core.preparations);
	assert_null(otto(w)->anticipations);
	if (otto_binding(w)->state == BINDING_NONE) {
		assert_int_equal(otto(w)->path.kind, PATH_NONE);
		assert_false(otto(w)->root.known);
		assert_null(w->core.crowds);
	} else {
		assert_true(path_equal(&otto(w)->path, &otto_binding(w)->path));
		assert_true(otto(w)->root.known);
	}
}
