"""Wrong packages of the demo: by name in ``mint``, or how a right one is spoilt and the reason of its refusal."""

from common.domain.reason import Reason
from demo import making
from demo.making import Spoiling

TAMPERED = (
    "page_changed",
    "page_added",
    "one_byte_flipped",
    "signature_value_changed",
    "unit_signature_cut_off",
    "contents_zero",
    "javascript_added",
    "encrypted",
    "truncated",
)
WRONGLY_SIGNED = (
    "unsigned",
    "signer_missing",
    "unit_before_signer",
    "seal_of_another_unit",
    "unregistered_signer",
    "delegation_expired",
    "third_signature",
    "unit_of_another_ca",
    "signer_expired",
    "signer_revoked",
    "key_usage_encipherment",
    "signed_with_rsa_1024",
)
SPOILT: tuple[tuple[str, Spoiling, Reason], ...] = (
    ("package cut short", making.cut_short, Reason.E_XML),
    ("older dialect", making.other_dialect, Reason.E_NS),
    ("no abstract", making.no_subject, Reason.E_REQ),
    ("unknown urgency", making.unknown_priority, Reason.E_ENUM),
    ("broken base64", making.broken_base64, Reason.E_ATT_B64),
)
