"""What else has the processors while something is measured."""

import glob
import os
import re

KTHREADD = "2"


class Others:
    """
    From now on: the host of a virtual machine, and programs that run already (a
    supervisor, a desktop). What is started after this, and the kernel's own threads,
    which may work for it, are not counted.
    """

    def __init__(self):
        self._stolen_ms = _stolen_ms()
        self._before_ms = {task: _task_ms(task) for pid in os.listdir("/proc")
                           if pid.isdigit() and _is_another(pid)
                           for task in glob.glob(f"/proc/{pid}/task/*")}

    def taken_ms(self):
        used = sum(max(_task_ms(task) - before, 0)
                   for task, before in self._before_ms.items())
        return round(_stolen_ms() - self._stolen_ms + used)


def _is_another(pid):
    parent = re.search(r"^PPid:\s*(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return pid != str(os.getpid()) and KTHREADD not in (pid, parent and parent[1])


def _stolen_ms():
    return 10 * int(_read("/proc/stat").split()[8])


def _task_ms(task):
    """0 if it is gone."""
    return int((_read(f"{task}/schedstat") or "0").split()[0]) / 1e6


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
