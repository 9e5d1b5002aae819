/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's part for the handover modes: packets of the user's that the routes and the hold lead,
 * and cores that have been prepared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "handover_key.h"
#include "terminal_rig.h"

/* ---- packets of the user's --------------------------------------------------------------- */

#define PACKET_LENGTH 24 /* an IPv4 header, and the number */

static void packet_left(struct rig *rig, unsigned int number, struct link *link)
{
	assert_true(rig->packet_count < RIG_PACKETS);
	rig->packets[rig->packet_count++] = (struct rig_packet){number, link, rig->now};
}

ssize_t rig_read_packet(void *context, uint8_t *packet, size_t size)
{
	struct rig *rig = context;

	if (rig->waiting_count == 0 && rig->dense)
		rig_straggle(rig, 0);
	if (rig->waiting_count == 0)
		return -EAGAIN;
	assert_true(size >= PACKET_LENGTH);
	memset(packet, 0, PACKET_LENGTH);
	packet[0] = 0x45;
	packet[3] = PACKET_LENGTH;
	memcpy(packet + 16, (const uint8_t[]){192, 0, 2, 1}, 4);
	memcpy(packet + 20, &rig->waiting[0], 4);
	memmove(rig->waiting, rig->waiting + 1, --rig->waiting_count * sizeof(rig->waiting[0]));
	return PACKET_LENGTH;
}

int rig_release_packet(void *context, struct link *link, const struct lladdr *gateway,
		       const uint8_t *packet, size_t length)
{
	struct rig *rig = context;
	unsigned int number;

	if (rig->full || !link->ready)
		return -EAGAIN;
	assert_int_equal(length, PACKET_LENGTH);
	assert_false(lladdr_equal(gateway, &(struct lladdr){{0}}));
	memcpy(&number, packet + 20, 4);
	if (number > 0)
		packet_left(rig, number, link);
	return 0;
}

void rig_straggle(struct rig *rig, unsigned int number)
{
	assert_true(rig->waiting_count < RIG_PACKETS);
	rig->waiting[rig->waiting_count++] = number;
	rig->gate.held++;
}

/* What gate.bpf.c does. */
static bool must_wait(const struct rig *rig, unsigned int ifindex)
{
	const struct gate *gate = &rig->gate;

	if (gate->link != ifindex || gate->until <= (uint64_t)rig->now * 1000 ||
	    gate->held == gate->passed)
		return false;
	assert_int_equal(gate->hold, rig->buffer);
	assert_false(lladdr_equal(&(struct lladdr){{0}},
				  (const struct lladdr *)(const void *)gate->gateway));
	return true;
}

bool rig_send_packet(struct rig *rig, unsigned int number)
{
	const struct addr server = {.family = AF_INET, .bytes = {192, 0, 2, 1}};
	struct kernel_route route;
	struct link *link;

	if (kernel_route_lookup(rig->kernel, &server, &route) < 0)
		return false;
	if (route.oif == rig->buffer || must_wait(rig, route.oif)) {
		rig_straggle(rig, number);
		return true;
	}
	link = links_by_index(&rig->links, route.oif);
	if (!link || !link->ready)
		return false;
	packet_left(rig, number, link);
	return true;
}

void rig_receive_packet(struct rig *rig, const char *name)
{
	struct link *link = rig_link(rig, name);

	if (rig->watched != link)
		return;
	rig->watched = NULL;
	session_first_packet(&rig->session, link, rig->now);
	rig_turn(rig);
}

/* ---- prepared cores ---------------------------------------------------------------------- */

void rig_prepare(struct rig *rig, struct rig_core *core, uint64_t number)
{
	core->prepared = true;
	assert_int_equal(handover_key(core->handover_key, rig->root, core->name, number), 0);
}

