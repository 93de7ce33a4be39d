"""What a signer permits later, in every place where it may be said, and by its defaults."""

import pytest

from common.domain.reason import Reason
from mint.attacks.forge import ROOM, message, prepared, resigned
from mint.attacks.raw import plain, stream
from mint.sign import sign
from validator.report.decision import Refused, Verified

from .conftest import NOW, Harness

SEAL = "CoQuan"


def _reference(method: bytes, parameters: bytes | None) -> bytes:
    entries = b"" if parameters is None else b"/TransformParams << /Type /TransformParams /V /1.2 %s >>" % parameters
    return b"<< /Type /SigRef /TransformMethod /%s %s >>" % (method, entries)


def _sealed(harness: Harness, references: bytes, lock: bytes) -> bytes:
    """The head's signature, made by hand with these references and this lock in its field, and the unit's."""
    listed = b"/Reference %s" % references if references else b""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>",
        2: b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [6 0 R] /Resources << >> >>",
        4: stream(b"q Q"),
        5: b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached %s %s >>" % (listed, ROOM),
        6: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (NguoiKy) /Rect [0 0 0 0] /P 3 0 R /V 5 0 R /F 132 %s >>"
        % (b"/Lock << /Type /SigFieldLock %s >>" % lock if lock else b""),
        8: b"2",
        9: b"1",
    }
    signer = harness.sender.signer
    signed = resigned(prepared(plain(objects)), lambda digest: message(signer, digest, NOW))
    return sign(signed, harness.sender.seal, NOW, field=SEAL, lenient=True)


HERE, THERE = b"/Action /Include /Fields [(CoQuan)]", b"/Action /Include /Fields [(Khac)]"
VALID: Reason | None = None
CASES: dict[str, tuple[bytes, bytes, Reason | None]] = {
    "nothing": (b"", b"", VALID),
    "no_references": (b"[]", b"", VALID),
    "another_transform": (b"[%s]" % _reference(b"Identity", b""), b"", VALID),
    "form_filling": (b"[%s]" % _reference(b"DocMDP", b"/P 2"), b"", VALID),
    "form_filling_by_default": (b"[%s]" % _reference(b"DocMDP", b""), b"", VALID),
    "form_filling_without_parameters": (b"[%s]" % _reference(b"DocMDP", None), b"", VALID),
    "form_filling_in_another_object": (b"[%s]" % _reference(b"DocMDP", b"/P 8 0 R"), b"", VALID),
    "no_changes": (b"[%s]" % _reference(b"DocMDP", b"/P 1"), b"", Reason.E_SIG_CHANGED),
    "no_changes_in_another_object": (b"[%s]" % _reference(b"DocMDP", b"/P 9 0 R"), b"", Reason.E_SIG_CHANGED),
    "no_changes_last": (
        b"[%s %s]" % (_reference(b"DocMDP", b"/P 2"), _reference(b"DocMDP", b"/P 1")), b"", Reason.E_SIG_CHANGED,
    ),
    "no_changes_by_the_field": (b"[%s]" % _reference(b"DocMDP", b"/P 2"), b"/P 1", Reason.E_SIG_CHANGED),
    "permission_unknown": (b"[%s]" % _reference(b"DocMDP", b"/P 4"), b"", Reason.E_SIG_FORMAT),
    "permission_unreadable": (b"[%s]" % _reference(b"DocMDP", b"/P (1)"), b"", Reason.E_SIG_FORMAT),
    "another_field": (b"[%s]" % _reference(b"FieldMDP", THERE), b"", VALID),
    "unknown_action": (b"[%s]" % _reference(b"FieldMDP", HERE.replace(b"Include", b"Every")), b"", Reason.E_SIG_FORMAT),
    "excluded": (b"[%s]" % _reference(b"FieldMDP", HERE.replace(b"Include", b"Exclude")), b"", VALID),
    "this_field": (b"[%s]" % _reference(b"FieldMDP", HERE), b"", Reason.E_SIG_CHANGED),
    "this_field_last": (
        b"[%s %s]" % (_reference(b"FieldMDP", THERE), _reference(b"FieldMDP", HERE)), b"", Reason.E_SIG_CHANGED,
    ),
    "this_field_by_the_field": (b"", HERE, Reason.E_SIG_CHANGED),
    "all_by_the_field": (b"", b"/Action /All", Reason.E_SIG_CHANGED),
    "another_field_by_the_field": (b"", THERE, VALID),
    "no_parameters": (b"[%s]" % _reference(b"FieldMDP", None), b"", Reason.E_SIG_FORMAT),
    "no_method": (b"[<< /Type /SigRef >>]", b"", Reason.E_SIG_FORMAT),
    "no_array": (b"(x)", b"", Reason.E_SIG_FORMAT),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_permissions(harness: Harness, name: str) -> None:
    references, lock, reason = CASES[name]
    decision = harness.judge(_sealed(harness, references, lock))
    if reason is None:
        assert isinstance(decision, Verified), decision
    else:
        assert isinstance(decision, Refused)
        assert decision.reason is reason, decision.detail
