/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's program in the kernel, by libbpf; its filters are those of the guard. */
#include "kernel_gate.h"

#include "gate_layout.h"
#include "kernel_guard_internal.h"
#include "kernel_tc.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct kernel_gate {
	struct kernel *kernel;
	struct bpf_object *object;
	struct gate *memory;
};

static int load(struct kernel_gate *g, const void *program, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = "sno_gate");
	void *memory;
	int result;

	g->object = bpf_object__open_mem(program, size, &open);
	if (!g->object)
		return -errno;
	result = bpf_object__load(g->object);
	if (result < 0)
		return result;
	memory = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_object__find_map_fd_by_name(g->object, "gates"), 0);
	if (memory == MAP_FAILED)
		return -errno;
	g->memory = memory;
	return 0;
}

int kernel_gate_open(struct kernel *k, const void *program, size_t size, struct kernel_gate **gate)
{
	struct kernel_gate *g = calloc(1, sizeof(*g));
	int result;

	*gate = NULL;
	if (!g)
		return kernel_fail(k, -ENOMEM, "gate");
	g->kernel = k;
	kernel_guard_listen();
	result = load(g, program, size);
	if (result < 0) {
		kernel_gate_close(g);
		return kernel_guard_refuse(k, result, "gate: program");
	}
	*gate = g;
	return 0;
}

void kernel_gate_close(struct kernel_gate *g)
{
	if (!g)
		return;
	if (g->memory)
		munmap(g->memory, (size_t)sysconf(_SC_PAGESIZE));
	bpf_object__close(g->object);
	free(g);
}

int kernel_gate_attach(struct kernel_gate *g, unsigned int ifindex, enum kernel_gate_place place)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(
		g->object, place == KERNEL_GATE_HOLD ? "sno_held" : "sno_uplink");
	int result = kernel_tc_clsact_ensure(g->kernel, ifindex);

	return result < 0 ? result
			  : kernel_guard_filter_set(g->kernel, ifindex, false,
						    bpf_program__fd(program));
}

int kernel_gate_detach(struct kernel *k, unsigned int ifindex)
{
	return kernel_guard_detach(k, ifindex);
}

struct gate *kernel_gate_memory(const struct kernel_gate *g)
{
	return g->memory;
}
