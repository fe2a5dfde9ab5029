"""Choosing a device, and holding a GPU alone; GPUs are pretended, waiting is without time."""

import tempfile
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import torch

from replications.core.run import device
from replications.core.run.device import choose, held

PATIENCE = 20  # s; only ever spent where a test fails


@pytest.fixture
def there(monkeypatch):
    """Say which accelerators this machine has."""

    def pretend(*names):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    return pretend


@pytest.mark.parametrize(
    ("accelerators", "chosen"),
    [((), "cpu"), (("cuda",), "cuda"), (("mps",), "mps"), (("cuda", "mps"), "cuda")],
)
def test_auto_takes_what_there_is(there, accelerators, chosen):
    there(*accelerators)
    assert choose("auto") == chosen


def test_cpu_is_always_there(there):
    for accelerators in ((), ("cuda",)):
        there(*accelerators)
        assert choose("cpu") == "cpu"


@pytest.mark.parametrize(("name", "other"), [("cuda", "mps"), ("mps", "cuda")])
def test_a_device_that_is_not_there_is_named_with_what_there_is(there, name, other):
    there(name)
    assert choose(name) == name
    there(other)
    with pytest.raises(
        ValueError, match=f"device: {name} is not on this .* has cpu, {other} .*auto"
    ):
        choose(name)


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """Pretend that this process sees GPUs of these serial numbers; locks lie in tmp_path."""

    def pretend(*serials):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(serials))
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=f"GPU-{serials[i]}")
        )

    def never(seconds):
        raise AssertionError("waits for a GPU")

    monkeypatch.setattr(device.time, "sleep", never)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pretend("a", "b")
    return pretend


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_other_devices_pass_as_they_are_and_lock_nothing(name, tmp_path, gpus):
    with held(name) as one, held(name) as two:
        assert (one, two) == (name, name)
    assert not list(tmp_path.iterdir())


def test_two_holders_get_different_gpus_and_give_them_back(gpus):
    with held("cuda") as one:
        assert one == "cuda:0"
        with held("cuda") as two:
            assert two == "cuda:1"
        with held("cuda") as again:
            assert again == "cuda:1"
    with held("cuda") as first:
        assert first == "cuda:0"


@pytest.mark.parametrize(
    ("serials", "jobs", "given"),
    [("ab", 2, "01"), ("ab", 3, "0101"), ("ab", 4, "0101"), ("a", 3, "000"), ("abc", 2, "012")],
)
def test_more_jobs_than_gpus_share_them_as_evenly_as_can_be(gpus, serials, jobs, given):
    gpus(*serials)
    with ExitStack() as holders:
        found = [holders.enter_context(held("cuda", jobs)) for _ in given]
        assert found == [f"cuda:{i}" for i in given]
        with pytest.raises(AssertionError, match="waits"):  # for one of the places, all taken
            holders.enter_context(held("cuda", jobs))


def test_a_gpu_is_given_back_after_a_failure(gpus):
    gpus("a")
    for error in (ValueError, BlockingIOError, KeyboardInterrupt):
        with pytest.raises(error, match="inside"), held("cuda"):
            raise error("inside")
    with held("cuda") as free:
        assert free == "cuda:0"


@pytest.mark.parametrize("given_back", [0, 1])
def test_a_third_waits_until_one_is_free(gpus, monkeypatch, given_back):
    waits, go_on, got = threading.Event(), threading.Event(), []

    def sleep(seconds):
        assert seconds == device.POLL_SECONDS
        waits.set()
        assert go_on.wait(PATIENCE)

    def third():
        with held("cuda") as name:
            got.append(name)

    holders = [held("cuda") for _ in range(2)]
    assert [holder.__enter__() for holder in holders] == ["cuda:0", "cuda:1"]
    monkeypatch.setattr(device.time, "sleep", sleep)
    thread = threading.Thread(target=third, daemon=True)
    thread.start()
    try:
        assert waits.wait(PATIENCE)
        assert got == []
    finally:
        holders[given_back].__exit__(None, None, None)
        go_on.set()
        thread.join(PATIENCE)
        holders[1 - given_back].__exit__(None, None, None)
    assert got == [f"cuda:{given_back}"]


def test_jobs_that_see_different_gpus_do_not_wait_for_each_other(gpus):
    """A cluster shows each job its own GPU, which each of them calls cuda:0."""
    gpus("a")
    with held("cuda") as one:
        gpus("b")
        with held("cuda") as two:
            assert (one, two) == ("cuda:0", "cuda:0")
