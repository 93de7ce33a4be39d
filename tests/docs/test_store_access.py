"""The page of rights shows the tables as they are."""

from trunkctl import access_tables

from .pages import ROOT

PAGE = ROOT / "docs/operations/store-access.md"


def test_the_tables_are_those_of_the_code() -> None:
    """If not: ``trunkctl stores access`` prints them."""
    text = PAGE.read_text()
    for table in (access_tables.object_store(), access_tables.database()):
        assert "\n".join(table) in text
