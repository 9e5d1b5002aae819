/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snoctl doctor: what is wrong on this host, and what to do. Here is what needs no daemon: the
 * kernel, its switches, the clock. What the daemons find of themselves is asked of them.
 */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor.h"
#include "kernel.h"
#include "kernel_xfrm.h"
#include "snoctl.h"

#define GUARD_KERNEL 6 /* the guard takes Linux 6.0 */

static void row(json_t *rows, const char *check, enum doctor_state state, const char *found,
		const char *advice)
{
	json_array_append_new(rows,
			      json_pack("[s, s, s, s, s?]", "host", check, doctor_state_name(state),
					found, state == DOCTOR_GOOD ? NULL : advice));
}

/* --- what the kernel has --- */

/* What a probe may answer, in the exit status of the process that makes it. */
enum answer { HAS, HAS_NOT, MAY_NOT };

static enum answer probe(int (*ask)(struct kernel *k, int what), int what)
{
	struct kernel *k;
	enum answer answer = MAY_NOT;
	int err;

	if (kernel_open(&k) < 0)
		return MAY_NOT;
	err = ask(k, what);
	answer = err == 0 ? HAS : err == -EPERM || err == -EACCES ? MAY_NOT : HAS_NOT;
	kernel_close(k);
	return answer;
}

/* Asks in a network namespace of its own, in which nothing is that could be disturbed. */
static enum answer probe_apart(int (*ask)(struct kernel *k, int what), int what)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unshare(CLONE_NEWNET) < 0 ? MAY_NOT : (int)probe(ask, what));
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return MAY_NOT;
	return (enum answer)WEXITSTATUS(status);
}

static int ask_tunnel(struct kernel *k, int what)
{
	return kernel_tunnel_probe(k, (enum kernel_tunnel)what);
}

static int ask_cipher(struct kernel *k, int what)
{
	return kernel_sa_probe(k, AF_INET, (enum kernel_cipher)what);
}

static void look_at_tunnels(json_t *rows)
{
	static const char *const modules[KERNEL_TUNNELS] = {
		[KERNEL_TUNNEL_GRE] = "modprobe ip_gre; without it gpe can serve (vxlan)",
		[KERNEL_TUNNEL_GRE6] = "modprobe ip6_gre; only cores that meet over IPv6 need it",
		[KERNEL_TUNNEL_IPIP] = "modprobe ipip; only peers that have nothing else need it",
		[KERNEL_TUNNEL_GPE] = "modprobe vxlan; without it gre can serve"};
	unsigned int has = 0;

	for (int kind = KERNEL_TUNNEL_GRE; kind < KERNEL_TUNNELS; kind++) {
		const char *name = kernel_tunnel_text((enum kernel_tunnel)kind);
		enum answer answer = probe_apart(ask_tunnel, kind);
		char check[32];

		if (answer == MAY_NOT) {
			row(rows, "tunnels", DOCTOR_WARNING, "cannot be looked at",
			    "ask again as root");
			return;
		}
		snprintf(check, sizeof(check), "tunnel %s", name);
		has += answer == HAS;
		row(rows, check, answer == HAS ? DOCTOR_GOOD : DOCTOR_WARNING,
		    answer == HAS ? "the kernel has it" : "the kernel does not have it",
		    modules[kind]);
	}
	if (!has)
		row(rows, "tunnels", DOCTOR_WRONG, "the kernel has none at all",
		    "a core needs one: load ip_gre or vxlan, or another kernel");
}

static void look_at_protection(json_t *rows)
{
	enum answer chacha = probe_apart(ask_cipher, KERNEL_CIPHER_CHACHA20_POLY1305),
		    aes = probe_apart(ask_cipher, KERNEL_CIPHER_AES_256_GCM);

	if (chacha == MAY_NOT)
		row(rows, "ESP", DOCTOR_WARNING, "cannot be looked at", "ask again as root");
	else if (chacha == HAS && aes == HAS)
		row(rows, "ESP", DOCTOR_GOOD, "chacha20-poly1305, aes-256-gcm", NULL);
	else if (chacha == HAS || aes == HAS)
		row(rows, "ESP", DOCTOR_GOOD, chacha == HAS ? "chacha20-poly1305" : "aes-256-gcm",
		    NULL);
	else
		row(rows, "ESP", DOCTOR_WARNING, "the kernel has none of the ciphers",
		    "modprobe esp4 esp6 chacha20poly1305; or tunnel.protection = \"none\" where "
		    "the network between cores is protected already");
}

static void look_at_kernel(json_t *rows)
{
	struct utsname name;

	if (uname(&name) < 0)
		return;
	row(rows, "kernel",
	    strtol(name.release, NULL, 10) >= GUARD_KERNEL ? DOCTOR_GOOD : DOCTOR_WRONG,
	    name.release, "Linux 6.0 or newer: before it cores have no guard (core.guard = false)");
	row(rows, "/dev/net/tun", access("/dev/net/tun", F_OK) == 0 ? DOCTOR_GOOD : DOCTOR_WRONG,
	    access("/dev/net/tun", F_OK) == 0 ? "it is there" : "it is not there",
	    "modprobe tun: packets are held through it during handovers");
}

