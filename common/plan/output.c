/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing beside, and renaming. */
#define _GNU_SOURCE /* mkostemp */
#include "plan/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

static int write_into(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text, length);
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static int write_beside(const char *path, const char *text, size_t length)
{
	char other[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(other, sizeof(other), "%s.XXXXXX", path) >= sizeof(other))
		return -ENAMETOOLONG;
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, length);
	if (!err && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(other, path) < 0)
		err = -errno;
	if (err)
		unlink(other);
	return err;
}

int output_write(const char *path, const char *text, size_t length)
{
	struct stat there;

	if (strcmp(path, "-") == 0)
		return fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 ? 0 : -EIO;
	if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
		return write_into(path, text, length);
	return write_beside(path, text, length);
}
