/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schedule: where a satellite leads, and satellites that take all their terminals with them. */
#include "core-agent/anticipation.h"
#include "core-agent/crowd.h"
#include "core-agent/peer.h"
#include "core-agent/preparation.h"
#include "core-agent/schedule.h"
#include "kernel_fake.h"
#include "otto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PREPARE MESSAGE_PROACTIVE_AUTHENTICATION
/* What the wall clock shows when the world begins. */
#define NOON "2026-07-29T12:00:00Z"

#define POOLS_WITH(MORE) WORLD_POOLS " handover = { schedule = \"$DIR/plan\"; " MORE " };"

/* One association of a satellite; seconds after NOON. */
struct row {
	int from, until;
	const char *satellite, *core;
};

static usec_t noon(void)
{
	usec_t at;

	assert_int_equal(association_time_parse(NOON, &at), 0);
	return at;
}

static const char *plan_path(const struct world *w)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/plan", w->directory);
	return path;
}

/* Writes the file, as a planner would: beside it, and then in its place. */
static void plan(const struct world *w, const struct row *rows, size_t count)
{
	char text[ASSOCIATION_TIME_TEXT], fresh[112];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", plan_path(w));
	file = fopen(fresh, "w");
	assert_non_null(file);
	association_print_heading(file);
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%s,", association_time_format(noon() + rows[i].from * SEC, text));
		fprintf(file, "%s,%s,%s,\n",
			association_time_format(noon() + rows[i].until * SEC, text),
			rows[i].satellite, rows[i].core);
	}
	fclose(file);
	assert_int_equal(rename(fresh, plan_path(w)), 0);
}

/* A world at noon, with that plan and more of the group handover; otto is on his way. */
static struct world *planned_world(const struct row *rows, size_t count)
{
	const struct world_text text = {.pools = POOLS_WITH("")};
	struct world *w = otto_world(NULL);

	plan(w, rows, count);
	w->core.wall_ahead = noon() - w->now;
	assert_int_equal(world_reload(w, &text), 0);
	return w;
}

static void planned_free(struct world *w)
{
	unlink(plan_path(w));
	world_free(w);
}

#define PLAN(...)                                                                                  \
	(const struct row[]){__VA_ARGS__},                                                         \
		sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row)

/* Until so many seconds after noon. */
static void run_until(struct world *w, double seconds)
{
	world_run(w, noon() + (usec_t)(seconds * 1e6) - (w->now + w->core.wall_ahead));
}

static void test_lookup(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 60, "sat-c", "c.example"}, {60, 120, "sat-c", "b.example"}));
	struct message m;

	(void)state;
	assert_string_equal(schedule_core(&w->core, "sat-c", w->now), "c.example");
	assert_string_equal(schedule_core(&w->core, "sat-c", w->now + 60 * SEC), "b.example");
	assert_null(schedule_core(&w->core, "sat-c", w->now + 120 * SEC));
	assert_null(schedule_core(&w->core, "s1", w->now));
	/* He names the satellite that he goes to, and no core. */
	terminal_register(w, &w->otto, "s1");
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 1, "x");
	m.present &= ~(UINT64_C(1) << ATTR_NEXT_CORE);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-c");
	otto_says(w, &m);
	world_run(w, 50 * MS);
	assert_string_equal(otto_told(w, MESSAGE_DISCONNECTION_ACK)->next_core, "c.example");
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* sat-a goes from a to c at 12:00:20, and otto with it. */
static void test_taken_along(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message *asked = &w->far[FAR_C].last[PREPARE];

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 17.9);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	run_until(w, 18.1);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(asked->expected, 2000);
	assert_int_equal(asked->hold, 1);
	assert_string_equal(asked->next_satellite, "sat-a");
	/* The link stays: the target can lead packets there beforehand. */
	assert_true(lladdr_equal(&asked->link_layer, &w->otto.mac));
	assert_int_equal(asked->mtu, 1500);
	run_until(w, 19.98);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	run_until(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_A), 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	/* He takes the number that nobody has told him; the kernel is not asked again. */
	kernel_fake_log_clear();
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(kernel_fake_calls(), 0);
	assert_int_equal(w->core.handovers.made[MODE_PREDICTIVE], 1);
	assert_string_equal(otto_binding(w)->place.satellite, "sat-a");
	otto_clean(w);
	planned_free(w);
}

