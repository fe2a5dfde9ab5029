"""Report: tables, verdicts, figures, the regression check and the stored reference.
Imports base and declare alone: it reads files, and computes no score.
"""
