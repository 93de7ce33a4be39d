"""Input made to exhaust: it ends quickly, with a reason, in little memory."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.domain.reason import Reason

OPEN = b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">'
CLOSE = b"</edXML>"
MUCH = 20_000_000

TOKENS = {
    "attribute": (lambda: b'<a b="' + b"x" * MUCH + b'"/>', Reason.E_SIZE),
    "comment": (lambda: b"<!--" + b"x" * MUCH + b"-->", Reason.E_SIZE),
    "start tag": (lambda: b"<" + b"x" * MUCH + b"/>", Reason.E_SIZE),
    "attributes": (lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>", Reason.E_SIZE),
    "end tag": (lambda: b"</" + b"x" * MUCH, Reason.E_SIZE),
    "instruction": (lambda: b"<?x " + b"x" * MUCH + b"?>", Reason.E_SIZE),
    "entity reference": (lambda: b"&" + b"x" * MUCH + b";", Reason.E_SIZE),
    "cdata": (lambda: b"<![CDATA[" + b"x" * MUCH + b"]]>", Reason.E_SIZE),
    "text": (lambda: b"x" * MUCH, Reason.E_SIZE),
    "elements": (lambda: b"<x/>" * (MUCH // 4), Reason.E_DEPTH),
    "depth": (lambda: b"<x>" * (MUCH // 3), Reason.E_DEPTH),
    "prefixes": (
        lambda: b"".join(b"<x%s>" % b"".join(b' xmlns:p%d_%d="u"' % (d, n) for n in range(90)) for d in range(50)),
        Reason.E_SIZE,
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_one_huge_thing_ends_quickly(refusal, name) -> None:
    make, reason = TOKENS[name]
    data = OPEN + make() + CLOSE
    start = time.process_time()
    fault = refusal(data)
    assert fault.reason is reason
    assert time.process_time() - start < 5, "of CPU time: others may need the machine, too"


DTDS = [
    b'<!DOCTYPE edXML SYSTEM "http://127.0.0.1:9/x.dtd">',
    b'<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    b"<!DOCTYPE edXML [" + b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)) + b"]>",
    b'<!DOCTYPE edXML [<!ENTITY big "' + b"x" * 100_000 + b'">]>',
    b"<!DOCTYPE edXML [<!ATTLIST edXML a CDATA 'x'>]>",
    b"<!DOCTYPE edXML>",
]  # fmt: skip


@pytest.mark.parametrize("dtd", DTDS, ids=["external", "xxe", "laughs", "big", "attlist", "plain"])
def test_document_types_are_refused_at_once(refusal, dtd) -> None:
    fault = refusal(b'<?xml version="1.0"?>' + dtd + OPEN + b"&a11;" + CLOSE)
    assert fault.reason is Reason.E_XML


def test_xinclude_is_refused_anywhere(document, refusal) -> None:
    include = '<Signature><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/></Signature>'
    fault = refusal(document(("</edXML:MessageHeader>", "</edXML:MessageHeader>" + include)))
    assert (fault.reason, "XInclude" in fault.detail) == (Reason.E_XML, True)


def test_junk_inside_an_unknown_element_costs_nothing(document, read) -> None:
    junk = "<edXML:Unknown>" + "x" * 6_000_000 + "</edXML:Unknown>"
    read(document(("<edXML:Subject>", junk + "<edXML:Subject>")))


MEASURE = """
import json, resource, sys, time
from common.edxml import parse
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
parse(open(sys.argv[1], "rb"))
before, start = peak(), time.process_time()
parsed = parse(open(sys.argv[2], "rb"))
seconds = time.process_time() - start
print(json.dumps([peak() - before, seconds, parsed.message.attachments[0].size_bytes]))
"""


@pytest.mark.parametrize("form", ["raw", "zipped"])
def test_a_package_of_30_mb_takes_little_memory(document, zipped, tmp_path: Path, form) -> None:
    content = b"%PDF-1.7\n" + bytes(range(1, 256)) * 88_000
    small, large = tmp_path / "small.edxml", tmp_path / "large.edxml"
    small.write_bytes(document())
    sent = content if form == "raw" else zipped(("u.pdf", content), method=0)
    large.write_bytes(document(content=sent))
    del sent
    assert 29e6 < large.stat().st_size < 32e6
    measured = subprocess.run([sys.executable, "-c", MEASURE, small, large], capture_output=True, check=True)
    extra_bytes, seconds, size_bytes = json.loads(measured.stdout)
    assert size_bytes == len(content)
    assert extra_bytes < 20 * 1024 * 1024
    assert seconds < 10
