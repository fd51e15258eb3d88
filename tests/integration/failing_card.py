#!/usr/bin/env python3
"""
A card that sleeps, fails, goes and comes back under programs that play and record: they
notice nothing but a gap. The card is a double that the real server opens by its PCM's
name, and what it stands for is said in tests/support/card_double/pcm_shmdtest.cc.
"""

import array
import errno
import math
import re
import sys

sys.dont_write_bytecode = True
import sound
from card_double import FOREVER, POINTER, PREPARE, START, TRANSFER, CardServer
from harness import (contains, equal, expect, fails, main, test, test_each,
                     wait_until)

RATE = 48000
# A machine that is busy with other tests is later than one that plays: 200 ms are left.
EASY = ",period=9600,buffer=96000"
SIZES = ["--period-size=9600", "--buffer-size=96000"]
FALLBACK = "fallback=virtual,wav=@/fallback.wav"
RAW = ["-t", "raw", "-f", "S16_LE", "-r", RATE, "-c", 2]
USES = "playback: uses card rw S16_LE, 48000 Hz, 2 channels"


def play(server, made):
    return server.start("aplay", "-q", "-D", "shm", *SIZES,
                        sound.write_wav(server.path("made.wav"), made))


def wait_until_heard(server, seconds=0.3):
    """That much of what is played, which is never silent."""
    wait_until("the card is heard", lambda: len(
        server.heard().data.strip(b"\0")) > seconds * RATE * 4)


def require_a_part(what, heard, made, most_holes):
    """
    `heard` is `made`, from its first frame to its last and in its order, with at most so
    many holes; silence, which is not in `made`, does not count.
    """
    frames = made_frames(heard)
    place = {frame: number for number, frame in enumerate(made_frames(made))}
    equal(f"{what}: the first frame", 0, place.get(frames[0]))
    equal(f"{what}: the last frame", made.frames - 1, place.get(frames[-1]))
    numbers = [place.get(frame) for frame in frames]
    expect(None not in numbers, f"{what}: sound that nobody has played")
    holes = [n for n, step in enumerate(map(int.__sub__, numbers[1:], numbers))
             if step != 1]
    expect(all(numbers[n] < numbers[n + 1] for n in holes), f"{what}: a step back")
    expect(len(holes) <= most_holes, f"{what}: {len(holes)} holes")


def made_frames(made):
    """Each frame as a number, without the silent ones."""
    return [frame for frame in array.array("I", made.data) if frame]


def unlike_frames(seconds):
    """Stereo S16 in which no frame is silent or like another."""
    count = int(RATE * seconds)
    return sound.Sound("S16_LE", RATE, 2, array.array("I", range(1, count + 1)).tobytes())


@test
def a_wrong_part_would_be_seen():
    made = unlike_frames(0.1)
    whole = array.array("I", made.data)

    def heard(frames):
        return sound.Sound("S16_LE", RATE, 2, array.array("I", frames).tobytes())
    for what, wrong in (("a missing end", whole[:-1]), ("a missing start", whole[1:]),
                        ("two holes", whole[:9] + whole[10:20] + whole[21:]),
                        ("a frame twice", whole[:9] + whole[8:]),
                        ("a frame of nobody", whole[:9] + array.array("I", [10**9]) +
                         whole[9:])):
        fails(what, require_a_part, what, heard(wrong), made, 1)
    require_a_part("the sound itself", heard([0, 0, *whole[:9], 0, *whole[10:]]), made, 1)


@test
def a_stereo_program_plays_on_a_card_that_can_do_one_other_thing():
    seconds, amplitude = 1.5, 0.5
    tone = [round(32767 * amplitude * math.sin(2 * math.pi * 997 * n / RATE))
            for n in range(int(RATE * seconds)) for _ in range(2)]
    made = sound.Sound("S16_LE", RATE, 2, array.array("h", tone).tobytes())
    with CardServer(format_="S32_LE", rate=44100, channels=4,
                    sizes=",period=8820,buffer=88200") as server:
        play(server, made).succeed()
        server.stop()
        contains("the log", server.log(),
                 "uses card rw S32_LE, 44100 Hz, 4 channels, period 8820, buffer 88200")
        equal("xruns", 0, server.streams()[0]["xruns"])
        heard = sound.strip_silence(server.heard())
    expect(abs(heard.seconds - seconds) < 0.01, f"{heard.seconds:.3f} s were heard")
    require_tone(heard.samples(0), amplitude)
    equal("the right channel", heard.samples(0), heard.samples(1))
    for channel in (2, 3):
        expect(not any(heard.samples(channel)), f"channel {channel} is not silent")


def require_tone(samples, amplitude):
    """A second in the middle, in 32 bits at 44.1 kHz, made of 16 bits at 48 kHz."""
    middle = [sample / 2**31 for sample in samples[4410:4410 + 44100]]
    seen, rest = sound.fit(middle, [2 * math.pi * 997 * n / 44100
                                    for n in range(len(middle))])
    expect(abs(sound.decibels(seen / amplitude)) < 0.05, f"the amplitude is {seen:.4f}")
    snr = sound.decibels(seen / math.sqrt(2) / rest)
    expect(snr > 85, f"SNR {snr:.1f} dB")