enum drop rig_reply_prepared(struct rig *rig, struct rig_core *core,
			     const struct rig_sent *discovery)
{
	uint8_t tag[HANDOVER_TAG], key[KEY_LENGTH], octets[SNO_DATAGRAM_MAX];
	struct message m, done, identity = rig_identity(rig, discovery);
	int length;

	assert_true(core->prepared);
	assert_int_equal(message_read(&m, PLACE_CLEAR, discovery->octets, discovery->length),
			 DROP_NONE);
	assert_true(message_has(&m, ATTR_HANDOVER_TAG));
	handover_tag(tag, core->handover_key);
	assert_memory_equal(m.handover_tag, tag, sizeof(tag));
	assert_true(handover_proven(core->handover_key, discovery->octets, discovery->length,
				    &discovery->link->mac, &discovery->link->address));
	assert_int_equal(m.counter, identity.counter);
	assert_true(m.counter > rig->accepted);
	rig->accepted = m.counter;
	handover_access_key(key, core->handover_key, discovery->octets, discovery->length);
	message_init(&done, MESSAGE_REGISTRATION_DONE, m.id);
	rig_seal_registration(core, key, m.id, &done);
	length = message_write(&done, octets, sizeof(octets));
	assert_true(length > 0);
	return rig_deliver(rig, discovery->link->name, octets, (size_t)length);
}

void rig_ack_move(struct rig *rig, const char *link, struct rig_core *core, const struct message *m,
		  enum reason reason, const char *next_core, uint32_t uplink_delay)
{
	struct message answer;

	message_init(&answer, message_answer(m->type), m->id);
	message_set_number(&answer, ATTR_REASON, reason);
	if (next_core)
		message_set_text(&answer, ATTR_NEXT_CORE, next_core);
	if (uplink_delay)
		message_set_number(&answer, ATTR_UPLINK_DELAY, uplink_delay);
	assert_int_equal(rig_tell(rig, link, core, &answer), DROP_NONE);
}

/* ---- steps of a handover ------------------------------------------------------------------- */

void rig_order(struct rig *rig, const char *link, usec_t in)
{
	assert_int_equal(
		session_handover(&rig->session, rig_link(rig, link), rig->now + in, rig->now), 0);
	rig_turn(rig);
}

struct message rig_discovery(const struct rig_sent *sent)
{
	struct message m;

	assert_int_equal(message_read(&m, PLACE_CLEAR, sent->octets, sent->length), DROP_NONE);
	return m;
}

bool rig_has_proof(const struct rig_sent *sent)
{
	struct message m = rig_discovery(sent);

	return message_has(&m, ATTR_HANDOVER_PROOF);
}

void rig_cut_over(struct rig *rig, usec_t gap)
{
	rig_carrier(rig, rig->sat1, false);
	rig_pass(rig, gap);
	rig_carrier(rig, rig->sat2, true);
}

struct message rig_announce(struct rig *rig, struct rig_core *from, struct rig_core *to,
			    uint32_t uplink_delay)
{
	struct message m;

	rig_order(rig, "s2", 0);
	m = rig_take_sealed(rig, from, MESSAGE_HANDOVER_ANNOUNCEMENT);
	rig_prepare(rig, to, m.handover_counter);
	rig_ack_move(rig, "s1", from, &m, REASON_ACCEPTED, to->name, uplink_delay);
	return rig_take_sealed(rig, from, MESSAGE_CORE_DISCONNECT);
}

struct message rig_take_done(struct rig *rig, const char *link, struct rig_core *core)
{
	struct message m = rig_take_sealed(rig, core, MESSAGE_HANDOVER_DONE);

	rig_ack(rig, link, core, MESSAGE_HANDOVER_DONE_ACK, m.id);
	return m;
}

void rig_arrive_prepared(struct rig *rig, struct rig_core *core)
{
	assert_int_equal(rig_reply_prepared(rig, core, rig_take_discovery(rig, "s2")), DROP_NONE);
	assert_int_equal(rig->session.state, SESSION_REGISTERED);
	rig_receive_packet(rig, "s2");
	rig_take_done(rig, "s2", core);
}
