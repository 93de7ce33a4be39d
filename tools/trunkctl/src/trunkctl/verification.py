"""``trunkctl verify`` of a PDF: the validator's decision, offline, with trust and directory out of files.

The verdict is that of
the service's policy; where only a limit of that policy kept a file from being looked at, its integrity is asked again
with wider ones.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from common.containment import in_thread
from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.sentences import sentence
from trunkctl.files_to_verify import TooLarge, read
from validator.context import Material, VerificationRequest
from validator.policy import DEFAULT, Policy
from validator.report.decision import Decision, Refused
from validator.report.model import Report, SignatureReport
from validator.report.rules import RULES
from validator.report.vocabulary import Integrity, Verdict
from validator.verify import PYHANKO_VERSION
from validator.workers.budget import PackageBudget
from validator.workers.pool import Pool

WIDE = replace(DEFAULT, max_revisions=200, max_signatures=100, max_objects=2_000_000)
"""Used only to judge the integrity."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How every file is verified: the trust material, the time, the sender, and the policy."""

    material: Material
    now: datetime
    sender: UnitCode | None = None
    declared_copy: bool = False
    policy: Policy = DEFAULT


@dataclass(frozen=True, slots=True)
class Examined:
    """The decision about one file."""

    file: str
    decision: Decision
    integrity: Integrity
    signatures: tuple[SignatureReport, ...]

    @property
    def verdict(self) -> Verdict:
        """Valid, refused or undecided."""
        return self.decision.report.verdict

    def as_json(self) -> dict[str, Any]:
        """The fields of one line of ``--json``, see docs/report.md."""
        report = self.decision.report
        return {
            "file": self.file,
            "integrity": self.integrity,
            "trusted": report.trusted,
            "verdict": self.verdict,
            "label": report.label,
            "reason": report.reason,
            "detail": report.detail,
            "sentence": sentence(report.reason) if report.reason else "",
            "sha256": report.document_sha256,
            "signatures": [_line(each) for each in self.signatures],
        }

    def as_report(self) -> dict[str, Any]:
        """The fields of one line of ``--report``, see docs/report.md."""
        return {"file": self.file, **self.decision.report.as_json()}

    def reports(self) -> Iterator[tuple[str, Report]]:
        """For ``--html``: names and reports."""
        yield self.file, self.decision.report


def _line(each: SignatureReport) -> dict[str, Any]:
    return {
        "field": each.field,
        "kind": each.kind,
        "indication": each.indication,
        "sub_indication": each.sub_indication,
        "reason": each.reason,
        "signer": each.subject,
        "certificate_sha256": each.certificate_sha256,
        "signing_time": each.signing_time.isoformat() if each.signing_time else None,
        "proven_at": each.proven_at.isoformat() if each.proven_at else None,
        "covers_revision": each.covers_whole_revision,
    }


async def examined_pdf(pool: Pool, path: Path, file: BinaryIO, options: VerifyOptions) -> Examined:
    """The decision about a file that may be a PDF. Raises ``OSError``, and whatever is raised over hostile bytes."""
    try:
        document = await in_thread(read, file, options.policy.max_document_bytes)
    except TooLarge as error:
        return not_examined(path, options, "1.1b", RULES["1.1b"].failure, size_bytes=error.size_bytes)
    request = VerificationRequest(sender=options.sender or "", declared_copy=options.declared_copy)
    try:
        return await decided(pool, str(path), document, request, options)
    except Exception as error:
        return not_examined(path, options, "2.0", f"not examined: {type(error).__name__}", document)


async def decided(
    pool: Pool,
    name: str,
    document: bytes,
    request: VerificationRequest,
    options: VerifyOptions,
    budget: PackageBudget | None = None,
) -> Examined:
    """The decision about one document. Of no named sender, it is asked for the unit that signed last."""
    ask = partial(pool.run, document, now=options.now, budget=budget)
    decision = await ask(request, policy=options.policy)
    unit = request.sender or _signing_unit(decision.report, options.material.directory)
    if unit and unit != request.sender:
        request = replace(request, sender=unit)
        decision = await ask(request, policy=options.policy)
    report = decision.report
    if report.reason is Reason.E_PDF_LIMIT and not report.signatures:
        report = (await ask(request, policy=WIDE)).report
    return Examined(name, decision, report.integrity, report.signatures)


def _signing_unit(report: Report, directory: Directory | None) -> UnitCode:
    """The unit of the last signature; of nobody's, any one, so that the answer names what is wrong with them."""
    if directory is None:
        return ""
    signed = [each.certificate_sha256 for each in report.signatures if each.certificate_sha256]
    units = [unit.code for sha256 in reversed(signed) for unit in directory.units_of_certificate(sha256)]
    return units[0] if units else next(iter(directory.units), "")


def not_examined(
    path: Path, options: VerifyOptions, rule: str, detail: str, document: bytes = b"", size_bytes: int = 0
) -> Examined:
    """The refusal of a file that was not examined, by that rule. Of one that was not read, the digest is unknown."""
    reason = RULES[rule].reason or Reason.E_PDF_FORMAT
    report = Report(
        document_sha256=hashlib.sha256(document).hexdigest() if document else "",
        document_bytes=size_bytes or len(document),
        sender=options.sender or "",
        verified_at=options.now,
        reason=reason,
        detail=detail,
        step=int(RULES[rule].step),
        rule=rule,
        trusted=False if options.material.trust else None,
        policy_version=options.policy.version,
        pyhanko_version=PYHANKO_VERSION,
    )
    return Examined(str(path), Refused(reason, detail, report=report), Integrity.MALFORMED, ())
