"""Diehl & Cook 2015: unsupervised learning of digit recognition by spike timing."""
