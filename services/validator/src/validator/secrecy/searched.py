"""(12) What the searches of a package's files say together.

A mark ends everything (12.1). What no search could look into is refused (12.2): time or memory that ran out, archives
that cannot be opened or hold too much, files under a password. Nothing secret may pass because it was well hidden (R9).
Of long texts and crowded pages the beginning is read, where a mark has its place (ND 30/2020, appendix I); what lies
beyond is named in the report and in the security log.
"""

from dataclasses import dataclass, replace

from common.domain.envelope import Attachment
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.secrecy import Mark
from validator.package_verdict import PDF
from validator.secrecy.search import Missed


@dataclass(frozen=True, slots=True)
class Searched:
    """Of the files so far."""

    mark: Mark | None = None
    refused: Refused | None = None
    """The first file that cannot be looked into."""
    unread: tuple[str, ...] = ()
    """Places that were not looked at."""

    def after(self, number: int, attachment: Attachment, found: Missed | Refused | None) -> "Searched":
        """With one more file, in which no mark was found."""
        place = f"attachment {number}"
        if isinstance(found, Missed):
            unread = (*self.unread, *(f"{place}, {each}" for each in dict.fromkeys(found.closed + found.beyond)))
            seen = replace(self, unread=unread)
            return seen._refusing(Refused(_reason(attachment), f"{place}: {found.closed[0]}")) if found.closed else seen
        if isinstance(found, Refused):
            detail = f"{place}: search for marks of secrecy {found.detail}"
            reason = found.reason if attachment.content_type == PDF else _reason(attachment)
            return replace(self, unread=(*self.unread, place))._refusing(Refused(reason, detail))
        return self

    def _refusing(self, refused: Refused) -> "Searched":
        return replace(self, refused=self.refused or refused)


def _reason(attachment: Attachment) -> Reason:
    """What the sender is told: the file itself, or what is packed into it, cannot be opened."""
    return Reason.E_PDF_LIMIT if attachment.content_type == PDF else Reason.E_ATT_ZIP
