/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A preload library that lets user-mode Linux run on today's x86 processors.
 *
 * UML runs each guest process as a traced process of the host and restores its floating point
 * state by PTRACE_SETREGSET(NT_X86_XSTATE) from a buffer sized when AVX-512 was the largest
 * state there was. On a processor with AMX the host's state is bigger (11008 bytes), the host
 * refuses the shorter buffer with EFAULT, and UML panics with "ptrace set fp regs failed,
 * errno = 14". So a short write is completed here: read the whole state, overlay the part that
 * was given, write the whole. Where the buffer is long enough the call passes unchanged.
 *
 * Compiled and preloaded by scripts/uml; no part of any installed program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

typedef long ptrace_fn(int request, ...);

static ptrace_fn *libc_ptrace(void)
{
	static ptrace_fn *fn;

	if (!fn)
		*(void **)&fn = dlsym(RTLD_NEXT, "ptrace");
	return fn;
}

/* UML is single-threaded towards ptrace, so one buffer is enough. */
static long set_xstate(pid_t pid, void *type, struct iovec *part)
{
	static unsigned char whole[65536];
	struct iovec all = {.iov_base = whole, .iov_len = sizeof(whole)};
	ptrace_fn *next = libc_ptrace();

	if (next(PTRACE_GETREGSET, pid, type, &all) < 0)
		return -1;
	if (part->iov_len >= all.iov_len)
		return next(PTRACE_SETREGSET, pid, type, part);
	memcpy(whole, part->iov_base, part->iov_len);
	return next(PTRACE_SETREGSET, pid, type, &all);
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

	if (request == PTRACE_SETREGSET && (unsigned long)addr == NT_X86_XSTATE)
		return set_xstate(pid, addr, data);
	return libc_ptrace()(request, pid, addr, data);
}