@test_each(("that resumes", 0, 0), ("that must be prepared", 1, 1))
def playing_goes_on_after_a_suspend_of_a_card(cannot_resume, holes):
    made = unlike_frames(3)
    with CardServer(sizes=EASY) as server:
        server.panel["cannot_resume"] = cannot_resume
        player = play(server, made)
        wait_until_heard(server)
        server.panel.fail(errno.ESTRPIPE, POINTER | TRANSFER)
        player.succeed()
        server.stop()
        require_a_part("the card", server.heard(), made, holes)
        equal("resumes", True, server.panel["resumes"] > 0)
        expect("playback: lost" not in server.log(), "the card was given up")
        stream, = server.streams()
        equal("frames played", made.frames, stream["frames"])
        equal("xruns", 0, stream["xruns"])


@test_each(("a call", POINTER), ("a write", TRANSFER),
           ("all that follow, for a while", POINTER | TRANSFER | PREPARE | START, 4))
def playing_goes_on_after_an_error_in(calls, count=1):
    made = unlike_frames(3)
    with CardServer(sizes=EASY) as server:
        player = play(server, made)
        wait_until_heard(server)
        server.panel.fail(errno.EIO, calls, count)
        player.succeed()
        server.stop()
        require_a_part("the card", server.heard(), made, 1)
        expect("playback: lost" not in server.log(), "the card was given up")
        equal("xruns", 0, server.streams()[0]["xruns"])


@test_each(("is unplugged", errno.ENODEV, errno.ENODEV),
           ("fails, and is busy then", errno.ENODEV, errno.EBUSY))
def a_player_moves_to_the_fallback_and_back_when_a_card(fault, open_error):
    made = unlike_frames(8)
    with CardServer(FALLBACK, sizes=EASY) as server:
        player = play(server, made)
        wait_until_heard(server)
        server.panel["open_error"] = open_error
        server.panel.fail(fault, POINTER | TRANSFER, FOREVER)
        server.wait_for_log("playback: uses the fallback")
        wait_until("it is heard there", lambda: sound.read_wav(
            server.path("fallback.wav")).frames > RATE // 2)
        server.panel.plug_in()
        wait_until("the card is back", lambda: server.log().count(USES) == 2)
        player.succeed()
        server.stop()
        # The fallback has heard what is missing.
        require_a_part("the card", server.heard(), made, 1)
        require_in_order(server.log(), USES, f"playback: lost card{EASY}",
                         "playback: uses the fallback", USES)
        stream, = server.streams()
        equal("frames played", made.frames, stream["frames"])
        equal("xruns", 0, stream["xruns"])


def require_in_order(text, *parts):
    """Each of them, in this order."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        expect(found >= 0, f"there is no '{part}' at its place in the log")
        at = found + len(part)


@test
def a_card_whose_errors_do_not_end_is_left_and_taken_again_later():
    made = unlike_frames(8)
    with CardServer(FALLBACK, sizes=",period=2400,buffer=24000") as server:
        player = play(server, made)
        wait_until_heard(server)
        server.panel.fail(errno.EIO, POINTER | TRANSFER | START, FOREVER)
        server.wait_for_log("playback: uses the fallback")
        opened = server.panel["opens"]
        expect(opened < 10, f"it was opened {opened} times")
        server.panel.plug_in()
        wait_until("it is taken again", lambda: re.search(
            r"uses the fallback(?s:.)*" + USES, server.log()))
        expect(player.is_alive() or player.wait() == 0, "the player has failed")
        player.succeed()
        server.stop()
        equal("xruns", 0, server.streams()[0]["xruns"])


@test
def a_recorder_gets_silence_from_the_fallback_and_then_the_card_again():
    with CardServer(sizes=EASY) as server:
        recorder = server.start("arecord", "-q", "-D", "shm", *RAW, *SIZES, "-s",
                                8 * RATE, "recorded.raw")
        wait_until("the card captures", lambda: server.panel["calls"] > 10)
        server.panel.unplug()
        server.wait_for_log("capture: uses the fallback")
        server.panel.plug_in()
        wait_until("the card is back", lambda: server.log().count(
            "capture: uses card") == 2)
        recorder.succeed()
        server.stop()
        equal("xruns", 0, server.streams()[0]["xruns"])
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = array.array("H", file.read())[::2]
    equal("frames recorded", 8 * RATE, len(recorded))
    # The double's frames count up; a step is a hole, and silence is a run of zeros.
    steps = sum(1 for a, b in zip(recorded, recorded[1:]) if (b - a) % 65536 != 1 and a)
    silent = sum(1 for frame in recorded if frame == 0)
    expect(silent > RATE // 100, f"only {silent} frames are silent")
    expect(recorded[-1] != 0 and recorded[0] != 0, "the card is not heard at both ends")
    expect(steps <= 3, f"{steps} holes")


@test
def a_card_that_somebody_else_has_is_named_once_and_taken_when_it_is_free():
    def take(server):
        server.panel["open_error"] = errno.EBUSY
    made = unlike_frames(6)
    with CardServer(FALLBACK, "idle_timeout_ms=100", sizes=EASY, prepare=take) as server:
        player = play(server, made)
        wait_until("it was tried again", lambda: server.panel["opens"] >= 4)
        server.panel.plug_in()
        server.wait_for_log(USES)
        player.succeed()
        # The check for leaks knows a server that has no card open.
        wait_until("the card is closed again", lambda:
                   server.panel["opens"] == server.panel["closes"])
        server.stop()
        told = re.findall(r"playback: cannot use (.*)", server.log())
        equal("times that the log tells why", 1, len(told))
        contains("what it tells", told[0], f"card{EASY}: card: open for playback",
                 "Device or resource busy")
        equal("frames played", made.frames, server.streams()[0]["frames"])


if __name__ == "__main__":
    main()
