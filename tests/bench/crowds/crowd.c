/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All terminals together; see crowd.h. */
#include "crowd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT	    (500 * USEC_PER_MSEC)
#define TIMEOUT_MAX (8 * USEC_PER_SEC)
#define REPEATS	    3 /* of a discovery; then a new one */
#define DONE_TRIES  5 /* of handover done */

/* ff02::6276:1, all cores; fe80::1, the one at the other end (PROTOCOL section 5.1). */
static const struct addr cores_group = {.family = AF_INET6,
					.bytes = {0xff, 0x02, [12] = 0x62, [13] = 0x76, [15] = 1}};
static const struct addr gateway = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};
static const struct lladdr gateway_mac = {.bytes = {0x02, 0x53, 0x4e, 0x4f, 0x00, 0x01}};

int crowd_open(struct crowd *c, struct radio *radio, uint32_t count,
	       const struct terminal_setup *setup)
{
	*c = (struct crowd){.radio = radio, .count = count, .next = count};
	c->terminals = calloc(count, sizeof(*c->terminals));
	c->trials = calloc(count, sizeof(*c->trials));
	if (!c->terminals || !c->trials) {
		crowd_close(c);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		terminal_make(&c->terminals[i], i, setup);
	return 0;
}

void crowd_close(struct crowd *c)
{
	if (c->terminals)
		keys_wipe(c->terminals, c->count * sizeof(*c->terminals));
	free(c->terminals);
	free(c->trials);
	*c = (struct crowd){0};
}

static void send_datagram(struct crowd *c, const struct terminal *t, bool discovery,
			  const uint8_t *octets, size_t length)
{
	radio_send(c->radio,
		   &(struct frame){.src = t->link_layer,
				   .dst = discovery ? frame_multicast(&cores_group) : gateway_mac,
				   .ip_src = t->link_local,
				   .ip_dst = discovery ? cores_group : gateway,
				   .sport = SNO_ACCESS_PORT,
				   .dport = SNO_ACCESS_PORT,
				   .hop_limit = 255,
				   .payload = octets,
				   .length = length});
}

/* ---- discovering --------------------------------------------------------------------------- */

static void send_discovery(struct crowd *c, uint32_t number, usec_t now)
{
	struct terminal *t = &c->terminals[number];
	struct trial *trial = &c->trials[number];

	send_datagram(c, t, true, t->discovery.octets, t->discovery.length);
	trial->sent++;
	trial->deadline = now + trial->timeout;
}

/* A discovery that was made before leaves, the first of a trial. */
static void begin(struct crowd *c, uint32_t number, usec_t now)
{
	struct trial *trial = &c->trials[number];

	trial->begun = now;
	trial->timeout = TIMEOUT;
	trial->waiting = true;
	c->waiting++;
	send_discovery(c, number, now);
}

static void discover_again(struct crowd *c, uint32_t number, usec_t now)
{
	struct trial *trial = &c->trials[number];

	trial->repeats = 0;
	if (terminal_discover(&c->terminals[number], c->advertised) == 0)
		send_discovery(c, number, now);
}

/* Those whose turn it is to register. */
static void begin_next(struct crowd *c, usec_t now)
{
	for (; c->next < c->count && c->waiting < c->window && c->advertised[0]; c->next++)
		if (terminal_discover(&c->terminals[c->next], c->advertised) == 0)
			begin(c, c->next, now);
}

static void begin_all(struct crowd *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		begin(c, i, clock_wall());
	radio_flush(c->radio);
}

static void forget_trials(struct crowd *c)
{
	memset(c->trials, 0, c->count * sizeof(*c->trials));
	c->waiting = c->registered = c->told = 0;
}

void crowd_register(struct crowd *c, uint32_t window)
{
	forget_trials(c);
	c->window = window;
	c->next = 0;
}

int crowd_arm(struct crowd *c, const char *core)
{
	int result = 0;

	forget_trials(c);
	c->heard = 0;
	for (uint32_t i = 0; i < c->count && result == 0; i++)
		result = terminal_discover(&c->terminals[i], core);
	if (result == 0)
		snprintf(c->armed, sizeof(c->armed), "%s", core);
	return result;
}

bool crowd_served(const struct crowd *c)
{
	return c->registered == c->count && c->told == c->count;
}

/* ---- registered ---------------------------------------------------------------------------- */

static void send_handover_done(struct crowd *c, uint32_t number, usec_t now)
{
	struct trial *trial = &c->trials[number];
	uint8_t octets[SNO_DATAGRAM_MAX];
	int length = terminal_handover_done(&c->terminals[number], 0, trial->served - trial->begun,
					    octets, sizeof(octets));

	if (length > 0)
		send_datagram(c, &c->terminals[number], false, octets, (size_t)length);
	trial->deadline = now + TIMEOUT;
}

static void registered(struct crowd *c, uint32_t number, usec_t arrived)
{
	struct trial *trial = &c->trials[number];

	if (trial->waiting)
		c->waiting--;
	if (!trial->registered)
		c->registered++;
	if (trial->told)
		c->told--;
	trial->waiting = trial->told = false;
	trial->registered = true;
	trial->served = arrived;
	trial->repeats = 0;
	send_handover_done(c, number, arrived);
}

static void released(struct crowd *c, uint32_t number, usec_t now)
{
	struct trial *trial = &c->trials[number];

	trial->released++;
	if (trial->waiting)
		return;
	if (trial->registered)
		c->registered--;
	trial->registered = false;
	if (terminal_discover(&c->terminals[number], c->advertised) == 0)
		begin(c, number, now);
}

/* ---- what comes in ------------------------------------------------------------------------- */

static void advertised(struct crowd *c, const struct frame *f, usec_t arrived)
{
	struct message m;

	if (message_read(&m, PLACE_CLEAR, f->payload, f->length) != DROP_NONE ||
	    m.type != MESSAGE_CORE_ADVERTISEMENT) {
		c->strange++;
		return;
	}
	memcpy(c->advertised, m.core, sizeof(c->advertised));
	if (c->heard == 0 && strcmp(c->armed, m.core) == 0) {
		c->heard = arrived;
		begin_all(c);
	}
}

/* A datagram to one of the terminals, by the addresses of both layers. */
static void received(struct crowd *c, uint32_t number, const struct frame *f, usec_t arrived)
{
	struct terminal *t = &c->terminals[number];
	struct terminal_answer answer;
	enum terminal_event event = TERMINAL_NOTHING;

	if (addr_equal(&f->ip_dst, &t->link_local))
		event = terminal_receive(t, f->payload, f->length, &answer);
	switch (event) {
	case TERMINAL_NOTHING:
		c->strange++;
		return;
	case TERMINAL_REGISTERED:
		registered(c, number, arrived);
		return;
	case TERMINAL_REFUSED:
		c->trials[number].refused++;
		discover_again(c, number, arrived);
		return;
	case TERMINAL_ANSWERED:
		c->told += !c->trials[number].told;
		c->trials[number].told = true;
		c->trials[number].deadline = 0;
		return;
	case TERMINAL_RELEASED:
	case TERMINAL_ASKED:
		if (answer.length > 0)
			send_datagram(c, t, false, answer.octets, answer.length);
		if (event == TERMINAL_RELEASED)
			released(c, number, arrived);
		return;
	}
}

void crowd_receive(void *arg, const uint8_t *octets, size_t length, usec_t arrived)
{
	struct crowd *c = arg;
	struct frame f;
	int64_t number;

	if (frame_parse(&f, octets, length) < 0 || f.dport != SNO_ACCESS_PORT)
		return;
	number = terminal_of(&f.dst);
	if (f.dst.bytes[0] & 1)
		advertised(c, &f, arrived);
	else if (number >= 0 && number < c->count)
		received(c, (uint32_t)number, &f, arrived);
	else
		c->strange++;
}

/* ---- time ---------------------------------------------------------------------------------- */

static void repeat(struct crowd *c, uint32_t number, usec_t now)
{
	struct trial *trial = &c->trials[number];

	if (trial->registered) {
		if (trial->repeats++ < DONE_TRIES)
			send_handover_done(c, number, now);
		else
			trial->deadline = 0;
	} else if (trial->repeats++ < REPEATS) {
		send_discovery(c, number, now);
	} else {
		trial->timeout = usec_min(2 * trial->timeout, TIMEOUT_MAX);
		discover_again(c, number, now);
	}
}

void crowd_tick(struct crowd *c, usec_t now)
{
	begin_next(c, now);
	for (uint32_t i = 0; i < c->count; i++)
		if (c->trials[i].deadline != 0 && now >= c->trials[i].deadline)
			repeat(c, i, now);
	radio_flush(c->radio);
}

void crowd_write(const struct crowd *c, FILE *file)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct trial *t = &c->trials[i];

		fprintf(file, "%" PRIu32 ",%" PRId64 ",%" PRId64 ",%u,%u,%u,%s,%s\n", i, t->begun,
			t->served, t->sent, t->refused, t->released, c->terminals[i].core,
			handover_mode_name(c->terminals[i].mode));
	}
}
