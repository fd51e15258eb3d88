"""
Honest clients beside an attack, and what must be true of them afterwards.

Three unmodified aplay with periods of 10 ms and buffers of 100 ms play noise on the
device `main`, and an arecord records its monitor. While the attack lasts, one honest
connection after the other asks the server something, and one honest aplay after the other
starts, plays and ends:

    with Victims() as victims:
        with Attackers(victims, function):
            victims.endure(5)
        victims.require_unharmed()

Each player's samples have four bits of the sixteen to themselves, and are never 0 there,
so the mix can be taken apart exactly. The programs run under SCHED_FIFO where that is
allowed: what else the machine does is not the question.
"""

import array
import contextlib
import multiprocessing
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import (SANITIZED, SLOWNESS, Failed, Server, TooLate, equal, expect, held,
                     wait_until)

RATE = 48000
FRAME_BYTES, SAMPLE_BYTES = 4, 2
RAMP_SAMPLES = 2 * RATE // 100  # of 10 ms: kGainRampMs in render/playback_source.cc
PERIOD_FRAMES, BUFFER_FRAMES = RATE // 100, RATE // 10
SIZES = (f"--period-size={PERIOD_FRAMES}", f"--buffer-size={BUFFER_FRAMES}")
NOISE_SECONDS, NEWCOMER_SECONDS = 5, 0.4
REPEATED = 60  # so often the noise is offered: far longer than any attack
PLAYERS, NEWCOMER = range(3), 3
# The sign is the sixteenth bit, and all together are less than the most that there is.
NEWCOMER_LOUDEST = 6
# A kernel that is not preemptible keeps a processor from the server while an attacker's
# own calls walk its epoll entries, 6 to 17 ms each; a host does so, too. A control beside
# it does not always meet the same moments.
MOST_LATE = 0.02
NEVER_SECONDS = 0.25 * SLOWNESS
ANSWER_SECONDS = 0.05 * SLOWNESS
PROBE_PAUSE_SECONDS = 0.02
CONTROL_PAUSE_SECONDS = 0.002
FEWEST_PROBES = 20
HELLO_SERIAL = 77
ATTACKER_UID = 65534
PATIENCE_SECONDS = 60 * SLOWNESS
FORK = multiprocessing.get_context("fork")


