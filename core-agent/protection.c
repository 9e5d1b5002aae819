/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Associations and policies of protected tunnels; see protection.h. */
#include "esp_key.h"
#include "guard_layout.h"
#include "peer.h"
#include "protection_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW 4096 /* packets that may come late */
#define RETRY  (1 * USEC_PER_SEC)

static const sa_family_t families[] = {AF_INET, AF_INET6};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

_Static_assert(ESP_KEY == KERNEL_SA_KEY, "what is derived is what the kernel takes");

/* ---- what is configured, what the kernel can ----------------------------------------------- */

bool protection_wanted(const struct config *config, const struct peer_config *peer)
{
	int choice = peer->protection ? peer->protection : config->tunnel.protection;

	return choice == PROTECTION_ESP;
}

static enum kernel_cipher cipher_of(enum suite suite)
{
	return suite == SUITE_AES_256_GCM ? KERNEL_CIPHER_AES_256_GCM
					  : KERNEL_CIPHER_CHACHA20_POLY1305;
}

/* The suite works in every family that we have an outer address of. */
static int suite_check(struct core *core, enum suite suite)
{
	int result = 0;

	for (size_t i = 0; i < FAMILIES && result == 0; i++)
		if (!addr_none(protection_own_end(core, families[i])))
			result = kernel_sa_probe(core->kernel, families[i], cipher_of(suite));
	return result;
}

static int suites_find(struct core *core)
{
	static const enum suite all[] = {SUITE_CHACHA20_POLY1305, SUITE_AES_256_GCM};
	uint8_t *suites = &core->underlay.suites;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int result = suite_check(core, all[i]);

		if (result == 0)
			*suites |= (uint8_t)all[i];
		else if (result == -EOPNOTSUPP)
			log_info("suite %s: this kernel does not have it", suite_name(all[i]));
		else
			return protection_complain(core, result, "tunnels");
	}
	if (*suites)
		return 0;
	log_warnx("tunnels cannot be protected: this kernel has no ESP for the families of "
		  "tunnel.local; load esp4, esp6 and chacha20poly1305, or where the network "
		  "between the cores is protected already set tunnel.protection = \"none\"");
	return -EOPNOTSUPP;
}

int protection_check(struct core *core, const struct config *config)
{
	for (size_t i = 0; i < config->peer_count; i++)
		if (protection_wanted(config, &config->peers[i]))
			return core->underlay.suites ? 0 : suites_find(core);
	return 0;
}

void protection_describe(const struct core *core, const struct peer *peer, struct message *hello)
{
	uint8_t suites = core->underlay.suites;
	uint8_t preferred = (uint8_t)core->config->tunnel.suite & suites;

	if (!peer->protection.wanted)
		return;
	message_set_number(hello, ATTR_SUITES, suites);
	message_set_number(hello, ATTR_SUITE, preferred ? preferred : suites & -suites);
}

/* ---- time ---------------------------------------------------------------------------------- */

static usec_t grace(const struct core *core)
{
	const usec_t rekey = core->config->timers.rekey / 4;
	const usec_t keepalive = 2 * core->config->timers.keepalive;

	return rekey > keepalive ? rekey : keepalive;
}

static void wait_for_next(struct peer *peer)
{
	struct protection *p = &peer->protection;
	usec_t next = inbounds_next(&p->in);

	if (next == USEC_NEVER)
		timer_cancel(&peer->core->timers, &p->timer);
	else
		timer_set(&peer->core->timers, &p->timer, next);
}

static void protection_timer(struct timer *timer, void *arg, usec_t now)
{
	struct peer *peer = arg;

	inbounds_expire(&peer->protection.in, now);
	if (protection_tidy(peer, 0) < 0)
		timer_set(&peer->core->timers, timer, now + RETRY);
	else
		wait_for_next(peer);
}

/* ---- associations -------------------------------------------------------------------------- */

/* The kernel's part of an association of this session; false where it has none in this family. */
static bool sa_make(const struct peer *peer, const struct channel_session *session,
		    enum suite suite, sa_family_t family, bool inbound, struct kernel_sa *sa)
{
	const struct core *core = peer->core;
	const struct addr *own = protection_own_end(core, family);
	const struct addr *theirs = protection_peer_end(&peer->protection, family);
	const struct esp_association association = {.suite = suite,
						    .family = family,
						    .from_initiator = session->initiator != inbound,
						    .spi = inbound ? session->spi
								   : session->hello->spi};