/* Who has come to the satellite, or registered anew, since the others were prepared. */
static void test_late_comer(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	run_until(w, 19);
	otto_visit(w, FAR_A);
	run_until(w, 19.9);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	run_until(w, 20);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* Who has left the satellite for another one is not taken along with it. */
static void test_has_left(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"},
				   {0, 60, "s1", "b.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 19.5);
	otto_move(&m, MESSAGE_CORE_DISCONNECT, 2, "b.example");
	otto_says(w, &m);
	run_until(w, 19.7);
	assert_int_equal(otto_told(w, MESSAGE_DISCONNECTION_ACK)->reason, REASON_ACCEPTED);
	assert_true(kernel_fake_count(OTTO_HELD) > 0);
	run_until(w, 20.5);
	assert_true(kernel_fake_count(OTTO_HELD) > 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 0);
	planned_free(w);
}

/* And on to the next, home this time, whose core is this one: it advertises itself, too. */
static void test_home_by_satellite(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 40, "sat-a", "c.example"},
				   {0, 20, "s1", "a.example"}, {20, 40, "s1", "b.example"}));
	size_t frames;

	(void)state;
	otto_authenticate(w, FAR_A, NULL);
	snprintf(otto(w)->offer.place.satellite, sizeof(otto(w)->offer.place.satellite), "s1");
	otto_tunnel(w, FAR_A, w->far[FAR_A].last_answer.binding, "198.51.100.5", TUNNEL_GRE4);
	run_until(w, 19.96);
	assert_non_null(w->core.preparations);
	run_until(w, 19.999);
	assert_int_equal(kernel_fake_count(OTTO_HELD), 1);
	/* At once, and again for a satellite that is a little late. */
	run_until(w, 20.002);
	frames = w->frame_count;
	run_until(w, 20.25);
	assert_int_equal(w->frame_count, frames + 3);
	memcpy(w->otto.root, otto(w)->root.key, KEY_LENGTH);
	snprintf(w->otto.target, sizeof(w->otto.target), "b.example");
	w->otto.number = 1;
	terminal_register(w, &w->otto, "s1");
	assert_true(w->otto.done);
	assert_int_equal(w->otto.assignment.type, 0);
	assert_int_equal(otto_binding(w)->state, BINDING_HOME);
	assert_int_equal(kernel_fake_count(OTTO_HOME), 1);
	otto_clean(w);
	planned_free(w);
}

/* The plan was wrong: he is where he was, and nothing is left. */
static void test_wrong(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 21);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, REASON_NOT_ARRIVED);
	message_set_number(&m, ATTR_BINDING, otto_prepared(w, FAR_C));
	run_until(w, 25);
	far_ask(w, FAR_C, &m);
	world_run(w, 50 * MS);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	planned_free(w);
}

/* Those who are elsewhere, or nowhere, are none of its business. */
static void test_not_on_it(void **state)
{
	static const struct row rows[] = {
		{0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"},
		{0, 30, "sat-c", "a.example"}, {30, 60, "sat-c", "b.example"},
		{0, 40, "sat-x", "x.example"}, {40, 60, "sat-x", "y.example"}};
	struct world *w = planned_world(rows, sizeof(rows) / sizeof(rows[0]));

	(void)state;
	/* On sat-c, which the plan takes for a's. */
	otto_visit(w, FAR_C);
	run_until(w, 31);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_C), 1);
	otto_clean(w);
	planned_free(w);
}

/* To a core that nobody knows nothing can be led, nor to this one in its place. */
static void test_unknown_core(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "x.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 21);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	otto_clean(w);
	planned_free(w);
}

