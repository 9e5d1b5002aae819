/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench of the terminal's tests; see terminal_rig.h. The core's side of the handshake is
 * written out here with noise.h, so that a fault in discovery.c does not meet its own mirror image.
 */
#include "terminal_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cursor.h"
#include "terminal-agent/port.h"

static const uint8_t psk[KEY_LENGTH] = {1, 2, 3};

/* ---- what the session calls -------------------------------------------------------------- */

static int transmit(void *context, struct link *link, bool group, const uint8_t *octets,
		    size_t length)
{
	struct rig *rig = context;
	struct rig_sent *sent = &rig->sent[rig->sent_count % RIG_SENT];

	if (rig->deaf)
		return -ENETUNREACH;
	assert_true(link->ready);
	assert_in_range(length, SNO_HEAD_LENGTH, SNO_DATAGRAM_MAX);
	assert_true(rig->sent_count - rig->taken < RIG_SENT);
	*sent = (struct rig_sent){.link = link, .group = group, .at = rig->now, .length = length};
	memcpy(sent->octets, octets, length);
	rig->sent_count++;
	return 0;
}

static int point(void *context, const char *antenna, const char *satellite)
{
	struct rig *rig = context;

	snprintf(rig->pointed, sizeof(rig->pointed), "%s %s", antenna, satellite);
	return 0;
}

static void pointed(void *context, struct link *link, int error)
{
	struct rig *rig = context;

	if (link != rig->awaited)
		return;
	rig->awaited = NULL;
	session_switched(&rig->session, error, rig->now);
}

static int switch_link(void *context, struct link *from, struct link *to)
{
	struct rig *rig = context;

	if (to->twin && !to->ready) {
		rig->awaited = to;
		return pointing_order(&rig->pointing, to, rig->now);
	}
	if (to->twin)
		return 1;
	snprintf(rig->from, sizeof(rig->from), "%s", from ? from->name : "-");
	snprintf(rig->to, sizeof(rig->to), "%s", to->name);
	rig->switches++;
	return rig->switch_result;
}

static void state_changed(void *context, enum session_state old_state, enum session_state state,
			  const char *reason)
{
	const struct rig *rig = context;

	assert_int_not_equal(old_state, state);
	assert_int_equal(rig->session.state, state);
	assert_non_null(reason);
}

static int set_link(void *context, struct link *link, bool up)
{
	struct rig *rig = context;

	return kernel_link_set_up(rig->kernel, link->ifindex, up);
}

static bool watch(void *context, struct link *link, bool on)
{
	struct rig *rig = context;

	rig->watched = on ? link : NULL;
	return true;
}

static void handover(void *context, const struct handover *h, bool measured)
{
	struct rig *rig = context;

	if (measured)
		rig->measured_count++;
	else
		rig->handover_count++;
	assert_true(rig->handover_count > 0);
	rig->handovers[(rig->handover_count - 1) % 32] = *h;
}

/* ---- links ------------------------------------------------------------------------------- */

static int port_opens(void *context, struct link *link)
{
	(void)context;
	link->port = (struct port *)link; /* any pointer: it is never followed here */
	return 0;
}

static void port_closes(void *context, struct link *link)
{
	(void)context;
	assert_non_null(link->port);
}

static void link_ready(void *context, struct link *link, usec_t now)
{
	struct rig *rig = context;

	session_link_ready(&rig->session, link, now);
}

static void link_lost(void *context, struct link *link, usec_t now)
{
	struct rig *rig = context;

	session_link_lost(&rig->session, link, now);
}

static void link_removed(void *context, struct link *link, usec_t now)
{
	struct rig *rig = context;

	pointing_forget(&rig->pointing, link);
	session_link_removed(&rig->session, link, now);
}

static void kernel_event(const struct kernel_event *event, void *arg)
{
	struct rig *rig = arg;

	if (forwarding_event(rig->forwarding, event))
		session_repair(&rig->session);
	links_event(&rig->links, event, rig->now);
}

/* ---- opening and closing ------------------------------------------------------------------ */

/* Of files in the folder of what is kept. */
static const char *kept(const struct rig *rig, const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	return path;
}

