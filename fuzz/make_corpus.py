#!/usr/bin/env python3
"""
The seeds of the fuzz targets that read a script: what was ever found, and some that keep
to the rules. They are written as what they do, and not kept as the bytes that say so.

    make_corpus.py FOLDER       writes FOLDER/TARGET/NAME, each a seed

fuzz/corpus has besides the seeds that are texts, and what libFuzzer itself has found.
"""

import os
import struct
import sys

RING, DEFAULT, MONITOR, NOWHERE = 1, 2, 3, 5   # fuzz/hostile_client.cc, kDevices
RUNNING, DRAINING, PAUSED = 1, 2, 3
UNTOUCHED = b"\x02"                            # Packet::Mutate: as it is

EDGES = [0, 1, 2, 3, 4, 64, 480, 4096, 4800, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
         2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]


def word(value):
    """Input::TakeWord."""
    if value in EDGES:
        return bytes([EDGES.index(value)])
    return b"\x16" + struct.pack("=Q", value)


def store_bytes(offset, value):
    """Packet::Mutate: other bytes at an offset."""
    return b"\x00" + struct.pack("=HB", offset, len(value) - 1) + value


def resize(size):
    return b"\x01" + struct.pack("=H", size)


# --- fuzz/session.cc -------------------------------------------------------------------

def connect(client=0):
    return bytes([client])


def close(client=0):
    return bytes([client + 4])


def let_pass(step):
    """0: nothing, 1: 1 ms, 2: 5, 3: 10, 4: 25, 5: 100, 6: 500, 7: 3 s."""
    return bytes([8, step])


def receive(client=0):
    return bytes([client + 16])


def store(place, what, client=0):
    return bytes([client + 20, place]) + what


def send(what, mutation=UNTOUCHED, client=0):
    return bytes([client + 24]) + what + mutation


def command(wanted, is_new=True):
    return bytes([8 * wanted + (0 if is_new else 4)])


HELLO = b"\x00\x00"
OWN_POOL = b"\x01\x02"
KICK = b"\x0d"
FREE = b"\x05\x05"


def pool_of(kind, *choices):
    """kind: 0 a pair, 1 a file, 2 a folder, 3 an eventfd, 4 a memfd (size, seals)."""
    return bytes([1, 3, kind, *choices])


def open_stream(device=0, is_capture=False):
    return bytes([2, device * 2 + is_capture])


def params(over_socket=False, format_=0, channels=0, rate=0, period=0, periods=0,
           direct=1):
    """Places in the tables of fuzz/hostile_client.cc."""
    return bytes([3, over_socket + 2 * direct, format_, channels, rate, period, periods])


def data(place, frames, fill=0):
    return bytes([7, place, frames, fill])


def words(wanted, written=0, armed=1, avail_min=480, stop=2**64 - 1):
    return b"\x09" + command(wanted) + bytes([written, 1]) + word(armed) + \
        word(avail_min) + word(stop)


def greeted(device=0, is_capture=False, has_pool=True):
    return connect() + send(HELLO) + (send(OWN_POOL) if has_pool else b"") + \
        send(open_stream(device, is_capture)) + receive()


def memfd_start(written=100):
    """Write, start, and play for a while."""
    return store(12, word(2**64 - 1)) + store(0, bytes([written])) + \
        store(8, command(RUNNING)) + send(KICK) + let_pass(3) * 3


def over_socket(is_capture=False, device=0):
    return greeted(device, is_capture) + send(params(True)) + receive()


