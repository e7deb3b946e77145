"""An authority's keys in a PKCS#11 device (tested with SoftHSM2). Needs the extra `kakine[hsm]`.

The device makes the keys, marked sensitive and not extractable, and signs; the library gives the sessions. One session
is used by one thread at a time: the authority signs on its own loop's thread only.
"""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from kakine.crypto.keys import PrivateKey, algorithm_of
from kakine.values.certificates import Algorithm
from kakine.values.problems import KeyStoreFailed

_DIGEST_INFO = {
    # RFC 8017 section 9.2, note 1
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
}


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    state = hashes.Hash(algorithm)
    state.update(data)
    return state.finalize()


class _Held:
    """What both kinds of keys have in common: they never leave the device."""

    def __init__(self, device: Any, handle: Any, public: Any) -> None:
        self._device = device
        self._handle = handle
        self._public = public

    def public_key(self) -> Any:
        return self._public

    @property
    def key_size(self) -> int:
        return int(self._public.key_size)

    def _stays(self) -> NoReturn:
        raise KeyStoreFailed(fault="the key stays in the device")

    def private_numbers(self) -> NoReturn:
        self._stays()

    def private_bytes(self, *_: object) -> NoReturn:
        self._stays()

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


class _CurveKey(_Held, ec.EllipticCurvePrivateKey):
    """An EC key in the device."""

    @property
    def curve(self) -> ec.EllipticCurve:
        curve: ec.EllipticCurve = self._public.curve
        return curve

    def exchange(self, *_: object) -> NoReturn:
        self._stays()

    def sign(self, data: Any, signature_algorithm: Any) -> bytes:
        hashed = _digest(bytes(data), signature_algorithm.algorithm)
        raw = bytes(self._handle.sign(hashed, mechanism=self._device.Mechanism.ECDSA))
        half = len(raw) // 2
        return utils.encode_dss_signature(
            int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        )


class _RsaKey(_Held, rsa.RSAPrivateKey):
    """An RSA key in the device."""

    def decrypt(self, *_: object) -> NoReturn:
        self._stays()

    def sign(self, data: Any, padding_: Any, algorithm: Any) -> bytes:
        if not isinstance(padding_, padding.PKCS1v15):
            raise KeyStoreFailed(fault="padding")
        told = _DIGEST_INFO[algorithm.name] + _digest(bytes(data), algorithm)
        return bytes(self._handle.sign(told, mechanism=self._device.Mechanism.RSA_PKCS))


class Pkcs11Keys:
    """The keys in one token, by label. `close` ends the session."""

    def __init__(self, module: str, token: str, pin: str) -> None:
        """Open the token with this label. Raises `KeyStoreFailed` without the library, the token or the right PIN."""
        try:
            import pkcs11
            from pkcs11.exceptions import PKCS11Error
        except ImportError as fault:
            raise KeyStoreFailed(fault="kakine[hsm] is not installed") from fault
        self._device: Any = pkcs11
        self._error = PKCS11Error
        try:
            found = pkcs11.lib(module).get_token(token_label=token)
            self._session: Any = found.open(user_pin=pin, rw=True)
        except (PKCS11Error, RuntimeError) as fault:
            raise KeyStoreFailed(fault="token") from fault
        self._known: dict[str, PrivateKey] = {}

    def key(self, name: str, algorithm: Algorithm) -> PrivateKey:
        found = self._known.get(name)
        if found is None:
            try:
                found = self._known[name] = self._found(name, algorithm)
            except self._error as fault:
                raise KeyStoreFailed(key=name, fault=type(fault).__name__) from fault
        if algorithm_of(found.public_key()) is not algorithm:
            raise KeyStoreFailed(key=name, fault="another algorithm")
        return found

    def _found(self, name: str, algorithm: Algorithm) -> PrivateKey:
        device = self._device
        try:
            private = self._session.get_key(object_class=device.ObjectClass.PRIVATE_KEY, label=name)
            public = self._session.get_key(object_class=device.ObjectClass.PUBLIC_KEY, label=name)
        except device.NoSuchKey:
            public, private = self._made(name, algorithm)
        loaded = _public(public, device)
        made: type[_CurveKey] | type[_RsaKey] = (
            _CurveKey if isinstance(loaded, ec.EllipticCurvePublicKey) else _RsaKey
        )
        return made(device, private, loaded)

    def _made(self, name: str, algorithm: Algorithm) -> tuple[Any, Any]:
        device = self._device
        guarded = {device.Attribute.SENSITIVE: True, device.Attribute.EXTRACTABLE: False}
        more: dict[str, Any] = {"store": True, "label": name, "private_template": guarded}
        if algorithm is Algorithm.RSA_2048:
            made = self._session.generate_keypair(device.KeyType.RSA, 2048, **more)
        else:
            from pkcs11.util.ec import encode_named_curve_parameters

            curve = "secp256r1" if algorithm is Algorithm.P_256 else "secp384r1"
            domain = self._session.create_domain_parameters(
                device.KeyType.EC,
                {device.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
                local=True,
            )
            made = domain.generate_keypair(**more)
        return made[0], made[1]

    def close(self) -> None:
        """End the session."""
        self._session.close()


def _public(handle: Any, device: Any) -> PublicKeyTypes:
    if handle.key_type is device.KeyType.RSA:
        numbers = rsa.RSAPublicNumbers(
            int.from_bytes(handle[device.Attribute.PUBLIC_EXPONENT], "big"),
            int.from_bytes(handle[device.Attribute.MODULUS], "big"),
        )
        return numbers.public_key()
    from pkcs11.util.ec import encode_ec_public_key

    return serialization.load_der_public_key(encode_ec_public_key(handle))
