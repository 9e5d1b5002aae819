/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the terminal has in the kernel for its registration.
 *
 *   lo        HoA/32, HoA/128
 *   LINK      permanent neighbour fe80::1
 *   main      default via inet6 fe80::1 dev LINK src HoA metric M mtu lock MTU, for each family
 *   table     the same, for packets from the delegated prefix (and from the home addresses, when
 *   8300      the host has another default route)
 *   INSIDE    an address of the delegated prefix, its first /64
 *   main      unreachable PREFIX: what of it is not in use must not go back to the core
 *
 * A plan says what shall be there; applying it turns it into a list of objects, puts in place what
 * is new or different, and only then takes away what is no longer wanted. So packets have a route
 * at every moment, and a refusal is undone to the last object. All objects carry our protocol
 * number, so that what an earlier run of the agent left is adopted and, once a plan is applied,
 * removed where it is stale.
 */
#ifndef SNO_TERMINAL_FORWARDING_H
#define SNO_TERMINAL_FORWARDING_H

#include "kernel_monitor.h"

struct forwarding;

/* What does not come from the registration. */
struct forwarding_settings {
	bool install_default; /* default routes in table main */
	uint32_t metric;
	char inside[KERNEL_NAME]; /* "": no hosts behind the terminal */
};

struct forwarding_plan {
	unsigned int ifindex;  /* of the link in use; 0: no routes */
	bool held;	       /* the routes lead to the hold's device, which has no neighbours */
	struct lladdr gateway; /* Ethernet address of fe80::1 there */
	struct addr hoa4, hoa6;
	struct prefix delegated;
	unsigned int mtu; /* of the path, locked; 0: that of the link */
};

/* NULL when out of memory or when there is no loopback interface. Looks, but changes nothing. */
struct forwarding *forwarding_new(struct kernel *kernel,
				  const struct forwarding_settings *settings);
/* The kernel's state stays. NULL is allowed. */
void forwarding_free(struct forwarding *f);

/*
 * Learns what an earlier run left behind. Returns the interface of the default route among it (0:
 * none) or -errno, logged.
 */
int forwarding_adopt(struct forwarding *f);

/*
 * Makes the kernel as planned. 0; or -errno, logged, and the kernel is as before. What was to be
 * removed and could not be is logged and tried again with the next plan.
 */
int forwarding_apply(struct forwarding *f, const struct forwarding_plan *plan);
/* Removes everything of ours. 0, or -errno when something resisted, logged. */
int forwarding_withdraw(struct forwarding *f);
/* Other settings (reload): applies the present plan under them. 0, or -errno and as before. */
int forwarding_configure(struct forwarding *f, const struct forwarding_settings *settings);

/*
 * Something has changed in the kernel. True when an object of ours was lost by it, or when what
 * was missing for the plan (the inside interface) is there now: then repair is due.
 */
bool forwarding_event(struct forwarding *f, const struct kernel_event *event);
/* Puts back what was lost. 0 or -errno, logged. */
int forwarding_repair(struct forwarding *f);

/* The plan that is in force; ifindex 0 and no addresses when there is none. */
const struct forwarding_plan *forwarding_plan(const struct forwarding *f);

#endif
