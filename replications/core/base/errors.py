"""What goes wrong by input, files or machines, and not by a fault of the suite."""


class Expected(RuntimeError):
    """An error that is told by its message alone: what was found, and what to do."""
