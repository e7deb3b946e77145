"""Revocation as foreign tools want it: lists of RFC 5280 section 5 and answers of RFC 6960."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from kakine.crypto.keys import PrivateKey, hash_of
from kakine.crypto.x509_issue import distribution_point
from kakine.values.certificates import Profile, Reason

_FLAGS = {
    Reason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    Reason.SUPERSEDED: x509.ReasonFlags.superseded,
    Reason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
    Reason.CERTIFICATE_HOLD: x509.ReasonFlags.certificate_hold,
}


@asn1.sequence
class _Info:
    """SubjectPublicKeyInfo, RFC 5280 section 4.1."""

    algorithm: asn1.TLV
    key: asn1.BitString


@dataclass(frozen=True, repr=False)
class Revoked:
    """A certificate that is not valid, since `since_s` (seconds since 1970)."""

    serial: int
    since_s: int
    reason: Reason


def revocation_list(
    profile: Profile,
    partition: str,
    entries: Iterable[Revoked],
    *,
    number: int,
    this_s: int,
    next_s: int,
    issuer: bytes,
    key: PrivateKey,
) -> bytes:
    """The list of one partition, DER. `number` grows with every list of the partition (RFC 5280 section 5.2.3)."""
    root = x509.load_der_x509_certificate(issuer)
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    point = x509.IssuingDistributionPoint(
        full_name=[distribution_point(profile, partition)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    # The whole list at once: adding one entry after another copies the list each time.
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=root.subject,
        last_update=datetime.fromtimestamp(this_s, UTC),
        next_update=datetime.fromtimestamp(next_s, UTC),
        extensions=[
            x509.Extension(
                x509.AuthorityKeyIdentifier.oid,
                False,
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            ),
            x509.Extension(x509.CRLNumber.oid, False, x509.CRLNumber(number)),
            x509.Extension(x509.IssuingDistributionPoint.oid, True, point),
        ],
        revoked_certificates=[_entry(each) for each in entries],
    )
    return builder.sign(key, hash_of(key)).public_bytes(Encoding.DER)


def _entry(revoked: Revoked) -> x509.RevokedCertificate:
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(revoked.serial)
        .revocation_date(datetime.fromtimestamp(revoked.since_s, UTC))
        .add_extension(x509.CRLReason(_FLAGS[revoked.reason]), critical=False)
        .build()
    )


Status = Callable[[int], Revoked | None]
"""Of a certificate by its serial number; raises `KeyError` for one that was never issued."""


def ocsp_answer(
    asked: bytes, *, issuer: bytes, signer: bytes, key: PrivateKey, status: Status, this_s: int, next_s: int
) -> bytes:
    """The answer to one OCSP request, DER. A request that is none, or not about this issuer, gets an unsigned error
    answer as RFC 6960 section 2.3 has it. The nonce is given back (RFC 9654)."""
    try:
        request = ocsp.load_der_ocsp_request(asked)
        serial, algorithm = request.serial_number, request.hash_algorithm
        extensions = request.extensions
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):
        return _refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    root, own = x509.load_der_x509_certificate(issuer), x509.load_der_x509_certificate(signer)
    if not isinstance(algorithm, hashes.SHA1 | hashes.SHA256) or not _about(request, root):
        return _refused(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    try:
        found, known = status(serial), ocsp.OCSPCertStatus.GOOD
    except KeyError:
        found, known = None, ocsp.OCSPCertStatus.UNKNOWN
    if found is not None:
        known = ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        request.issuer_name_hash,
        request.issuer_key_hash,
        serial,
        algorithm,
        known,
        datetime.fromtimestamp(this_s, UTC),
        datetime.fromtimestamp(next_s, UTC),
        datetime.fromtimestamp(found.since_s, UTC) if found else None,
        _FLAGS[found.reason] if found else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, own).certificates([own])
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(key, hash_of(key)).public_bytes(Encoding.DER)


def ocsp_question(issuer: bytes, serial: int) -> bytes:
    """A request as a foreign tool would make it, DER, without a nonce: for measurements and tests."""
    root = x509.load_der_x509_certificate(issuer)
    name = hashes.Hash(hashes.SHA256())
    name.update(root.subject.public_bytes())
    point = hashes.Hash(hashes.SHA256())
    point.update(_bits(root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name.finalize(), point.finalize(), serial, hashes.SHA256()
    )
    return builder.build().public_bytes(Encoding.DER)


def _about(request: ocsp.OCSPRequest, root: x509.Certificate) -> bool:
    """Whether the request names this issuer, by name and by key."""
    algorithm = request.hash_algorithm
    name = hashes.Hash(algorithm)
    name.update(root.subject.public_bytes())
    info = root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = hashes.Hash(algorithm)
    point.update(_bits(info))
    return (name.finalize(), point.finalize()) == (request.issuer_name_hash, request.issuer_key_hash)


def _bits(info: bytes) -> bytes:
    """The subjectPublicKey of a SubjectPublicKeyInfo without its own header (RFC 6960 section 4.1.1)."""
    return asn1.decode_der(_Info, info).key.as_bytes()


def _refused(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
