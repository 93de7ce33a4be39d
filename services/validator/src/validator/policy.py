"""The validation policy: every limit and list that decides, under one version that stands in each report.

Limits are grouped by the package that obeys them; each function takes its group as an argument. No other module of the
validator defines a number that decides (``tests/validator/test_policy.py``). How far a stream of a PDF may be decoded
is pyHanko's own limit, which belongs to the version that each report names.
"""

from dataclasses import dataclass
from datetime import timedelta

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsLimits:
    """Limits on what is read of a CMS, a certificate or a time stamp. Beyond them the structure is not readable."""

    max_depth: int = 12
    """Nesting of indefinite lengths, and of octet strings in pieces."""
    max_elements: int = 20_000
    """Elements directly inside one element."""
    max_oid_bytes: int = 64
    max_blocks: int = 1_000
    """Of a file of certificates or lists as PEM."""
    max_certificates: int = 40
    max_attributes: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfLimits:
    """Limits on reading a PDF. They bound the work that a few bytes can cause."""

    xref_entries_per_object: int = 3
    """Cross-reference entries that may be read for each object a file may have: updates list some of them again."""
    max_xref_column_bytes: int = 8
    """Bytes of one column of a cross-reference stream."""
    min_row_bytes: int = 2
    """A predictor with a shorter row serves nothing but to keep a reader busy."""
    max_lookups: int = 250_000
    """References followed in one file by way of pyHanko. A file that is not laid out plainly takes about five an
    object."""
    max_nesting: int = 50
    """Arrays and dictionaries inside each other; deeper ones are read by pyHanko, which has a limit of its own."""
    max_parents: int = 50
    """Nodes of the page tree above a page."""
    max_white_space: int = 4096
    """Bytes of white space between two tokens that must follow each other."""
    max_widgets: int = 1_000
    """Widgets below one signature field."""
    box_decimal_places: int = 3
    """Boxes of a page that agree to so many decimal places of a point are the same box: tools that write a page again
    keep at most five, some writers put down twelve."""
    max_security_store_references: int = 1024
    """Looked at in one array of the DSS, from its end."""
    max_security_store_items: int = 64
    """Streams that count, and entries of its VRI."""
    max_security_store_bytes: int = 16 * MIB
    """Of the streams that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLimits:
    """Limits of the difference analysis. Beyond them a change counts as not allowed."""

    max_form_fields: int = 5_000
    max_field_depth: int = 20
    """Fields below each other in the tree of fields."""
    max_page_tree_nodes: int = 200_000
    """Nodes of the page tree whose parents are looked at."""
    max_annotation_nodes: int = 50_000
    """Nodes of the page tree whose annotations are looked at, and nodes of one appearance."""
    max_structure_depth: int = 20
    max_reported_objects: int = 20
    """Numbers of objects that the report names for each change; it always has their count."""
    max_xmp_bytes: int = MIB
    max_colour_profile_bytes: int = 64 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationLimits:
    """Limits on revocation evidence."""

    max_list_bytes: int = 64 * MIB
    """Of a list that is fetched."""
    max_ocsp_answers: int = 16
    """In one response, from its beginning, that may say "not revoked"; every one that says "revoked" counts. Also the
    certificates of responders in it."""
    max_embedded: int = 64
    """Lists and answers inside of one signature and its time stamps."""
    max_embedded_bytes: int = 16 * MIB
    max_embedded_looked_at: int = 1024
    """Of one signature, or of the DSS: pieces among which those that count are looked for."""
    max_embedded_looked_at_bytes: int = 64 * MIB
    """Of those together; of the certificates of the DSS, too."""
    ocsp_answer_age: timedelta = timedelta(hours=24)
    """For how long an OCSP answer that names no next update is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFormLimits:
    """The prescribed form of a scanned copy, and how much of a file is looked at."""

    scan_dpi: int = 200
    """ND 30/2020, appendix I, part II.I.2."""
    width_tolerance: float = 0.95
    """Scanners round: so much of the prescribed width suffices."""
    max_pages: int = 50
    max_tree_depth: int = 20
    max_metadata_bytes: int = MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class SecrecyLimits:
    """How far the search for marks of secrecy looks (docs/secrecy.md)."""

    max_nesting: int = 2
    """An archive in an archive, as intake allows."""
    max_members: int = 200
    max_member_bytes: int = 50 * MIB
    max_text_bytes: int = 4 * MIB
    max_office_part_bytes: int = 4 * MIB
    max_office_parts: int = 400
    max_office_bytes: int = 64 * MIB
    """Of all parts of one office file together."""
    max_binary_office_bytes: int = 16 * MIB
    max_pages: int = 12
    """From the beginning: the stamp stands on the first page (ND 30/2020, appendix I, box 10a), and a document of
    several parts bears it at the beginning of each."""
    max_page_tree_nodes: int = 400
    """Also of the tree of files, in each of which a node lists no more."""
    max_parents: int = 20
    max_annotations: int = 100
    max_embedded_files: int = 20
    max_streams: int = 100
    """Of a PDF that no reader opens."""
    max_stream_bytes: int = 256 * KIB
    max_raw_stream_bytes: int = 32 * KIB
    """Of streams that do not unpack: pictures, mostly."""
    max_content_bytes: int = 2 * MIB
    """Of one page."""
    max_operators: int = 60_000
    max_forms: int = 60
    max_form_depth: int = 3
    max_font_map_bytes: int = 512 * KIB
    max_font_range: int = 4096
    """Codes of one range in a font's ToUnicode map."""
    character_ems: float = 0.55
    """Width that is assumed of a character."""
    column_gap_ems: float = 2.5
    """A wider gap between two pieces of text separates columns, or a stamp from the text beside it."""
    word_gap_ems: float = 0.2
    line_drop_ems: float = 0.35
    """A larger vertical distance begins another line."""
    max_step_back_ems: float = 8
    word_gap_thousandths: int = 200
    """A wider step inside one array of text is a blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a document may be and which algorithms count. A value or a rule changes = ``version`` changes."""

    version: str = "trunk-9"

    max_document_bytes: int = 64 * MIB
    max_revisions: int = 12
    """Each costs the reader a decoding budget of its own."""
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
    """Names as in ``validator.cms.signature_scheme``."""
    min_pss_salt: int = 20

    subfilters: frozenset[str] = frozenset(
        {"/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1", "/ETSI.RFC3161"}
    )
    """PAdES (EN 319 142-1), the older forms of ISO 32000-1 §12.8.3.3 (those with SHA-1 are read, but do not count),
    and document time stamps."""
    max_time_stamps: int = 4
    """Signature time stamps looked at in one signature."""
    max_chain: int = 8
    """Certificates from leaf to root."""
    max_paths: int = 100
    """Chains that are tried for one certificate."""
    max_path_steps: int = 5000
    """Certificates that are looked at in the search for them: CAs that certify each other have many ways between
    them."""

    clock_grace: timedelta = timedelta(seconds=60)
    """By how much the clocks of signers, of the CA and ours may differ."""
    local_time_quirk: timedelta = timedelta(hours=7)
    """Some tools write local time as if it were UTC; such claims lie this far ahead."""

    cms: CmsLimits = CmsLimits()
    pdf: PdfLimits = PdfLimits()
    difference: DifferenceLimits = DifferenceLimits()
    revocation: RevocationLimits = RevocationLimits()
    copy_form: CopyFormLimits = CopyFormLimits()
    secrecy: SecrecyLimits = SecrecyLimits()

    @property
    def max_xref_entries(self) -> int:
        """Entries of all cross-reference tables of a file together, each update's counted."""
        return self.pdf.xref_entries_per_object * self.max_objects


DEFAULT = Policy()
