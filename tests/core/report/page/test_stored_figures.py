"""Figures: which are stored, of which tier, how small; and how the page embeds them."""

from base64 import b64decode
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from replications.core.report.page.pictures import pairs
from replications.core.report.stored_figures import (
    DPI,
    digests,
    read_figures,
    shrunk,
    store_figures,
    tiers,
    wanted,
)
from replications.core.report.tables import COLUMNS
from tests.core.report.page.made import draw

PAPER = SimpleNamespace(
    name="toy",
    claims=[],
    figures={"both": {"caption": "Two.", "experiments": ["a", "b"]},
             "one": {"caption": "One & only.", "experiments": ["a"]}},
    experiments=lambda tier: [SimpleNamespace(name=name, kind="model") for name in "ab"],
)  # fmt: skip


def keep(reference, drawn, tier, finished="ab", scored="ab"):
    names = list(wanted(PAPER, tier, finished, scored, reference))
    store_figures(PAPER, drawn, tier, scores_of(scored), names, reference)
    return names


def scores_of(experiments, value=1.5):
    """A long table with a score of each experiment."""
    rows = [dict.fromkeys(COLUMNS, "") | {"paper": "toy", "experiment": name, "run": 0, "step": 1,
                                          "metric": "test_error", "value": value}
            for name in experiments]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def drawn(tmp_path):
    for name in PAPER.figures:
        draw(tmp_path / "drawn" / f"{name}.png")
    return tmp_path / "drawn"


def test_a_figure_is_stored_if_all_that_it_shows_was_run(drawn, tmp_path):
    assert keep(tmp_path, drawn, "paper", finished="a") == ["one"]
    assert tiers(tmp_path) == {("toy", "one"): "paper"}
    assert not (tmp_path / "figures" / "toy" / "both.png").exists()
    assert keep(tmp_path, drawn, "paper", finished="a", scored="a") == ["both", "one"]
    assert keep(tmp_path, drawn, "paper", finished="a", scored="") == []


def test_a_smaller_tier_replaces_nothing_and_the_smoke_tier_is_not_stored(drawn, tmp_path):
    assert keep(tmp_path, drawn, "smoke") == []
    assert keep(tmp_path, drawn, "standard", finished="a") == ["one"]
    assert keep(tmp_path, drawn, "paper") == ["both", "one"]
    assert keep(tmp_path, drawn, "standard") == []
    assert keep(tmp_path, drawn, "paper") == ["both", "one"]
    assert set(tiers(tmp_path).values()) == {"paper"}


def test_a_larger_tier_replaces_a_figure_once_it_shows_as_much(drawn, tmp_path):
    assert keep(tmp_path, drawn, "standard") == ["both", "one"]
    assert keep(tmp_path, drawn, "paper", finished="a", scored="a") == ["one"]
    assert tiers(tmp_path) == {("toy", "both"): "standard", ("toy", "one"): "paper"}
    assert keep(tmp_path, drawn, "paper") == ["both", "one"]


def test_a_stored_figure_names_the_scores_that_it_shows(drawn, tmp_path):
    keep(tmp_path, drawn, "paper")
    shown = read_figures(tmp_path).set_index(["figure", "experiment"])["scores"]
    assert list(shown.index) == [("both", "a"), ("both", "b"), ("one", "a")]
    assert dict(shown["both"]) == digests(scores_of("abc"), "toy", "ab")
    for other in (scores_of("a", value=2), scores_of("a").assign(run=1)):
        assert digests(other, "toy", "a")["a"] != shown["one", "a"]
    keep(tmp_path, drawn, "paper", finished="a", scored="a")  # b's scores are gone
    assert list(read_figures(tmp_path)["experiment"]) == ["a", "a"]


def test_a_small_image_looks_the_same():
    ramp = np.linspace(0, 255, 300).astype("uint8")
    colors = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], np.uint8(90)), axis=-1)
    small = np.asarray(shrunk(Image.fromarray(colors)).convert("RGB"), dtype=int)
    assert np.abs(small - colors).max() <= 32 and np.abs(small - colors).mean() < 10


def test_a_figure_of_print_is_stored_for_a_screen_at_the_same_size():
    print_size = Image.new("RGB", (2008, 600))
    print_size.info["dpi"] = (300, 300)
    assert shrunk(print_size).size == (round(2008 * DPI / 300), 320)


def test_a_figure_stands_beside_its_twin_and_says_of_which_tier_it_is(drawn, tmp_path):
    reference, folder = tmp_path / "reference", tmp_path / "smoke"
    keep(reference, drawn, "standard")
    draw(folder / "figures" / "toy" / "one.png", size=(320, 160))
    both, one = pairs(PAPER, folder, "smoke", reference, {})
    assert [p.whose for p in one.pictures] == ["yours, smoke tier", "stored, standard tier"]
    assert [(p.width, p.height) for p in one.pictures] == [(192, 96), (288, 192)]
    for picture in one.pictures:
        encoded = picture.address.removeprefix("data:image/png;base64,")
        assert Image.open(BytesIO(b64decode(encoded))).format == "PNG"
    assert "Not drawn in the smoke tier" in both.pictures[0].instead
    assert both.pictures[1].address and both.wide and one.caption == "One & only."


def test_a_missing_or_broken_file_is_said_and_not_shown(tmp_path):
    broken = tmp_path / "smoke" / "figures" / "toy" / "one.png"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"\x89PNG, half")
    both, one = pairs(PAPER, tmp_path / "smoke", "smoke", tmp_path / "reference", {})
    assert [p.instead for p in one.pictures] == [
        "one.png cannot be read as an image.", "No figure of it is stored yet."
    ]  # fmt: skip
    assert not any(p.address for p in (*one.pictures, *both.pictures))