static void open_state(struct rig *rig)
{
	const struct keep_place place = {.directory = rig->folder, .journal = kept(rig, "journal")};

	if (rig->folder[0])
		rig->refused = keep_open(&rig->session, &place);
}

void rig_keep(struct rig *rig)
{
	strcpy(rig->folder, "/tmp/terminal-rig.XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	open_state(rig);
	assert_int_equal(rig->refused, 0);
}

static void agent_begins(struct rig *rig)
{
	const struct links_ops links = {port_opens, port_closes,  link_ready,
					link_lost,  link_removed, rig};
	const struct session_parts parts = {
		.config = &rig->config,
		.identity = &rig->identity,
		.links = &rig->links,
		.schedule = &rig->schedule,
		.sender = {transmit, rig, &rig->counters},
		.send_packet = rig_release_packet,
		.ops = {switch_link, set_link, watch, state_changed, handover, rig}};
	const struct pointing_ops pointing = {point, pointed, rig};
	const struct hold_limits limits = {.packets = 1000,
					   .octets = 1000000,
					   .time = 2 * USEC_PER_SEC,
					   .total_packets = 1000,
					   .total_octets = 1000000};
	struct forwarding_settings settings = {.install_default =
						       rig->config.routes.install_default,
					       .metric = rig->config.routes.metric};
	struct session_parts all = parts;

	if (rig->config.delegated.interface)
		snprintf(settings.inside, sizeof(settings.inside), "%s",
			 rig->config.delegated.interface);
	assert_int_equal(kernel_open(&rig->kernel), 0);
	assert_int_equal(kernel_monitor_open(&rig->monitor, rig->kernel,
					     KERNEL_WATCH_LINKS | KERNEL_WATCH_ADDRESSES |
						     KERNEL_WATCH_ROUTES | KERNEL_WATCH_NEIGHBOURS,
					     0, kernel_event, rig),
			 0);
	rig->forwarding = all.forwarding = forwarding_new(rig->kernel, &settings);
	assert_non_null(rig->forwarding);
	links_init(&rig->links, rig->kernel, &links);
	session_init(&rig->session, &all);
	pointing_init(&rig->pointing, &rig->links, &pointing);
	choosing_init(&rig->choosing, &rig->config, &rig->schedule, &rig->links, &rig->session,
		      &rig->pointing);
	rig->hold = hold_new(&limits, rig_read_packet, rig);
	assert_non_null(rig->hold);
	if (!rig->buffer) {
		rig->buffer = kernel_fake_link("sno-buf-up", "tun");
		kernel_link_set_up(rig->kernel, rig->buffer, true);
	}
	rig->gate = (struct gate){0};
	uplink_use_gate(&rig->session.uplink, &rig->gate);
	uplink_use(&rig->session.uplink, rig->hold, rig->buffer);
	assert_int_equal(links_configure(&rig->links, &rig->config, rig->now), 0);
	open_state(rig);
}

void rig_open(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	kernel_fake_reset();
	rig->now = 1000 * USEC_PER_SEC;
	rig->sat1 = kernel_fake_link("sat1", NULL);
	rig->sat2 = kernel_fake_link("sat2", NULL);
	rig->sat3 = kernel_fake_link("sat3", NULL);
	rig->lan = kernel_fake_link("lan0", NULL);
	rig->link_configs[0] = (struct link_config){"s1", "sat1", NULL};
	rig->link_configs[1] = (struct link_config){"s2", "sat2", NULL};
	rig->link_configs[2] = (struct link_config){NULL, "sat3", NULL};
	rig->config.links = rig->link_configs;
	rig->config.link_count = 3;
	rig->config.access.port = SNO_ACCESS_PORT;
	lladdr_parse(&rig->config.access.gateway_mac, RIG_MAC);
	rig->config.switching.mode = SWITCHING_COMMAND;
	rig->config.switching.timeout = 10 * USEC_PER_SEC;
	rig->config.routes.install_default = true;
	rig->config.routes.metric = 50;
	rig->config.handover.mode = MODE_BASELINE;
	rig->config.handover.lead = 2 * USEC_PER_SEC;
	rig->config.handover.hold.time = HOLD_TIME;
	rig->config.timers.disconnect_wait = 200 * USEC_PER_MSEC;
	rig->config.timers.discovery_timeout = 500 * USEC_PER_MSEC;
	rig->config.timers.retry_max = 8 * USEC_PER_SEC;

	assert_int_equal(identity_split(&rig->identity.name, "Alice@a.example"), 0);
	keys_generate_pair(&rig->home);
	keys_generate_pair(&rig->identity.keys);
	memcpy(rig->identity.home_public, rig->home.public, KEY_LENGTH);
	memcpy(rig->identity.psk, psk, KEY_LENGTH);
	rig->home_epoch = 4711;
	rig->accepted = 40;
	agent_begins(rig);
	kernel_link_set_up(rig->kernel, rig->sat1, true);
	kernel_link_set_up(rig->kernel, rig->sat2, true);
	kernel_link_set_up(rig->kernel, rig->sat3, true);
	kernel_link_set_up(rig->kernel, rig->lan, true);
	kernel_fake_carrier(rig->sat2, false);
	kernel_fake_carrier(rig->sat3, false);
}

void rig_kill(struct rig *rig)
{
	bool held = uplink_held(&rig->session.uplink);

	keep_close(&rig->session);
	session_end(&rig->session);
	choosing_free(&rig->choosing);
	hold_free(rig->hold);
	if (held) { /* the device goes with its descriptor, and the routes with it */
		kernel_link_delete(rig->kernel, rig->buffer);
		rig->buffer = 0;
		rig->waiting_count = 0;
	}
	rig->watched = NULL;
	links_free(&rig->links);
	forwarding_free(rig->forwarding);
	kernel_monitor_close(rig->monitor);
	kernel_close(rig->kernel);
	rig->taken = rig->sent_count;
}

void rig_restart(struct rig *rig)
{
	agent_begins(rig);
	rig_start(rig);
}

void rig_refused(struct rig *rig, int error)
{
	agent_begins(rig);
	assert_int_equal(rig->refused, error);
	rig_kill(rig);
}

void rig_close(struct rig *rig)
{
	rig_kill(rig);
	schedule_free(&rig->schedule);
	if (rig->folder[0]) {
		unlink(kept(rig, "journal"));
		unlink(kept(rig, "terminal-agent.db"));
		unlink(kept(rig, "terminal-agent.db-wal"));
		assert_int_equal(rmdir(rig->folder), 0);
	}
	assert_int_equal(kernel_fake_open_count(), 0);
	kernel_fake_reset();
}

void rig_use_antennas(struct rig *rig)
{
	rig->link_configs[0] = (struct link_config){NULL, "sat1", "dish0"};
	rig->link_configs[1] = (struct link_config){NULL, "sat2", "dish1"};
	rig->config.link_count = 2;
	assert_int_equal(links_configure(&rig->links, &rig->config, rig->now), 0);
}

void rig_turned(struct rig *rig)
{
	assert_true(rig->pointing.busy);
	pointing_ended(&rig->pointing, 0, rig->now);
	rig_turn(rig);
}

void rig_schedule(struct rig *rig, const char *text)
{
	assert_int_equal(association_load_text(&rig->schedule.table, "schedule", text, strlen(text),
					       NULL, conf_report_file, stderr),
			 0);
	association_time_parse("2026-01-01T00:00:00Z", &rig->schedule.offset);
	rig->schedule.offset -= 1000 * USEC_PER_SEC;
	session_follow_schedule(&rig->session);
}

void rig_start(struct rig *rig)
{
	int preferred = forwarding_adopt(rig->forwarding);

	assert_true(preferred >= 0);
	assert_int_equal(kernel_monitor_resync(rig->monitor), 0);
	session_start(&rig->session, (unsigned int)preferred, rig->now);
	rig_turn(rig);
}

void rig_turn(struct rig *rig)
{
	assert_int_equal(kernel_monitor_read(rig->monitor), 0);
	while (rig->waiting_count > 0)
		uplink_read(&rig->session.uplink, rig->now);
	do
		rig->next = usec_min(links_tick(&rig->links, rig->now),
				     choosing_tick(&rig->choosing, rig->now));
	while ((rig->next = usec_min(rig->next, session_tick(&rig->session, rig->now))) <=
		       rig->now ||
	       choosing_waited(&rig->choosing));
}

void rig_pass(struct rig *rig, usec_t time)
{
	usec_t end = rig->now + time;

	rig_turn(rig);
	while (rig->next <= end) {
		rig->now = rig->next;
		rig_turn(rig);
	}
	rig->now = end;
}

void rig_carrier(struct rig *rig, unsigned int ifindex, bool carrier)
{
	kernel_fake_carrier(ifindex, carrier);
	rig_turn(rig);
}

struct link *rig_link(const struct rig *rig, const char *name)
{
	struct link *link = links_find(&rig->links, name);

	assert_non_null(link);
	return link;
}

/* ---- looking at what was sent -------------------------------------------------------------- */

const struct rig_sent *rig_take(struct rig *rig)
{
	return rig->taken < rig->sent_count ? &rig->sent[rig->taken++ % RIG_SENT] : NULL;
}

const struct rig_sent *rig_take_discovery(struct rig *rig, const char *link)
{
	const struct rig_sent *sent = rig_take(rig);

	assert_non_null(sent);
	assert_int_equal(sent->octets[0], MESSAGE_CORE_DISCOVERY);
	assert_true(sent->group);
	assert_string_equal(sent->link->name, link);
	return sent;
}

struct message rig_take_sealed(struct rig *rig, struct rig_core *core, enum message_type type)
{
	const struct rig_sent *sent = rig_take(rig);
	struct message m;

	assert_non_null(sent);
	assert_false(sent->group);
	assert_int_equal(access_open(&core->access, sent->octets, sent->length, &m), DROP_NONE);
	assert_int_equal(m.type, type);
	return m;
}

void rig_no_more(struct rig *rig)
{
	assert_int_equal(rig->sent_count, rig->taken);
}

/* ---- cores ---------------------------------------------------------------------------------- */

enum drop rig_deliver(struct rig *rig, const char *link, const uint8_t *octets, size_t length)
{
	struct datagram datagram = {.from = port_gateway,
				    .from_port = SNO_ACCESS_PORT,
				    .hop_limit = 255,
				    .octets = octets,
				    .length = length};
	enum drop drop = receive_datagram(&rig->session, &rig->counters, rig_link(rig, link),
					  &datagram, rig->now);

	rig->now += rig->handling;
	rig_turn(rig);
	return drop;
}

/* Reads a discovery as the home core does; noise is then ready to answer. */
static struct message open_discovery(struct rig *rig, const struct rig_sent *discovery,
				     struct noise *noise)
{
	uint8_t prologue[80], payload[SNO_HANDSHAKE_MAX];
	struct cursor_out c = cursor_out(prologue, sizeof(prologue));
	struct message m, identity;
	size_t length;

	assert_int_equal(message_read(&m, PLACE_CLEAR, discovery->octets, discovery->length),
			 DROP_NONE);
	assert_string_equal(m.realm, "a.example");
	cursor_put(&c, "sno/1 access", 12);
	cursor_put_u32(&c, m.id);
	cursor_put(&c, m.realm, strlen(m.realm));
	assert_int_equal(
		noise_init(noise, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
							.prologue = prologue,
							.prologue_length = cursor_written(&c),
							.local = &rig->home}),
		0);
	assert_int_equal(noise_read(noise, m.handshake.bytes, m.handshake.length, payload,
				    sizeof(payload), &length),
			 0);
	assert_memory_equal(noise_remote_static(noise), rig->identity.keys.public, KEY_LENGTH);
	assert_int_equal(noise_set_psk(noise, psk), 0);
	assert_int_equal(message_read(&identity, PLACE_IDENTITY, payload, length), DROP_NONE);
	return identity;
}

