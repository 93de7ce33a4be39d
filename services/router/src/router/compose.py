"""The messages that the trunk itself writes to units: receipts, and statuses 02 (refusal), 13 (withdrawal) and 15
(agreement). Pure."""

import json
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from common.domain.envelope import UNKNOWN_DATE, Message, Organization, ResponseFor, StatusReport
from common.domain.ids import event_id
from common.domain.names import DocumentId, Lane, PackageId, PackageKind, Sha256, StatusCode, UnitCode
from common.domain.reason import Reason
from common.edxml import build
from common.sentences import sentence

MAX_DESCRIPTION = 500
"""Characters of the description of a status (QCVN 102:2016/BTTTT)."""
WITHDRAWN = (
    "Đơn vị gửi đã cập nhật nơi nhận và lấy lại văn bản này; đề nghị hủy bản đã nhận và trả lời bằng trạng thái 15."
)

NOT_YET_RECEIVED = "Văn bản chưa được chuyển tới đơn vị {unit}; trục đã rút lại văn bản và trả lời thay đơn vị."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to the sender of a package: a receipt or a refusal (see ``is_receipt``)."""

    id: str
    """``<package id>/<step>``, for example ``…/receipt``, ``…/refusal`` or ``…/refusal/<receiver>``."""
    to: UnitCode
    package_id: PackageId
    document_key: str
    document_id: DocumentId
    kind: PackageKind
    lane: Lane
    at: datetime
    submitted_at: datetime
    sha256: Sha256 = ""
    """Of the package answered; empty = not known."""
    is_held: bool = False
    """The package is parked: neither accepted nor refused until an operator decides."""
    is_waiting: bool = False
    """The package waits for a document or a revocation list: not decided yet."""
    is_returned: bool = False
    """The receiver's system returned the document; it is parked until an operator decides."""
    receiver: UnitCode = ""
    """The receiver that the answer is about; empty = the whole package."""
    reason: Reason | None = None
    detail: str = ""
    response_for: ResponseFor | None = None

    @property
    def step(self) -> str:
        """The id without the package id: the name of the step that is answered."""
        return self.id.partition("/")[2]

    @property
    def event_id(self) -> str:
        """Event id of the inbox message."""
        return event_id(self.package_id, self.step)

    @property
    def is_receipt(self) -> bool:
        """Whether the answer is a receipt; otherwise it is a refusal."""
        return self.reason is None or self.is_held or self.is_waiting or self.is_returned

    @property
    def final(self) -> bool:
        """Whether it refuses the package as a whole."""
        return self.step == "refusal"


ANSWER = TypeAdapter(Answer)


def receipt(answer: Answer) -> bytes:
    """The receipt as JSON: the package is accepted, waits, is held or was returned; and why, if there is a reason."""
    fields = {
        "receipt": _word(answer),
        "package_id": answer.package_id,
        "document_id": answer.document_id,
        "sha256": answer.sha256,
        "submitted_at": answer.submitted_at.isoformat(),
    }
    if answer.reason is not None:
        fields |= {"reason": answer.reason, "description": describe(answer.reason, answer.detail)}
    if answer.receiver:
        fields["receiver"] = answer.receiver
    return json.dumps(fields, ensure_ascii=False).encode()


def _word(answer: Answer) -> str:
    words = {"held": answer.is_held, "waiting": answer.is_waiting, "returned": answer.is_returned}
    return next((word for word, holds in words.items() if holds), "accepted")


def refusal(answer: Answer, trunk: Organization) -> bytes:
    """The edXML status 02 with the reason. Raises ``ValueError`` for an answer without one."""
    if answer.reason is None:
        raise ValueError(f"{answer.id} is no refusal")
    concerned = answer.response_for or ResponseFor(
        unit=answer.to, document_id=printable(answer.document_id) or answer.package_id
    )
    return build(
        StatusReport(
            sender=trunk,
            response_for=concerned,
            code=StatusCode.REFUSED,
            at=answer.at,
            description=describe(answer.reason, answer.detail),
        )
    )


def withdrawal(issuer: UnitCode, document_id: DocumentId, trunk: Organization, at: datetime) -> bytes:
    """The edXML status 13 for a unit that an update removed. The trunk sends it for the issuer, whom ResponseFor
    names."""
    concerned = ResponseFor(unit=issuer, document_id=document_id)
    return build(
        StatusReport(sender=trunk, response_for=concerned, code=StatusCode.TAKE_BACK, at=at, description=WITHDRAWN)
    )


def agreement(issuer: UnitCode, document_id: DocumentId, unit: UnitCode, trunk: Organization, at: datetime) -> bytes:
    """The edXML status 15 in the trunk's name: the unit never received the document that is taken back."""
    return build(
        StatusReport(
            sender=trunk,
            response_for=ResponseFor(unit=issuer, document_id=document_id),
            code=StatusCode.AGREED,
            at=at,
            description=NOT_YET_RECEIVED.format(unit=unit),
        )
    )


def describe(reason: Reason, detail: str) -> str:
    """``TOKEN: sentence (detail)``, at most ``MAX_DESCRIPTION`` characters; a longer detail is cut."""
    explained = f"{reason}: {sentence(reason)}"
    detail = printable(detail)
    room = MAX_DESCRIPTION - len(explained) - len(" ()")
    if not detail or room < 1:
        return explained[:MAX_DESCRIPTION]
    return f"{explained} ({detail if len(detail) <= room else detail[: room - 1] + '…'})"


def answered(message: Message) -> ResponseFor:
    """The document that an answer to a package names: its own, or of a status the one that it is about."""
    if isinstance(message, StatusReport):
        return message.response_for
    code = f"{message.number}/{message.notation}" if message.number and message.notation else None
    day = None if message.promulgation_date == UNKNOWN_DATE else message.promulgation_date
    return ResponseFor(unit=message.sender.code, document_id=message.document_id, code=code, promulgation_date=day)


def printable(text: str) -> str:
    """The text on one line, with only characters that XML can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
