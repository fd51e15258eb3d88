"""
Clients that can be told apart in what a device has played, exactly and without searching.

The device has two channels that all clients share, and one more for each client, in which
that client alone counts its frames: 1, 2, 3 …; 0 is where it is not heard.
"""

import array
import operator
import random
import sys

sys.dont_write_bytecode = True
import sound
from harness import expect

CLIENTS = 8
SHARED = 2
CHANNELS = SHARED + CLIENTS
RATE = 48000
FRAMES = 2 * RATE
PERIOD_FRAMES = RATE // 8  # aplay's choice
COUNT_TO = 30000
# Eight of these go over what 16 bits hold now and then: saturation is seen too.
LOUDEST = 9000


class Client:
    """One aplay and what it plays, or what is left of it."""

    def __init__(self, server, number, frames=FRAMES, loudest=LOUDEST):
        self.number = number
        source = random.Random(number)
        values = range(-loudest, loudest)
        self.shared = [array.array("h", source.choices(values, k=frames))
                       for _ in range(SHARED)]
        self.count = array.array("h", (1 + n % COUNT_TO for n in range(frames)))
        frames = array.array("h", bytes(2 * CHANNELS * frames))
        for channel in range(SHARED):
            frames[channel::CHANNELS] = self.shared[channel]
        frames[SHARED + number::CHANNELS] = self.count
        made = sound.Sound("S16_LE", RATE, CHANNELS, frames.tobytes())
        self.path = sound.write_wav(server.path(f"{number}.wav"), made)
        self.first = self.heard = None

    def find_in(self, device):
        """Where its frames are in the device's: unbroken from the first on, then none."""
        count = device.samples(SHARED + self.number)
        heard = [n for n, value in enumerate(count) if value]
        expect(heard, f"client {self.number} is not heard at all")
        self.first, self.heard = heard[0], len(heard)
        expect(heard[-1] - heard[0] + 1 == self.heard,
               f"client {self.number} is heard with a gap in it")
        expect(count[self.first:self.first + self.heard] == self.count[:self.heard],
               f"client {self.number} is heard with frames lost, doubled or changed")


def require_sum(device, clients):
    """The shared channels hold the saturated sum of what is heard of each client."""
    for channel in range(SHARED):
        total = [0] * device.frames
        for client in clients:
            part = slice(client.first, client.first + client.heard)
            total[part] = map(operator.add, total[part],
                              client.shared[channel][:client.heard])
        over = sum(not -32768 <= value <= 32767 for value in total)
        expect(over > 10, f"only {over} samples saturate: that is not tested so")
        expected = array.array("h", (min(max(value, -32768), 32767) for value in total))
        seen = device.samples(channel)
        wrong = [n for n in range(len(seen)) if seen[n] != expected[n]]
        expect(not wrong, f"channel {channel}: {len(wrong)} of {len(seen)} samples are "
               f"not the sum; frame {wrong[:1]} first")
