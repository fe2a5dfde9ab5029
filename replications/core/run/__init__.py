"""Run: a run's directory, seeds and device, and what an experiment declares, built for it.
Imports base, data, learn and declare.
"""
