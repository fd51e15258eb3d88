"""
How late the machine itself is: a bare timer on each processor, beside the tests.

Where a host takes a processor away for a while, every program on it is late, and a test
that hears each sample fails without a fault of ours. So a test that failed while one of
these timers was late is done again, and the suite says so:

    AGAIN: NAME: the host was late by 37 ms

What fails while they are in time, or each time, has failed. Where only an answer took too
long (harness.TooLate), the test is done again, too, and the line says that the host was in
time.
"""

import contextlib
import multiprocessing
import os
import signal
import time

PERIOD_SECONDS = 0.005
# Above the server's audio thread: what is ours cannot make such a timer late.
FIFO_PRIORITY = 50
STALLS = 64  # kept of each processor, the newest
FORK = multiprocessing.get_context("fork")


def _first():
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))


def as_urgent_as(niceness):
    """For tests whose programs are ordinary ones: a timer that has no more right."""
    def become():
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
    return become


def _watch(processor, stalls, limit, become, period_seconds):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.sched_setaffinity(0, {processor})
    become()
    count, due = 0, time.monotonic()
    while True:
        due += period_seconds
        time.sleep(max(0, due - time.monotonic()))
        now = time.monotonic()
        if now - due > limit:
            at = 2 * (count % STALLS)
            stalls[at:at + 2] = [now, now - due]
            count += 1
            due = now


class Watch:
    """
    The timers run while the block does. What is forked in the block sees them, too.

    limit: seconds; less is ordinary. become: called in each timer's process.
    """

    def __init__(self, limit, become=_first, period_seconds=PERIOD_SECONDS):
        self._arguments = limit, become, period_seconds
        self._stalls = {processor: multiprocessing.RawArray("d", 2 * STALLS)
                        for processor in os.sched_getaffinity(0)}

    def __enter__(self):
        self._timers = [
            FORK.Process(target=_watch, args=(*stalls, *self._arguments), daemon=True)
            for stalls in self._stalls.items()]
        for timer in self._timers:
            timer.start()
        return self

    def __exit__(self, *_):
        for timer in self._timers:
            timer.kill()
        for timer in self._timers:
            timer.join()

    def late_since(self, begun):
        """The most that a timer was late by since then (monotonic seconds), or 0."""
        return max((stalls[at + 1] for stalls in self._stalls.values()
                    for at in range(0, 2 * STALLS, 2) if stalls[at] >= begun), default=0)
