/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is planned for: operators, satellites, ground stations, users and what they agreed on, as
 * arrays. Everything refers to everything else by index.
 *
 * Users who stand at the same place and have the same home have the same choices at any time, so
 * they are one *group*, with the sum of their weights. Groups of the same site that may use the
 * same satellites see the same ones; they share a *place*. (With full sharing and no reserved
 * satellites there is one place per site.)
 *
 * Agreements. "serves[a][b]": SNO a serves users of SNO b. It takes a's satellites and a's core:
 *   - a satellite of a may be associated with b's core only if a serves b;
 *   - a user of b may be served by a's core only if a serves b;
 *   - a user of b may use a satellite of a only if a serves b.
 * An SNO always serves its own users. Until the first agreement is made all serve all.
 * A reserved satellite is associated with its owner's core and used by its owner's users only.
 */
#ifndef SNO_PLAN_SCENARIO_H
#define SNO_PLAN_SCENARIO_H

#include "orbit/geodesy.h"
#include "orbit/tle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of SNOs is a byte. The core of an SNO has the SNO's index. */
#define SCENARIO_SNOS_MAX 8
typedef uint8_t sno_set;
/* Stations are told apart by 16 bits, of which 0 stands for none. */
#define SCENARIO_STATIONS_MAX 65534

struct scenario_sno {
	char *name;
};

struct scenario_satellite {
	uint8_t owner;
	bool reserved; /* its owner keeps it for itself */
	sno_set cores; /* to which it may be attached */
};

struct scenario_station {
	char *name;
	uint8_t sno; /* whose core it leads to */
	struct place where;
	unsigned int capacity; /* of satellites at a time; 0: any number */
};

struct scenario_place {
	uint32_t site;
	sno_set owners;	  /* whose satellites may be used here */
	sno_set reserved; /* ... even reserved ones */
	uint32_t first_group, group_count;
};

struct scenario_group {
	uint32_t place;
	uint8_t home;
	sno_set cores; /* which may serve it */
	double weight;
};

/* A row of the users' file. */
struct scenario_user {
	struct place where;
	uint8_t home;
	double weight;
};

struct scenario {
	struct scenario_sno snos[SCENARIO_SNOS_MAX];
	unsigned int sno_count;
	bool agreed;			       /* some agreement has been made */
	sno_set serves[SCENARIO_SNOS_MAX];     /* serves[a] has b: see above */
	struct constellation constellation;    /* set i is of satellite i; owner: SNO */
	struct scenario_satellite *satellites; /* constellation.count, once closed */
	size_t satellite_count;
	struct scenario_station *stations;
	size_t station_count, station_room;
	struct place *sites; /* where users stand, each once */
	size_t site_count;
	struct scenario_place *places;
	size_t place_count;
	struct scenario_group *groups; /* by place, for each by home */
	size_t group_count;
	struct scenario_user *users; /* as they were added; until closed */
	size_t user_count, user_room;
	double weight; /* of all groups */
};

/* Empties it; no memory is taken. */
void scenario_init(struct scenario *scenario);
/* Frees and empties it. */
void scenario_free(struct scenario *scenario);

/* The index of the SNO of this name, which is copied; a new one when there is none yet.
 * -ENOSPC: there are too many; -EINVAL: no name of a core (association_name_valid()); -ENOMEM. */
int scenario_sno(struct scenario *scenario, const char *name);
/* The index of the SNO of this name; -ENOENT. */
int scenario_find_sno(const struct scenario *scenario, const char *name);

/* Adds a station; name is copied. 0, -EEXIST: there is one of this name; -ENOSPC, -ENOMEM. */
int scenario_add_station(struct scenario *scenario, unsigned int sno, const char *name,
			 const struct place *where, unsigned int capacity);
/* Adds users. Weight is above 0. 0 or -ENOMEM. */
int scenario_add_users(struct scenario *scenario, unsigned int sno, const struct place *where,
		       double weight);
/* SNO `server` serves users of SNO `served`. */
void scenario_agree(struct scenario *scenario, unsigned int server, unsigned int served);

/* The satellite of this name, whose elements have been loaded, is kept by its owner for itself.
 * -ENOENT: there is none; -ENOMEM. */
int scenario_reserve(struct scenario *scenario, const char *satellite);

/*
 * To be called when satellites are in the constellation (tle_load() with the SNO's index as owner)
 * and stations, users and agreements have been added: makes places and groups. Nothing is added
 * afterwards. 0; -ENODATA: there are no satellites or no stations; -ENOMEM. There may be no users.
 */
int scenario_close(struct scenario *scenario);

/* True when users of this place may use the satellite. */
static inline bool scenario_admits(const struct scenario_place *place,
				   const struct scenario_satellite *satellite)
{
	return (satellite->reserved ? place->reserved : place->owners) >> satellite->owner & 1;
}

#endif
