#!/usr/bin/env python3
"""
Nothing another user does costs an honest client a sample: attacks by processes of another
user, each inside what that user may have, beside the honest clients of victims.py.

Each test stands for an attack that once hurt. Options (before any name of a test):
--seconds N that an attack lasts; --nice N, see --help.
"""

import argparse
import os
import resource
import sys
import time

sys.dont_write_bytecode = True
import attackers
import epoll_attack
import fuse_attack
import harness
from harness import expect, main, skip, test, test_each
from victims import (ATTACKER_UID, PERIOD_FRAMES, RATE, Attackers, Victims,
                     why_no_attack)

harness.AT_ONCE = 1  # they would disturb each other's time
USUAL_DESCRIPTORS = 1024  # the soft limit of a service or a shell
MOST_LOG_BYTES_PER_SECOND = 10000
options = argparse.Namespace()


def attack_each(*cases, why_not=""):
    """A test for each of the cases, as test_each, where there can be attackers."""
    def mark(function):
        if why := why_no_attack() or why_not:
            skip(function.__name__.replace("_", " "), why)
            return function
        return test_each(*cases)(function) if cases else test(function)
    return mark


def attack_test(function):
    return attack_each()(function)


def require_short_log(server, begun):
    seconds = time.monotonic() - begun
    written = sum(len(line) for line in server.log().splitlines()
                  if f"uid={ATTACKER_UID}" in line)
    expect(written < MOST_LOG_BYTES_PER_SECOND * seconds,
           f"{written} bytes in {seconds:.1f} s of the log are the attackers'")


def endure(function, *arguments, victims=None, **how):
    """Honest clients beside these attackers."""
    begun = time.monotonic()
    with victims or Victims() as server:
        with Attackers(server, function, *arguments, **how):
            server.endure(options.seconds)
        server.require_unharmed(lambda: require_short_log(server, begun))


@test
def without_an_attack_all_is_whole_and_in_time():
    with Victims() as server:
        server.endure(options.seconds)
        server.require_unharmed()


@attack_test
def players_with_idle_epoll_entries_make_no_wake_dear():
    endure(epoll_attack.wish_wakes, 150000, True, count=2,
           descriptors=epoll_attack.DESCRIPTORS)


@attack_test
def one_over_the_socket_makes_no_wake_dear():
    endure(epoll_attack.wish_wakes, 100000, False, descriptors=epoll_attack.DESCRIPTORS)


@attack_test
def eight_of_them_do_not_cost_real_time():
    endure(epoll_attack.wish_wakes, 60000, True, count=8,
           descriptors=epoll_attack.DESCRIPTORS)


@attack_test
def requests_of_eight_with_idle_epoll_entries_delay_no_other():
    endure(epoll_attack.ask_without_end, 60000, count=8,
           descriptors=epoll_attack.DESCRIPTORS)


@attack_each(*((way, way) for way in attackers.PASSES))
def closing_what_a_client_sent_blocks_nothing(way):
    endure(attackers.pass_slow_to_close, way, None)


@attack_each(*((way, way) for way in attackers.PASSES),
             why_not=fuse_attack.why_not(ATTACKER_UID))
def files_whose_close_never_ends_block_nothing(way):
    mount = fuse_attack.Mount(ATTACKER_UID)
    with Victims() as server:
        try:
            with Attackers(server, fuse_attack.pass_files, mount, way):
                server.endure(options.seconds)
        finally:
            mount.end()
        server.require_unharmed()


@attack_test
def connections_without_hello_take_no_place_of_another_user():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_DESCRIPTORS, hard))
    try:
        server = Victims()
        endure(attackers.keep_silent_connections, 511, victims=server)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@attack_test
def connections_that_come_and_go_delay_no_other():
    endure(attackers.come_and_go, count=4)


@attack_each(("gains", attackers.GAINS), ("parameters", attackers.SAME_PARAMS),
             ("parameters at odd rates", attackers.ODD_RATES),
             ("what is refused", attackers.REFUSED))
def requests_of_many_connections_delay_no_other(packets):
    endure(attackers.push_requests, 200, packets)


@attack_test
def clients_that_break_the_protocol_delay_no_other():
    endure(attackers.break_the_protocol, count=2)


@attack_each(("granted", attackers.GAINS), ("refused", attackers.REFUSED))
def answers_that_are_not_read_delay_no_other(packets):
    endure(attackers.leave_answers, 200, packets)


@attack_test
def the_dearest_streams_cost_no_other_a_sample():
    endure(attackers.play_constants, [attackers.DEAREST] * 25, count=4)


@attack_test
def huge_floats_that_cancel_each_other_leave_the_others_in_the_sum():
    server = Victims()
    # They start in different cycles, and may end in different ones.
    server.most_saturated = RATE
    endure(attackers.play_constants, attackers.HUGE, 2.5 * PERIOD_FRAMES / RATE,
           victims=server)


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--nice", type=int, default=0, help="of all that takes part: "
                        "-15 where the machine has other work")
    _, rest = parser.parse_known_args(namespace=options)
    sys.argv[1:] = rest


if __name__ == "__main__":
    parse()
    os.nice(options.nice)
    main()
