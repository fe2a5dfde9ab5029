"""Files that are written whole or not at all, and by one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from replications.core.base.errors import Damaged, Expected


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock of a file; the kernel lets it go even if the process is killed.

    Raises BlockingIOError if another process holds it, unless it shall `wait`; Expected where the
    file system has no locks.
    """
    with open(path, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError as error:
            raise Expected(
                f"{path.parent}: the file system has no locks ({error.strerror}): use a folder on "
                "another, such as a local disk"
            ) from error
        yield


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part.

    Raises OSError with the file's name, which Python leaves out where a disk is full.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.part")  # another writer has another
    try:
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def read_json(path: Path) -> Any:
    """The value in a JSON file that the suite wrote. Raises Damaged if it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Damaged(path) from error


@contextmanager
def made_again(path: Path) -> Iterator[None]:
    """In it the output of a job is read. If it is damaged it is removed: then the job runs again.

    Raises Damaged, which says so.
    """
    try:
        yield
    except Damaged as error:
        path.unlink(missing_ok=True)
        then = ", and was removed: say the same command again, which makes it anew"
        raise Damaged(path, then) from error


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities are refused (ValueError)."""
    write_atomically(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
