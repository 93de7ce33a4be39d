"""What mint makes is what it says: sizes, packages, the directory file."""

import asyncio
import io
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from common.directory import read_directory
from common.domain.names import PackageKind, Priority, StatusCode
from common.edxml import parse
from mint import keep, packages, paper
from mint.__main__ import main
from mint.city import CLOSED, SUCCESSOR, UNITS, City, build_city

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(NOW, kind="p256")


@pytest.mark.parametrize("size", [0, 200_000, 1_000_000])
def test_sizes_of_paper(size: int) -> None:
    letter, scan = paper.letter(size_bytes=size), paper.scan(pages=2, size_bytes=size)
    assert size == 0 or size * 0.8 < len(letter) < size * 1.2
    assert size < 300_000 or size * 0.7 < len(scan) < size * 1.3


def test_signed_pair_has_two_signatures(city: City) -> None:
    reader = PdfFileReader(io.BytesIO(city.signed("H29.901.01", paper.letter())))
    assert [each.field_name for each in reader.embedded_signatures] == ["NguoiKy", "CoQuan"]
    assert reader.embedded_signatures[0].self_reported_timestamp == NOW


def test_a_unit_that_the_city_does_not_have_signs_nothing(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep.save(city, tmp_path / "city")
    words = [
        "mint",
        "sign",
        "--city",
        tmp_path / "city",
        "--unit",
        "H29.999.99",
        tmp_path / "a.pdf",
        tmp_path / "b.pdf",
    ]
    monkeypatch.setattr(sys, "argv", [*map(str, words)])
    with pytest.raises(SystemExit):
        main()
    assert "H29.999.99 is no unit of this city. Its units: 000.00.00.H29, " in capsys.readouterr().err
    assert not (tmp_path / "b.pdf").exists()


def test_signing_inside_a_running_loop(city: City) -> None:
    async def inside() -> bytes:
        return city.signed("H29.901.01", paper.letter())

    assert asyncio.run(inside()).startswith(b"%PDF-")


def test_directory_file(city: City, tmp_path: Path) -> None:
    city.write_directory(tmp_path / "directory.json")
    directory = read_directory((tmp_path / "directory.json").read_bytes())
    assert list(directory.units) == [code for code, _, _ in UNITS]
    assert directory.units == city.directory().units
    closed = directory.units[CLOSED]
    assert (closed.successor, closed.is_open(date(2026, 7, 1))) == (SUCCESSOR, False)
    assert CLOSED not in city.codes


def test_letter_package(city: City) -> None:
    pdf = city.signed("H29.901.01", paper.letter())
    data = packages.letter(
        "H29.901.01", ["000.00.14.H29"], "doc-1", pdf, priority=Priority.URGENT, names=city.names,
        appendices=[("bang.csv", b"a,b\n1,2\n")],
    )  # fmt: skip
    message = parse(io.BytesIO(data)).message  # type: ignore[union-attr]
    assert (message.sender.code, message.document_id) == ("H29.901.01", "doc-1")  # type: ignore[union-attr]
    assert message.other.priority is Priority.URGENT  # type: ignore[union-attr]
    assert [each.size_bytes for each in message.attachments] == [len(pdf), 8]  # type: ignore[union-attr]


def test_status_package() -> None:
    data = packages.status("H29.901.01", "000.00.14.H29", "doc-1", StatusCode.REFUSED, NOW, description="Sai nơi nhận")
    message = parse(io.BytesIO(data)).message  # type: ignore[union-attr]
    assert (message.kind, message.code) == (PackageKind.STATUS, StatusCode.REFUSED)  # type: ignore[union-attr]