struct message rig_identity(struct rig *rig, const struct rig_sent *discovery)
{
	struct noise noise;
	struct message m = open_discovery(rig, discovery, &noise);

	noise_wipe(&noise);
	return m;
}

static void set_addresses(struct message *m, const struct rig_core *core)
{
	struct prefix prefix;
	struct addr addr;

	if (core->hoa4) {
		addr_parse(&addr, core->hoa4);
		message_set_addr(m, ATTR_HOA4, &addr);
	}
	if (core->hoa6) {
		addr_parse(&addr, core->hoa6);
		message_set_addr(m, ATTR_HOA6, &addr);
	}
	if (core->prefix) {
		prefix_parse(&prefix, core->prefix);
		message_set_prefix(m, &prefix);
	}
}

/* Message 2 with its assignment. */
static size_t write_assignment(struct rig *rig, const struct rig_core *core, struct noise *noise,
			       const struct message *identity, enum reason reason, uint8_t *out)
{
	uint8_t payload[SNO_HANDSHAKE_MAX];
	struct message m;
	size_t length;
	int written;

	message_init(&m, MESSAGE_ASSIGNMENT, 0);
	message_set_text(&m, ATTR_CORE, core->name);
	message_set_number(&m, ATTR_HOME_EPOCH,
			   rig->named_epoch ? rig->named_epoch : rig->home_epoch);
	message_set_number(&m, ATTR_COUNTER,
			   reason == REASON_ACCEPTED ? identity->counter : rig->accepted);
	message_set_number(&m, ATTR_REASON, reason);
	if (reason == REASON_ACCEPTED) {
		message_set_number(&m, ATTR_LIFETIME, core->lifetime);
		set_addresses(&m, core);
	}
	written = message_write(&m, payload, sizeof(payload));
	assert_true(written > 0);
	assert_int_equal(
		noise_write(noise, payload, (size_t)written, out, SNO_HANDSHAKE_MAX, &length), 0);
	return length;
}

