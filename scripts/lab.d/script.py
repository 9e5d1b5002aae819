# SPDX-License-Identifier: GPL-2.0-or-later
"""The script of a lab: what can happen at a time, and to whom.

Each verb is a row of VERBS: what its words are, and whether more of them may follow.
"""

from dataclasses import dataclass

from values import parse_loss, parse_time

SETTINGS = {"delay": parse_time, "loss": parse_loss}
# Verb -> what its words name. A last word "..." stands for more.
VERBS = {"handover": ("terminal", "link", "..."), "lose": ("terminal", "link"),
         "associate": ("satellite", "feeder"), "schedule": ("satellite", "feeder"),
         "link": ("terminal", "link", "state"),
         "kill": ("daemon",), "stop": ("daemon",), "start": ("daemon",), "reload": ("daemon",),
         "set": ("path", "setting", "..."), "run": ("node", "word", "..."), "say": ("word", "...")}
MOVES = ("handover", "lose", "associate", "schedule")       # each makes terminals register anew
LIFE = ("kill", "stop", "start")


@dataclass
class Action:
    """Something that happens at a time (microseconds from the start of the script).

    A terminal that is told to go `ahead` of its going leaves that much later. Where there is an
    `overlap` it gets the new link before it is told, and loses the old one that long after.
    """
    time: int
    verb: str
    words: list
    line: int
    ahead: int = 0
    overlap: int = 0

    def arguments(self):
        """What Lab.act_VERB takes behind the words."""
        return [self.ahead] if self.verb == "handover" else []


def parse(words, line, d):
    """An action out of the words behind `at`; ValueError."""
    if len(words) < 2 or words[1] not in VERBS:
        raise ValueError(f"at TIME ACTION: an action is one of {', '.join(VERBS)}")
    action = Action(parse_time(words[0]), words[1], words[2:], line)
    row = [word for word in VERBS[action.verb] if word != "..."]
    more = VERBS[action.verb][-1] == "..."
    if len(action.words) < len(row) or len(action.words) > len(row) and not more:
        raise ValueError(f"{action.verb} takes {len(row)} words" + (" or more" if more else ""))
    if action.verb == "handover":
        action.ahead, action.overlap = d.ahead, d.overlap
        options, action.words = action.words[2:], action.words[:2]
        for word in options:
            key, equals, text = word.partition("=")
            if not equals or key not in ("ahead", "overlap"):
                raise ValueError(f"'{word}' is not ahead= or overlap=")
            setattr(action, key, parse_time(text))
    for word in action.words[1:] if action.verb == "set" else []:
        key, equals, text = word.partition("=")
        if not equals or key not in SETTINGS:
            raise ValueError(f"'{word}' is not one of {', '.join(k + '=' for k in SETTINGS)}")
        SETTINGS[key](text)
    return action


def check(action, d):
    """Faults: words that name no node of the right kind. Called when all nodes are known."""
    names = {"terminal": d.terminals, "satellite": d.satellites, "daemon": d.daemons(),
             "path": [*d.cores, *d.satellites], "state": ("up", "down"),
             "node": [*d.daemons(), *d.hosts, d.server, "inet"]}
    for kind, word in zip(VERBS[action.verb], action.words):
        if kind in names and word not in names[kind]:
            yield (f"{word} runs no daemon" if kind == "daemon" else
                   f"'{word}' is not up or down" if kind == "state" else
                   f"there is no core or satellite {word}" if kind == "path" else
                   f"there is no {kind} {word}")
        elif (kind == "link" and action.words[0] in d.terminals
              and word not in d.terminals[action.words[0]].links):
            yield f"{action.words[0]} has no link {word}"
        elif (kind == "feeder" and action.words[0] in d.satellites
              and word not in reach(action.verb, d.satellites[action.words[0]])):
            yield f"{action.words[0]} has no feeder to {word}"


def reach(verb, satellite):
    """Cores that a satellite can be associated with: only by a plan with those it is relayed to."""
    return [*satellite.feeders, *(satellite.relayed if verb == "schedule" else [])]


def place(terminal, time, d):
    """The satellite that a terminal should be on at a time."""
    went = [a.words[1] for a in d.actions if a.verb in ("handover", "lose")
            and a.words[0] == terminal and a.time + a.ahead <= time]
    return went[-1] if went else d.terminals[terminal].start


def concerns(action, d):
    """Terminals to which an action may do something."""
    if action.verb in ("handover", "lose", "link"):
        return [action.words[0]]
    if action.verb in ("associate", "schedule"):
        return [name for name in d.terminals if place(name, action.time, d) == action.words[0]]
    return list(d.terminals) if action.verb in LIFE else []
