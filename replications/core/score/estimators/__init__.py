"""Estimators: likelihoods, fidelity, alignment. They take tensors, and know nothing of runs."""
