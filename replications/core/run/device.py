"""Which device a run computes on. The same code runs on all of them."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from replications.core.base.files import locked

POLL_SECONDS = 0.5


def choose(name: str) -> str:
    """ "cpu", "cuda" or "mps" for a device of the configuration; "auto" takes what there is.

    Raises ValueError if the named device is not on this machine.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there.get(name):
        found = ", ".join(device for device in there if there[device])
        raise ValueError(f"device: {name} is not on this machine; it has {found} (or say auto)")
    return name


@contextmanager
def held(device: str, jobs: int = 1) -> Iterator[str]:
    """The device with an index, "cuda:1", held for this process; others pass as they are.

    Of `jobs` at a time, over all GPUs, each holds a place on one: alone if there are as many GPUs,
    else as few as possible share one. A place is held by a lock on a file named after the GPU's
    serial number, which the kernel gives back even if the process is killed. Waits for a free one.
    """
    if device != "cuda":
        yield device
        return
    serials = [torch.cuda.get_device_properties(i).uuid for i in range(torch.cuda.device_count())]
    start = Path(tempfile.gettempdir(), f"replications-gpu-{os.getuid()}")
    shared = range(max(1, math.ceil(jobs / len(serials))))
    places = [(i, f"{start}-{serial}-{n}.lock") for n in shared for i, serial in enumerate(serials)]
    while True:
        for i, file in places:
            with ExitStack() as stack:
                try:
                    stack.enter_context(locked(Path(file), wait=False))
                except BlockingIOError:
                    continue
                yield f"cuda:{i}"
                return
        time.sleep(POLL_SECONDS)
