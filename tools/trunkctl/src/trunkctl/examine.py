"""``trunkctl verify``: the validator's decision about a PDF file, offline, with trust and directory from files."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.domain.directory import Directory
from common.domain.names import UnitCode
from trunkctl.trouble import Trouble
from validator import trust
from validator.report import Decision
from validator.verify import Question, verify


@dataclass(frozen=True, slots=True)
class Examined:
    """The decision, and for which unit it was asked."""

    sender: UnitCode
    decision: Decision


def examine(document: bytes, trust_dir: Path, directory: Directory, sender: UnitCode | None, copy: bool) -> Examined:
    """Ask as of now. Without ``sender`` the unit that registered the last signature's certificate is taken."""
    try:
        roots, lists = trust.load(trust_dir)
    except ValueError as error:
        raise Trouble(f"{trust_dir} holds no usable trust material: {error}.") from error

    def ask(unit: UnitCode) -> Decision:
        question = Question(sender=unit, declared_copy=copy)
        return verify(document, question, roots, lists, directory, datetime.now(UTC))

    unit = sender or _signing_unit(ask(""), directory)
    return Examined(unit, ask(unit))


def _signing_unit(decision: Decision, directory: Directory) -> UnitCode:
    """The unit of the last signature; the answer for nobody if there is none."""
    signed = [each.certificate_sha256 for each in decision.report.signatures if each.certificate_sha256]
    units = [unit for sha256 in reversed(signed) for unit in directory.units_of_certificate(sha256)]
    return units[0].code if units else next(iter(directory.units), "")
