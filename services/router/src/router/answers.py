"""Answers to the senders of packages, each made of the fact that it is about. Pure."""

from collections.abc import Sequence

from common import headers
from common.domain.names import PackageKind, UnitCode
from common.domain.reason import Reason
from common.facts import (
    CarriesPackage,
    DeliveryRefused,
    MessageParked,
    OperatorActed,
    PackageRefused,
    PackageRepeated,
    PackageWaiting,
)
from router.compose import Answer
from router.placing import Placing


def receipt_of(fact: CarriesPackage) -> Answer:
    """The receipt: the trunk is responsible for the package."""
    return Answer(
        id=f"{fact.package_id}/receipt",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.submitted_at,
        submitted_at=fact.submitted_at,
        sha256=fact.package.sha256,
    )


def waiting_answer(fact: PackageWaiting) -> Answer:
    """The receipt *waiting*: the package waits for the document that it is about, or for a revocation list."""
    step = "waiting" if fact.reason is Reason.E_REFDOC_AWAITED else f"waiting/{fact.reason}"
    return Answer(
        id=f"{fact.package_id}/{step}",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.submitted_at,
        submitted_at=fact.submitted_at,
        sha256=fact.package.sha256,
        is_waiting=True,
        reason=fact.reason,
        detail=fact.detail,
    )


def to_repeat(saved: Sequence[Answer]) -> list[Answer]:
    """The saved answers about a package that are sent again: its refusals as a whole, if there are any; otherwise all
    answers but the receipts *waiting*; if there are only such receipts, these."""
    refusals = [answer for answer in saved if answer.final]
    return refusals or [answer for answer in saved if not answer.is_waiting] or list(saved)


def package_refusal_of(fact: PackageRefused | PackageRepeated) -> Answer:
    """The refusal of a package by intake; ``E_FACT`` if the fact names no reason."""
    package = fact.package if isinstance(fact, PackageRefused) else None
    return Answer(
        id=f"{fact.package_id}/refusal",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.occurred_at,
        submitted_at=fact.submitted_at,
        sha256=package.sha256 if package else "",
        reason=fact.reason or Reason.E_FACT,
        detail=fact.detail,
    )


def held_answer(fact: MessageParked, sender: UnitCode) -> Answer:
    """The receipt *held*: the package is parked, and why."""
    return _about_held(fact, sender, "held", fact.reason, fact.detail, is_held=True)


def discarded_answer(fact: OperatorActed, sender: UnitCode) -> Answer:
    """The refusal of a package that an operator discarded."""
    detail = f"{fact.reason}: {fact.purpose}" if fact.reason else fact.purpose
    return _about_held(fact, sender, "discarded", Reason.E_DISCARDED, detail, is_held=False)


def returned_answer(fact: MessageParked, placing: Placing) -> Answer:
    """The receipt *returned*: a receiver's system returned the document."""
    return _about_delivery(fact, placing, "returned", Reason.E_RETURNED, f"đơn vị nhận {placing.receiver}", True)


def discarded_delivery_answer(fact: OperatorActed, placing: Placing) -> Answer:
    """The refusal for one receiver: an operator decided that it does not get the returned document again."""
    detail = f"đơn vị nhận {placing.receiver}: {fact.purpose}"
    return _about_delivery(fact, placing, "discarded", Reason.E_DISCARDED, detail, False)


def closed_answer(placing: Placing, fact: DeliveryRefused) -> Answer:
    """The refusal for one receiver: it was closed before its inbox took the document, and has no inbox any more."""
    is_own_package = placing.headers[headers.PACKAGE_ID] == fact.package_id
    return Answer(
        id=f"{fact.package_id}/refusal/{fact.receiver}",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.occurred_at,
        submitted_at=placing.opened_at,
        sha256=placing.sha256 if is_own_package else "",
        reason=fact.reason,
        detail=fact.detail,
    )


def _about_delivery(
    fact: MessageParked | OperatorActed, placing: Placing, step: str, reason: Reason, detail: str, is_returned: bool
) -> Answer:
    about = placing.headers
    return Answer(
        id=f"{about[headers.PACKAGE_ID]}/{step}/{fact.event_id}",
        to=about[headers.SENDER],
        package_id=about[headers.PACKAGE_ID],
        document_key=about[headers.DOCUMENT_KEY],
        document_id=about[headers.DOCUMENT_ID],
        kind=PackageKind(about[headers.KIND]),
        lane=placing.lane,
        at=fact.occurred_at,
        submitted_at=placing.opened_at,
        sha256=placing.sha256,
        is_returned=is_returned,
        receiver=placing.receiver,
        reason=reason,
        detail=detail,
    )


def _about_held(
    fact: MessageParked | OperatorActed, sender: UnitCode, step: str, reason: Reason, detail: str, *, is_held: bool
) -> Answer:
    """A package that no service could read has no package id. The id of its message record takes its place."""
    package_id = fact.package_id or fact.record_id
    return Answer(
        id=f"{package_id}/{step}/{fact.event_id}",
        to=sender,
        package_id=package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=PackageKind.NEW,
        lane=fact.lane,
        at=fact.occurred_at,
        submitted_at=fact.occurred_at,
        is_held=is_held,
        reason=reason,
        detail=detail,
    )