/* The access key of a full registration, and the root of moves to come. */
static void full_key(struct rig *rig, const struct rig_core *core, struct noise *noise,
		     uint64_t counter, uint8_t key[KEY_LENGTH])
{
	struct noise_keys keys;

	assert_int_equal(noise_split(noise, &keys), 0);
	access_root(rig->root, keys.receive, keys.hash);
	assert_int_equal(access_key(key, rig->root, core->name, counter), 0);
}

/* The serving core's part: registration, SEALED. */
void rig_seal_registration(struct rig_core *core, const uint8_t key[KEY_LENGTH], uint32_t index,
			   struct message *done)
{
	struct message_blob sealed;
	struct message m;

	access_session_init(&core->access, key, true);
	core->access.local_index = ++core->next_index;
	core->access.remote_index = index;
	message_init(&m, MESSAGE_REGISTRATION, core->access.local_index);
	message_set_text(&m, ATTR_CORE, core->claimed ? core->claimed : core->name);
	message_set_number(&m, ATTR_EPOCH, core->epoch);
	message_set_number(&m, ATTR_MTU, core->mtu);
	message_set_number(&m, ATTR_LIFETIME, core->lifetime);
	if (core->mode)
		message_set_number(&m, ATTR_MODE, core->mode);
	if (core->uplink_delay)
		message_set_number(&m, ATTR_UPLINK_DELAY, core->uplink_delay);
	assert_int_equal(access_seal_registration(&core->access, &m, &sealed), 0);
	message_set_blob(done, ATTR_SEALED, sealed.bytes, sealed.length);
}