/* In the order of time, whatever their names. */
static void test_order(void **state)
{
	struct world *w = planned_world(
		PLAN({0, 40, "another", "a.example"}, {40, 60, "another", "c.example"},
		     {0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* Nobody tells the number of such a move: it follows the highest that he has told. */
static void test_number(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	otto_move(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 3, "x.example");
	otto_says(w, &m);
	run_until(w, 20);
	otto_arrive(w, FAR_C, 4);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* He has announced the move himself: under his number he comes. */
static void test_announced_too(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct message m;

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 17);
	otto_move(&m, MESSAGE_HANDOVER_ANNOUNCEMENT, 1, "c.example");
	otto_says(w, &m);
	run_until(w, 20);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* Allowed to foresee, or not. */
static void test_mode(void **state)
{
	const struct world_text text = {.pools = POOLS_WITH("mode = \"proactive\";")};
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	assert_int_equal(world_reload(w, &text), 0);
	run_until(w, 30);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	planned_free(w);
}

/* The target is late: as soon as it is ready. */
static void test_late_target(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	w->far[FAR_C].hold_type = PREPARE;
	run_until(w, 20.1);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	far_answer(w, FAR_C, 0);
	world_run(w, 1 * MS);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	otto_clean(w);
	planned_free(w);
}

/* The kernel refuses his part of the whole: he stays, and the target knows. */
static void test_refused(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 19.9);
	kernel_fake_fail_at(1, -ENOSPC);
	run_until(w, 20.1);
	assert_true(kernel_fake_failed());
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	assert_int_equal(w->far[FAR_C].last[MESSAGE_RELEASE].reason, REASON_KERNEL_REFUSED);
	otto_clean(w);
	planned_free(w);
}

/* A pause that is longer than packets are held is none that terminals sit out. */
static void test_gap(void **state)
{
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {21, 30, "sat-a", "c.example"},
				   {33, 60, "sat-a", "a.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 20.5);
	/* Away at the end of the old, there at the beginning of the new. */
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	run_until(w, 21);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	run_until(w, 40);
	assert_int_equal(w->far[FAR_A].asked[PREPARE], 0);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	planned_free(w);
}

/* Another file takes its place; one with faults does not. */
static void test_file_changes(void **state)
{
	static const struct row later[] = {{0, 30, "sat-a", "a.example"},
					   {30, 60, "sat-a", "c.example"}};
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	FILE *file;

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 5);
	plan(w, later, 2);
	run_until(w, 25);
	assert_int_equal(kernel_fake_count(OTTO_A), 1);
	file = fopen(plan_path(w), "w");
	assert_non_null(file);
	fputs("nonsense\n", file);
	fclose(file);
	run_until(w, 31);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), 1);
	/* Nor one that is gone. */
	unlink(plan_path(w));
	run_until(w, 33);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "c.example");
	planned_free(w);
}

/* Without a file there is no schedule; it may come later, and go with the configuration. */
static void test_file_comes(void **state)
{
	static const struct world_text with = {.pools = POOLS_WITH("")}, without = {0};
	static const struct row row = {0, 60, "sat-a", "a.example"};
	struct world *w = otto_world(NULL);

	(void)state;
	w->core.wall_ahead = noon() - w->now;
	assert_int_equal(world_reload(w, &with), 0);
	run_until(w, 3);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	plan(w, &row, 1);
	run_until(w, 6);
	assert_string_equal(schedule_core(&w->core, "sat-a", w->now), "a.example");
	assert_int_equal(world_reload(w, &without), 0);
	assert_null(schedule_core(&w->core, "sat-a", w->now));
	run_until(w, 9);
	planned_free(w);
}

/* The clock is set: what is ahead is ahead of the new time. */
static void test_clock_set(void **state)
{
	struct world *w = planned_world(PLAN({0, 2000, "sat-a", "a.example"},
					     {2000, 2030, "sat-a", "c.example"},
					     {2030, 2060, "sat-a", "a.example"}));

	(void)state;
	otto_visit(w, FAR_A);
	run_until(w, 10);
	assert_int_equal(schedule_ahead(&w->core), 2);
	w->core.wall_ahead += 1985 * SEC;
	run_until(w, 1999);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], 1);
	run_until(w, 2000);
	otto_arrive(w, FAR_C, 1);
	assert_int_equal(w->far[FAR_C].last_reason, REASON_ACCEPTED);
	assert_int_equal(schedule_ahead(&w->core), 2);
	run_until(w, 2001);
	assert_int_equal(schedule_ahead(&w->core), 1);
	/* Back again, and there is nobody to be taken along from a. */
	w->core.wall_ahead -= 1000 * SEC;
	run_until(w, 1005);
	assert_int_equal(schedule_ahead(&w->core), 2);
	/* And ahead: what was missed is over. */
	w->core.wall_ahead += 1010 * SEC;
	run_until(w, 2016);
	assert_int_equal(schedule_ahead(&w->core), 1);
	planned_free(w);
}

/* ---- crowds --------------------------------------------------------------------------------- */

#define CROWD 40

