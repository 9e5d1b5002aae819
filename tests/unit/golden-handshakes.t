#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden handshakes and what is sealed under their keys, by the second implementation.

tests/decoder.py, written from common/PROTOCOL alone, has to read and write every datagram of them
as each of the parties does, derive the same keys, and refuse every damaged copy. Its Noise is checked
against tests/vectors/noise.json first.
"""

import copy
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

try:
    from decoding import cookie, esp, handover, handshake, noise, seal
    from decoding import message as wire
    from decoding.attribute import BY_NAME
    from decoding.message import Dropped
    from decoding.observer import Observer, as_mapping
    from decoding.tap import (end, expected_message, flipped, load, refusal, same, same_message)
except ImportError as missing:
    print(f"1..0 # SKIP {missing}: install python3-cryptography")
    sys.exit(0)

# The sender index in the head of 0x01 and 0x02: section 4.1 does not authenticate it.
SENDER_INDEX = range(4, 8)

# --- Noise ----------------------------------------------------------------------------------------

def noise_state(vector, initiator):
    pattern, modifier = re.match(r"Noise_([A-Z]+)(psk2)?_", vector["protocol_name"]).groups()
    side = "init" if initiator else "resp"
    remote = vector.get(f"{side}_remote_static")
    psks = vector.get(f"{side}_psks", [])
    return noise.HandshakeState(
        pattern, initiator, bytes.fromhex(vector[f"{side}_prologue"]),
        bytes.fromhex(vector[f"{side}_static"]), bytes.fromhex(remote) if remote else None,
        bytes.fromhex(vector[f"{side}_ephemeral"]), bytes.fromhex("".join(psks)),
        modifier is not None)


def check_noise_vector(vector, name):
    """Both parties write and read the handshake, then seal what follows it."""
    sides = [noise_state(vector, True), noise_state(vector, False)]
    messages = [(bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"]))
                for message in vector["messages"]]
    got, expected = [], []
    for turn, (payload, ciphertext) in enumerate(messages[:2]):
        got += [sides[turn].write(payload), sides[1 - turn].read(ciphertext)]
        expected += [ciphertext, payload]
    for turn, (payload, ciphertext) in enumerate(messages[2:]):
        key = sides[turn % 2].split()[turn % 2]
        got += [noise.encrypt(key, turn // 2, b"", payload),
                noise.decrypt(key, turn // 2, b"", ciphertext)]
        expected += [ciphertext, payload]
    got += [side.handshake_hash().hex() for side in sides]
    expected += [vector["handshake_hash"]] * 2
    same(got, expected, name)


def check_noise():
    for number, vector in enumerate(load("noise.json")["vectors"]):
        if re.match("Noise_(KK|IK)(psk2)?_", vector["protocol_name"]):
            check_noise_vector(vector, f"{vector['protocol_name']}, vector {number}")


# --- damage to what is authentic ------------------------------------------------------------------

def check_refused(observe, octets, spare, name):
    """Every copy with a changed octet, cut short or with an octet behind it is refused."""
    copies = [(offset, damaged) for offset, _, damaged in flipped(octets, spare)]
    copies += [(f"cut at {length}", octets[:length]) for length in range(len(octets))]
    copies.append(("longer", octets + b"\0"))
    same([where for where, damaged in copies if refusal(observe, damaged) is None], [],
         f"{name}: each damaged copy is refused")


def party_keys(entry, party, other):
    """The entry as this party has it: of the other one, only the public static key."""
    kept = {name: value for name, value in entry.items() if name in ("psk", "realm")}
    kept[party] = entry[party]
    kept[other] = {"static_public": entry[other]["static_public"]}
    return kept


def observer(channel, *entries):
    return Observer({channel: list(entries)}, strict=True)


def without_psk(keys):
    return {name: value for name, value in keys.items() if name != "psk"}


# --- the core channel -----------------------------------------------------------------------------

def core_states(entry):
    """Both parties of a core handshake, before its first message."""
    parties = []
    for initiator, (mine, theirs) in ((True, ("initiator", "responder")),
                                      (False, ("responder", "initiator"))):
        own = entry[mine]
        parties.append(handshake.core_state(
            initiator, bytes.fromhex(own["static_private"]),
            bytes.fromhex(entry[theirs]["static_public"]),
            bytes.fromhex(own["ephemeral_private"]), bytes.fromhex(entry["psk"])))
    return parties


def check_public(entry, parties):
    for party in parties:
        for kind in ("static", "ephemeral"):
            same(noise.public_of(bytes.fromhex(entry[party][f"{kind}_private"])).hex(),
                 entry[party][f"{kind}_public"], f"{entry['name']}: {kind} key of {party}")


def check_core_handshake(entry):
    """Both datagrams, read by the one and written by the other party."""
    name = entry["name"]
    first, second = core_states(entry)
    hellos = [expected_message(entry[party]["hello"]) for party in ("initiator", "responder")]
    indexes = [entry[party]["index"] for party in ("initiator", "responder")]
    same(handshake.CORE_PROLOGUE.decode(), entry["prologue"], f"{name}: prologue")
    octets = handshake.write_initiation(
        indexes[0], bytes.fromhex(entry["initiator"]["static_public"]),
        first.write(wire.write(hellos[0])))
    same(octets.hex(), entry["initiation"], f"{name}: initiation written")
    index, hint, message = handshake.read_initiation(bytes.fromhex(entry["initiation"]))
    same((index, hint.hex()), (indexes[0], entry["hint"]), f"{name}: index and hint")
    same_message(handshake.read_payload(second, message, "hello"), hellos[0],
                 f"{name}: hello of the initiator")
    octets = handshake.write_response(indexes[1], indexes[0], second.write(wire.write(hellos[1])))
    same(octets.hex(), entry["response"], f"{name}: response written")
    index, receiver, message = handshake.read_response(bytes.fromhex(entry["response"]))
    same((index, receiver), (indexes[1], indexes[0]), f"{name}: indexes of the response")
    same_message(handshake.read_payload(first, message, "hello"), hellos[1],
                 f"{name}: hello of the responder")
    keys = [entry["initiator_to_responder"], entry["responder_to_initiator"]]
    for state in first, second:
        same((state.handshake_hash().hex(), [key.hex() for key in state.split()]),
             (entry["handshake_hash"], keys), f"{name}: hash and keys")


    check_associations(entry, first, hellos)


def check_associations(entry, state, hellos):
    """Section 16.2: of both directions and families, or none where one does not protect."""
    said = [hello.attributes for hello in hellos]
    suite, root = esp.suite(*said), esp.root(state.further(), state.handshake_hash())
    got = [{"direction": " to ".join(ends), "suite": suite, "version": version, "spi": spi,
            "key": esp.key(root, suite, version, ends[0] == "initiator", spi).hex()}
           for version in (4, 6) if suite
           for ends, spi in ((("initiator", "responder"), int(said[1]["SPI"])),
                             (("responder", "initiator"), int(said[0]["SPI"])))]
    same(got, entry["associations"], f"{entry['name']}: associations")


def check_core_damage(entry):
    name = entry["name"]
    initiation, response = (bytes.fromhex(entry[kind]) for kind in ("initiation", "response"))
    responder = party_keys(entry, "responder", "initiator")
    initiator = party_keys(entry, "initiator", "responder")
    core = observer("channels", responder)
    check_refused(lambda octets: core.datagram("core", octets), initiation, SENDER_INDEX,
                  f"{name}: initiation")
    core = observer("channels", initiator)
    core.datagram("core", initiation)
    check_refused(lambda octets: core.datagram("core", octets), response, SENDER_INDEX,
                  f"{name}: response")
    named = copy.deepcopy(responder)
    named["initiator"]["name"] = "c.example"
    same(refusal(observer("channels", named).datagram, "core", initiation), "handshake",
         f"{name}: a hello in another core's name")
    if int(entry["psk"], 16):
        core = observer("channels", without_psk(initiator))
        core.datagram("core", initiation)
        same(refusal(core.datagram, "core", response), "handshake", f"{name}: without the psk")


def sealed_sessions(entry):
    """index -> session, as each side of the channel holds them."""
    return {
        entry["responder"]["index"]:
            seal.Session(bytes.fromhex(entry["initiator_to_responder"]), "core"),
        entry["initiator"]["index"]:
            seal.Session(bytes.fromhex(entry["responder_to_initiator"]), "core"),
    }


def expected_text(item):
    """The message that is sealed, or a list of those in a bundle."""
    if "bundle" in item:
        return [expected_message(message) for message in item["bundle"]]
    return expected_message(item["message"])


def check_sealed(name, place, item, index, sessions):
    """Damaged copies, the datagram itself, then a copy of it."""
    octets = bytes.fromhex(item["octets"])
    label = f"{name}: {item['message']['type_name'] if 'message' in item else 'bundle'}"
    session, expected = sessions[index], expected_text(item)
    number = int(item["counter"])
    same(seal.read_sealed(octets, place), (index, number),
         f"{label}: index and counter")
    same(seal.seal_datagram(session.key, index, number, expected).hex(), octets.hex(),
         f"{label}: written")

    def receive(datagram):
        return seal.open_datagram(datagram, place, sessions)

    check_refused(receive, octets, (), label)
    same(refusal(receive, octets[:-1] + bytes([octets[-1] ^ 1])), "seal", f"{label}: wrong tag")
    same(refusal(receive, octets[:4] + b"\x55" * 4 + octets[8:]), "index", f"{label}: wrong index")
    same(refusal(receive, octets[:31]), "short", f"{label}: less than 32 octets")
    counter, message = receive(octets)
    same(counter, number, f"{label}: counter")
    for got, wanted in zip(*([text] if "message" in item else text
                             for text in (message, expected)), strict=True):
        same_message(got, wanted, f"{label}: {wanted.name} opened")
    same(refusal(receive, octets), "replay", f"{label}: seen again")


def check_channel(entry):
    check_public(entry, ("initiator", "responder"))
    check_core_handshake(entry)
    check_core_damage(entry)
    sessions = sealed_sessions(entry)
    for item in entry["sealed"]:
        to = "responder" if item["direction"] == "initiator to responder" else "initiator"
        check_sealed(entry["name"], "core clear", item, entry[to]["index"], sessions)


def check_bundles():
    """Section 4.5: what is dropped is dropped alone, and of a bundle that is cut the rest."""
    keepalive = wire.make("keepalive", 0, {})
    release = wire.make("release ACK", 7, {"REASON": "0"})
    bundle = seal.write_bundle([keepalive, release, keepalive])
    head = wire.write_head(wire.BUNDLE, 0)
    part = bundle[len(head):]

    def parts(text):
        return [part.reason if isinstance(part, Dropped) else part.name
                for part in seal.read_text(text, "core")]

    whole = ["keepalive", "release ACK", "keepalive"]
    cases = [
        (bundle, whole),
        (bundle + part, whole + whole),
        (head, ["short"]),
        (head + b"\0", ["short"]),
        (head + b"\0\0", ["short"]),
        (head + b"\0\0" + part, ["short", *whole]),
        (head + seal.LENGTH.pack(len(bundle)) + bundle + part, ["type", *whole]),
        (bundle[:-1], whole[:2] + ["short"]),
        (bundle + b"\0", whole + ["short"]),
        (head + part[:2] + b"\x3e\x02" + part[4:], ["version"] + whole[1:]),
        (seal.write_bundle([wire.make("core advertisement", 0, {
            "CORE": "a", "EPOCH": "1", "INTERVAL": "1"}), release]), ["type", "release ACK"]),
        (seal.write_bundle([wire.make("release", 7, {"REASON": "0"}), release]),
         ["missing", "release ACK"]),
    ]
    same([parts(text) for text, _ in cases], [expected for _, expected in cases], "odd bundles")
    same([refusal(seal.read_text, text, "core") for text in (
        wire.write_head(wire.BUNDLE, 1) + part, head[:1] + b"\2" + head[2:] + part, head[:7])],
        ["value", "version", "short"], "bundles whose head is wrong")
    same(refusal(seal.read_text, bundle, "access"), "type", "a bundle on the access side")


def check_window():
    """A counter is taken once, in any order, until it is behind the window."""
    key, message = bytes(range(32)), wire.make("keepalive", 0, {})
    sessions = {7: seal.Session(key, "core")}

    def receive(counter):
        return refusal(seal.open_datagram, seal.seal_datagram(key, 7, counter, message),
                       "core clear", sessions)

    got = [receive(counter) for counter in
           (5000, 4999, 5000, 2953, 2952, 0, 2 ** 63, 5001, 2 ** 63 - 2047, 2 ** 63 - 2048)]
    same(got, [None, None, "replay", None, "replay", "replay", None, "replay", None, "replay"],
         "replay window")
    padded = message._replace(skipped=b"\xf0" + bytes(wire.LONGEST))
    longest = seal.seal_datagram(key, 7, 2 ** 63 + 1, padded)
    same(refusal(seal.open_datagram, longest, "core clear", sessions), "long", "sealed, too long")
    same(refusal(seal.open_datagram, wire.write_head(3, 0) + bytes(24), "core clear", sessions),
         "value", "sealed under index 0")
    empty = wire.write_head(3, 7) + seal.COUNTER.pack(2 ** 63 + 2)
    empty += noise.encrypt(key, 2 ** 63 + 2, empty, b"")
    same(refusal(seal.open_datagram, empty, "core clear", sessions), "short", "sealed nothing")


# --- the access side ------------------------------------------------------------------------------

def access_states(entry):
    """Terminal and home core, before the first message."""
    terminal, home, index = entry["terminal"], entry["home_core"], entry["terminal"]["index"]
    psk = bytes.fromhex(entry["psk"])
    return [
        handshake.access_state(True, index, entry["realm"],
                               bytes.fromhex(terminal["static_private"]),
                               bytes.fromhex(home["static_public"]),
                               bytes.fromhex(terminal["ephemeral_private"]), psk),
        handshake.access_state(False, index, entry["realm"],
                               bytes.fromhex(home["static_private"]), None,
                               bytes.fromhex(home["ephemeral_private"]), psk),
    ]


def written(title, ident, attributes):
    return wire.write(wire.make(title, ident, attributes)).hex()


def check_discovery(entry, terminal, home):
    name, index = entry["name"], entry["terminal"]["index"]
    identity = expected_message(entry["terminal"]["identity"])
    same(handshake.access_prologue(index, entry["realm"]).hex(), entry["prologue"],
         f"{name}: prologue")
    message = terminal.write(wire.write(identity))
    same(written("core discovery", index, {"REALM": entry["realm"], "HANDSHAKE": message.hex()}),
         entry["discovery"], f"{name}: discovery written")
    discovery = wire.read(bytes.fromhex(entry["discovery"]), "access clear")
    same((discovery.id, discovery.attributes["REALM"]), (index, entry["realm"]),
         f"{name}: index and realm of the discovery")
    same_message(handshake.read_payload(
        home, bytes.fromhex(discovery.attributes["HANDSHAKE"]), "identity"), identity,
        f"{name}: identity, as the home core decrypts it")
    same(home.rs.hex(), entry["terminal"]["static_public"], f"{name}: the terminal's static key")


def check_answer(entry, terminal, home):
    """Message 2 in registration done or reject: written by the home core, read by the terminal."""
    name, kind = entry["name"], "done" if "done" in entry else "reject"
    assignment = expected_message(entry["home_core"]["assignment"])
    answer = wire.read(bytes.fromhex(entry[kind]), "access clear")
    same((answer.name, answer.id), (f"registration {kind}", entry["terminal"]["index"]),
         f"{name}: registration {kind}")
    same(home.write(wire.write(assignment)).hex(), answer.attributes["HANDSHAKE"],
         f"{name}: message 2 written")
    same_message(handshake.read_payload(
        terminal, bytes.fromhex(answer.attributes["HANDSHAKE"]), "assignment"), assignment,
        f"{name}: assignment, as the terminal decrypts it")
    return answer


def check_reject(entry, answer):
    same(written("registration reject", answer.id, {
        "HANDSHAKE": answer.attributes["HANDSHAKE"],
        "REASON": str(entry["home_core"]["assignment"]["attributes"]["REASON"])}),
        entry["reject"], f"{entry['name']}: reject written, its reason is the assignment's")


def check_keys(entry, state):
    attributes = entry["home_core"]["assignment"]["attributes"]
    counter = int(entry["terminal"]["identity"]["attributes"]["COUNTER"])
    k1, digest = state.split()[0], state.handshake_hash()
    keys = seal.derive_access(k1, digest, attributes["CORE"], counter)
    same([key.hex() for key in (digest, k1, *keys)],
         [entry[key] for key in ("handshake_hash", "k1", "root", "access_key", "up_key",
                                 "down_key")], f"{entry['name']}: keys of section 6")
    return keys


def check_done(entry, answer, down):
    """SEALED opened as the terminal does, and written as the serving core does."""
    name, registration = entry["name"], expected_message(entry["registration"])
    session = seal.Session(down, "access")
    head = bytes.fromhex(entry["done"])[:wire.HEAD.size]
    counter, opened = seal.open_registration(answer, head, session)
    same(counter, 0, f"{name}: counter of SEALED")
    same_message(opened, registration, f"{name}: registration, as the terminal opens it")
    same(opened.attributes["CORE"], entry["home_core"]["assignment"]["attributes"]["CORE"],
         f"{name}: both name the same core")
    sealed = seal.seal_registration(down, answer.id, 0, registration)
    same(written("registration done", answer.id, {
        "HANDSHAKE": answer.attributes["HANDSHAKE"], "SEALED": sealed.hex()}), entry["done"],
        f"{name}: registration done written")
    return session


def check_access_sealed(entry, keys, down):
    """The counter space of the down direction continues that of SEALED."""
    up = seal.Session(keys[2], "access")
    sessions = {entry["registration"]["id"]: up, entry["terminal"]["index"]: down}
    for item in entry["sealed"]:
        party = "registration" if item["direction"] == "up" else "terminal"
        index = entry[party]["id" if party == "registration" else "index"]
        check_sealed(entry["name"], "access clear", item, index, sessions)


def reason_octets(octets):
    """Where REASON stands in a reject: section 5.5 does not authenticate it."""
    return range(len(octets) - 2, len(octets))


def check_access_damage(entry):
    name, kind = entry["name"], "done" if "done" in entry else "reject"
    discovery, answer = bytes.fromhex(entry["discovery"]), bytes.fromhex(entry[kind])
    home = observer("registrations", party_keys(entry, "home_core", "terminal"))
    check_refused(lambda octets: home.datagram("access", octets), discovery, (),
                  f"{name}: discovery")
    keys = party_keys(entry, "terminal", "home_core")
    terminal = observer("registrations", keys)
    same(refusal(terminal.datagram, "access", answer), "index", f"{name}: {kind} of no discovery")
    terminal.datagram("access", discovery)
    spare = () if kind == "done" else reason_octets(answer)
    check_refused(lambda octets: terminal_receive(terminal, octets, kind), answer, spare,
                  f"{name}: {kind}")
    terminal = observer("registrations", without_psk(keys))
    terminal.datagram("access", discovery)
    same(refusal(terminal.datagram, "access", answer), "handshake", f"{name}: without the psk")


def terminal_receive(terminal, octets, kind):
    """A reject without HANDSHAKE is valid, but proves nothing: here it counts as refused."""
    result = terminal.datagram("access", octets)
    if kind == "reject" and "assignment" not in result:
        raise Dropped("handshake", "not authentic")


def check_registration(entry):
    check_public(entry, ("terminal", "home_core"))
    terminal, home = access_states(entry)
    check_discovery(entry, terminal, home)
    answer = check_answer(entry, terminal, home)
    if "done" in entry:
        keys = check_keys(entry, terminal)
        same(check_keys(entry, home), keys, f"{entry['name']}: the same at the home core")
        check_access_sealed(entry, keys, check_done(entry, answer, keys[3]))
    else:
        check_reject(entry, answer)
    check_access_damage(entry)


# --- handovers ------------------------------------------------------------------------------------

def move_of(entry):
    """Key and addresses of a move, and the discovery before tag and proof."""
    key = handover.handover_key(bytes.fromhex(entry["root"]), entry["target"],
                                entry["handover_counter"])
    addresses = [BY_NAME[name].kind.octets(entry[name.lower()])
                 for name in ("LINK_LAYER", "LINK_LOCAL")]
    return key, addresses


def check_move_keys(entry, discovery, key):
    counter = discovery.attributes["COUNTER"]
    arrival = handover.arrival(bytes.fromhex(entry["root"]), entry["target"],
                               entry["handover_counter"], counter)
    access = handover.access_key(key, bytes.fromhex(entry["discovery"]))
    up, down = seal.derive_directions(access)
    same([octets.hex() for octets in (key, handover.tag(key), arrival, access, up, down)],
         [entry[name] for name in ("handover_key", "tag", "arrival", "access_key", "up_key",
                                   "down_key")], f"{entry['name']}: keys of section 6.1")
    same((discovery.attributes["ARRIVAL"], counter),
         (entry["arrival"], str(entry["terminal"]["identity"]["attributes"]["COUNTER"])),
         f"{entry['name']}: arrival and counter in the discovery")
    return up, down


def check_short_proof(entry, discovery, key, addresses):
    """Written as by the terminal; every damaged copy is refused by the target, and one from other
    addresses, and one with something behind it."""
    name, octets = entry["name"], bytes.fromhex(entry["discovery"])
    bare = discovery._replace(attributes={
        other: text for other, text in discovery.attributes.items()
        if other not in ("HANDOVER_TAG", "HANDOVER_PROOF")})
    same(handover.write_discovery(bare, key, *addresses).hex(), octets.hex(),
         f"{name}: discovery written")
    same(refusal(handover.check_discovery, octets, key, *addresses), None, f"{name}: proven")
    wrong = [where for where, _, damaged in flipped(octets)
             if not refusal(handover.check_discovery, damaged, key, *addresses)]
    wrong += [number for number in range(2) if not refusal(
        handover.check_discovery, octets, key,
        *(bytes([address[0] ^ (number == turn), *address[1:]])
          for turn, address in enumerate(addresses)))]
    later = octets + wire.ATTRIBUTE_HEAD.pack(0x80, 0)
    wire.read(later, "access clear")
    if not refusal(handover.check_discovery, later, key, *addresses):
        wrong.append("longer")
    same(wrong, [], f"{name}: no other discovery is proven")


def check_full_proof(entry, discovery):
    """A core that is not prepared goes on with the handshake of the same discovery."""
    _, home = access_states(entry)
    same_message(handshake.read_payload(
        home, bytes.fromhex(discovery.attributes["HANDSHAKE"]), "identity"),
        expected_message(entry["terminal"]["identity"]), f"{entry['name']}: identity")


def check_short_done(entry, down):
    name, registration = entry["name"], expected_message(entry["registration"])
    octets = bytes.fromhex(entry["done"])
    done = wire.read(octets, "access clear")
    same((done.name, "HANDSHAKE" in done.attributes), ("registration done", False),
         f"{name}: registration done without a handshake")
    session = seal.Session(down, "access")
    counter, opened = seal.open_registration(done, octets[:wire.HEAD.size], session)
    same((counter, opened.attributes["CORE"]), (0, entry["target"]), f"{name}: counter and target")
    same_message(opened, registration, f"{name}: registration, as the terminal opens it")
    sealed = seal.seal_registration(down, done.id, 0, registration)
    same(written("registration done", done.id, {"SEALED": sealed.hex()}), entry["done"],
         f"{name}: registration done written")
    return session


def check_handover_damage(entry):
    """What a terminal takes that knows of nothing but its move."""
    keys = {name: entry[name] for name in ("root", "target", "handover_counter", "link_layer",
                                           "link_local")}
    discovery, done = (bytes.fromhex(entry[name]) for name in ("discovery", "done"))
    terminal = observer("handovers", keys)
    same(refusal(terminal.datagram, "access", done), "index",
         f"{entry['name']}: registration done of no discovery")
    same(terminal.datagram("access", discovery)["target"], entry["target"],
         f"{entry['name']}: observed")
    check_refused(lambda octets: terminal.datagram("access", octets), done, (),
                  f"{entry['name']}: registration done")
    same(refusal(observer("handovers", dict(keys, handover_counter=7)).datagram, "access",
                 discovery), "handshake", f"{entry['name']}: the tag of another move")


def check_handover(entry):
    check_public(entry, ("terminal", "home_core"))
    discovery = wire.read(bytes.fromhex(entry["discovery"]), "access clear")
    key, addresses = move_of(entry)
    up, down = check_move_keys(entry, discovery, key)
    check_short_proof(entry, discovery, key, addresses)
    check_full_proof(entry, discovery)
    check_access_sealed(entry, (None, None, up), check_short_done(entry, down))
    check_handover_damage(entry)


# --- cookies --------------------------------------------------------------------------------------

def check_cookie(entry, place, sent, keys):
    """keys: of whoever asks for proof, and of whoever gives it."""
    name = f"{entry['name']}: cookie"
    given, answer, proof = (bytes.fromhex(entry[member])
                            for member in ("cookie", "cookie_answer", "cookie_proof"))
    same(cookie.write_cookie(sent, given).hex(), answer.hex(), f"{name} is given")
    same(cookie.read_cookie(answer, place, sent), given, f"{name} is taken")
    check_refused(lambda octets: cookie.read_cookie(octets, place, sent), answer,
                  range(len(answer) - cookie.LENGTH, len(answer)), name)
    same([cookie.write_proof(given, key, sent).hex() for key in keys], [proof.hex()] * len(keys),
         f"{name} proof is made, at either end")
    same(cookie.read_proof(proof, place, given, keys[0]), sent, f"{name} proof is right")
    check_refused(lambda octets: cookie.read_proof(octets, place, given, keys[0]), proof, (),
                  f"{name} proof")


def check_cookies(golden):
    for entry in golden["channels"]:
        ends = entry["initiator"], entry["responder"]
        keys = [cookie.core_key(bytes.fromhex(own["static_private"]),
                                bytes.fromhex(other["static_public"]),
                                bytes.fromhex(entry["psk"])) for own, other in (ends, ends[::-1])]
        check_cookie(entry, "core clear", bytes.fromhex(entry["initiation"]), keys)
    for entry in golden["registrations"]:
        check_cookie(entry, "access clear", bytes.fromhex(entry["discovery"]), [None])


# --- the observer ---------------------------------------------------------------------------------

def check_observer(golden):
    """All keys in one hand: what the command does with the golden datagrams as its keys."""
    seen = Observer(golden, strict=True)
    wrong = []
    for channel, entries in (("core", golden["channels"]), ("access", golden["registrations"]),
                             ("access", golden["handovers"])):
        for entry in entries:
            for item in entry.get("sealed", ()):
                result = seen.datagram(channel, bytes.fromhex(item["octets"]))
                text = expected_text(item)
                expected = [as_mapping(message) for message in text] if "bundle" in item \
                    else as_mapping(text)
                if result["bundle" if "bundle" in item else "message"] != expected:
                    wrong.append(result)
    same(wrong, [], "an observer with all keys opens all that is sealed")


def main():
    golden = load("datagrams.json")
    check_noise()
    for entry in golden["channels"]:
        check_channel(entry)
    check_bundles()
    check_window()
    for entry in golden["registrations"]:
        check_registration(entry)
    for entry in golden["handovers"]:
        check_handover(entry)
    check_cookies(golden)
    check_observer(golden)
    return end()


if __name__ == "__main__":
    sys.exit(main())
