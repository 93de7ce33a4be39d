"""How much of a package is read before it is refused. Lengths of single fields stand beside their names in wire."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one package; each has a unit in its name and a reason."""

    max_package_bytes: int = 128 * MIB
    """The file as sent: two attachments of the largest size in base64 do not fit, one does with ease."""
    max_attachment_bytes: int = 50 * MIB
    """One attachment after unwrapping: the figure gateways of peers use."""
    max_attachments: int = 100
    """References of one package: each may hold a file and a MiB of memory open."""
    max_receivers: int = 1000
    """To elements: about the number of units of the city."""
    max_depth: int = 64
    """Nested elements: the deepest known message has nine."""
    max_elements: int = 100_000
    """All elements together: a thousand complete receivers take nine thousand."""
    max_attributes: int = 100
    """Attributes of one element, and prefixes in force at one element: known messages have two."""
    max_header_chars: int = 4_000_000
    """All text outside the attachments: four times what a thousand complete receivers hold."""
    max_token_bytes: int = 128 * 1024
    """One tag, comment or instruction: longer ones cost the XML parser quadratic time."""
    max_zip_ratio: int = 100
    """Unpacked to packed size, looked at from ``zip_ratio_from_bytes`` unpacked bytes upward."""
    zip_ratio_from_bytes: int = 64 * 1024
    """Small blank forms pack better than 100 to 1 and harm nobody."""
    max_office_ratio: int = 300
    """The same inside office documents: tables of equal cells pack far better than text."""
    max_office_bytes: int = 500 * MIB
    """All parts of one office document, unpacked."""
    max_zip_nesting: int = 1
    """Archives inside the archive that is the attachment."""
    max_desktop_file_bytes: int = MIB
    """A desktop's metadata beside the file in a wrapper; what is larger counts as a file of its own."""
    max_zip_directory_bytes: int = MIB
    """An archive's table of contents, read into memory as a whole: some ten thousand entries."""


DEFAULT_LIMITS = Limits()
