"""Train: the one training loop, and a module for each kind of experiment.
Imports run and what is before it; never score.
"""
