#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test runner itself: in a small tree of its own, what passes, fails, skips, dies or hangs is
# reported as such, and REQUIRE_NETNS turns a skip into a failure. scripts/check runs nothing when asked.
# shellcheck disable=SC2016 # the scripts written here expand their own variables

set -u
here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset REQUIRE_NETNS REQUIRE_UML TESTS JOBS BUILD SRCDIR TEST_TIMEOUT

mkdir -p "$work"/{tests/netns,tests/unit,scripts}
cp "$here/run" "$work/tests/run"
# As if UML ran the command: the launcher has its own test.
cat >"$work/scripts/uml" <<'UML'
#!/bin/bash
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
UML
chmod +x "$work/scripts/uml"

# case_file NAME BODY
case_file() {
	printf '#!/bin/bash\n%s\n' "$2" >"$work/tests/$1"
	chmod +x "$work/tests/$1"
}
case_file pass.t 'echo 1..1; echo ok 1'
case_file fail.t 'echo 1..1; echo not ok 1; exit 1'
case_file short.t 'echo 1..2; echo ok 1'
case_file dies.t 'echo 1..1; echo ok 1; exit 3'
case_file killed.t 'echo 1..1; echo ok 1; kill -SEGV $$'
case_file hangs.t 'echo 1..1; echo ok 1; sleep 60'
case_file silent.t ':'
case_file seventyseven.t 'echo "no such kernel"; exit 77'
case_file planned.t 'echo "1..0 # SKIP no such kernel"'
case_file tells.t 'echo 1..2; echo "not ok 1 - bread"; echo "# burnt"; echo "ok 2 - butter"; echo "# fine"; exit 1'
case_file last.t 'echo 1..1; echo ok 1; echo "out of flour"; exit 3'
case_file netns/whole.t 'echo "1..0 # SKIP no tunnel"'
case_file netns/status.t 'echo "no tunnel"; exit 77'
case_file netns/point.t 'echo 1..2; echo ok 1; echo "ok 2 - gre # SKIP no gre"'
case_file netns/where.t 'echo 1..1; [ "$KERNEL" = host ] && echo ok 1 || echo not ok 1'
case_file netns/inside.t $'# kernels: uml\necho 1..1; [ "$KERNEL$SNO_IN_UML" = uml1 ] && echo ok 1 || echo not ok 1'

# taking PERCENT TURN: a namespace test in whose first turns, before TURN, the host takes PERCENT of the
# processor time and which fails in them.
taking() {
	case_file "netns/taking-$1-$2.t" "
		echo turn >>\$PROC_STAT.turns
		turns=\$(wc -l <\$PROC_STAT.turns)
		echo \"cpu \$((turns * (100 - $1))) 0 0 900 0 0 0 \$((turns * $1))\" >\$PROC_STAT
		echo 1..1
		[ \$turns -ge $2 ] && echo ok 1 || echo not ok 1"
}
taking 11 3
taking 11 4
taking 10 2

# expect NAME PATTERN TESTS MODE [VARIABLE=VALUE]...
expect() {
	local name=$1 pattern=$2 tests=$3 mode=$4 got
	shift 4
	count=$((count + 1))
	rm -f "$work/stat.turns"
	echo 'cpu 0 0 0 900 0 0 0 0' >"$work/stat"
	got=$(env PROC_STAT="$work/stat" "$@" TESTS="$tests" "$work/tests/run" "$mode" 2>&1)
	# The output as one line: a pattern may say what follows on what.
	if tr '\n' '|' <<<"$got" | grep -q "$pattern"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		printf '# %s\n' "${got//$'\n'/$'\n'# }"
	fi
}

