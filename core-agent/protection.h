/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protected tunnels (PROTOCOL section 16): ESP associations that come and go with the sessions of a
 * peer's channel, and the policies that let nothing else into or out of its tunnels.
 *
 * A peer is protected or it is not, as both configurations say, and nothing on the wire changes
 * that. Until its first session the packets to a protected peer have nowhere to go; afterwards each
 * session renews the associations, new ones first:
 *
 *	agreed    inbound associations and policies    before anything is sealed under the session
 *	heard     outbound ones take the place of those before, and may carry tunnels from now on
 *	later     what only earlier sessions had goes, when its time has come (inbound.h)
 *
 * The kernel is compared with what is wanted, so that what an earlier life has left is taken over
 * by itself, and what somebody else removes is made again. Stopping leaves everything there.
 */
#ifndef SNO_PROTECTION_H
#define SNO_PROTECTION_H

#include "channel.h"
#include "config.h"
#include "inbound.h"
#include "kernel_xfrm.h"
#include "log.h"
#include "message.h"
#include "timer.h"

struct core;
struct peer;

/* A peer's part. */
struct protection {
	bool wanted;		/* by the configuration */
	enum suite suite;	/* of the outbound associations in use; 0: none yet */
	uint32_t out;		/* their SPI */
	struct addr end4, end6; /* the peer's, of the session agreed on last; none: no policies */
	struct inbounds in;
	struct timer timer;
	struct log_limit noise;
};

/* What the configuration says for one peer. */
bool protection_wanted(const struct config *config, const struct peer_config *peer);

/*
 * Does the kernel have what a configuration needs? 0, or -errno, logged with what to do. Finds the
 * suites that are offered.
 */
int protection_check(struct core *core, const struct config *config);

/* What a hello says of it to this peer. */
void protection_describe(const struct core *core, const struct peer *peer, struct message *hello);

/*
 * Takes the policies of all peers into the kernel, and what nobody wants any more out of it. 0, or
 * the first -errno, logged; everything else has been tried too.
 */
int protection_restore(struct core *core);

/* A peer in the making: nothing happens yet. */
void protection_peer_open(struct peer *peer, bool wanted);
/*
 * A peer that was made: packets to its care-of addresses are dropped until it is protected, unless
 * an earlier life's associations carry them. 0 or -errno, logged; then protection_peer_remove().
 */
int protection_peer_add(struct core *core, struct peer *peer);
/* Everything of the peer goes, but for what heir (NULL: nobody), who has its slot, wants. */
void protection_peer_remove(struct core *core, struct peer *peer, struct peer *heir);
/* Stops its timer, nothing else. */
void protection_peer_close(struct peer *peer);

/* For struct channel_ops; the context is the peer. */
int protection_agreed(void *context, const struct channel_session *session, usec_t now);
void protection_heard(void *context, const struct channel_session *session, usec_t now);

/*
 * May there be a tunnel of this kind? REASON_ACCEPTED; REASON_NO_COMMON_PROTECTION;
 * REASON_BUSY while the first associations are being made.
 */
enum reason protection_allows(const struct peer *peer, enum tunnel_kind kind);

/* An association has protected so much that its keys are to be replaced. */
void protection_worn(struct core *core, const struct kernel_sa *sa, usec_t now);
/*
 * Somebody has removed associations or policies, maybe some of ours: at the next turn of the loop
 * those policies are put back, and peers whose associations are gone get new ones by a new session.
 */
void protection_removed(struct core *core, usec_t now);
timer_fn protection_repair_timer;

/* Of the table of ways of unprotected packets: is it wanted? For the broom. */
bool protection_claims_route(struct core *core, const struct kernel_route *route);
bool protection_claims_rule(struct core *core, const struct kernel_rule *rule);

/* ---- policies (protection_policy.c) -------------------------------------------------------- */

typedef int (*protection_policy_fn)(struct core *core, const struct kernel_policy *policy,
				    void *arg);

/* Is any peer protected? Without one there are no policies. */
bool protection_in_force(const struct core *core);
/* The reqid of a peer's associations and policies. */
uint32_t protection_reqid(const struct peer *peer);
/* What the guard knows its packets by (guard_layout.h); 0: it need not protect them. */
uint32_t protection_mark(const struct peer *peer);
/*
 * Calls back with each policy that is wanted, of this peer or (NULL) of the core, until one call
 * returns non-zero, which is returned.
 */
int protection_policies(struct core *core, const struct peer *peer, protection_policy_fn each,
			void *arg);

#endif
