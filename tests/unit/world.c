/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core agent in memory; see world.h. */
#include "world.h"

#include "core-agent/peer.h"
#include "core-agent/preparation.h"
#include "core-agent/receive.h"
#include "core-agent/resume.h"
#include "frame.h"
#include "handover_key.h"
#include "kernel_fake.h"
#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the path between cores ---------------------------------------------------------------- */

bool world_protected;

static int carry(struct world *w, int from, int to, const uint8_t *datagram, size_t length)
{
	const struct far *far = &w->far[from < 0 ? to : from];
	struct under_way *u = &w->queue[w->queued];

	if (++w->carried < WORLD_ROUTED)
		w->routed[w->carried] = kernel_fake_count("10.1.0.7/32");
	if (w->carried == w->lose_nth || far->cut)
		return 0;
	assert_true(w->queued < WORLD_QUEUE);
	assert_true(length <= sizeof(u->octets));
	u->at = w->now + far->delay;
	u->from = from;
	u->to = to;
	u->length = length;
	memcpy(u->octets, datagram, length);
	w->queued++;
	return 0;
}

/* ---- being killed -------------------------------------------------------------------------- */

/* One that is missing is missing in the copy too. */
static void copy_file(const char *from, const char *to)
{
	static char octets[16 << 20];
	FILE *file = fopen(from, "r");
	size_t length;

	unlink(to);
	if (!file)
		return;
	length = fread(octets, 1, sizeof(octets), file);
	fclose(file);
	assert_true(length < sizeof(octets));
	file = fopen(to, "w");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	assert_int_equal(fwrite(octets, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* What the store consists of: as it is now, to be put aside, or as it was put aside. */
static void copy_store(const struct world *w, bool aside)
{
	static const char *const names[] = {"core.journal", "state/core-agent.db",
					    "state/core-agent.db-wal"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char store[128], copy[160];

		snprintf(store, sizeof(store), "%s/%s", w->directory, names[i]);
		snprintf(copy, sizeof(copy), "%s.killed", store);
		copy_file(aside ? store : copy, aside ? copy : store);
		if (!aside)
			unlink(copy);
	}
}

void world_kill(struct world *w)
{
	w->fate = WORLD_DIES;
}

void world_kill_on_satellite(struct world *w)
{
	w->fate = WORLD_DIES_ON_SATELLITE;
}

/* Does this still leave the core? */
static bool leaves(struct world *w, bool to_core)
{
	if (w->fate == (to_core ? WORLD_DIES : WORLD_DIES_ON_SATELLITE)) {
		copy_store(w, true);
		w->fate = WORLD_DEAD;
		return true;
	}
	return w->fate != WORLD_DEAD;
}

/* What is sent to where nobody is gets lost. */
static int to_peer(void *context, const struct peer *peer, const struct endpoint *to,
		   const uint8_t *datagram, size_t length)
{
	struct world *w = context;

	(void)peer;
	if (!leaves(w, true))
		return 0;
	for (int i = 0; i < 2; i++)
		if (addr_equal(&to->addr, &w->far[i].endpoint.addr))
			return carry(w, -1, i, datagram, length);
	return 0;
}

static int to_satellite(void *context, struct satellite *satellite, const uint8_t *frame,
			size_t length)
{
	struct world *w = context;
	struct sent_frame *f;

	if (!leaves(w, false))
		return 0;
	/* Advertisements alone would fill it: the oldest go. */
	if (w->frame_count == WORLD_FRAMES) {
		memmove(w->frames, w->frames + 1, sizeof(w->frames) - sizeof(w->frames[0]));
		w->frame_count--;
	}
	f = &w->frames[w->frame_count++];
	assert_true(length <= sizeof(f->octets));
	f->satellite = satellite;
	f->length = length;
	memcpy(f->octets, frame, length);
	return 0;
}

/* ---- far cores ----------------------------------------------------------------------------- */

static int far_transmit(void *context, const uint8_t *datagram, size_t length)
{
	struct far *far = context;

	return carry(far->world, (int)(far - far->world->far), -1, datagram, length);
}

static void far_state(void *context, const struct message *hello, bool restarted, usec_t now)
{
	(void)context;
	(void)hello;
	(void)restarted;
	(void)now;
}

/* The home core's answer to a discovery of tina, written from PROTOCOL sections 5 and 6 again. */
static void far_authenticate(struct far *far, const struct message *request, struct message *ack)
{
	struct terminal *tina = &far->world->tina;
	uint8_t prologue[ACCESS_PROLOGUE_MAX], payload[768], out[768], root[32], key[32];
	int prologue_length =
		access_prologue(prologue, sizeof(prologue), request->index, far->name);
	struct noise_setup setup = {.protocol = NOISE_IK_PSK2,
				    .prologue = prologue,
				    .prologue_length = (size_t)prologue_length,
				    .local = &far->keys};
	const uint8_t zero[KEY_LENGTH] = {0};
	struct message identity, assignment;
	struct noise_keys keys;
	struct noise noise;
	size_t length;
	int written;

	assert_int_equal(noise_init(&noise, &setup), 0);
	if (noise_read(&noise, request->handshake.bytes, request->handshake.length, payload,
		       sizeof(payload), &length) < 0 ||
	    memcmp(noise_remote_static(&noise), tina->keys.public, KEY_LENGTH) != 0) {
		message_set_number(ack, ATTR_REASON, REASON_AUTHENTICATION_FAILED);
		return;
	}
	assert_int_equal(message_read(&identity, PLACE_IDENTITY, payload, length), DROP_NONE);
	message_init(&assignment, MESSAGE_ASSIGNMENT, 0);
	message_set_text(&assignment, ATTR_CORE, "b.example");
	message_set_number(&assignment, ATTR_HOME_EPOCH, far->epoch);
	message_set_number(&assignment, ATTR_COUNTER, identity.counter);
	message_set_number(&assignment, ATTR_REASON, far->authentication_reason);
	if (far->authentication_reason == REASON_ACCEPTED) {
		message_set_number(&assignment, ATTR_LIFETIME, far->lifetime);
		message_set_addr(&assignment, ATTR_HOA4, &far->hoa4);
		message_set_addr(&assignment, ATTR_HOA6, &far->hoa6);
		message_set_prefix(&assignment, &far->prefix);
	}
	written = message_write(&assignment, payload, sizeof(payload));
	assert_true(written > 0);
	noise_set_psk(&noise, zero);
	assert_int_equal(noise_write(&noise, payload, (size_t)written, out, sizeof(out), &length),
			 0);
	message_set_blob(ack, ATTR_HANDSHAKE, out, length);
	assert_int_equal(noise_split(&noise, &keys), 0);
	if (far->authentication_reason != REASON_ACCEPTED)
		return;
	access_root(root, keys.receive, keys.hash);
	memcpy(far->root, root, sizeof(root));
	assert_int_equal(access_key(key, root, "b.example", identity.counter), 0);
	message_set_text(ack, ATTR_USER, identity.user);
	message_set_number(ack, ATTR_COUNTER, identity.counter);
	message_set_link_layer(ack, keys_zero(&far->claimed_mac, sizeof(far->claimed_mac))
					    ? &identity.link_layer
					    : &far->claimed_mac);
	message_set_addr(ack, ATTR_LINK_LOCAL,
			 addr_none(&far->claimed_link_local) ? &identity.link_local
							     : &far->claimed_link_local);
	message_set_number(ack, ATTR_MTU, identity.mtu);
	message_set_number(ack, ATTR_LIFETIME, far->lifetime);
	message_set_addr(ack, ATTR_HOA4, &far->hoa4);
	message_set_addr(ack, ATTR_HOA6, &far->hoa6);
	message_set_prefix(ack, &far->prefix);
	message_set_octets(ack, ATTR_ACCESS_KEY, key);
	message_set_number(ack, ATTR_BINDING, ++far->binding);
	if (far->combined && message_has(request, ATTR_COA)) {
		message_set_addr(ack, ATTR_COA,
				 addr_none(&far->misled) ? &request->coa : &far->misled);
		message_set_number(ack, ATTR_MTU, identity.mtu < 1390 ? identity.mtu : 1390);
	}
	if (far->uplink_delay)
		message_set_number(ack, ATTR_UPLINK_DELAY, far->uplink_delay);
}

/* Has tina come to b.example, as she alone can tell? */
static enum reason far_believes(struct far *far, const struct message *request)
{
	uint8_t arrival[HANDOVER_ARRIVAL];

	if (far->tunnel_reason != REASON_ACCEPTED || !message_has(request, ATTR_ARRIVAL))
		return far->tunnel_reason;
	assert_int_equal(handover_arrival(arrival, far->root, "b.example", far->prepared_number,
					  request->counter),
			 0);
	if (request->binding != far->prepared_binding ||
	    memcmp(arrival, request->arrival, sizeof(arrival)) != 0)
		return REASON_STALE_BINDING;
	far->arrivals++;
	return REASON_ACCEPTED;
}

static void far_prepares(const struct far *far, const struct message *request,
			 struct message *answer)
{
	message_set_number(answer, ATTR_REASON, far->prepare_reason);
	if (far->prepare_reason != REASON_ACCEPTED)
		return;
	message_set_number(answer, ATTR_MTU, 1390);
	message_set_addr(answer, ATTR_COA, &far->coa);
	message_set_number(answer, ATTR_TUNNEL_KIND, TUNNEL_GRE4);
	message_set_number(answer, ATTR_TUNNEL_KEY, 55);
	if (request->hold && !far->no_hold)
		message_set_number(answer, ATTR_HOLD, 1);
}

static void far_execute(struct far *far, const struct message *request, usec_t now)
{
	struct message answer;
	int result;

	message_init(&answer,
		     request->type == far->error_type ? MESSAGE_ERROR
						      : message_answer(request->type),
		     0);
	message_set_number(&answer, ATTR_REASON, REASON_ACCEPTED);
	if (answer.type == MESSAGE_ERROR) {
		message_set_number(&answer, ATTR_REASON, REASON_UNSUPPORTED);
	} else if (request->type == MESSAGE_AUTHENTICATION) {
		message_set_number(&answer, ATTR_REASON, far->authentication_reason);
		far_authenticate(far, request, &answer);
	} else if (request->type == MESSAGE_TUNNEL_REQUEST) {
		message_set_number(&answer, ATTR_REASON, far_believes(far, request));
		message_set_number(&answer, ATTR_BINDING, request->binding);
		message_set_number(&answer, ATTR_MTU, 1390);
	} else if (request->type == MESSAGE_PROACTIVE_AUTHENTICATION) {
		far_prepares(far, request, &answer);
	}
	result = request_answer(channel_requests(far->channel), request->id, &answer, now);
	/* One that was kept for too long is known no more. */
	assert_true(result == 0 || result == -ENOENT);
}

static void far_request(void *context, const struct message *request, usec_t now)
{
	struct far *far = context;

	far->asked[request->type]++;
	far->last[request->type] = *request;
	if (far->mute)
		return;
	if (request->type == far->hold_type && far->held_count < 4) {
		far->held[far->held_count++] = *request;
		return;
	}
	far_execute(far, request, now);
}

void far_answer(struct world *w, int which, unsigned int n)
{
	struct far *far = &w->far[which];

	assert_true(n < far->held_count);
	far_execute(far, &far->held[n], w->now);
}

static void far_done(void *context, uint64_t token, enum reason reason,
		     const struct message *answer, usec_t now)
{
	struct far *far = context;

	(void)token;
	(void)now;
	far->answers++;
	far->last_reason = reason;
	if (answer)
		far->last_answer = *answer;
}

void far_ask(struct world *w, int which, struct message *m)
{
	struct far *far = &w->far[which];

	assert_true(request_send(channel_requests(far->channel), m, far_done, far, 0, w->now) > 0);
}

void far_prepare(struct world *w, uint64_t number, struct message *m)
{
	struct far *far = &w->far[FAR_A];
	uint8_t key[KEY_LENGTH];

	assert_int_equal(handover_key(key, far->root, "b.example", number), 0);
	far->prepared_number = number;
	far->prepared_binding = ++far->binding;
	message_set_text(m, ATTR_USER, w->tina.user);
	message_set_number(m, ATTR_LIFETIME, far->lifetime);
	message_set_number(m, ATTR_BINDING, far->binding);
	message_set_octets(m, ATTR_HANDOVER_KEY, key);
	message_set_addr(m, ATTR_HOA4, &far->hoa4);
	message_set_addr(m, ATTR_HOA6, &far->hoa6);
	message_set_prefix(m, &far->prefix);
	far_ask(w, FAR_A, m);
}

static void far_heard(void *context, const struct channel_session *session, usec_t now)
{
	struct far *far = context;

	(void)now;
	far->spi = session->spi;
}

static void far_start(struct far *far)
{
	struct world *w = far->world;
	const struct channel_ops ops = {.transmit = far_transmit,
					.state = far_state,
					.request = far_request,
					.heard = far_heard,
					.context = far};
	struct message hello;

	keys_random(&far->epoch, sizeof(far->epoch));
	far->epoch |= 1;
	message_init(&hello, MESSAGE_HELLO, 0);
	message_set_text(&hello, ATTR_CORE, far->name);
	message_set_number(&hello, ATTR_EPOCH, far->epoch);
	message_set_number(&hello, ATTR_TUNNEL_KINDS, far->kinds);
	message_set_number(&hello, ATTR_TUNNEL_KEY, 77);
	message_set_addr(&hello, ATTR_TUNNEL_END4, &far->end4);
	message_set_addr(&hello, ATTR_TUNNEL_END6, &far->end6);
	if (far->suites) {
		message_set_number(&hello, ATTR_SUITES, far->suites);
		message_set_number(&hello, ATTR_SUITE, far->suite);
	}
	far->channel = channel_new(&far->identity, w->core.keys.public, NULL, "b.example", &hello,
				   &channel_timers_default, &ops);
	assert_non_null(far->channel);
}

void far_restart(struct world *w, int which)
{
	struct far *far = &w->far[which];

	channel_free(far->channel);
	far->held_count = 0;
	far_start(far);
	world_run(w, 100 * USEC_PER_MSEC);
	assert_true(channel_up(far->channel));
}

static void far_make(struct world *w, int which, const char *name, const char *address,
		     const char *coa)
{
	struct far *far = &w->far[which];

	far->world = w;
	snprintf(far->name, sizeof(far->name), "%s", name);
	keys_generate_pair(&far->keys);
	memcpy(far->identity.private_key, far->keys.private, KEY_LENGTH);
	memcpy(far->identity.public_key, far->keys.public, KEY_LENGTH);
	assert_int_equal(addr_parse(&far->endpoint.addr, address), 0);
	assert_int_equal(addr_parse(&far->coa, coa), 0);
	far->endpoint.port = SNO_CORE_PORT;
	far->end4 = far->endpoint.addr;
	far->kinds = TUNNEL_GRE4 | TUNNEL_GPE4;
	far->suites = world_protected ? SUITES_ALL : 0;
	far->suite = SUITE_CHACHA20_POLY1305;
	far->lifetime = 300;
	assert_int_equal(addr_parse(&far->hoa4, "10.1.0.7"), 0);
	assert_int_equal(addr_parse(&far->hoa6, "2001:db8:a::7"), 0);
}

/* ---- the terminal -------------------------------------------------------------------------- */

void terminal_make(struct terminal *t, const char *user, const char *realm,
		   const uint8_t home_public[KEY_LENGTH], const char *mac)
{
	snprintf(t->user, sizeof(t->user), "%s", user);
	snprintf(t->realm, sizeof(t->realm), "%s", realm);
	memcpy(t->home_public, home_public, KEY_LENGTH);
	assert_int_equal(lladdr_parse(&t->mac, mac), 0);
	t->link_local = lladdr_link_local(&t->mac);
}

/* The whole discovery, with the proof to a core that was prepared beside the full handshake. */
static int short_proof(struct terminal *t, struct message *discovery)
{
	uint8_t arrival[HANDOVER_ARRIVAL];

	assert_int_equal(handover_key(t->handover_key, t->root, t->target, t->number), 0);
	assert_int_equal(handover_arrival(arrival, t->root, t->target, t->number, t->counter), 0);
	message_set_number(discovery, ATTR_COUNTER, t->counter);
	message_set_octets(discovery, ATTR_ARRIVAL, arrival);
	if (t->mode)
		message_set_number(discovery, ATTR_MODE, t->mode);
	return handover_discovery(discovery, t->handover_key, &t->mac, &t->link_local, t->discovery,
				  sizeof(t->discovery));
}

void terminal_discovery(struct terminal *t, const char *core)
{
	uint8_t prologue[ACCESS_PROLOGUE_MAX], payload[768], handshake[768];
	struct noise_setup setup = {.protocol = NOISE_IK_PSK2,
				    .initiator = true,
				    .prologue = prologue,
				    .local = &t->keys,
				    .remote = t->home_public,
				    .psk = t->psk};
	struct message identity, discovery;
	size_t length;
	int written;

	keys_random(&t->index, sizeof(t->index));
	t->index |= 1;
	t->counter++;
	setup.prologue_length =
		(size_t)access_prologue(prologue, sizeof(prologue), t->index, t->realm);
	assert_int_equal(noise_init(&t->noise, &setup), 0);
	message_init(&identity, MESSAGE_IDENTITY, 0);
	message_set_text(&identity, ATTR_USER, t->user);
	message_set_number(&identity, ATTR_HOME_EPOCH, t->home_epoch);
	message_set_number(&identity, ATTR_COUNTER, t->counter);
	message_set_link_layer(&identity, &t->mac);
	message_set_addr(&identity, ATTR_LINK_LOCAL, &t->link_local);
	message_set_number(&identity, ATTR_MTU, 1500);
	if (t->mode)
		message_set_number(&identity, ATTR_MODE, t->mode);
	if (core)
		message_set_text(&identity, ATTR_CORE, core);
	written = message_write(&identity, payload, sizeof(payload));
	assert_true(written > 0);
	assert_int_equal(noise_write(&t->noise, payload, (size_t)written, handshake,
				     sizeof(handshake), &length),
			 0);
	message_init(&discovery, MESSAGE_CORE_DISCOVERY, t->index);
	message_set_text(&discovery, ATTR_REALM, t->realm);
	message_set_blob(&discovery, ATTR_HANDSHAKE, handshake, length);
	written = *t->target ? short_proof(t, &discovery)
			     : message_write(&discovery, t->discovery, sizeof(t->discovery));
	assert_true(written > 0);
	t->discovery_length = (size_t)written;
	t->done = t->rejected = false;
	memset(&t->assignment, 0, sizeof(t->assignment));
}

void terminal_authentication(const struct terminal *t, struct message *m)
{
	struct message discovery;

	assert_int_equal(message_read(&discovery, PLACE_CLEAR, t->discovery, t->discovery_length),
			 DROP_NONE);
	message_init(m, MESSAGE_AUTHENTICATION, 0);
	message_set_text(m, ATTR_REALM, discovery.realm);
	message_set_number(m, ATTR_INDEX, discovery.id);
	message_set_blob(m, ATTR_HANDSHAKE, discovery.handshake.bytes, discovery.handshake.length);
}

void terminal_send(struct world *w, struct terminal *t, const char *satellite,
		   const uint8_t *datagram, size_t length)
{
	struct satellite *s = satellite_find(&w->core, satellite);
	uint8_t octets[1500];
	struct frame frame = {.src = t->mac,
			      .dst = w->config.access.gateway_mac,
			      .ip_src = t->link_local,
			      .ip_dst = underlay_gateway,
			      .sport = SNO_ACCESS_PORT,
			      .dport = SNO_ACCESS_PORT,
			      .hop_limit = 255,
			      .payload = datagram,
			      .length = length};
	int built = frame_build(&frame, octets, sizeof(octets));

	assert_non_null(s);
	assert_true(built > 0);
	receive_frame(s, octets, (size_t)built, w->now);
}

void terminal_tell(struct world *w, struct terminal *t, const char *satellite, struct message *m)
{
	uint8_t datagram[SNO_DATAGRAM_MAX];
	int length;

	m->id = ++t->next_request;
	length = access_seal(&t->access, m, datagram, sizeof(datagram));
	assert_true(length > 0);
	terminal_send(w, t, satellite, datagram, (size_t)length);
}

static void read_assignment(struct terminal *t, const struct message_blob *handshake)
{
	uint8_t payload[768], root[32], key[32];
	struct noise_keys keys;
	size_t length;

	assert_int_equal(noise_read(&t->noise, handshake->bytes, handshake->length, payload,
				    sizeof(payload), &length),
			 0);
	assert_int_equal(message_read(&t->assignment, PLACE_ASSIGNMENT, payload, length),
			 DROP_NONE);
	assert_int_equal(noise_split(&t->noise, &keys), 0);
	if (t->assignment.reason != REASON_ACCEPTED)
		return;
	access_root(root, keys.send, keys.hash);
	memcpy(t->root, root, sizeof(root));
	assert_int_equal(access_key(key, root, t->assignment.core, t->counter), 0);
	access_session_init(&t->access, key, false);
	t->access.local_index = t->index;
	t->next_request = 0;
}

/* Registration done without a handshake: by the short proof. */
static void take_prepared_key(struct terminal *t)
{
	uint8_t access[KEY_LENGTH];

	handover_access_key(access, t->handover_key, t->discovery, t->discovery_length);
	access_session_init(&t->access, access, false);
	t->access.local_index = t->index;
	t->next_request = 0;
}

static void read_clear(struct terminal *t, const struct message *m)
{
	if (m->id != t->index || t->done || t->rejected)
		return;
	if (m->type == MESSAGE_REGISTRATION_REJECT) {
		t->rejected = true;
		t->reason = m->reason;
		if (message_has(m, ATTR_HANDSHAKE))
			read_assignment(t, &m->handshake);
	} else if (m->type == MESSAGE_REGISTRATION_DONE) {
		if (message_has(m, ATTR_HANDSHAKE))
			read_assignment(t, &m->handshake);
		else
			take_prepared_key(t);
		assert_int_equal(access_open_registration(&t->access, &m->sealed, &t->registration),
				 DROP_NONE);
		t->done = true;
	}
}

void terminal_read(struct world *w, struct terminal *t)
{
	for (size_t i = 0; i < w->frame_count; i++) {
		struct message m;
		struct frame f;
		uint32_t index;

		assert_int_equal(frame_parse(&f, w->frames[i].octets, w->frames[i].length), 0);
		if (!lladdr_equal(&f.dst, &t->mac))
			continue;
		assert_int_equal(f.hop_limit, 255);
		assert_true(addr_equal(&f.ip_dst, &t->link_local));
		assert_true(addr_equal(&f.ip_src, &underlay_gateway));
		assert_true(lladdr_equal(&f.src, &w->config.access.gateway_mac));
		if (access_receiver_index(f.payload, f.length, &index)) {
			if (index == t->access.local_index &&
			    access_open(&t->access, f.payload, f.length, &m) == DROP_NONE) {
				t->received[m.type]++;
				t->last[m.type] = m;
			}
		} else if (message_read(&m, PLACE_CLEAR, f.payload, f.length) == DROP_NONE) {
			read_clear(t, &m);
		}
		/* Read once. */
		memset(&w->frames[i].octets, 0xff, 6);
	}
}

void terminal_register(struct world *w, struct terminal *t, const char *satellite)
{
	terminal_discovery(t, NULL);
	terminal_send(w, t, satellite, t->discovery, t->discovery_length);
	world_run(w, 500 * USEC_PER_MSEC);
	terminal_read(w, t);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* The first that has arrived; queued when none has. */
static size_t arrived(const struct world *w)
{
	size_t i = 0;

	while (i < w->queued && w->queue[i].at > w->now)
		i++;
	return i;
}

/* When the next arrives; not after `end`. */
static usec_t next_arrival(const struct world *w, usec_t end)
{
	for (size_t i = 0; i < w->queued; i++)
		end = usec_min(end, w->queue[i].at);
	return end;
}

static void deliver(struct world *w)
{
	for (size_t i; (i = arrived(w)) < w->queued;) {
		struct under_way u = w->queue[i];
		bool authentic;

		w->queued--;
		memmove(&w->queue[i], &w->queue[i + 1], (w->queued - i) * sizeof(w->queue[0]));
		if (u.to < 0)
			peer_receive(&w->core, &w->far[u.from].endpoint, u.octets, u.length,
				     w->now);
		else if (w->far[u.to].channel)
			channel_receive(w->far[u.to].channel, u.octets, u.length, w->now,
					&authentic);
	}
	/* As the event loop does when it has read what there was. */
	preparations_settle(&w->core, w->now);
}

void world_run(struct world *w, usec_t duration)
{
	usec_t end = w->now + duration;

	for (;;) {
		usec_t next = end;

		/* At one instant everything settles: what one side sends wakes the other. */
		for (int round = 0; round < 64; round++) {
			deliver(w);
			next = usec_min(end, timers_run(&w->core.timers, w->now));
			for (int i = 0; i < 2; i++)
				next = usec_min(next, channel_tick(w->far[i].channel, w->now));
			next = next_arrival(w, next);
			if (next > w->now)
				break;
		}
		if (w->now >= end)
			return;
		w->now = next > w->now ? next : w->now + 1;
	}
}

/* ---- the whole ----------------------------------------------------------------------------- */

bool world_guarded;
bool world_keeps;

/* $DIR is the world's folder; $OTTO, $TINA, $A and $C are public keys. */
static const char config_format[] = "core = { name = \"b.example\"; private_key_file = "
				    "\"$DIR/key\"; listen = [ \"192.0.2.2\" ]; "
				    "guard = %s; };\n"
				    "access = { satellites = ( %s ); };\n"
				    "%s\n"
				    "subscribers = ( %s );\n"
				    "peers = ( %s );\n";

#define DEFAULT_SATELLITES                                                                         \
	"{ name = \"s1\"; interface = \"feed-s1\"; }, { name = \"s2\"; interface = \"feed-s2\"; }"
#define DEFAULT_SUBSCRIBERS                                                                        \
	"{ nai = \"otto@b.example\"; public_key = \"$OTTO\"; home4 = \"10.2.0.9\"; }"

static void put_key(FILE *out, const struct world *w, const char *name, size_t length)
{
	const struct {
		const char *name;
		const uint8_t *key;
	} keys[] = {
		{"OTTO", w->otto.keys.public},
		{"TINA", w->tina.keys.public},
		{"A", w->far[FAR_A].keys.public},
		{"C", w->far[FAR_C].keys.public},
	};
	char text[KEY_TEXT];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].name) == length && !strncmp(keys[i].name, name, length))
			fputs(keys_encode(text, keys[i].key), out);
}

/* The text with all names that begin with a dollar sign replaced. */
static char *expand(const struct world *w, const char *text)
{
	char *expanded = NULL;
	size_t size;
	FILE *out = open_memstream(&expanded, &size);

	assert_non_null(out);
	while (*text) {
		size_t length = strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		if (*text != '$') {
			fputc(*text++, out);
			continue;
		}
		if (length == 3 && !strncmp(text + 1, "DIR", 3))
			fputs(w->directory, out);
		else
			put_key(out, w, text + 1, length);
		text += 1 + length;
	}
	fclose(out);
	return expanded;
}

static void load(const struct world *w, const struct world_text *text, struct config *config)
{
	char format[8192], *expanded;

	assert_true(snprintf(format, sizeof(format), config_format,
			     world_guarded ? "true" : "false",
			     text->satellites ? text->satellites : DEFAULT_SATELLITES,
			     text->pools ? text->pools : WORLD_POOLS,
			     text->subscribers ? text->subscribers : DEFAULT_SUBSCRIBERS,
			     text->peers ? text->peers : WORLD_PEERS) < (int)sizeof(format));
	expanded = expand(w, format);
	assert_int_equal(conf_load_text(&config_schema, "world", expanded, strlen(expanded), config,
					conf_report_file, stderr),
			 0);
	config->tunnel.protection = world_protected ? PROTECTION_ESP : PROTECTION_NONE;
	free(expanded);
}

static void write_key(const struct world *w)
{
	char path[96], key[KEY_TEXT];
	struct key_pair pair;
	FILE *file;

	keys_generate_pair(&pair);
	snprintf(path, sizeof(path), "%s/key", w->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", keys_encode(key, pair.private));
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
}

int world_reload(struct world *w, const struct world_text *text)
{
	struct config *fresh = malloc(sizeof(*fresh));
	int result;

	assert_non_null(fresh);
	load(w, text, fresh);
	result = core_reconfigure(&w->core, fresh, w->now);
	/* As daemon_reload() does: the structure moves, what it points to stays. */
	if (result == 0) {
		conf_free(&config_schema, &w->config);
		w->config = *fresh;
		memset(fresh, 0xa5, sizeof(*fresh));
	} else {
		conf_free(&config_schema, fresh);
	}
	free(fresh);
	return result;
}

int world_reload_cut(struct world *w, const struct world_text *text)
{
	int result = world_reload(w, text);

	if (result == 0)
		assert_true(core_flush(&w->core, w->now) >= 0);
	return result;
}

void world_restart(struct world *w, const struct world_text *text)
{
	struct core_io io = w->core.io;

	core_close(&w->core);
	if (w->fate == WORLD_DEAD)
		copy_store(w, false);
	w->fate = WORLD_LIVES;
	if (text) {
		conf_free(&config_schema, &w->config);
		load(w, text, &w->config);
	}
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &io, w->now), 0);
	assert_int_equal(resume(&w->core, w->now), 0);
}

