"""What tests of several folders share."""

import os

# One thread, before torch is imported: tests run beside each other and are compared bit for bit.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
