"""A server on a card that fails when it is told to (tests/support/card_double)."""

import contextlib
import errno
import os
import struct

import sound
from harness import BUILD, Server

MODULE = os.path.join(BUILD, "tests/support/card_double/.libs",
                      "libasound_module_pcm_shmdtest.so")
STOCK = "/usr/share/alsa/alsa.conf"
# The words of struct Panel (panel.h), in its order, and the bits of fault_calls.
WORDS = ("open_error fault fault_calls fault_from fault_until cannot_resume most_frames "
         "room_frames is_manual frame calls opens closes prepares resumes").split()
POINTER, TRANSFER, PREPARE, START = 1, 2, 4, 8
FOREVER = 2**62


class Panel:
    """What a test and the card share."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._fd, 8 * len(WORDS))

    def __getitem__(self, word):
        return struct.unpack("=Q", os.pread(self._fd, 8, 8 * WORDS.index(word)))[0]

    def __setitem__(self, word, value):
        os.pwrite(self._fd, struct.pack("=Q", value), 8 * WORDS.index(word))

    def fail(self, error, calls, count=1):
        """The next `count` calls of these kinds give `error`."""
        self["fault_calls"] = 0
        self["fault"] = error
        self["fault_from"] = self["calls"]
        self["fault_until"] = min(self["calls"] + count, FOREVER)
        self["fault_calls"] = calls

    def unplug(self):
        self["open_error"] = errno.ENODEV
        self.fail(errno.ENODEV, POINTER | TRANSFER, FOREVER)

    def plug_in(self):
        self["fault_calls"] = 0
        self["open_error"] = 0

    def close(self):
        os.close(self._fd)


class CardServer(Server):
    """A server on the card "card"; what is heard there is at path("heard")."""

    def __init__(self, *settings, sizes="", format_="S16_LE", rate=48000, channels=2,
                 prepare=None):
        super().__init__(f"card{sizes}", settings=settings, prepare=self._prepare_card)
        self._format = (format_, rate, channels)
        self._prepare_more = prepare
        self.panel = None

    def _prepare_card(self, _):
        self.panel = Panel(self.path("panel"))
        format_, rate, channels = self._format
        with open(self.path("card.conf"), "w", encoding="utf-8") as file:
            file.write(f'pcm_type.shmdtest {{ lib "{MODULE}" }}\n'
                       f'pcm.card {{ type shmdtest panel "{self.path("panel")}"\n'
                       f'  heard "{self.path("heard")}" format {format_}\n'
                       f"  rate {rate} channels {channels} }}\n")
        if self._prepare_more:
            self._prepare_more(self)
        os.environ["ALSA_CONFIG_PATH"] = f"{STOCK}:{self.path('card.conf')}"

    def __enter__(self):
        try:
            return super().__enter__()
        finally:
            os.environ.pop("ALSA_CONFIG_PATH", None)  # the server has it

    def __exit__(self, *error):
        with contextlib.closing(self.panel):
            super().__exit__(*error)

    def heard(self):
        with open(self.path("heard"), "rb") as file:
            return sound.Sound(*self._format, file.read())

