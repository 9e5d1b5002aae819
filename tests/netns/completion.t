#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
#
# What bash offers on <Tab> behind snoctl and sno-plan, beside daemons that run.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program jq
PATH=$BUILD:$PATH
# shellcheck source=conf/bash-completion/snoctl
. "$SRCDIR/conf/bash-completion/snoctl"
# shellcheck source=conf/bash-completion/sno-plan
. "$SRCDIR/conf/bash-completion/sno-plan"

# offered WORD...: the last one is being typed.
offered() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	"$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')" "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}

# all that the program lists, one word after the other
listed=$(snoctl --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\).*/\1/p' | sort -u | paste -sd' ')
same "commands as --help has them" "$listed" "$(offered snoctl '')"
same "those that begin so" "terminal terminals" "$(offered snoctl term)"
same "second words" "associate resume" "$(offered snoctl satellite '')"
same "daemons" "satellite" "$(offered snoctl -d s)"
same "options" "--daemon" "$(offered snoctl --d)"
same "nothing behind what takes nothing" "" "$(offered snoctl status x)"
same "commands of sno-plan" "verify visible" "$(offered sno-plan v)"
check "options of one of them" grep -q -- --min-elevation <(offered sno-plan visible --m)

lab_up <<'LAB'
tunnel auto
core a
core b
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
LAB
same "who can be released" t1@a.example "$(offered snoctl -s "$LAB_DIR/a.sock" release '')"
same "links of a terminal" "s1 s2" "$(offered snoctl -s "$LAB_DIR/t1.sock" terminal switch '')"
same "cores of a satellite" "a.example b.example" "$(offered snoctl -s "$LAB_DIR/s1.sock" satellite associate '')"
finish
