"""Facts that travel between services: named in the past tense, frozen, additive, at most 32 KiB, without files of
documents."""

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from common.facts.base import BaseFact, ObjectPlace, ObjectRef, PackageFact, Text
from common.facts.deliveries import (
    DeliveryPlaced,
    DeliveryRefused,
    DeliveryWaiting,
    DocumentRecalled,
    DocumentSuperseded,
    RoutingRefused,
    StatusRecorded,
)
from common.facts.keeping import DocumentArchived, NotificationSent
from common.facts.packages import (
    MAX_EVIDENCE,
    MAX_TARGETS,
    CarriesPackage,
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    PackageAccepted,
    PackageFinished,
    PackageRefused,
    PackageRepeated,
    PackageRouted,
    PackageWaiting,
)
from common.facts.security import (
    ABOUT_ROWS,
    SECURITY_SUBJECT,
    MessageParked,
    OperatorActed,
    OperatorAction,
    OperatorRequested,
    ParkedPackage,
    SecurityNoticed,
    security_event,
)

Fact = Annotated[
    PackageAccepted
    | NoticeAccepted
    | PackageRefused
    | PackageRepeated
    | PackageWaiting
    | PackageRouted
    | PackageFinished
    | DocumentVerified
    | DocumentRefused
    | DeliveryPlaced
    | DeliveryRefused
    | DeliveryWaiting
    | StatusRecorded
    | RoutingRefused
    | DocumentSuperseded
    | DocumentRecalled
    | DocumentArchived
    | NotificationSent
    | MessageParked
    | OperatorRequested
    | OperatorActed
    | SecurityNoticed,
    Field(discriminator="fact"),
]
"""Any fact; the name decides which."""

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)
FACT_TYPES: tuple[type[BaseFact], ...] = get_args(get_args(Fact)[0])


def name_of(kind: type[BaseFact]) -> str:
    """The name of a class of facts, such as ``package.accepted``."""
    return str(kind.model_fields["fact"].default)


__all__ = [
    "ABOUT_ROWS",
    "FACT",
    "FACT_TYPES",
    "MAX_EVIDENCE",
    "MAX_TARGETS",
    "SECURITY_SUBJECT",
    "BaseFact",
    "CarriesPackage",
    "DeliveryPlaced",
    "DeliveryRefused",
    "DeliveryWaiting",
    "DocumentArchived",
    "DocumentRecalled",
    "DocumentRefused",
    "DocumentSuperseded",
    "DocumentVerified",
    "Fact",
    "MessageParked",
    "NoticeAccepted",
    "NotificationSent",
    "ObjectPlace",
    "ObjectRef",
    "OperatorActed",
    "OperatorAction",
    "OperatorRequested",
    "PackageAccepted",
    "PackageFact",
    "PackageFinished",
    "PackageRefused",
    "PackageRepeated",
    "PackageRouted",
    "PackageWaiting",
    "ParkedPackage",
    "RoutingRefused",
    "SecurityNoticed",
    "StatusRecorded",
    "Text",
    "name_of",
    "security_event",
]
