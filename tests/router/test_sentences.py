"""Every reason has its sentence, and a refusal fits into a status."""

import pytest

from common.domain.reason import Reason
from common.sentences import SENTENCES, sentence
from router.compose import MAX_DESCRIPTION, describe


def test_every_reason_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(Reason)
    assert len(set(SENTENCES.values())) == len(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_description_names_token_sentence_and_place(reason: Reason) -> None:
    description = describe(reason, "tệp 2")
    assert description == f"{reason}: {sentence(reason)} (tệp 2)"
    assert len(describe(reason, "x" * 1000)) == MAX_DESCRIPTION
    assert describe(reason, "") == f"{reason}: {sentence(reason)}"


def test_a_detail_that_xml_cannot_hold_is_cleaned() -> None:
    assert describe(Reason.E_XML, "a\x00b\ud800\n c").endswith("(a b c)")
