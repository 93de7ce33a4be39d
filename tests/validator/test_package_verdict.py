"""What the verdicts on a package's PDFs mean together, and when a sender declares a copy."""

from datetime import date
from typing import Any

import pytest

from common.domain.envelope import Attachment, DocumentType, Envelope, Organization, Signer
from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from mint.pki import Authority
from validator.attachments import declares_copy, pdfs
from validator.context import Material, ValidationContext, VerificationRequest
from validator.package_verdict import PackageVerdict, conclude
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.report.decision import Decision
from validator.verify import verify

from .conftest import NOW, SENDER, Harness


def package(*names: str, type_name: str = "Công văn", description: str | None = None) -> Envelope:
    kinds = {
        "pdf": "application/pdf",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
    return Envelope(
        sender=Organization(code=SENDER),
        receivers=(Organization(code="H29.901.01"),),
        document_id="1",
        number="1",
        notation="CV",
        promulgation_date=date(2026, 7, 1),
        type=DocumentType(name=type_name),
        subject="V/v thử",
        signer=Signer(full_name="Nguyễn Văn A"),
        attachments=tuple(
            Attachment(
                content_id=name,
                name=name,
                content_type=kinds[name.rsplit(".", 1)[1]],
                size_bytes=1,
                sha256="0" * 64,
                description=description,
            )
            for name in names
        ),
    )


def test_the_first_pdf_is_the_document_itself() -> None:
    assert [a.name for a in pdfs(package("bang.docx", "cong-van.pdf", "phu-luc.pdf"))] == [
        "cong-van.pdf",
        "phu-luc.pdf",
    ]


@pytest.mark.parametrize(
    ("type_name", "description", "declared"),
    [
        ("Công văn", None, False),
        ("Bản sao y", None, True),
        ("BẢN SAO", None, True),
        ("Sao lục", None, True),
        ("Công văn", "Trích sao văn bản gốc", True),
        ("Công văn", "SAO Y bản chính", True),
        ("Thông báo sao chép", None, False),
        ("Báo cáo sao Kim", None, False),
    ],
)
def test_declared_copies(type_name: str, description: str | None, declared: bool) -> None:
    assert declares_copy(package("a.pdf", type_name=type_name, description=description)) is declared


@pytest.fixture(scope="module")
def decisions(harness: Harness) -> dict[str, Decision]:
    unit_only = harness.city.certified_copy(SENDER, harness.letter)
    without_lists = Material(harness.trust, RevocationLists(), harness.directory)
    stale = verify(harness.signed, VerificationRequest(sender=SENDER), ValidationContext(without_lists, NOW))
    flipped = bytearray(harness.signed)
    flipped[300] ^= 1
    return {
        "valid": harness.judge(harness.signed),
        "unsigned": harness.judge(harness.letter),
        "unit only": harness.judge(unit_only),
        "tampered": harness.judge(bytes(flipped)),
        "other CA": harness.judge(harness.signed, trust=_foreign()),
        "undecided": stale,
    }


def _foreign() -> Any:

    return TrustStore([Authority(now=NOW, kind="p256").root.der])


CASES: list[tuple[list[str], Any]] = [
    ([], Reason.E_PDF_NONE),
    (["valid"], 0),
    (["valid", "valid"], 0),
    (["valid", "unsigned"], 1),
    (["valid", "unsigned", "unsigned"], 2),
    (["valid", "unit only"], 0),
    (["unsigned"], Reason.E_SIG_ORG_MISSING),
    (["unsigned", "valid"], Reason.E_SIG_ORG_MISSING),
    (["unit only", "valid"], Reason.E_SIG_SIGNER_MISSING),
    (["valid", "tampered"], "refused"),
    (["valid", "other CA"], Reason.E_SIG_UNTRUSTED_CA),
    (["undecided", "tampered"], "refused"),
    (["undecided", "valid"], "undecided"),
    (["valid", "undecided"], "undecided"),
]


@pytest.mark.parametrize(("kinds", "expected"), CASES, ids=["+".join(kinds) or "none" for kinds, _ in CASES])
def test_a_package(decisions: dict[str, Decision], kinds: list[str], expected: Any) -> None:
    answer = conclude([decisions[kind] for kind in kinds], [f"{kind}.pdf" for kind in kinds])
    match expected:
        case int():
            assert answer == PackageVerdict(Label.ORIGINAL, expected)
        case "refused":
            assert isinstance(answer, Refused)
        case "undecided":
            assert isinstance(answer, Undecided)
            assert answer.reason is Reason.E_SIG_REVOCATION_UNKNOWN
        case _:
            assert isinstance(answer, Refused)
            assert answer.reason is expected
