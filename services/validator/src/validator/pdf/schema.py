"""Which keys PDF dictionaries may have, and which of them matter, for everybody who judges an object.

Table numbers are those of ISO 32000-1, unless another source is named.
"""

import re

STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms"})
"""Every stream (table 5)."""

# Trailer and cross-reference streams
XREF_STREAM_KEYS = STREAM_KEYS | {"/Type", "/W", "/Index"}
"""What a cross-reference stream has besides the trailer's entries (table 17)."""
SAME_IN_REPEATED_TABLE = ("/Root", "/Info", "/Size")
"""Trailer entries that a repeated table has as well."""
UPDATE_TRAILER_KEYS = frozenset({"/Size", "/Root", "/Info", "/ID", "/Prev"})
"""The trailer of a plain update (table 15)."""
TRAILER_KEYS = UPDATE_TRAILER_KEYS | XREF_STREAM_KEYS | {"/Encrypt", "/XRefStm"}
"""Every trailer (tables 15, 17, 19)."""
REPEATED_TABLE_KEYS = UPDATE_TRAILER_KEYS | XREF_STREAM_KEYS
"""A cross-reference stream that repeats a table."""

# Catalog
CATALOG_BEHIND = frozenset({"/DSS", "/Extensions", "/Metadata", "/Version"})
"""Entries that may change behind the last signature; the rules say how."""
CATALOG_STAMPED = CATALOG_BEHIND | {"/AcroForm"}
"""The same, where document time stamps follow."""
CATALOG_BETWEEN = CATALOG_STAMPED | {"/MarkInfo", "/OutputIntents"}
"""Entries that may change between signatures."""
PLAIN_CATALOG_KEYS = ("/Extensions", "/MarkInfo")
"""Those of them that refer to nothing."""

# Pages
INHERITED_PAGE_KEYS = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
"""Attributes that a page inherits (table 30)."""
PAGE_BOXES = ("/MediaBox", "/CropBox", "/TrimBox", "/BleedBox", "/ArtBox")
GEOMETRY_KEYS = frozenset({*PAGE_BOXES, "/Rect", "/BBox", "/FontBBox", "/Matrix", "/FontMatrix"})
"""Rectangles and matrices: arrays of numbers that every reader takes for real ones (§7.9.5, §8.3.3)."""
PAGE_REFERENCE_KEYS = frozenset({"/P", "/Pg"})
"""Entries that name the page something lies on (tables 164, 323); all others name it inside of arrays."""

PAGE_TREE_TYPES = ("/Page", "/Pages")
"""/Type of the nodes of the page tree."""
PAGE_TREE_ADDITIONS = frozenset({"/ITXT"})
"""The root of the page tree gets the version of the tool, as iText wrote it until 5.0."""

# Annotations
ANNOTATION_REFERENCE_KEYS = frozenset({"/Obj", "/Popup", "/Parent", "/IRT"})
"""Entries of the structure tree and of annotations that refer to an annotation (tables 170, 174, 183, 325)."""
ACTION_KEYS = frozenset({"/A", "/AA"})
"""What an annotation or a field does when it is touched (tables 164, 188, 220)."""
WIDGET = "/Widget"
"""/Subtype of the annotation that shows a field (table 188)."""
HIDING_FLAGS = 0b100011
"""Of an annotation's /F: Invisible, Hidden and NoView (table 165)."""
DRAWN_ENTRIES = ("/AP", "/MK", "/BS", "/C", "/IC")
"""What a viewer may draw a signed field with (tables 164, 177, 188). Some makers of invisible time stamps leave
``/Border``."""
APPEARANCE_STATES = ("/N", "/R", "/D")
"""Entries of an appearance dictionary (table 168)."""
ANNOTATION_TEXT_KEYS = ("/Contents", "/V", "/NM", "/Subj")
"""Entries whose text a reader may see (tables 164, 170, 220)."""

