"""LaTeX fragments: plain text whatever a claim says, and an article that takes both compiles."""

import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from replications.core.declare.papers import suite
from replications.core.report.compare import compare
from replications.core.report.latex import PREVIEW, encoded, with_numbers
from replications.core.report.render import in_latex
from replications.core.report.tables import COLUMNS
from tests.core.report.test_render import COMPARISON

SPECIAL = r"100% of a_b & #1 $x$ {y} \command ~ ^ <a> |b| † −1 potentiation's −FFᵀ − μI, β² 漢"
HOSTILE = replace(COMPARISON, says=SPECIAL, paper_label="a_b & c", measured="x_1 − x_2")


def test_latex_of_special_characters():
    assert encoded(r"\command{x}") == r"\textbackslash{}command\{x\}"
    assert encoded("100% & #1 $5 ~ ^") == r"100\% \& \#1 \$5 \textasciitilde{} \textasciicircum{}"
    assert encoded("−FFᵀ − μI") == (
        r"\ensuremath{-}FF\textsuperscript{T} \ensuremath{-} \ensuremath{\mu}I"
    )
    assert "U+6F22" in encoded("漢")


def test_numbers_are_siunitx_s_and_what_stands_between_them_is_text():
    assert with_numbers("1.94†") == r"\num{1.94}" + encoded("†")
    assert with_numbers("-5.45 to -4.74") == r"\num{-5.45} to \num{-4.74}"
    assert with_numbers("> 1e-09") == encoded("> ") + r"\num{1e-09}"
    assert with_numbers("") == ""


def test_a_fragment_has_a_row_for_each_claim_with_what_was_measured_and_the_wide_one_its_note():
    for wide, columns, environment in ((False, 4, "supertabular"), (True, 7, "longtable")):
        text = in_latex([HOSTILE, replace(COMPARISON, paper="other")], wide=wide)
        rows = [line for line in text.splitlines() if line.startswith("{}")]
        assert len(rows) == 2 and encoded(SPECIAL) in rows[0]
        assert all(len(re.findall(r"(?<!\\)&", row)) == columns - 1 for row in rows)
        assert (r"\itshape as" in rows[0]) == wide and r"x\_\allowbreak{}1 " in rows[0]
        assert text.count(rf"\begin{{{environment}}}") == 2
        assert text.count(rf"\end{{{environment}}}") == 2
        assert r"\paragraph{a\_\allowbreak{}b \& c}" in text


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30))
def test_latex_is_plain_text_with_balanced_braces(text):
    once = encoded(text)
    assert once.isascii()
    bare = re.sub(r"\\[\\{}$%&#_]", "", once)  # \textbackslash is no escape
    assert bare.count("{") == bare.count("}") and not set(bare) & set("$%&#")


def compiled(tmp_path, comparisons):
    """The log of pdflatex, which stops at the first error; None without pdflatex."""
    for name, wide in (("column", False), ("page", True)):
        (tmp_path / f"comparison_{name}.tex").write_text(in_latex(comparisons, wide=wide))
    (tmp_path / "comparison_preview.tex").write_text(PREVIEW)
    program = shutil.which("pdflatex")
    if program is None:
        return None
    command = [program, "-no-shell-escape", "-interaction=batchmode", "-halt-on-error",
               "comparison_preview.tex"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    log = (tmp_path / "comparison_preview.log").read_text(errors="replace")
    assert done.returncode == 0, [line for line in log.splitlines() if line.startswith(("!", "l."))]
    return log


def test_an_article_takes_both_fragments(tmp_path):
    bracket = replace(COMPARISON, says="[sic] it is so", verdict="partial")
    log = compiled(tmp_path, [COMPARISON, HOSTILE, bracket] * 30)  # on several pages
    assert log is None or "Output written on comparison_preview.pdf" in log


def test_the_claims_of_all_papers_compile(tmp_path):
    """A sign that LaTeX lacks would be printed as its number: add it to SIGNS."""
    claims = compare(pd.DataFrame(columns=COLUMNS), suite().papers, "paper")
    assert len(claims) > 100 and "U+" not in in_latex(claims, wide=True)
    compiled(tmp_path, claims)
