/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Associations and policies of protected tunnels; see protection.h. */
#include "protection.h"

#include "core.h"
#include "esp_key.h"
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW 4096 /* packets that may come late */
#define RETRY  (1 * USEC_PER_SEC)

static const sa_family_t families[] = {AF_INET, AF_INET6};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

_Static_assert(ESP_KEY == KERNEL_SA_KEY, "what is derived is what the kernel takes");

static int complain(const struct core *core, int result, const char *what)
{
	log_warnx("protection of %s: %s", what, kernel_error(core->kernel));
	return result;
}

static const struct addr *own_end(const struct core *core, sa_family_t family)
{
	return family == AF_INET6 ? &core->underlay.end6 : &core->underlay.end4;
}

static const struct addr *peer_end(const struct protection *p, sa_family_t family)
{
	return family == AF_INET6 ? &p->end6 : &p->end4;
}

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
		if (!addr_none(own_end(core, families[i])))
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
			return complain(core, result, "tunnels");
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

/* ---- policies ------------------------------------------------------------------------------ */

static int policy_install(struct core *core, const struct kernel_policy *policy, void *arg)
{
	int result;

	(void)arg;
	/* Only until there is something better: which an earlier life may have left. */
	if (policy->block && policy->direction == KERNEL_OUT) {
		result = kernel_policy_add(core->kernel, policy);
		return result == -EEXIST ? 0 : result;
	}
	return kernel_policy_update(core->kernel, policy);
}

/* Of the peer, or (NULL) of the core. */
static int policies_install(struct core *core, const struct peer *peer)
{
	int result = protection_policies(core, peer, policy_install, NULL);

	return result < 0 ? complain(core, result, peer ? peer->name : "tunnels") : 0;
}

static bool same_selector(const struct kernel_policy *a, const struct kernel_policy *b)
{
	return a->direction == b->direction && prefix_equal(&a->src, &b->src) &&
	       prefix_equal(&a->dst, &b->dst) && a->proto == b->proto && a->sport == b->sport &&
	       a->dport == b->dport;
}

static int policy_compare(struct core *core, const struct kernel_policy *policy, void *arg)
{
	(void)core;
	return same_selector(policy, arg);
}

static bool policy_wanted(struct core *core, const struct peer *peer,
			  const struct kernel_policy *policy)
{
	struct kernel_policy copy = *policy;

	return protection_policies(core, peer, policy_compare, &copy) != 0;
}

/* ---- tidying up ---------------------------------------------------------------------------- */

struct tidying {
	struct core *core;
	usec_t adopt; /* until when what an earlier life has left to receive with stays; 0: goes */
};

static struct peer *peer_of_reqid(const struct core *core, uint32_t reqid)
{
	struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next)
		if (protection_reqid(peer) == reqid)
			return peer;
	return NULL;
}

/* Before its first session nobody knows where the peer's tunnels end. */
static bool undecided(const struct protection *p)
{
	return p->wanted ? p->out == 0 : addr_none(&p->end4) && addr_none(&p->end6);
}

static bool policy_claimed(struct core *core, const struct kernel_policy *policy)
{
	const struct peer *peer = peer_of_reqid(core, policy->reqid);

	if (!protection_in_force(core))
		return false;
	if (policy->reqid == KERNEL_REQID_CORE)
		return policy_wanted(core, NULL, policy);
	if (!peer || policy->optional == peer->protection.wanted)
		return false;
	return undecided(&peer->protection) || policy_wanted(core, peer, policy);
}

static int policy_tidy(const struct kernel_policy *policy, void *arg)
{
	const struct tidying *t = arg;

	return policy_claimed(t->core, policy) ? 0 : kernel_policy_delete(t->core->kernel, policy);
}

static bool sa_claimed(const struct tidying *t, const struct kernel_sa *sa)
{
	struct peer *peer = peer_of_reqid(t->core, sa->reqid);
	struct protection *p = peer ? &peer->protection : NULL;
	bool inbound = addr_equal(&sa->dst, own_end(t->core, sa->dst.family));

	if (!p || !p->wanted)
		return false;
	if (p->out == 0)
		return true;
	if (!inbound)
		return sa->spi == p->out;
	if (!inbounds_have(&p->in, sa->spi) && t->adopt)
		inbounds_found(&p->in, sa->spi, t->adopt);
	return inbounds_have(&p->in, sa->spi);
}

static int sa_tidy(const struct kernel_sa *sa, void *arg)
{
	const struct tidying *t = arg;

	return sa_claimed(t, sa) ? 0 : kernel_sa_delete(t->core->kernel, sa);
}

/* What has a reqid between these and nobody wants goes. 0 or -errno, logged. */
static int tidy(struct core *core, uint32_t low, uint32_t high, usec_t adopt)
{
	struct tidying t = {core, adopt};
	int result = kernel_policy_each(core->kernel, low, high, policy_tidy, &t);

	if (result == 0)
		result = kernel_sa_each(core->kernel, low, high, sa_tidy, &t);
	/* A kernel without IPsec has nothing to be tidied. */
	if (result == -EPROTONOSUPPORT && !protection_in_force(core))
		return 0;
	return result < 0 ? complain(core, result, "tunnels") : 0;
}

static int peer_tidy(const struct peer *peer, usec_t adopt)
{
	return tidy(peer->core, protection_reqid(peer), protection_reqid(peer), adopt);
}

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
	if (peer_tidy(peer, 0) < 0)
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
	const struct addr *own = own_end(core, family);
	const struct addr *theirs = peer_end(&peer->protection, family);
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
			complain(peer->core, 0, peer->name);
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
			complain(peer->core, result, peer->name);
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
		result = policies_install(core, peer);
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
		result = policies_install(peer->core, peer);
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
	if (peer_tidy(peer, now + grace(peer->core)) < 0)
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
	if (!p->suite || addr_none(peer_end(p, tunnel_family(kind))))
		return REASON_BUSY;
	return REASON_ACCEPTED;
}

void protection_worn(struct core *core, const struct kernel_sa *sa, usec_t now)
{
	struct peer *peer;

	for (peer = core->peers; peer; peer = peer->hh.next) {
		if (protection_reqid(peer) != sa->reqid || peer->protection.out != sa->spi)
			continue;
		log_info("peer %s: keys of the tunnels are worn, renewing them", peer->name);
		channel_rekey(peer->channel, now);
		timer_set(&core->timers, &peer->timer, now);
	}
}

/* ---- peers --------------------------------------------------------------------------------- */

int protection_restore(struct core *core)
{
	bool in_force = protection_in_force(core);
	struct peer *peer;
	int first = 0;

	for (peer = core->peers; peer && in_force; peer = peer->hh.next) {
		int result = policies_install(core, peer);

		if (first == 0)
			first = result;
	}
	/* What peers may do is in place: the rest may do nothing. */
	if (in_force && first == 0)
		first = policies_install(core, NULL);
	if (first == 0)
		first = tidy(core, KERNEL_REQID_BASE, KERNEL_REQID_CORE, 0);
	return first;
}

int protection_peer_add(struct core *core, struct peer *peer)
{
	if (peer->protection.wanted)
		return policies_install(core, peer);
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
	if (result == 0 && heir && heir->protection.wanted)
		result = policies_install(core, heir);
	if (result < 0) {
		complain(core, result, peer->name);
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
