"""What tests of several folders share."""

import os

# One thread, before torch is imported: runs are compared bit for bit.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["MPLBACKEND"] = "agg"

import pytest  # noqa: E402
import torch  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


LONG = (  # files of minutes, by name, the longest first
    "test_reruns",
    "test_workflow",
    "test_carry",
    "test_planted_faults",
    "test_worked_example",
    "test_browser",
)


def pytest_collection_modifyitems(items):
    """Long files first: with several workers (`make test`) each file goes to one of them."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
