"""Nothing of the user's surroundings changes a number, a figure or a table."""

import ast
import os
import shlex
import subprocess
import sys

from replications.core.base.provenance import PACKAGE, ROOT
from tests.faults.suite import contents
from tests.workflow.runner import copy_of

PAPER = "akrout2019"  # whose smoke tier takes a second
RESULTS = "my $(touch mark) results; touch mark"  # blanks, and what a shell would do
STYLE = "lines.linewidth: 9\nfont.size: 30\naxes.facecolor: red\n"
WRONG = "raise SystemExit('a package of this name that is not the suite')\n"


def hostile(folder):
    """Variables that other programs, or their users, set."""
    (folder / "bogus" / PACKAGE).mkdir(parents=True)
    for module in ("__init__.py", "__main__.py"):
        (folder / "bogus" / PACKAGE / module).write_text(WRONG)
    (folder / "matplotlibrc").write_text(STYLE)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "no home"), "TZ": "Pacific/Kiritimati", "COLUMNS": "20",
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
        "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "PYTHONPATH": str(folder / "bogus"),
        "GIT_DIR": str(folder / "no.git"), "GIT_WORK_TREE": str(folder),
        "OMP_NUM_THREADS": "7", "MKL_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7",
        "MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(folder / "matplotlibrc"),
    }  # fmt: skip


def of_paper(folder):
    """Every file of the paper in a tier's folder but what tells how a workflow went."""
    parts = ("runs", "papers", "figures")
    return {f"{part}/{name}": content for part in parts
            for name, content in contents(folder / part / PAPER).items()
            if name != "complete.json"}  # fmt: skip


def test_a_paper_comes_out_the_same_in_hostile_surroundings(finished, tmp_path):
    """From another directory, with blanks and worse in names, strict rights, odd variables."""
    project, elsewhere = copy_of(ROOT, tmp_path / "the project"), tmp_path / "else where"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", PAPER,
               "--snakefile", str(project / "Snakefile"),
               "--config", "tier=smoke", f"papers=[{PAPER}]", f"results={RESULTS}"]  # fmt: skip
    done = subprocess.run(
        ["sh", "-c", f"umask 077; exec {shlex.join(command)}"], cwd=elsewhere,
        env=hostile(elsewhere), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-3000:]
    ours, theirs = of_paper(finished / "results/smoke"), of_paper(elsewhere / RESULTS / "smoke")
    assert len(ours) > 60 and theirs.keys() == ours.keys()
    assert [name for name, content in ours.items() if theirs[name] != content] == []
    assert not (project / "results/smoke").exists() and not (project / "data/logs").exists()
    home = {path.name for path in (elsewhere / "no home").glob("*/*")}
    assert not [*tmp_path.rglob("mark")]
    assert home <= {"matplotlib", "snakemake"}  # which keep caches of their own


def test_every_text_is_read_and_written_as_utf_8():
    """Whatever the locale: no call leaves the encoding to it."""
    left = []
    for path in [*(ROOT / PACKAGE).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).split(".")[-1]
                given = {keyword.arg for keyword in node.keywords}
                texts = name in ("read_text", "write_text") or "text" in given
                mode = ast.unparse(node.args[1]) if len(node.args) > 1 else "'r'"
                texts |= ast.unparse(node.func) == "open" and "b" not in mode
                if texts and "encoding" not in given:
                    left.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert left == []
