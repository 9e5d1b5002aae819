/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two core agents in memory; see duo.h. */
#define _GNU_SOURCE /* strchrnul, memmem */
#include "duo.h"

#include "channel_internal.h"
#include "core-agent/anticipation.h"
#include "core-agent/peer.h"
#include "core-agent/pool.h"
#include "core-agent/preparation.h"
#include "core-agent/registration.h"
#include "core-agent/session.h"
#include "core-agent/subscriber.h"
#include "kernel_fake.h"
#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS	  USEC_PER_MSEC
#define SEC	  USEC_PER_SEC
#define STEPS_MAX 64
#define QUEUE	  512
#define LIFETIME  20
/*
 * Towards us those of every session that a channel has; from us now and next. When all is quiet
 * four sessions at most, since both cores may begin the next one at once.
 */
#define ASSOCIATIONS	   (SESSIONS + 2)
#define ASSOCIATIONS_QUIET 6

/* One core with its kernel and its own terminal: of the world only what terminals look at. */
struct site {
	int number;
	const char *name;
	struct endpoint endpoint;
	struct key_pair keys;
	struct world world; /* now, config, kernel, core, frames */
	struct terminal *own;
	char *idle; /* its kernel before anything happened */
};

struct parcel {
	usec_t at;
	int to;
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

static struct site sites[2];
static struct terminal tina, otto;
static int serving[2]; /* where tina and otto have registered last */
static char directory[64];
static struct parcel queue[QUEUE];
static size_t queued;
static usec_t now;
static unsigned int lose; /* bits: the next datagrams that are lost */
static bool cut, refused;
static struct duo_figures *figures;

/* What follows is in the network namespace of this core. */
static struct core *enter(int number)
{
	kernel_fake_enter((unsigned int)number);
	sites[number].world.now = now;
	return &sites[number].world.core;
}

/* What a core has of the terminals, in numbers of its enumerations. */
static void show(int number)
{
	const struct core *core = enter(number);
	struct session *s, *next;
	struct preparation *p, *next_preparation;
	struct subscriber *u, *next_subscriber;
	char text[ADDR_TEXT];

	fprintf(stderr, "--- %s\n%s", sites[number].name, kernel_fake_dump());
	HASH_ITER (hh, core->subscribers, u, next_subscriber)
		fprintf(stderr,
			"subscriber %s: binding %d number %" PRIu64 ", path %d, anticipated %d\n",
			u->nai, u->binding.state, u->binding.number, u->path.kind,
			u->anticipations != NULL);
	HASH_ITER (hh, core->sessions, s, next)
		fprintf(stderr, "session %s: state %d binding %" PRIu64 " care-of %s path %d\n",
			s->nai, s->state, s->binding, addr_format(&s->coa, text), s->path->kind);
	HASH_ITER (hh, core->preparations, p, next_preparation)
		fprintf(stderr, "preparation: state %d binding %" PRIu64 " care-of %s path %d\n",
			p->state, p->binding, addr_format(&p->coa, text), p->path.kind);
}

static void must_at(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
	for (int i = 0; i < 2; i++)
		show(i);
	abort();
}

#define must(holds) must_at(holds, #holds, __LINE__)

/* ---- the path between them, and to terminals ---------------------------------------------------
 */

static int to_peer(void *context, const struct peer *peer, const struct endpoint *to,
		   const uint8_t *datagram, size_t length)
{
	const struct site *from = context;
	struct parcel *p = &queue[queued];
	bool lost = cut || (lose & 1);

	(void)peer;
	(void)to;
	lose >>= 1;
	if (lost || queued == QUEUE) {
		figures->lost++;
		return 0;
	}
	must(length <= sizeof(p->octets));
	p->at = now + 5 * MS;
	p->to = !from->number;
	p->length = length;
	memcpy(p->octets, datagram, length);
	queued++;
	return 0;
}

static int to_satellite(void *context, struct satellite *satellite, const uint8_t *frame,
			size_t length)
{
	struct world *w = &((struct site *)context)->world;
	struct sent_frame *f;

	if (w->frame_count == WORLD_FRAMES) {
		memmove(w->frames, w->frames + 1, sizeof(w->frames) - sizeof(w->frames[0]));
		w->frame_count--;
	}
	f = &w->frames[w->frame_count++];
	must(length <= sizeof(f->octets));
	f->satellite = satellite;
	f->length = length;
	memcpy(f->octets, frame, length);
	return 0;
}

static void deliver(void)
{
	for (size_t i = 0; i < queued;) {
		struct parcel p = queue[i];

		if (p.at > now) {
			i++;
			continue;
		}
		memmove(&queue[i], &queue[i + 1], (--queued - i) * sizeof(queue[0]));
		peer_receive(enter(p.to), &sites[!p.to].endpoint, p.octets, p.length, now);
	}
	for (int i = 0; i < 2; i++)
		preparations_settle(enter(i), now);
}

static void run(usec_t duration)
{
	usec_t end = now + duration;

	for (;;) {
		usec_t next = end;

		for (int round = 0; round < 64; round++) {
			deliver();
			next = end;
			for (int i = 0; i < 2; i++)
				next = usec_min(next, timers_run(&enter(i)->timers, now));
			for (size_t i = 0; i < queued; i++)
				next = usec_min(next, queue[i].at);
			if (next > now)
				break;
		}
		if (now >= end)
			return;
		now = next > now ? next : now + 1;
	}
}

/* ---- coming up and going down -------------------------------------------------------------------
 */

static void load(const struct site *site, struct config *config)
{
	static const char format[] =
		"core = { name = \"%s\"; private_key_file = \"%s/%d\"; listen = [ \"192.0.2.%d\" ];"
		" guard = false; };\n"
		"access = { satellites = ( { name = \"s1\"; interface = \"feed-s1\"; },"
		" { name = \"s2\"; interface = \"feed-s2\"; } ); };\n"
		"pools = { home4 = [ \"10.%d.0.0/24\" ]; care_of4 = [ \"198.51.%d.0/29\" ]; };\n"
		"timers = { lifetime = %d.0; stale = 10.0; };\n"
		"subscribers = ( { nai = \"%s@%s\"; public_key = \"%s\"; home4 = \"10.%d.0.9\"; } "
		");\n"
		"peers = ( { name = \"%s\"; endpoint = \"192.0.2.%d\"; public_key = \"%s\";"
		" home_prefixes = [ \"10.%d.0.0/24\" ];"
		" care_of_prefixes = [ \"198.51.%d.0/29\" ]; } );\n";
	const struct site *peer = &sites[!site->number];
	int own = site->number + 1, other = peer->number + 1;
	char text[4096], own_key[KEY_TEXT], peer_key[KEY_TEXT];

	keys_encode(own_key, site->own->keys.public);
	keys_encode(peer_key, peer->keys.public);
	snprintf(text, sizeof(text), format, site->name, directory, own, own, own, own, LIFETIME,
		 site->own->user, site->name, own_key, own, peer->name, other, peer_key, other,
		 other);
	must(conf_load_text(&config_schema, site->name, text, strlen(text), config,
			    conf_report_file, stderr) == 0);
	config->tunnel.protection = PROTECTION_ESP;
}

static void key_path(const struct site *site, char path[96])
{
	snprintf(path, 96, "%s/%d", directory, site->number + 1);
}

static void write_key(const struct site *site)
{
	char path[96], key[KEY_TEXT];
	FILE *file;

	key_path(site, path);
	file = fopen(path, "w");
	must(file && fprintf(file, "%s\n", keys_encode(key, site->keys.private)) > 0);
	must(fclose(file) == 0 && chmod(path, 0600) == 0);
}

static void start(struct site *site)
{
	const struct core_io io = {
		.to_peer = to_peer, .to_satellite = to_satellite, .context = site};

	enter(site->number);
	must(core_open(&site->world.core, &site->world.config, site->world.kernel, &io, now) == 0);
}

static void reload(struct site *site)
{
	struct config fresh;

	enter(site->number);
	load(site, &fresh);
	if (core_reconfigure(&site->world.core, &fresh, now) == 0) {
		conf_free(&config_schema, &site->world.config);
		site->world.config = fresh;
	} else {
		conf_free(&config_schema, &fresh);
	}
}

/* The kernel, but for what differs each time: associations, and the keys of tunnels. */
static char *kernel_state(void)
{
	const char *at = kernel_fake_dump(), *end, *key;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(out != NULL);
	for (; *at; at = end + (*end == '\n')) {
		end = strchrnul(at, '\n');
		key = memmem(at, (size_t)(end - at), " key ", 5);
		if (strncmp(at, "sa ", 3) == 0)
			continue;
		fprintf(out, "%.*s", (int)((key ? key : end) - at), at);
		if (key)
			fprintf(out, "%.*s", (int)(end - strchrnul(key + 5, ' ')),
				strchrnul(key + 5, ' '));
		fputc('\n', out);
	}
	must(fclose(out) == 0);
	return text;
}

static void open_all(void)
{
	tina = otto = (struct terminal){0};
	memset(sites, 0, sizeof(sites));
	queued = 0;
	lose = 0;
	serving[0] = 0;
	serving[1] = 1;
	cut = refused = false;
	now = 1000 * SEC;
	log_set_level(getenv("WORLD_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	snprintf(directory, sizeof(directory), "/tmp/sno-duo-XXXXXX");
	must(mkdtemp(directory) != NULL);
	keys_generate_pair(&tina.keys);
	keys_generate_pair(&otto.keys);
	for (int i = 0; i < 2; i++) {
		struct site *site = &sites[i];

		site->number = i;
		site->name = i ? "b.example" : "a.example";
		site->own = i ? &otto : &tina;
		must(addr_parse(&site->endpoint.addr, i ? "192.0.2.2" : "192.0.2.1") == 0);
		site->endpoint.port = SNO_CORE_PORT;
		keys_generate_pair(&site->keys);
		write_key(site);
		enter(i);
		kernel_fake_reset();
		kernel_fake_link("feed-s1", NULL);
		kernel_fake_link("feed-s2", NULL);
		must(kernel_open(&site->world.kernel) == 0);
	}
	terminal_make(&tina, "tina", "a.example", sites[0].keys.public, "02:00:00:00:01:01");
	terminal_make(&otto, "otto", "b.example", sites[1].keys.public, "02:00:00:00:01:02");
	for (int i = 0; i < 2; i++) {
		load(&sites[i], &sites[i].world.config);
		start(&sites[i]);
		sites[i].own->home_epoch = sites[i].world.core.epoch;
	}
	run(5 * SEC);
	for (int i = 0; i < 2; i++) {
		enter(i);
		sites[i].idle = kernel_state();
	}
}

static void close_all(void)
{
	char path[96];

	for (int i = 0; i < 2; i++) {
		core_close(enter(i));
		kernel_close(sites[i].world.kernel);
		must(kernel_fake_open_count() == 0);
		kernel_fake_reset();
		conf_free(&config_schema, &sites[i].world.config);
		free(sites[i].idle);
		key_path(&sites[i], path);
		unlink(path);
	}
	rmdir(directory);
}

/* ---- what must hold at any time
 * ------------------------------------------------------------------ */

/* The ways to one home address in the table that forwards; a refusal below them is none. */
struct egress {
	const struct addr *hoa;
	unsigned int count;
	struct kernel_route route;
};

static int count_egress(const struct kernel_route *route, void *arg)
{
	struct egress *e = arg;

	if (route->table == 254 && route->type == KERNEL_ROUTE_UNICAST && route->dst.length == 32 &&
	    addr_equal(&route->dst.addr, e->hoa)) {
		e->count++;
		e->route = *route;
	}
	return 0;
}

static struct egress egress_of(int number, const struct addr *hoa)
{
	struct egress e = {.hoa = hoa};

	enter(number);
	must(kernel_route_each(sites[number].world.kernel, count_egress, &e) == 0);
	must(e.count <= 1);
	return e;
}

/*
 * One egress at each core; and what its home core sends through the tunnel does not come back, but
 * while the other core is asking for the very binding that its home core already has: the answer
 * is on the way ahead of the packets.
 */
static void check_way(int home)
{
	const struct subscriber *s = subscriber_find(enter(home), sites[home].own->user);
	struct egress here, there;

	must(s != NULL);
	if (addr_none(&s->hoa4))
		return;
	here = egress_of(home, &s->hoa4);
	there = egress_of(!home, &s->hoa4);
	if (refused || here.count == 0 || addr_none(&here.route.encap.dst))
		return;
	/* Nobody has it led away who is not somewhere else, or expected there. */
	must(s->binding.state == BINDING_VISITING || s->anticipations);
	if (there.count && !addr_none(&there.route.encap.dst))
		must(HASH_COUNT(enter(!home)->registrations) > 0);
}

static void check_core(int number)
{
	const struct core *core = enter(number);
	struct session *s, *next;
	struct registration *r, *next_registration;
	struct preparation *p, *next_preparation;
	uint64_t coas = 0;

	HASH_ITER (hh, core->sessions, s, next)
		coas += !addr_none(&s->coa);
	HASH_ITER (hh, core->registrations, r, next_registration)
		coas += r->took_coa;
	HASH_ITER (hh, core->preparations, p, next_preparation)
		coas += !addr_none(&p->coa);
	must(pool_used(core->care_of4) == coas);
	/* What could not be removed is for the broom. */
	must(refused || kernel_fake_count("sa ") <= ASSOCIATIONS);
	must(HASH_COUNT(core->registrations) == HASH_CNT(hh_id, core->registration_ids));
}

static void check_all(void)
{
	for (int i = 0; i < 2; i++) {
		check_core(i);
		check_way(i);
	}
}

/* ---- steps
 * ---------------------------------------------------------------------------------------- */

static void read_terminal(struct terminal *t)
{
	for (int i = 0; i < 2; i++) {
		bool done = t->done;

		enter(i);
		terminal_read(&sites[i].world, t);
		if (t->done && !done) {
			figures->registered++;
			figures->visits += sites[i].own != t;
			serving[t == &otto] = i;
			figures->prepared += t->assignment.type == 0;
		}
		if (t->rejected && t->assignment.reason == REASON_RESYNC) {
			t->home_epoch = t->assignment.home_epoch;
			t->counter = t->assignment.counter;
		}
	}
}

static const char *satellite_of(uint8_t how)
{
	return how & 4 ? "s2" : "s1";
}

/* how: 1 whose, 2 elsewhere than now, 4 which satellite, 8 the same again, 16 a short proof, 32
 * softly. */
static void discover(uint8_t how)
{
	struct terminal *t = how & 1 ? &otto : &tina;
	int where = serving[how & 1] ^ (how >> 1 & 1);

	enter(where);
	if (how & 16)
		snprintf(t->target, sizeof(t->target), "%s", sites[where].name);
	t->mode = how & 32 ? MODE_SOFT : 0;
	if (!(how & 8) || t->discovery_length == 0)
		terminal_discovery(t, NULL);
	*t->target = '\0';
	terminal_send(&sites[where].world, t, satellite_of(how), t->discovery, t->discovery_length);
}

/* To the core that serves, or, which is in vain, to the other one. */
static void tell(uint8_t how, struct message *m)
{
	struct terminal *t = how & 1 ? &otto : &tina;
	int where = serving[how & 1] ^ (how >> 7);

	if (t->access.remote_index == 0)
		return;
	enter(where);
	terminal_tell(&sites[where].world, t, satellite_of(how), m);
}

/* A move is announced, or the terminal leaves for it: to the other core, or to this one. */
static void announce(uint8_t how)
{
	struct terminal *t = how & 1 ? &otto : &tina;
	struct message m;

	message_init(&m, how & 8 ? MESSAGE_CORE_DISCONNECT : MESSAGE_HANDOVER_ANNOUNCEMENT, 0);
	message_set_number(&m, ATTR_HANDOVER_COUNTER, ++t->number);
	if (!(how & 8))
		message_set_number(&m, ATTR_EXPECTED, how & 16 ? 3000 : 100);
	message_set_text(&m, ATTR_NEXT_CORE, sites[serving[how & 1] ^ (how >> 1 & 1)].name);
	if (how & 32) {
		message_set_text(&m, ATTR_NEXT_SATELLITE, how & 64 ? "s2" : "s1");
		message_set_link_layer(&m, &t->mac);
		message_set_addr(&m, ATTR_LINK_LOCAL, &t->link_local);
		message_set_number(&m, ATTR_MTU, 1300);
	}
	tell(how, &m);
}

static void leave(uint8_t how)
{
	struct message m;

	message_init(&m, how & 16 ? MESSAGE_HANDOVER_DONE : MESSAGE_CORE_DISCONNECT, 0);
	if (m.type == MESSAGE_HANDOVER_DONE) {
		message_set_number(&m, ATTR_GAP, how);
		message_set_number(&m, ATTR_REGISTRATION_TIME, how);
	} else if (how & 8) {
		message_set_number(&m, ATTR_LIFETIME, 0);
	}
	tell(how, &m);
}

static void pass(uint8_t how)
{
	static const usec_t spans[] = {0,	4 * MS,	 20 * MS, 200 * MS,
				       1 * SEC, 3 * SEC, 9 * SEC, 25 * SEC};

	run(spans[how & 7]);
}

static void break_path(uint8_t how, unsigned int faults)
{
	if (!(faults & DUO_LOSSES))
		return;
	lose = how & 127;
	cut = how & 128 && !cut;
}

static void break_kernel(uint8_t how, unsigned int faults)
{
	if (!(faults & DUO_KERNELS))
		return;
	refused = true;
	enter(how & 1);
	if (how & 128) {
		kernel_fake_fail_at(0, 0);
		core_close(&sites[how & 1].world.core);
		start(&sites[how & 1]);
		return;
	}
	kernel_fake_fail_at(1 + (how >> 1 & 15), -ENOBUFS);
}

static void step(uint8_t what, uint8_t how, unsigned int faults)
{
	switch (what % 12) {
	case 0:
	case 1:
	case 2:
		discover(how & ~8 & ~16);
		break;
	case 3:
		discover(how);
		break;
	case 4:
		discover(how | 16);
		break;
	case 5: /* a whole move */
		announce((how & 127) | 2);
		run(how & 128 ? 12 * MS : 60 * MS);
		read_terminal(how & 1 ? &otto : &tina);
		discover((how | 18) & ~8);
		break;
	case 6:
	case 7:
		announce(how);
		break;
	case 8:
		leave(how);
		break;
	case 9:
		pass(how);
		break;
	case 10:
		break_path(how, faults);
		break;
	default:
		break_kernel(how, faults);
		break;
	}
	run(what & 128 ? 40 * MS : 6 * MS);
	read_terminal(&tina);
	read_terminal(&otto);
}

/* ---- the end
 * --------------------------------------------------------------------------------------- */

/* All goes well again, the terminals are gone for good, and lifetimes pass: nothing is left. */
static void settle(void)
{
	lose = 0;
	cut = false;
	for (int i = 0; i < 2; i++) {
		enter(i);
		figures->refused += kernel_fake_failed();
		kernel_fake_fail_at(0, 0);
	}
	run(15 * SEC);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++)
			reload(&sites[i]);
		run(15 * SEC);
	}
	run((2 * LIFETIME + 60) * SEC);
	check_all();
}

static void check_undone(int number)
{
	const struct core *core = enter(number);
	const struct subscriber *s = subscriber_find(core, sites[number].own->user);
	char *state = kernel_state();

	must(HASH_COUNT(core->sessions) == 0);
	must(HASH_COUNT(core->registrations) == 0);
	must(HASH_COUNT(core->preparations) == 0);
	must(HASH_COUNT(core->anticipations) == 0);
	must(hold_queues(core->underlay.holding.hold) == 0);
	must(pool_used(core->care_of4) == 0);
	must(s->binding.state == BINDING_NONE);
	must(kernel_fake_count("sa ") <= ASSOCIATIONS_QUIET);
	if (strcmp(state, sites[number].idle) != 0) {
		fprintf(stderr, "--- idle\n%s--- now\n%s", sites[number].idle, state);
		must(!"the kernel is as it was");
	}
	free(state);
}

void duo_play(const uint8_t *steps, size_t length, unsigned int faults,
	      struct duo_figures *all_figures)
{
	figures = all_figures;
	open_all();
	for (size_t i = 0; i + 1 < length && i < 2 * STEPS_MAX; i += 2) {
		step(steps[i], steps[i + 1], faults);
		check_all();
	}
	settle();
	for (int i = 0; i < 2; i++)
		check_undone(i);
	close_all();
}
