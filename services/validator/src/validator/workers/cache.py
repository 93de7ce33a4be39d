"""Remembered decisions: the same bytes, asked the same question under the same material, get the same answer.

A trunk sees a document once for each package it travels in. A valid answer is kept until the first list, certificate
or root that it rests on ends; a refusal only where time cannot change it. What is undecided is never kept.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime

from common.domain.reason import Reason
from validator.context import VerificationRequest
from validator.policy import DEFAULT, Policy
from validator.report.decision import Decision, Refused, Verified
from validator.report.rules import Step

TIMELESS = frozenset(
    {
        Reason.E_PDF_FORMAT,
        Reason.E_PDF_ENCRYPTED,
        Reason.E_SIG_FORMAT,
        Reason.E_SIG_COVERAGE,
        Reason.E_SIG_CHANGED,
        Reason.E_SIG_DIGEST,
        Reason.E_SIG_VALUE,
        Reason.E_SIG_WEAK_ALG,
    }
)
"""Reasons that the bytes alone decide, up to the step that looks at nothing else. A limit is not among them: it may
have been the machine's."""

Key = tuple[str, int, VerificationRequest, Policy, str]


class VerdictCache:
    """The last decisions."""

    def __init__(self, size: int = 2000) -> None:
        """``size``: number of decisions."""
        self._size = size
        self._kept: OrderedDict[Key, tuple[Decision, datetime | None]] = OrderedDict()

    def key(self, document: bytes, request: VerificationRequest, material: str, policy: Policy = DEFAULT) -> Key:
        """What a decision depends on, time aside. ``material``: the version of trust, lists and directory."""
        return hashlib.sha256(document).hexdigest(), len(document), request, policy, material

    def find(self, key: Key, now: datetime) -> Decision | None:
        """The decision, if it still holds."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        decision, until = entry
        if now < decision.report.verified_at or (until is not None and now >= until):
            return None
        self._kept.move_to_end(key)
        return decision

    def keep(self, key: Key, decision: Decision) -> None:
        """Remember the decision, if it may be remembered."""
        if isinstance(decision, Verified):
            until = decision.report.holds_until
            if until is None:
                return
            self._kept[key] = (decision, until)
        elif isinstance(decision, Refused) and _is_timeless(decision):
            self._kept[key] = (decision, None)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


def _is_timeless(refused: Refused) -> bool:
    """Whether the bytes of the document alone refuse it: a chain with a weak algorithm may have a better one later."""
    step = refused.report.step
    return refused.reason in TIMELESS and step is not None and step <= Step.CRYPTOGRAPHY
