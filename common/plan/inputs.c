/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From tables to a scenario. Everything that can be wrong with a row is said before the next row
 * is looked at, so a file is mended in one go.
 */
#include "plan/inputs.h"

#include <errno.h>
#include <string.h>

#define WEIGHT_MAX 1e12

enum { STATION_SNO, STATION_NAME, STATION_LAT, STATION_LON, STATION_CAPACITY };
static const struct csv_format stations_format = {
	.columns = {"sno", "name", "lat", "lon", "capacity"}, .count = 5, .required = 4};

enum { USER_SNO, USER_LAT, USER_LON, USER_WEIGHT };
static const struct csv_format users_format = {
	.columns = {"sno", "lat", "lon", "weight"}, .count = 4, .required = 4};

enum { SERVER, SERVED };
static const struct csv_format agreements_format = {
	.columns = {"server", "served"}, .count = 2, .required = 2};

enum { SATELLITE };
static const struct csv_format reserved_format = {
	.columns = {"satellite"}, .count = 1, .required = 1};

/* A place on the Earth out of two columns. */
static bool read_place(struct csv *csv, int lat, int lon, struct place *where)
{
	bool good = csv_number(csv, lat, -90, 90, &where->lat);

	good &= csv_number(csv, lon, -180, 360, &where->lon);
	where->height = 0;
	if (where->lon > 180)
		where->lon -= 360;
	return good;
}

/* The SNO that a field names; below 0, and said, when there is none. */
static int read_sno(const struct scenario *scenario, struct csv *csv, int column)
{
	char shown[CSV_SHOWN];
	int sno;

	if (!csv_name(csv, column))
		return -EINVAL;
	sno = scenario_find_sno(scenario, csv->fields[column]);
	if (sno < 0)
		csv_fault(csv, csv->line, "%s \"%s\" has neither satellites nor stations",
			  csv->format->columns[column], csv_shown(csv->fields[column], shown));
	return sno;
}

static void read_station(struct scenario *scenario, struct csv *csv, unsigned int capacity)
{
	const char *name = csv->fields[STATION_NAME];
	struct place where = {0};
	char shown[CSV_SHOWN];
	int sno, err;
	bool good;

	good = csv_name(csv, STATION_SNO);
	good &= csv_name(csv, STATION_NAME);
	good &= read_place(csv, STATION_LAT, STATION_LON, &where);
	if (*csv->fields[STATION_CAPACITY])
		good &= csv_count(csv, STATION_CAPACITY, 1000000, &capacity);
	if (!good)
		return;
	sno = scenario_sno(scenario, csv->fields[STATION_SNO]);
	if (sno == -ENOSPC) {
		csv_fault(csv, csv->line, "sno \"%s\" is one too many: there can be %d",
			  csv_shown(csv->fields[STATION_SNO], shown), SCENARIO_SNOS_MAX);
		return;
	}
	err = sno < 0 ? sno
		      : scenario_add_station(scenario, (unsigned int)sno, name, &where, capacity);
	if (err == -EEXIST)
		csv_fault(csv, csv->line, "there is another station \"%s\"",
			  csv_shown(name, shown));
	else if (err == -ENOSPC)
		csv_fault(csv, csv->line, "one station too many: there can be %d",
			  SCENARIO_STATIONS_MAX);
	else if (err)
		csv_fail(csv, err);
}

int inputs_stations(struct scenario *scenario, const char *path, unsigned int capacity,
		    csv_report_fn *report, void *arg)
{
	struct csv csv;

	csv_open(&csv, &stations_format, path, report, arg);
	csv_load(&csv, path);
	while (csv_next(&csv))
		read_station(scenario, &csv, capacity);
	return csv_close(&csv, NULL);
}

