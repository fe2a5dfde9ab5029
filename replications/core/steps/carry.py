"""Carries stored scores over a change that is shown to change no number.

A stored score belongs to the code and settings that made it, by hash. Where the code changed since
REVISION, or the settings have keys that are new since (a constant that moved into YAML, an option
that the code has learnt), every stored experiment is run shortly (core/steps/probe.py) as REVISION
had it and as it is today, on this machine, on one thread; where parameters, curves, scores and
arrays agree bit for bit, results/reference/carried.csv gets a line that leads from the one to the
other. Settings that have another value, or are gone, are never carried: a short run cannot tell
ten epochs from twenty.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import load_file
from torch import Tensor

from replications.core.base.carried import EXACT, WITHIN, Carried, Key, Line
from replications.core.base.errors import Expected
from replications.core.base.files import read_json, write_json
from replications.core.base.hashes import digest
from replications.core.base.provenance import ROOT, git
from replications.core.base.scores import maker
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.report.tables import read_table
from replications.core.steps import probe

logger = logging.getLogger(__name__)

STEPS = ("train", "score")
UNKNOWN = 2  # how argparse ends where it does not know a command
SHOWN = 5  # differences that are told of one experiment
MOST_NEW = 2  # keys that are new in one experiment's settings
Numbers = dict[str, Tensor]  # what a short run leaves, by "<step>/<what>/..."


class NotCarried(Expected):
    """Some stored scores could not be carried; the message says which, why, and what to do."""


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The tree of a commit, beside the working tree for as long as it is needed."""
    with TemporaryDirectory(prefix="replications-") as folder:
        tree = Path(folder) / commit[:12]
        git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def commit_of(revision: str) -> str:
    """The commit that a revision names. Raises ValueError if there is none, or changes wait."""
    changed = git("status", "--porcelain", "--", "replications", "workflows")
    if changed:
        raise ValueError(
            f"the working tree differs from its commit:\n{changed}\n"
            "commit it, or put it aside with `git stash -u`: a line of carried.csv is about commits"
        )
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except ValueError:
        raise ValueError(
            f"there is no revision {revision!r}: name the commit, branch or tag whose code made "
            "what is stored (`git log -- results/reference` lists them)"
        ) from None


def called(tree: Path, *arguments: str) -> subprocess.Popen:
    """A command of the suite in the code of a tree, on one thread."""
    command = [sys.executable, "-m", "replications", *arguments]
    return subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding="utf-8")  # fmt: skip


def wait_for(process: subprocess.Popen, what: str) -> None:
    """Wait for a command. Raises ValueError with the end of what it said, if it failed."""
    said, _ = process.communicate()
    if process.returncode == UNKNOWN:
        raise ValueError(
            f"{what}: that code is from before scores could be carried: name a later revision"
        )
    if process.returncode:
        raise ValueError(f"{what} failed:\n{said[-2000:]}")


def by_key(rows: Iterable[Mapping[str, str]]) -> dict[Key, dict[str, str]]:
    """Hashes by (paper, experiment, tier, step)."""
    return {
        (row["paper"], row["experiment"], row["tier"], row["step"]):
        {name: row[name] for name in ("code", "config")} for row in rows
    }  # fmt: skip


def stored(reference: Path) -> dict[Key, set[str]]:
    """What made every stored experiment and step; several if its runs differ."""
    found: dict[Key, set[str]] = {}
    for tier in TIERS:
        table = read_table(reference / f"{tier}.csv")
        for (paper, name), rows in table.groupby(["paper", "experiment"]):
            for step in STEPS:
                found[paper, name, tier, step] = set(rows[step])
    return found


