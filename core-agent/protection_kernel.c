/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has of protected tunnels, compared with what is wanted: what is missing is put
 * there, what nobody wants goes, and what somebody else has removed is made again.
 *
 * A policy is put back as it was. An association is not, ever: its numbers would begin again under
 * the same key. So new keys are agreed on with the peer; until then nothing leaves for it, and what
 * it sends is lost.
 */
#include "peer.h"
#include "protection_internal.h"

#include <errno.h>

#define REPAIR_PAUSE (100 * USEC_PER_MSEC) /* between two looks for what is missing */
#define RETRY	     (1 * USEC_PER_SEC)

int protection_complain(const struct core *core, int result, const char *what)
{
	log_warnx("protection of %s: %s", what, kernel_error(core->kernel));
	return result;
}

const struct addr *protection_own_end(const struct core *core, sa_family_t family)
{
	return family == AF_INET6 ? &core->underlay.end6 : &core->underlay.end4;
}

const struct addr *protection_peer_end(const struct protection *p, sa_family_t family)
{
	return family == AF_INET6 ? &p->end6 : &p->end4;
}

/* ---- policies ------------------------------------------------------------------------------ */

static int policy_install(struct core *core, const struct kernel_policy *policy, void *arg)
{
	int result = 0;

	(void)arg;
	if (policy->direction == KERNEL_OUT)
		result = protection_way_install(core, policy);
	if (result < 0)
		return result;
	/* Only until there is something better: which an earlier life may have left. */
	if (policy->block && policy->direction == KERNEL_OUT) {
		result = kernel_policy_add(core->kernel, policy);
		return result == -EEXIST ? 0 : result;
	}
	return kernel_policy_update(core->kernel, policy);
}

int protection_policies_install(struct core *core, const struct peer *peer)
{
	int result = protection_policies(core, peer, policy_install, NULL);

	return result < 0 ? protection_complain(core, result, peer ? peer->name : "tunnels") : 0;
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
	bool inbound = addr_equal(&sa->dst, protection_own_end(t->core, sa->dst.family));

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
	return result < 0 ? protection_complain(core, result, "tunnels") : 0;
}

int protection_tidy(const struct peer *peer, usec_t adopt)
{
	return tidy(peer->core, protection_reqid(peer), protection_reqid(peer), adopt);
}

/* ---- restoring ----------------------------------------------------------------------------- */

/* The policies of all peers and of the core. 0 or the first -errno, logged. */
static int all_install(struct core *core)
{
	struct peer *peer;
	int first = 0;

	if (!protection_in_force(core))
		return 0;
	for (peer = core->peers; peer; peer = peer->hh.next) {
		int result = protection_policies_install(core, peer);

		if (first == 0)
			first = result;
	}
	/* What peers may do is in place: the rest may do nothing. */
	return first == 0 ? protection_policies_install(core, NULL) : first;
}

int protection_restore(struct core *core)
{
	int first = all_install(core);

	if (first == 0)
		first = tidy(core, KERNEL_REQID_BASE, KERNEL_REQID_CORE, 0);
	return first;
}

/* ---- repair -------------------------------------------------------------------------------- */

static int count_wanted(struct core *core, const struct kernel_policy *policy, void *arg)
{
	(void)core;
	(void)policy;
	++*(unsigned int *)arg;
	return 0;
}

struct inventory {
	struct core *core;
	unsigned int policies; /* that are wanted and there */
};

static int count_there(const struct kernel_policy *policy, void *arg)
{
	struct inventory *inventory = arg;

	inventory->policies += policy_claimed(inventory->core, policy);
	return 0;
}

/* Puts back all policies if there is one missing. 0 or -errno, logged. */
static int policies_repair(struct core *core)
{
	struct inventory there = {core, 0};
	unsigned int wanted = 0;
	struct peer *peer;
	int result = kernel_policy_each(core->kernel, KERNEL_REQID_BASE, KERNEL_REQID_CORE,
					count_there, &there);

	if (result < 0)
		return protection_complain(core, result, "tunnels");
	protection_policies(core, NULL, count_wanted, &wanted);
	for (peer = core->peers; peer; peer = peer->hh.next)
		protection_policies(core, peer, count_wanted, &wanted);
	if (there.policies >= wanted)
		return 0;
	log_warnx("somebody has removed policies that protect tunnels; putting them back");
	return all_install(core);
}

/* How many associations of each SPI there are: one for each family. */
struct holdings {
	const struct peer *peer;
	unsigned int out, in[INBOUND_MAX];
};

static int count_held(const struct kernel_sa *sa, void *arg)
{
	struct holdings *h = arg;
	const struct protection *p = &h->peer->protection;

	if (!addr_equal(&sa->dst, protection_own_end(h->peer->core, sa->dst.family))) {
		h->out += sa->spi == p->out;
		return 0;
	}
	for (size_t i = 0; i < p->in.count; i++)
		h->in[i] += sa->spi == p->in.list[i].spi;
	return 0;
}

static unsigned int families_of(const struct peer *peer)
{
	const struct underlay *u = &peer->core->underlay;
	const struct protection *p = &peer->protection;

	return (!addr_none(&u->end4) && !addr_none(&p->end4)) +
	       (!addr_none(&u->end6) && !addr_none(&p->end6));
}

/* Agrees on new keys if there is an association missing. 0 or -errno, logged. */
static int associations_repair(struct peer *peer, usec_t now)
{
	struct protection *p = &peer->protection;
	struct holdings held = {.peer = peer};
	const uint32_t reqid = protection_reqid(peer);
	bool robbed;
	int result;

	if (!p->wanted || p->out == 0)
		return 0;
	result = kernel_sa_each(peer->core->kernel, reqid, reqid, count_held, &held);
	if (result < 0)
		return protection_complain(peer->core, result, peer->name);
	robbed = held.out < families_of(peer);
	for (size_t i = p->in.count; i-- > 0;) {
		if (held.in[i] > 0)
			continue;
		robbed = true;
		inbounds_lost(&p->in, i);
	}
	if (!robbed)
		return 0;
	log_warnx("peer %s: somebody has removed associations of the tunnels to it; agreeing on "
		  "new keys",
		  peer->name);
	protection_renew(peer, now);
	return 0;
}

void protection_repair_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct peer *peer;
	int first = 0;

	core->underlay.repaired = now;
	if (!protection_in_force(core))
		return;
	first = policies_repair(core);
	for (peer = core->peers; peer; peer = peer->hh.next) {
		int result = associations_repair(peer, now);

		if (first == 0)
			first = result;
	}
	if (first < 0)
		timer_set(&core->timers, timer, now + RETRY);
}

void protection_removed(struct core *core, usec_t now)
{
	struct timer *timer = &core->underlay.repair;
	const usec_t next = core->underlay.repaired + REPAIR_PAUSE;

	if (!timer_pending(timer))
		timer_set(&core->timers, timer, next > now ? next : now);
}
