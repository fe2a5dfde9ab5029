"""What several tests of Bengio et al. 2015 start from."""

import pytest
import torch


@pytest.fixture
def float64():
    """Every draw is of float64, whether its line says so or not."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
