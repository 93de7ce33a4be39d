"""Random updates of a signed file: what attackers, careless tools and broken tools could write behind a signature."""

import io
import random
import re
from collections.abc import Callable
from datetime import datetime

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from mint.pki import Identity
from mint.sign import Manner, _DatedSigner, _field, _metadata, _signer, finished

KEYS = [
    "/Annots", "/AcroForm", "/Fields", "/Kids", "/Parent", "/Contents", "/Resources", "/DSS", "/Certs", "/VRI", "/V",
    "/AP", "/N", "/Metadata", "/Names", "/OpenAction", "/AA", "/Extensions", "/Version", "/Type", "/P", "/Rect", "/F",
    "/Lock", "/SV", "/T", "/FT", "/DR", "/DA", "/NeedAppearances", "/SigFlags", "/Perms", "/Dests", "/PieceInfo",
    "/StructTreeRoot", "/K", "/MarkInfo", "/Font", "/XObject", "/Length", "/Info", "/Root", "/Rotate", "/MediaBox",
]  # fmt: skip
"""Names with a meaning somewhere, to be put where they have none."""

Dice = random.Random
Writer = IncrementalPdfFileWriter


class Update:
    """One update of ``document`` in the making."""

    def __init__(self, document: bytes, dice: Dice) -> None:
        self.dice = dice
        self.writer = IncrementalPdfFileWriter(io.BytesIO(document))
        self.numbers = sorted(
            {
                number
                for revision in range(self.writer.prev.total_revisions)
                for number, _ in self.writer.prev.xrefs.get_xref_data(revision).explicit_refs_in_revision
            }
        )

    def reference(self) -> generic.IndirectObject:
        """Any object there is, or one that is not."""
        number = self.dice.choice(self.numbers)
        if self.dice.random() < 0.05:
            number = max(self.numbers) + self.dice.randrange(1, 9)
        return generic.IndirectObject(number, 0, self.writer)

    def value(self, depth: int = 0) -> generic.PdfObject:
        kind = self.dice.randrange(7 if depth < 2 else 4)
        if kind == 0:
            return generic.NumberObject(self.dice.randrange(-5, 500))
        if kind == 1:
            return pdf_name(self.dice.choice(KEYS))
        if kind == 2:
            return self.reference()
        if kind == 3:
            return generic.TextStringObject("khac")
        if kind == 4:
            return generic.ArrayObject(self.value(depth + 1) for _ in range(self.dice.randrange(4)))
        if kind == 5:
            return self.dictionary(depth + 1)
        return self.writer.add_object(self.object())

    def dictionary(self, depth: int = 0) -> generic.DictionaryObject:
        keys = self.dice.sample(KEYS, self.dice.randrange(4))
        return generic.DictionaryObject({pdf_name(key): self.value(depth) for key in keys})

    def object(self) -> generic.PdfObject:
        if self.dice.random() < 0.4:
            return generic.StreamObject({pdf_name("/Type"): pdf_name("/XObject")}, stream_data=b"0 0 9 9 re f")
        return self.dictionary(1)

    def existing(self) -> generic.PdfObject:
        for _ in range(20):
            reference = self.reference()
            try:
                value = reference.get_object()
            except Exception:
                continue
            if isinstance(value, generic.DictionaryObject | generic.ArrayObject):
                return value
        return self.writer.root

    # what can be done to the file

    def orphan(self) -> None:
        self.writer.add_object(self.object())

    def same_again(self) -> None:
        self.writer.update_container(self.existing())

    def other_entry(self) -> None:
        target = self.existing()
        if isinstance(target, generic.ArrayObject):
            target.append(self.value())
        elif self.dice.random() < 0.3 and target:
            del target[self.dice.choice(sorted(target))]
        else:
            target[pdf_name(self.dice.choice(KEYS))] = self.value()
        self.writer.update_container(target)

    def catalog(self) -> None:
        keys = ["/AcroForm", "/DSS", "/Extensions", "/Version", "/Metadata", "/OpenAction", "/Names", "/Pages", "/AA"]
        self.writer.root[pdf_name(self.dice.choice(keys))] = self.value()
        self.writer.update_root()

    def page(self) -> None:
        page = self.writer.root["/Pages"]["/Kids"][0].get_object()
        if self.dice.random() < 0.6 and "/Annots" in page:
            page["/Annots"].append(self.value())
            self.writer.update_container(page["/Annots"])
        else:
            page[pdf_name(self.dice.choice(["/Annots", "/Contents", "/Resources", "/AA", "/Rotate"]))] = self.value()
        self.writer.update_container(page)

    def form(self) -> None:
        form = self.writer.root["/AcroForm"]
        if self.dice.random() < 0.5:
            form["/Fields"].append(self.writer.add_object(self.field()))
            self.writer.update_container(form["/Fields"])
        elif self.dice.random() < 0.3:
            form["/Fields"].reverse()
            self.writer.update_container(form["/Fields"])
        else:
            key = self.dice.choice(["/DA", "/DR", "/NeedAppearances", "/SigFlags", "/XFA", "/Q", "/CO"])
            form[pdf_name(key)] = self.value()
        self.writer.update_container(form)

    def field(self) -> generic.DictionaryObject:
        side = self.dice.choice([0, 0, 200])
        entries = {
            "/Type": pdf_name("/Annot"),
            "/Subtype": pdf_name("/Widget"),
            "/FT": pdf_name(self.dice.choice(["/Sig", "/Sig", "/Tx"])),
            "/T": generic.TextStringObject(self.dice.choice(["A", "B", "Them", "Moi"])),
            "/Rect": generic.ArrayObject(map(generic.NumberObject, (0, 0, side, side))),
        }
        if self.dice.random() < 0.3:
            entries[self.dice.choice(KEYS)] = self.value()
        return generic.DictionaryObject({pdf_name(key): value for key, value in entries.items()})

    def validation_data(self) -> None:
        streams = generic.ArrayObject()
        for _ in range(self.dice.randrange(1, 4)):
            streams.append(self.writer.add_object(generic.StreamObject(stream_data=b"0")))
        if self.dice.random() < 0.3:
            streams.append(self.value())
        store = generic.DictionaryObject({pdf_name(self.dice.choice(["/Certs", "/CRLs", "/OCSPs", "/Khac"])): streams})
        if self.dice.random() < 0.4:
            name = "/" + "A1B2" * 10 if self.dice.random() < 0.8 else "/Khac"
            entry = generic.DictionaryObject({pdf_name("/CRL"): generic.ArrayObject(streams)})
            store[pdf_name("/VRI")] = generic.DictionaryObject({pdf_name(name): self.writer.add_object(entry)})
        self.writer.root[pdf_name("/DSS")] = self.writer.add_object(store)
        self.writer.update_root()

    def information(self) -> None:
        entries = self.dictionary() if self.dice.random() < 0.5 else generic.DictionaryObject()
        entries[pdf_name("/Title")] = generic.TextStringObject("khac")
        self.writer.set_info(entries)

    def trailer(self) -> None:
        key = self.dice.choice(["/Info", "/ID", "/Khac", "/Encrypt", "/XRefStm"])
        self.writer.set_custom_trailer_entry(pdf_name(key), self.value())

    def metadata(self) -> None:
        good = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
        data = good if self.dice.random() < 0.6 else b"<khac>"
        stream = generic.StreamObject({pdf_name("/Type"): pdf_name("/Metadata")}, stream_data=data)
        self.writer.root[pdf_name("/Metadata")] = self.writer.add_object(stream)
        self.writer.update_root()

    def nothing(self) -> None:
        """A plain update."""

    DOINGS = (
        nothing, nothing, orphan, same_again, other_entry, other_entry, catalog, page, form, validation_data,
        information, trailer, metadata,
    )  # fmt: skip

    def do(self) -> None:
        """One to three of them; what the library declines is left out."""
        for _ in range(self.dice.randrange(1, 4)):
            try:
                self.dice.choice(self.DOINGS)(self)
            except Exception:
                continue

    def written(self) -> bytes:
        out = io.BytesIO()
        self.writer.write(out)
        return out.getvalue()

    def signed(self, identity: Identity, at: datetime, manner: Manner) -> bytes:
        """The update is that of a signature, too."""
        fresh = _field(self.writer, manner)
        signer = _DatedSigner(_metadata(manner), _signer(identity, manner), new_field_spec=fresh, at=at, box=manner.box)
        return bytes(finished(signer.async_sign_pdf(self.writer)).getvalue())


