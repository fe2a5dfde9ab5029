"""Who made a number: the commit, the libraries and the machine."""

import subprocess
import sys

import pytest

from replications.core.base import provenance
from replications.core.base.provenance import ROOT, environment, git_commit, machine, processor


def test_the_commit_is_marked_dirty_and_unknown_outside_git(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    clean = git_commit()
    assert len(clean) == 12 and int(clean, 16) >= 0
    (tmp_path / "untracked").write_text("1")
    assert git_commit() == clean
    (tmp_path / "file").write_text("2")
    assert git_commit() == f"{clean}-dirty"


def test_the_environment_names_what_numbers_depend_on():
    import platform

    import numpy
    import torch

    found = environment()
    assert found["python"] == platform.python_version()
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["numpy"] == numpy.__version__
    assert all(isinstance(value, str) and value for value in found.values())


def test_the_machine_is_named_by_processor_instructions_and_blas(monkeypatch):
    import torch

    machine.cache_clear()
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    found = machine()
    assert environment().items() >= found.items()
    assert set(found) == {"processor", "instructions", "blas"}
    own = torch.backends.cpu.get_cpu_capability()
    assert found["instructions"].startswith(own) and "MKL_CBWR=COMPATIBLE" in found["instructions"]
    assert "openblas" in found["blas"]
    machine.cache_clear()
    monkeypatch.delenv("MKL_CBWR")
    assert "MKL_CBWR" not in machine()["instructions"]
    machine.cache_clear()


def test_the_machine_has_one_name_whatever_was_imported_before():
    asked = "from replications.core.base.provenance import machine; print(machine())"
    told = [
        subprocess.run(
            [sys.executable, "-c", before + asked], cwd=ROOT, check=True, capture_output=True
        ).stdout
        for before in ("", "import sklearn.datasets, scipy.linalg; ")
    ]
    assert told[0] == told[1]


CPUINFO = """\
processor\t: 0
vendor_id\t: Some
cpu family\t: 25
model\t\t: 1
model name\t: Some CPU
stepping\t: 1

processor\t: 1
model name\t: Some CPU
"""


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (CPUINFO, "Some CPU, cpu family 25, model 1"),
        ("Features\t: fp\n", "riscv64"),
        (None, "riscv64"),
    ],
)
def test_a_processor_is_told_by_what_the_system_says(tmp_path, monkeypatch, info, told):
    if info is not None:
        (tmp_path / "cpuinfo").write_text(info)
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(provenance.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(provenance.platform, "processor", lambda: "")
    assert processor() == told
