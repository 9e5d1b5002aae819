/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing the page: the template with its parts put in, and the data. */
#include "plan/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The files of page/, put into the program by the Makefile. */
extern const char page_html[], page_css[], page_js[], page_land[];

#define TENTHS 10.0

/* ---- data ------------------------------------------------------------------------------------ */

/* Names are printable and without quotes; what could end a script element is written otherwise. */
static void put_name(FILE *out, const char *name)
{
	fputc('"', out);
	for (; *name; name++)
		if (*name == '<' || *name == '\\' || *name == '>' || *name == '&')
			fprintf(out, "\\u%04x", (unsigned int)*name);
		else
			fputc(*name, out);
	fputc('"', out);
}

static void put_satellites(const struct page *page, FILE *out)
{
	const struct scenario *scenario = page->scenario;
	struct page_orbit o;

	fputs(",\n\"satellites\":[", out);
	for (size_t i = 0; i < scenario->satellite_count; i++) {
		page_orbit(&page->orbits[i], page->start, page->seconds, &o);
		fputs(i ? ",\n[" : "\n[", out);
		put_name(out, scenario->constellation.sets[i].name);
		fprintf(out, ",%u,%.2f,%.6f,%.5f,%.5f,%.10f,%.5f,%.9f,%.5f,%.9f]",
			scenario->constellation.sets[i].owner, o.axis, o.eccentricity,
			o.inclination, o.anomaly, o.anomaly_rate, o.perigee, o.perigee_rate, o.node,
			o.node_rate);
	}
	fputs("]", out);
}

/* What a row is attached to: a station, or behind those a core. -EINVAL */
static int attached_to(const struct scenario *scenario, const struct association *row)
{
	int core = scenario_find_sno(scenario, row->core);

	for (size_t i = 0; i < scenario->station_count; i++)
		if (strcmp(scenario->stations[i].name, row->station) == 0)
			return (int)i;
	return core < 0 || *row->station ? -EINVAL : (int)scenario->station_count + core;
}

/* One satellite's rows as far as they lie in the span. Both ends are rounded, so nothing drifts. */
static int put_rows(const struct page *page, const struct association *rows, size_t count,
		    FILE *out)
{
	long long at = 0, from, until, end = llround(page->seconds * TENTHS);
	const struct constellation *all = &page->scenario->constellation;
	const struct element_set *via;
	const char *comma = "";
	int what;

	for (size_t i = 0; i < count; i++) {
		from = llround((double)(rows[i].from - page->start) * TENTHS / USEC_PER_SEC);
		until = llround((double)(rows[i].until - page->start) * TENTHS / USEC_PER_SEC);
		from = from < at ? at : from;
		until = until > end ? end : until;
		if (from >= until)
			continue;
		what = attached_to(page->scenario, &rows[i]);
		if (what < 0)
			return what;
		via = *rows[i].via ? tle_find(all, rows[i].via) : NULL;
		if (*rows[i].via && !via)
			return -EINVAL;
		fprintf(out, "%s%lld,%lld,%d,%d", comma, from - at, until - from, what,
			via ? (int)(via - all->sets) : -1);
		at = until;
		comma = ",";
	}
	return 0;
}

static int put_associations(const struct page *page, FILE *out)
{
	const struct scenario *scenario = page->scenario;
	const struct association *rows;
	size_t count;
	int err = 0;

	fputs(",\n\"associations\":[", out);
	for (size_t i = 0; !err && i < scenario->satellite_count; i++) {
		rows = association_of(page->plan, scenario->constellation.sets[i].name, &count);
		fputs(i ? ",\n[" : "\n[", out);
		err = put_rows(page, rows, count, out);
		fputs("]", out);
	}
	fputs("]", out);
	return err;
}

static void put_sites(const struct page *page, FILE *out)
{
	const struct scenario *scenario = page->scenario;
	double *weights = calloc(scenario->site_count + 1, sizeof(*weights));

	for (size_t p = 0; weights && p < scenario->place_count; p++) {
		const struct scenario_place *place = &scenario->places[p];

		for (size_t g = place->first_group; g < place->first_group + place->group_count;
		     g++)
			weights[place->site] += scenario->groups[g].weight;
	}
	fputs(",\n\"sites\":[", out);
	for (size_t i = 0; i < scenario->site_count; i++)
		fprintf(out, "%s[%.3f,%.3f,%.6g]", i ? "," : "", scenario->sites[i].lat,
			scenario->sites[i].lon, weights ? weights[i] : 1);
	fputs("]", out);
	free(weights);
}

