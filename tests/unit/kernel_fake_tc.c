/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic control and sysctl of the kernel in memory.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- traffic control ------------------------------------------------------------------------ */

int kernel_tc_clsact_ensure(struct kernel *k, unsigned int ifindex)
{
	int err = fake_change(k, "clsact %s", fake_link_name(ifindex));

	if (!err && !fake_link_of(ifindex))
		err = fake_refuse(k, -ENODEV);
	if (!err)
		fake_put(FAKE_CLSACT, fake_link_name(ifindex))->clsact = ifindex;
	return err;
}

int kernel_tc_clsact_delete(struct kernel *k, unsigned int ifindex)
{
	int err = fake_change(k, "clsact delete %s", fake_link_name(ifindex));
	size_t i;

	for (i = fake.count; !err && i-- > 0;)
		if ((fake.objects[i]->kind == FAKE_CLSACT && fake.objects[i]->clsact == ifindex) ||
		    (fake.objects[i]->kind == FAKE_FILTER &&
		     fake.objects[i]->filter.ifindex == ifindex))
			fake_remove(fake.objects[i]);
	return err;
}

static void redirect_key(char key[FAKE_KEY], uint32_t index)
{
	snprintf(key, FAKE_KEY, "%u", index);
}

int kernel_tc_redirect_replace(struct kernel *k, const struct kernel_redirect *redirect)
{
	char key[FAKE_KEY];
	int err;

	redirect_key(key, redirect->index);
	err = fake_change(k, "redirect replace %s dev %s", key, fake_link_name(redirect->ifindex));
	if (!err && (!redirect->index || !redirect->ifindex))
		err = fake_refuse(k, -EINVAL);
	if (!err && !fake_link_of(redirect->ifindex))
		err = fake_refuse(k, -ENODEV);
	if (!err)
		fake_put(FAKE_REDIRECT, key)->redirect = *redirect;
	return err;
}

int kernel_tc_redirect_delete(struct kernel *k, const struct kernel_redirect *redirect)
{
	char key[FAKE_KEY];
	size_t i;
	int err;

	redirect_key(key, redirect->index);
	err = fake_change(k, "redirect delete %s", key);
	for (i = 0; !err && i < fake.count; i++)
		if (fake.objects[i]->kind == FAKE_FILTER &&
		    fake.objects[i]->filter.action == redirect->index)
			err = fake_refuse(k, -EPERM);
	if (!err)
		fake_remove(fake_find(FAKE_REDIRECT, key));
	return err;
}

int kernel_tc_redirect_each(struct kernel *k, kernel_redirect_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_REDIRECT, redirect, true);
}

static void filter_key(char key[FAKE_KEY], const struct kernel_filter *f)
{
	snprintf(key, FAKE_KEY, "%s priority %u", fake_link_name(f->ifindex), f->priority);
}

int kernel_tc_filter_replace(struct kernel *k, const struct kernel_filter *filter)
{
	char key[FAKE_KEY], action[FAKE_KEY];
	int err;

	filter_key(key, filter);
	redirect_key(action, filter->action);
	err = fake_change(k, "filter replace %s action %s", key, action);
	if (!err && (!filter->action || !filter->priority || !fake_find(FAKE_REDIRECT, action) ||
		     !fake_find(FAKE_CLSACT, fake_link_name(filter->ifindex))))
		err = fake_refuse(k, -EINVAL);
	if (!err)
		fake_put(FAKE_FILTER, key)->filter = *filter;
	return err;
}

int kernel_tc_filter_delete(struct kernel *k, const struct kernel_filter *filter)
{
	char key[FAKE_KEY];
	int err;

	filter_key(key, filter);
	err = fake_change(k, "filter delete %s", key);
	if (!err)
		fake_remove(fake_find(FAKE_FILTER, key));
	return err;
}

int kernel_tc_filter_each(struct kernel *k, unsigned int ifindex, kernel_filter_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_FILTER, filter, o->filter.ifindex == ifindex);
}

/* ---- sysctl --------------------------------------------------------------------------------- */

static struct fake_sysctl *sysctl_find(const char *path)
{
	struct fake_sysctl *s;

	for (s = fake.sysctls; s && strcmp(s->path, path) != 0; s = s->next)
		;
	return s;
}

const char *kernel_fake_sysctl(const char *path)
{
	const struct fake_sysctl *s = sysctl_find(path);

	return s ? s->value : NULL;
}

static void sysctl_path(char path[FAKE_KEY], const char *where, const char *interface,
			const char *name)
{
	snprintf(path, FAKE_KEY, "%s/%s%s%s", where, interface ? interface : "",
		 interface ? "/" : "", name);
}

int kernel_sysctl_set(struct kernel *k, const char *where, const char *interface, const char *name,
		      const char *value)
{
	struct fake_sysctl *s;
	char path[FAKE_KEY];
	int err;

	sysctl_path(path, where, interface, name);
	err = fake_change(k, "sysctl %s = %s", path, value);
	if (err)
		return err;
	s = sysctl_find(path);
	if (!s) {
		s = fake_must(calloc(1, sizeof(*s)));
		s->next = fake.sysctls;
		fake.sysctls = s;
		snprintf(s->path, sizeof(s->path), "%s", path);
	}
	snprintf(s->value, sizeof(s->value), "%s", value);
	return 0;
}

int kernel_sysctl_get(struct kernel *k, const char *where, const char *interface, const char *name,
		      char *value, size_t size)
{
	const struct fake_sysctl *s;
	char path[FAKE_KEY];

	sysctl_path(path, where, interface, name);
	s = sysctl_find(path);
	if (!s || strlen(s->value) >= size) {
		snprintf(k->error, sizeof(k->error), "sysctl %s: %s", path,
			 s ? "Numerical result out of range (ERANGE)"
			   : "No such file or directory (ENOENT)");
		return s ? -ERANGE : -ENOENT;
	}
	snprintf(value, size, "%s", s->value);
	return 0;
}