# changes of the bytes of an update that keep their number


def _another(number: bytes, dice: Dice) -> bytes:
    other = b"%d" % dice.randrange(1, 10 ** len(number))
    return other.rjust(len(number), b"0") if dice.random() < 0.1 else other.ljust(len(number), b" ")


def swap_number(tail: bytes, dice: Dice) -> bytes:
    """A reference leads to another object."""
    references = list(re.finditer(rb"(?<![0-9])([0-9]+)(?= 0 R)", tail))
    return _put(tail, dice.choice(references), lambda text: _another(text, dice)) if references else tail


def swap_references(tail: bytes, dice: Dice) -> bytes:
    """Two references of equal length change places."""
    references = list(re.finditer(rb"(?<![0-9])([0-9]+)(?= 0 R)", tail))
    if not references:
        return tail
    one, two = dice.choice(references), dice.choice(references)
    if len(one[0]) != len(two[0]):
        return tail
    return _put(_put(tail, one, lambda _: two[0]), two, lambda _: one[0])


def rename_key(tail: bytes, dice: Dice) -> bytes:
    """A name becomes another of the same length."""
    keys = list(re.finditer(rb"/[A-Za-z]+", tail))
    match = dice.choice(keys)
    fitting = [key.encode() for key in KEYS if len(key) == len(match[0])] or [b"/" + b"X" * (len(match[0]) - 1)]
    return _put(tail, match, lambda _: dice.choice(fitting))


