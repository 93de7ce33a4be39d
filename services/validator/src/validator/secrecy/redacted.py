"""What is left of a package that was found secret: enough to tell its sender which one, and to prove what was done."""

import json
from dataclasses import replace
from datetime import datetime

from common.domain.envelope import Business, Envelope, Organization, OtherInfo, Signer
from common.domain.reason import Reason
from common.facts import ObjectRef, PackageAccepted
from common.objects import content_ref
from common.secrecy import Mark
from validator.fault import Step


def redacted(envelope: Envelope) -> Envelope:
    """The header without anything a writer put into words: ids, codes, number and date stay."""
    return Envelope(
        sender=Organization(code=envelope.sender.code),
        receivers=tuple(Organization(code=unit.code) for unit in envelope.receivers),
        document_id=envelope.document_id,
        number=envelope.number,
        notation=envelope.notation,
        promulgation_date=envelope.promulgation_date,
        type=replace(envelope.type, name=""),
        subject="",
        signer=Signer(full_name=""),
        other=OtherInfo(priority=envelope.other.priority),
        business=Business(kind=envelope.kind, target=envelope.business.target),
    )


def objects_of(fact: PackageAccepted, envelope: Envelope) -> tuple[ObjectRef, ...]:
    """Everything of the package in the content store."""
    files = (content_ref(each.sha256, each.size_bytes) for each in envelope.attachments)
    return tuple({ref.key: ref for ref in (fact.package, fact.envelope, *files)}.values())


def report_json(fact: PackageAccepted, envelope: Envelope, mark: Mark, policy: str, now: datetime) -> bytes:
    """The report on a secret package: digests, and the mark's place."""
    whole = {
        "package_id": fact.package_id,
        "package_sha256": fact.package.sha256,
        "document_id": fact.document_id,
        "sender": fact.sender,
        "decided_at": now.isoformat(),
        "policy_version": policy,
        "label": None,
        "reason": Reason.E_SECRET,
        "step": int(Step.SECRECY),
        "detail": str(mark),
        "files": [{"document_sha256": each.sha256, "document_bytes": each.size_bytes} for each in envelope.attachments],
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1).encode()
