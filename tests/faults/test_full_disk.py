"""A disk that is full, or that nothing may be written on: the message names the file.

Once there is room again, the same command completes, with the same results.
"""

import errno
import re
import shutil
import subprocess
from contextlib import suppress

import pytest

from replications.core.data.catalogue import CATALOGUE, DataFile, Dataset, Files, sha256_of
from replications.core.data.fetch import fetch
from tests.faults.suite import PAPER, contents, report, run

ROOM = "size=64m"


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, empty and small; how large, `remount` says."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", ROOM, "tmpfs", str(folder)):
        pytest.skip("a small disk takes the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder, how):
    assert mount("-o", f"remount,{how}", str(folder)), how


def named(told, why):
    """The files that messages name, below the disk."""
    return set(re.findall(rf"{why}: '.*/disk/(.*?)'", told))


@pytest.mark.parametrize("size", ["16k", "64k", "256k", "512k"])
def test_runs_without_room_name_the_file_and_complete_once_there_is(
    undisturbed, disk, size, caplog
):
    remount(disk, f"size={size}")
    run(disk / "results")
    assert named(caplog.text, "No space left on device")
    assert "Traceback" not in caplog.text and "fault of the suite" not in caplog.text
    remount(disk, ROOM)
    assert run(disk / "results") == 0
    for folder in ("smoke/runs", "smoke/done"):
        assert contents(disk / "results" / folder) == contents(undisturbed / folder)


def fill(folder):
    """Take what room is left."""
    with open(folder / "filler", "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))


@pytest.mark.parametrize("kind", ["a full disk", "a disk that is read-only"])
def test_tables_and_figures_that_cannot_be_written(undisturbed, disk, kind, caplog):
    results = shutil.copytree(undisturbed, disk / "results")
    for folder in ("papers", "figures"):
        shutil.rmtree(results / "smoke" / folder)
    full = kind == "a full disk"
    if full:
        fill(disk)
    else:
        remount(disk, "ro")
    assert report(results) == 1
    why = "No space left on device" if full else "Read-only file system"
    assert (
        f"error: [Errno {errno.ENOSPC if full else errno.EROFS}] {why}: '{results}" in caplog.text
    )
    assert "Traceback" not in caplog.text
    if full:
        (disk / "filler").unlink()
    else:
        remount(disk, "rw")
    assert report(results) == 0
    assert contents(results) == contents(undisturbed)


def test_tables_stay_as_they_are_where_new_ones_find_no_room(undisturbed, disk):
    results = shutil.copytree(undisturbed, disk / "results")
    fill(disk)
    assert report(results) == 1
    assert contents(results) == contents(undisturbed)


def test_runs_on_a_disk_that_is_read_only_name_it_and_complete_once_it_is_not(
    undisturbed, disk, caplog
):
    shutil.copytree(undisturbed, disk / "results")
    (disk / f"results/smoke/runs/{PAPER}/weight_mirror/0/scores.json").unlink()
    remount(disk, "ro")
    assert run(disk / "results") == 1
    assert named(caplog.text, "Read-only file system") and "Traceback" not in caplog.text
    remount(disk, "rw")
    assert run(disk / "results") == 0
    assert contents(disk / "results") == contents(undisturbed)


def test_a_dataset_that_finds_no_room_names_its_folder_and_asks_no_other_source(
    disk, tmp_path, monkeypatch, caplog
):
    source, content = tmp_path / "mirror/large/file", bytes(range(256)) * 1024
    source.parent.mkdir(parents=True)
    source.write_bytes(content)
    files = (DataFile("file", len(content), sha256_of(source)),)
    other = Files("https://nowhere.invalid")
    monkeypatch.setitem(CATALOGUE, "large", Dataset("large", files, "", (other,)))
    mirror = f"file://{tmp_path}/mirror"
    remount(disk, "size=64k")
    with pytest.raises(OSError, match=f"No space left on device: '{disk}/large'"):
        fetch("large", disk, mirror=mirror)
    assert "nowhere" not in caplog.text and list(disk.iterdir()) == []
    remount(disk, ROOM)
    (path,) = fetch("large", disk, mirror=mirror)
    assert path.read_bytes() == content
