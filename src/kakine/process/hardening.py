"""What a party's process does to itself before it reads a secret.

No core dump, no reading of its memory or environment by another process of the same account (prctl(2),
`PR_SET_DUMPABLE`: a tracer is refused and the files below `/proc/PID` belong to root), and what it makes is readable by
its own account alone. NOT prevented: root of the machine, swap (give it none, or an encrypted one), hibernation, a
hypervisor. Linux.
"""

from __future__ import annotations

import ctypes
import os
import resource

from kakine.values.problems import SettingsRefused

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
CHECK = "core-dumps"


def harden() -> None:
    """For the rest of this process. Raises `SettingsRefused` (id `core-dumps`) where the kernel does not do it."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 or resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        raise SettingsRefused(checks=[CHECK])
