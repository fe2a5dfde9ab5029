"""Learn: the ground of learning rules, networks, optimisers, plasticity by spike timing.
Imports base, and no file: tensors in, tensors out.
"""
