"""What the engine answers, by profile: the commands and status words of spec/card.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from cards import (
    CHOSEN,
    COUNTER_KEY,
    HOLDER,
    KINDS,
    LOGIN,
    NUMBER,
    NUMBER_B,
    PASSWORD,
    Desk,
    blank,
    certificates,
    copied,
    desk,
    hashed,
    payload,
    personalised,
    rows,
    verify,
    works,
)
from kakine.card import issuing
from kakine.card.engine import opened
from kakine.card.profile import profile
from kakine.card.session import Interface
from kakine.card.store import Life
from kakine.card.works import check_certificate, check_signature, key_id
from kakine.values.problems import (
    CardDataMalformed,
    CardExists,
    CardMissing,
    CardRefused,
    CardSecretMalformed,
    CardSecretUnknown,
    CardStateUnfit,
    Problem,
    SignatureInvalid,
)
from kakine.wire.tlv import objects, tlv, value


@pytest.fixture
def interop(tmp_path: Path) -> Iterator[Desk]:
    with desk(copied("interop", tmp_path / "i.card")) as made:
        yield made


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Desk]:
    with desk(copied("product", tmp_path / "p.card")) as made:
        yield made


def file(at: Desk, name: str) -> bytes:
    """Content of the file with this id in the selected application."""
    assert at.send("00A4020C", bytes.fromhex(name)).status == 0x9000
    reply = at.send("00B00000", b"", 65536, extended=True)
    assert reply.status == 0x9000, f"{reply.status:04X}"
    return reply.data


# --- interop: what stock software expects ---------------------------------------------------------------------


def test_files_begin_with_their_certificate_and_are_read_in_pieces(interop: Desk) -> None:
    interop.select("jpki")
    interop.send("00A4020C", bytes.fromhex("000A"))
    head = interop.send("00B00000", b"", 4).data
    assert head[:2] == b"\x30\x82"
    length = 4 + int.from_bytes(head[2:], "big")
    pieces = [interop.send(f"00B0{at:04X}", b"", min(128, length - at)).data for at in range(0, length, 128)]
    assert x509.load_der_x509_certificate(b"".join(pieces)).subject
    assert interop.send(f"00B0{length:04X}", b"", 1).status == 0x6B00
    assert interop.send("00B00000").status == 0x6700
    assert interop.send("00B0E000", b"", 4).status == 0x6A86


def test_a_short_file_id_reads_and_selects(interop: Desk) -> None:
    interop.select("jpki")
    assert interop.send("00B08A00", b"", 4).data == interop.send("00B00000", b"", 4).data != b""


def test_asking_for_tries_always_says_63cx(interop: Desk) -> None:
    """Before and after a right PIN, and when it is blocked: anything else breaks OpenSC's binding."""
    interop.select("jpki")
    interop.send("00A4020C", bytes.fromhex("0018"))
    assert interop.send("00200080").status == 0x63C3
    assert interop.send("00200080", b"2580").status == 0x9000
    assert interop.send("00200080").status == 0x63C3
    assert [interop.send("00200080", b"0000").status for _ in range(4)] == [0x63C2, 0x63C1, 0x63C0, 0x6984]
    assert interop.send("00200080").status == 0x63C0
    assert interop.send("00200098").status == 0x63C0
    assert interop.send("0020009B").status == 0x63C5


