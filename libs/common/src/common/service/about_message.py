"""The package or document that a parked message concerns, as far as the message states it reliably. Pure."""

from collections.abc import Mapping

from common import headers
from common.facts import CarriesPackage, PackageFact, ParkedPackage
from common.failure import Forged, Permanent
from common.service.facts_in import fact_of
from common.service.incoming import Incoming
from common.service.records import About
from common.topology import unit_of_inbox, unit_of_submit_queue

ON_THE_WAY = ("facts.validator.", "facts.router.")
"""Prefixes of the queues whose facts carry packages towards their receivers."""


def about_message(message: Incoming) -> tuple[About, bool]:
    """The package or document that a dead letter concerns, and whether its publisher was not entitled to it.

    All that is reliable about a submission is that it holds a package. The fields of a fact count if its publisher may
    publish it.
    """
    if unit_of_submit_queue(message.queue):
        return About(holds_package=True), False
    if unit_of_inbox(message.queue):
        return _about_inbox_message(message.labels), False
    if not message.queue.startswith("facts."):
        return About(document_id=message.labels.get(headers.DOCUMENT_ID, "")), False
    try:
        fact = fact_of(message)
    except Forged:
        return About(), True
    except Permanent:
        return About(), False
    if not isinstance(fact, PackageFact):
        return About(subject=fact.subject), False
    package = _package_in(fact) if message.queue.startswith(ON_THE_WAY) else None
    about = About(
        subject=fact.subject,
        package_id=fact.package_id,
        document_id=fact.document_id,
        sender=fact.sender,
        holds_package=package is not None,
        package=package,
    )
    return about, False


def _package_in(fact: PackageFact) -> ParkedPackage | None:
    if not isinstance(fact, CarriesPackage):
        return None
    return ParkedPackage(
        fact=fact.fact,
        kind=fact.kind,
        envelope=fact.envelope,
        submitted_at=fact.submitted_at,
        place=fact.place,
        claims_document_id=fact.claims_document_id,
    )


def _about_inbox_message(labels: Mapping[str, str]) -> About:
    """The package or document that a message from an inbox concerns. Only messages of the router have these labels."""
    return About(
        subject=labels.get(headers.DOCUMENT_KEY, ""),
        package_id=labels.get(headers.PACKAGE_ID, ""),
        document_id=labels.get(headers.DOCUMENT_ID, ""),
        sender=labels.get(headers.SENDER, ""),
        event_id=labels.get(headers.EVENT_ID, ""),
    )
