"""``trunkctl verify --explain``: a report in words, for whoever must follow the decision."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from common.sentences import sentence
from trunkctl.verification import Examined
from validator.report.change_rules import CHANGE_RULES
from validator.report.model import ChangeReport, Report, SignatureReport, StatusUsed, TimeStampReport
from validator.report.rules import RULES
from validator.report.vocabulary import SignatureKind

NO_PATH = "6.3"
"""Number of the rule that there is a path at all."""


def explanation(each: Examined) -> Iterator[str]:
    """The lines about one file."""
    report = each.decision.report
    yield f"{each.file}: {report.verdict}{f', {report.label}' if report.label else ''}; {each.integrity}"
    yield f"  SHA-256 {report.document_sha256 or 'unknown'}, {report.document_bytes} bytes"
    if report.reason:
        yield f"  {report.reason}: {sentence(report.reason)}"
        yield from _indented(_broken_rule(report.rule, report.detail))
    yield from _indented(_basis(report))
    for signature in each.signatures:
        yield from _indented(_signature(signature))
    if report.changes:
        yield "  Changes after a signature, all allowed:"
        yield from (f"    {_change(change)}" for change in report.changes)
    yield from _indented(_rules("Rules that hold for the whole document", report.rules))
    yield from (f"  Note {note.code}{f': {note.detail}' if note.detail else ''}" for note in report.notes)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _basis(report: Report) -> Iterator[str]:
    yield f"Judged at {_time(report.verified_at)} by policy {report.policy_version}"
    yield f"  for unit {report.sender}" if report.sender else "  for no unit: signatures and trust alone"
    yield f"  under the roots {', '.join(report.roots)}" if report.roots else "  without any trusted root"
    if report.holds_until:
        yield f"  The verdict holds until {_time(report.holds_until)} under the same material"


def _signature(each: SignatureReport) -> Iterator[str]:
    kind = "Document time stamp" if each.kind is SignatureKind.TIME_STAMP else "Signature"
    outcome = f"{each.indication}{f' {each.sub_indication}' if each.sub_indication else ''}"
    yield f"{kind} {each.field!r}{f' ({each.part})' if each.part else ''}: {outcome}"
    yield from _indented(_broken_rule(each.rule, each.detail) if each.reason else ())
    if each.covers_bytes is not None:
        yield f"  made revision {each.revision} and covers the first {each.covers_bytes} bytes"
    if each.signing_time:
        yield f"  {'time' if each.kind is SignatureKind.TIME_STAMP else 'claims the time'} {_time(each.signing_time)}"
    if each.proven_at:
        yield f"  proved by a time stamp to be older than {_time(each.proven_at)}"
    yield from _indented(_path(each))
    for stamp in each.time_stamps:
        yield f"  {_time_stamp(stamp)}"
        yield from _indented(_indented(_revoked(stamp.revoked_by)))
    yield from _indented(_rules("Rules that hold", each.rules))


def _path(each: SignatureReport) -> Iterator[str]:
    if each.chain:
        yield from _links(each)
    else:
        yield _without_path(each)
        for sha256, subject in zip(each.tried, each.tried_subjects, strict=True):
            yield f"  tried: {subject} ({sha256})"
    yield from _revoked(each.revoked_by)


def _without_path(each: SignatureReport) -> str:
    if not each.subject:
        return "no certificate was read"
    if each.judged_at is None:
        return f"no path to a trusted root was looked for, for {each.subject}"
    if NO_PATH in (each.rule, *each.broken_rules):
        return f"no path to a trusted root was found for {each.subject}"
    return f"no path to a trusted root is valid for {each.subject}, judged for {_time(each.judged_at)}"


def _revoked(status: StatusUsed | None) -> Iterator[str]:
    if status is not None:
        yield f"Certificate {status.certificate_sha256} is revoked, says {_status(status)}"


def _links(each: SignatureReport) -> Iterator[str]:
    yield f"Path, judged for {_time(each.judged_at)}:"
    subjects = each.chain_subjects or ("",) * len(each.chain)
    statuses = _by_certificate(each.statuses)
    for place, (sha256, subject) in enumerate(zip(each.chain, subjects, strict=True)):
        is_root = place == len(each.chain) - 1
        yield f"  {subject} ({sha256}){', trusted root' if is_root else ''}"
        for status in statuses.get(sha256, ()):
            yield f"    not revoked, says {_status(status)}"


def _by_certificate(statuses: Iterable[StatusUsed]) -> dict[str, list[StatusUsed]]:
    by_certificate: dict[str, list[StatusUsed]] = {}
    for each in statuses:
        by_certificate.setdefault(each.certificate_sha256, []).append(each)
    return by_certificate


def _status(each: StatusUsed) -> str:
    name = "the revocation list" if each.kind == "crl" else "the OCSP answer"
    number = f" number {each.number}" if each.number is not None else ""
    place = "brought along by the document" if each.embedded else f"in {each.kept}" if each.kept else ""
    period = f"of {_time(each.this_update)}, in force until {_time(each.next_update)}"
    return f"{name}{number} {period}, {place} (SHA-256 {each.sha256})"


def _time_stamp(each: TimeStampReport) -> str:
    outcome = f"proves nothing: {each.detail}" if each.detail else "counts"
    return f"Time stamp of {_time(each.at)} by {each.subject or 'nobody known'} {outcome}"


def _change(each: ChangeReport) -> str:
    numbers = ", ".join(map(str, each.objects)) + (", …" if each.object_count > len(each.objects) else "")
    rule = CHANGE_RULES[each.rule]
    return f"revision {each.revision} against {each.since}: {rule.allows} ({rule.source}); objects {numbers}"


def _broken_rule(number: str | None, detail: str) -> Iterator[str]:
    if number:
        yield f"Rule {number} does not hold: {RULES[number].statement}"
    yield f"  {detail}"


def _rules(title: str, numbers: Iterable[str]) -> Iterator[str]:
    lines = [f"  {number} {RULES[number].statement}" for number in numbers]
    if lines:
        yield f"{title}:"
        yield from lines


def _time(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else "an unknown time"