int inputs_users(struct scenario *scenario, const char *path, csv_report_fn *report, void *arg)
{
	struct place where = {0};
	double weight = 0;
	struct csv csv;
	bool good, any = false;
	int sno, err;

	csv_open(&csv, &users_format, path, report, arg);
	csv_load(&csv, path);
	while (csv_next(&csv)) {
		good = read_place(&csv, USER_LAT, USER_LON, &where);
		good &= csv_number(&csv, USER_WEIGHT, 0, WEIGHT_MAX, &weight);
		sno = read_sno(scenario, &csv, USER_SNO);
		if (!good || sno < 0 || weight == 0) /* nobody stands there */
			continue;
		err = scenario_add_users(scenario, (unsigned int)sno, &where, weight);
		if (err)
			csv_fail(&csv, err);
		any = true;
	}
	if (!any && !csv.faults)
		csv_fault(&csv, 0, "there are no users");
	return csv_close(&csv, NULL);
}

int inputs_agreements(struct scenario *scenario, const char *path, csv_report_fn *report, void *arg)
{
	int server, served;
	struct csv csv;

	csv_open(&csv, &agreements_format, path, report, arg);
	csv_load(&csv, path);
	while (csv_next(&csv)) {
		server = read_sno(scenario, &csv, SERVER);
		served = read_sno(scenario, &csv, SERVED);
		if (server >= 0 && served >= 0)
			scenario_agree(scenario, (unsigned int)server, (unsigned int)served);
	}
	/* A table without a row says that nobody serves anybody else. */
	scenario->agreed = true;
	return csv_close(&csv, NULL);
}

int inputs_reserved(struct scenario *scenario, const char *path, csv_report_fn *report, void *arg)
{
	char shown[CSV_SHOWN];
	struct csv csv;
	int err;

	csv_open(&csv, &reserved_format, path, report, arg);
	csv_load(&csv, path);
	while (csv_next(&csv)) {
		if (!csv_name(&csv, SATELLITE))
			continue;
		err = scenario_reserve(scenario, csv.fields[SATELLITE]);
		if (err == -ENOENT)
			csv_fault(&csv, csv.line, "there is no satellite \"%s\"",
				  csv_shown(csv.fields[SATELLITE], shown));
		else if (err)
			csv_fail(&csv, err);
	}
	return csv_close(&csv, NULL);
}

int inputs_elements(struct scenario *scenario, const char *owned_file, csv_report_fn *report,
		    void *arg)
{
	const char *equals = strchr(owned_file, '=');
	char message[CSV_SHOWN + 128], shown[CSV_SHOWN], name[CSV_NAME_MAX + 1] = "";
	int sno = -EINVAL;

	if (equals && equals - owned_file <= CSV_NAME_MAX) {
		memcpy(name, owned_file, (size_t)(equals - owned_file));
		sno = scenario_sno(scenario, name);
	}
	if (sno == -EINVAL)
		snprintf(message, sizeof(message), "\"%s\" is not SNO=FILE",
			 csv_shown(owned_file, shown));
	else if (sno == -ENOSPC)
		snprintf(message, sizeof(message), "\"%s\" is one operator too many: at most %d",
			 csv_shown(owned_file, shown), SCENARIO_SNOS_MAX);
	else if (sno < 0)
		snprintf(message, sizeof(message), "%s", strerror(-sno));
	else
		return tle_load(&scenario->constellation, equals + 1, (unsigned int)sno, report,
				arg);
	report(arg, message);
	return sno == -ENOSPC ? -EINVAL : sno;
}

int inputs_load(struct scenario *scenario, const struct input_files *files, csv_report_fn *report,
		void *arg)
{
	int err = 0;

	scenario_init(scenario);
	for (size_t i = 0; !err && i < files->elements.count; i++)
		err = inputs_elements(scenario, files->elements.texts[i], report, arg);
	if (!err)
		err = inputs_stations(scenario, files->stations, files->capacity, report, arg);
	if (!err && files->users)
		err = inputs_users(scenario, files->users, report, arg);
	if (!err && files->agreements)
		err = inputs_agreements(scenario, files->agreements, report, arg);
	if (!err && files->reserved)
		err = inputs_reserved(scenario, files->reserved, report, arg);
	if (err)
		return err;
	err = scenario_close(scenario);
	if (err == -ENODATA)
		report(arg, scenario->satellite_count ? "there are no stations"
						      : "there are no satellites");
	return err;
}
