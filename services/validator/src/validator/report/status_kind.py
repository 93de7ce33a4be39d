"""Where a statement on revocation stands."""

from enum import StrEnum


class StatusKind(StrEnum):
    """A list of many, or an answer about one."""

    CRL = "crl"
    OCSP = "ocsp"