size_t rig_answer(struct rig *rig, struct rig_core *core, const struct rig_sent *discovery,
		  enum reason reason, uint8_t out[SNO_DATAGRAM_MAX])
{
	bool accept = reason == REASON_ACCEPTED;
	uint8_t handshake[SNO_HANDSHAKE_MAX], key[KEY_LENGTH];
	struct noise noise;
	struct message identity = open_discovery(rig, discovery, &noise), request, answer;
	size_t length = write_assignment(rig, core, &noise, &identity, reason, handshake);
	int written;

	message_read(&request, PLACE_CLEAR, discovery->octets, discovery->length);
	message_init(&answer, accept ? MESSAGE_REGISTRATION_DONE : MESSAGE_REGISTRATION_REJECT,
		     request.id);
	message_set_blob(&answer, ATTR_HANDSHAKE, handshake, length);
	if (accept) {
		full_key(rig, core, &noise, identity.counter, key);
		rig_seal_registration(core, key, request.id, &answer);
	} else {
		message_set_number(&answer, ATTR_REASON, reason);
	}
	noise_wipe(&noise);
	written = message_write(&answer, out, SNO_DATAGRAM_MAX);
	assert_true(written > 0);
	return (size_t)written;
}

enum drop rig_reply(struct rig *rig, struct rig_core *core, const struct rig_sent *discovery,
		    enum reason reason)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	size_t length = rig_answer(rig, core, discovery, reason, octets);

	if (reason == REASON_ACCEPTED)
		rig->accepted = rig_identity(rig, discovery).counter;
	return rig_deliver(rig, discovery->link->name, octets, length);
}

