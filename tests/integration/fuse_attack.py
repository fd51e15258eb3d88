"""
A file whose close never ends, for whoever closes it but its owner: on a FUSE that answers
no FLUSH. Spoken with /dev/fuse itself (linux/fuse.h); any user can have one, with
fusermount.
"""

import contextlib
import ctypes
import os
import struct
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
import attackers
LOOKUP, GETATTR, OPEN, RELEASE, FLUSH, INIT = 1, 3, 14, 18, 25, 26
IN_HEADER = struct.Struct("=IIQQIIII")  # len opcode unique nodeid uid gid pid padding
ATTRIBUTES = struct.Struct("=QQQQQQIIIIIIIIII")
MOST_REQUEST_BYTES = 1 << 17
FILE_NODE, ROOT_NODE = 2, 1
ENOSYS = 38
DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


class Mount:
    """A FUSE of `uid`, in a folder of its own. Root makes it, as fusermount would."""

    def __init__(self, uid):
        self.folder = tempfile.mkdtemp(prefix="shmd-fuse-")
        self.device = None
        try:
            self.device = os.open("/dev/fuse", os.O_RDWR)
            options = (f"fd={self.device},rootmode=40000,user_id={uid},"
                       f"group_id={uid}").encode()
            if _libc.mount(b"shmd-test", self.folder.encode(), b"fuse", 0, options):
                raise OSError(ctypes.get_errno(), "mount of a FUSE")
        except OSError:
            self.close()
            raise

    def end(self):
        """Who waits for an answer is let go."""
        _libc.umount2(self.folder.encode(), DETACH)
        self.close()

    def close(self):
        if self.device is not None:
            os.close(self.device)
        self.device = None
        os.rmdir(self.folder)


def why_not(uid):
    """Why there can be no FUSE here, or nothing."""
    try:
        Mount(uid).end()
    except OSError as error:
        return f"no FUSE can be mounted: {error}"
    return ""


def attributes(node):
    mode = 0o40755 if node == ROOT_NODE else 0o100644
    return ATTRIBUTES.pack(node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer_to(opcode, node):
    """The body of the answer, or an errno."""
    if opcode == INIT:
        return struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 16, 65536, 1, 0, 0, 0)
    if opcode == LOOKUP:
        return struct.pack("=QQQQII", FILE_NODE, 0, 60, 60, 0, 0) + attributes(FILE_NODE)
    if opcode == GETATTR:
        return struct.pack("=QII", 60, 0, 0) + attributes(node)
    if opcode == OPEN:
        return struct.pack("=QII", 1, 0, 0)
    return b"" if opcode in (FLUSH, RELEASE) else ENOSYS


def serve(device, owner):
    """Answers all but the FLUSH of others than `owner`, a thread's ID."""
    with contextlib.suppress(OSError):
        while True:
            request = os.read(device, MOST_REQUEST_BYTES)
            _, opcode, unique, node, _, _, thread, _ = IN_HEADER.unpack_from(request)
            if opcode == FLUSH and thread != owner:
                continue
            answer = answer_to(opcode, node)
            code, body = (0, answer) if isinstance(answer, bytes) else (-answer, b"")
            os.write(device, struct.pack("=IiQ", 16 + len(body), code, unique) + body)


def pass_files(path, ready, mount, way):
    """Pass open files there, which the server then has to close."""
    threading.Thread(target=serve, args=(mount.device, os.getpid()), daemon=True).start()
    name = os.path.join(mount.folder, "file")
    attackers.pass_slow_to_close(path, ready, way, lambda: os.open(name, os.O_RDONLY))