@pytest.mark.parametrize("form", range(6))
def test_the_forms_of_a_signature(interop: Desk, form: int) -> None:
    """P1 of PSO 0 to 5; the verifier is `cryptography`."""
    message = b"to be signed"
    interop.terminal.verify("authentication-pin", CHOSEN["interop"]["authentication-pin"])
    interop.send("00A4020C", bytes.fromhex("0017"))
    data = {0: payload("interop", message), 2: hashed(message), 4: hashed(message)}.get(form, message)
    signature = interop.send(f"802A{form:02X}80", data, 256).data
    interop.terminal.verify("authentication-pin", CHOSEN["interop"]["authentication-pin"])
    public = x509.load_der_x509_certificate(interop.terminal.certificate("authentication")).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    if form == 1:
        public.verify(signature, hashed(message), padding.PKCS1v15(), utils.NoDigestInfo())
    elif form >= 4:
        public.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    else:
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def test_signing_refuses_what_it_does_not_know(interop: Desk) -> None:
    interop.terminal.verify("authentication-pin", CHOSEN["interop"]["authentication-pin"])
    assert interop.send("802A0080", b"x" * 20, 256).status == 0x6986
    interop.send("00A4020C", bytes.fromhex("0018"))
    assert interop.send("802A0080", b"x" * 20, 256).status == 0x6981
    interop.send("00A4020C", bytes.fromhex("0017"))
    for header, data in (("802A0680", b"x"), ("802A0081", b"x")):
        assert interop.send(header, data, 256).status == 0x6A86
    for header, data in (("802A0080", b"x" * 246), ("802A0280", b"x" * 31), ("802A0480", b"x" * 33)):
        assert interop.send(header, data, 256).status == 0x6A80
    assert interop.send("002A0080", b"x", 256).status == 0x6D00


def test_a_password_is_changed_by_the_form_of_each_application(interop: Desk) -> None:
    for name, new in (
        ("authentication-pin", "9999"),
        ("signature-password", "NEW123"),
        ("resident-pin", "8888"),
    ):
        interop.terminal.change(name, CHOSEN["interop"][name], new)
        interop.terminal.verify(name, new)
    interop.select("jpki")
    assert interop.send("00200098", b"9999").status == 0x9000
    assert interop.send("00240198", b"12x4").status == 0x6A80
    assert interop.send("80320098", b"1234").status == 0x6D00
    interop.select("resident")
    assert interop.send("0020009C", b"8888").status == 0x9000
    assert interop.send("0024019C", b"1111").status == 0x6D00


def test_the_text_application_holds_the_four_attributes_signed(interop: Desk) -> None:
    interop.terminal.verify("text-pin", CHOSEN["interop"]["text-pin"])
    number, attributes, signed = (file(interop, name) for name in ("0001", "0002", "0003"))
    assert (len(number), value(number, 0xFF10), number[-2:]) == (17, NUMBER.encode(), b"\xff\xff")
    parts = dict(objects(value(attributes, 0xFF20)))
    assert parts[0xDF22].decode() == HOLDER.name
    assert (parts[0xDF23].decode(), parts[0xDF24], parts[0xDF25]) == (HOLDER.address, b"19900203", b"2")
    assert len(signed) == 336
    inside = dict(objects(value(signed, 0xFF30)))
    assert inside[0xDF31] == hashed(number)
    assert inside[0xDF32] == hashed(
        b"".join(tlv(tag, parts[tag]) for tag in (0xDF22, 0xDF23, 0xDF24, 0xDF25))
    )
    key = check_certificate(file(interop, "0004"), works().root_key())
    hashes_signed = tlv(0xDF31, inside[0xDF31]) + tlv(0xDF32, inside[0xDF32])
    check_signature(key, inside[0xDF33], hashes_signed)
    with pytest.raises(SignatureInvalid):
        check_signature(key, inside[0xDF33], hashes_signed[:-1] + bytes([hashes_signed[-1] ^ 1]))


def test_number_b_opens_the_attributes_and_not_the_number(interop: Desk) -> None:
    interop.select("text")
    assert interop.send("00200095", NUMBER_B.encode()).status == 0x9000
    assert file(interop, "0002")
    interop.send("00A4020C", bytes.fromhex("0001"))
    assert interop.send("00B00000", b"", 17).status == 0x6982


def test_a_changed_card_verifiable_certificate_is_refused(interop: Desk) -> None:
    interop.select("text")
    certificate = file(interop, "0004")
    assert len(certificate) == 568
    assert key_id("text") in certificate
    for at in range(5, 568, 40):
        with pytest.raises(Problem):
            check_certificate(
                certificate[:at] + bytes([certificate[at] ^ 1]) + certificate[at + 1 :], works().root_key()
            )


