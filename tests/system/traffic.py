"""A scripted morning of the city: letters of both lanes, mistakes, statuses, a recall, and three kinds of failure."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .inboxes import Inboxes
from .trunk import PATIENCE_SECONDS, Trunk, eventually, minted

Entry = dict[str, Any]

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
STATUS = """<edXML xmlns="{namespace}"><edXMLEnvelope><edXMLHeader><MessageHeader>
  <From><OrganId>{unit}</OrganId></From>
  <ResponseFor><OrganId>{issuer}</OrganId><DocumentId>{document}</DocumentId></ResponseFor>
  <StatusCode>{code}</StatusCode><Description>{words}</Description>
  <Timestamp>{at}</Timestamp>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"""
RECALL = """<edXML xmlns="{namespace}"><edXMLEnvelope><edXMLHeader><MessageHeader>
  <From><OrganId>{unit}</OrganId></From><To><OrganId>{receiver}</OrganId></To>
  <DocumentId>{document}</DocumentId>
  <Code><CodeNumber>1</CodeNumber><CodeNotation>VP</CodeNotation></Code>
  <PromulgationInfo><Place>TP. Hồ Chí Minh</Place><PromulgationDate>2026/07/01</PromulgationDate></PromulgationInfo>
  <DocumentType><Type>2</Type><TypeName>Công văn</TypeName></DocumentType>
  <Subject>V/v thu hồi văn bản</Subject>
  <SignerInfo><Competence>TM.</Competence><Position>CHỦ TỊCH</Position><FullName>Nguyễn Văn A</FullName></SignerInfo>
  <OtherInfo><Priority>0</Priority></OtherInfo>
</MessageHeader><TraceHeaderList><Bussiness>
  <BussinessDocType>1</BussinessDocType><BussinessDocReason>Ban hành nhầm</BussinessDocReason>
  <DocumentId>{document}</DocumentId>
</Bussiness></TraceHeaderList></edXMLHeader></edXMLEnvelope></edXML>"""
STORE_AWAY_SECONDS = 12.0


@dataclass
class Day:
    """The packages sent; the unit ``silent`` never reads its inbox."""

    trunk: Trunk
    folder: Path
    inboxes: Inboxes
    silent: str
    waves: int = 0

    def wave(self) -> None:
        """Letters good and bad, noise, something nobody vouches for, statuses, and a recall."""
        self.waves += 1
        entries = minted(self.trunk, self.folder / f"wave{self.waves}", 12, wrong=4, seed=20 + self.waves)
        sent = [(self.submit(entry), entry) for entry in entries]
        unit = entries[0]["sender"]
        noise = f"not a package, {time.time()}".encode()
        self.trunk.submit(unit, noise)
        self.trunk.submit(unit, noise + b" of nobody", user_id=None)
        delivered = [(package, entry) for package, entry in sent if entry["receivers"] and not entry["turned"]]
        answered = [each for each in delivered if self.silent not in (each[1]["sender"], *each[1]["receivers"])][:4]
        for number, (package, entry) in enumerate(answered):
            arrived = self.inboxes.wait_for(package, ["receipt", "document"], PATIENCE_SECONDS)
            assert {item.type for item in arrived} >= {"receipt", "document"}, entry["document_id"]
            for code in ("01", "02" if number == 0 else "03"):
                self.report(entry["receivers"][0], entry, code)
        self._recall(answered[-1][1])

    def in_doubt(self) -> list[Entry]:
        """Letters that cannot be decided, because the revocation lists are gone."""
        entries = minted(self.trunk, self.folder / "doubt", 2, seed=31)
        for entry in entries:
            self.submit(entry)
        return entries

    def without_the_store(self) -> None:
        """The object store goes away while letters come in and others are on their way, and returns."""
        entries = minted(self.trunk, self.folder / "storeless", 6, seed=32)
        for entry in entries[:4]:
            self.submit(entry)
        self.trunk.kill_server("s3")
        for entry in entries[4:]:
            self.submit(entry)
        time.sleep(STORE_AWAY_SECONDS)
        self.trunk.revive_server("s3")

    def submit(self, entry: Entry) -> str:
        """Submits a minted package as its sender; returns the package id."""
        return self.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])

    def report(self, unit: str, entry: Entry, code: str) -> None:
        """The receiver's status about a letter."""
        fields = {"unit": unit, "issuer": entry["sender"], "document": entry["document_id"], "code": code}
        at = time.strftime("%Y/%m/%d %H:%M:%S")
        self.trunk.submit(unit, STATUS.format(namespace=NAMESPACE, words="Đã xem", at=at, **fields).encode())

    def _recall(self, entry: Entry) -> None:
        fields = {"unit": entry["sender"], "receiver": entry["receivers"][0], "document": entry["document_id"]}
        self.trunk.submit(entry["sender"], RECALL.format(namespace=NAMESPACE, **fields).encode())


@contextmanager
def without_revocation_lists(trunk: Trunk, aside: Path) -> Iterator[None]:
    """The validator's trust folder has no lists meanwhile; what waited for them is decided afterwards."""
    lists = sorted((Path(trunk.config["trust_dir"]) / "crls").glob("*.crl"))
    aside.mkdir()
    kept = [path.rename(aside / path.name) for path in lists]
    try:
        yield
    finally:
        for path in kept:
            path.rename(lists[0].parent / path.name)


def settled(trunk: Trunk) -> bool:
    """Whether nothing of the trunk waits any more, the parking lot aside; asked again and again."""
    return eventually(lambda: not trunk.depths(), PATIENCE_SECONDS, 1.0)
