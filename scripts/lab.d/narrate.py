# SPDX-License-Identifier: GPL-2.0-or-later
"""Events of the daemons as plain English, as they happen."""

from system import now_us


def milliseconds(microseconds):
    """'50.1 ms'."""
    return f"{microseconds / 1000:.1f} ms"


class Narrator:
    """Tells what happens, with the time since the script began."""

    def __init__(self, lab, out):
        self.lab = lab
        self.out = out
        self.names = {core.realm: f"core {name}" for name, core in lab.d.cores.items()}
        self.names.update({t.nai: f"terminal {name}" for name, t in lab.d.terminals.items()})

    def name(self, text):
        """A realm or an identity as the lab calls it."""
        return self.names.get(text, text or "nobody")

    def tell(self, text):
        """A line with the time."""
        begin = self.lab.begin_us
        when = f"{(now_us() - begin) / 1000000:7.3f} s" if begin else "    start"
        self.out(f"{when}  {text}")

    def action(self, action):
        """An action of the script."""
        words = action.words
        text = {"handover": lambda: f"terminal {words[0]} is told to go to satellite {words[1]}",
                "lose": lambda: f"terminal {words[0]} loses its link and finds {words[1]}",
                "schedule": lambda: f"satellite {words[0]} changes its core to {words[1]}, as "
                                    "everybody has known",
                "associate": lambda: f"satellite {words[0]} changes its core to {words[1]}",
                "link": lambda: f"the link of {words[0]} to satellite {words[1]} goes {words[2]}",
                "kill": lambda: f"the daemon of {words[0]} is killed",
                "stop": lambda: f"the daemon of {words[0]} is stopped",
                "start": lambda: f"the daemon of {words[0]} is started",
                "reload": lambda: f"{words[0]} reads its configuration again",
                "set": lambda: f"{words[0]}: {' '.join(words[1:])}"}.get(action.verb)
        if text:
            self.tell(text())

    def event(self, node, event):
        """An event of a daemon; those that tell nothing new are left out."""
        kind = self.lab.daemons.kind(node)
        handler = getattr(self, f"{kind}_{event['event']}", None)
        if handler:
            text = handler(node, event.get("data", {}))
            if text:
                self.tell(text)

    # --- one method per daemon and event: KIND_EVENT(node, data) -> text or None ---------------------

    def core_peer(self, node, data):
        return f"core {node}: {self.name(data['peer'])} is {data['state']}"

    def core_binding(self, node, data):
        before = f", before by {self.name(data['from'])}" if data["from"] else ""
        return (f"core {node}: {self.name(data['terminal'])} is now served by "
                f"{self.name(data['to'])}{before}")

    def core_handover(self, node, data):
        return (f"core {node}: {self.name(data['terminal'])} reports a link gap of "
                f"{milliseconds(data['gap_us'])}, registered "
                f"{milliseconds(data['registration_us'])} after its first discovery")


class SkyNarrator(Narrator):
    """Tells what happens below a constellation, where most is done by terminals and satellites."""

    def core_binding(self, node, data):
        """The terminals tell."""

    def core_handover(self, node, data):
        """The terminals tell."""

    def terminal_handover(self, node, data):
        old, new = data["from"], data["to"]
        cores = (f"core {self.short(old)}" if old["core"] == new["core"] else
                 f"core {self.short(old)} to core {self.short(new)}, {data['mode']}")
        if old["link"] == new["link"]:
            return f"{node}: satellite {new['link']} takes it from {cores}"
        return f"{node}: {old['link'] or 'nothing'} -> {new['link']}, {cores}"

    def satellite_association(self, _node, data):
        old, new = data["old_core"], data["core"]
        if old and new and old != new:
            return f"satellite {data['satellite']}: from {self.name(old)} to {self.name(new)}"
        return None

    def short(self, place):
        """A core's letter."""
        return self.name(place["core"]).removeprefix("core ")