def test_the_visual_application_has_no_photo_and_says_so(interop: Desk) -> None:
    """The object is empty, and the works has signed that it is."""
    interop.select("visual")
    interop.send("00A4020C", bytes.fromhex("0002"))
    assert interop.send("00B00000", b"", 4).status == 0x6982
    assert interop.send("00200092", NUMBER_B.encode()).status == 0x9000
    parts = dict(objects(value(file(interop, "0002"), 0xFF20)))
    assert parts[0xDF27] == b""
    facts = b"".join(tlv(tag, parts[tag]) for tag in (0xDF22, 0xDF23, 0xDF24))
    pictures = tlv(0xDF25, parts[0xDF25]) + tlv(0xDF26, parts[0xDF26])
    digests = hashed(facts) + hashed(pictures) + hashed(tlv(0xDF27))
    info = bytes.fromhex("3071300d060960864801650304020105000460") + digests
    key = dict(objects(check_certificate(file(interop, "0004"), works().root_key())))
    numbers = rsa.RSAPublicNumbers(int.from_bytes(key[0x90], "big"), int.from_bytes(key[0x91], "big"))
    numbers.public_key().verify(parts[0xDF28], info, padding.PKCS1v15(), utils.NoDigestInfo())


def test_the_birth_date_opens_the_birth_date_and_no_more(interop: Desk) -> None:
    interop.select("visual")
    assert interop.send("00200091", b"020203").status == 0x9000
    assert value(value(file(interop, "0001"), 0xFF10), 0xDF11) == b"19900203"
    for name in ("0002", "0005"):
        interop.send("00A4020C", bytes.fromhex(name))
        assert interop.send("00B00000", b"", 4).status == 0x6982


def test_records_of_the_common_and_the_resident_application(interop: Desk) -> None:
    interop.select("common")
    interop.send("00A4020C", bytes.fromhex("0001"))
    record = interop.send("00B20104", b"", 256).data
    assert (record[:2], len(record), record[2:3]) == (b"\x01\x1c", 30, b"7")
    assert record[-13:] == b"14100" + b"20360203"
    assert interop.send("00B2010C", b"", 256).data == interop.send("00B20104", b"", 256).data
    assert interop.send("00B20204", b"", 256).status == 0x6A83
    assert interop.send("00B20105", b"", 256).status == 0x6A86
    assert interop.send("00B00000", b"", 4).status == 0x6981
    interop.select("resident")
    interop.send("00A4020C", bytes.fromhex("0001"))
    assert interop.send("00B20104", b"", 256).status == 0x6982
    interop.send("0020009C", CHOSEN["interop"]["resident-pin"].encode())
    assert interop.send("00B2010C", b"", 256).data[2:] == HOLDER.record_code.encode()


def test_the_chip_proves_that_it_is_genuine(interop: Desk) -> None:
    """INTERNAL AUTHENTICATE in the common application; the text application's own key, certified by the works."""
    interop.select("common")
    assert len(interop.send("00880099", b"challenge", 256).data) == 256
    interop.terminal.verify("text-pin", CHOSEN["interop"]["text-pin"])
    signature = interop.send("802A0000", payload("interop", b"challenge"), 256).data
    card_key = dict(objects(value(file(interop, "0007"), 0xFF50)))
    signer = check_certificate(file(interop, "0004"), works().root_key())
    check_signature(signer, card_key[0xDF52], tlv(0xDF51, card_key[0xDF51]))
    check_signature(card_key[0xDF51], signature, b"challenge")


def test_data_of_the_card_level(interop: Desk) -> None:
    assert interop.send("00CA00F0", b"", 256).data == tlv(0xF0, b"14100")
    assert interop.send("00CA0045", b"", 256).data[2:3] == b"7"
    first = interop.send("00CA7F21", b"", 256)
    assert (first.status, len(first.data)) == (0x6100, 256)
    rest = interop.send("00C00000", b"", 256), interop.send("00C00000", b"", 256)
    assert [each.status for each in rest] == [0x6138, 0x9000]
    check_certificate(first.data + rest[0].data + rest[1].data, works().root_key())
    assert interop.send("00CA0099", b"", 256).status == 0x6A88


