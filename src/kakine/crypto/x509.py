"""X.509 certificates (RFC 5280) and certification requests (RFC 2986) as they are read and verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID

from kakine.crypto.keys import PublicKey, algorithm_of
from kakine.values.certificates import HOST, ITEMS, STATUS_REFERENCE, STATUS_SIGNER, Algorithm, Profile, Use
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CertificateExpired,
    CertificateForged,
    CertificateMalformed,
    CertificateUnfit,
    KeyNotAllowed,
    LabelMalformed,
    PossessionUnproved,
    RequestMalformed,
)

_HASHES = (hashes.SHA256, hashes.SHA384)
_CRITICAL = {ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.BASIC_CONSTRAINTS}
_SIGNER_CRITICAL = {ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS}
_ATTRIBUTES = {1: "name", 2: "name_flags", 3: "sex", 4: "birth", 5: "address", 6: "address_flags"}
MOST = 16 << 10
"""Largest certificate or request in bytes."""


@asn1.sequence
class StatusReference:
    """The extension `STATUS_REFERENCE`: which list, and which bit of it."""

    uri: str
    index: int


@dataclass(frozen=True, repr=False)
class Request:
    """A certification request whose signature verifies: the asker has the private key. `spki` is the SHA-256 of the
    public key. Its subject and wishes are not looked at; the profile decides."""

    public: PublicKey
    algorithm: Algorithm
    spki: bytes


@dataclass(frozen=True, repr=False)
class Certificate:
    """What a verified certificate says. Times are seconds since 1970; `fingerprint` is the SHA-256 of all its bytes.

    `items` are those of a signature certificate, empty otherwise. `repr` shows nothing.
    """

    profile: Profile
    serial: int
    not_before: int
    not_after: int
    common_name: str
    list_uri: str
    index: int
    fingerprint: bytes
    spki: bytes
    items: dict[str, str]


def fingerprint(der: bytes) -> bytes:
    """SHA-256 of a certificate's DER bytes."""
    return _sha256(der)


def der_of(data: bytes) -> bytes:
    """A request or certificate as DER, from PEM or DER. What it is and whether it holds is not looked at."""
    try:
        if b"CERTIFICATE REQUEST" in data[:100]:
            return x509.load_pem_x509_csr(data).public_bytes(Encoding.DER)
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise RequestMalformed() from fault
    return data


def ders_of(data: bytes) -> list[bytes]:
    """All certificates of a PEM file, as DER. Raises `CertificateMalformed`."""
    try:
        return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(data)]
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise CertificateMalformed() from fault


def read(der: bytes) -> Certificate:
    """What a certificate says of itself. Nothing of it is verified. Raises CertificateMalformed, CertificateUnfit."""
    return _read(_loaded(der), der)


def party_of(der: bytes) -> PartyName:
    """The party whose certificate this is: its one name for hosts, and the same as its common name.

    Raises CertificateMalformed, CertificateUnfit. The certificate itself is not verified here (`verify`).
    """
    certificate = _loaded(der)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (host,) = names.get_values_for_type(x509.DNSName)
        (common,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        name = PartyName(host.removesuffix(f".{HOST}"))
    except (x509.ExtensionNotFound, ValueError, LabelMalformed) as fault:
        raise CertificateUnfit() from fault
    if len(names) != 1 or common.value != name or host != f"{name}.{HOST}":
        raise CertificateUnfit()
    return name


def open_request(der: bytes, allowed: Iterable[Algorithm]) -> Request:
    """The request in `der`, DER of PKCS#10.

    Raises RequestMalformed, KeyNotAllowed for a key or hash outside `allowed`, PossessionUnproved if the signature in
    it is not by the key it asks for. Not checked: whether the key is a weak one of its size (a known factor, a bad
    random source), nor when the request was made.
    """
    if len(der) > MOST:
        raise RequestMalformed()
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        algorithm = algorithm_of(key)
        if algorithm is None or algorithm not in tuple(allowed):
            raise KeyNotAllowed()
        if not isinstance(request.signature_hash_algorithm, _HASHES):
            raise KeyNotAllowed()
        if not request.is_signature_valid:
            raise PossessionUnproved()
        return Request(key, algorithm, _spki(key))  # type: ignore[arg-type]  # algorithm_of has told
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as fault:
        raise RequestMalformed() from fault


def verify(der: bytes, roots: Iterable[tuple[Profile, bytes]], use: Use, now_s: int) -> Certificate:
    """A certificate for `use` that one of `roots` issued and that is valid by date at `now_s` (seconds since 1970).

    Roots of one name may be several: each that is for `use` is tried, by key and signature (RFC 5280 section 6, one
    step, through the library's verifier). Raises CertificateMalformed; CertificateUnfit for a certificate of another
    use, so that a signature certificate cannot log in; CertificateForged; CertificateExpired. Not checked: whether it
    was revoked (`protocols.status`).
    """
    certificate = _loaded(der)
    read = _read(certificate, der)
    if read.profile.use is not use:
        raise CertificateUnfit()
    fitting = [root for profile, root in roots if profile is read.profile]
    if not any(_issued_by(certificate, root, read.profile) for root in fitting):
        raise CertificateForged()
    if not read.not_before <= now_s <= read.not_after:
        raise CertificateExpired()
    _validate(certificate, fitting, now_s)
    _require_use(certificate, read)
    return read


def verify_status_signer(der: bytes, root: bytes, now_s: int) -> PublicKey:
    """The key of a certificate that `root` issued to sign status lists. Raises as `verify` does."""
    certificate = _loaded(der)
    if not _issued_by(certificate, root, None):
        raise CertificateForged()
    begins, ends = _times(certificate)
    if not begins <= now_s <= ends:
        raise CertificateExpired()
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError) as fault:
        raise CertificateUnfit() from fault
    _require_known(certificate, _SIGNER_CRITICAL)
    key = certificate.public_key()
    if [each.dotted_string for each in usage] != [STATUS_SIGNER] or algorithm_of(key) is not Algorithm.P_256:
        raise CertificateUnfit()
    return key  # type: ignore[return-value]  # algorithm_of has told


