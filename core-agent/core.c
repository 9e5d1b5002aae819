/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core as a whole: opening, closing, reconfiguring; see core.h. */
#include "core.h"

#include "anticipation.h"
#include "authentication.h"
#include "binding.h"
#include "keep.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "pool.h"
#include "preparation.h"
#include "protection.h"
#include "registration.h"
#include "release.h"
#include "resume.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"
#include "sweep.h"

#include <errno.h>
#include <string.h>

/* A peer with our own key would be ourselves. Only with the key file at hand is that noticed. */
static int check_peers_keys(const struct core *core, const struct config *config)
{
	for (size_t i = 0; i < config->peer_count; i++)
		if (keys_equal(config->peers[i].public_key, core->keys.public, KEY_LENGTH)) {
			log_warnx("peers[%zu].public_key: that of %s is this core's own; ask its "
				  "operator for the right one",
				  i, config->peers[i].name);
			return -EINVAL;
		}
	return 0;
}

static int load_keys(struct core *core)
{
	const char *path = core->config->private_key_file;
	int result = keys_read_file(path, core->keys.private);

	if (result < 0) {
		log_warnx("core.private_key_file: %s: %s", path, keys_file_advice(result));
		return result;
	}
	keys_public(core->keys.public, core->keys.private);
	memcpy(core->identity.private_key, core->keys.private, KEY_LENGTH);
	memcpy(core->identity.public_key, core->keys.public, KEY_LENGTH);
	door_open(&core->door);
	return check_peers_keys(core, core->config);
}

static int make_pools(struct core *core)
{
	const struct pools_config *p = &core->config->pools;

	core->home4 = pool_new(p->home4, p->home4_count);
	core->home6 = pool_new(p->home6, p->home6_count);
	core->care_of4 = pool_new(p->care_of4, p->care_of4_count);
	core->care_of6 = pool_new(p->care_of6, p->care_of6_count);
	return core->home4 && core->home6 && core->care_of4 && core->care_of6 ? 0 : -ENOMEM;
}

int core_open(struct core *core, const struct config *config, struct kernel *kernel,
	      const struct core_io *io, usec_t now)
{
	int result;

	*core = (struct core){.file = *config, .current = *config, .kernel = kernel, .io = *io};
	core->config = &core->current;
	timer_init(&core->drain_timer, drain_timer, core);
	releases_open(core);
	core->request_floor = 1;
	result = handover_log_open(&core->handovers);
	if (result == 0)
		result = load_keys(core);
	if (result == 0)
		result = keep_open(core);
	if (result == 0)
		result = authentication_open(core);
	if (result == 0)
		result = make_pools(core);
	if (result == 0)
		result = subscribers_open(core, now);
	if (result == 0)
		result = resume_leases(core);
	if (result == 0)
		result = underlay_open(core, now);
	if (result == 0)
		result = peers_open(core, now);
	if (result == 0)
		result = protection_restore(core);
	if (result == 0)
		result = satellites_open(core, now);
	/* A rule of an earlier configuration would lead a peer's packets to another one. */
	if (result == 0)
		result = sweep_rules(core);
	if (result < 0) {
		core_close(core);
		return result;
	}
	modes_configure(core);
	schedule_configure(core, now);
	return 0;
}

void core_close(struct core *core)
{
	/* What ends from here on ends with the process only. */
	store_close(core->store);
	core->store = NULL;
	schedule_close(core);
	registrations_close(core);
	sessions_close(core);
	preparations_close(core);
	subscribers_close(core);
	releases_close(core);
	peers_close(core);
	satellites_close(core);
	underlay_close(core);
	authentication_close(core);
	pool_free(core->home4);
	pool_free(core->home6);
	pool_free(core->care_of4);
	pool_free(core->care_of6);
	handover_log_close(&core->handovers);
	timer_cancel(&core->timers, &core->drain_timer);
	drain_free(&core->drain);
	timers_free(&core->timers);
	keys_wipe(&core->keys, sizeof(core->keys));
	keys_wipe(&core->identity, sizeof(core->identity));
}