def test_nothing_of_the_answer_that_waits_survives_another_command(interop: Desk) -> None:
    interop.send("00CA7F21", b"", 256)
    interop.send("00840000", b"", 8)
    assert interop.send("00C00000", b"", 256).status == 0x6985


def test_what_no_application_knows(interop: Desk) -> None:
    assert interop.send("00A40400", b"\xa0\0\0\0\x99", 256).status == 0x6A82
    assert interop.send("00A40400", b"\xd3\x92", 256).status == 0x6A82
    assert interop.send("00A4000C", b"\x3f\0").status == 0x6A86
    interop.select("jpki")
    assert interop.send("00A4020C", b"\x99\x99").status == 0x6A82
    assert interop.send("00A4020C", b"\x99").status == 0x6700
    assert interop.send("00FF0000").status == 0x6D00
    assert interop.send("0CB00000", b"", 4).status == 0x6E00
    assert interop.send("10B00000", b"", 4).status == 0x6884
    assert interop.send("00200080", b"1234").status == 0x6986
    assert interop.send("00200018", b"1234").status == 0x6A86
    assert interop.send("00200181", b"1234").status == 0x6A86
    assert interop.card.answer(b"\0\xa4") == b"\x67\0"


# --- product: what PIV expects --------------------------------------------------------------------------------


def test_a_login_with_the_product_card(product: Desk) -> None:
    assert value(product.select("piv").data, 0x61)
    product.terminal.verify("pin", CHOSEN["product"]["pin"])
    certificate = product.terminal.certificate("authentication")
    verify(certificate, product.sign("authentication", b"hello"), b"hello")


def test_a_signature_with_the_product_card(product: Desk) -> None:
    product.terminal.verify("signature-password", PASSWORD)
    certificate = product.terminal.certificate("signature")
    verify(certificate, product.sign("signature", b"contract"), b"contract")


def test_asking_for_tries_says_9000_while_the_pin_counts(product: Desk) -> None:
    product.select("piv")
    assert product.send("00200080").status == 0x63C5
    assert product.send("00200080", b"258036\xff\xff").status == 0x9000
    assert product.send("00200080").status == 0x9000
    assert [product.send("00200080", b"000000\xff\xff").status for _ in range(6)] == [
        0x63C4, 0x63C3, 0x63C2, 0x63C1, 0x63C0, 0x6983,
    ]  # fmt: skip
    assert product.send("00200080").status == 0x6983
    assert product.send("00200081").status == 0x6A88


def test_a_pin_is_changed_with_the_old_one_in_one_command(product: Desk) -> None:
    product.terminal.change("pin", CHOSEN["product"]["pin"], "99887766")
    product.terminal.verify("pin", "99887766")
    product.terminal.change("signature-password", PASSWORD, "OTHER9PASSWORD16")
    product.terminal.verify("signature-password", "OTHER9PASSWORD16")


def test_a_new_pin_without_form_costs_no_try(product: Desk) -> None:
    product.select("piv")
    for new in (b"12345\xff\xff\xff", b"1234567a", b"123456", b"12\xff\xff3456"):
        assert product.send("00240080", b"258036\xff\xff" + new).status == 0x6A80
    assert product.send("00200080").status == 0x63C5


@pytest.mark.parametrize("length", [1, 20, 32, 48])
def test_hashes_of_other_lengths_are_signed_as_the_same_number(product: Desk, length: int) -> None:
    """What OpenSC sends for ECDSA with SHA-1 or SHA-256."""
    product.terminal.verify("pin", CHOSEN["product"]["pin"])
    assert product.terminal.sign("authentication", b"\x5a" * length)


def test_general_authenticate_refuses_everything_else(product: Desk) -> None:
    product.terminal.verify("pin", CHOSEN["product"]["pin"])
    good = tlv(0x7C, tlv(0x82), tlv(0x81, bytes(48)))
    assert product.send("0087119A", good, 256).status == 0x6A86
    assert product.send("0087149B", good, 256).status == 0x6A88
    for wrong in (
        b"",
        good[:-1],
        tlv(0x7C, tlv(0x82), tlv(0x81, bytes(49))),
        tlv(0x7C, tlv(0x82), tlv(0x85, b"x")),
    ):
        assert product.send("0087149A", wrong, 256).status == 0x6A80
    assert product.send("0087149A", good, 256).status in (0x9000, 0x6982)
    assert value(value(product.send("0087009B", tlv(0x7C, tlv(0x81)), 256).data, 0x7C), 0x81)