/* Subscribers u0 .. with one key each, as libconfig text. */
static char *crowd_config(const struct terminal *crowd)
{
	char *text = NULL, key[KEY_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (int i = 0; i < CROWD; i++)
		fprintf(out, "%s{ nai = \"u%d@b.example\"; public_key = \"%s\"; }", i ? ", " : "",
			i, keys_encode(key, crowd[i].keys.public));
	fclose(out);
	return text;
}

/* One of them visits A on sat-a. */
static void crowd_visit(struct world *w, struct terminal *t, int i)
{
	struct message discovery, m;
	struct addr coa;
	char text[ADDR_TEXT];

	t->home_epoch = w->core.epoch;
	terminal_discovery(t, NULL);
	assert_int_equal(message_read(&discovery, PLACE_CLEAR, t->discovery, t->discovery_length),
			 DROP_NONE);
	message_init(&m, MESSAGE_AUTHENTICATION, 0);
	message_set_text(&m, ATTR_REALM, discovery.realm);
	message_set_number(&m, ATTR_INDEX, discovery.id);
	message_set_blob(&m, ATTR_HANDSHAKE, discovery.handshake.bytes, discovery.handshake.length);
	message_set_text(&m, ATTR_NEXT_SATELLITE, "sat-a");
	snprintf(text, sizeof(text), "198.51.100.%d", 20 + i);
	assert_int_equal(addr_parse(&coa, text), 0);
	message_set_addr(&m, ATTR_COA, &coa);
	message_set_number(&m, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(&m, ATTR_TUNNEL_KEY, 99);
	message_set_link_layer(&m, &t->mac);
	message_set_addr(&m, ATTR_LINK_LOCAL, &t->link_local);
	far_ask(w, FAR_A, &m);
	world_run(w, 10 * MS);
	assert_true(message_has(&w->far[FAR_A].last_answer, ATTR_COA));
}

/* All of them at once, in few datagrams and few exchanges with the kernel. */
static void test_crowd(void **state)
{
	struct terminal *crowd = calloc(CROWD, sizeof(*crowd));
	struct world *w =
		planned_world(PLAN({0, 20, "sat-a", "a.example"}, {20, 60, "sat-a", "c.example"}));
	struct world_text text = {.pools = POOLS_WITH("")};
	char *subscribers;

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		char user[16];

		keys_generate_pair(&crowd[i].keys);
		snprintf(user, sizeof(user), "u%d", i);
		terminal_make(&crowd[i], user, "b.example", w->core.keys.public,
			      "02:00:00:00:02:01");
	}
	text.subscribers = subscribers = crowd_config(crowd);
	assert_int_equal(world_reload(w, &text), 0);
	for (int i = 0; i < CROWD; i++)
		crowd_visit(w, &crowd[i], i);
	run_until(w, 17.99);
	w->carried = 0;
	run_until(w, 18.5);
	assert_int_equal(w->far[FAR_C].asked[PREPARE], CROWD);
	assert_true(w->carried < CROWD / 2);
	run_until(w, 19.9);
	kernel_fake_log_clear();
	run_until(w, 20);
	assert_int_equal(kernel_fake_count(OTTO_NEXT_C), CROWD);
	assert_true(kernel_fake_batches() <= 2);
	assert_int_equal(HASH_COUNT(w->core.anticipations), CROWD);
	free(subscribers);
	free(crowd);
	planned_free(w);
}

/* Who is on which satellite, through all that happens to him. */
static void test_places(void **state)
{
	struct world *w = otto_world(NULL);

	(void)state;
	assert_null(w->core.crowds);
	terminal_register(w, &w->otto, "s1");
	assert_ptr_equal(crowd_on(&w->core, "s1"), otto(w));
	terminal_register(w, &w->otto, "s2");
	assert_null(crowd_on(&w->core, "s1"));
	assert_ptr_equal(crowd_on(&w->core, "s2"), otto(w));
	otto_visit(w, FAR_A);
	assert_null(crowd_on(&w->core, "s2"));
	assert_ptr_equal(crowd_on(&w->core, "sat-a"), otto(w));
	world_run(w, 301 * SEC);
	assert_int_equal(otto_binding(w)->state, BINDING_NONE);
	assert_null(w->core.crowds);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_taken_along),
		cmocka_unit_test(test_late_comer),
		cmocka_unit_test(test_has_left),
		cmocka_unit_test(test_home_by_satellite),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_not_on_it),
		cmocka_unit_test(test_unknown_core),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_announced_too),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_late_target),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_file_changes),
		cmocka_unit_test(test_file_comes),
		cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
