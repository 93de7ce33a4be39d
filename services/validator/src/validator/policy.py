"""The validation policy: every limit and list that decides, under one version that stands in each report."""

from dataclasses import dataclass
from datetime import timedelta

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a document may be and which algorithms count. A value or a rule changes = ``version`` changes."""

    version: str = "trunk-4"

    max_document_bytes: int = 64 * MIB
    max_revisions: int = 12
    """End-of-file markers; each revision costs the reader a fresh decoding budget."""
    max_signatures: int = 8
    """Difference analysis costs signatures times revisions."""
    max_objects: int = 200_000
    """From the trailer's ``/Size``."""

    digests: frozenset[str] = frozenset({"sha256", "sha384", "sha512"})
    """ETSI TS 119 312; SHA-1 is refused for new documents."""
    min_rsa_bits: int = 2048
    max_rsa_bits: int = 8192
    """Larger keys only serve to keep a validator busy."""
    curves: frozenset[str] = frozenset({"secp256r1", "secp384r1"})
    schemes: frozenset[str] = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})
    """Names as in ``validator.cms``."""
    min_pss_salt: int = 20

    subfilters: frozenset[str] = frozenset(
        {"/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1", "/ETSI.RFC3161"}
    )
    """PAdES (EN 319 142-1), the older forms of ISO 32000-1 §12.8.3.3 (those with SHA-1 are read, but do not count),
    and document time stamps."""
    max_time_stamps: int = 4
    """Signature time stamps looked at in one signature."""
    answer_age: timedelta = timedelta(hours=24)
    """So long an OCSP answer that names no next update speaks for the time after it."""
    max_chain: int = 4
    """Certificates from leaf to root."""

    clock_grace: timedelta = timedelta(seconds=60)
    """Clocks of signers' machines, of the CA and ours differ."""
    local_time_quirk: timedelta = timedelta(hours=7)
    """Some tools write local time as if it were UTC; such claims lie this far ahead."""
    scan_dpi: int = 200
    """ND 30/2020, appendix I, part II.I.2."""


DEFAULT = Policy()
