"""Score: a module for each kind of experiment, and the estimators that they share.
Imports run and what is before it; never train.
"""