# Form and signatures
FIELD_LIST_KEYS = frozenset({"/Fields", "/Kids", "/CO"})
"""Arrays of a form that list a field, which may be one with its widget (tables 218, 220)."""
FIELD_REFERENCE_KEYS = ("/Obj", "/Parent")
"""Entries that refer to a field: of the structure tree, and of the widgets and fields below it."""
SIGNATURE_TYPE, TIME_STAMP_TYPE = "/Sig", "/DocTimeStamp"
"""/Type of a signature dictionary (table 252, ISO 32000-2 table 255)."""
SIGNATURE_TEXT_KEYS = ("/Reason", "/Location", "/Name", "/ContactInfo")
"""What a signature says about itself (table 252)."""
FORM_KEYS = frozenset({"/Fields", "/SigFlags", "/NeedAppearances", "/DR", "/DA", "/Q"})
"""Entries of the form that may change; the rules say how (table 218)."""
ALWAYS_CHANGEABLE_FIELD_KEYS = frozenset({"/Ff", "/Type"})
"""Entries of a field that tools renew without need."""
FILLED_FIELD_KEYS = ALWAYS_CHANGEABLE_FIELD_KEYS | {"/V", "/AP", "/AS", "/F", "/DA", "/Q"}
"""Entries of an empty signature field that signing may change (tables 164, 188, 220, 222)."""
NEW_FIELD_PARTS = ("/AP", "/Lock", "/SV")
"""Entries of a new signature field that may bring new objects (tables 164, 232)."""
DRAWING_DEFAULTS = ("/DA", "/Q", "/DR")
"""What a viewer draws fields with (table 218)."""
USAGE_RIGHTS_KEYS = ("/UR3", "/UR")
"""Usage rights in the catalog's /Perms, and their transform methods (table 258)."""

# Validation data (ISO 32000-2 §12.8.4.3, EN 319 142-1 §5.4)
DSS_ARRAYS = ("/Certs", "/CRLs", "/OCSPs")
DSS_KEYS = frozenset({"/Type", "/VRI", *DSS_ARRAYS})
VRI_ARRAYS = ("/Cert", "/CRL", "/OCSP")
VRI_KEYS = frozenset({"/Type", "/TU", "/TS", *VRI_ARRAYS})
VRI_NAME = re.compile(r"/(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")
"""SHA-1 of the signature's value; some tools take SHA-256."""
CRL_ARRAYS, OCSP_ARRAYS = ("/CRLs", "/CRL"), ("/OCSPs", "/OCSP")
"""Arrays of revocation evidence, in the DSS and in its VRI entries."""

EVIDENCE_TYPES = ("/DSS", "/VRI")
"""/Type of the dictionaries of validation data."""

# Document information and metadata
SUBJECT_KEYS = ("/Title", "/Subject", "/Keywords")
"""What the document information says about the document (table 317)."""
DATE_KEYS, TOOL_KEYS = ("/ModDate", "/CreationDate"), ("/Producer", "/Creator")
"""Of the document information: an update renews the first of each; where there was none, all of them may be added."""
INFORMATION_KEYS = frozenset({"/Title", "/Author", "/Subject", "/Keywords", "/Trapped", *DATE_KEYS, *TOOL_KEYS})
"""Document information (table 317)."""
METADATA_KEYS = STREAM_KEYS | {"/Type", "/Subtype"}
"""A metadata stream (table 315)."""

# Structure tree
GROWING_STRUCTURE_ROOT_KEYS = frozenset({"/K", "/ParentTree", "/ParentTreeNextKey"})
"""Entries of the root that change when the tree grows (table 322)."""
NUMBER_TREE_KEYS = ("/Nums", "/Kids")
"""What a node of a number tree lists (table 37)."""
STRUCTURE_ELEMENT_KEYS = frozenset({"/Type", "/S", "/P", "/K", "/Pg", "/Lang"})
"""A structure element without text or attributes of its own (table 323)."""
OBJECT_REFERENCE_KEYS = frozenset({"/Type", "/Obj", "/Pg"})
"""A reference from the structure tree to an object (table 325)."""

# Output intents
OUTPUT_INTENT_KEYS = frozenset(
    {"/Type", "/S", "/OutputCondition", "/OutputConditionIdentifier", "/RegistryName", "/Info", "/DestOutputProfile"}
)
"""Table 365."""
COLOUR_PROFILE_KEYS = STREAM_KEYS | {"/N"}

# Files inside
FILE_NAME_KEYS = ("/UF", "/F", "/DOS", "/Mac", "/Unix", "/Desc")
"""Names and description of an embedded file (table 44), the one for all systems first."""
