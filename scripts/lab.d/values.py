# SPDX-License-Identifier: GPL-2.0-or-later
"""Values in the description of a lab: a function each that takes a word, or raises ValueError."""

import ipaddress
import re

UNITS = {"us": 1, "ms": 1000, "s": 1000000, "min": 60000000}


def parse_time(text):
    """'50ms', '20us', '1.5s', '30min' or plain seconds; microseconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min)?", text)
    if not match:
        raise ValueError(f"'{text}' is not a time (50ms, 1.5s)")
    return round(float(match.group(1)) * UNITS[match.group(2) or "s"])


def parse_loss(text):
    """'0.1%'; a fraction."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%", text)
    if not match or float(match.group(1)) > 100:
        raise ValueError(f"'{text}' is not a loss (0.1%)")
    return float(match.group(1)) / 100


def parse_rate(text):
    """'2Mbit', '500kbit'; bits per second."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kM])bit", text)
    if not match:
        raise ValueError(f"'{text}' is not a rate (500kbit, 2Mbit)")
    return round(float(match.group(1)) * {"k": 1000, "M": 1000000}[match.group(2)])


def parse_family(text):
    """'ipv4' or 'ipv6'; 4 or 6."""
    if text not in ("ipv4", "ipv6"):
        raise ValueError(f"'{text}' is not ipv4 or ipv6")
    return int(text[3])


def one_of(*words):
    """A parser for one of a few words."""
    def parse(text):
        if text not in words:
            raise ValueError(f"'{text}' is not one of {', '.join(words)}")
        return text
    return parse


def parse_yes(text):
    """'yes' or 'no'."""
    return one_of("yes", "no")(text) == "yes"


def parse_names(text):
    """Names separated by commas."""
    return [name for name in text.split(",") if name]


def parse_place(text):
    """'48.1,11.6'; degrees north and east."""
    lat, comma, lon = text.partition(",")
    if not comma or abs(float(lat)) > 90 or abs(float(lon)) > 180:
        raise ValueError(f"'{text}' is not LAT,LON in degrees")
    return float(lat), float(lon)


def parse_network(version):
    """A parser for a network of one IP version, or 'none'."""
    def parse(text):
        if text == "none":
            return ""
        network = ipaddress.ip_network(text)
        if network.version != version:
            raise ValueError(f"'{text}' is not IPv{version}")
        return str(network)
    return parse


def parse_address(version):
    """A parser for an address of one IP version."""
    def parse(text):
        address = ipaddress.ip_address(text)
        if address.version != version:
            raise ValueError(f"'{text}' is not IPv{version}")
        return str(address)
    return parse


def parse_number(least, most):
    """A parser for a whole number in a range."""
    def parse(text):
        value = int(text)
        if not least <= value <= most:
            raise ValueError(f"{text} is not between {least} and {most}")
        return value
    return parse


def nth_address(network, number):
    """Address `number` of a network, as text."""
    return str(ipaddress.ip_network(network)[number])


def nth_subnet(network, number):
    """The number-th /56 of a network, as text."""
    pool = ipaddress.ip_network(network)
    step = 1 << (pool.max_prefixlen - 56)
    return f"{pool.network_address + number * step}/56"
