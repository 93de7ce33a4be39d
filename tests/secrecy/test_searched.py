"""What the searches of a package's files say together (12)."""

import pytest

from common.domain.envelope import Attachment
from common.domain.outcome import Refused
from common.domain.reason import Reason
from validator.secrecy.package_search import PackageSearch
from validator.secrecy.search import Missed


def attachment(content_type: str) -> Attachment:
    return Attachment(content_id="1", name="a", content_type=content_type, sha256="0" * 64, size_bytes=1)


PDF, ZIP = attachment("application/pdf"), attachment("application/zip")
SPENT = Refused(Reason.E_PDF_TIMEOUT, "took too long")
CASES = [
    (PDF, None, None, 0),
    (PDF, Missed(beyond=["page", "page"]), None, 1),
    (PDF, Missed(closed=["encrypted PDF"]), Reason.E_PDF_LIMIT, 1),
    (ZIP, Missed(closed=["member 1 of an archive"], beyond=["text"]), Reason.E_ATT_ZIP, 2),
    (PDF, SPENT, Reason.E_PDF_TIMEOUT, 1),
    (ZIP, SPENT, Reason.E_ATT_ZIP, 1),
]


@pytest.mark.parametrize(("file", "result", "reason", "unread"), CASES)
def test_one_file(file: Attachment, result: Missed | Refused | None, reason: Reason | None, unread: int) -> None:
    seen = PackageSearch().after(2, file, result)
    assert (seen.refused.reason if seen.refused else None) == reason
    assert len(seen.unread) == unread
    assert all(place.startswith("attachment 2") for place in seen.unread)


def test_the_first_file_that_cannot_be_opened_is_told() -> None:
    seen = PackageSearch().after(1, PDF, SPENT).after(2, ZIP, Missed(closed=["x"])).after(3, PDF, None)
    assert seen.refused is not None
    assert seen.refused.detail.startswith("attachment 1")
    assert len(seen.unread) == 2
