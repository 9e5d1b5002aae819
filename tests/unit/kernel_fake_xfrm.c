/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPsec of the kernel in memory.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sa_key(char key[FAKE_KEY], const struct kernel_sa *sa)
{
	char text[ADDR_TEXT];

	snprintf(key, FAKE_KEY, "%s spi 0x%08x", addr_format(&sa->dst, text), sa->spi);
}

int kernel_sa_add(struct kernel *k, const struct kernel_sa *sa)
{
	char key[FAKE_KEY];
	int err;

	sa_key(key, sa);
	err = fake_change(k, "sa add %s", key);
	if (err)
		return err;
	if (sa->spi < 256 || sa->src.family != sa->dst.family)
		return fake_refuse(k, -EINVAL);
	if (fake_find(FAKE_SA, key))
		return fake_refuse(k, -EEXIST);
	fake_put(FAKE_SA, key)->sa = *sa;
	return 0;
}

void kernel_fake_without_esp(void)
{
	fake.without_esp = true;
}

int kernel_sa_probe(struct kernel *k, sa_family_t family, enum kernel_cipher cipher)
{
	int err =
		fake_change(k, "sa probe %s %d", family == AF_INET6 ? "ipv6" : "ipv4", (int)cipher);

	return !err && fake.without_esp ? fake_refuse(k, -EOPNOTSUPP) : err;
}

int kernel_sa_update(struct kernel *k, const struct kernel_sa *sa)
{
	struct fake_object *o;
	char key[FAKE_KEY];
	int err;

	sa_key(key, sa);
	err = fake_change(k, "sa update %s", key);
	o = fake_find(FAKE_SA, key);
	if (!err && !o)
		err = fake_refuse(k, -ESRCH);
	if (!err)
		o->sa.packet_limit = sa->packet_limit;
	return err;
}

int kernel_sa_delete(struct kernel *k, const struct kernel_sa *sa)
{
	char key[FAKE_KEY];
	int err;

	sa_key(key, sa);
	err = fake_change(k, "sa delete %s", key);
	if (!err)
		fake_remove(fake_find(FAKE_SA, key));
	return err;
}

int kernel_sa_each(struct kernel *k, uint32_t low, uint32_t high, kernel_sa_fn each, void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_SA, sa,
		  o->sa.reqid >= low && o->sa.reqid <= high &&
			  memset(o->sa.key, 0, sizeof(o->sa.key)));
}

static void policy_key(char key[FAKE_KEY], const struct kernel_policy *p)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT];

	snprintf(key, FAKE_KEY, "%s src %s dst %s proto %u ports %u-%u",
		 p->direction == KERNEL_IN ? "in" : "out", prefix_format(&p->src, src),
		 prefix_format(&p->dst, dst), p->proto, p->sport, p->dport);
}

static int policy_put(struct kernel *k, const struct kernel_policy *policy, bool update)
{
	char key[FAKE_KEY];
	int err;

	policy_key(key, policy);
	err = fake_change(k, "policy %s %s%s", update ? "update" : "add", key,
			  policy->block ? " block" : "");
	if (!err && policy->src.addr.family != policy->dst.addr.family)
		err = fake_refuse(k, -EINVAL);
	if (!err && !update && fake_find(FAKE_POLICY, key))
		err = fake_refuse(k, -EEXIST);
	if (!err)
		fake_put(FAKE_POLICY, key)->policy = *policy;
	return err;
}

int kernel_policy_add(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_put(k, policy, false);
}

int kernel_policy_update(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_put(k, policy, true);
}

int kernel_policy_delete(struct kernel *k, const struct kernel_policy *policy)
{
	char key[FAKE_KEY];
	int err;

	policy_key(key, policy);
	err = fake_change(k, "policy delete %s", key);
	if (!err)
		fake_remove(fake_find(FAKE_POLICY, key));
	return err;
}

int kernel_policy_each(struct kernel *k, uint32_t low, uint32_t high, kernel_policy_fn each,
		       void *arg)
{
	(void)k;
	FAKE_EACH(FAKE_POLICY, policy, o->policy.reqid >= low && o->policy.reqid <= high);
}

static int policy_flush(const struct kernel_policy *policy, void *arg)
{
	return kernel_policy_delete(arg, policy);
}

static int sa_flush(const struct kernel_sa *sa, void *arg)
{
	return kernel_sa_delete(arg, sa);
}

int kernel_xfrm_flush(struct kernel *k, uint32_t low, uint32_t high)
{
	int err = kernel_policy_each(k, low, high, policy_flush, k);

	return err ? err : kernel_sa_each(k, low, high, sa_flush, k);
}
