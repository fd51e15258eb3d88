#!/usr/bin/env python3
"""A client that is confined plays all the same, with nothing but the server's socket."""

import ctypes
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import sound
from harness import Server, equal, expect, main, skip, test

# A mount, pid, net, ipc and uts namespace of its own: what a container is made of.
NAMESPACES = ("unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork")

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
EPERM, SYS_MREMAP, SYS_MEMFD_CREATE = 1, 25, 319  # x86_64
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, FAIL = 0x7fff0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO


def forbid(system_call):
    """Make it fail with EPERM in this process, as a strict sandbox does."""
    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8),
                    ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction))]

    instructions = (Instruction * 4)(
        Instruction(LOAD, 0, 0, 0),
        Instruction(JUMP_IF_EQUAL, 0, 1, system_call),
        Instruction(RETURN, 0, 0, FAIL | EPERM),
        Instruction(RETURN, 0, 0, ALLOW))
    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = Program(len(instructions), instructions)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                      (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def plays_exactly(transport, command=(), **options):
    made = sound.noise("S16_LE", 48000, 2, 0.5)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run(*command, "aplay", "-q", "-D", "shm", path, **options)
        server.stop()
        stream, = server.streams()
        equal("transport", transport, stream["transport"])
        played = sound.strip_silence(sound.read_wav(server.path("device.wav")))
        expect(played.data == sound.strip_silence(made).data, "other samples were played")


def may_unshare():
    return subprocess.run([*NAMESPACES, "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


if may_unshare():
    @test
    def a_client_in_namespaces_of_its_own_plays():
        plays_exactly("memfd", NAMESPACES)
else:
    skip("a client in namespaces of its own plays", "unshare is not permitted")

if os.uname().machine == "x86_64":
    @test
    def a_client_that_may_not_make_memfds_plays_over_the_socket():
        plays_exactly("socket", preexec_fn=lambda: forbid(SYS_MEMFD_CREATE))

    @test
    def a_client_that_cannot_map_a_ring_plays_over_the_socket():
        # Its pools are there; only more of them than their blocks cannot be mapped.
        plays_exactly("socket", preexec_fn=lambda: forbid(SYS_MREMAP))

    @test
    def a_client_that_cannot_map_a_ring_records_over_the_socket():
        made = sound.noise("S16_LE", 48000, 2, 0.5)
        with Server("virtual,capture=@/room.wav", prepare=lambda server: sound.write_wav(
                server.path("room.wav"), made)) as server:
            server.run("arecord", "-q", "-D", "shm", "-f", "S16_LE", "-r", 48000, "-c", 2,
                       "-s", 9600, "recorded.wav", preexec_fn=lambda: forbid(SYS_MREMAP))
            recorded = sound.read_wav(server.path("recorded.wav")).data
            server.stop()
            # Where its ring lies is known when it was agreed on.
            equal("transports", ["memfd", "socket"],
                  [stream["transport"] for stream in server.streams()])
            expect(recorded in 4 * made.data, "other samples were recorded")
else:
    skip("a client that may not make memfds plays over the socket",
         "the test knows the system call's number on x86_64 only")

if __name__ == "__main__":
    main()
