"""What is fuzzed: each target takes bytes and raises ``Finding`` when a promise is broken."""

import io
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from common.domain.names import StatusCode
from common.edxml import Limits, Unreadable, parse
from common.secrecy import mark_in_message
from fuzz.mutate import DER_TOKENS, PDF_TOKENS, XML_TOKENS, mutated
from mint import packages
from mint.attacks.forge import message, resigned, without_attribute
from mint.attacks.raw import appended, body_of, page, stream, text
from mint.attacks.saving import with_streams
from mint.city import City, build_city
from mint.hybrid import hybrid
from mint.ltv import add_validation_data
from mint.paper import letter
from mint.sign import sign
from mint.tamper import BYTE_RANGE
from validator.checks.difference import check_difference
from validator.checks.gate import check_gate
from validator.checks.parse import parse as parse_pdf
from validator.checks.structure import find_signatures
from validator.context import Material, ValidationContext, VerificationRequest
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.fault import Fault
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.decision import Verified
from validator.report.rules import Step
from validator.secrecy import find_mark
from validator.verify import verify

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
SENDER = "000.00.14.H29"
REQUEST = VerificationRequest(sender=SENDER)

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


class Finding(AssertionError):
    """A promise was broken."""


@dataclass(frozen=True, slots=True)
class Target:
    """One fuzz target."""

    run: Callable[[bytes, bytes], object]
    """Takes the seed and what was made of it."""
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...]
    seconds: float = 10.0
    """One input may take so much CPU time."""


@cache
def city() -> City:
    """One city a process."""
    return build_city(NOW, kind="p256")


@cache
def _material() -> Material:
    trust = TrustStore([city().authority.root.der], [city().authority.issuing.der])
    end = NOW + timedelta(days=7)
    files = [(each, city().authority.crl(each, this_update=NOW, next_update=end)) for each in ("root", "issuing")]
    lists = RevocationLists(authentic_crls(trust.roots + trust.intermediates, files, DEFAULT))
    return Material(trust, lists, city().directory("v1"))


def judge(document: bytes) -> object:
    """The decision on a document of the demo city."""
    context = ValidationContext(_material(), NOW + timedelta(hours=1))
    return verify(document, REQUEST, context)


@cache
def signed_seeds() -> list[bytes]:
    """Small valid documents of different make."""
    seal = city()[SENDER].seal
    plain, made = letter(), city().signed(SENDER, page())
    return [
        made,
        city().signed(SENDER, plain),
        city().signed(SENDER, hybrid(plain), lenient=True),
        city().signed(SENDER, plain, legacy=True, visible=False),
        add_validation_data(made, [seal], []),
    ]


@cache
def unsigned_seeds() -> list[bytes]:
    """PDFs of different make, and updates of them."""
    plain = page()
    return [
        plain,
        letter(),
        hybrid(letter()),
        appended(plain, {4: stream(text(b"x"))}),
        with_streams(plain, {3: body_of(plain, 3)}),
        sign(plain, city()[SENDER].signer, NOW, field="A"),
    ]


def gate(_seed: bytes, data: bytes) -> None:
    """The gate and the parser answer or raise a Fault, nothing else."""
    try:
        check_gate(data, DEFAULT)
        parse_pdf(data, DEFAULT)
    except Fault:
        return


def structure(_seed: bytes, data: bytes) -> None:
    """The structure checks answer or raise a Fault; what they find lies inside the file."""
    try:
        check_gate(data, DEFAULT)
        found = find_signatures(data, parse_pdf(data, DEFAULT), DEFAULT)
    except Fault:
        return
    for each in found:
        if not 0 < each.hole[0] < each.hole[1] <= each.end <= len(data):
            raise Finding("a signature outside the file")


def signed(seed: bytes, data: bytes) -> None:
    """A mutation that keeps a valid verdict has the same bytes in all ranges that the seed's signatures cover."""
    decision = judge(data)
    if isinstance(decision, Verified) and data != seed:
        check_same_ranges(seed, data)