/* --- its switches --- */

/* The number in a file below /proc/sys, or -1. */
static int sysctl_of(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (int)strtol(text, NULL, 10) : -1;
}

static void look_at_switches(json_t *rows)
{
	/* `wrong` is the value that does harm; what is missing does none. */
	static const struct {
		const char *name, *path;
		int wrong;
		enum doctor_state state;
		const char *advice;
	} switches[] = {
		{"net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward", 0, DOCTOR_WARNING,
		 "sysctl -w net.ipv4.ip_forward=1: a core, or a terminal with hosts behind it, "
		 "forwards nothing without; it sets this at its start"},
		{"net.ipv6.conf.all.forwarding", "/proc/sys/net/ipv6/conf/all/forwarding", 0,
		 DOCTOR_WARNING, "sysctl -w net.ipv6.conf.all.forwarding=1: likewise"},
		{"net.ipv4.conf.all.rp_filter", "/proc/sys/net/ipv4/conf/all/rp_filter", 1,
		 DOCTOR_WRONG,
		 "sysctl -w net.ipv4.conf.all.rp_filter=0 (or 2): packets of visitors come by "
		 "another way than theirs go, and are dropped now"},
		{"net.ipv6.conf.all.disable_ipv6", "/proc/sys/net/ipv6/conf/all/disable_ipv6", 1,
		 DOCTOR_WRONG,
		 "sysctl -w net.ipv6.conf.all.disable_ipv6=0: the access side speaks IPv6 only"},
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		int value = sysctl_of(switches[i].path);
		char found[16];

		if (value < 0)
			continue;
		snprintf(found, sizeof(found), "%d", value);
		row(rows, switches[i].name,
		    value == switches[i].wrong ? switches[i].state : DOCTOR_GOOD, found,
		    switches[i].advice);
	}
}

/* --- the clock --- */

static void look_at_clock(json_t *rows)
{
	struct timex now = {0};
	int state = adjtimex(&now);

	if (state < 0)
		return;
	if (state == TIME_ERROR || (now.status & STA_UNSYNC))
		row(rows, "clock", DOCTOR_WARNING, "nothing keeps it right",
		    "run an NTP client (systemd-timesyncd, chrony): associations are made at times "
		    "that all have to agree on");
	else
		row(rows, "clock", DOCTOR_GOOD, "kept right", NULL);
}

static void look_at_host(json_t *rows)
{
	look_at_kernel(rows);
	look_at_tunnels(rows);
	look_at_protection(rows);
	look_at_switches(rows);
	look_at_clock(rows);
}

/* --- together --- */

/* Rows of a daemon, with whose they are before them. */
static void add_rows(json_t *rows, const char *where, const json_t *answer)
{
	const json_t *found = json_object_get(json_object_get(answer, "table"), "rows");
	json_t *item;
	size_t i;

	json_array_foreach(found, i, item)
	{
		json_t *whole = json_pack("[s]", where);

		json_array_extend(whole, item);
		json_array_append_new(rows, whole);
	}
}

static size_t count_wrong(const json_t *rows)
{
	size_t i, wrong = 0;
	const json_t *item;

	json_array_foreach(rows, i, item)
	{
		const char *state = json_string_value(json_array_get(item, 2));

		wrong += state && strcmp(state, doctor_state_name(DOCTOR_WRONG)) == 0;
	}
	return wrong;
}

int snoctl_doctor(const struct snoctl_target *target)
{
	json_t *rows = json_array(), *answer;
	struct snoctl_table table = {0};
	const char *where;
	size_t wrong, asked = 0;

	look_at_host(rows);
	for (int i = 0; (where = snoctl_daemon_word(i)); i++) {
		json_t *request = json_pack("{s:s}", "command", "doctor");
		json_t *heard = NULL;

		if (snoctl_daemon_wanted(target, where))
			heard = snoctl_fetch(target, where, request);
		else
			json_decref(request);
		if (!heard)
			continue;
		asked++;
		add_rows(rows, target->socket ? "daemon" : where, heard);
		json_decref(heard);
		if (target->socket)
			break;
	}
	if (!asked)
		row(rows, "daemon", DOCTOR_WRONG, "none answers",
		    "start one: systemctl start sno-core-agent (journalctl -u says why not)");
	wrong = count_wrong(rows);
	answer = json_pack("{s:b, s:i, s:I, s:{s:[{s:s}, {s:s}, {s:s}, {s:s}, {s:s}], s:o}}", "ok",
			   1, "version", CONTROL_VERSION, "wrong", (json_int_t)wrong, "table",
			   "columns", "name", "where", "name", "check", "name", "state", "name",
			   "found", "name", "advice", "rows", rows);
	if (target->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		snoctl_show(stdout, answer, &table);
	}
	json_decref(answer);
	return wrong ? SNOCTL_FAILED : SNOCTL_GOOD;
}
