/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast bindings can be programmed: encapsulating routes per second, in a namespace of its own.
 *
 *	bench-routes [COUNT]
 *
 * COUNT (20,000) IPv4 home addresses are bound to care-of addresses through one collect-metadata
 *device: acknowledged one by one, in batches, moved to another care-of address (a crowd's satellite
 *is re-associated), and removed; then a smaller number without the metric of kernel_route_metric(),
 *which shows what that is for; then IPv6. Prints one line per measurement: what, how many, per
 *second.
 */
#define _GNU_SOURCE /* unshare */
#include "clock.h"
#include "kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH	      1000
#define WITHOUT_COUNT 4000

static struct kernel *k;
static unsigned int device;

/* The nth binding; coa counts care-of addresses, so that a move changes the outer destination only.
 */
static struct kernel_route binding(uint32_t n, uint32_t coa, bool metric, bool v6)
{
	struct kernel_route r = {.oif = device, .mtu = 1400, .mtu_lock = true};

	if (v6) {
		r.dst.addr.family = AF_INET6;
		r.dst.length = 128;
		r.dst.addr.v6.s6_addr32[0] = htonl(0x20010db8);
		r.dst.addr.v6.s6_addr32[3] = htonl(n + 1);
	} else {
		r.dst.addr.family = AF_INET;
		r.dst.length = 32;
		r.dst.addr.v4.s_addr = htonl(0x0a000000 + n);
	}
	r.metric = metric ? kernel_route_metric(&r.dst.addr) : 0;
	r.encap.dst.family = r.encap.src.family = AF_INET;
	r.encap.dst.v4.s_addr = htonl(0xc6000000 + coa + n);
	r.encap.src.v4.s_addr = htonl(0xc0000201);
	r.encap.key = n + 1;
	return r;
}

static void report(const char *what, uint32_t count, usec_t start)
{
	usec_t took = clock_now() - start;

	printf("%-44s %8u  %8.0f/s\n", what, count,
	       (double)count * 1e6 / (double)(took ? took : 1));
	fflush(stdout);
}

static int failed(const char *what)
{
	fprintf(stderr, "bench-routes: %s: %s\n", what, kernel_error(k));
	return 1;
}

static int singly(const char *what, uint32_t count, uint32_t coa, bool metric, bool remove)
{
	usec_t start = clock_now();
	struct kernel_route r;
	uint32_t n;

	for (n = 0; n < count; n++) {
		r = binding(n, coa, metric, false);
		if (remove ? kernel_route_delete(k, &r) : kernel_route_replace(k, &r))
			return failed(what);
	}
	report(what, count, start);
	return 0;
}

static int batched(const char *what, uint32_t count, uint32_t coa, bool remove, bool v6)
{
	static struct kernel_change changes[BATCH];
	usec_t start = clock_now();
	uint32_t n, i, size;

	for (n = 0; n < count; n += size) {
		size = count - n < BATCH ? count - n : BATCH;
		for (i = 0; i < size; i++)
			changes[i] = (struct kernel_change){.remove = remove,
							    .route = binding(n + i, coa, true, v6)};
		if (kernel_batch(k, changes, size))
			return failed(what);
	}
	report(what, count, start);
	return 0;
}

static int count_route(const struct kernel_route *route, void *arg)
{
	uint32_t *count = arg;

	(void)route;
	++*count;
	return 0;
}

static int listed(const char *what)
{
	usec_t start = clock_now();
	uint32_t count = 0;

	if (kernel_route_each(k, count_route, &count))
		return failed(what);
	report(what, count, start);
	return 0;
}

static int measure(uint32_t count)
{
	uint32_t few = count < WITHOUT_COUNT ? count : WITHOUT_COUNT;

	return singly("replace, one by one, new", count, 0, true, false) ||
	       singly("replace, one by one, another care-of address", count, 1 << 20, true,
		      false) ||
	       listed("list for adoption") || singly("delete, one by one", count, 0, true, true) ||
	       batched("replace, batches of 1,000, new", count, 0, false, false) ||
	       batched("replace, batches, another care-of address", count, 1 << 20, false, false) ||
	       batched("delete, batches", count, 0, true, false) ||
	       batched("IPv6 replace, batches, new", count, 0, false, true) ||
	       batched("IPv6 delete, batches", count, 0, true, true) ||
	       singly("replace without the metric per HoA", few, 0, false, false) ||
	       singly("delete without the metric per HoA", few, 0, false, true);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
	enum kernel_tunnel kind = KERNEL_TUNNEL_GRE;
	int status;

	if (count < 1 || count > 1 << 24) {
		fprintf(stderr, "usage: bench-routes [COUNT]\n");
		return 2;
	}
	if (unshare(CLONE_NEWNET) || kernel_open(&k)) {
		fprintf(stderr, "bench-routes: a network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (kernel_tunnel_probe(k, kind) == -EOPNOTSUPP)
		kind = KERNEL_TUNNEL_GPE;
	if (kernel_link_set_up(k, 1, true) || kernel_tunnel_ensure(k, kind, 1400, &device)) {
		status = failed("tunnel");
	} else {
		printf("# tunnel %s\n", kernel_tunnel_text(kind));
		status = measure((uint32_t)count);
	}
	kernel_close(k);
	return status;
}
