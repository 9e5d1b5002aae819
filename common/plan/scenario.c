/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arrays of a scenario, and how users are put together into groups and places. */
#include "plan/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void scenario_init(struct scenario *scenario)
{
	*scenario = (struct scenario){0};
}

void scenario_free(struct scenario *scenario)
{
	for (unsigned int i = 0; i < scenario->sno_count; i++)
		free(scenario->snos[i].name);
	for (size_t i = 0; i < scenario->station_count; i++)
		free(scenario->stations[i].name);
	tle_free(&scenario->constellation);
	free(scenario->satellites);
	free(scenario->stations);
	free(scenario->sites);
	free(scenario->places);
	free(scenario->groups);
	free(scenario->users);
	scenario_init(scenario);
}

int scenario_find_sno(const struct scenario *scenario, const char *name)
{
	for (unsigned int i = 0; i < scenario->sno_count; i++)
		if (strcmp(scenario->snos[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int scenario_sno(struct scenario *scenario, const char *name)
{
	int known = scenario_find_sno(scenario, name);
	char *copy;

	if (known >= 0)
		return known;
	if (!association_name_valid(name))
		return -EINVAL;
	if (scenario->sno_count == SCENARIO_SNOS_MAX)
		return -ENOSPC;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	scenario->snos[scenario->sno_count].name = copy;
	return (int)scenario->sno_count++;
}

/* Makes room for one more element in a growing array. */
static int make_room(void **rows, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*rows, more, size);
	if (!grown)
		return -ENOMEM;
	*rows = grown;
	*room = more;
	return 0;
}

int scenario_add_station(struct scenario *scenario, unsigned int sno, const char *name,
			 const struct place *where, unsigned int capacity)
{
	char *copy;
	int err;

	if (scenario->station_count == SCENARIO_STATIONS_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < scenario->station_count; i++)
		if (strcmp(scenario->stations[i].name, name) == 0)
			return -EEXIST;
	err = make_room((void **)&scenario->stations, scenario->station_count,
			&scenario->station_room, sizeof(*scenario->stations));
	if (err < 0)
		return err;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	scenario->stations[scenario->station_count++] = (struct scenario_station){
		.name = copy, .sno = (uint8_t)sno, .where = *where, .capacity = capacity};
	return 0;
}

int scenario_add_users(struct scenario *scenario, unsigned int sno, const struct place *where,
		       double weight)
{
	int err = make_room((void **)&scenario->users, scenario->user_count, &scenario->user_room,
			    sizeof(*scenario->users));

	if (err < 0)
		return err;
	scenario->users[scenario->user_count++] =
		(struct scenario_user){.where = *where, .home = (uint8_t)sno, .weight = weight};
	return 0;
}

void scenario_agree(struct scenario *scenario, unsigned int server, unsigned int served)
{
	scenario->agreed = true;
	scenario->serves[server] |= (sno_set)(1u << served);
}

/* Takes the satellites over from the elements, as far as that has not been done. */
static int take_satellites(struct scenario *scenario)
{
	size_t count = scenario->constellation.count;
	struct scenario_satellite *grown;

	if (count <= scenario->satellite_count)
		return 0;
	grown = reallocarray(scenario->satellites, count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	scenario->satellites = grown;
	for (size_t i = scenario->satellite_count; i < count; i++)
		grown[i] = (struct scenario_satellite){
			.owner = (uint8_t)scenario->constellation.sets[i].owner};
	scenario->satellite_count = count;
	return 0;
}

int scenario_reserve(struct scenario *scenario, const char *satellite)
{
	const struct element_set *set = tle_find(&scenario->constellation, satellite);
	int err;

	if (!set)
		return -ENOENT;
	err = take_satellites(scenario);
	if (err < 0)
		return err;
	scenario->satellites[set - scenario->constellation.sets].reserved = true;
	return 0;
}

/* The SNOs that serve users of this one. */
static sno_set servers_of(const struct scenario *scenario, unsigned int served)
{
	sno_set set = 0;

	for (unsigned int i = 0; i < scenario->sno_count; i++)
		set |= (sno_set)((scenario->serves[i] >> served & 1u) << i);
	return set;
}

static int compare_users(const void *left, const void *right)
{
	const struct scenario_user *a = left, *b = right;

	if (a->where.lat != b->where.lat)
		return a->where.lat < b->where.lat ? 1 : -1;
	if (a->where.lon != b->where.lon)
		return a->where.lon < b->where.lon ? -1 : 1;
	if (a->where.height != b->where.height)
		return a->where.height < b->where.height ? -1 : 1;
	if (a->home != b->home)
		return a->home < b->home ? -1 : 1;
	return a->weight < b->weight ? -1 : a->weight > b->weight;
}

static bool same_site(const struct place *a, const struct place *b)
{
	return a->lat == b->lat && a->lon == b->lon && a->height == b->height;
}

/* What users of this home see: the satellites they may use, and those their SNO keeps for them. */
static void admit(const struct scenario *scenario, unsigned int home, struct scenario_place *place)
{
	place->owners = servers_of(scenario, home);
	place->reserved = 0;
	for (size_t i = 0; i < scenario->satellite_count; i++)
		if (scenario->satellites[i].reserved && scenario->satellites[i].owner == home) {
			place->reserved = (sno_set)(1u << home);
			break;
		}
}

/*
 * Makes a place of those of users[from] to users[until - 1] who may use the same satellites as
 * users[first]; they stand at one site and are in the order of their homes. `done` has the homes
 * that are in a place already. Returns it with these added.
 */
static sno_set make_place(struct scenario *scenario, const struct scenario_place *admitted,
			  size_t from, size_t until, size_t first, sno_set done)
{
	struct scenario_place *place = &scenario->places[scenario->place_count];
	sno_set all = done;

	*place = admitted[scenario->users[first].home];
	place->site = (uint32_t)scenario->site_count;
	place->first_group = (uint32_t)scenario->group_count;
	for (size_t i = from; i < until; i++) {
		const struct scenario_user *user = &scenario->users[i];
		const struct scenario_place *sees = &admitted[user->home];

		if (done >> user->home & 1 || sees->owners != place->owners ||
		    sees->reserved != place->reserved)
			continue;
		scenario->weight += user->weight;
		if (all >> user->home & 1) {
			scenario->groups[scenario->group_count - 1].weight += user->weight;
			continue;
		}
		all |= (sno_set)(1u << user->home);
		scenario->groups[scenario->group_count++] =
			(struct scenario_group){.place = (uint32_t)scenario->place_count,
						.home = user->home,
						.cores = servers_of(scenario, user->home),
						.weight = user->weight};
		place->group_count++;
	}
	scenario->place_count++;
	return all;
}

static void group_users(struct scenario *scenario)
{
	struct scenario_place admitted[SCENARIO_SNOS_MAX] = {0};
	size_t from = 0;

	for (unsigned int i = 0; i < scenario->sno_count; i++)
		admit(scenario, i, &admitted[i]);
	while (from < scenario->user_count) {
		size_t until = from + 1;
		sno_set done = 0;

		while (until < scenario->user_count &&
		       same_site(&scenario->users[from].where, &scenario->users[until].where))
			until++;
		scenario->sites[scenario->site_count] = scenario->users[from].where;
		for (size_t i = from; i < until; i++)
			if (!(done >> scenario->users[i].home & 1))
				done = make_place(scenario, admitted, from, until, i, done);
		scenario->site_count++;
		from = until;
	}
}

int scenario_close(struct scenario *scenario)
{
	sno_set everyone = (sno_set)((1u << scenario->sno_count) - 1);
	int err = take_satellites(scenario);

	if (err < 0)
		return err;
	if (scenario->satellite_count == 0 || scenario->station_count == 0)
		return -ENODATA;
	for (unsigned int i = 0; i < scenario->sno_count; i++) {
		if (!scenario->agreed)
			scenario->serves[i] = everyone;
		scenario->serves[i] |= (sno_set)(1u << i);
	}
	for (size_t i = 0; i < scenario->satellite_count; i++) {
		struct scenario_satellite *satellite = &scenario->satellites[i];

		satellite->cores = satellite->reserved ? (sno_set)(1u << satellite->owner)
						       : scenario->serves[satellite->owner];
	}
	scenario->sites = calloc(scenario->user_count + 1, sizeof(*scenario->sites));
	scenario->places = calloc(scenario->user_count + 1, sizeof(*scenario->places));
	scenario->groups = calloc(scenario->user_count + 1, sizeof(*scenario->groups));
	if (!scenario->sites || !scenario->places || !scenario->groups)
		return -ENOMEM;
	if (scenario->user_count)
		qsort(scenario->users, scenario->user_count, sizeof(*scenario->users),
		      compare_users);
	group_users(scenario);
	free(scenario->users);
	scenario->users = NULL;
	scenario->user_count = scenario->user_room = 0;
	return 0;
}
