/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access links: which interfaces there are, whether frames pass on them, and what was heard on
 * them.
 *
 * A link is *ready* when it is up, has a carrier and bears our link-local address: from then on a
 * datagram can leave at once. The address is the EUI-64 one and is put there by us, without
 * duplicate address detection, long before the carrier comes; so core discovery waits for nothing
 * (PROTOCOL section 5.1). Links are told apart by interface name, since an interface may vanish and
 * come back under another index.
 *
 * An antenna is an interface whose satellite changes. It makes two links, each called after a
 * satellite: the one at which it points, and the one at which it will. So a change of the satellite
 * is a change of the link, whether with one antenna or with two. Only the link at which it points
 * has the interface.
 */
#ifndef SNO_TERMINAL_LINKS_H
#define SNO_TERMINAL_LINKS_H

#include "clock.h"
#include "kernel_monitor.h"
#include "message.h"

struct config;

/* What the core on this link said of itself since the link came up. */
struct advertised {
	char core[SNO_NAME_MAX + 1]; /* "": nothing yet */
	uint64_t epoch;
	usec_t interval;
	usec_t heard;
};

struct link {
	char name[SNO_NAME_MAX + 1]; /* what operators call it */
	char interface[KERNEL_NAME];
	bool satellite; /* the name is that of the satellite behind it */

	char antenna[SNO_NAME_MAX + 1]; /* "": it is none */
	struct link *twin;		/* the antenna's other link; NULL: it is none */
	bool aimed;			/* the antenna points there: it has the interface */
	bool turning;			/* ... but a carrier may still be that of the one before */
	bool ordered;			/* it is to be pointed there, see pointing.h */

	unsigned int ifindex; /* 0: there is no such interface */
	unsigned int mtu;
	struct lladdr mac;
	struct addr address; /* our link-local address; none until it is set */
	bool up, carrier;
	bool prepared; /* address and settings are in place */
	bool risen;    /* it has come up since */
	bool ready;
	usec_t ready_since, lost_since; /* 0: never */

	struct advertised advertised;
	struct port *port; /* how datagrams pass; the owner's, see links_ops */
	bool seen;	   /* during a resynchronisation */
};

struct links_ops {
	/* The interface has appeared: open a port on it. 0, or -errno and the link is not used. */
	int (*open)(void *context, struct link *link);
	/* The interface has vanished or changed its address: close the port. */
	void (*close)(void *context, struct link *link);
	/* The link has become ready, or is so no more. Never for a link that was not ready. */
	void (*ready)(void *context, struct link *link, usec_t now);
	void (*lost)(void *context, struct link *link, usec_t now);
	/* The link is about to be freed (reload): drop every pointer to it. lost came before. */
	void (*removed)(void *context, struct link *link, usec_t now);
	void *context;
};

struct links {
	struct kernel *kernel;
	struct links_ops ops;
	struct link **list; /* in the order of the configuration */
	size_t count;
	usec_t retry; /* when to prepare again what the kernel refused, USEC_NEVER: nothing */
};

/* An empty set. Nothing is asked of the kernel yet. */
void links_init(struct links *l, struct kernel *kernel, const struct links_ops *ops);
/* Closes ports and frees; the interfaces keep their addresses. */
void links_free(struct links *l);

/*
 * Takes the links of the configuration: new ones are added (not ready before a kernel event or
 * kernel_monitor_resync() shows them), missing ones are lost and removed, renamed ones renamed.
 * 0, or -ENOMEM and everything as before.
 */
int links_configure(struct links *l, const struct config *config, usec_t now);

/* A link event, or the beginning or end of a resynchronisation; others are ignored. */
void links_event(struct links *l, const struct kernel_event *event, usec_t now);
/* Prepares again what failed. Returns the next instant, USEC_NEVER if none. */
usec_t links_tick(struct links *l, usec_t now);

/*
 * The antenna is about to be pointed at the satellite of this link: the interface goes over to it,
 * and the twin is lost. It becomes ready when the carrier has gone and come back, or
 * links_aimed() tells that the antenna has turned. Nothing for a link that is aimed already.
 */
void links_aim(struct links *l, struct link *link, usec_t now);
/* It has turned. Asks the kernel for the carrier. */
void links_aimed(struct links *l, struct link *link, usec_t now);
/* Calls a link that is not aimed after this satellite. */
void links_rename(struct link *link, const char *satellite);

/* By name, or else by interface; NULL when there is none. */
struct link *links_find(const struct links *l, const char *name);
struct link *links_by_index(const struct links *l, unsigned int ifindex);
/* The first ready link after this one, in a ring (NULL: from the first); may be `after` itself. */
struct link *links_next_ready(const struct links *l, const struct link *after);

/*
 * Asks the kernel how the link is now, which may be news: it reports the loss of a carrier up to a
 * second late (its link watch limits the rate), that of its return at once.
 */
void links_refresh(struct links *l, struct link *link, usec_t now);

/* Sets a link administratively up or down. 0 or -errno, logged. */
int links_set_up(struct links *l, struct link *link, bool up);

#endif