static int change_pools(struct core *core, const struct pools_config *p)
{
	int result = pool_change(core->home4, p->home4, p->home4_count);

	if (result == 0)
		result = pool_change(core->home6, p->home6, p->home6_count);
	if (result == 0)
		result = pool_change(core->care_of4, p->care_of4, p->care_of4_count);
	if (result == 0)
		result = pool_change(core->care_of6, p->care_of6, p->care_of6_count);
	return result;
}

/* The core's own key is who it is: another one takes a restart. */
static int same_key(const struct core *core, const char *path)
{
	uint8_t key[KEY_LENGTH];
	int result = keys_read_file(path, key);

	if (result < 0) {
		log_warnx("core.private_key_file: %s: %s", path, keys_file_advice(result));
	} else if (!keys_equal(key, core->keys.private, sizeof(key))) {
		log_warnx("core.private_key_file: %s holds another key now, which takes a restart",
			  path);
		result = -EINVAL;
	}
	keys_wipe(key, sizeof(key));
	return result;
}

/*
 * A new configuration in two steps: all that may be refused is prepared beside what is there, and
 * only when nothing was refused does anybody lose anything.
 */
struct change {
	struct subscribers_change subscribers;
	struct peers_change peers;
	struct satellites_change satellites;
};

static int prepare(struct core *core, const struct config *file, const struct config *wanted,
		   struct change *change)
{
	int result = same_key(core, file->private_key_file);

	*change = (struct change){0};
	if (result == 0)
		result = check_peers_keys(core, file);
	if (result == 0)
		result = underlay_pools_prepare(core, wanted);
	if (result == 0)
		result = change_pools(core, &file->pools);
	if (result == 0)
		result = subscribers_prepare(core, wanted, &change->subscribers);
	if (result == 0)
		result = peers_prepare(core, wanted, &change->peers);
	if (result == 0)
		result = satellites_prepare(core, wanted, &change->satellites);
	return result;
}

static void undo(struct core *core, const struct config *wanted, struct change *change)
{
	satellites_abort(&change->satellites);
	peers_abort(core, &change->peers);
	subscribers_abort(core, &change->subscribers);
	if (change_pools(core, &core->file.pools) < 0)
		log_warnx("out of memory: the pools are those of the new configuration");
	underlay_pools_abort(core, wanted);
	if (protection_restore(core) < 0)
		underlay_sweep_soon(core);
}

/* The kernel, and everybody whom it concerns, are told; nothing can be refused any more. */
static void commit(struct core *core, const struct config *wanted, struct change *change,
		   usec_t now)
{
	/* Bindings first: their ends are told to peers that may be about to go. */
	subscribers_commit(core, &change->subscribers, now);
	peers_commit(core, wanted, &change->peers, now);
	satellites_commit(core, wanted, &change->satellites, now);
	underlay_pools_commit(core, wanted);
}

int core_reconfigure(struct core *core, const struct config *config, usec_t now)
{
	struct change change;
	struct config wanted;
	struct drain drain;
	int result = drain_merge(core, config, &drain, &wanted);

	if (result < 0) {
		log_warn_errno(-result, "no memory for the new configuration, the old one stays");
		return result;
	}
	result = prepare(core, config, &wanted, &change);
	if (result < 0) {
		log_warn_errno(-result, "the new configuration cannot be put into force, the old "
					"one stays");
		undo(core, &wanted, &change);
		drain_free(&drain);
		return result;
	}
	commit(core, &wanted, &change, now);
	core->file = *config;
	core->current = wanted;
	drain_free(&core->drain);
	core->drain = drain;
	drain_begin(core, now);
	if (protection_restore(core) < 0)
		underlay_sweep_soon(core);
	holding_configure(core);
	modes_configure(core);
	anticipation_modes_changed(core, now);
	schedule_configure(core, now);
	session_pools_changed(core, now);
	return 0;
}

int core_reread(struct core *core, usec_t now)
{
	return core_reconfigure(core, &core->file, now);
}

int core_flush(struct core *core, usec_t now)
{
	size_t count = drain_count(&core->drain);
	int result;

	core->cuts = true;
	result = core_reread(core, now);
	core->cuts = false;
	return result < 0 ? result : (int)count;
}
