# SPDX-License-Identifier: GPL-2.0-or-later
"""One who sees the datagrams of both channels in order, and opens what the keys that he has open.

Keys are a mapping like the golden datagrams (tests/vectors/datagrams.json), from which any part may
be absent; numbers are decimal, keys hexadecimal:

   channels       psk, initiator and responder with static_public, static_private,
                  ephemeral_private; or initiation and response, which are then observed first
   registrations  realm, psk, terminal and home_core with the same keys; or discovery and done
   handovers      root, target, handover_counter, link_layer, link_local: what a terminal moves with
   sessions       channel (core or access), index, key: one direction, by its receiver's index

The static private key of a responder opens a first Noise message, of KK with the initiator's static
public key. A second message and all that follows take an ephemeral private key too, or the key of a
session.
"""

import copy

from decoding import cookie, handover, handshake, noise, seal
from decoding.attribute import BY_NAME
from decoding import message as wire
from decoding.message import Dropped

CHANNELS = {"core": "core clear", "access": "access clear"}


def octets_of(party, name):
    value = party.get(name)
    return None if value is None else bytes.fromhex(value)


def static_public(party):
    private = octets_of(party, "static_private")
    return octets_of(party, "static_public") if private is None else noise.public_of(private)


def has_sent(party, noise_message):
    """Whether the party's keys are those that this first message was made with."""
    ephemeral = octets_of(party, "ephemeral_private")
    return bool(ephemeral and "static_private" in party
                and noise.public_of(ephemeral) == noise_message[:noise.DHLEN])


def part_mapping(part):
    """A message of a bundle, or why it is dropped."""
    if isinstance(part, Dropped):
        return {"dropped": part.reason, "detail": str(part)}
    return as_mapping(part)


def as_mapping(message):
    result = {"type": message.type, "type_name": message.name, "id": message.id,
              "attributes": message.attributes}
    if message.skipped:
        result["skipped"] = message.skipped.hex()
    return result


