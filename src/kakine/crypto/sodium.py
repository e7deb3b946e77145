"""The only door to libsodium: the shared object out of the `rbcl` wheel, bound with ctypes.

rbcl's own wrappers are passed over: they ignore return codes of add and sub, accept the identity and
unreduced scalars, and leave a 2.8 MB file in the temp folder at each import. Here the bytes are read out of
the wheel without importing it and loaded from an anonymous file. ctypes gives the interpreter lock away
during each call.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import tempfile
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_size_t, c_ulonglong, c_void_p
from pathlib import Path
from typing import cast

_SIGNATURES: dict[str, list[type]] = {
    "sodium_init": [],
    "crypto_core_ristretto255_is_valid_point": [c_char_p],
    "crypto_core_ristretto255_add": [c_void_p, c_char_p, c_char_p],
    "crypto_core_ristretto255_sub": [c_void_p, c_char_p, c_char_p],
    "crypto_core_ristretto255_from_hash": [c_void_p, c_char_p],
    "crypto_core_ristretto255_scalar_random": [c_void_p],
    "crypto_core_ristretto255_scalar_invert": [c_void_p, c_char_p],
    "crypto_core_ristretto255_scalar_mul": [c_void_p, c_char_p, c_char_p],
    "crypto_core_ristretto255_scalar_add": [c_void_p, c_char_p, c_char_p],
    "crypto_core_ristretto255_scalar_sub": [c_void_p, c_char_p, c_char_p],
    "crypto_core_ristretto255_scalar_negate": [c_void_p, c_char_p],
    "crypto_core_ristretto255_scalar_reduce": [c_void_p, c_char_p],
    "crypto_scalarmult_ristretto255": [c_void_p, c_char_p, c_void_p],
    "crypto_scalarmult_ristretto255_base": [c_void_p, c_char_p],
    "crypto_sign_seed_keypair": [c_void_p, c_void_p, c_char_p],
    "crypto_sign_detached": [c_void_p, c_void_p, c_char_p, c_ulonglong, c_char_p],
    "crypto_sign_verify_detached": [c_char_p, c_char_p, c_ulonglong, c_char_p],
    "sodium_memzero": [c_void_p, c_size_t],
}


def _shared_object() -> bytes:
    spec = importlib.util.find_spec("rbcl")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("the rbcl wheel, which carries libsodium, is not installed")
    text = (Path(next(iter(spec.submodule_search_locations))) / "_sodium.py").read_text("ascii")
    found = re.search(r"bytes\.fromhex\('([0-9a-f]+)'\)", text)
    if found is None:
        raise ImportError("this rbcl wheel does not carry libsodium in the form expected")
    return bytes.fromhex(found[1])


def by_address(name: str) -> Callable[..., int]:
    """The named function with every argument a raw address, so that a loop can walk one buffer without
    slicing it.

    Nothing is checked: the caller answers for lengths and keeps the buffers alive.
    """
    function = sodium[name]
    function.argtypes = [c_void_p] * len(_SIGNATURES[name])
    function.restype = c_int
    return cast("Callable[..., int]", function)


def _load() -> ctypes.CDLL:
    image = _shared_object()
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("libsodium")
        os.write(handle, image)
        library = ctypes.CDLL(f"/proc/self/fd/{handle}")
        os.close(handle)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "libsodium.so"
            path.write_bytes(image)
            library = ctypes.CDLL(str(path))
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = None if name == "sodium_memzero" else c_int
    if library.sodium_init() < 0:
        raise ImportError("libsodium did not initialise")
    return library


sodium = _load()
