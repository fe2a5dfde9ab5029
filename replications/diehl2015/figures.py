"""Figures of Diehl & Cook 2015."""