def change_row(tail: bytes, dice: Dice) -> bytes:
    """An entry of the table: freed, another generation, another offset."""
    rows = list(re.finditer(rb"[0-9]{10} [0-9]{5} [nf]", tail))
    if not rows:
        return tail
    match, kind = dice.choice(rows), dice.randrange(3)
    offset, generation, state = match[0].split()
    if kind == 0:
        state = b"f" if state == b"n" else b"n"
    elif kind == 1:
        generation = b"%05d" % dice.choice([0, 1, 2, 65535])
    else:
        offset = b"%010d" % max(0, int(offset) + dice.choice([-1, 1, 7, -40]))
    return _put(tail, match, lambda _: b" ".join((offset, generation, state)))


def renumber(tail: bytes, dice: Dice) -> bytes:
    """An object's own number, or the first number of a subsection."""
    numbers = list(re.finditer(rb"(?<=[\r\n])([0-9]+)(?= 0 obj| [0-9]+ ?[\r\n])", tail))
    return _put(tail, dice.choice(numbers), lambda text: _another(text, dice)) if numbers else tail


def any_byte(tail: bytes, dice: Dice) -> bytes:
    at = dice.randrange(len(tail))
    return tail[:at] + bytes([dice.choice(b" /<>[]()%0159Rnf\n")]) + tail[at + 1 :]


def blank_out(tail: bytes, dice: Dice) -> bytes:
    """A few bytes become blanks."""
    at = dice.randrange(len(tail))
    return (
        (tail[:at] + b" " * dice.randrange(1, 12) + tail[at:])[: len(tail)]
        if dice.random() < 0.1
        else (tail[:at] + b"    " + tail[at + 4 :])[: len(tail)]
    )


BYTE_CHANGES: tuple[Callable[[bytes, Dice], bytes], ...] = (
    swap_number, swap_number, swap_references, rename_key, rename_key, change_row, change_row, renumber, any_byte,
    blank_out,
)  # fmt: skip


def changed_bytes(document: bytes, start: int, dice: Dice) -> bytes:
    """Up to three such changes behind ``start``; the holes of signatures are left alone."""
    tail = document[start:]
    for _ in range(dice.randrange(1, 4)):
        pieces = re.split(rb"(<[0-9a-fA-F]{200,}>)", tail)
        place = dice.choice([place for place in range(0, len(pieces), 2) if len(pieces[place]) > 5])
        pieces[place] = dice.choice(BYTE_CHANGES)(pieces[place], dice)
        tail = b"".join(pieces)
    return document[:start] + tail


def _put(text: bytes, match: "re.Match[bytes]", change: Callable[[bytes], bytes]) -> bytes:
    return text[: match.start()] + change(match[0]) + text[match.end() :]
