"""A unit's end of the trunk: submit packages, read the inbox, report statuses. Needs ``pika`` and nothing else.

Environment: TRUNK_ADDRESS=amqps://broker:5671/trunk TRUNK_PASSWORD=… TRUNK_UNIT=000.00.14.H29 [TRUNK_USER=…]
Commands:    send FILE.edxml [--urgent] [--upload-url URL] | read [--save DIR]
             status DOCUMENT_ID --to UNIT --code 03 [--reason TEXT]
"""

import argparse
import hashlib
import json
import os
import re
import ssl
import sys
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import pika
from pika import exceptions as no

UNIT = os.environ["TRUNK_UNIT"]
USER = os.environ.get("TRUNK_USER", UNIT)
EDXML, REFERENCE = "application/edxml+xml", "application/vnd.trunk.reference+json"
STATUS = """<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId/></From><ResponseFor><OrganId/><DocumentId/></ResponseFor><StatusCode/><Description/><Timestamp/>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"""
TRIES, PAUSE_SECONDS, IDLE_SECONDS = 30, 2, 5
FINAL = (
    no.ProbableAuthenticationError,
    no.ProbableAccessDeniedError,
    no.ChannelClosedByBroker,
    no.UnroutableError,
    ssl.SSLCertVerificationError,
)


def persist(work):
    """Call ``work(channel)`` until it returns, on a new connection whenever the old one breaks."""
    parameters = pika.URLParameters(os.environ["TRUNK_ADDRESS"])
    parameters.credentials = pika.PlainCredentials(USER, os.environ["TRUNK_PASSWORD"])
    parameters.heartbeat, parameters.blocked_connection_timeout = 30, 60  # a silent broker becomes an exception
    for _ in range(TRIES):
        try:
            with pika.BlockingConnection(parameters) as connection:
                channel = connection.channel()
                channel.confirm_delivery()  # from here on basic_publish waits for the broker's answer
                return work(channel)
        except FINAL as error:
            sys.exit(f"the broker refused {USER}, or is not who it should be: {error!r}")
        except (no.AMQPError, OSError) as error:  # nacked, or no confirm: perhaps taken all the same
            print(f"broken off, the same once more: {error!r}", file=sys.stderr)
            time.sleep(PAUSE_SECONDS)
    sys.exit("the broker does not answer: keep the package, and send the same bytes later")


def send(package, urgent=False, upload_url=None):
    """Return when the broker has confirmed: from then on the trunk answers for the package."""
    if upload_url is None and len(package) > 12 * 1024 * 1024:
        sys.exit("more than 12 MiB: ask the operators for an address, and say --upload-url")
    body, kind = (upload(upload_url, package), REFERENCE) if upload_url else (package, EDXML)
    properties = pika.BasicProperties(content_type=kind, delivery_mode=2, user_id=USER, timestamp=int(time.time()))
    key = f"submit.{UNIT}.urgent" if urgent else f"submit.{UNIT}"
    persist(lambda channel: channel.basic_publish("trunk.submit", key, body, properties, mandatory=True))
    print(json.dumps({"sent": hashlib.sha256(package).hexdigest(), "bytes": len(package)}))


def upload(url, package):
    """Put a large package where the operators said; the reference that is submitted in its place."""
    urllib.request.urlopen(urllib.request.Request(url, package, method="PUT"), timeout=300).close()  # noqa: S310
    bucket, key = urllib.parse.unquote(urllib.parse.urlsplit(url).path)[1:].split("/", 1)
    reference = {"bucket": bucket, "key": key, "size": len(package), "sha256": hashlib.sha256(package).hexdigest()}
    return json.dumps(reference).encode()


def read(folder):
    """Store every message, then ack it; end when nothing came for a while."""

    def consume(channel):
        channel.basic_qos(prefetch_count=8)
        for method, properties, body in channel.consume(f"inbox.{UNIT}", inactivity_timeout=IDLE_SECONDS):
            if method is None:
                return
            print(json.dumps(store(folder, properties, body), ensure_ascii=False), flush=True)
            channel.basic_ack(method.delivery_tag)  # only now may the broker forget it
        raise no.AMQPConnectionError("the broker ended the subscription")

    folder.mkdir(parents=True, exist_ok=True)
    persist(consume)


def store(folder, properties, body):
    """One file a message, named for its event: a repeat falls on the same name and changes nothing."""
    fields = {"type": properties.type, **{n: v for n, v in properties.headers.items() if n.startswith("x-")}}
    file = folder / (re.sub(r"[^0-9A-Za-z.-]+", "_", fields["x-event-id"]) + f".{properties.type}")
    if file.exists():
        return {**fields, "file": str(file), "repeat": True}
    if properties.content_type == REFERENCE:
        with urllib.request.urlopen(json.loads(body)["url"], timeout=300) as answer:  # noqa: S310 - the trunk's own
            body = answer.read()
    if properties.type != "receipt" and hashlib.sha256(body).hexdigest() != fields["x-sha256"]:
        sys.exit(f"{file}: other bytes than announced; not acked, tell the trunk's operators")
    with file.with_suffix(".unfinished").open("wb") as target:
        target.write(body)
        target.flush()
        os.fsync(target.fileno())
    file.with_suffix(".unfinished").replace(file)
    return {**fields, "file": str(file), "repeat": False}


def status(document_id, to, code, reason):
    """The smallest status package: who reports, about which document of whom, what, why, when."""
    now = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(time.time() + 7 * 3600))  # Ho Chi Minh City
    package, texts = ET.fromstring(STATUS), [UNIT, to, document_id, code, reason, now]  # noqa: S314 - the text above
    for element, text in zip([e for e in package.iter() if len(e) == 0], texts, strict=True):
        element.text = text
    return ET.tostring(package, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["send", "read", "status"])
    parser.add_argument("subject", nargs="?", help="send: a file; status: a DocumentId")
    parser.add_argument("--urgent", action="store_true", help="send: before all that is not urgent")
    parser.add_argument("--upload-url", help="send: of `trunkctl upload-url`, for more than 12 MiB")
    parser.add_argument("--save", type=Path, default=Path("inbox"), help="read: folder for what comes")
    parser.add_argument("--to", help="status: the unit that issued the document; with 13, one that received it")
    parser.add_argument("--code", help="status: 01 to 06, 13, 15 or 16")
    parser.add_argument("--reason", help="status: required with 02, 13 and 16")
    options = parser.parse_args()
    if options.command == "read":
        read(options.save)
    elif options.command == "send":
        send(Path(options.subject).read_bytes(), options.urgent, options.upload_url)
    else:
        send(status(options.subject, options.to, options.code, options.reason))
