#!/usr/bin/env python3
"""
Clients are killed, stopped and continued by chance, again and again, among sixteen that
play noise: what is heard of each is exact up to there, the others lose nothing, and the
server keeps no descriptor and no mapping of those that are gone.

The device has four channels, with four clients in each, which have four bits of its
samples each: so the mix can be taken apart (see victims.py).

Options (before any name of a test): --seed N, --kills N signals in all; a quarter as
many over the socket.
"""

import argparse
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import harness
import sound
from harness import (SANITIZED, Server, equal, expect, held, main, skip, test_each,
                     wait_until)
from victims import (RATE, REPEATED, SIZES, URGENT, first_difference, noise_share,
                     require_one_piece, samples_of, share_of)

harness.AT_ONCE = 1
CLIENTS, SURVIVORS = 16, 4
CHANNELS = PER_CHANNEL = 4
SAMPLE_BYTES = 2
NOISE_SECONDS = 5
BETWEEN_SECONDS = 0.028
MOST_STOPPED = 4
HEAD_FRAMES = 16
DEVICE = f"virtual,wav=@/device.wav,channels={CHANNELS}"
options = argparse.Namespace()


class Client:
    """A place among the sixteen, and the aplay that has it now."""

    def __init__(self, server, number):
        self._server, self.number = server, number
        self.name = f"client {number}"
        self.channel, self.part = divmod(number, PER_CHANNEL)
        # One sample a frame: the half of what is for two channels.
        self.share = noise_share(self.part, NOISE_SECONDS / 2)
        self._path = server.path(f"noise{number}")
        with open(self._path, "wb") as file:
            file.write(self._frames())
        self.lives = 0
        self.is_stopped = False
        self.start()

    def _frames(self):
        samples = samples_of(self.share, self.part)
        frames = bytearray(CHANNELS * len(samples))
        for byte in range(SAMPLE_BYTES):
            frames[SAMPLE_BYTES * self.channel + byte::SAMPLE_BYTES * CHANNELS] = \
                samples[byte::SAMPLE_BYTES]
        return bytes(frames)

    def start(self):
        self.lives += 1
        self._source = subprocess.Popen([*URGENT, "cat", *[self._path] * REPEATED],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.program = self._server.start(
            *URGENT, "aplay", "-q", "-D", "shm", "-t", "raw", "-f", "S16_LE", "-r", RATE,
            "-c", CHANNELS, *SIZES, stdin=self._source.stdout)
        self._source.stdout.close()

    def end(self, number=signal.SIGKILL):
        self.program.signal(number)
        self.program.wait()
        self._source.kill()
        self._source.wait()
        self.is_stopped = False

    def hit(self, source, may_stop):
        """One signal by chance."""
        kill = source.random() < 0.4
        if kill:
            self.end()
            self.start()
        elif self.is_stopped or may_stop:
            self.is_stopped = not self.is_stopped
            self.program.signal(signal.SIGSTOP if self.is_stopped else signal.SIGCONT)

    def heard_in(self, device):
        channel = bytearray(device.frames * SAMPLE_BYTES)
        for byte in range(SAMPLE_BYTES):
            channel[byte::SAMPLE_BYTES] = device.data[
                SAMPLE_BYTES * self.channel + byte::SAMPLE_BYTES * CHANNELS]
        return share_of(bytes(channel), self.part)

    def require_exact(self, device):
        """Each piece begins its noise, or goes on where the piece before it ended."""
        begins = re.escape(self.share[:HEAD_FRAMES])
        # The next aplay may start in the very frame in which the last one ends.
        pieces = [piece for run in re.findall(rb"[^\0]+", self.heard_in(device))
                  for piece in re.split(b"(?=" + begins + b")", run) if piece]
        at, begun = 0, 0
        for piece in pieces:
            if piece.startswith(self.share[:HEAD_FRAMES]):
                begun += not begun or at % len(self.share) != 0
                at = 0
            same = self._same(piece, at)
            expect(same == len(piece), f"{self.name}: a piece of {len(piece)} frames "
                   f"from frame {at} on is wrong after {same} frames")
            at += same
        expect(0 < begun <= self.lives, f"{self.name} began {begun} times in "
               f"{self.lives} lives")

    def _same(self, piece, at):
        """How much of `piece` is its noise from `at` on."""
        size = len(self.share)
        part = self.share[at % size:] + self.share * (len(piece) // size + 1)
        return first_difference(piece, part[:len(piece)])


def let_them_have_it(clients, count, source):
    due = time.monotonic()
    for _ in range(count):
        stopped = sum(client.is_stopped for client in clients)
        source.choice(clients).hit(source, stopped < MOST_STOPPED)
        due += BETWEEN_SECONDS
        time.sleep(max(0, due - time.monotonic()))


CASES = [] if SANITIZED else [("memfd", "yes", 1), ("socket", "no", 4)]
if SANITIZED:
    skip("who is killed or stopped costs no other a sample",
         "a sanitizer slows sixteen players, whose every sample is counted")


@test_each(*CASES)
def who_is_killed_or_stopped_costs_no_other_a_sample(memfd, part):
    source = random.Random(options.seed)
    with Server(DEVICE, settings=[f"memfd={memfd}"]) as server:
        survivors = [Client(server, CHANNELS * number) for number in range(SURVIVORS)]
        wait_until("they play", lambda: server.log().count("transport=") == SURVIVORS)
        before = held(server)
        others = [Client(server, number) for number in range(CLIENTS)
                  if number % CHANNELS]
        let_them_have_it(others, options.kills // part, source)
        for client in others:
            client.end()
        wait_until(f"the server holds {before} descriptors and mappings again, not "
                   f"{held(server)}", lambda: held(server) == before, 20)
        for client in survivors:
            expect(client.program.is_alive(), f"{client.name} is gone")
            client.end(signal.SIGINT)
        server.stop()
        device = sound.read_wav(server.path("device.wav"))
    for client in survivors:
        require_one_piece(client.name, client.heard_in(device), client.share)
    for client in others:
        client.require_exact(device)
    lasting = [stream["xruns"] for stream in server.stats["streams"]
               if stream["stream"] <= SURVIVORS]
    equal("xruns of the survivors", [0] * len(lasting), lasting)
    print(f"    {sum(client.lives for client in others)} lives in all")


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--kills", type=int, default=2000)
    _, rest = parser.parse_known_args(namespace=options)
    sys.argv[1:] = rest
    print(f"--seed {options.seed}", flush=True)


if __name__ == "__main__":
    parse()
    main()