def planned(
    have: Mapping[Key, set[str]],
    carried: Carried,
    old: Mapping[Key, dict[str, str]],
    new: Mapping[Key, dict[str, str]],
    settings: Callable[[Key], Mapping],
) -> tuple[dict[Key, list[str]], dict[Key, str]]:
    """What has to be carried from the hashes `old` to `new`, with the settings that are new since;
    and why the rest cannot be.

    `settings` are today's. What leads to today's hashes needs nothing; what leads to the revision's
    is carried, if its settings are those of today or lack some; all else was made otherwise.
    """
    wanted: dict[Key, list[str]] = {}
    lost: dict[Key, str] = {}
    for key, makers in have.items():
        for made in makers:
            end = carried.end(key, made)
            if key not in new:
                lost[key] = "the suite has no such experiment any more"
            elif end == maker(new[key]):
                continue
            elif key not in old or end != maker(old[key]):
                lost[key] = f"it was made by {end} (code/settings), which is not the revision's"
            elif why := incomparable(since := added(settings(key), old[key]["config"])):
                lost[key] = f"{why}: run it again"
            else:
                wanted[key] = since or []
    return wanted, lost


def incomparable(new: Sequence[str] | None) -> str:
    """Why a short run could not tell settings with `new` ones from those without; "" if it can.

    It keeps the settings, but cuts what they cost: whole numbers of the evaluation.
    """
    if new is None:
        return (
            "of its settings one has another value or is gone, or more than "
            f"{MOST_NEW} are new since the revision"
        )
    cut = [name for name in new if name.startswith("evaluation")]
    return f"{', '.join(cut)} is new, and cut short by the probe" if cut else ""


def config_of(key: Key) -> dict:
    """Today's configuration of an experiment in a tier, as a step depends on it."""
    return suite().experiment(*key[:3]).config(key[3])


def added(config: Mapping, before: str) -> list[str] | None:
    """The keys of a configuration without which it has the hash `before`; None for no such keys.

    Where a mapping is new it stands for all of its keys: "evaluation", "settings.solver.damping".
    """
    paths = list(paths_in(config))
    for count in range(MOST_NEW + 1):
        for some in combinations(paths, count):
            if digest(without(config, some)) == before:
                return [".".join(path) for path in some]
    return None


def paths_in(config: Mapping) -> Iterator[tuple[str, ...]]:
    """The path of every key, at any depth."""
    for key, value in config.items():
        yield (key,)
        if isinstance(value, Mapping):
            yield from ((key, *path) for path in paths_in(value))


def without(config: Mapping, paths: Iterable[tuple[str, ...]]) -> dict:
    """A configuration without some of its keys."""
    gone = set(paths)
    return {
        key: without(value, [p[1:] for p in gone if p[0] == key and p[1:]])
        if isinstance(value, Mapping) else value
        for key, value in config.items() if (key,) not in gone
    }  # fmt: skip


