"""What goes wrong by input, files or machines, and not by a fault of the suite."""

from pathlib import Path


class Expected(RuntimeError):
    """An error that is told by its message alone: what was found, and what to do."""


class Damaged(Expected):
    """A file that the suite wrote is not as it was written, and was removed to be made again."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        super().__init__(f"{path} is damaged, and was removed: say the same command again, which "
                         "makes it anew")  # fmt: skip
