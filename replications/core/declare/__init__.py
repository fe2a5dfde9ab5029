"""Declare: what YAML says (papers, metrics, searches), checked and expanded; no torch here.
Imports base.
"""