def differences(old: Numbers, new: Numbers) -> dict[str, str]:
    """What differs between the numbers of two short runs, by name, in words.

    A number that only today's code leaves is no difference: what is stored does not have it.
    """
    found = {name: "is gone" for name in old if name not in new}
    for name in old.keys() & new.keys():
        a, b = old[name], new[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            found[name] = f"{tuple(a.shape)} {a.dtype} became {tuple(b.shape)} {b.dtype}"
        elif a.ndim == 0 and not same(a, b):
            found[name] = f"{a.item():.6g} became {b.item():.6g}"
        elif not same(a, b):
            largest = float((a.double() - b.double()).abs().max())
            found[name] = f"differs by up to {largest:.3g}"
    return dict(sorted(found.items()))


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape are equal bit for bit."""
    return a.numpy().tobytes() == b.numpy().tobytes()


def tolerated(key: Key, differing: Iterable[str], old: Numbers, new: Numbers,
              tolerances: Mapping[tuple, float]) -> bool:  # fmt: skip
    """Whether every score that differs lies within the metric's tolerance of `check`.

    Parameters and arrays may differ: it is scores that are stored.
    """
    for name in differing:
        _, kind, *rest = name.split("/")
        if kind not in ("curves", "rows"):
            continue
        metric, part = rest[0], "/".join(rest[1:-1])
        if name not in new:
            return False
        allowed = tolerances.get((key[0], key[1], metric, part), 0.0)
        if not abs(float(new[name] - old[name])) <= allowed:
            return False
    return True


def short_runs(tree: Path, experiments: list, data: Path, into: Path) -> subprocess.Popen:
    """Short runs of experiments by the code of a tree, into a folder."""
    into.mkdir()
    write_json(into / "experiments.json", experiments)
    places = ("--data", str(data.resolve()))
    return called(tree, *places, "probe", str(into / "experiments.json"), str(into))


def numbers(folder: Path, experiment: tuple[str, str, str]) -> tuple[Numbers, str]:
    """What a short run left; or nothing, and what it said when it failed."""
    paper, name, tier = experiment
    error = folder / paper / name / f"{tier}.error"
    if error.exists():
        return {}, error.read_text(encoding="utf-8")
    return load_file(folder / paper / name / f"{tier}.safetensors"), ""


def judged(
    keys: Iterable[Key], old: Path, new: Path, tolerances: Mapping[tuple, float] | None
) -> tuple[dict[Key, str], dict[Key, str]]:
    """How equal the short runs are, by key, and why the others cannot be carried.

    Only a step's own numbers count for it: scores may differ where training does not.
    """
    equal: dict[Key, str] = {}
    refused: dict[Key, str] = {}
    for key in keys:
        (before, error), (after, fault) = numbers(old, key[:3]), numbers(new, key[:3])
        if error or fault:
            who = "the revision's code" if error else "today's code"
            refused[key] = f"the short run fails by {who}: {error or fault}"
            continue
        step = f"{key[3]}/"
        differing = {n: w for n, w in differences(before, after).items() if n.startswith(step)}
        if not differing:
            equal[key] = EXACT
        elif tolerances is not None and tolerated(key, differing, before, after, tolerances):
            equal[key] = WITHIN
        else:
            told = [f"    {name} {words}" for name, words in list(differing.items())[:SHOWN]]
            more = [f"    and {len(differing) - SHOWN} more"] if len(differing) > SHOWN else []
            refused[key] = "\n".join([f"{len(differing)} numbers differ:", *told, *more])
    return equal, refused


def carry(revision: str, reference: Path, data: Path, tolerances: Mapping | None) -> None:
    """Carry what is stored from the code of a revision to today's, into carried.csv.

    With `tolerances` (by paper, experiment, metric and part) scores may differ by so much. Raises
    NotCarried, with what differs and by how much, for what could not be carried; the rest is.
    """
    commit = commit_of(revision)
    carried, have = Carried(reference / "carried.csv"), stored(reference)
    with checked_out(commit) as tree, TemporaryDirectory() as folder:
        work = Path(folder)
        wait_for(called(tree, "hashes", str(work / "old.json")), f"{revision}: its hashes")
        old, new = (
            by_key(read_json(work / "old.json")),
            by_key(probe.hashes()),
        )
        wanted, lost = planned(have, carried, old, new, config_of)
        experiments = list(dict.fromkeys(key[:3] for key in wanted))
        logger.info("%d short runs by the code of %s and by today's", len(experiments), revision)
        both = {work / "old": tree, work / "new": ROOT}
        running = [short_runs(at, experiments, data, into) for into, at in both.items()]
        for process, what in zip(running, (revision, "today's code"), strict=True):
            wait_for(process, f"{what}: its short runs")
        equal, refused = judged(wanted, work / "old", work / "new", tolerances)
    lines = []
    for key, how in equal.items():
        reach = probe.reach(suite().experiment(*key[:3]))
        far = "; ".join([reach, *(f"new: {name}" for name in wanted[key])])
        lines.append(Line(*key, maker(old[key]), maker(new[key]), commit[:12], far, how))
    carried.add(lines)
    logger.info("%d of %d steps are carried", len(equal), len(wanted) + len(lost))
    if refused or lost:
        told = [f"{' '.join(key)}: {why}" for key, why in (refused | lost).items()]
        raise NotCarried(
            "\n".join(told) + f"\n{len(told)} of {len(wanted) + len(lost)} steps were not carried: "
            "undo what changes their numbers, or run them again and store them "
            "(python -m replications reference PAPER --tier T)"
        )
