/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up privileges with libcap-ng; see privilege.h. */
#include "privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void privilege_hide(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Without a limit no right is needed to lock memory. */
static bool may_lock(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	return setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
}

int privilege_drop(unsigned long long keep, bool programs)
{
	capng_select_t sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;
	unsigned long long kept = 0;

	if (!may_lock())
		keep |= PRIVILEGE(CAP_IPC_LOCK);
	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if ((keep & PRIVILEGE(c)) && capng_have_capability(CAPNG_PERMITTED, c))
			kept |= PRIVILEGE(c);
	if (!programs && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets |= CAPNG_SELECT_BOUNDS;
	capng_clear(programs ? CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT : CAPNG_SELECT_ALL);
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (kept & PRIVILEGE(c))
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				     (unsigned int)c);
	if (capng_apply(sets) < 0)
		return -EPERM;
	if (!programs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
