/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPsec of the kernel, for protected tunnels: ESP associations (kernel_xfrm.c), the policies that
 * ask for them (kernel_xfrm_policy.c), and what becomes of both (kernel_xfrm_monitor.c). What holds
 * for all of kernel.h holds here.
 */
#ifndef SNO_KERNEL_XFRM_H
#define SNO_KERNEL_XFRM_H

#include "kernel.h"

/*
 * What of ours has which reqid: associations and policies of the peer in each slot (a rule priority
 * and table likewise), and behind those the policies that belong to no peer.
 */
#define KERNEL_REQID_BASE 830000
#define KERNEL_REQID_CORE (KERNEL_REQID_BASE + 100)

enum kernel_cipher {
	KERNEL_CIPHER_CHACHA20_POLY1305, /* RFC 7634; 32 bytes of key and 4 of salt */
	KERNEL_CIPHER_AES_256_GCM,	 /* RFC 4106 with 16-byte ICV; likewise */
};
#define KERNEL_SA_KEY 36

/* One ESP security association in tunnel mode, one direction. */
struct kernel_sa {
	struct addr src, dst;
	uint32_t spi;	/* 256 or more (RFC 4303 section 2.1) */
	uint32_t reqid; /* ties it to policies, and marks it as ours */
	enum kernel_cipher cipher;
	uint8_t key[KERNEL_SA_KEY]; /* key, then salt; zero in what each shows. Wipe it after use */
	unsigned int replay_window; /* packets, up to 4096; 0 at the sender */
	bool esn;		    /* 64-bit sequence numbers (RFC 4304), at both ends or none */
	uint32_t mark, mark_mask;   /* what has come by it has these bits of its mark set so */
	uint64_t packet_limit;	    /* after so many the kernel drops the association; 0: none */
	uint64_t byte_mark; /* after so many it is reported as worn (kernel_xfrm_monitor_read); 0:
			       never */
	uint64_t packets, bytes; /* filled in by each */
	uint64_t added;		 /* likewise: when, in seconds since 1970 */
};

typedef int (*kernel_sa_fn)(const struct kernel_sa *sa, void *arg);

/*
 * Can this kernel protect between addresses of this family with this cipher? 0 yes, -EOPNOTSUPP no,
 * otherwise the failure of asking (-EPERM ...). Makes an association and removes it again.
 */
int kernel_sa_probe(struct kernel *k, sa_family_t family, enum kernel_cipher cipher);
/* -EEXIST when (dst, spi) is taken. */
int kernel_sa_add(struct kernel *k, const struct kernel_sa *sa);
/* Changes packet_limit of one that is there; -ESRCH when none is. Key, window and ESN stay. */
int kernel_sa_update(struct kernel *k, const struct kernel_sa *sa);
/* Only dst and spi matter. */
int kernel_sa_delete(struct kernel *k, const struct kernel_sa *sa);
/* Those whose reqid lies in low..high. */
int kernel_sa_each(struct kernel *k, uint32_t low, uint32_t high, kernel_sa_fn each, void *arg);

enum kernel_direction { KERNEL_IN, KERNEL_OUT };

/*
 * What must be protected. A policy is identified by direction and selector (src, dst, proto,
 * ports). A block policy (block set) refuses what it selects; it carries reqid only as our mark. An
 * optional one lets in what it selects, protected or not.
 */
struct kernel_policy {
	enum kernel_direction direction;
	struct prefix src, dst; /* both of one family, never AF_UNSPEC: ::/0 is any */
	uint8_t proto;		/* IPPROTO_GRE, IPPROTO_UDP ...; 0 is any */
	uint16_t sport, dport;	/* UDP only; 0 is any */
	uint32_t priority;	/* the lowest number that matches decides */
	bool block;
	bool optional; /* direction in only */
	uint32_t reqid;
	struct addr tunnel_src, tunnel_dst; /* ends of the SA; ignored when block */
};

typedef int (*kernel_policy_fn)(const struct kernel_policy *policy, void *arg);

/* -EEXIST when the selector is taken. */
int kernel_policy_add(struct kernel *k, const struct kernel_policy *policy);
/* Adds or overwrites. */
int kernel_policy_update(struct kernel *k, const struct kernel_policy *policy);
int kernel_policy_delete(struct kernel *k, const struct kernel_policy *policy);
/* Those whose reqid lies in low..high. */
int kernel_policy_each(struct kernel *k, uint32_t low, uint32_t high, kernel_policy_fn each,
		       void *arg);

/*
 * What becomes of associations and policies of ours. A socket of its own, in the namespace of k,
 * which must outlive it.
 */
struct kernel_xfrm_monitor;

struct kernel_xfrm_events {
	/*
	 * An association has worn out: its byte_mark is reached. Ends, spi and reqid are told, and
	 * once; a report that the kernel had to drop does not come again.
	 */
	void (*worn)(const struct kernel_sa *sa, void *arg);
	/*
	 * Somebody else than the context k has removed associations or policies, maybe some of
	 * ours; or reports were lost, so that nobody knows. Once for all that was there to be read.
	 */
	void (*removed)(void *arg);
};

/* Of those whose reqid lies in low..high. -EOPNOTSUPP when this kernel knows no IPsec at all. */
int kernel_xfrm_monitor_open(struct kernel_xfrm_monitor **m, struct kernel *k, uint32_t low,
			     uint32_t high, const struct kernel_xfrm_events *events, void *arg);
void kernel_xfrm_monitor_close(struct kernel_xfrm_monitor *m);
/* For the event loop: readable means kernel_xfrm_monitor_read(). Non-blocking, close-on-exec. */
int kernel_xfrm_monitor_fd(const struct kernel_xfrm_monitor *m);
/* Reads all that is there and calls back; the callbacks may use k. */
int kernel_xfrm_monitor_read(struct kernel_xfrm_monitor *m);

/* Removes policies, then associations, whose reqid lies in low..high. */
int kernel_xfrm_flush(struct kernel *k, uint32_t low, uint32_t high);

#endif
