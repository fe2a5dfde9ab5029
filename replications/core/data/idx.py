"""The IDX format of MNIST: two zero bytes, a type byte, the rank, big-endian sizes, the data."""

import struct

import numpy as np

UNSIGNED_BYTE = 0x08  # the one element type that MNIST and Fashion-MNIST use


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of ``array``, a uint8 array of rank 1 to 255, last axis fastest.

    Raises:
        ValueError: the array is not of type uint8.
    """
    if array.dtype != np.uint8:
        raise ValueError(f"an IDX file here holds uint8, not {array.dtype}")
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()


def read_idx(data: bytes) -> np.ndarray:
    """The uint8 array that the IDX file ``data`` holds (read-only, a view of ``data``).

    Raises:
        ValueError: the header is not that of an IDX file of bytes, or the length is not
            the one that the header announces.
    """
    if len(data) < 4 or data[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise ValueError(f"not an IDX file of unsigned bytes: it begins with {data[:4].hex()!r}")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError(f"the IDX header needs {start} bytes, the file has {len(data)}")
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    body = np.frombuffer(data, np.uint8, offset=start)
    if body.size != (announced := int(np.prod(shape, dtype=object))):
        raise ValueError(f"the IDX header announces {announced} bytes of data, found {body.size}")
    return body.reshape(shape)
