# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way a terminal can move, for terminals with IPv4 only, IPv6 only, and both with a delegated
prefix and a host behind. All three move at once, crossing each other's ways; their TCP connections
and echo requests live through all of it.

        a: s1 s4     b: s2     c: s3         home cores: ta (and ha behind it) a, tb b, tc c
"""

from world import World

LAB = """
underlay {underlay}
tunnel {tunnel}
gap 10ms
advertise 200ms
log debug
psk yes
core a drain=500ms {a}
core b drain=500ms home6=none delegated=none
core c drain=500ms {c}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
satellite s4 core=a
terminal ta home=a links=s1,s2,s3,s4 addresses={ta}
terminal tb home=b links=s2,s3,s1,s4 addresses=ipv4
terminal tc home=c links=s3,s1,s2,s4 addresses={tc}
{host}
"""
ALL = {"a": "", "c": "home4=none delegated=none", "ta": "ipv4,ipv6,prefix", "tc": "ipv6",
       "host": "host ha behind=ta"}
IPV4 = {"a": "home6=none delegated=none", "c": "home6=none delegated=none", "ta": "ipv4",
        "tc": "ipv4", "host": ""}

# What moves, how, and where each terminal is afterwards.
ORDERS = (
    ("from home to a visited core", {"ta": ("s2", "b"), "tb": ("s3", "c"), "tc": ("s1", "a")}),
    ("to another visited core", {"ta": ("s3", "c"), "tb": ("s1", "a"), "tc": ("s2", "b")}),
    ("to another satellite of a visited core", {"tb": ("s4", "a")}),
    ("home", {"ta": ("s4", "a"), "tb": ("s2", "b"), "tc": ("s3", "c")}),
    ("to another satellite of the home core", {"ta": ("s1", "a")}))
ASSOCIATIONS = (
    ("a satellite leaves the home core", {"s1": "b", "s2": "c", "s3": "a"}),
    ("a satellite changes between visited cores", {"s1": "c", "s2": "a", "s3": "b"}),
    ("a satellite comes to the home core", {"s1": "a", "s2": "b", "s3": "c"}))
UNDER = {"s1": "ta", "s2": "tb", "s3": "tc"}


def kinds(world):
    """The kinds of tunnel that terminals of other cores use."""
    return {row["tunnel"] for core in world.d.cores for row in world.rows(core, "peers")}


def at(world, where, name):
    """Points: each terminal is where it should be, once, and everything passes."""
    for terminal, (satellite, core) in where.items():
        world.tap.within(5, f"{name}: {terminal} is registered at {core}",
                         lambda t=terminal, c=core, s=satellite: world.served(t, c, s),
                         lambda t=terminal: world.registration(t))
        world.tap.within(5, f"{name}: {terminal} has one binding and one session",
                         lambda t=terminal, c=core: world.one_binding(t, c),
                         lambda t=terminal: f"{world.binding(t)}\n{world.sessions(t)}")
    world.passes(f"{name}: TCP and echo requests pass")


def moves(tap, underlay, tunnel, kind, families=None):
    """The whole test over one kind of tunnel."""
    text = LAB.format(underlay=underlay, tunnel=tunnel, **(families or ALL))
    with World(tap, text) as world:
        tap.same("the kind of tunnel", {kind}, kinds(world))
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("at home: TCP and echo requests pass")
        for name, orders in ORDERS:
            for terminal, (satellite, _) in orders.items():
                world.handover(terminal, satellite)
            at(world, orders, name)
        for name, associations in ASSOCIATIONS:
            for satellite, core in associations.items():
                world.associate(satellite, core)
            at(world, {UNDER[s]: (s, core) for s, core in associations.items()}, name)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()