SESSION = {
    "plays": greeted() + send(params()) + receive() + memfd_start() + receive() +
             store(8, command(DRAINING, False)) + let_pass(5) * 2 + close(),
    "plays_at_another_rate": greeted() + send(params(format_=6, channels=4, rate=3)) +
                             receive() + memfd_start() + close(),
    "records": greeted(is_capture=True) + send(params()) + receive() + memfd_start(0) +
               let_pass(5) + close(),
    "records_the_monitor": greeted(MONITOR, True) + send(params()) + receive() +
                           memfd_start(0) + let_pass(5) + close(),
    "plays_over_the_socket": over_socket() + send(data(0, 250)) +
                             send(words(RUNNING, 15)) + let_pass(3) * 4 + receive() +
                             close(),
    "records_over_the_socket": over_socket(True) + send(words(RUNNING)) +
                               let_pass(4) * 4 + receive() + close(),
    "direct": greeted(RING) + send(params()) + receive() + memfd_start() +
              store(13, word(1)) + store(14, word(0)) + store(0, b"\xf0") + let_pass(3) +
              send(b"\x0b\x01") + let_pass(3) + close(),
    "direct_is_returned_twice": greeted(RING) + send(params()) + receive() +
                                send(b"\x0b\x01") * 2 + send(b"\x0b\xff") + close(),
    "both_pools_and_the_private_one": greeted() + send(params()) + send(params(True)) +
                                      send(params()) + receive() + let_pass(2) + close(),
    "parameters_again_and_again": greeted() + (send(params(rate=3)) +
                                               send(params(True, rate=6))) * 10 +
                                  let_pass(0),
    "many_rates": greeted() + b"".join(
        send(params(True), store_bytes(20, struct.pack("=I", rate)))
        for rate in (4001, 4003, 352801, 383999)) + let_pass(0),
    "dear_streams": b"".join(
        connect(c) + send(HELLO, client=c) + send(open_stream(), client=c) +
        send(params(True, 7, 6, 6), client=c) + send(words(RUNNING), client=c)
        for c in range(4)) + let_pass(3) * 3,
    "gone_while_it_plays": greeted() + send(params()) + receive() + memfd_start() +
                           close() + let_pass(3) + connect(),
    "reads_nothing": over_socket(True) + (send(words(RUNNING)) + let_pass(4)) * 20,
    "a_name_that_forges_a_line": connect() + send(
        HELLO, store_bytes(24, b" gone\x9b\n")) + send(open_stream()),
    "held_up": greeted() + send(params()) + receive() + memfd_start() + let_pass(7) +
               memfd_start(),
}

# What tests/integration/hostile.py has in its TABLE.
TABLE = {
    "anything_before_hello": connect() + send(open_stream()),
    "a_second_hello": connect() + send(HELLO) * 2,
    "another_version": connect() + send(HELLO, store_bytes(16, b"\x02")),
    "a_name_without_its_nul": connect() + send(HELLO, store_bytes(80, b"x" * 8)),
    "a_type_that_there_is_not": connect() + send(HELLO) + send(
        KICK, store_bytes(0, b"\x63")),
    "a_type_of_the_servers": connect() + send(HELLO) + send(
        KICK, store_bytes(0, b"\x12")),
    "no_such_device": greeted(NOWHERE),
    "a_direction_that_is_none": connect() + send(HELLO) + send(
        open_stream(), store_bytes(16, b"\x02")),
    "a_second_stream": greeted() + send(open_stream()),
    "parameters_before_a_stream": connect() + send(HELLO) + send(params(True)),
    "no_pool": greeted(has_pool=False) + send(params()),
    "a_second_pool": greeted() + send(pool_of(4, 0, 0)),
    "another_pools_number": greeted(has_pool=False) + send(
        pool_of(4, 0, 0), store_bytes(16, b"\x02")),
    "a_reserved_field": greeted() + send(b"\x06\x00\xe8\x03", store_bytes(20, b"\x01")),
    "a_wrong_size": greeted() + send(KICK, resize(8)),
    "a_message_that_is_too_long": greeted() + send(params(True, 7, 6)) +
                                  send(data(0, 250)),
    "data_on_no_stream": connect() + send(HELLO) + send(data(0, 2)),
    "data_with_a_pool": greeted() + send(params()) + send(data(0, 2)),
    "words_with_a_pool": greeted() + send(params()) + send(words(RUNNING)),
    "data_of_no_frames": over_socket() + send(data(0, 0)),
    "data_of_another_size": over_socket() + send(data(0, 2), store_bytes(24, b"\x03")),
    "data_of_more_than_a_buffer": greeted() + send(params(True, period=3, periods=1)) +
                                  send(data(0, 250)),
    "data_beyond_2_62": over_socket() + send(
        b"\x07\xff" + word(2**62 + 1) + b"\x01\x00"),
    "data_on_capture": over_socket(True) + send(data(0, 2)),
    "a_command_that_is_none": over_socket() + send(
        b"\x09\xff" + word(4) + b"\x00\x01" + word(1) * 3) + let_pass(3),
    "a_start_beyond_2_62": over_socket() + send(
        b"\x09" + command(RUNNING) + b"\x00\x00" + word(2**62 + 1) + word(1) * 3) +
        let_pass(3),
    "written_too_far": over_socket() + send(
        b"\x09" + command(RUNNING) + b"\xff" + word(65536) + b"\x01" + word(1) * 3) +
        let_pass(3),
    "capture_written_ahead": over_socket(True) + send(
        b"\x09" + command(RUNNING) + b"\xff" + word(2**31) + b"\x01" + word(1) * 3) +
        let_pass(3),
}
for name, what in (
        ("pipe", (0, 0)), ("socket", (0, 1)), ("file", (1,)), ("folder", (2,)),
        ("eventfd", (3,)), ("empty", (4, 1, 0)), ("small", (4, 3, 0)),
        ("huge", (4, 5, 0)), ("unsealed", (4, 0, 1)), ("half_sealed", (4, 0, 3)),
        ("sealed_write", (4, 0, 4)), ("good", (4, 0, 0))):
    TABLE["a_pool_that_is_" + name] = connect() + send(HELLO) + send(pool_of(*what)) + \
        send(open_stream()) + send(params())
