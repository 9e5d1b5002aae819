/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the operator's order over a restart. */
#include "sat-forwarder/order.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An order without an end is written with this one, the last second that the file's form has. */
#define FOREVER (INT64_C(253402300799) * USEC_PER_SEC)

int order_path(char *path, size_t size, const char *socket_path)
{
	size_t length = strlen(socket_path);
	int n;

	if (length > 5 && strcmp(socket_path + length - 5, ".sock") == 0)
		length -= 5;
	n = snprintf(path, size, "%.*s.order", (int)length, socket_path);
	return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static int write_row(FILE *out, const char *satellite, const struct order *order)
{
	struct association row = {
		.from = order->since,
		.until = usec_min(order->until, FOREVER),
		.satellite = satellite,
		.core = order->core,
		.station = order->station,
	};

	if (association_print_heading(out, false) < 0 || association_print(out, &row, false) < 0 ||
	    fflush(out) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

int order_save(const char *path, const char *satellite, const struct order *order)
{
	char fresh[PATH_MAX];
	int err, fd, n = snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *out;

	if (n < 0 || (size_t)n >= sizeof(fresh))
		return -ENAMETOOLONG;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		err = -errno;
		close(fd);
	} else {
		err = write_row(out, satellite, order);
		(void)fclose(out); /* flushed before */
	}
	if (!err && rename(fresh, path) < 0)
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

int order_load(const char *path, const char *satellite, usec_t wall, struct order *order,
	       association_report_fn *report, void *arg)
{
	struct associations found;
	int err;

	memset(order, 0, sizeof(*order));
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	err = association_load(&found, path, satellite, report, arg);
	if (err)
		return err;
	if (found.count == 1 && found.rows[0].until > wall) {
		order->given = true;
		snprintf(order->core, sizeof(order->core), "%s", found.rows[0].core);
		snprintf(order->station, sizeof(order->station), "%s", found.rows[0].station);
		order->since = found.rows[0].from;
		order->until = found.rows[0].until < FOREVER ? found.rows[0].until : USEC_NEVER;
	}
	association_free(&found);
	return 0;
}

int order_remove(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}
