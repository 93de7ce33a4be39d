"""Facts for those who guard and operate the trunk: security events, parked messages and what people do about them."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from common.domain.names import DocumentId, Lane, PackageKind, UnitCode
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts.base import BaseFact, Identifier, ObjectRef, Text

SECURITY_SUBJECT = "security"
"""Ledger of all security events: one chain, so that a missing event shows."""

OperatorAction = Literal["replay", "discard", "restore", "resend", "renew", "redrive", "rebuild"]
"""``replay``: handle a parked message again; ``discard``: give it up, its sender is told; ``restore``: undo that;
``resend``: try once more to send a notification that failed or was given up; ``renew``: issue the address of a large
package in an inbox again; ``redrive``: publish the fact of an open package again; ``rebuild``: place again what is not
known to have been read in an inbox that was lost."""
ABOUT_ROWS = ("resend", "renew", "redrive", "rebuild")
"""Actions that concern rows of a service, not parked messages."""


class SecurityNoticed(BaseFact):
    """Something happened that bears on the security of the trunk (R40)."""

    fact: Literal["security.noticed"] = "security.noticed"
    kind: SecurityKind
    service: str
    """Who reports it: the publisher's own name."""
    actor: Text
    """Who did it: a unit code, a broker user, or a person; empty if nobody knows."""
    origin: Text = ""
    """Where it came from: a queue, an exchange, or a network address."""
    detail: Text = ""
    """One sentence for people; no content of documents."""
    package_id: Identifier = ""
    count: int = Field(default=1, ge=1, le=1_000_000)
    """How many equal events this one stands for, where they come in numbers, such as failed log-ins."""


class MessageParked(BaseFact):
    """A service gave up on a message; it is kept until an operator decides."""

    fact: Literal["message.parked"] = "message.parked"
    service: str
    """Who keeps the message: the publisher's own name."""
    record_id: Identifier
    queue: str
    """Where the service took it from."""
    reason: Reason
    detail: Text = ""
    user: str = ""
    """The broker user who published the message; empty if the broker does not vouch for one."""
    is_quarantined: bool = False
    """The publisher was not entitled to the message: it is never handled again."""
    holds_package: bool = False
    """The message carried a package on its way, so the package's sender has to be told."""
    sender: UnitCode = ""
    """Sender of that package, if the message says so reliably."""
    package_id: Identifier = ""
    document_id: DocumentId = ""
    message_event_id: Identifier = ""
    """Event id of the message itself, if it had been in a unit's inbox."""


class OperatorRequested(BaseFact):
    """An operator decided about a parked message, a notification that was not sent, a package or an inbox."""

    fact: Literal["operator.requested"] = "operator.requested"
    target: str
    """The service that keeps what the request is about."""
    record_id: Identifier
    """Of the message or the notification; a package id, or a unit for a ``rebuild``; ``*`` = all."""
    action: OperatorAction
    actor: Text
    """The person who decided."""
    purpose: Text
    """Why, in the person's words."""


class ParkedPackage(BaseModel):
    """What the fact in a parked message says of its package, as far as it matters once the package is given up."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    fact: str
    """Name of the fact, which tells how far the package had come."""
    kind: PackageKind
    envelope: ObjectRef
    submitted_at: AwareDatetime
    place: AwareDatetime | None = None
    claims_document_id: bool | None = None


class OperatorActed(BaseFact):
    """A service did what an operator had decided."""

    fact: Literal["operator.acted"] = "operator.acted"
    service: str
    record_id: Identifier
    action: OperatorAction
    actor: Text
    purpose: Text
    outcome: Text
    """``done``, or why not."""
    reason: Reason | None = None
    """Why the message had been parked."""
    user: str = ""
    holds_package: bool = False
    sender: UnitCode = ""
    package_id: Identifier = ""
    document_id: DocumentId = ""
    package: ParkedPackage | None = None
    """None unless a fact about a package on its way had been parked, and in facts of earlier releases."""
    message_event_id: Identifier = ""
    """Event id of the message, if it had been in a unit's inbox."""


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
    """A security event."""
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
