"""(q8) Document information and metadata: between signatures only, as nobody vouches for them behind the last one."""

from pyhanko.pdf_utils import generic
from pyhanko.sign.diff_analysis.rules.metadata_rules import MetadataUpdateRule

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.plain_entries import depth, has_reference
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.mentions import TRAILER
from validator.pdf.values import Ref, Value


def check_information(change: RevisionChange) -> None:
    """The trailer's ``/Info``: plain entries without references."""
    before, now = change.flat("/Info", change.old), change.flat("/Info", change.new)
    if isinstance(now, Ref) and now.number in change.added | change.replaced:
        change.must_be_vouched_for()
        if now.generation or (before != now and now.number not in change.added):
            raise Inconclusive
        change.only_held_by(now.number, {TRAILER})
        entries = change.history.dictionary(now, change.new)
        if has_reference(entries) or depth(entries) > 1:
            raise Inconclusive
        if before == now:
            change.history.dictionary(now, change.old)
        change.used.add(now.number)
    elif before != now:
        raise Inconclusive


def check_metadata(change: RevisionChange, before: "Value | None", now: "Value | None") -> None:
    """The catalog's ``/Metadata``: a stream of well-formed XML."""
    if not isinstance(now, Ref):
        if now != before:
            raise Inconclusive
        return
    if now == before and now.number not in change.replaced:
        return
    change.must_be_vouched_for()
    if before is not None and not isinstance(before, Ref):
        raise Inconclusive
    resolver = change.history.reader.get_historical_resolver
    for reference, revision in ((before, change.old), (now, change.new)):
        if isinstance(reference, Ref):
            entries = change.history.dictionary_of_stream(reference.number, revision)
            if has_reference({key: value for key, value in entries.items() if key != "/Length"}):
                raise Inconclusive
            own = generic.Reference(reference.number, reference.generation, resolver(revision))
            MetadataUpdateRule.is_well_formed_xml(own)
    change.takes_over(before, now, change.root)
