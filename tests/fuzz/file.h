/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Octets as a file, for what is read by its name. */
#ifndef SNO_FUZZ_FILE_H
#define SNO_FUZZ_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_PATH 32

/* Stores its path; the descriptor is the caller's to close. */
static inline int file_of(const void *octets, size_t size, char path[FILE_PATH])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (size && write(fd, octets, size) != (ssize_t)size))
		abort();
	snprintf(path, FILE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