	if (addr_none(own) || addr_none(theirs))
		return false;
	*sa = (struct kernel_sa){.src = inbound ? *theirs : *own,
				 .dst = inbound ? *own : *theirs,
				 .spi = association.spi,
				 .reqid = protection_reqid(peer),
				 .cipher = cipher_of(suite),
				 .replay_window = WINDOW,
				 .esn = true,
				 .byte_mark = inbound ? 0 : core->config->tunnel.rekey_octets};
	/* Nobody but the guard would clear it again. */
	if (inbound && core->guard) {
		sa->mark = protection_mark(peer);
		sa->mark_mask = GUARD_MARK_MASK;
	}
	esp_key(sa->key, session->esp_root, &association);
	return true;
}

/* Deletes those of one direction, in the first `count` families. */
static void sas_delete(const struct peer *peer, const struct channel_session *session,
		       enum suite suite, bool inbound, size_t count)
{
	struct kernel_sa sa;

	for (size_t i = 0; i < count; i++)
		if (sa_make(peer, session, suite, families[i], inbound, &sa) &&
		    kernel_sa_delete(peer->core->kernel, &sa) < 0)
			protection_complain(peer->core, 0, peer->name);
	keys_wipe(&sa, sizeof(sa));
}

/* Adds those of one direction in both families: all or none. 0 or -errno, logged. */
static int sas_add(const struct peer *peer, const struct channel_session *session, enum suite suite,
		   bool inbound)
{
	struct kernel_sa sa;
	int result = 0;

	for (size_t i = 0; i < FAMILIES && result == 0; i++) {
		if (sa_make(peer, session, suite, families[i], inbound, &sa))
			result = kernel_sa_add(peer->core->kernel, &sa);
		if (result < 0) {
			protection_complain(peer->core, result, peer->name);
			sas_delete(peer, session, suite, inbound, i);
		}
	}
	keys_wipe(&sa, sizeof(sa));
	return result;
}

/* What this session is protected by, 0: nothing. */
static enum suite suite_of(const struct peer *peer, const struct message *hello)
{
	struct message own;

	message_init(&own, MESSAGE_HELLO, 0);
	protection_describe(peer->core, peer, &own);
	return esp_suite(&own, hello);
}

/* Why there are no tunnels to this peer, and what is to be done. */
static void tell_mismatch(struct peer *peer, const struct message *hello, usec_t now)
{
	struct log_limit *noise = &peer->protection.noise;
	bool wanted = peer->protection.wanted;

	if (wanted && message_has(hello, ATTR_SUITES))
		log_remote(noise, now,
			   "peer %s: no tunnels, it has no suite (%s, %s) in common with this "
			   "kernel: load chacha20poly1305 or gcm on both sides",
			   peer->name, suite_name(SUITE_CHACHA20_POLY1305),
			   suite_name(SUITE_AES_256_GCM));
	else if (wanted || message_has(hello, ATTR_SUITES))
		log_remote(
			noise, now,
			"peer %s: no tunnels, it %s its own and we %s ours: set protection to "
			"\"esp\" on both sides, or to \"none\" on both where the network between "
			"them is protected already",
			peer->name, wanted ? "does not protect" : "protects",
			wanted ? "protect" : "do not protect");
}

/* ---- sessions ------------------------------------------------------------------------------ */

int protection_agreed(void *context, const struct channel_session *session, usec_t now)
{
	struct peer *peer = context;
	struct protection *p = &peer->protection;
	struct core *core = peer->core;
	const struct addr before[] = {p->end4, p->end6};
	const enum suite suite = suite_of(peer, session->hello);
	const usec_t life = core->config->timers.rekey / 2 * 3;
	int result = 0;

	p->end4 = session->hello->tunnel_end4;
	p->end6 = session->hello->tunnel_end6;
	if (!suite)
		tell_mismatch(peer, session->hello, now);
	if (suite) {
		result = sas_add(peer, session, suite, true);
		if (result == 0)
			inbounds_agreed(&p->in, session->spi, life, grace(core), now);
	}
	if (result == 0 && (suite || protection_in_force(core)))
		result = protection_policies_install(core, peer);
	if (result == 0) {
		wait_for_next(peer);
		return 0;
	}
	log_warnx("peer %s: its session is dropped, another one will be tried", peer->name);
	if (inbounds_have(&p->in, session->spi)) {
		sas_delete(peer, session, suite, true, FAMILIES);
		inbounds_withdraw(&p->in, session->spi);
	}
	p->end4 = before[0];
	p->end6 = before[1];
	return result;
}

