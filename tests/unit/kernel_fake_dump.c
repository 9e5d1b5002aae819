/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the kernel in memory as sorted text.
 */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[FAKE_LINK] = "link",
	[FAKE_ADDRESS] = "address",
	[FAKE_NEIGHBOUR] = "neighbour",
	[FAKE_FDB] = "fdb",
	[FAKE_RULE] = "rule",
	[FAKE_ROUTE] = "route",
	[FAKE_SA] = "sa",
	[FAKE_POLICY] = "policy",
	[FAKE_CLSACT] = "clsact",
	[FAKE_REDIRECT] = "redirect",
	[FAKE_FILTER] = "filter",
	[FAKE_GUARD] = "guard",
	[FAKE_GUARD_ADDRESS] = "guarded",
};

static void dump_link(FILE *out, const struct fake_link *f)
{
	char mac[LLADDR_TEXT], local[ADDR_TEXT], remote[ADDR_TEXT];
	const struct kernel_link *l = &f->link;

	fprintf(out, " %s mtu %u mac %s", l->up ? "up" : "down", l->mtu,
		lladdr_format(&l->mac, mac));
	if (l->kind[0])
		fprintf(out, " kind %s", l->kind);
	if (l->external)
		fprintf(out, " external");
	if (l->promiscuous)
		fprintf(out, " promisc");
	if (strcmp(l->kind, "bridge") == 0)
		fprintf(out, " ageing %u snooping %d stp %d", f->bridge.ageing,
			f->bridge.mcast_snooping, f->bridge.stp);
	if (!addr_none(&f->gretap.local))
		fprintf(out, " local %s remote %s key %u", addr_format(&f->gretap.local, local),
			addr_format(&f->gretap.remote, remote), f->gretap.key);
	if (l->master)
		fprintf(out, " master %s isolated %d learning %d flood %d mcast %d bcast %d nd %d",
			fake_link_name(l->master), f->port.isolated, f->port.learning,
			f->port.flood, f->port.mcast_flood, f->port.bcast_flood,
			f->port.neigh_suppress);
}

static void dump_value(FILE *out, const struct fake_object *o)
{
	char text[FAKE_TEXT], src[ADDR_TEXT], dst[ADDR_TEXT];

	switch (o->kind) {
	case FAKE_LINK:
		dump_link(out, &o->link);
		break;
	case FAKE_ADDRESS:
		fprintf(out, "%s", o->address.nodad ? " nodad" : "");
		break;
	case FAKE_NEIGHBOUR:
		fprintf(out, " lladdr %s", lladdr_format(&o->neighbour.mac, text));
		break;
	case FAKE_FDB:
		fprintf(out, " port %s", fake_link_name(o->fdb.port));
		break;
	case FAKE_ROUTE:
		fprintf(out, ": %s%s", fake_route_words(&o->route, text),
			o->route.protocol == KERNEL_PROTOCOL ? "" : " foreign");
		break;
	case FAKE_SA:
		fprintf(out, " src %s reqid %u window %u%s limit %llu",
			addr_format(&o->sa.src, src), o->sa.reqid, o->sa.replay_window,
			o->sa.esn ? " esn" : "", (unsigned long long)o->sa.packet_limit);
		if (o->sa.mark_mask)
			fprintf(out, " mark 0x%08x/0x%08x", o->sa.mark, o->sa.mark_mask);
		break;
	case FAKE_POLICY:
		fprintf(out, " priority %u reqid %u %s %s %s", o->policy.priority, o->policy.reqid,
			o->policy.block ? "block" : "tunnel",
			addr_format(&o->policy.tunnel_src, src),
			addr_format(&o->policy.tunnel_dst, dst));
		break;
	case FAKE_REDIRECT:
		fprintf(out, " dev %s", fake_link_name(o->redirect.ifindex));
		break;
	case FAKE_FILTER:
		fprintf(out, " action %u", o->filter.action);
		break;
	case FAKE_GUARD:
		fprintf(out, " %s", fake_guard_places[o->guard.place]);
		break;
	case FAKE_RULE:
	case FAKE_CLSACT:
	case FAKE_GUARD_ADDRESS: /* which record it is does not matter */
		break;
	}
}

static char *object_line(const struct fake_object *o)
{
	char *line = NULL;
	size_t size;
	FILE *out = fake_must(open_memstream(&line, &size));

	fprintf(out, "%s %s", kind_names[o->kind], o->key);
	dump_value(out, o);
	fprintf(out, "\n");
	fclose(out);
	return fake_must(line);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *kernel_fake_dump(void)
{
	char **lines = fake_must(calloc(fake.count + 1, sizeof(char *))), **text;
	size_t size, i;
	FILE *out;

	fake.dump_turn = !fake.dump_turn;
	text = &fake.dumps[fake.dump_turn];
	free(*text);
	*text = NULL;
	out = fake_must(open_memstream(text, &size));
	for (i = 0; i < fake.count; i++)
		lines[i] = object_line(fake.objects[i]);
	qsort(lines, fake.count, sizeof(char *), line_compare);
	for (i = 0; i < fake.count; i++) {
		fputs(lines[i], out);
		free(lines[i]);
	}
	free(lines);
	fclose(out);
	return *text;
}

unsigned int kernel_fake_count(const char *text)
{
	unsigned int found = 0;
	char *line;
	size_t i;

	for (i = 0; i < fake.count; i++) {
		line = object_line(fake.objects[i]);
		found += strstr(line, text) != NULL;
		free(line);
	}
	return found;
}
