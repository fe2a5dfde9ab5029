"""Data: which datasets there are, how their files come here, and their images as tensors.
Imports base.
"""
