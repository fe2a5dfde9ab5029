"""Tables of claims as LaTeX fragments for an article: booktabs, and numbers by siunitx."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from pylatexenc.latexencode import (
    RULE_DICT,
    UnicodeToLatexConversionRule,
    UnicodeToLatexEncoder,
)

# Names have no spaces: their lines may break after "_". What LaTeX has no sign for becomes <U+...>.
SIGNS = {"_": r"\_\allowbreak{}", "ᵀ": r"\textsuperscript{T}", '"': r"\textquotedbl{}",
         "₀": r"\textsubscript{0}", "₁": r"\textsubscript{1}"}  # fmt: skip
LATEX = UnicodeToLatexEncoder(
    conversion_rules=[
        UnicodeToLatexConversionRule(RULE_DICT, {ord(k): v for k, v in SIGNS.items()}),
        "defaults",
    ],
    replacement_latex_protection="braces-after-macro",
    unknown_char_policy="unihex",
    unknown_char_warning=False,
)

NUMBERS = ("paper's value", "ours, mean", "95% t-interval")  # columns whose numbers are siunitx's
# Of a table's width: what a column shows, and what a whole page does.
NARROW = {"claim": 0.41, "paper's value": 0.14, "ours, mean": 0.11, "verdict": 0.24}
WIDE = {"claim": 0.25, "measured": 0.22, "paper's value": 0.08, "ours, mean": 0.06,
        "95% t-interval": 0.11, "runs": 0.04, "verdict": 0.11}  # fmt: skip
LAYOUT = r"\footnotesize\setlength{\tabcolsep}{3pt}\renewcommand{\arraystretch}{1.2}"
PREVIEW = r"""% Shows both fragments; an article needs these packages, and the line of siunitx.
\documentclass[twocolumn]{article}
\usepackage[a4paper,margin=1.8cm]{geometry}
\usepackage[T1]{fontenc}
\usepackage{textcomp,array,booktabs,siunitx}
\usepackage{supertabular} % for comparison_column.tex
\usepackage{longtable} % for comparison_page.tex
\sisetup{parse-numbers=true,range-phrase={ to }}
\begin{document}
\input{comparison_column.tex}
\onecolumn
\input{comparison_page.tex}
\end{document}
"""


def fragment(title: str, line: str, rows: Sequence[Mapping[str, str]], *, wide: bool) -> str:
    """A table of one paper's claims to \\input: as wide as a column, or for pages of one column.

    Both break where a page ends. Notes are in the wide one alone.
    """
    widths = WIDE if wide else NARROW
    body = pd.DataFrame([latex_cells(row, widths) for row in rows])
    body.columns = [encoded(name) for name in widths]
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{w}\linewidth}}"
                      for w in widths.values())  # fmt: skip
    styled = body.style.hide(axis="index")
    if wide:
        table = styled.to_latex(column_format=columns, hrules=True, environment="longtable")
    else:
        table = in_columns(styled.to_latex(column_format=columns, hrules=True), body.columns)
    head = rf"\paragraph{{{encoded(title)}}} {encoded(line)}" + "\n\n"
    return f"{head}{{{LAYOUT}\n{table}}}\n"


def in_columns(table: str, names: Sequence[str]) -> str:
    """A tabular as a supertabular, which goes on in the next column: there stands no longtable."""
    again = rf"\tablefirsthead{{}}\tablehead{{\toprule {' & '.join(names)} \\ \midrule}}"
    tails = r"\tabletail{\bottomrule}\tablelasttail{}"
    return f"{again}{tails}\n{table.replace('tabular}', 'supertabular}')}"


def latex_cells(row: Mapping[str, str], widths: Mapping[str, float]) -> dict[str, str]:
    """The cells of a row that a fragment shows.

    Below the claim stands the note, or, in a narrow one, what was measured.
    """
    cells = {n: with_numbers(row[n]) if n in NUMBERS else encoded(row[n]) for n in widths}
    below = row["note"] if "measured" in widths else row["measured"]
    cells["claim"] = "{}" + cells["claim"]  # it may begin with [
    if below:
        cells["claim"] += rf"\newline{{\scriptsize\itshape {encoded(below)}}}"
    return cells


def encoded(text: str) -> str:
    """Text as LaTeX."""
    return LATEX.unicode_to_latex(text)


def with_numbers(text: str) -> str:
    """A cell of numbers as LaTeX, each of them siunitx's."""
    parts = re.split(r"(-?\d+(?:\.\d+)?(?:e[+-]\d+)?)", text)
    return "".join(rf"\num{{{p}}}" if i % 2 else encoded(p) for i, p in enumerate(parts))