void protection_heard(void *context, const struct channel_session *session, usec_t now)
{
	struct peer *peer = context;
	struct protection *p = &peer->protection;
	const enum suite suite = suite_of(peer, session->hello), before = p->suite;
	const uint32_t out = p->out;
	int result;

	if (!suite) {
		p->suite = 0;
		return;
	}
	result = sas_add(peer, session, suite, false);
	if (result == 0) {
		p->out = session->hello->spi;
		result = protection_policies_install(peer->core, peer);
		if (result < 0) {
			p->out = out;
			sas_delete(peer, session, suite, false, FAMILIES);
		}
	}
	if (result < 0) {
		channel_rekey(peer->channel, now);
		return;
	}
	p->suite = suite;
	if (before != suite)
		log_notice("peer %s: tunnels are protected by ESP, %s", peer->name,
			   suite_name(suite));
	/* What is left by an earlier life may be what the peer still sends with. */
	if (protection_tidy(peer, now + grace(peer->core)) < 0)
		timer_set(&peer->core->timers, &p->timer, now + RETRY);
	else
		wait_for_next(peer);
	/* Of a channel that is about to come up the owner is told in a moment. */
	if (!before && channel_up(peer->channel))
		peer_point_uplink(peer);
}

enum reason protection_allows(const struct peer *peer, enum tunnel_kind kind)
{
	const struct protection *p = &peer->protection;
	const struct message *hello = channel_hello(peer->channel);

	if (!hello || p->wanted != message_has(hello, ATTR_SUITES))
		return REASON_NO_COMMON_PROTECTION;
	if (!p->wanted)
		return REASON_ACCEPTED;
	if (!(hello->suites & peer->core->underlay.suites))
		return REASON_NO_COMMON_PROTECTION;
	if (!p->suite || addr_none(protection_peer_end(p, tunnel_family(kind))))
		return REASON_BUSY;
	return REASON_ACCEPTED;
}

void protection_renew(struct peer *peer, usec_t now)
{
	channel_rekey(peer->channel, now);
	timer_set(&peer->core->timers, &peer->timer, now);
}

void protection_worn(struct core *core, const struct kernel_sa *sa, usec_t now)
{
	struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next) {
		if (protection_reqid(peer) != sa->reqid || peer->protection.out != sa->spi)
			continue;
		log_info("peer %s: keys of the tunnels are worn, renewing them", peer->name);
		protection_renew(peer, now);
	}
}

/* ---- peers --------------------------------------------------------------------------------- */

int protection_peer_add(struct core *core, struct peer *peer)
{
	if (peer->protection.wanted)
		return protection_policies_install(core, peer);
	log_warnx("peer %s: tunnels to it are not protected (protection = \"none\"): whoever is "
		  "on the way can read and forge its terminals' packets",
		  peer->name);
	return 0;
}

void protection_peer_remove(struct core *core, struct peer *peer, struct peer *heir)
{
	uint32_t reqid = protection_reqid(peer);
	int result = 0;

	protection_peer_close(peer);
	if (protection_in_force(core))
		result = kernel_xfrm_flush(core->kernel, reqid, reqid);
	if (result == 0 && peer->protection.wanted) {
		result = protection_ways_remove(peer);
		underlay_sweep_soon(core);
	}
	if (result == 0 && heir && heir->protection.wanted)
		result = protection_policies_install(core, heir);
	if (result < 0) {
		protection_complain(core, result, peer->name);
		underlay_sweep_soon(core);
	}
}

void protection_peer_open(struct peer *peer, bool wanted)
{
	peer->protection.wanted = wanted;
	timer_init(&peer->protection.timer, protection_timer, peer);
}

void protection_peer_close(struct peer *peer)
{
	timer_cancel(&peer->core->timers, &peer->protection.timer);
}