static void put_places(const struct page *page, FILE *out)
{
	fputs(",\n\"places\":[", out);
	for (size_t i = 0; i < page->place_count; i++) {
		const struct page_place *place = &page->places[i];
		long long at = 0, from, until;

		fprintf(out, "%s{\"site\":%u,\"home\":%u,\"steps\":[", i ? ",\n" : "\n",
			place->site, place->home);
		for (size_t n = 0; n < place->choices.count; n++) {
			const struct choice *row = &place->choices.rows[n];

			from = llround(row->from * TENTHS);
			until = llround(row->until * TENTHS);
			fprintf(out, "%s%lld,%lld,%u,%u", n ? "," : "", from - at, until - from,
				row->satellite, row->core);
			at = until;
		}
		fputs("]}", out);
	}
	fputs("]", out);
}

static void put_figure(FILE *out, const char *name, double value, const char *end)
{
	if (isfinite(value))
		fprintf(out, "\"%s\":%.9g%s", name, value, end);
	else
		fprintf(out, "\"%s\":null%s", name, end);
}

static void put_measures(FILE *out, const char *name, const struct measures *m, const char *end)
{
	fprintf(out, "\"%s\":{", name);
	put_figure(out, "inter_sno_per_user_hour", m->inter_sno_per_user_hour, ",");
	put_figure(out, "handovers_per_user_hour", m->handovers_per_user_hour, ",");
	put_figure(out, "home_share", m->home_share, ",");
	put_figure(out, "served_share", m->served_share, ",");
	put_figure(out, "association_changes_per_satellite_hour",
		   m->association_changes_per_satellite_hour, ",");
	put_figure(out, "objective", m->objective, "}");
	fputs(end, out);
}

static void put_figures(const struct comparison *c, FILE *out)
{
	const struct measures bound = {NAN, NAN, NAN, NAN, NAN, c ? c->bound : NAN};

	if (!c) {
		fputs(",\n\"figures\":null", out);
		return;
	}
	fputs(",\n\"figures\":{", out);
	if (c->has_baselines) {
		put_measures(out, "figure2", &c->figure2, ",");
		put_measures(out, "figure2_planned_terminals", &c->figure2_planned_terminals, ",");
		put_measures(out, "naive", &c->naive, ",");
	}
	if (c->has_bound)
		put_measures(out, "bound", &bound, ",");
	put_measures(out, "plan", &c->plan, "}");
}

static int put_data(const struct page *page, FILE *out)
{
	const struct scenario *scenario = page->scenario;
	int err;

	fprintf(out,
		"{\"start\":%lld,\"seconds\":%.3f,\"cut\":%s,\"gmst\":%.9f,\"min_elevation\":%g,"
		"\n\"cores\":[",
		(long long)(page->start / USEC_PER_MSEC), page->seconds,
		page->cut ? "true" : "false", geodesy_gmst(page->start), page->min_elevation);
	for (unsigned int i = 0; i < scenario->sno_count; i++) {
		fputs(i ? "," : "", out);
		put_name(out, scenario->snos[i].name);
	}
	fputs("],\n\"stations\":[", out);
	for (size_t i = 0; i < scenario->station_count; i++) {
		fputs(i ? ",[" : "[", out);
		put_name(out, scenario->stations[i].name);
		fprintf(out, ",%u,%.3f,%.3f]", scenario->stations[i].sno,
			scenario->stations[i].where.lat, scenario->stations[i].where.lon);
	}
	fputs("]", out);
	put_satellites(page, out);
	err = put_associations(page, out);
	put_sites(page, out);
	put_places(page, out);
	put_figures(page->comparison, out);
	fputs("}", out);
	return err;
}

/* ---- template -------------------------------------------------------------------------------- */

int page_write(const struct page *page, FILE *out)
{
	static const struct {
		const char *mark, *text; /* NULL: the data */
	} parts[] = {
		{"@style@", page_css},
		{"@data@", NULL},
		{"@land@", page_land},
		{"@script@", page_js},
	};
	const char *at = page_html, *mark;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(parts) / sizeof(parts[0]); i++) {
		mark = strstr(at, parts[i].mark);
		(void)fwrite(at, 1, (size_t)(mark - at), out); /* ferror() below */
		if (parts[i].text)
			fputs(parts[i].text, out);
		else
			err = put_data(page, out);
		at = mark + strlen(parts[i].mark);
	}
	fputs(at, out);
	return err ? err : ferror(out) ? -EIO : 0;
}
