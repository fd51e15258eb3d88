"""Sounds for the integration tests: made, written and read as WAV, found and measured."""

import array
import math
import random
import struct

from harness import Failed, expect

# alsa-lib's name: bytes of a sample
SAMPLE_BYTES = {"U8": 1, "S8": 1, "S16_LE": 2, "S16_BE": 2, "S24_3LE": 3, "S24_3BE": 3,
                "S24_LE": 4, "S24_BE": 4, "S32_LE": 4, "S32_BE": 4, "FLOAT_LE": 4,
                "FLOAT_BE": 4, "FLOAT64_LE": 8, "FLOAT64_BE": 8}
PCM_TAG, FLOAT_TAG, EXTENSIBLE_TAG = 1, 3, 0xFFFE  # WAVE_FORMAT_…
# The rest of KSDATAFORMAT_SUBTYPE_…, after the tag.
SUBTYPE_TAIL = bytes.fromhex("000000001000800000aa00389b71")


class Sound:
    """Interleaved frames in one of alsa-lib's formats."""

    def __init__(self, format_, rate, channels, data):
        self.format, self.rate, self.channels = format_, rate, channels
        self.data = bytes(data)

    @property
    def frame_bytes(self):
        return SAMPLE_BYTES[self.format] * self.channels

    @property
    def frames(self):
        return len(self.data) // self.frame_bytes

    @property
    def seconds(self):
        return self.frames / self.rate

    def raw_options(self):
        """What tells aplay and arecord what a raw file is."""
        return ["-t", "raw", "-f", self.format, "-r", self.rate, "-c", self.channels]

    def samples(self, channel=0):
        """One channel as an array of numbers, of a format that array knows."""
        code = {"S16_LE": "h", "S32_LE": "i", "FLOAT_LE": "f", "FLOAT64_LE": "d"}
        return array.array(code[self.format], self.data)[channel::self.channels]


def noise(format_, rate, channels, seconds, seed=1):
    """Every frame differs from its neighbours, so that none can be lost unseen."""
    size = SAMPLE_BYTES[format_]
    count = int(rate * seconds) * channels
    source = random.Random(seed)
    if format_.startswith("FLOAT"):
        values = array.array("h", source.randbytes(2 * count))
        code = "f" if size == 4 else "d"
        data = array.array(code, [value / 32768 for value in values])
        if format_.endswith("_BE"):
            data.byteswap()
        return Sound(format_, rate, channels, data.tobytes())
    data = source.randbytes(size * count)
    if format_ in ("S24_LE", "S24_BE"):
        little = array.array("i", data)
        data = array.array("i", [value >> 8 for value in little])
        if format_ == "S24_BE":
            data.byteswap()
    return Sound(format_, rate, channels, data)


def tone(rate, seconds, frequency, amplitude, channels=1):
    """A sine in FLOAT_LE, the same in all channels."""
    step = 2 * math.pi * frequency / rate
    return _float_sound(rate, channels, (amplitude * math.sin(step * n)
                                         for n in range(int(rate * seconds))))


def _float_sound(rate, channels, values):
    mono = array.array("f", values)
    data = array.array("f", bytes(4 * channels * len(mono)))
    for channel in range(channels):
        data[channel::channels] = mono
    return Sound("FLOAT_LE", rate, channels, data.tobytes())


class Sweep:
    """A sine whose frequency rises linearly with time."""

    def __init__(self, start_hz, end_hz, seconds, amplitude):
        self.start_hz, self.end_hz = start_hz, end_hz
        self.seconds, self.amplitude = seconds, amplitude

    def phase(self, time_s):
        rise = (self.end_hz - self.start_hz) / self.seconds
        return 2 * math.pi * (self.start_hz * time_s + rise / 2 * time_s * time_s)

    def sound(self, rate):
        return _float_sound(rate, 1, (self.amplitude * math.sin(self.phase(n / rate))
                                      for n in range(int(rate * self.seconds))))


def in_wav(sound):
    """The sound's bytes as a WAV file has them: little endian, 24 bits in three bytes."""
    size = SAMPLE_BYTES[sound.format]
    samples = [sound.data[i::size] for i in range(size)]
    if sound.format.endswith("BE"):
        samples.reverse()
    if sound.format.startswith("S24_"):
        samples = samples[:3]
    if sound.format == "S8":
        samples = [bytes(value ^ 0x80 for value in samples[0])]
    data = bytearray(len(samples) * len(samples[0]))
    for i, part in enumerate(samples):
        data[i::len(samples)] = part
    return bytes(data)