TABLE["two_descriptors"] = connect() + send(HELLO) + send(
    bytes([1, 1, 4, 0, 0, 1, 4, 0, 0]))


# --- fuzz/render.cc --------------------------------------------------------------------

def stage(is_quiet=True, device_format=0, lie_every=0):
    return bytes([0 if is_quiet else 1, lie_every, device_format])


def add(kind, format_, rate=0, channels=0, period=0, periods=2, choice=0):
    """kind: 0 a player, 1 a recorder, 2 a monitor; format: that of the wire."""
    return bytes([0, kind, choice, format_ - 1, rate, channels, period, periods])


def turn(late=0):
    return bytes([5, late])


def lie_command(wanted, stream=0, is_new=True):
    return bytes([2, stream, 2 * wanted + (0 if is_new else 1)])


def lie_word(place, value, streams=1, stream=0):
    return bytes([2, 96 + (stream - 96) % streams]) + word(value) + bytes([place])


def lie_near(place, ahead, streams=1, stream=0):
    return bytes([2, 192 + (stream - 192) % streams]) + word(ahead) + bytes([place])


def lie_frames(value, streams=1, stream=0):
    return bytes([2, 64 + (stream - 64) % streams]) + (value * 32)[:32]


def played(kind, format_, *lies, is_quiet=True, device_format=0, **how):
    script = stage(is_quiet, device_format) + add(kind, format_, **how) + lie_command(
        RUNNING)
    for lie in lies:
        script += lie + turn()
    return script


def float_frames(value):
    return struct.pack("=f", value)


RENDER = {
    "a_player": played(0, 3, lie_near(0, 4800), lie_near(0, 4800), lie_near(0, 4800)),
    "a_recorder": played(1, 3, lie_near(0, 0), lie_near(0, 0), turn()),
    "a_monitor": played(2, 3, lie_near(0, 0), lie_near(0, 0), turn()),
    "a_players_end": played(0, 3, lie_near(0, 480), lie_command(DRAINING, 0, False),
                            turn(), turn()),
    "a_pause": played(0, 3, lie_near(0, 480), lie_command(PAUSED, 0, False),
                      lie_command(RUNNING, 0, False)),
    "written_is_far_behind": played(0, 3, lie_word(12, 2**64 - 1), lie_word(0, 2**63),
                                    lie_word(0, 2**63 + 1), turn()),
    # The sum of how far it is behind and the buffer was beyond 2^63.
    "written_is_half_a_count_behind": played(
        0, 3, lie_word(12, 2**64 - 1), lie_near(0, 2**63 + 600),
        lie_near(0, 2**63 + 1200), lie_near(0, 2**63 + 4800), turn()),
    "the_start_is_at_the_end_of_counting": stage() + add(0, 3) +
        lie_word(9, 2**62) + lie_word(0, 2**62) + lie_word(12, 2**64 - 1) +
        lie_command(RUNNING) + turn() * 2,
    "thresholds_at_the_edges": played(0, 3, lie_word(12, 2**63), lie_word(11, 2**63),
                                      lie_word(10, 2**64 - 1), turn()),
    "takes_more_than_there_is": played(1, 3, lie_word(0, 2**63), turn()),
    "a_tiny_ring": played(1, 3, turn(3), turn(3), period=3, periods=0),
    "another_rate": played(0, 3, lie_near(0, 4800), turn(), turn(), rate=6, channels=5),
    "a_stop_threshold_that_never_is": played(0, 14, lie_word(12, 2**64 - 1), turn(3),
                                             turn(3), rate=3),
}
for value in (1e30, 3e38, 1e-40, float("inf"), float("nan")):
    RENDER[f"floats_of_{value:g}"] = played(
        0, 11, lie_frames(float_frames(value)), lie_near(0, 480), lie_near(0, 480),
        turn(), is_quiet=False, choice=6, device_format=4)


