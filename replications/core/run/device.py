"""Which device a run computes on. The same code runs on all of them."""

from __future__ import annotations

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
def held(device: str) -> Iterator[str]:
    """The device with an index, "cuda:1", held for this process alone; others pass as they are.

    A GPU is held by a lock on a file named after its serial number, so that jobs side by side
    spread over the GPUs, and the kernel gives it back even if the process is killed. Waits until
    one is free.
    """
    if device != "cuda":
        yield device
        return
    serials = [torch.cuda.get_device_properties(i).uuid for i in range(torch.cuda.device_count())]
    locks = Path(tempfile.gettempdir())
    files = [locks / f"replications-gpu-{os.getuid()}-{serial}.lock" for serial in serials]
    while True:
        for i, file in enumerate(files):
            with ExitStack() as stack:
                try:
                    stack.enter_context(locked(file, wait=False))
                except BlockingIOError:
                    continue
                yield f"cuda:{i}"
                return
        time.sleep(POLL_SECONDS)
