"""docs/add-a-rule.md, done to the letter: its files written, its commands run, in a copy."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from replications.core.base.provenance import ROOT
from tests.workflow.runner import copy_of

PAGE = ROOT / "docs" / "add-a-rule.md"
BLOCK = re.compile(r'^```(bash|python title="([^"]+)")\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def run(commands, folder):
    """The lines of a block, one after the other until one fails, in the activated environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = ["bash", "-e", "-c", commands]
    return subprocess.run(command, cwd=folder, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The project after all that the page says, and what its commands printed."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("page") / "project")
    printed = []
    for kind, path, content in BLOCK.findall(PAGE.read_text()):
        if kind == "bash":
            ended = run(content, project)
            assert ended.returncode == 0, f"{content}\n{ended.stdout[-5000:]}"
            printed.append(ended.stdout)
        else:
            (project / path).write_text(content)
    return project, printed


def test_every_step_says_what_the_page_says(done):
    _, (written, its_test, all_tests, trained, compared) = done
    assert "wrote replications/my_rule/rule.py" in written
    assert " passed" in its_test and " passed" in all_tests
    assert "within 1% of back-propagation" in trained and "| not comparable |" in trained
    assert "alignment.png" in trained and "learning_curves.png" in trained
    assert "| My rule | " in compared and "| back-propagation | " in compared
    assert " passed" in compared and "MNIST, 2 hidden layers" in compared


def test_what_it_writes_is_of_the_suites_style(done):
    project, _ = done
    for check in ("check", "format --check"):
        ended = run(f"ruff {check} replications/my_rule tests/my_rule", project)
        assert ended.returncode == 0, ended.stdout
