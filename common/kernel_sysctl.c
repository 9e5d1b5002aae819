/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches of the kernel that have no netlink message: files below /proc/sys.
 *
 * The parts of a path come separately, since interface names may hold dots, which the usual
 * notation (net.ipv6.conf.NAME.forwarding) would take for slashes.
 */
#include "kernel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYSCTL_VALUE 256

/* One component of a path: not empty, no slash, not a step up. */
static bool part_good(const char *part)
{
	return part[0] && !strchr(part, '/') && strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

static int sysctl_path(char path[PATH_MAX], const char *where, const char *interface,
		       const char *name)
{
	int length;

	if (where[0] == '/' || strstr(where, "..") || !part_good(name) ||
	    (interface && !part_good(interface)))
		return -EINVAL;
	length = snprintf(path, PATH_MAX, "/proc/sys/%s/%s%s%s", where, interface ? interface : "",
			  interface ? "/" : "", name);
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int sysctl_read(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int err;

	if (fd < 0)
		return -errno;
	length = read(fd, value, size);
	err = length < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	if (length > 0 && value[length - 1] == '\n')
		length--;
	if ((size_t)length >= size)
		return -ERANGE;
	value[length] = '\0';
	return 0;
}

static int sysctl_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(value);
	ssize_t written;
	int err = 0;

	if (fd < 0)
		return -errno;
	written = write(fd, value, length);
	if (written < 0)
		err = -errno;
	else if ((size_t)written != length)
		err = -EIO;
	close(fd);
	return err;
}

int kernel_sysctl_set(struct kernel *k, const char *where, const char *interface, const char *name,
		      const char *value)
{
	char path[PATH_MAX], now[SYSCTL_VALUE];
	int err = sysctl_path(path, where, interface, name);

	k->reason[0] = '\0';
	if (!err && sysctl_read(path, now, sizeof(now)) == 0 && strcmp(now, value) == 0)
		return 0;
	if (!err)
		err = sysctl_write(path, value);
	return kernel_fail(k, err, "sysctl %s/%s%s%s = %s", where, interface ? interface : "",
			   interface ? "/" : "", name, value);
}

int kernel_sysctl_get(struct kernel *k, const char *where, const char *interface, const char *name,
		      char *value, size_t size)
{
	char path[PATH_MAX];
	int err = sysctl_path(path, where, interface, name);

	k->reason[0] = '\0';
	if (!err)
		err = sysctl_read(path, value, size);
	return kernel_fail(k, err, "sysctl %s/%s%s%s", where, interface ? interface : "",
			   interface ? "/" : "", name);
}
