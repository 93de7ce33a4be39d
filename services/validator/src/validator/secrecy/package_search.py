"""(12) The searches of all files of a package together.

A mark ends everything (12.1). What no search could look into is refused (12.2): a search that ran out of time or
memory, archives that cannot be opened or hold too much, files under a password. Nothing secret may pass because it was
well hidden (R9). Of long texts and crowded pages the beginning is read, where a mark has its place (ND 30/2020,
appendix I); what lies beyond is named in the report and in the security log.
"""

from dataclasses import dataclass, replace

from common.domain.envelope import Attachment
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.secrecy import Mark
from validator.attachments import PDF
from validator.secrecy.search import Missed


@dataclass(frozen=True, slots=True)
class PackageSearch:
    """The result for the files searched so far."""

    mark: Mark | None = None
    refused: Refused | None = None
    """The first file that cannot be looked into."""
    unread: tuple[str, ...] = ()
    """Places that were not looked at."""

    def after(self, number: int, attachment: Attachment, result: Missed | Refused | None) -> "PackageSearch":
        """The result with one more file, in which there is no mark. ``number``: of the attachment, from 1."""
        place = f"attachment {number}"
        if isinstance(result, Missed):
            unread = (*self.unread, *(f"{place}, {each}" for each in dict.fromkeys(result.closed + result.beyond)))
            searched = replace(self, unread=unread)
            if not result.closed:
                return searched
            return searched._refusing(Refused(_reason(attachment), f"{place}: {result.closed[0]}"))
        if isinstance(result, Refused):
            detail = f"{place}: search for marks of secrecy {result.detail}"
            reason = result.reason if attachment.content_type == PDF else _reason(attachment)
            return replace(self, unread=(*self.unread, place))._refusing(Refused(reason, detail))
        return self

    def _refusing(self, refused: Refused) -> "PackageSearch":
        return replace(self, refused=self.refused or refused)


def _reason(attachment: Attachment) -> Reason:
    """The file itself, or what is packed into it, cannot be opened."""
    return Reason.E_PDF_LIMIT if attachment.content_type == PDF else Reason.E_ATT_ZIP
