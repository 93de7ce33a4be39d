"""endesive: jobs as in Jobs.java; action sign."""

import datetime
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12
from endesive.pdf import cms


def sign(job: dict[str, str]) -> None:
    key, certificate, others = pkcs12.load_key_and_certificates(Path(job["p12"]).read_bytes(), b"demo")
    source = Path(job["in"]).read_bytes()
    about = {
        "aligned": 8192,
        "sigflags": 3,
        "sigpage": 0,
        "sigfield": job.get("field", "Signature1"),
        "auto_sigfield": True,
        "contact": "don vi",
        "location": "Thanh pho",
        "signingdate": datetime.datetime.now(datetime.UTC).strftime("D:%Y%m%d%H%M%S+00'00'"),
        "reason": job.get("reason", "Phat hanh"),
    }
    if "rect" in job:
        about["sigandcertify"] = False
        about["signaturebox"] = tuple(int(part) for part in job["rect"].split(","))
        about["signature"] = "Da ky"
    if "certify" in job:
        about["sigandcertify"] = True
    added = cms.sign(source, about, key, certificate, others, "sha256")
    Path(job["out"]).write_bytes(source + added)


for line in sys.stdin:
    job = dict(pair.split("=", 1) for pair in line.rstrip("\n").split("\t") if "=" in pair)
    try:
        sign(job)
        print("ok", job["out"], sep="\t", flush=True)
    except Exception as error:
        print("failed", job["out"], " ".join(repr(error).split()), sep="\t", flush=True)
