"""The seeds of a run: every source of its randomness has one of its own."""

from __future__ import annotations

import hashlib

# Streams that depend on the run index alone: the same index gives every method the same order of
# the data and, for equal networks, the same initial weights, so that comparisons are paired.
PAIRED = ("initialisation", "order")
SOURCES = (*PAIRED, "noise", "evaluation")


def seed(paper: str, experiment: str, index: int, source: str) -> int:
    """Seed in [0, 2^63) of one source of randomness, such as "order" or "evaluation"."""
    name = f"{source}/{index}"
    if source not in PAIRED:
        name = f"{paper}/{experiment}/{name}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
