/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where sessions are found; see session_table.h. */
#include "session_table.h"

#include "keys.h"
#include "link_socket.h"
#include "peer.h"
#include "preparation.h"

struct session *session_find(const struct core *core, const char *nai)
{
	struct session *s;

	HASH_FIND_STR(core->sessions, nai, s);
	return s;
}

struct session *session_by_mac(const struct core *core, const struct lladdr *mac)
{
	struct session *s;

	HASH_FIND(hh_mac, core->session_macs, mac, sizeof(*mac), s);
	return s;
}

struct session *session_by_index(const struct core *core, uint32_t index)
{
	struct session *s;

	HASH_FIND(hh_index, core->session_indices, &index, sizeof(index), s);
	return s;
}

void session_claim(struct session *s, const struct lladdr *mac)
{
	struct core *core = s->core;

	if (s->claimed)
		HASH_DELETE(hh_mac, core->session_macs, s);
	s->claimed = mac != NULL;
	if (!mac)
		return;
	preparation_give_way(core, mac, s->nai);
	s->claim = *mac;
	HASH_ADD(hh_mac, core->session_macs, claim, sizeof(s->claim), s);
}

void session_unlist(struct session *s)
{
	if (s->access.local_index == 0)
		return;
	HASH_DELETE(hh_index, s->core->session_indices, s);
	if (s->home)
		HASH_DELETE(hh_visitor, s->home->visitors, s);
	access_session_wipe(&s->access);
}

void session_list(struct session *s)
{
	HASH_ADD(hh_index, s->core->session_indices, access.local_index, sizeof(uint32_t), s);
	if (s->home)
		HASH_ADD(hh_visitor, s->home->visitors, binding, sizeof(s->binding), s);
}

/* With the mark, which is not 0: nor is the index. */
uint32_t session_fresh_index(const struct core *core)
{
	const uint32_t marked = (uint32_t)LINK_MARK << 16;
	uint32_t index;

	do {
		keys_random(&index, sizeof(index));
		index = (index & ~marked) | (uint32_t)core->access_mark << 16;
	} while (session_by_index(core, index));
	return index;
}
