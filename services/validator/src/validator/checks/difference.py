"""(4) Difference: after a signature, only further signatures and validation data may have been added.

pyHanko's difference analysis (a whitelist over every object that an update touches) without its rules for form
filling, and with rules of our own (``allowed``, ``tagging``). Where no later signature vouches for them, document
information and metadata may not change either.
"""

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import SigFieldCreationRule, SigFieldModificationRule
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule
from pyhanko.sign.fields import enumerate_sig_fields

from common.domain.reason import Reason
from validator.checks.structure import Signature
from validator.diff.fast_path.fast_path import settled
from validator.diff.full.equivalent_rewrites import (
    AnnotationTypeRule,
    FormResourcesRule,
    OutputIntentRule,
    ToolVersionRule,
)
from validator.diff.full.orphans import LeftoverRule
from validator.diff.full.rules import FormRule, InformationDateRule, Policy, ValidationDataRule
from validator.diff.full.structure_tree import StructureTreeRule
from validator.diff.full.xmp import MetadataDateRule
from validator.fault import Fault, Step, faults
from validator.pdf.field_visibility import is_visible
from validator.report.model import SubIndication

_FORM = FormRule([SigFieldCreationRule(allow_new_visible_after_certify=True), SigFieldModificationRule()])
"""A visible field needs the permission to fill in forms like any signature; (4.2) asks for that."""

_FIELD_RULES = [
    AnnotationTypeRule().as_qualified(ModificationLevel.LTA_UPDATES),
    FormResourcesRule().as_qualified(ModificationLevel.FORM_FILLING),
    ToolVersionRule().as_qualified(ModificationLevel.FORM_FILLING),
    StructureTreeRule().as_qualified(ModificationLevel.FORM_FILLING),
]
"""What a new field brings with it."""

NO_FORM_FILL = Policy(
    global_rules=[
        CatalogModificationRule(ROOT_EXEMPT_STRICT_COMPARISON | {"/OutputIntents"}),
        OutputIntentRule().as_qualified(ModificationLevel.FORM_FILLING),
        *_FIELD_RULES,
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ValidationDataRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=_FORM,
)
"""Between signatures: signature fields, validation data, document information."""

BEHIND = frozenset({"/DSS", "/Extensions", "/Version", "/Metadata"})
"""What may change in the catalog behind the last signature."""

_BEHIND_RULES = [
    MetadataDateRule().as_qualified(ModificationLevel.LTA_UPDATES),
    XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ValidationDataRule().as_qualified(ModificationLevel.LTA_UPDATES),
    InformationDateRule().as_qualified(ModificationLevel.LTA_UPDATES),
    LeftoverRule().as_qualified(ModificationLevel.LTA_UPDATES),
]

VALIDATION_DATA_ONLY = Policy(
    global_rules=[
        CatalogModificationRule(ignored_keys=BEHIND),
        *_BEHIND_RULES,
    ],
    form_rule=None,
    leftovers=False,
)
"""Behind the last signature: nobody vouches for these bytes, so they may only add a DSS (EN 319 142-1 §5.4)."""


STAMPED = Policy(
    global_rules=[
        CatalogModificationRule(ignored_keys=BEHIND | {"/AcroForm"}),
        *_BEHIND_RULES,
        *_FIELD_RULES,
    ],
    form_rule=_FORM,
    leftovers=False,
)
"""Behind the last signature, where document time stamps follow: they prove a time and vouch for no content, but they
need a field like any signature. It shows nothing (4.4)."""


def check_difference(
    reader: PdfFileReader, signature: Signature, last: Signature, *, stamps_follow: bool = False
) -> None:
    """Every revision after ``signature`` against the one it signed.

    ``last``: the last signature that vouches for what lies before it, or ``signature`` itself where none follows but
    document time stamps (``stamps_follow``).
    """
    if _surely_harmless(reader, signature, last):
        return
    behind = STAMPED if stamps_follow else VALIDATION_DATA_ONLY
    policy = behind if signature is last else NO_FORM_FILL
    with faults(Step.DIFFERENCE, Reason.E_SIG_CHANGED, f"{signature.field}: changes not readable"):
        embedded = signature.embedded
        result = policy.review_file(
            reader, signature.revision, field_mdp_spec=embedded.fieldmdp, doc_mdp=embedded.docmdp_level
        )
        # (4.1) No object changed beyond the whitelist.
        if not isinstance(result, DiffResult):
            raise _changed(signature, "changed after signing")
        # (4.2) Nor beyond what the signer permits (DocMDP, ISO 32000-1 §12.8.2.2).
        permitted = embedded.docmdp_level
        if permitted is not None and result.modification_level.value > permitted.value:
            raise _changed(signature, "changed against the signer's permissions")


def _surely_harmless(reader: PdfFileReader, signature: Signature, last: Signature) -> bool:
    """The quick check knows no permissions: where the signer restricts them, the full analysis decides."""
    with faults(Step.DIFFERENCE, Reason.E_SIG_CHANGED, f"{signature.field}: permissions not readable"):
        known = settled(reader)
        if known is None or not known.harmless_since(signature.revision, last.revision):
            return False
        return signature.embedded.docmdp_level is None and signature.embedded.fieldmdp is None


def check_empty_fields(reader: PdfFileReader, first: Signature) -> None:
    """(4.3) No visible signature field without signature was laid over the pages after the first signature."""
    known = settled(reader)
    if known and known.harmless_since(first.revision, reader.total_revisions):
        return  # each field that was added was signed at once
    with faults(Step.DIFFERENCE, Reason.E_SIG_CHANGED, "signature fields not readable"):
        signed = reader.get_historical_resolver(first.revision)
        before = {name for name, _, _ in enumerate_sig_fields(signed)}
        for name, value, field in enumerate_sig_fields(reader):
            if value is None and name not in before and is_visible(field):
                raise _changed(first, "an empty signature field was laid over the page")


def _changed(signature: Signature, detail: str) -> Fault:
    text = f"{signature.field}: {detail}"
    return Fault(Step.DIFFERENCE, Reason.E_SIG_CHANGED, SubIndication.FORMAT_FAILURE, text)