def difference(_seed: bytes, data: bytes) -> None:
    """The difference analysis answers or raises a Fault, and says the same from the bytes and object by object."""
    answers = {_is_allowed(data, plainly=plainly) for plainly in (True, False)}
    if answers == {True, False}:
        raise Finding("the analysis says two things of one file")


def _is_allowed(data: bytes, *, plainly: bool) -> bool | None:
    """``plainly``: from the bytes, where the file is laid out so, and then only what the rules ask for. None = there is
    something that cannot be read.
    """
    try:
        check_gate(data, DEFAULT)
        reader = parse_pdf(data, DEFAULT)
        found = find_signatures(data, reader, DEFAULT)
        if not plainly:
            reader.memo["plain_history"] = None
        for place, each in enumerate(found):
            check_difference(reader, each, found[-1], time_stamps_follow=place + 1 < len(found))
    except Fault as fault:
        is_readable = fault.step is not Step.DIFFERENCE or isinstance(fault.__cause__, ChangeNotAllowed | None)
        return fault.step is not Step.DIFFERENCE if is_readable else None
    return True


def certificate(seed: bytes, data: bytes) -> None:
    """Another certificate in a message that is right otherwise: an answer, and never that it is valid."""
    seal = city()[SENDER].seal

    def made(digest: bytes) -> bytes:
        return message(seal, digest, NOW, change=without_attribute("signing_certificate_v2")).replace(seed, data)

    if isinstance(judge(resigned(signed_seeds()[0], made)), Verified) and data != seed:
        raise Finding("valid with a certificate that is another one")


def check_same_ranges(seed: bytes, data: bytes) -> None:
    """Raise unless every signed range of the seed is the same in ``data``."""
    for found in BYTE_RANGE.finditer(seed):
        start, first, second, length = (int(number) for number in found.groups())
        for begin, end in ((start, start + first), (second, second + length)):
            if seed[begin:end] != data[begin:end]:
                raise Finding(f"still valid, though signed bytes {begin} to {end} differ")


def edxml(_seed: bytes, data: bytes) -> None:
    """The reader gives a message or Unreadable, with all files closed or given."""
    try:
        parsed = parse(io.BytesIO(data), limits=Limits(max_package_bytes=4_000_000))
    except Unreadable:
        return
    mark_in_message(parsed.message)
    for file in parsed.files:
        file.close()


def secrecy(_seed: bytes, data: bytes) -> None:
    """The search for marks ends, whatever the file holds."""
    find_mark("a", data)


@cache
def packages_seeds() -> list[bytes]:
    """Documents and statuses."""
    pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
    made = packages.letter(SENDER, ["H29.901.01"], "a", pdf)
    more = packages.letter(SENDER, ["H29.901.01"], "b", pdf, appendices=[("a.csv", b"1,2\n"), ("b.txt", b"x")])
    status = packages.status("H29.901.01", SENDER, "a", StatusCode.ARRIVED, NOW)
    return [made, more, status, made.decode().replace("UTF-8", "UTF-16").encode("utf-16")]


TARGETS = {
    "gate": Target(gate, unsigned_seeds, PDF_TOKENS),
    "structure": Target(structure, signed_seeds, PDF_TOKENS),
    "signed": Target(signed, signed_seeds, PDF_TOKENS),
    "difference": Target(difference, signed_seeds, PDF_TOKENS),
    "certificate": Target(certificate, lambda: [city()[SENDER].seal.der], DER_TOKENS),
    "edxml": Target(edxml, packages_seeds, XML_TOKENS),
    "secrecy": Target(secrecy, unsigned_seeds, PDF_TOKENS),
}


def case(target: Target, number: int) -> tuple[bytes, bytes]:
    """Seed and input of one number: the same in every run of the same city."""
    dice = random.Random(number)
    seed = dice.choice(target.seeds())
    return seed, mutated(seed, dice, target.tokens)
