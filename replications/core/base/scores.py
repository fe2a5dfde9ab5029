"""scores.json: what scoring writes, and what tables and checks read."""

from __future__ import annotations


def hashes_of(scores: dict) -> dict[str, str]:
    """The hashes of a scores.json, by column."""
    own = scores["hashes"]
    codes = {"train_code": scores["train"]["hashes"]["code"], "score_code": own["code"]}
    return codes | {"config": own["config"], "data": own["data"]}
