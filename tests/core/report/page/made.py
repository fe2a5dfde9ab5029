"""Claims and runs made by hand, and a results folder made of what is stored."""

import shutil

from PIL import Image, ImageDraw

from replications.core.base.provenance import REFERENCE
from replications.core.declare.papers import Claim
from replications.core.report.compare import Comparison
from replications.core.report.page.seen import Seen
from replications.core.report.statistics import t_interval
from replications.core.report.tables import read_table


def value(tolerance=1.0, **declared):
    """A claim about a number; `declared` is its value, such as mean=3."""
    scores = {"about": {"experiment": "e", "metric": "m"}}
    return Claim("p", "c", scores | {"value": declared, "tolerance": tolerance}, ())


def predicate(margin=0.0):
    """A claim that one score lies above another."""
    score = {"experiment": "e", "metric": "m"}
    return Claim("p", "c", {"compares": {"greater": score, "than": score, "margin": margin}}, ())


def seen(*runs, share=1.0, dataset="mnist", network="", verdict="partial"):
    """What some runs saw, by the values of the runs."""
    low, high = t_interval(runs)
    several = len(runs) > 1
    comparison = Comparison(
        paper="p", paper_label="P 2000", claim="c", says="says", where="Sec. 1", dataset=dataset,
        scores="e m", measured="m (%): e", unit="%",
        direction="lower", paper_value="3", paper_spread="", standing="read",
        ours=sum(runs) / len(runs) if runs else None, low=low if several else None,
        high=high if several else None, runs=len(runs), of=len(runs), difference=None,
        verdict=verdict if runs else "not run", tier="paper", share=share,
        share_text=f"{share:.0%}{network}", note="",
    )  # fmt: skip
    return Seen(comparison, dict(enumerate(runs)))


def results_of(folder, papers, tier="smoke"):
    """A results folder with the reference, whose smoke scores of some papers stand as yours."""
    shutil.copytree(REFERENCE, folder / "reference", ignore=shutil.ignore_patterns("figures"))
    scores = read_table(REFERENCE / f"{tier}.csv")
    for paper in papers:
        place = folder / tier / "papers" / paper
        place.mkdir(parents=True)
        scores[scores["paper"] == paper].to_parquet(place / "scores.parquet", index=False)
    return folder


def draw(path, size=(480, 320)):
    """A small figure."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line((10, 10, size[0] - 10, size[1] - 10), fill="navy", width=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
