"""The arrays of a run that figures are drawn from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replications.core.base.files import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def write_arrays(directory: Path, arrays: Mapping[str, Tensor]) -> None:
    """arrays.npz of a run: tensors that its scoring keeps, on any device."""
    import numpy as np

    kept: dict[str, Any] = {name: tensor.cpu().numpy() for name, tensor in arrays.items()}
    written = io.BytesIO()
    np.savez(written, **kept)
    write_atomically(directory / "arrays.npz", written.getvalue())


def read_arrays(directory: Path, kind: str) -> dict[str, np.ndarray]:
    """The arrays of a run by name: a simulation's own, or those that scoring has kept."""
    import numpy as np
    from safetensors.numpy import load_file

    if kind == "simulation":
        kept = load_file(directory / "parameters.safetensors")
        return {name.split("/", 1)[1]: array for name, array in kept.items()}
    return dict(np.load(directory / "arrays.npz", allow_pickle=False))