# --- fuzz/client.cc --------------------------------------------------------------------

PLAYBACK, CAPTURE = 0, 1
ANSWER = b"\x00"
WELL = UNTOUCHED


def opened(direction=PLAYBACK, is_patient=0, has_pool=True):
    """Hello and a pool, if it has one, then StreamOpened."""
    return bytes([direction, is_patient]) + \
        ANSWER + (b"\x00" + WELL + b"\x00" + WELL if has_pool else b"\x01" + WELL) + \
        ANSWER + WELL


def set_params(*answers, period=0, periods=8, direct=1, has_pool=True):
    """PoolRegistered first, which is still awaited; then what the server does."""
    registered = ANSWER + WELL if has_pool else b""
    return bytes([120, period, periods, direct]) + registered + b"".join(answers)


PARAMS_SET = ANSWER + b"\x00" + WELL
ready = opened() + set_params(PARAMS_SET)


def any_message(what):
    """What a server sends instead of an answer, or before it."""
    return b"\x01\x00" + what + WELL


def act(what):
    """The server does something between two calls of the application."""
    return b"\x00" + what


def use(what):
    return bytes([128 + what])


def transfer(frames=480):
    return use(0) + struct.pack("=H", frames)


def granted(*descriptor, place=1 << 32 | 1):
    """A grant before the parameters are answered, and a place in it."""
    return opened() + set_params(any_message(b"\x06\x00" + bytes(descriptor)),
                                 PARAMS_SET) + \
        act(b"\x08\x09" + word(place)) + transfer() * 2


def position(state=1, frames=0, limit=480, delay=0):
    return b"\x00\x06\x00" + bytes([state]) + b"\x00" + struct.pack("=H", frames) + \
        b"\x00\x00" + struct.pack("=H", limit) + \
        (b"\x00" if delay == 0 else b"\x01" + word(delay))


DATA = any_message(b"\x02\x00" + struct.pack("=HH", 100, 64))
SERVER_WORDS = any_message(
    b"\x04\x00\x01\x00" + struct.pack("=H", 480) + b"\x00\x00" +
    struct.pack("=H", 960) + word(0) + b"\x01")
LYING_WORDS = any_message(
    b"\x04\x00\x01\x01" + word(2**64 - 1) + b"\x01" + word(2**63) + b"\x01" +
    word(2**64 - 1) + word(2**63 - 1) + b"\x01")