def _can_be_urgent():
    return subprocess.run(["chrt", "-f", "1", "true"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


# Below the server's audio threads, above all that is ordinary.
URGENT_PRIORITY = 5
URGENT = ["chrt", "-f", str(URGENT_PRIORITY)] if _can_be_urgent() else []
LOOP_NICENESS = -11  # of the server's loop, where it is allowed: engine/realtime.h
# A program that starts takes the processor for some 50 ms. Were it more urgent than the
# server's loop, it would keep that from it, which the kernel moves to another one only now
# and then where that has other work.
HURRIED = ["nice", "-n", str(LOOP_NICENESS)] if os.geteuid() == 0 else []


def share_of(data, number):
    """What player `number` has in these S16_LE samples: a byte each, 0 for silence."""
    shift = 4 * (number % 2)
    part = data[number // 2::2]
    return part.translate(bytes((value >> shift) & 15 for value in range(256)))


def noise_share(number, seconds):
    """A byte a sample, none of them 0."""
    loudest = NEWCOMER_LOUDEST if number == NEWCOMER else 15
    source = random.Random(number).randbytes(2 * int(seconds * RATE))
    return source.translate(bytes(1 + value % loudest for value in range(256)))


def samples_of(share, number):
    """The S16_LE samples of which share_of() gives `share`."""
    shift = 4 * (number % 2)
    data = bytearray(2 * len(share))
    data[number // 2::2] = share.translate(
        bytes((value << shift) & 255 for value in range(256)))
    return bytes(data)


def first_difference(one, other):
    """The first place where the two differ; of what has an equal beginning, its end."""
    size = min(len(one), len(other))
    step = 1 << 14
    for at in range(0, size, step):
        end = min(at + step, size)
        if one[at:end] != other[at:end]:
            return next(n for n in range(at, end) if one[n] != other[n])
    return size


def saturated(data):
    """The samples that have the most there is, of which no share can be taken."""
    return [n for n, value in enumerate(array.array("h", data)) if value in
            (32767, -32768)]


def runs_of(numbers):
    """Of ascending numbers: (first, behind the last) of those that follow each other."""
    begin = end = None
    for number in numbers:
        if number != end:
            if begin is not None:
                yield begin, end
            begin = number
        end = number + 1
    if begin is not None:
        yield begin, end


def within_a_ramp(samples, size):
    """
    Those of `size` samples that lie within a gain's ramp of one of `samples`: a loud stream
    that begins or ends alone is heard there, too, and not always to saturation.
    """
    found = set()
    for begin, end in runs_of(samples):
        found.update(range(max(0, begin - RAMP_SAMPLES), min(size, end + RAMP_SAMPLES)))
    return sorted(found)


def require_one_piece(what, heard, own, overlooked=()):
    """
    All that is heard is one unbroken piece of `own`, from its first frame on. What the
    `overlooked` samples are is not looked at.
    """
    start = len(heard) - len(heard.lstrip(b"\0"))
    piece = bytearray(heard.strip(b"\0"))
    for at in overlooked:
        if start <= at < start + len(piece):
            piece[at - start] = own[(at - start) % len(own)]
    expect(len(piece) >= RATE // 2, f"{what} is heard for {len(piece) // 2} frames only")
    whole = own * (len(piece) // len(own) + 1)
    if not whole.startswith(piece):
        at = first_difference(piece, whole)
        silent = piece[at:].count(0) // 2
        raise Failed(f"{what}: frame {at // 2} of {len(piece) // 2} is not what it "
                     f"played, and {silent} frames from there on are silent")


def restored(heard, own, overlooked):
    """What is heard, with silence or `own` for the samples that are overlooked."""
    heard = bytearray(heard)
    for at in overlooked:
        heard[at] = 0
    for begin, end in runs_of(overlooked):
        if begin > 0 and heard[begin - 1]:
            start = heard.rfind(0, 0, begin) + 1
        elif end < len(heard) and heard[end]:
            behind = heard.find(0, end)
            start = (behind if behind >= 0 else len(heard)) - len(own)
        else:
            continue
        for at in range(max(begin, start), min(end, start + len(own))):
            heard[at] = own[at - start]
    return bytes(heard)


def require_whole_pieces(what, heard, own, count, overlooked=()):
    """
    `own` is heard `count` times, whole, with only silence between. What the `overlooked`
    samples are is not looked at.
    """
    pieces = [piece for piece in restored(heard, own, overlooked).split(b"\0") if piece]
    for number, piece in enumerate(pieces):
        expect(piece == own, f"{what} {number}: frame {first_difference(piece, own) // 2}"
               f" of {len(own) // 2} is not what it played; {len(piece) // 2} are heard")
    equal(f"{what}: times it is heard", count, len(pieces))


def require_part(what, recorded, played):
    """What was recorded is one piece of what was played."""
    expect(len(recorded) >= RATE, f"{what} has {len(recorded) // FRAME_BYTES} frames only")
    head = recorded[:256 * FRAME_BYTES]
    start = played.find(head)
    expect(start >= 0, f"{what}: not even its first 256 frames were played")
    same = first_difference(recorded, played[start:start + len(recorded)])
    expect(same == len(recorded), f"{what}: frame {same // FRAME_BYTES} of "
           f"{len(recorded) // FRAME_BYTES} is not what was played then")


def complaints(*checks):
    """What those of the checks that fail have to say."""
    found = []
    for check in checks:
        try:
            check()
        except Failed as failure:
            found.append(failure)
    return found


class Helper:
    """A forked process that works until it is ended, and then says what it has seen."""

    def __init__(self, function, *arguments):
        self._pipe, theirs = FORK.Pipe()
        self._process = FORK.Process(target=self._run, args=(theirs, function, arguments))
        self._process.start()
        theirs.close()

    @staticmethod
    def _run(pipe, function, arguments):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        function(pipe, *arguments)

    def finish(self):
        self._pipe.send("end")
        expect(self._pipe.poll(PATIENCE_SECONDS), "a measuring process is stuck")
        result = self._pipe.recv()
        self._process.join()
        return result

    def end(self):
        self._process.kill()
        self._process.join()


def probe(pipe, path):
    """One honest connection after the other: (start, seconds, what went wrong)."""
    if URGENT:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(URGENT_PRIORITY))
    seen = []
    while not pipe.poll(PROBE_PAUSE_SECONDS):
        start, wrong = time.monotonic(), None
        try:
            connection = pc.Connection(path, timeout=10 * SLOWNESS)
            with contextlib.closing(connection):
                # As the plugin does: both at once.
                connection.send(pc.HELLO, pc.hello_body("prober"), HELLO_SERIAL)
                connection.request(pc.OPEN_STREAM, pc.open_body(pc.PLAYBACK, "main"))
        except OSError as error:
            wrong = repr(error)
        seen.append((start, time.monotonic() - start, wrong))
    pipe.send(seen)


def echo(ours, theirs):
    theirs.close()
    with contextlib.suppress(ConnectionResetError):
        while ours.recv(1):
            ours.send(b"x")


def control(pipe):
    """How late two processes are that do nothing but answer: (start, seconds)."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, LOOP_NICENESS)
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    partner = FORK.Process(target=echo, args=(other, one))
    partner.start()
    other.close()
    seen = []
    while not pipe.poll(CONTROL_PAUSE_SECONDS):
        start = time.monotonic()
        one.send(b"x")
        one.recv(1)
        seen.append((start, time.monotonic() - start))
    one.close()
    partner.join()
    pipe.send(seen)


class Answers:
    """Measures how soon the server answers, and how late the machine itself is."""

    def __init__(self, path):
        self._control = Helper(control)
        self._probe = Helper(probe, path)

    def finish(self):
        self.probes = self._probe.finish()
        self.controls = self._control.finish()

    def end(self):
        self._probe.end()
        self._control.end()

    def worst(self):
        return max(seconds for _, seconds, _ in self.probes)

    def require_in_time(self):
        expect(len(self.probes) >= FEWEST_PROBES or self.worst() > ANSWER_SECONDS,
               f"only {len(self.probes)} requests were made")
        late = [text for text in map(self._complaint, self.probes) if text]
        if len(late) > len(self.probes) * MOST_LATE or self.worst() >= NEVER_SECONDS:
            raise TooLate(
                f"{len(late)} of {len(self.probes)} honest requests were not answered in "
                f"time, the worst after {self.worst():.3f} s: {late[:3]}")

    def _complaint(self, one):
        start, seconds, wrong = one
        if wrong:
            return f"{wrong} after {seconds:.3f} s"
        allowed = ANSWER_SECONDS + sum(
            late for at, late in self.controls if at < start + seconds and at + late > start)
        return f"{seconds:.3f} s, allowed {allowed:.3f} s" if seconds > allowed else None


def open_to_all(server):
    """Other users may reach the socket, as they may the system's server's."""
    path = server.environment["SHMD_SOCKET"]
    for folder in (server.folder, os.path.dirname(path)):
        os.chmod(folder, 0o755)
    os.chmod(path, 0o666)


class Player:
    """An aplay of noise without an end."""

    def __init__(self, server, number, device):
        self.name = f"player {number}"
        self.number = number
        self.share = noise_share(number, NOISE_SECONDS)
        path = server.path(f"noise{number}")
        with open(path, "wb") as file:
            file.write(samples_of(self.share, number))
        self._source = subprocess.Popen([*URGENT, "cat", *[path] * REPEATED],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.program = server.start(*URGENT, "aplay", "-q", "-D", device, "-t", "raw",
                                    "-f", "S16_LE", "-r", RATE, "-c", 2, *SIZES,
                                    stdin=self._source.stdout)
        self._source.stdout.close()

    def require_alive(self):
        expect(self.program.is_alive(), f"{self.name} has ended: {self.program.errors}")

    def interrupt(self):
        self.program.signal(signal.SIGINT)
        self.program.wait()

    def end(self):
        self._source.kill()
        self._source.wait()


class Victims(Server):
    """A server with `main`, and `scratch` for what may sound as it likes."""

    def __init__(self, *settings, device="virtual,wav=@/device.wav", **options):
        super().__init__("scratch=virtual", f"main={device}",
                         settings=("log_level=info", *settings), **options)
        self.players = []
        self.most_saturated = 0
        self.newcomers = 0
        self._refused = []  # newcomers, and what they said
        self._answers = None

    def __enter__(self):
        super().__enter__()
        try:
            open_to_all(self)
            self.players = [Player(self, number, "shm:main") for number in PLAYERS]
            self._newcomer = noise_share(NEWCOMER, NEWCOMER_SECONDS)
            with open(self.path("newcomer"), "wb") as file:
                file.write(samples_of(self._newcomer, NEWCOMER))
            wait_until("all players are heard", self._all_are_heard)
            self._recorder = self.start(
                *URGENT, "arecord", "-q", "-D", "shm:main.monitor", "-t", "raw", "-f",
                "S16_LE", "-r", RATE, "-c", 2, *SIZES, "recorded")
            wait_until("the recorder records", lambda: self._recorded_bytes() > RATE)
            self.before = held(self)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self._answers:
            self._answers.end()
        for player in self.players:
            player.end()
        super().__exit__(kind, error, trace)

    def _played_bytes(self):
        path = self.path("device.wav")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def _recorded_bytes(self):
        path = self.path("recorded")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def _all_are_heard(self):
        for player in self.players:
            player.require_alive()
        with contextlib.suppress(OSError), open(self.path("device.wav"), "rb") as file:
            file.seek(-FRAME_BYTES * PERIOD_FRAMES, os.SEEK_END)
            last = file.read(FRAME_BYTES)
            return all(all(share_of(last, number)) for number in PLAYERS)
        return False

    def endure(self, seconds):
        """The attack goes on for so long; honest programs come and go."""
        self._answers = Answers(self.environment["SHMD_SOCKET"])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            newcomer = self.start(*HURRIED, "aplay", "-q", "-D", "shm:main", "-t", "raw",
                                  "-f", "S16_LE", "-r", RATE, "-c", 2, *SIZES, "newcomer")
            self._refused += complaints(newcomer.succeed)
            self.newcomers += 1
        self._answers.finish()

    def require_unharmed(self, *checks):
        """
        The attack is over: look at all that must be as if there had been none, and at
        what `checks` require.
        """
        for player in self.players:
            player.require_alive()
        expect(self._recorder.is_alive(),
               "the recorder has ended: " + self._recorder.errors)
        wrong = self._refused + complaints(self._require_nothing_left)
        self._go_on_for(0.5)
        self._recorder.signal(signal.SIGINT)
        self._recorder.wait()
        for player in self.players:
            player.interrupt()
        self.stop()
        wrong += complaints(self._answers.require_in_time, *self._checks(), *checks)
        if wrong:
            kind = TooLate if all(isinstance(one, TooLate) for one in wrong) else Failed
            raise kind("\n".join(map(str, wrong)))
        print(f"    {self._summary()}", flush=True)

    def _require_nothing_left(self):
        wait_until(f"the server holds {self.before} descriptors and mappings again, not "
                   f"{held(self)}", lambda: held(self) == self.before, 20 * SLOWNESS)

    def _go_on_for(self, seconds):
        end = self._played_bytes() + int(seconds * RATE) * FRAME_BYTES
        wait_until(f"all are heard for {seconds} s more",
                   lambda: self._played_bytes() > end, 20 * SLOWNESS)

    def _summary(self):
        late = max(device["most_late_us"] for device in self.stats["devices"])
        return (f"{len(self._answers.probes)} requests were answered within "
                f"{self._answers.worst():.3f} s, {self.newcomers} newcomers played, the "
                f"audio thread was late by {late} us at most")

    def _checks(self):
        """Each raises Failed if something is wrong."""
        played = sound.read_wav(self.path("device.wav")).data
        yield self._require_no_xruns
        loud = saturated(played)
        saturated_count = len(loud)
        yield lambda: expect(saturated_count <= self.most_saturated,
                             f"{saturated_count} samples are saturated")
        loud = within_a_ramp(loud, len(played) // SAMPLE_BYTES)
        for player in self.players:
            yield lambda player=player: require_one_piece(
                player.name, share_of(played, player.number), player.share, loud)
        yield lambda: require_whole_pieces("newcomer", share_of(played, NEWCOMER),
                                           self._newcomer,
                                           self.newcomers - len(self._refused), loud)
        yield lambda: self._require_recorded(played)

    def _require_no_xruns(self):
        honest = [stream for stream in self.stats["streams"]
                  if stream["client"]["name"] in ("aplay", "arecord")]
        # Of streams that are over only the newest are in the statistics.
        expect(len(honest) > len(self.players), "the statistics lack the honest streams")
        equal("xruns of the players, the recorder and the newcomers", [0] * len(honest),
              [stream["xruns"] for stream in honest])
        expect(" late frames=" not in self.log(), f"late: {self._summary()}")

    def _require_recorded(self, played):
        with open(self.path("recorded"), "rb") as file:
            require_part("the recording", file.read(), played)


def why_no_attack():
    """Why another user's attack cannot be made here, or nothing."""
    if SANITIZED:
        return "a sanitizer slows the server, and its answers are timed here"
    return "" if os.geteuid() == 0 else "only root can act as another user"


class Attackers:
    """
    `count` processes of another user that each run function(socket path, ready, ...).

    The function calls ready() when the attack is on, with a number that says how much of
    it there is. It may go on or return; then the process stays, holding what it holds,
    until the block ends.
    """

    def __init__(self, server, function, *arguments, count=1, descriptors=None):
        self._path = server.environment["SHMD_SOCKET"]
        self._function, self._arguments = function, arguments
        self._count, self._descriptors = count, descriptors
        self._processes = []
        self.amounts = []

    def __enter__(self):
        pipes = []
        try:
            for number in range(self._count):
                ours, theirs = FORK.Pipe()
                process = FORK.Process(target=self._run, args=(theirs, number))
                process.start()
                theirs.close()
                self._processes.append(process)
                pipes.append(ours)
            self.amounts = [self._await(pipe) for pipe in pipes]
        except BaseException:
            self.__exit__()
            raise
        print(f"    {self._function.__name__}: {self.amounts}", flush=True)
        self._pipes = pipes
        return self

    @staticmethod
    def _await(pipe):
        expect(pipe.poll(PATIENCE_SECONDS), "an attacker does not get ready")
        amount = pipe.recv()
        expect(not isinstance(amount, str), f"an attacker failed: {amount}")
        return amount

    def _run(self, pipe, number):
        try:
            self._become_another()
            self._function(self._path, pipe.send, *self._arguments)
            signal.pause()
        except (pc.Refused, pc.Dropped) as error:
            # It was thrown out: it may stay, and can do no more.
            with contextlib.suppress(OSError):
                pipe.send(0)
            print(f"    attacker {number}: {error!r}", flush=True)
            signal.pause()
        except BaseException:  # pylint: disable=broad-except
            with contextlib.suppress(OSError):
                pipe.send(traceback.format_exc())
            os._exit(1)

    def _become_another(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self._descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, [self._descriptors] * 2)
        os.setgroups([])
        os.setresgid(ATTACKER_UID, ATTACKER_UID, ATTACKER_UID)
        os.setresuid(ATTACKER_UID, ATTACKER_UID, ATTACKER_UID)

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
