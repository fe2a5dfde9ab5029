"""A GPU that is emulated: the numbers of the CPU, and the manners of another device.

Its tensors say that they are on "cuda". As on a GPU, they do not mix with the CPU's, but for single
numbers, and leave only where they are copied; as on Apple's, there is no float64. A generator of
the CPU draws nothing there.
"""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("cuda", 0)
ASKED = {"device": DEVICE, "is_cuda": True, "is_cpu": False}  # what a tensor says of its place
MIXING = {torch.Tensor.copy_, torch.Tensor.to}
INDEXING = {torch.Tensor.__getitem__, torch.Tensor.__setitem__}  # there, by numbers of the CPU


class GpuTensor(torch.Tensor):
    """A tensor that lies there."""


def kind(device):
    """ "cuda" or "cpu", of what a call gives as a device; None if that is none."""
    if isinstance(device, torch.Tensor):
        return "cuda" if isinstance(device, GpuTensor) else "cpu"
    return torch.device(device).type if isinstance(device, str | torch.device) else None


def here(device):
    """What a call gives, the CPU in the place of the GPU."""
    same = isinstance(device, torch.Tensor) or kind(device) is None
    return device if same else torch.device("cpu")


def goal(name, args, kwargs):
    """Where a call says that its results go; None if it does not."""
    if name == "cpu":
        return "cpu"
    devices = [kwargs.get("device"), *(args[1:2] if name == "to" else ())]
    return next((kind(device) for device in devices if kind(device)), None)


class EmulatedGpu(TorchFunctionMode):
    """In this context "cuda" is the emulated GPU. RuntimeError where a real one would refuse."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        there = any(isinstance(t, GpuTensor) for t in tensors)
        for asked, answer in ASKED.items():
            if there and func == getattr(torch.Tensor, asked).__get__:
                return answer
        goes = goal(name, args, kwargs) or ("cuda" if there else "cpu")
        if there and name in ("numpy", "__array__"):
            raise RuntimeError("a tensor on the GPU has no numpy array")
        mixes = func in MIXING or (func in INDEXING and kind(args[0]) == "cuda")
        if there and not mixes and any(kind(t) == "cpu" and t.ndim for t in tensors):
            raise RuntimeError(f"{name}: tensors on two devices")
        if goes == "cuda" and kwargs.get("generator") is not None:
            raise RuntimeError(f"{name}: a CPU generator draws for a tensor on the GPU")
        if name == "to":
            args = tuple(map(here, args))
        if "device" in kwargs:
            kwargs["device"] = here(kwargs["device"])
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs)
            return tree_map(lambda x: placed(name, x, goes, tensors), result)


def placed(name, x, goes, given):
    """A result where it goes: what crosses is a copy."""
    if not isinstance(x, torch.Tensor):
        return x
    if kind(x) != goes:
        if any(x is tensor for tensor in given):
            x = x.clone()
        x.__class__ = GpuTensor if goes == "cuda" else torch.Tensor
    if goes == "cuda" and x.dtype == torch.float64:
        raise RuntimeError(f"{name}: no float64 on this GPU")
    return x
