/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the protocol's codes, spelt as in PROTOCOL sections 2.3, 3.2, 11 and 15.1.
 *
 * Logs, counters and the control socket print these, so that what an administrator reads can be
 * looked up in the specification. Names of types and attributes stand in their tables (message.c).
 */
#include "message.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const reasons[REASON_COUNT] = {
	[REASON_ACCEPTED] = "accepted",
	[REASON_UNKNOWN_REALM] = "unknown-realm",
	[REASON_UNKNOWN_TERMINAL] = "unknown-terminal",
	[REASON_AUTHENTICATION_FAILED] = "authentication-failed",
	[REASON_RESYNC] = "resync",
	[REASON_NO_CARE_OF_ADDRESS] = "no-care-of-address",
	[REASON_NO_HOME_ADDRESS] = "no-home-address",
	[REASON_KERNEL_REFUSED] = "kernel-refused",
	[REASON_HOME_UNREACHABLE] = "home-unreachable",
	[REASON_NO_COMMON_TUNNEL] = "no-common-tunnel",
	[REASON_NOT_PERMITTED] = "not-permitted",
	[REASON_WRONG_CORE] = "wrong-core",
	[REASON_STALE_BINDING] = "stale-binding",
	[REASON_TERMINAL_MOVED] = "terminal-moved",
	[REASON_LIFETIME_EXPIRED] = "lifetime-expired",
	[REASON_TERMINAL_LEFT] = "terminal-left",
	[REASON_CORE_RESTARTED] = "core-restarted",
	[REASON_ADMINISTRATIVE] = "administrative",
	[REASON_BUSY] = "busy",
	[REASON_UNSUPPORTED] = "unsupported",
	[REASON_TIMEOUT] = "timeout",
	[REASON_NOT_ARRIVED] = "not-arrived",
	[REASON_NOT_PREPARED] = "not-prepared",
	[REASON_NO_COMMON_PROTECTION] = "no-common-protection",
};

static const char *const drops[DROP_COUNT] = {
	[DROP_NONE] = "none",
	[DROP_SHORT] = "short",
	[DROP_VERSION] = "version",
	[DROP_TYPE] = "type",
	[DROP_ORDER] = "order",
	[DROP_UNKNOWN] = "unknown",
	[DROP_UNEXPECTED] = "unexpected",
	[DROP_MISSING] = "missing",
	[DROP_LENGTH] = "length",
	[DROP_VALUE] = "value",
	[DROP_LONG] = "long",
	[DROP_INDEX] = "index",
	[DROP_REPLAY] = "replay",
	[DROP_SEAL] = "seal",
	[DROP_HANDSHAKE] = "handshake",
	[DROP_LIMIT] = "limit",
};

static const char *const modes[] = {
	[MODE_BASELINE] = "baseline",	[MODE_COMBINED] = "combined",
	[MODE_PROACTIVE] = "proactive", [MODE_PREDICTIVE] = "predictive",
	[MODE_SOFT] = "soft",
};

static const char *name_in(const char *const *names, size_t count, unsigned int code)
{
	return code < count && names[code] ? names[code] : "unknown-code";
}

const char *reason_name(enum reason reason)
{
	return name_in(reasons, COUNT(reasons), reason);
}

const char *drop_name(enum drop drop)
{
	return name_in(drops, COUNT(drops), drop);
}

const char *handover_mode_name(enum handover_mode mode)
{
	return name_in(modes, COUNT(modes), mode);
}

bool handover_mode_parse(const char *text, enum handover_mode *mode)
{
	for (enum handover_mode m = MODE_BASELINE; m <= MODE_SOFT; m++) {
		if (strcmp(text, modes[m]) != 0)
			continue;
		*mode = m;
		return true;
	}
	return false;
}

const char *tunnel_kind_name(enum tunnel_kind kind)
{
	switch (kind) {
	case TUNNEL_GRE4:
		return "gre4";
	case TUNNEL_GRE6:
		return "gre6";
	case TUNNEL_GPE4:
		return "gpe4";
	case TUNNEL_GPE6:
		return "gpe6";
	case TUNNEL_IPIP4:
		return "ipip4";
	}
	return "unknown-code";
}

const char *suite_name(enum suite suite)
{
	switch (suite) {
	case SUITE_CHACHA20_POLY1305:
		return "chacha20-poly1305";
	case SUITE_AES_256_GCM:
		return "aes-256-gcm";
	}
	return "unknown-code";
}
