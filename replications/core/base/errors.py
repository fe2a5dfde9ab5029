"""What goes wrong by input, files or machines, and not by a fault of the suite."""

from pathlib import Path


class Expected(RuntimeError):
    """An error that is told by its message alone: what was found, and what to do."""


class Damaged(Expected):
    """A file that the suite wrote, `path`, is not as it was written."""

    def __init__(self, path: Path, then: str = "") -> None:
        super().__init__(f"{path} is damaged{then}")
        self.path = path