count=0
[ "$(id -u)" -eq 0 ] && points=31 || points=18
echo "1..$points"
expect 'a pass passes' 'Result: PASS' pass.t static
expect 'a failure fails' 'Result: FAIL' fail.t static
expect 'a plan not kept fails' 'Result: FAIL' short.t static
expect 'an exit status fails' 'Result: FAIL' dies.t static
expect 'a signal fails' 'Result: FAIL' killed.t static
expect 'no TAP at all fails' 'Result: FAIL' silent.t static
expect 'a test that hangs fails' 'Result: FAIL' hangs.t static TEST_TIMEOUT=1
expect 'status 77 skips with its reason' 'seventyseven.t .. skipped: no such kernel' seventyseven.t static
expect 'an empty plan skips with its reason' 'planned.t .. skipped: no such kernel' planned.t static
expect 'no test of that name is a failure' 'no test named nonsense' nonsense static
expect 'a point that failed is told at the end' 'Result: FAIL||--- tests/tells.t|not ok 1 - bread|# burnt|$' tells.t static
expect 'so are the last words of a test that died' 'Result: FAIL||--- tests/last.t|1..1|ok 1|out of flour|$' last.t static
expect 'and only what failed' 'Result: FAIL||--- tests/fail.t|not ok 1|$' 'pass.t fail.t' static

# asked NAME STATUS PATTERN SCRIPT ARGUMENT: a script is asked something, and neither installs nor runs
# anything.
asked() {
	local got status
	count=$((count + 1))
	got=$("$work/scripts/$4" "$5" 2>&1)
	status=$?
	if [ "$status" -eq "$2" ] && [ ! -e "$work/installed" ] && grep -q -- "$3" <<<"$got"; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf '# %s\n' "${got//$'\n'/$'\n'# }"
	fi
}
cp "$here/../scripts/check" "$work/scripts/check"
printf '#!/bin/sh\n: >"%s/installed"\nexit 1\n' "$work" >"$work/scripts/install-deps"
chmod +x "$work/scripts/install-deps"
asked 'scripts/check --help only helps' 0 scripts/check check --help
cp "$here/../scripts/install-deps" "$work/scripts/wishes"
asked 'install-deps names all its options' 2 '--list  ' wishes --help
asked 'what scripts/check does not know it refuses' 2 scripts/check check --quick

mkdir "$work/bin"
printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
chmod +x "$work/bin/id"
expect 'and not what another user cannot run' 'Result: FAIL||--- tests/fail.t|not ok 1|$' 'fail.t whole.t' all PATH="$work/bin:$PATH"
expect 'nothing follows on a pass' 'Result: PASS|$' pass.t static
if [ "$points" -gt 18 ]; then
	expect 'a namespace test may skip' 'whole.t .. skipped: no tunnel' netns/whole.t netns
	expect 'REQUIRE_NETNS: an empty plan fails' 'Result: FAIL' netns/whole.t netns REQUIRE_NETNS=1
	expect 'and why is told' '||--- tests/netns/whole.t|not ok 1 - required, but skipped: 1..0 # SKIP no tunnel|$' \
		netns/whole.t netns REQUIRE_NETNS=1
	expect 'REQUIRE_NETNS: status 77 fails' 'Result: FAIL' netns/status.t netns REQUIRE_NETNS=1
	expect 'REQUIRE_NETNS: a point may skip' 'Result: PASS' netns/point.t netns REQUIRE_NETNS=1
	expect 'a test knows its kernel' 'Result: PASS' netns/where.t netns
	expect 'a point may skip in UML' 'Result: PASS' netns/point.t uml
	expect 'REQUIRE_UML: a point fails' 'Result: FAIL' netns/point.t uml REQUIRE_UML=1
	expect 'and why is told' '||--- uml:tests/netns/point.t|not ok 2 - gre - required, but skipped: no gre|$' \
		netns/point.t uml REQUIRE_UML=1
	expect 'who is robbed of the processors has three turns' \
		'Result: PASS|tests/netns/taking-11-3.t: run again, it failed while the host took 11 % .*|.* 11 % .*|$' taking-11-3 netns
	expect 'and no more' 'Result: FAIL.*--- tests/netns/taking-11-4.t|not ok 1|$' taking-11-4 netns
	expect 'who is not has one' 'Result: FAIL||--- tests/netns/taking-10-2.t|not ok 1|$' taking-10-2 netns
	expect 'a header selects the kernel' 'Result: PASS' netns/inside.t uml REQUIRE_UML=1
fi