void world_boot(struct world *w)
{
	assert_int_equal(unlink(w->journal), 0);
}

struct world *world_new(const char *pools)
{
	const struct world_text text = {.pools = pools};
	const struct core_io io = {.to_peer = to_peer, .to_satellite = to_satellite};
	struct world *w = calloc(1, sizeof(*w));
	struct core_io with_context = io;

	assert_non_null(w);
	log_set_level(getenv("WORLD_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	w->now = 1000 * USEC_PER_SEC;
	snprintf(w->directory, sizeof(w->directory), "/tmp/sno-world-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	keys_generate_pair(&w->tina.keys);
	keys_generate_pair(&w->otto.keys);
	far_make(w, FAR_A, "a.example", "192.0.2.1", "198.51.100.6");
	far_make(w, FAR_C, "c.example", "192.0.2.3", "203.0.113.6");
	write_key(w);
	load(w, &text, &w->config);
	kernel_fake_reset();
	w->port1 = kernel_fake_link("feed-s1", NULL);
	w->port2 = kernel_fake_link("feed-s2", NULL);
	assert_int_equal(kernel_open(&w->kernel), 0);
	with_context.context = w;
	snprintf(w->state, sizeof(w->state), "%s/state", w->directory);
	snprintf(w->journal, sizeof(w->journal), "%s/core.journal", w->directory);
	if (world_keeps) {
		with_context.state = w->state;
		with_context.journal = w->journal;
	}
	assert_int_equal(core_open(&w->core, &w->config, w->kernel, &with_context, w->now), 0);
	terminal_make(&w->tina, "tina", "a.example", w->far[FAR_A].keys.public,
		      "02:00:00:00:01:01");
	terminal_make(&w->otto, "otto", "b.example", w->core.keys.public, "02:00:00:00:01:02");
	for (int i = 0; i < 2; i++)
		far_start(&w->far[i]);
	world_run(w, 2 * USEC_PER_SEC);
	for (int i = 0; i < 2; i++)
		assert_true(channel_up(w->far[i].channel));
	w->carried = 0;
	return w;
}

void world_free(struct world *w)
{
	char path[128];

	core_close(&w->core);
	for (int i = 0; i < 2; i++)
		channel_free(w->far[i].channel);
	kernel_close(w->kernel);
	assert_int_equal(kernel_fake_open_count(), 0);
	snprintf(path, sizeof(path), "%s/key", w->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/core-agent.db", w->state);
	unlink(path);
	rmdir(w->state);
	unlink(w->journal);
	rmdir(w->directory);
	conf_free(&config_schema, &w->config);
	free(w);
}
