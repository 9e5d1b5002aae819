/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPsec security associations: ESP in tunnel mode (RFC 4303) with an AEAD.
 *
 * The state says how a packet is protected; kernel_xfrm_policy.c says which packets must be.
 */
#include "kernel_xfrm.h"

#include "kernel_internal.h"
#include "keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ICV_BITS   128
#define WINDOW_MAX 4096

/* The kernel's names of the transforms; both take KERNEL_SA_KEY bytes. */
static const char *const ciphers[] = {
	[KERNEL_CIPHER_CHACHA20_POLY1305] = "rfc7539esp(chacha20,poly1305)",
	[KERNEL_CIPHER_AES_256_GCM] = "rfc4106(gcm(aes))",
};
#define CIPHERS (sizeof(ciphers) / sizeof(ciphers[0]))

static int sa_fail(struct kernel *k, int err, const struct kernel_sa *sa, const char *verb)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT];

	return kernel_fail(k, err, "security association %s to %s spi 0x%08x%s",
			   addr_format(&sa->src, src), addr_format(&sa->dst, dst), sa->spi, verb);
}

static void xfrm_address(xfrm_address_t *x, const struct addr *a)
{
	memset(x, 0, sizeof(*x));
	memcpy(x, a->bytes, addr_length(a->family));
}

static void sa_put_key(struct nlmsghdr *nlh, const struct kernel_sa *sa)
{
	_Alignas(struct xfrm_algo_aead) char bytes[sizeof(struct xfrm_algo_aead) + KERNEL_SA_KEY];
	struct xfrm_algo_aead *aead = (struct xfrm_algo_aead *)bytes;

	memset(bytes, 0, sizeof(bytes));
	snprintf(aead->alg_name, sizeof(aead->alg_name), "%s", ciphers[sa->cipher]);
	aead->alg_key_len = KERNEL_SA_KEY * 8;
	aead->alg_icv_len = ICV_BITS;
	memcpy(bytes + sizeof(*aead), sa->key, sizeof(sa->key));
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(bytes), bytes);
	keys_wipe(bytes, sizeof(bytes));
}

/* The long form of the replay state: any window, and 64-bit numbers. */
static void sa_put_window(struct nlmsghdr *nlh, const struct kernel_sa *sa)
{
	struct xfrm_replay_state_esn esn = {0};
	/* With 64-bit numbers even a sender's state must have a window. */
	unsigned int window = sa->replay_window ? sa->replay_window : 1;
	char bytes[sizeof(esn) + WINDOW_MAX / 8] = {0};

	if (!sa->replay_window && !sa->esn)
		return;
	esn.replay_window = window;
	esn.bmp_len = (window + 31) / 32; /* the bitmap itself starts empty */
	memcpy(bytes, &esn, sizeof(esn));
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(esn) + esn.bmp_len * sizeof(uint32_t),
		     bytes);
}

static const char *sa_fault(const struct kernel_sa *sa)
{
	if (!addr_length(sa->src.family) || sa->src.family != sa->dst.family)
		return "both ends must be addresses of one family";
	if (sa->spi < 256)
		return "an SPI below 256 is reserved";
	if (sa->replay_window > WINDOW_MAX)
		return "the replay window is at most 4096 packets";
	if ((unsigned int)sa->cipher >= CIPHERS)
		return "there is no such cipher";
	return NULL;
}

static int sa_request(struct kernel *k, uint16_t type, const struct kernel_sa *sa)
{
	struct xfrm_usersa_info *info;
	const char *fault = sa_fault(sa);
	struct nlmsghdr *nlh;
	int err;

	k->reason[0] = '\0';
	if (fault) {
		snprintf(k->reason, sizeof(k->reason), "%s", fault);
		return -EINVAL;
	}
	nlh = kernel_message(k, type, type == XFRM_MSG_NEWSA ? NLM_F_CREATE | NLM_F_EXCL : 0,
			     sizeof(*info));
	info = mnl_nlmsg_get_payload(nlh);
	xfrm_address(&info->id.daddr, &sa->dst);
	xfrm_address(&info->saddr, &sa->src);
	info->id.spi = htonl(sa->spi);
	info->id.proto = IPPROTO_ESP;
	info->family = sa->src.family;
	info->reqid = sa->reqid;
	info->mode = XFRM_MODE_TUNNEL;
	/* Either family inside; the selector stays empty. */
	info->flags = XFRM_STATE_AF_UNSPEC | (sa->esn ? XFRM_STATE_ESN : 0);
	info->lft.soft_byte_limit = sa->byte_mark ? sa->byte_mark : XFRM_INF;
	info->lft.hard_byte_limit = XFRM_INF;
	info->lft.soft_packet_limit = XFRM_INF;
	info->lft.hard_packet_limit = sa->packet_limit ? sa->packet_limit : XFRM_INF;
	sa_put_key(nlh, sa);
	sa_put_window(nlh, sa);
	if (sa->mark_mask) {
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK, sa->mark);
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK_MASK, sa->mark_mask);
	}
	err = kernel_xfrm_request(k, nlh);
	keys_wipe(k->message, sizeof(k->message));
	return err;
}

int kernel_sa_add(struct kernel *k, const struct kernel_sa *sa)
{
	return sa_fail(k, sa_request(k, XFRM_MSG_NEWSA, sa), sa, "");
}

/* What a kernel says to something that it has not. */
static bool unknown(int err)
{
	return err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT || err == -ENOENT ||
	       err == -ENOSYS || err == -EOPNOTSUPP;
}