class Observer:
    """With strict, what cannot be opened is refused, as by a receiver that has these keys."""

    def __init__(self, keys=None, strict=False):
        keys = keys or {}
        self.strict = strict
        self.channels = keys.get("channels", [])
        self.registrations = keys.get("registrations", [])
        self.handovers = keys.get("handovers", [])
        self.sessions = {place: {} for place in CHANNELS.values()}
        self.initiations, self.discoveries, self.moves = {}, {}, {}
        for entry in keys.get("sessions", []):
            self.add_session(entry["channel"], int(entry["index"]), bytes.fromhex(entry["key"]))
        self.observe_given()

    def observe_given(self):
        for channel, entries, names in (
                ("core", self.channels, ("initiation", "response")),
                ("access", self.registrations, ("discovery", "done")),
                ("access", self.handovers, ("discovery", "done"))):
            for entry in entries:
                for name in names:
                    if name in entry:
                        self.datagram(channel, bytes.fromhex(entry[name]))

    def add_session(self, channel, index, key):
        """A session that is known already stays, with its replay window."""
        known = self.sessions[CHANNELS[channel]]
        if index not in known or known[index].key != key:
            known[index] = seal.Session(key, channel)
        return known[index]

    def datagram(self, channel, octets):
        """What a datagram says, as a mapping; raises Dropped."""
        place = CHANNELS[channel]
        entry, _ = wire.read_head(octets, place)
        special = {
            "handshake initiation": self.initiation,
            "handshake response": self.response,
            "sealed": lambda datagram: self.sealed(place, datagram),
            "cookie": self.cookie,
            "cookie proof": lambda datagram: self.cookie_proof(channel, datagram),
        }.get(entry.name)
        if special:
            return special(octets)
        message = wire.read(octets, place)
        result = as_mapping(message)
        inside = {
            "core discovery": self.discovery,
            "registration done": self.done,
            "registration reject": self.reject,
        }.get(entry.name)
        if inside:
            result.update(inside(octets, message))
        return result

    def closed(self, reason, detail):
        """What there is to say of something that the keys do not open."""
        if self.strict:
            raise Dropped(reason, detail)
        return {"closed": detail}

    # The core channel.

    def initiation(self, octets):
        index, hint, noise_message = handshake.read_initiation(octets)
        result = {"type": 1, "type_name": "handshake initiation", "id": index, "hint": hint.hex()}
        entry, state = self.core_state(hint, noise_message)
        if state is None:
            result.update(self.closed("handshake", "no key of a peer with this hint"))
            return result
        hello = handshake.read_payload(state, noise_message, "hello")
        handshake.check_core(hello, entry["initiator"].get("name"))
        self.initiations[index] = entry, state
        result["hello"] = as_mapping(hello)
        return result

    def core_state(self, hint, noise_message):
        peers = [entry for entry in self.channels
                 if handshake.hint(static_public(entry["initiator"])) == hint]
        for entry in peers:
            if has_sent(entry["initiator"], noise_message):
                return entry, self.core_party(entry, True)
        for entry in peers:
            if "static_private" in entry["responder"]:
                return entry, self.core_party(entry, False)
        return None, None

    @staticmethod
    def core_party(entry, initiator):
        own, other = entry["initiator"], entry["responder"]
        if not initiator:
            own, other = other, own
        return handshake.core_state(
            initiator, octets_of(own, "static_private"), static_public(other),
            octets_of(own, "ephemeral_private"), octets_of(entry, "psk") or handshake.NO_PSK)

    def response(self, octets):
        index, receiver, noise_message = handshake.read_response(octets)
        result = {"type": 2, "type_name": "handshake response", "id": index, "receiver": receiver}
        entry, state = self.initiations.get(receiver, (None, None))
        if state is None or state.e is None:
            result.update(self.closed("index", f"no initiation under {receiver}"))
            return result
        state = copy.deepcopy(state)
        hello = handshake.read_payload(state, noise_message, "hello")
        handshake.check_core(hello, entry["responder"].get("name"))
        first, second = state.split()
        self.add_session("core", index, first)
        self.add_session("core", receiver, second)
        result["hello"] = as_mapping(hello)
        return result

    # The access channel.

    def discovery(self, octets, message):
        move = self.move(octets, message)
        if move and self.strict and not self.registrations:
            return move
        return dict(move, **self.full_discovery(message))

    def move(self, octets, message):
        """The short proof, as the target sees it that has been given the key of the move."""
        for entry in self.handovers:
            key = handover.handover_key(octets_of(entry, "root"), entry["target"],
                                        entry["handover_counter"])
            if message.attributes.get("HANDOVER_TAG") != handover.tag(key).hex():
                continue
            handover.check_discovery(octets, key, *(
                BY_NAME[name].kind.octets(entry[name.lower()])
                for name in ("LINK_LAYER", "LINK_LOCAL")))
            self.moves[message.id] = handover.access_key(key, octets), entry
            return {"target": entry["target"]}
        return {}

    def full_discovery(self, message):
        noise_message = bytes.fromhex(message.attributes["HANDSHAKE"])
        refusal = None
        for state, entry in self.access_states(message, noise_message):
            try:
                identity = handshake.read_payload(state, noise_message, "identity")
            except Dropped as error:
                refusal = error
                continue
            self.discoveries[message.id] = state, entry, identity
            return {"identity": as_mapping(identity)}
        if refusal:
            raise refusal
        return self.closed("handshake", "no key of this home core")

    def access_states(self, message, noise_message):
        for entry in self.registrations:
            terminal, home = entry.get("terminal", {}), entry.get("home_core", {})
            if entry["realm"] != message.attributes["REALM"]:
                continue
            if has_sent(terminal, noise_message):
                yield self.access_party(entry, message.id, terminal, static_public(home)), entry
            elif "static_private" in home:
                yield self.access_party(entry, message.id, home, None), entry

    @staticmethod
    def access_party(entry, index, own, remote):
        return handshake.access_state(
            remote is not None, index, entry["realm"], octets_of(own, "static_private"), remote,
            octets_of(own, "ephemeral_private"), octets_of(entry, "psk") or handshake.NO_PSK)

    def second_message(self, message):
        """The state and the assignment of the home core's answer, nothing if closed."""
        state, _, identity = self.discoveries.get(message.id, (None, None, None))
        if state is None or state.e is None:
            return None, identity, None
        state = copy.deepcopy(state)
        noise_message = bytes.fromhex(message.attributes["HANDSHAKE"])
        return state, identity, handshake.read_payload(state, noise_message, "assignment")

    def done(self, octets, message):
        if "HANDSHAKE" not in message.attributes:
            return self.short_done(octets, message)
        state, identity, assignment = self.second_message(message)
        if state is None:
            return self.closed("index", f"no discovery under {message.id}")
        _, _, up, down = seal.derive_access(
            state.split()[0], state.handshake_hash(), assignment.attributes["CORE"],
            int(identity.attributes["COUNTER"]))
        return dict({"assignment": as_mapping(assignment)},
                    **self.registered(octets, message, up, down))

    def short_done(self, octets, message):
        access, entry = self.moves.get(message.id, (None, None))
        if access is None:
            return self.closed("index", f"no discovery with the short proof under {message.id}")
        result = self.registered(octets, message, *seal.derive_directions(access))
        core = result["registration"]["attributes"]["CORE"]
        if core != entry["target"]:
            raise Dropped("handshake", f"{core} instead of {entry['target']}")
        return result

    def registered(self, octets, message, up, down):
        """SEALED of a registration done. A serving core that hears the discovery again sends the
        same octets again (section 8)."""
        counter, registration = seal.open_registration(
            message, octets[:wire.HEAD.size], seal.Session(down, "access"))
        self.add_session("access", message.id, down).mark(counter)
        self.add_session("access", registration.id, up)
        return {"counter": counter, "registration": as_mapping(registration)}

    def reject(self, _, message):
        if "HANDSHAKE" not in message.attributes:
            return {}
        state, _, assignment = self.second_message(message)
        if state is None:
            return self.closed("index", f"no discovery under {message.id}")
        return {"assignment": as_mapping(assignment)}

    # Both.

    @staticmethod
    def cookie(octets):
        """Whose it is only shows with what it answers."""
        if len(octets) != wire.HEAD.size + 2 * cookie.LENGTH:
            raise Dropped("short", f"cookie of {len(octets)} octets")
        return {"type": 4, "type_name": "cookie", "id": cookie.head_id(octets),
                "echo": octets[wire.HEAD.size:-cookie.LENGTH].hex(),
                "cookie": octets[-cookie.LENGTH:].hex()}

    def cookie_proof(self, channel, octets):
        """What is in it, whether the proof is right or not: so do the ends."""
        inner = octets[wire.HEAD.size + cookie.LENGTH:]
        cookie.check_inner(octets, CHANNELS[channel])
        return {"type": 5, "type_name": "cookie proof", "id": cookie.head_id(octets),
                "within": self.datagram(channel, inner)}

    def sealed(self, place, octets):
        index, counter = seal.read_sealed(octets, place)
        result = {"type": 3, "type_name": "sealed", "id": index, "counter": counter}
        if index not in self.sessions[place]:
            result.update(self.closed("index", f"no session under {index}"))
            return result
        _, message = seal.open_datagram(octets, place, self.sessions[place])
        if isinstance(message, list):
            result["bundle"] = [part_mapping(part) for part in message]
        else:
            result["message"] = as_mapping(message)
        return result