enum drop rig_reject(struct rig *rig, const struct rig_sent *discovery, enum reason reason)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message request, m;
	int length;

	message_read(&request, PLACE_CLEAR, discovery->octets, discovery->length);
	message_init(&m, MESSAGE_REGISTRATION_REJECT, request.id);
	message_set_number(&m, ATTR_REASON, reason);
	length = message_write(&m, octets, sizeof(octets));
	assert_true(length > 0);
	return rig_deliver(rig, discovery->link->name, octets, (size_t)length);
}

enum drop rig_advertise(struct rig *rig, const char *link, const char *core, uint64_t epoch)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	struct message m;
	int length;

	message_init(&m, MESSAGE_CORE_ADVERTISEMENT, 0);
	message_set_text(&m, ATTR_CORE, core);
	message_set_number(&m, ATTR_EPOCH, epoch);
	message_set_number(&m, ATTR_INTERVAL, 1000);
	length = message_write(&m, octets, sizeof(octets));
	assert_true(length > 0);
	return rig_deliver(rig, link, octets, (size_t)length);
}

enum drop rig_tell(struct rig *rig, const char *link, struct rig_core *core, struct message *m)
{
	uint8_t octets[SNO_DATAGRAM_MAX];
	int length = access_seal(&core->access, m, octets, sizeof(octets));

	assert_true(length > 0);
	return rig_deliver(rig, link, octets, (size_t)length);
}

void rig_ack(struct rig *rig, const char *link, struct rig_core *core, enum message_type type,
	     uint32_t id)
{
	struct message m;

	message_init(&m, type, id);
	message_set_number(&m, ATTR_REASON, REASON_ACCEPTED);
	assert_int_equal(rig_tell(rig, link, core, &m), DROP_NONE);
}

struct message rig_register(struct rig *rig, const char *link, struct rig_core *core)
{
	const struct rig_sent *discovery = rig_take_discovery(rig, link);
	struct message identity = rig_identity(rig, discovery), done;

	if (identity.home_epoch != rig->home_epoch || identity.counter <= rig->accepted) {
		assert_int_equal(rig_reply(rig, core, discovery, REASON_RESYNC), DROP_NONE);
		discovery = rig_take_discovery(rig, link);
		identity = rig_identity(rig, discovery);
	}
	assert_int_equal(identity.home_epoch, rig->home_epoch);
	assert_true(identity.counter > rig->accepted);
	assert_int_equal(rig_reply(rig, core, discovery, REASON_ACCEPTED), DROP_NONE);
	assert_int_equal(rig->session.state, SESSION_REGISTERED);
	rig_receive_packet(rig, link);
	done = rig_take_sealed(rig, core, MESSAGE_HANDOVER_DONE);
	rig_ack(rig, link, core, MESSAGE_HANDOVER_DONE_ACK, done.id);
	rig_no_more(rig);
	return done;
}

struct rig_core rig_core(const char *name, uint64_t epoch)
{
	return (struct rig_core){.name = name,
				 .epoch = epoch,
				 .hoa4 = RIG_HOA4,
				 .hoa6 = RIG_HOA6,
				 .lifetime = 300,
				 .mtu = 1400};
}
