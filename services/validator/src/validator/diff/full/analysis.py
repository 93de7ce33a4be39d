"""Which rules apply where: between signatures, behind the last one, and behind it where time stamps follow.

pyHanko's difference analysis runs without its rules for filling in forms, and with rules of our own (``diff.full``).
"""

from enum import Enum
from functools import lru_cache
from typing import Any

from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import SigFieldCreationRule, SigFieldModificationRule
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule

from validator.diff.full.diff_policy import RevisionPolicy
from validator.diff.full.equivalent_rewrites import (
    AnnotationTypeRule,
    FormResourcesRule,
    OutputIntentRule,
    ToolVersionRule,
)
from validator.diff.full.form_rule import FormRule
from validator.diff.full.information_rule import InformationDateRule
from validator.diff.full.orphan_rule import OrphanRule
from validator.diff.full.structure_tree_rule import StructureTreeRule
from validator.diff.full.validation_data_rule import ValidationDataRule
from validator.diff.full.xmp_rule import XmpRule
from validator.pdf.embedded_signature import EmbeddedSignature
from validator.pdf.reader import Reader
from validator.pdf.schema import CATALOG_BEHIND
from validator.policy import Policy


class Zone(Enum):
    """Where the changes lie."""

    BETWEEN = "between"
    """A later signature vouches for them: signature fields, validation data and document information may change."""
    BEHIND = "behind"
    """Behind the last signature nobody vouches for the bytes: they may only add a DSS (EN 319 142-1 §5.4), and the date
    and tool of the last change."""
    STAMPED = "stamped"
    """Behind the last signature, but document time stamps follow. They prove a time and vouch for no content, but need
    a field like any signature; rule (4.4) says that it shows nothing."""


def modification_level(reader: Reader, embedded: EmbeddedSignature, zone: Zone) -> ModificationLevel | None:
    """What all revisions after the signed one changed, as pyHanko grades it; None = something that is not allowed.

    Raises anything on hostile bytes.
    """
    policy = _policies(reader.policy)[zone]
    result = policy.review_file(
        reader, embedded.signed_revision, field_mdp_spec=embedded.fieldmdp, doc_mdp=embedded.docmdp_level
    )
    return result.modification_level if isinstance(result, DiffResult) else None


@lru_cache(maxsize=8)
def _policies(policy: Policy) -> dict[Zone, RevisionPolicy]:
    limits = policy.difference
    # A visible field needs the permission to fill in forms like any signature; (4.2) asks for that.
    form = FormRule([SigFieldCreationRule(allow_new_visible_after_certify=True), SigFieldModificationRule()], limits)
    between = [
        CatalogModificationRule(ROOT_EXEMPT_STRICT_COMPARISON | {"/OutputIntents"}),
        OutputIntentRule(limits).as_qualified(ModificationLevel.FORM_FILLING),
        *_rules_for_new_fields(policy),
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ValidationDataRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ]
    behind = [CatalogModificationRule(ignored_keys=CATALOG_BEHIND), *_rules_behind(policy)]
    stamped = [
        CatalogModificationRule(ignored_keys=CATALOG_BEHIND | {"/AcroForm"}),
        *_rules_behind(policy),
        *_rules_for_new_fields(policy),
    ]
    return {
        Zone.BETWEEN: RevisionPolicy(between, form, limits),
        Zone.BEHIND: RevisionPolicy(behind, None, limits, allow_orphans=False),
        Zone.STAMPED: RevisionPolicy(stamped, form, limits, allow_orphans=False),
    }


def _rules_for_new_fields(policy: Policy) -> list[Any]:
    """What a new field brings with it."""
    return [
        AnnotationTypeRule(policy.difference).as_qualified(ModificationLevel.LTA_UPDATES),
        FormResourcesRule().as_qualified(ModificationLevel.FORM_FILLING),
        ToolVersionRule().as_qualified(ModificationLevel.FORM_FILLING),
        StructureTreeRule(policy.difference).as_qualified(ModificationLevel.FORM_FILLING),
    ]


def _rules_behind(policy: Policy) -> list[Any]:
    """What nobody needs to vouch for."""
    return [
        XmpRule(policy.difference).as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ValidationDataRule().as_qualified(ModificationLevel.LTA_UPDATES),
        InformationDateRule().as_qualified(ModificationLevel.LTA_UPDATES),
        OrphanRule(policy).as_qualified(ModificationLevel.LTA_UPDATES),
    ]
