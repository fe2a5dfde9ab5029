"""What was measured: the synapses that the rules are compared with.

Sjöström, Turrigiano & Nelson (2001), Fig. 1D and 7, layer 5 of rat visual cortex, as tabulated by
Pfister & Gerstner (2006) and in public toolboxes (read in two of them): relative change of the
synaptic weight after pairs of spikes 10 ms apart at `RATES`, mean and standard error.
"""

import numpy as np

RATES = np.array([0.1, 10.0, 20.0, 40.0, 50.0])  # Hz
LAGS = np.array([10.0, -10.0])  # ms, postsynaptic less presynaptic spike
CHANGE = np.array([[-0.04, 0.14, 0.29, 0.53, 0.56], [-0.29, -0.41, -0.34, 0.56, 0.75]])
ERROR = np.array([[0.05, 0.10, 0.14, 0.11, 0.26], [0.08, 0.11, 0.10, 0.32, 0.19]])