CLIENT = {
    "plays": ready + transfer() + use(4) + position() + transfer() + use(7) + use(12) +
             b"\x00" + use(5) + bytes([126]) + ANSWER + WELL,
    "records": opened(CAPTURE) + set_params(PARAMS_SET) + use(4) + position() +
               transfer() + use(5),
    "plays_over_the_socket": opened(PLAYBACK, 0, False) +
                             set_params(PARAMS_SET, has_pool=False) + transfer() +
                             use(4) + act(SERVER_WORDS) + transfer() + use(12) + b"\x01",
    "records_over_the_socket": opened(CAPTURE, 0, False) +
                               set_params(PARAMS_SET, has_pool=False) + use(4) +
                               act(DATA) + act(SERVER_WORDS) + transfer(),
    "words_that_lie": opened(PLAYBACK, 0, False) +
                      set_params(PARAMS_SET, has_pool=False) + transfer() + use(4) +
                      act(LYING_WORDS) + transfer() + use(9) + use(12),
    "data_before_parameters": opened(CAPTURE, 0, False) +
                              set_params(DATA, PARAMS_SET, has_pool=False),
    "data_between_parameters": opened(CAPTURE, 0, False) +
                               set_params(PARAMS_SET, has_pool=False, period=3) +
                               set_params(DATA, PARAMS_SET, has_pool=False, period=2),
    "a_grant_of_an_empty_memfd": granted(4, 1, 1),
    "a_grant_of_a_small_memfd": granted(4, 3, 1),
    "a_grant_of_a_good_memfd": granted(4, 0, 1),
    "a_grant_of_a_file": granted(1),
    "a_grant_of_a_pipe": granted(0, 0),
    "a_place_behind_the_ring": granted(4, 0, 1, place=2**64 - 1),
    "a_grant_that_is_recalled": granted(4, 0, 1) + set_params(
        any_message(b"\x08"), PARAMS_SET, has_pool=False) + transfer(),
    "a_delay_near_2_63": ready + transfer() + use(4) + position(delay=2**63 - 1) +
                         transfer() + position(delay=2**63) + transfer(),
    "a_time_at_the_end": ready + transfer() + use(4) + act(
        b"\x06\x00\x01\x00" + struct.pack("=H", 0) + b"\x01" + word(2**63 - 1) +
        b"\x01" + word(2**31) + b"\x00") + use(11) + word(2**64 - 1) * 2 +
                         transfer(4800),
    "gone": opened(PLAYBACK, 1) + set_params(PARAMS_SET) + transfer() + use(4) +
            act(b"\x0a\x00") + bytes([96, 3]) + ANSWER * 30,
    "refused": bytes([PLAYBACK, 0]) + any_message(b"\x00\x00" + word(4)),
    "no_answer": bytes([PLAYBACK, 0]) + b"\x0b" * 8,
}


# --- fuzz/codec.cc, fuzz/wav.cc --------------------------------------------------------

# The sizes of the messages of doc/protocol.md, section 2, by their number.
SIZES = {1: 88, 2: 32, 3: 24, 4: 24, 5: 88, 6: 32, 7: 80, 8: 40, 9: 16, 10: 16, 11: 24,
         12: 16, 13: 152, 14: 32, 15: 64, 16: 80, 17: 16, 18: 16, 19: 24, 20: 24, 21: 24}


def message(type_, size, fd_count=0):
    head = struct.pack("=BHHIII", fd_count, type_, fd_count, size, 7, 0)
    return head + bytes(size - 16)


CODEC = {f"message_{type_}": message(type_, size) for type_, size in SIZES.items()}
CODEC["a_descriptor"] = message(2, 32, 1)
CODEC["data_as_long_as_can_be"] = message(14, 8192)
CODEC["one_byte_more"] = message(14, 8193)
CODEC["a_text_without_its_nul"] = message(1, 88)[:25] + b"x" * 64


def wav(tag=1, channels=2, rate=48000, bits=16, frames=10, claimed=None, extra=b""):
    size = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, (rate * size) % 2**32,
                       size % 65536, bits) + extra
    body = bytes(range(1, 251)) * (frames * size // 250 + 1)
    body = body[:frames * size]
    length = len(body) if claimed is None else claimed
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + \
        struct.pack("<I", length) + body
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


WAV = {
    "bits_8": wav(bits=8), "bits_16": wav(), "bits_24": wav(bits=24),
    "bits_32": wav(bits=32), "floats": wav(3, bits=32), "doubles": wav(3, bits=64),
    "channels_32": wav(channels=32), "channels_33": wav(channels=33),
    "no_channels": wav(channels=0), "no_rate": wav(rate=0), "no_frames": wav(frames=0),
    "more_claimed": wav(claimed=2**31 - 1), "all_claimed": wav(claimed=2**32 - 1),
    "a_law": wav(6, bits=8), "gsm": wav(49, bits=0), "half_a_header": wav()[:30],
}


def main(folder):
    targets = {"client": CLIENT, "codec": CODEC, "render": RENDER,
               "session": {**SESSION, **TABLE}, "wav": WAV}
    for target, seeds in targets.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name, script in seeds.items():
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write(script)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
