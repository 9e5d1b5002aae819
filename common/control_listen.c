/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of control.h in the file system: who may connect to it, that one daemon has it, and
 * what a dead one has left.
 */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "control_private.h"
#include "log.h"

#define BACKLOG 16

/* One daemon per socket: held as long as the daemon lives, whatever happened to the socket file. */
static int lock_socket(struct control *control)
{
	control->lock_fd =
		open(control->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (control->lock_fd < 0)
		return -errno;
	if (flock(control->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	return 0;
}

/* Removes what a dead daemon left. -EADDRINUSE when somebody listens, -EEXIST when it is no socket.
 */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat st;
	int err = 0, fd;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		err = -EADDRINUSE;
	close(fd);
	if (!err && unlink(address->sun_path) < 0 && errno != ENOENT)
		err = -errno;
	return err;
}

/* Nobody can connect before listen(), by when mode and group are right. */
static int listen_at(struct control *control, const struct sockaddr_un *address)
{
	/* cppcheck-suppress getgrnamCalled; a daemon has one thread when it starts */
	struct group *group = getgrnam(CONTROL_GROUP);

	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0)
		return -errno;
	if (bind(control->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (group && chown(address->sun_path, (uid_t)-1, group->gr_gid) < 0)
		log_debug("control: %s stays without group %s: %s", address->sun_path,
			  CONTROL_GROUP, strerror(errno));
	if (chmod(address->sun_path, 0660) < 0 || listen(control->fd, BACKLOG) < 0) {
		int err = -errno;

		unlink(address->sun_path);
		return err;
	}
	return 0;
}

static int open_socket(struct control *control, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	strcpy(address.sun_path, path);
	control->path = strdup(path);
	if (!control->path || asprintf(&control->lock_path, "%s.lock", path) < 0) {
		control->lock_path = NULL;
		return -ENOMEM;
	}
	err = lock_socket(control);
	if (err)
		return err;
	err = clear_path(&address);
	if (!err)
		err = listen_at(control, &address);
	if (err)
		unlink(control->lock_path);
	return err;
}

static void open_failed(const char *path, int err)
{
	switch (err) {
	case -EADDRINUSE:
		log_error("already running: another daemon serves %s", path);
		break;
	case -EEXIST:
		log_error("%s exists and is not a socket: remove it", path);
		break;
	case -EINVAL:
		log_error("%s is too long for a socket: choose a shorter one with -s", path);
		break;
	case -ENOENT:
		log_error("cannot serve %s: make its directory, or choose another socket with -s",
			  path);
		break;
	case -EACCES:
		log_error("cannot serve %s: %s: run as root, or choose another socket with -s",
			  path, strerror(-err));
		break;
	default:
		log_error("cannot serve %s: %s", path, strerror(-err));
	}
}

static void let_go(struct control *control)
{
	if (control->fd >= 0)
		close(control->fd);
	if (control->lock_fd >= 0)
		close(control->lock_fd);
	free(control->path);
	free(control->lock_path);
}

int control_listen(struct control *control, const char *path)
{
	int err = control ? open_socket(control, path) : -ENOMEM;

	if (err) {
		open_failed(path, err);
		if (control)
			let_go(control);
	}
	return err;
}

void control_unlisten(struct control *control)
{
	unlink(control->path);
	unlink(control->lock_path);
	let_go(control);
}
