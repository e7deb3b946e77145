"""X.509 certificates as they are made (RFC 5280), by profile. Everything in them is an argument, so that the same
arguments give the same bytes to sign: an issuance that a crash interrupted is carried on, not begun anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from kakine.crypto.keys import PrivateKey, PublicKey, hash_of
from kakine.crypto.x509 import StatusReference
from kakine.values.certificates import (
    ITEMS,
    ORGANISATION,
    STATUS_REFERENCE,
    STATUS_SIGNER,
    Profile,
    Use,
)

_CPS = "http://kakine.example/cps"
_OCSP = "http://ocsp.kakine.example/"
_ORDER = (
    (1, "name"),
    (4, "birth"),
    (3, "sex"),
    (5, "address"),
    (2, "name_flags"),
    (6, "address_flags"),
)
"""In the order in which the real profile has them."""


@dataclass(frozen=True, repr=False)
class Leaf:
    """What goes into one certificate of an end entity. Times are seconds since 1970.

    `partition` names the revocation list that it will be on; `place` is (prefecture, municipality) for a signature
    certificate; `items` its items by name; `host` the name of a party's certificate. `repr` shows nothing.
    """

    profile: Profile
    serial: int
    common_name: str
    not_before: int
    not_after: int
    partition: str
    list_uri: str
    index: int
    place: tuple[str, str] = ("", "")
    items: dict[str, str] = field(default_factory=dict)
    host: str = ""
    ocsp: bool = False


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """A name; the library writes the country as a PrintableString and everything else as UTF8Strings."""
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "JP")
    return x509.Name([country, *(x509.NameAttribute(oid, text) for oid, text in parts if text)])


def root_name(profile: Profile) -> x509.Name:
    """The name of a profile's root, the same in every generation: roots are told apart by their keys."""
    return _name(
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, profile.unit),
    )


def partition_name(profile: Profile, partition: str) -> x509.Name:
    """The directory name of one revocation list."""
    return _name(
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, profile.unit),
        (NameOID.COMMON_NAME, partition),
    )


def distribution_point(profile: Profile, partition: str) -> x509.DirectoryName:
    """As it stands in a certificate and in the list itself (RFC 5280 section 5.2.5)."""
    return x509.DirectoryName(partition_name(profile, partition))


def _alternative(profile: Profile) -> x509.DirectoryName:
    return x509.DirectoryName(
        _name((NameOID.ORGANIZATION_NAME, "垣根"), (NameOID.ORGANIZATIONAL_UNIT_NAME, profile.ja))
    )


def _usage(*, sign: bool = False, commit: bool = False, issue: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=commit,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issue,
        crl_sign=issue,
        encipher_only=False,
        decipher_only=False,
    )


def _begun(serial: int, not_before: int, not_after: int, public: PublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(serial)
        .not_valid_before(datetime.fromtimestamp(not_before, UTC))
        .not_valid_after(datetime.fromtimestamp(not_after, UTC))
        .public_key(public)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: PrivateKey) -> bytes:
    return builder.sign(key, hash_of(key)).public_bytes(Encoding.DER)


def root(profile: Profile, key: PrivateKey, serial: int, not_before: int, not_after: int) -> bytes:
    """A root's own certificate, DER."""
    name, public = root_name(profile), key.public_key()
    builder = _begun(serial, not_before, not_after, public).subject_name(name).issuer_name(name)
    builder = builder.add_extension(_usage(issue=True), critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(profile)]), critical=False)
    return _signed(builder, key)


def _from(builder: x509.CertificateBuilder, issuer: x509.Certificate) -> x509.CertificateBuilder:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    return builder.issuer_name(issuer.subject).add_extension(authority, critical=False)


def certificate(leaf: Leaf, public: PublicKey, issuer: bytes, key: PrivateKey) -> bytes:
    """One end entity's certificate, DER. `issuer` is the root's certificate, `key` the root's key.

    Not checked: that the arguments are right for anybody; that is the caller's.
    """
    profile = leaf.profile
    builder = _begun(leaf.serial, leaf.not_before, leaf.not_after, public)
    builder = _from(builder, x509.load_der_x509_certificate(issuer)).subject_name(_subject(leaf))
    usage = _usage(sign=True, commit=profile.use is Use.SIGNATURE)
    builder = builder.add_extension(usage, critical=True)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(profile.policy), [_CPS])
    builder = builder.add_extension(x509.CertificatePolicies([policy]), critical=True)
    builder = builder.add_extension(x509.IssuerAlternativeName([_alternative(profile)]), critical=False)
    point = x509.DistributionPoint([distribution_point(profile, leaf.partition)], None, None, None)
    builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    told = asn1.encode_der(StatusReference(uri=leaf.list_uri, index=leaf.index))
    reference = x509.UnrecognizedExtension(x509.ObjectIdentifier(STATUS_REFERENCE), told)
    builder = builder.add_extension(reference, critical=False)
    return _signed(_with_more(builder, leaf), key)


def _subject(leaf: Leaf) -> x509.Name:
    prefecture, municipality = leaf.place
    return _name(
        (NameOID.ORGANIZATION_NAME, ORGANISATION if leaf.host else ""),
        (NameOID.LOCALITY_NAME, prefecture),
        (NameOID.LOCALITY_NAME, municipality),
        (NameOID.COMMON_NAME, leaf.common_name),
    )


def _with_more(builder: x509.CertificateBuilder, leaf: Leaf) -> x509.CertificateBuilder:
    """What only some profiles have."""
    if leaf.items:
        names = [
            x509.OtherName(x509.ObjectIdentifier(f"{ITEMS}.{arc}"), asn1.encode_der(leaf.items[item]))
            for arc, item in _ORDER
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if leaf.host:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(leaf.host)]), critical=False
        )
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
    if leaf.ocsp:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP,
            x509.UniformResourceIdentifier(f"{_OCSP}{leaf.profile.value}"),
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    return builder


def delegate(
    profile: Profile,
    *,
    ocsp: bool,
    public: PublicKey,
    issuer: bytes,
    key: PrivateKey,
    serial: int,
    not_before: int,
    not_after: int,
) -> bytes:
    """A certificate for the key that signs OCSP answers (RFC 6960 section 4.2.2.2) or status lists, DER."""
    what = "OCSP responder" if ocsp else "status list signer"
    name = _name(
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, profile.unit),
        (NameOID.COMMON_NAME, what),
    )
    builder = _begun(serial, not_before, not_after, public).subject_name(name)
    builder = _from(builder, x509.load_der_x509_certificate(issuer))
    builder = builder.add_extension(_usage(sign=True), critical=True)
    if ocsp:
        purpose = ExtendedKeyUsageOID.OCSP_SIGNING
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    else:
        purpose = x509.ObjectIdentifier(STATUS_SIGNER)
    return _signed(builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=not ocsp), key)


def request(key: PrivateKey, common_name: str) -> bytes:
    """A certification request for a party's own key, DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name((NameOID.COMMON_NAME, common_name)))
    return builder.sign(key, hash_of(key)).public_bytes(Encoding.DER)


def public_point(public: PublicKey) -> bytes:
    """An EC key's point as it stands in requests and certificates (SEC 1, uncompressed)."""
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def key_pem(key: PrivateKey) -> bytes:
    """A private key as PKCS#8 PEM, not encrypted: for a tool that reads files."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem(der: bytes) -> bytes:
    """A certificate as PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
