#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Noise against vectors of other implementations, and the tool that does it against damaged ones.
#
# SRCDIR is the source tree, BUILD the build directory; both have defaults for a call by hand from
# the top of a tree that was built in place.

set -u
: "${SRCDIR:=.}" "${BUILD:=build}"
tool=$BUILD/tests/noise-vectors
own=$SRCDIR/tests/vectors/noise.json
published=$SRCDIR/../shared/data/noise-vectors.json
work=$(mktemp -d "${TMPDIR:-/tmp}/sno-noise-vectors-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
count=0

result() { # status, name
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/out" "$work/err"
	fi
}

skip() { # name, reason
	count=$((count + 1))
	echo "ok $count # skip $1: $2"
}

# Runs the tool; good when it exits with this status and says this (an extended regular expression).
expect() { # name, status, pattern, arguments...
	name=$1 status=$2 pattern=$3
	shift 3
	"$tool" "$@" >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$status" ] && cat "$work/out" "$work/err" | grep -Eq "$pattern"
	result $? "$name"
}

# Our vectors, changed by these arguments of sed.
changed() {
	sed -E "$@" "$own" >"$work/changed.json"
}

expect "own vectors, made by dissononce" 0 '^1\.\.24$' "$own"
if [ -e "$published" ]; then
	expect "published vectors" 0 '^ok [0-9]+ - Noise_IKpsk2' "$published"
else
	skip "published vectors" "not in this tree"
fi

if /usr/bin/python3 -c 'import dissononce' 2>/dev/null; then
	/usr/bin/python3 "$SRCDIR/tests/vectors/make-noise-vectors.py" >"$work/out" 2>"$work/err" &&
		cmp "$work/out" "$own" >"$work/err" 2>&1
	status=$?
	: >"$work/out"
	result $status "own vectors are what their generator makes"
else
	skip "own vectors are what their generator makes" "python3-dissononce is not installed"
fi

changed -e 's/"protocol_name"/"name"/' -z -e 's/"(init|resp)_psks": \[[^"]*("[0-9a-f]*")[^]]*\]/"\1_psk": \2/g'
expect "older member names" 0 '^1\.\.24$' "$work/changed.json"

changed -e '/"ciphertext"/{s/: "0/: "1/;t;s/: "./: "0/}'
expect "another ciphertext is noticed" 1 '^# message 0: initiator wrote another ciphertext$' \
	"$work/changed.json"
changed -e '/"handshake_hash"/{s/: "0/: "1/;t;s/: "./: "0/}'
expect "another handshake hash is noticed" 1 '^# initiator has another handshake hash$' \
	"$work/changed.json"
changed -e '/"resp_static"/{s/: "0/: "1/;t;s/: "./: "0/}'
expect "another responder key is noticed" 1 '^# message 0: responder cannot read' \
	"$work/changed.json"
changed -e 's/"init_ephemeral"/"ephemeral"/'
expect "a missing member is named" 1 '^# "init_ephemeral" is missing$' "$work/changed.json"
changed -e 's/"resp_ephemeral": "../"resp_ephemeral": "xy/'
expect "bad hexadecimal is named" 1 '^# "resp_ephemeral" is not hexadecimal$' "$work/changed.json"

changed -e 's/Noise_IK_/Noise_IX_/'
expect "other protocols are skipped" 0 '^ok 13 # skip Noise_IX_25519_ChaChaPoly_SHA256' \
	"$work/changed.json"
changed -e 's/ChaChaPoly/AESGCM/'
expect "none supported is a failure" 1 '^not ok 25 - no vector of a supported protocol$' \
	"$work/changed.json"

head -n 20 "$own" >"$work/changed.json"
expect "malformed JSON is an error with its line" 2 "changed.json:[0-9]+: " "$work/changed.json"
echo '{"tests": []}' >"$work/changed.json"
expect "JSON without vectors is an error" 2 'no list "vectors"' "$work/changed.json"
expect "a missing file is an error" 2 'missing.json: No such file' "$work/missing.json"
expect "no argument is a usage error" 2 '^usage: '

echo "1..$count"
