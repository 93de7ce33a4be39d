"""The report on a package as JSON: what was decided, and one report a PDF. This is what the service keeps."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.domain.envelope import Attachment, Envelope
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import PackageAccepted
from common.secrecy import Mark
from validator.package_verdict import PackageVerdict
from validator.policy import Policy
from validator.report.decision import Decision
from validator.report.rules import RULES


def package_report(
    fact: PackageAccepted,
    attachments: Sequence[Attachment],
    decisions: Sequence[Decision],
    answer: PackageVerdict | Refused,
    not_searched: Sequence[str],
    policy: Policy,
    now: datetime,
) -> bytes:
    """``attachments`` and ``decisions``: of the PDFs, in order. ``not_searched``: places no search could look into."""
    files = [
        {"name": attachment.name, **decision.report.as_json()}
        for attachment, decision in zip(attachments, decisions, strict=True)
    ]
    return _json(
        _header(fact, policy, now)
        | {
            "label": answer.label if isinstance(answer, PackageVerdict) else None,
            "reason": answer.reason if isinstance(answer, Refused) else None,
            "detail": answer.detail if isinstance(answer, Refused) else "",
            "not_searched": list(not_searched),
            "files": files,
        }
    )


def secret_package_report(
    fact: PackageAccepted, envelope: Envelope, mark: Mark, policy: Policy, now: datetime
) -> bytes:
    """The report on a package with a mark of secrecy: digests, and the mark's place, nothing of the content."""
    return _json(
        _header(fact, policy, now)
        | {
            "label": None,
            "reason": Reason.E_SECRET,
            "step": int(RULES["12.1"].step),
            "detail": str(mark),
            "files": [
                {"document_sha256": each.sha256, "document_bytes": each.size_bytes} for each in envelope.attachments
            ],
        }
    )


def _header(fact: PackageAccepted, policy: Policy, now: datetime) -> dict[str, Any]:
    return {
        "package_id": fact.package_id,
        "package_sha256": fact.package.sha256,
        "document_id": fact.document_id,
        "sender": fact.sender,
        "decided_at": now.isoformat(),
        "policy_version": policy.version,
    }


def _json(report: dict[str, Any]) -> bytes:
    return json.dumps(report, ensure_ascii=False, sort_keys=True, indent=1).encode()