def write_wav(path, sound):
    is_float = sound.format.startswith("FLOAT")
    tag = FLOAT_TAG if is_float else PCM_TAG
    bits = 8 * SAMPLE_BYTES[sound.format]
    is_extended = sound.channels > 2
    size = sound.frame_bytes
    head = struct.pack("<HHIIHH", EXTENSIBLE_TAG if is_extended else tag, sound.channels,
                       sound.rate, sound.rate * size, size, bits)
    if is_extended:
        mask = (1 << sound.channels) - 1
        head += struct.pack("<HHIH", 22, bits, mask, tag) + SUBTYPE_TAIL
    chunks = b"WAVE" + b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in ((b"fmt ", head), (b"data", sound.data)))
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    return path


def read_wav(path):
    with open(path, "rb") as file:
        text = file.read()
    at, head = 12, b""
    while at + 8 <= len(text):
        name, size = struct.unpack_from("<4sI", text, at)
        body = text[at + 8:at + 8 + size]
        if name == b"fmt ":
            head = body
        elif name == b"data":
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head)
            if tag == EXTENSIBLE_TAG:
                tag, = struct.unpack_from("<H", head, 24)
            formats = {(1, 8): "U8", (1, 16): "S16_LE", (1, 24): "S24_3LE",
                       (1, 32): "S32_LE", (3, 32): "FLOAT_LE", (3, 64): "FLOAT64_LE"}
            return Sound(formats[tag, bits], rate, channels, body)
        at += 8 + size + size % 2
    raise Failed(f"{path} is no WAV file with data")


def silence_byte(format_):
    return b"\x80" if format_ == "U8" else b"\0"


def require_once(what, heard, data):
    """
    `heard` must hold the frames of `data` once, unbroken, and else only silence.
    Return the frame that it begins with.
    """
    size = heard.frame_bytes
    at = heard.data.find(data)
    while at >= 0 and at % size:
        at = heard.data.find(data, at + 1)
    if at < 0:
        raise Failed(f"{what}: the {len(data) // size} frames are not in it unbroken; "
                     + first_difference(heard, data))
    quiet = silence_byte(heard.format)
    expect(not heard.data[:at].strip(quiet), f"{what}: there is sound before the first "
           f"frame, which is frame {at // size}")
    expect(not heard.data[at + len(data):].strip(quiet),
           f"{what}: there is sound after the last frame")
    return at // size


def first_difference(heard, data):
    """Words for a human: where `data` begins in `heard`, and where that goes wrong."""
    size = heard.frame_bytes
    at = heard.data.find(data[:8 * size])
    if at < 0:
        return f"not even the first 8, in {heard.frames} frames"
    same = 0
    while same < len(data) and heard.data[at + same:at + same + size] == \
            data[same:same + size]:
        same += size
    return (f"the first is frame {at // size} of {heard.frames}, and frame "
            f"{same // size} is wrong: expected {data[same:same + size].hex()}, saw "
            f"{heard.data[at + same:at + same + size].hex()}")


def strip_silence(sound):
    """The sound without the silent frames at both ends."""
    size, quiet = sound.frame_bytes, silence_byte(sound.format)
    head = len(sound.data) - len(sound.data.lstrip(quiet))
    end = -(-len(sound.data.rstrip(quiet)) // size) * size
    return Sound(sound.format, sound.rate, sound.channels,
                 sound.data[head // size * size:end])


def fit(samples, phases):
    """
    The least-squares fit of a * sin + b * cos + c at the given phases (radians).
    Return (amplitude, root of the mean square of what is left).
    """
    rows = [(math.sin(phase), math.cos(phase), 1.0) for phase in phases]
    matrix = [[math.fsum(row[i] * row[j] for row in rows) for j in range(3)]
              for i in range(3)]
    right = [math.fsum(row[i] * value for row, value in zip(rows, samples))
             for i in range(3)]
    a, b, c = _solve(matrix, right)
    rest = math.fsum((value - a * row[0] - b * row[1] - c) ** 2
                     for row, value in zip(rows, samples))
    return math.hypot(a, b), math.sqrt(rest / len(rows))


def _solve(matrix, right):
    """Gaussian elimination; the matrix is a normal one, so no pivot vanishes."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for i in range(size):
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [x - factor * y for x, y in zip(rows[j], rows[i])]
    values = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * values[j] for j in range(i + 1, size))
        values[i] = (rows[i][size] - known) / rows[i][i]
    return values


def decibels(ratio):
    return 20 * math.log10(ratio) if ratio > 0 else -math.inf
