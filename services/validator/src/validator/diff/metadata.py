"""The metadata stream: any XMP between signatures; behind the last one, the properties that ``xmp`` allows."""

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.rules.metadata_rules import MetadataUpdateRule

from validator.diff.change import Change, Zone
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.xmp import check_renewed
from validator.pdf.schema import METADATA_KEYS
from validator.pdf.values import Ref, Value


def check_metadata(change: Change) -> None:
    """The catalog's ``/Metadata``."""
    before, now, place = change.entry(change.catalog, "/Metadata")
    if before == now and not (isinstance(now, Ref) and now.number in change.written):
        return
    if now is None and change.zone is Zone.BETWEEN:
        return
    if not isinstance(now, Ref):
        raise ChangeNotAllowed("metadata taken away, or no object of its own")
    change.take_over(before, now, place, change.level)
    if change.zone is Zone.BETWEEN:
        _check_is_xmp(change, now, change.new)  # what it was before may have been broken when it was signed
        return
    check_renewed(
        None if before is None else _plain_data(change, before, change.old), _plain_data(change, now, change.new)
    )


def _stream(change: Change, reference: Value, revision: int) -> generic.StreamObject:
    if not isinstance(reference, Ref):
        raise ChangeNotAllowed("metadata is no object of its own")
    stream = change.history.stream(reference, revision)
    if not isinstance(stream, generic.StreamObject):
        raise ChangeNotAllowed("metadata is no stream")
    return stream


def _data(change: Change, reference: Value, revision: int) -> bytes:
    data = bytes(_stream(change, reference, revision).read_data(DecodePurpose.XMP_METADATA))
    if len(data) > change.limits.max_xmp_bytes:
        raise ChangeNotAllowed("metadata too long")
    return data


def _plain_data(change: Change, reference: Value, revision: int) -> bytes:
    """Of a stream that holds nothing but XMP."""
    if not set(_stream(change, reference, revision)) <= METADATA_KEYS:
        raise ChangeNotAllowed("metadata is no plain stream")
    return _data(change, reference, revision)


def _check_is_xmp(change: Change, reference: Value, revision: int) -> None:
    if not isinstance(reference, Ref):
        raise ChangeNotAllowed("metadata is no object of its own")
    view = change.history.reader.get_historical_resolver(revision)
    try:
        MetadataUpdateRule.is_well_formed_xml(generic.Reference(reference.number, reference.generation, view))
    except SuspiciousModification as error:
        raise ChangeNotAllowed("metadata is no XMP") from error
