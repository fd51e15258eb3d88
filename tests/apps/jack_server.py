"""jackd with its backend for ALSA on the PCM `shm`, and clients of its own package."""

import array
import os
import signal

import sound
from commands import RATE
from harness import expect, wait_until

PERIOD, PERIODS = 4096, 3
# Neither real-time rights nor locked memory are needed.
JACKD = ["jackd", "--no-realtime", "--no-mlock"]
BACKEND = ["-d", "alsa", "-r", RATE, "-p", PERIOD, "-n", PERIODS]
PLAYBACK = ["-P", "shm"]
DUPLEX = ["-P", "shm", "-C", "shm"]


def without_least(made):
    """To JACK, -32768 is below the least sample of 16 bits."""
    values = array.array("h", [max(-32767, value) for value in
                               array.array("h", made.data)])
    return sound.Sound(made.format, made.rate, made.channels, values.tobytes())


class Jack:
    """A jackd of its own name, and its clients."""

    def __init__(self, server, *options):
        name = f"shmd-{server.pid}"
        self._server = server
        self._environment = {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        self._jackd = self.start(*JACKD, "--name", name, *BACKEND, *options)
        # A client that looked whether it is there would hold it up: each is a change of
        # the graph, and of much locked memory.
        socket = f"/dev/shm/jack_{name}_{os.getuid()}_0"
        wait_until("jackd serves", lambda: not self._jackd.is_alive() or
                   os.path.exists(socket))
        self.require_alive()

    def require_alive(self):
        expect(self._jackd.is_alive(), "jackd has ended: " + self._jackd.errors +
               self._jackd.output)

    def start(self, *command):
        return self._server.start(*command, environment=self._environment)

    def run(self, *command):
        return self.start(*command).succeed()

    def has_late_clients(self):
        """Without real-time rights one is late now and then, and is left out."""
        return "JackEngine::XRun" in self._jackd.output + self._jackd.errors

    def start_meter(self):
        """jack_iodelay, which has no other way to say that it is there."""
        meter = self.start("stdbuf", "-oL", "jack_iodelay")
        wait_until("the meter runs", lambda: not meter.is_alive() or
                   "Signal below threshold" in meter.output)
        expect(meter.is_alive(), f"jack_iodelay has ended: {meter.errors}")
        return meter

    def ports(self):
        return self.run("jack_lsp").output.split()

    def connect(self, *ports):
        """`ports` are pairs."""
        for output, input_ in zip(ports[0::2], ports[1::2]):
            self.run("jack_connect", output, input_)

    def close(self):
        self.require_alive()
        self._jackd.signal(signal.SIGTERM)
        self._jackd.succeed()