def test_objects_that_are_not_there(product: Desk) -> None:
    """No CHUID: it would be a number of the card."""
    product.select("piv")
    for tag in ("5FC102", "5FC107", "5FC108", "5FC101"):
        assert product.send("00CB3FFF", bytes.fromhex("5C03" + tag), 256).status == 0x6A82
    assert product.send("00CB3FFF", b"\x5c", 256).status == 0x6A80
    assert product.send("00CB0000", b"\x5c\x01\x7e", 256).status == 0x6A86


def test_over_the_air_the_certificate_waits_for_the_pin(tmp_path: Path) -> None:
    with desk(copied("product", tmp_path / "a.card"), Interface.CONTACTLESS) as at:
        at.select("piv")
        with pytest.raises(CardRefused):
            at.terminal.certificate("authentication")
        at.terminal.verify("pin", CHOSEN["product"]["pin"])
        assert at.terminal.certificate("authentication")


# --- making cards ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_becomes_active_when_its_last_certificate_comes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.card"
    given = certificates(personalised(path, kind))
    assert set(given) == {"authentication", "signature"}
    with opened(path) as (store, shape):
        issuing.certify(store, shape, {"signature": given["signature"]})
        assert store.card()[1] is Life.PERSONALISED
        issuing.certify(store, shape, {"authentication": given["authentication"]})
        assert store.card()[1] is Life.ACTIVE
        with pytest.raises(CardStateUnfit):
            issuing.personalise(store, shape, CHOSEN[kind], COUNTER_KEY, bytes, HOLDER, works())


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_for_a_child_has_no_signature(kind: str, tmp_path: Path) -> None:
    """Without its password there is neither the key nor a request."""
    chosen = {name: text for name, text in CHOSEN[kind].items() if name != "signature-password"}
    given = certificates(personalised(tmp_path / "a.card", kind, chosen))
    assert set(given) == {"authentication"}
    with opened(tmp_path / "a.card") as (store, shape):
        issuing.certify(store, shape, given)
        assert store.card()[1] is Life.ACTIVE
    with desk(tmp_path / "a.card") as at:
        at.terminal.verify(LOGIN[kind], CHOSEN[kind][LOGIN[kind]])
        at.sign("authentication", b"x")


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [({"pin": "123"}, CardSecretMalformed), ({"puk": "12345678"}, CardSecretUnknown)],
)
def test_a_card_with_unfit_secrets_stays_blank(
    chosen: dict[str, str], problem: type[Problem], tmp_path: Path
) -> None:
    with pytest.raises(problem):
        personalised(tmp_path / "a.card", "product", chosen)
    assert [len(rows(tmp_path / "a.card")[name]) for name in ("card", "card_secret", "card_key")] == [1, 0, 0]


def test_an_interop_card_without_a_holder_is_refused(tmp_path: Path) -> None:
    blank(tmp_path / "a.card", "interop")
    with opened(tmp_path / "a.card") as (store, shape), pytest.raises(CardDataMalformed):
        issuing.personalise(store, shape, CHOSEN["interop"], COUNTER_KEY, bytes)


def test_a_file_is_a_card_or_refused(tmp_path: Path) -> None:
    with pytest.raises(CardMissing), opened(tmp_path / "no.card"):
        pass
    blank(tmp_path / "a.card", "product")
    with pytest.raises(CardExists):
        blank(tmp_path / "a.card", "product")
    (tmp_path / "empty.card").touch()
    with pytest.raises(CardDataMalformed), opened(tmp_path / "empty.card"):
        pass


def test_names_and_ids_are_not_those_of_real_cards() -> None:
    """Real key ids begin with 5, those of the real test system with 6."""
    assert profile("interop").key_id == "7"
    assert all(key_id(name)[:1] == b"7" for name in ("root", "visual", "text"))
