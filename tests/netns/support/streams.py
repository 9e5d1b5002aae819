# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's probe streams in the hands of a test: what arrived of them, in which order, between two
moments. The description of the lab says which streams there are."""

import time

from system import now_us
from tap import SLOW

SETTLE = 0.4 * SLOW     # for packets that are on their way, or held
WAYS = ("down", "up")


class Streams:
    """All streams of a world. They run until stop(), and can be asked about any time after that."""

    def __init__(self, world):
        self.world = world
        self.traffic = world.lab.traffic
        self.traffic.prepare()
        begin = now_us() + 300000 * SLOW
        world.lab.begin_us = begin
        self.traffic.start(begin)
        self.series = {}
        time.sleep(0.5 * SLOW)

    def stop(self):
        """Ends all and reads what arrived."""
        time.sleep(SETTLE)
        self.traffic.stop(lambda: time.sleep(SETTLE))
        for run in self.traffic.streams:
            self.series[run.stream.node] = run.series()

    def damage(self, node, begin, end):
        """{way: (lost, reordered, duplicated)} of a node's streams between two moments (now_us())."""
        return {way: (series.lost(begin, end), *series.disorder(begin, end))
                for way, series in self.series[node].items()}