int kernel_sa_probe(struct kernel *k, sa_family_t family, enum kernel_cipher cipher)
{
	/* Documentation addresses (RFC 5737, RFC 3849): nobody's packets take this. */
	const char *end = family == AF_INET6 ? "2001:db8::253" : "192.0.2.253";
	struct kernel_sa sa = {.reqid = KERNEL_REQID_CORE, .cipher = cipher, .replay_window = 32};
	int err = addr_parse(&sa.dst, end);

	sa.src = sa.dst;
	keys_random(&sa.spi, sizeof(sa.spi));
	sa.spi |= 0x80000000;
	keys_random(sa.key, sizeof(sa.key));
	if (err == 0)
		err = sa_request(k, XFRM_MSG_NEWSA, &sa);
	keys_wipe(sa.key, sizeof(sa.key));
	if (err == 0)
		return kernel_sa_delete(k, &sa);
	return sa_fail(k, unknown(err) ? -EOPNOTSUPP : err, &sa, " probe");
}

int kernel_sa_update(struct kernel *k, const struct kernel_sa *sa)
{
	return sa_fail(k, sa_request(k, XFRM_MSG_UPDSA, sa), sa, " update");
}

int kernel_sa_delete(struct kernel *k, const struct kernel_sa *sa)
{
	struct xfrm_usersa_id *id;
	struct nlmsghdr *nlh = kernel_message(k, XFRM_MSG_DELSA, 0, sizeof(*id));

	id = mnl_nlmsg_get_payload(nlh);
	xfrm_address(&id->daddr, &sa->dst);
	id->spi = htonl(sa->spi);
	id->family = sa->dst.family;
	id->proto = IPPROTO_ESP;
	return sa_fail(k, kernel_gone(kernel_xfrm_request(k, nlh)), sa, " delete");
}

/* ---- listing -------------------------------------------------------------------------------- */

/* Which of our ciphers the state has: -1 when another. Its key is wiped from the message. */
static int sa_cipher(const struct nlattr *attr)
{
	struct xfrm_algo_aead *aead;
	unsigned int i;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*aead))
		return -1;
	aead = mnl_attr_get_payload(attr);
	keys_wipe(aead->alg_key, mnl_attr_get_payload_len(attr) - sizeof(*aead));
	for (i = 0; i < CIPHERS; i++)
		if (strncmp(aead->alg_name, ciphers[i], sizeof(aead->alg_name)) == 0)
			return (int)i;
	return -1;
}

static int sa_parse(const struct nlmsghdr *nlh, void *item, const void *arg)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct xfrm_replay_state_esn *esn;
	const struct kernel_reqids *range = arg;
	struct xfrm_usersa_info info; /* a copy: netlink aligns to 4 bytes only */
	struct kernel_sa *sa = item;
	int cipher;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(info))
		return 0;
	memcpy(&info, mnl_nlmsg_get_payload(nlh), sizeof(info));
	kernel_attrs(nlh, sizeof(info), tb, XFRMA_MAX);
	cipher = sa_cipher(tb[XFRMA_ALG_AEAD]);
	if (info.reqid < range->low || info.reqid > range->high || cipher < 0 ||
	    info.id.proto != IPPROTO_ESP || !addr_length(info.family))
		return 0;
	kernel_addr_from(&sa->src, info.family, &info.saddr);
	kernel_addr_from(&sa->dst, info.family, &info.id.daddr);
	sa->spi = ntohl(info.id.spi);
	sa->reqid = info.reqid;
	sa->cipher = (enum kernel_cipher)cipher;
	sa->esn = info.flags & XFRM_STATE_ESN;
	sa->replay_window = info.replay_window;
	if (tb[XFRMA_REPLAY_ESN_VAL] &&
	    mnl_attr_get_payload_len(tb[XFRMA_REPLAY_ESN_VAL]) >= sizeof(*esn)) {
		esn = mnl_attr_get_payload(tb[XFRMA_REPLAY_ESN_VAL]);
		sa->replay_window = esn->replay_window;
	}
	sa->mark = kernel_attr_u32(tb[XFRMA_SET_MARK]);
	sa->mark_mask = kernel_attr_u32(tb[XFRMA_SET_MARK_MASK]);
	if (info.lft.hard_packet_limit != XFRM_INF)
		sa->packet_limit = info.lft.hard_packet_limit;
	if (info.lft.soft_byte_limit != XFRM_INF)
		sa->byte_mark = info.lft.soft_byte_limit;
	sa->packets = info.curlft.packets;
	sa->bytes = info.curlft.bytes;
	sa->added = info.curlft.add_time;
	return 1;
}

int kernel_sa_each(struct kernel *k, uint32_t low, uint32_t high, kernel_sa_fn each, void *arg)
{
	struct kernel_list list = {.size = sizeof(struct kernel_sa)};
	struct kernel_reqids range = {low, high};
	struct nlmsghdr *nlh = kernel_message(k, XFRM_MSG_GETSA, 0, 0);
	size_t i;
	int err;

	err = kernel_xfrm_dump(k, nlh, sa_parse, &range, &list);
	/* Keys of others' states pass through here too. */
	keys_wipe(k->received, sizeof(k->received));
	kernel_fail(k, err, "list of security associations");
	for (i = 0; !err && i < list.count; i++)
		err = each((struct kernel_sa *)list.items + i, arg);
	kernel_list_free(&list);
	return err;
}

/* ---- flush ---------------------------------------------------------------------------------- */

static int sa_flush(const struct kernel_sa *sa, void *arg)
{
	return kernel_sa_delete(arg, sa);
}

static int policy_flush(const struct kernel_policy *policy, void *arg)
{
	return kernel_policy_delete(arg, policy);
}

int kernel_xfrm_flush(struct kernel *k, uint32_t low, uint32_t high)
{
	int err = kernel_policy_each(k, low, high, policy_flush, k);

	return err ? err : kernel_sa_each(k, low, high, sa_flush, k);
}
