"""Facts about the operation of the trunk: security events, parked messages, and operators' decisions."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from common.domain.names import DocumentId, Lane, PackageKind, UnitCode
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts.base import BaseFact, Identifier, ObjectRef, Text

SECURITY_SUBJECT = "security"
"""Subject under which the ledger records all security events."""

OperatorAction = Literal["replay", "discard", "restore", "resend", "renew", "redrive", "rebuild"]
"""``replay``: handle a parked message again; ``discard``: give it up, and send its sender a refusal; ``restore``: undo
a discard; ``resend``: send a notification again that failed or was given up; ``renew``: issue the address of a large
package in an inbox again; ``redrive``: publish the fact of an open package again; ``rebuild``: place messages again
that are not known to have been read from an inbox that was lost."""
ABOUT_ROWS = ("resend", "renew", "redrive", "rebuild")
"""Actions about rows of a service, not about parked messages."""


class SecurityNoticed(BaseFact):
    """A security event (R40)."""

    fact: Literal["security.noticed"] = "security.noticed"
    kind: SecurityKind
    service: str
    """The service that reports it; it must be the publisher."""
    actor: Text
    """The unit code, broker user or person that caused it; empty = unknown."""
    origin: Text = ""
    """The queue, exchange or network address from which it came."""
    detail: Text = ""
    """One sentence for people; no content of documents."""
    package_id: Identifier = ""
    count: int = Field(default=1, ge=1, le=1_000_000)
    """How many equal events this one stands for; events that come in large numbers, such as failed log-ins, are
    counted."""


class MessageParked(BaseFact):
    """A service has given up on a message, and keeps it until an operator decides."""

    fact: Literal["message.parked"] = "message.parked"
    service: str
    """The service that keeps the message; it must be the publisher."""
    record_id: Identifier
    """Id of the message record."""
    queue: str
    """The queue from which the service took it."""
    reason: Reason
    detail: Text = ""
    user: str = ""
    """The broker user who published the message; empty = the broker does not vouch for any."""
    is_quarantined: bool = False
    """Whether the publisher was not entitled to the message, so that it is never handled again."""
    holds_package: bool = False
    """Whether the message carries a package on its way, so that the package's sender must be notified."""
    sender: UnitCode = ""
    """Sender of that package, if the message states it reliably."""
    package_id: Identifier = ""
    document_id: DocumentId = ""
    message_event_id: Identifier = ""
    """Event id of the message itself, if it was in a unit's inbox."""


class OperatorRequested(BaseFact):
    """An operator decided about a parked message, a notification that was not sent, a package or an inbox."""

    fact: Literal["operator.requested"] = "operator.requested"
    target: str
    """The service that keeps what the request is about."""
    record_id: Identifier
    """Id of the message record or the notification; of a placing (``renew``), a package (``redrive``) or a unit
    (``rebuild``). ``*`` = all, for the last two."""
    action: OperatorAction
    actor: Text
    """The person who decided."""
    purpose: Text
    """Why, in the person's words."""


class ParkedPackage(BaseModel):
    """The fields of the fact in a parked message that are needed when its package is discarded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    fact: str
    """Name of the fact, which shows how far the package had come."""
    kind: PackageKind
    envelope: ObjectRef
    submitted_at: AwareDatetime
    place: AwareDatetime | None = None
    claims_document_id: bool | None = None


class OperatorActed(BaseFact):
    """A service has carried out an operator's request, or could not."""

    fact: Literal["operator.acted"] = "operator.acted"
    service: str
    record_id: Identifier
    action: OperatorAction
    actor: Text
    purpose: Text
    outcome: Text
    """``done``, sometimes with more, or why not."""
    reason: Reason | None = None
    """Why the message was parked."""
    user: str = ""
    holds_package: bool = False
    sender: UnitCode = ""
    package_id: Identifier = ""
    document_id: DocumentId = ""
    package: ParkedPackage | None = None
    """Set if a fact about a package on its way was parked; None in facts of earlier releases."""
    message_event_id: Identifier = ""
    """Event id of the message, if it was in a unit's inbox."""


def security_event(
    service: str,
    kind: SecurityKind,
    identifier: str,
    at: datetime,
    *,
    actor: str,
    origin: Text = "",
    detail: Text = "",
    package_id: str = "",
) -> SecurityNoticed:
    """A security event. ``identifier``: its event id; ``at``: when it occurred."""
    return SecurityNoticed(
        event_id=identifier,
        occurred_at=at,
        subject=SECURITY_SUBJECT,
        lane=Lane.NORMAL,
        kind=kind,
        service=service,
        actor=actor,
        origin=origin,
        detail=detail,
        package_id=package_id,
    )
