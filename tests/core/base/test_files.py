"""Locks: held by one process at a time, or told why there are none."""

import errno
import fcntl
import os

import pytest

from replications.core.base.errors import Expected
from replications.core.base.files import locked


def test_who_does_not_wait_is_told_that_another_holds_it(tmp_path):
    with locked(tmp_path / "lock", wait=False):  # noqa: SIM117 - the second fails
        with pytest.raises(BlockingIOError), locked(tmp_path / "lock", wait=False):
            pass
    with locked(tmp_path / "lock", wait=True):
        pass


def test_a_file_system_without_locks_is_named_with_what_to_do(tmp_path, monkeypatch):
    def refuse(file, kind):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    told = rf"{tmp_path}: the file system has no locks \(No locks available\): use a folder on"
    with pytest.raises(Expected, match=told), locked(tmp_path / "lock", wait=True):
        pass