def _loaded(der: bytes) -> x509.Certificate:
    if len(der) > MOST:
        raise CertificateMalformed()
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions, certificate.subject, certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension) as fault:
        raise CertificateMalformed() from fault
    return certificate


def _read(certificate: x509.Certificate, der: bytes) -> Certificate:
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        named = {each.policy_identifier.dotted_string for each in policies}
        profile = next(each for each in Profile if named == {each.policy})
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    except (x509.ExtensionNotFound, StopIteration, IndexError) as fault:
        raise CertificateUnfit() from fault
    uri, index = _reference(certificate)
    begins, ends = _times(certificate)
    spki, items = _spki(certificate.public_key()), _items(certificate)
    return Certificate(
        profile,
        certificate.serial_number,
        begins,
        ends,
        str(common),
        uri,
        index,
        _sha256(der),
        spki,
        items,
    )


def _reference(certificate: x509.Certificate) -> tuple[str, int]:
    try:
        oid = x509.ObjectIdentifier(STATUS_REFERENCE)
        held = certificate.extensions.get_extension_for_oid(oid).value
        if not isinstance(held, x509.UnrecognizedExtension):
            raise CertificateMalformed()
        told = asn1.decode_der(StatusReference, held.value)
    except x509.ExtensionNotFound:
        return "", 0
    except ValueError as fault:
        raise CertificateMalformed() from fault
    return told.uri, told.index


def _items(certificate: x509.Certificate) -> dict[str, str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return {
            _ATTRIBUTES[int(each.type_id.dotted_string.removeprefix(f"{ITEMS}."))]: asn1.decode_der(
                str, each.value
            )
            for each in names
            if isinstance(each, x509.OtherName)
        }
    except x509.ExtensionNotFound:
        return {}
    except (KeyError, ValueError) as fault:
        raise CertificateMalformed() from fault


def _issued_by(certificate: x509.Certificate, root: bytes, profile: Profile | None) -> bool:
    issuer = _loaded(root)
    expected = algorithm_of(issuer.public_key())
    if profile is not None and expected is not profile.algorithm:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return isinstance(certificate.signature_hash_algorithm, _HASHES)


def _validate(certificate: x509.Certificate, roots: list[bytes], now_s: int) -> None:
    """Path validation by the library. No subject alternative name is asked for, as logins have none."""
    store = verification.Store([_loaded(root) for root in roots])
    rules = verification.PolicyBuilder().store(store).time(datetime.fromtimestamp(now_s, UTC))
    policy = rules.extension_policies(
        ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
        ee_policy=verification.ExtensionPolicy.permit_all().may_be_present(
            x509.CertificatePolicies, verification.Criticality.AGNOSTIC, None
        ),
    )
    try:
        policy.build_client_verifier().verify(certificate, [])
    except verification.VerificationError as fault:
        raise CertificateForged() from fault


def _require_use(certificate: x509.Certificate, read: Certificate) -> None:
    """Exactly the key usage of the profile, never an issuer, nothing critical that is not understood here."""
    _require_known(certificate, _CRITICAL)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    except x509.ExtensionNotFound as fault:
        raise CertificateUnfit() from fault
    said = usage.value
    signs = said.digital_signature and said.content_commitment is (read.profile.use is Use.SIGNATURE)
    others = said.key_encipherment or said.data_encipherment or said.key_agreement
    if not usage.critical or not signs or others or said.key_cert_sign or said.crl_sign:
        raise CertificateUnfit()
    if algorithm_of(certificate.public_key()) is not read.profile.algorithm:
        raise CertificateUnfit()


def _require_known(certificate: x509.Certificate, known: set[x509.ObjectIdentifier]) -> None:
    if any(each.critical and each.oid not in known for each in certificate.extensions):
        raise CertificateUnfit()
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return
    if constraints.ca:
        raise CertificateUnfit()


def _times(certificate: x509.Certificate) -> tuple[int, int]:
    return (
        int(certificate.not_valid_before_utc.timestamp()),
        int(certificate.not_valid_after_utc.timestamp()),
    )


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return _sha256(encoded)


def _sha256(data: bytes) -> bytes:
    state = hashes.Hash(hashes.SHA256())
    state.update(data)
    return state.finalize()
