/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A preload library that lets user-mode Linux run on today's x86 processors, and faster.
 *
 * UML runs each guest process as a traced process of the host and restores its floating point
 * state by PTRACE_SETREGSET(NT_X86_XSTATE) from a buffer sized when AVX-512 was the largest
 * state there was. On a processor with AMX the host's state is bigger (11008 bytes), the host
 * refuses the shorter buffer with EFAULT, and UML panics with "ptrace set fp regs failed,
 * errno = 14". So a short write is completed here: the part that was given is laid over the whole
 * state as it was read, and the whole is written.
 *
 * UML reads and writes that state around every system call of the guest, although a system call
 * leaves it alone. What a stopped process has is therefore remembered, and written only when it is
 * to become something else. As soon as the process runs again, nothing is known of it.
 *
 * Compiled and preloaded by scripts/uml; no part of any installed program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define STATE_MAX 16384
#define SLOTS	  512 /* a power of two */

typedef long ptrace_fn(int request, ...);

/* What a stopped process is known to have; slots are shared by number, the newest one stays. */
struct known {
	pid_t pid; /* 0: nothing */
	size_t length;
	unsigned char state[STATE_MAX];
};

static struct known slots[SLOTS];

static ptrace_fn *libc_ptrace(void)
{
	static ptrace_fn *fn;

	if (!fn)
		*(void **)&fn = dlsym(RTLD_NEXT, "ptrace");
	return fn;
}

static struct known *slot_of(pid_t pid)
{
	return &slots[(unsigned int)pid % SLOTS];
}

static void forget(pid_t pid)
{
	struct known *k = slot_of(pid);

	if (k->pid == pid)
		k->pid = 0;
}

/* The whole state of a stopped process, or NULL and errno. */
static struct known *read_state(pid_t pid)
{
	struct known *k = slot_of(pid);
	struct iovec all = {.iov_base = k->state, .iov_len = sizeof(k->state)};

	if (k->pid == pid)
		return k;
	k->pid = 0;
	if (libc_ptrace()(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &all) < 0)
		return NULL;
	k->pid = pid;
	k->length = all.iov_len;
	return k;
}

static long get_xstate(pid_t pid, struct iovec *part)
{
	const struct known *k = read_state(pid);

	if (!k)
		return -1;
	if (part->iov_len > k->length)
		part->iov_len = k->length;
	memcpy(part->iov_base, k->state, part->iov_len);
	return 0;
}

static long set_xstate(pid_t pid, const struct iovec *part)
{
	struct known *k = read_state(pid);
	struct iovec all;
	size_t length;

	if (!k)
		return -1;
	length = part->iov_len < k->length ? part->iov_len : k->length;
	if (memcmp(k->state, part->iov_base, length) == 0)
		return 0;
	memcpy(k->state, part->iov_base, length);
	all = (struct iovec){.iov_base = k->state, .iov_len = k->length};
	if (libc_ptrace()(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &all) < 0) {
		forget(pid);
		return -1;
	}
	return 0;
}

/* True for requests that neither let the process run nor touch its floating point state. */
static bool leaves_state(enum __ptrace_request request)
{
	return request == PTRACE_GETREGS || request == PTRACE_SETREGS ||
	       request == PTRACE_PEEKUSER || request == PTRACE_POKEUSER ||
	       request == PTRACE_PEEKDATA || request == PTRACE_POKEDATA ||
	       request == PTRACE_GETREGSET;
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list ap;
	pid_t pid;
	void *addr, *data;

	va_start(ap, request);
	pid = va_arg(ap, pid_t);
	addr = va_arg(ap, void *);
	data = va_arg(ap, void *);
	va_end(ap);

	if ((unsigned long)addr == NT_X86_XSTATE && request == PTRACE_GETREGSET)
		return get_xstate(pid, data);
	if ((unsigned long)addr == NT_X86_XSTATE && request == PTRACE_SETREGSET)
		return set_xstate(pid, data);
	if (!leaves_state(request))
		forget(pid);
	return libc_ptrace()(request, pid, addr, data);
}
