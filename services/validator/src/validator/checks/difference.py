"""(4) Difference: after a signature, only further signatures and validation data may have been added.

``validator.diff`` judges the changes. Where no later signature vouches for them, document information and metadata may
not change either.
"""

from pyhanko.sign.fields import enumerate_sig_fields

from validator.checks.permissions import permissions_of
from validator.checks.signature import Signature
from validator.diff.analysis import Changes, analysis_of
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.fault import Fault, library_errors_as
from validator.pdf.field_visibility import is_visible
from validator.pdf.reader import Reader
from validator.report.rules import RULES


def check_difference(
    reader: Reader, signature: Signature, last: Signature, *, time_stamps_follow: bool = False
) -> Changes:
    """Every revision after ``signature`` against the one it signed: what changed, all of it allowed. Raises ``Fault``.

    ``last``: the last signature that vouches for what lies before it, or ``signature`` itself where nothing follows but
    document time stamps (``time_stamps_follow``).
    """
    # (4.1) No object changed beyond what the rules allow.
    changes = _changes_since(reader, signature, last, time_stamps_follow)
    # (4.2) Nor beyond what the signer permits (DocMDP, FieldMDP, ISO 32000-1 §12.8.2).
    permitted = permissions_of(signature)
    if changes.level.value > permitted.level or any(
        lock.holds(name) for lock in permitted.locks for name in changes.fields
    ):
        raise Fault("4.2", signature.field)
    return changes


def _changes_since(reader: Reader, signature: Signature, last: Signature, time_stamps_follow: bool) -> Changes:
    with library_errors_as("4.1", signature.field, "changes not readable"):
        try:
            return analysis_of(reader).since(signature.revision, last.revision, time_stamps_follow=time_stamps_follow)
        except ChangeNotAllowed as error:
            raise Fault("4.1", signature.field, f"{RULES['4.1'].failure}: {error}") from error


def check_empty_fields(reader: Reader, first: Signature) -> None:
    """(4.3) No visible field without a signature was laid over the pages after the first signature.

    Asked after the difference of ``first``, whose analysis knows whether there is any new field without a signature.
    """
    if first.revision == reader.total_revisions - 1 or not analysis_of(reader).has_unsigned_field:
        return
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
