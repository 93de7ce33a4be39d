"""(4) Difference: after a signature, only further signatures and validation data may have been added.

``validator.diff`` judges the changes. Where no later signature vouches for them, document information and metadata may
not change either.
"""

from pyhanko.sign.fields import enumerate_sig_fields

from validator.checks.signature import Signature
from validator.diff.fast_path.check import fast_path_of
from validator.diff.full.analysis import Zone, modification_level
from validator.fault import Fault, library_errors_as
from validator.pdf.field_visibility import is_visible
from validator.pdf.reader import Reader


def check_difference(
    reader: Reader, signature: Signature, last: Signature, *, time_stamps_follow: bool = False
) -> None:
    """Every revision after ``signature`` against the one it signed. Raises ``Fault``.

    ``last``: the last signature that vouches for what lies before it, or ``signature`` itself where nothing follows but
    document time stamps (``time_stamps_follow``).
    """
    if _certainly_harmless(reader, signature, last):
        return
    behind = Zone.STAMPED if time_stamps_follow else Zone.BEHIND
    zone = behind if signature is last else Zone.BETWEEN
    with library_errors_as("4.1", signature.field, "changes not readable"):
        level = modification_level(reader, signature.embedded, zone)
        # (4.1) No object changed beyond what the rules allow.
        if level is None:
            raise Fault("4.1", signature.field)
        # (4.2) Nor beyond what the signer permits (DocMDP, ISO 32000-1 §12.8.2.2).
        permitted = signature.embedded.docmdp_level
        if permitted is not None and level.value > permitted.value:
            raise Fault("4.2", signature.field)


def _certainly_harmless(reader: Reader, signature: Signature, last: Signature) -> bool:
    """The fast path knows no permissions: where the signer restricts them, the full analysis decides."""
    with library_errors_as("4.2", signature.field, "permissions not readable"):
        if not fast_path_of(reader).harmless_since(signature.revision, last.revision):
            return False
        return signature.embedded.docmdp_level is None and signature.embedded.fieldmdp is None


def check_empty_fields(reader: Reader, first: Signature) -> None:
    """(4.3) No visible field without a signature was laid over the pages after the first signature."""
    if fast_path_of(reader).harmless_since(first.revision, reader.total_revisions):
        return  # each field that was added was signed at once
    with library_errors_as("4.3", detail="signature fields not readable"):
        signed = reader.get_historical_resolver(first.revision)
        before = {name for name, _, _ in enumerate_sig_fields(signed)}
        for name, value, field in enumerate_sig_fields(reader):
            if value is None and name not in before and is_visible(field, reader.policy.pdf.max_widgets):
                raise Fault("4.3", first.field)


def check_invisible(reader: Reader, time_stamp: Signature, first: Signature) -> None:
    """(4.4) A document time stamp behind a signature shows nothing: nobody vouches for what it would lay over."""
    with library_errors_as("4.4", time_stamp.field, "field not readable"):
        field = time_stamp.embedded.sig_field
        if time_stamp is not first and is_visible(field, reader.policy.pdf.max_widgets, is_signed=True):
            raise Fault("4.4", time_stamp.field)
