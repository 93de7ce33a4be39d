"""The numbered rules: what must hold, and what is reported where it does not.

One table for the code, the report, the page for people and docs/validity.md, which prints it. A check raises
``Fault("3.5", …)`` and draws reason and sub-indication from here. The number before the dot is the step. A letter tells
outcomes of one rule apart that have different reasons.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from common.domain.reason import Reason
from validator.report.vocabulary import SignatureKind, SubIndication


class Step(IntEnum):
    """The steps of a verification, in the order in which they are asked."""

    GATE = 1
    PARSE = 2
    STRUCTURE = 3
    DIFFERENCE = 4
    CRYPTOGRAPHY = 5
    CHAIN = 6
    REVOCATION = 7
    TIME = 8
    IDENTITY = 9
    ORDER = 10
    FORM = 11
    SECRECY = 12


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    number: str
    statement: str
    """What must hold, for people."""
    reason: Reason | None = None
    """Why a document is refused where it does not hold; None = it is not (``failure`` says what happens instead)."""
    sub_indication: SubIndication | None = None
    failure: str = ""
    """The report's ``detail`` where the check has nothing more exact to say."""
    only: SignatureKind | None = None
    """The kind of signature that it is asked of; None = of all."""

    @property
    def step(self) -> Step:
        """The step it belongs to."""
        return Step(int(self.number.partition(".")[0]))


_FORMAT = SubIndication.FORMAT_FAILURE
_SIGNATURE = SubIndication.SIG_CONSTRAINTS_FAILURE
_CHAIN = SubIndication.CHAIN_CONSTRAINTS_FAILURE
_ALGORITHM = SubIndication.CRYPTO_CONSTRAINTS_FAILURE
_PERIOD = SubIndication.OUT_OF_BOUNDS_NO_POE
_LATER = SubIndication.TRY_LATER

_TABLE = (
    # Gate
    Rule("1.1a", "The file is not empty.", Reason.E_PDF_FORMAT, _FORMAT, "empty file"),
    Rule("1.1b", "The file is not larger than the policy allows.", Reason.E_PDF_LIMIT, _FORMAT, "too large"),
    Rule(
        "1.2", "The file starts with `%PDF-`: offsets count from there, and no other file type may come first.",
        Reason.E_PDF_FORMAT, _FORMAT, "does not start with %PDF-",
    ),
    Rule(
        "1.3", "There is an end-of-file marker, and nothing but white space follows the last one.",
        Reason.E_PDF_FORMAT, _FORMAT, "bytes behind the last end-of-file marker",
    ),
    Rule(
        "1.4", "The structure of the file has no more end-of-file markers and `/ByteRange` entries than the policy "
        "allows.",
        Reason.E_PDF_LIMIT, _FORMAT, "too many revisions or signatures",
    ),
    # Parse
    Rule(
        "2.0", "A strict parser reads the file, without repairing it.",
        Reason.E_PDF_FORMAT, _FORMAT, "not readable as a PDF",
    ),
    Rule("2.1", "The file is not encrypted.", Reason.E_PDF_ENCRYPTED, _FORMAT, "encrypted"),
    Rule(
        "2.2", "The file has no more revisions and objects than the policy allows.",
        Reason.E_PDF_LIMIT, _FORMAT, "too many revisions or objects",
    ),
    Rule("2.3", "The file has a catalog and a page tree.", Reason.E_PDF_FORMAT, _FORMAT, "no page tree"),
    # Structure
    Rule(
        "3.0", "The signature dictionaries can be read.",
        Reason.E_SIG_FORMAT, _FORMAT, "signature dictionaries not readable",
    ),
    Rule(
        "3.1", "Every `/ByteRange` of the file belongs to a signature of the form, or to usage rights that are older "
        "than the first signature: no signature is hidden.",
        Reason.E_SIG_FORMAT, _FORMAT, "a signature that no form field shows",
    ),
    Rule(
        "3.2", "The signature is a dictionary that is an object of its own.",
        Reason.E_SIG_FORMAT, _FORMAT, "signature is not a dictionary",
    ),
    Rule(
        "3.3", "`/Type` and `/SubFilter` are of a supported kind.",
        Reason.E_SIG_FORMAT, _FORMAT, "kind of signature not supported",
    ),
    Rule(
        "3.4", "`/ByteRange` is four numbers that run from the first byte, around one hole, to a byte of the file.",
        Reason.E_SIG_FORMAT, _FORMAT, "ByteRange does not run from the first byte around one hole",
    ),
    Rule(
        "3.5", "The hole is exactly one hexadecimal string, the value of `/Contents`.",
        Reason.E_SIG_FORMAT, _FORMAT, "the hole of the ByteRange is not one hexadecimal string",
    ),
    Rule(
        "3.6", "The hole lies inside the object of its own signature dictionary.",
        Reason.E_SIG_FORMAT, _FORMAT, "the hole lies outside its signature dictionary",
    ),
    Rule("3.7", "Only zeros follow the CMS.", Reason.E_SIG_FORMAT, _FORMAT, "bytes behind the CMS"),
    Rule(
        "3.8", "No later revision changed the signature dictionary.",
        Reason.E_SIG_CHANGED, _FORMAT, "signature dictionary changed after signing",
    ),
    Rule(
        "3.9", "There is one signature per revision, and later signatures cover earlier ones completely.",
        Reason.E_SIG_FORMAT, _FORMAT, "signatures cross each other",
    ),
    Rule(
        "3.10", "The signature covers its whole revision, with cross-reference table and end marker.",
        Reason.E_SIG_COVERAGE, _FORMAT, "does not cover its whole revision",
    ),
    Rule(
        "3.11", "What was signed reads the same from the signed bytes alone.",
        Reason.E_SIG_COVERAGE, _FORMAT, "signed revision not readable alone",
    ),
    Rule(
        "3.12", "Behind the first signature there is nothing but complete revisions.",
        Reason.E_SIG_COVERAGE, _FORMAT, "bytes that belong to no revision",
    ),
    Rule(
        "3.13", "Every update behind the first signature names the catalog.",
        Reason.E_SIG_COVERAGE, _FORMAT, "an update that names no catalog",
    ),
    # Difference
    Rule(
        "4.1", "After a signature nothing is added but further signatures and validation data. Behind the last "
        "signature nothing is added but validation data, time stamps and the date and tool of the last change: nobody "
        "vouches for those bytes.",
        Reason.E_SIG_CHANGED, _FORMAT, "changed after signing",
    ),
    Rule(
        "4.2", "The changes are within what the signer permits (DocMDP, FieldMDP).",
        Reason.E_SIG_CHANGED, _FORMAT, "changed against the signer's permissions",
    ),
    Rule(
        "4.3", "No visible signature field without a signature is laid over a page.",
        Reason.E_SIG_CHANGED, _FORMAT, "an empty signature field was laid over the page",
    ),
    Rule(
        "4.4", "A document time stamp behind a signature is not visible.",
        Reason.E_SIG_CHANGED, _FORMAT, "a visible time stamp was laid over the page",
        SignatureKind.TIME_STAMP,
    ),
    # Cryptography
    Rule(
        "5.1", "The signature is a CMS with one signer and detached content (RFC 5652 §5); a time stamp encloses its "
        "statement (RFC 3161).",
        Reason.E_SIG_FORMAT, _FORMAT, "CMS not readable",
    ),
    Rule(
        "5.2a", "The signed attributes name content type and digest, each once.",
        Reason.E_SIG_FORMAT, _FORMAT, "signed attributes missing",
    ),
    Rule("5.2b", "There are signed attributes.", Reason.E_SIG_FORMAT, _SIGNATURE, "no signed attributes"),
    Rule(
        "5.3", "The signer's certificate is in the CMS, that of a time stamp's authority there or where it may be left "
        "out to (RFC 3161 §2.4.1); of several with the same key, a signing-certificate attribute names one.",
        Reason.E_SIG_FORMAT, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "signer's certificate not found",
    ),
    Rule("5.4", "The digest algorithms are on the policy's list.", Reason.E_SIG_WEAK_ALG, _ALGORITHM, "weak digest"),
    Rule(
        "5.5a", "Key and signature algorithm are on the policy's list, and fit the digest algorithm.",
        Reason.E_SIG_WEAK_ALG, _ALGORITHM, "weak signature algorithm",
    ),
    Rule(
        "5.5b", "The signature algorithm is known.",
        Reason.E_SIG_FORMAT, _ALGORITHM, "signature algorithm not known",
    ),
    Rule(
        "5.6", "A signing-certificate attribute, where there is one, names this certificate (RFC 5035).",
        Reason.E_SIG_FORMAT, _FORMAT, "the signing-certificate attribute names another certificate",
    ),
    Rule(
        "5.7", "The digest of the covered bytes is the signed one.",
        Reason.E_SIG_DIGEST, SubIndication.HASH_FAILURE, "the document was changed",
    ),
    Rule(
        "5.8", "The signature value is right for the signer's key.",
        Reason.E_SIG_VALUE, SubIndication.SIG_CRYPTO_FAILURE, "signature value is wrong",
    ),
    Rule(
        "5.9", "The key in the signer's certificate can be read.",
        Reason.E_SIG_CERT_FORMAT, _ALGORITHM, "key of the certificate not readable",
    ),
    # Chain
    Rule("6.0", "Trust material is given.", Reason.E_UNAVAILABLE, _LATER, "no trust was given"),
    Rule(
        "6.1", "The signer's key usage is nonRepudiation (contentCommitment).",
        Reason.E_SIG_KEY_USAGE, _CHAIN, "key usage is not nonRepudiation",
        SignatureKind.SIGNATURE,
    ),
    Rule(
        "6.2", "The signer's certificate is not a CA's, and its extended key usages, where named, are not all for "
        "something else.",
        Reason.E_SIG_KEY_USAGE, _CHAIN, "extended key usage is for something else",
        SignatureKind.SIGNATURE,
    ),
    Rule(
        "6.3", "Each certificate is signed by the next one, up to a pinned root (RFC 5280 §6.1).",
        Reason.E_SIG_UNTRUSTED_CA, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "no chain to a pinned root",
    ),
    Rule(
        "6.4a", "Each certificate has begun to be valid at the time of judgement.",
        Reason.E_SIG_NOT_YET_VALID, _PERIOD, "certificate not valid yet",
    ),
    Rule(
        "6.4b", "No certificate has expired at the time of judgement.",
        Reason.E_SIG_EXPIRED, _PERIOD, "certificate expired",
    ),
    Rule(
        "6.5", "Keys and signature algorithms of the chain are on the policy's list.",
        Reason.E_SIG_WEAK_ALG, _ALGORITHM, "certificate with a weak algorithm",
    ),
    Rule(
        "6.6", "Certificates are X.509 v3, and every critical extension is understood.",
        Reason.E_SIG_UNTRUSTED_CA, _CHAIN, "certificate is not X.509 v3",
    ),
    Rule(
        "6.7", "Every issuer is a CA that may sign certificates, with room for the CAs below it.",
        Reason.E_SIG_UNTRUSTED_CA, _CHAIN, "issuer is not a CA",
    ),
    Rule(
        "6.8", "A time stamp is made with a certificate for time stamping and nothing else, critically so "
        "(RFC 3161 §2.3).",
        Reason.E_SIG_KEY_USAGE, _CHAIN, "certificate is not for time stamping",
        SignatureKind.TIME_STAMP,
    ),
    Rule(
        "6.9", "The operator trusts the root for the time of judgement.",
        Reason.E_SIG_UNTRUSTED_CA, _CHAIN, "root not trusted for that time",
    ),
    Rule(
        "6.10", "Names lie within the name constraints of every CA above (RFC 5280 §4.2.1.10).",
        Reason.E_SIG_UNTRUSTED_CA, _CHAIN, "name outside of its CA's constraints",
    ),
    Rule(
        "6.11", "A certificate policy holds for the whole chain where a CA requires one (RFC 5280 §6.1).",
        Reason.E_SIG_UNTRUSTED_CA, _CHAIN, "no certificate policy holds for the whole chain",
    ),
    Rule(
        "6.12", "Everything that is used of the chain's certificates can be read.",
        Reason.E_SIG_CERT_FORMAT, _FORMAT, "certificate not readable",
    ),
    # Revocation
    Rule(
        "7.1", "A revocation list is signed in the name of its issuer, by a key that the trust folder holds for it "
        "under the same root (RFC 5280 §6.3.3 f).",
        failure="the list is not used",
    ),
    Rule(
        "7.2", "A revocation list covers the certificate: by its scope, distribution point and reasons, alone or with "
        "others (RFC 5280 §6.3.3).",
        failure="it counts for what it lists alone",
    ),
    Rule(
        "7.3", "No certificate of the chain is on its issuer's list, however old the list is.",
        Reason.E_SIG_REVOKED, SubIndication.REVOKED_NO_POE, "certificate revoked",
    ),
    Rule(
        "7.4", "For each certificate of the chain there is a statement \"not revoked\" that was in force at the time "
        "of judgement, or was made later.",
        Reason.E_SIG_REVOCATION_UNKNOWN, _LATER, "no statement on revocation",
    ),
    Rule(
        "7.5", "An OCSP answer is signed by the CA that issued the certificate, or by a responder which that CA "
        "certified (RFC 6960 §4.2.2.2) and which no list names as revoked; it speaks of no time after it was made, and "
        "is in force no longer than the responder's certificate.",
        failure="the answer is not used",
    ),
    Rule(
        "7.6", "Evidence out of the document is older than the end and the revocation of its issuer's certificate, as "
        "far as time stamps prove. After the end of a responder's certificate its answers only say \"not revoked\" for "
        "the time before.",
        failure="the evidence is not used",
    ),
    Rule(
        "7.7", "Every time stamp that could still prove an expired or revoked signature to be older can be judged.",
        Reason.E_SIG_REVOCATION_UNKNOWN, _LATER, "time stamp not decided yet",
        SignatureKind.SIGNATURE,
    ),
    # Time
    Rule(
        "8.1", "A claimed signing time that is used is not in the future (RFC 5652 §11.3: a claim need not be right).",
        failure="a note; the claim is not used",
    ),
    Rule(
        "8.2a", "A claimed signing time that is used is not before the certificate's validity.",
        failure="a note; the claim is not used",
    ),
    Rule(
        "8.2b", "A claimed signing time that is used is not after the certificate's validity.",
        failure="a note; the claim is not used",
    ),
    Rule(
        "8.3", "A signature time stamp covers the signature value (RFC 3161 appendix A).",
        Reason.E_SIG_TIME, _SIGNATURE, "time stamp not readable",
    ),
    Rule(
        "8.4", "A time stamp lies in the past, inside the validity of its authority's certificate.",
        Reason.E_SIG_TIME, _SIGNATURE, "time stamp of an impossible time",
        SignatureKind.TIME_STAMP,
    ),
    Rule(
        "8.5", "A claimed signing time that is used is not later than a time stamp proves.",
        failure="a note; the claim is not used",
    ),
    Rule(
        "8.6", "A time stamp has no critical extension, since none is understood here (RFC 3161 §2.4.2).",
        Reason.E_SIG_TIME, _SIGNATURE, "critical extension of the time stamp",
        SignatureKind.TIME_STAMP,
    ),
    # Identity and role
    Rule("9.0a", "The sender is in the unit directory.", Reason.E_FROM, _SIGNATURE, "sender not in the directory"),
    Rule(
        "9.0b", "Every signature was verified.",
        Reason.E_SIG_FORMAT, _FORMAT, "signature not settled",
    ),
    Rule(
        "9.1a", "The sending unit signed (ND 30/2020 art. 5.1).",
        Reason.E_SIG_ORG_MISSING, _SIGNATURE, "no signature of the sending unit",
    ),
    Rule(
        "9.1b", "The sending unit signed with a certificate registered for it on the day of signing, or on the day "
        "by which the signature is known to exist.",
        Reason.E_SIG_NOT_BOUND, _SIGNATURE, "no signature of the sending unit",
    ),
    Rule(
        "9.2a", "An authorised signer signed, or the sender declares a scan (ND 30/2020 art. 25, 26).",
        Reason.E_SIG_SIGNER_MISSING, _SIGNATURE, "no signature of an authorised signer",
    ),
    Rule(
        "9.2b", "One who signed was authorised on the day of signing, or on the day by which the signature is known to "
        "exist (ND 30/2020 art. 13).",
        Reason.E_SIG_SIGNER_NOT_AUTHORISED, _SIGNATURE, "no signature of an authorised signer",
    ),
    Rule(
        "9.3a", "No signature was made after its signer's role had lapsed.",
        Reason.E_SIG_SIGNER_NOT_AUTHORISED, _SIGNATURE, "role does not hold",
    ),
    Rule(
        "9.3b", "Every other signature belongs to a registered certificate.",
        Reason.E_SIG_STRANGER, _SIGNATURE, "signature of a stranger",
    ),
    Rule("9.4", "No certificate is shared by several units, and no other unit signed.", failure="a note"),
    # Order
    Rule(
        "10.1", "The sending unit's signature is the last one (ND 30/2020 art. 32.2.d).",
        Reason.E_SIG_ORDER, _SIGNATURE, "signed after the unit",
    ),
    Rule(
        "10.2", "Trusted time stamps do not contradict that (ND 30/2020 art. 32.2.d).",
        Reason.E_SIG_ORDER, _SIGNATURE, "time stamp of a time after the unit's signature",
    ),
    Rule("10.3", "The claimed times do not contradict that.", failure="a note"),
    # Form of a declared copy
    Rule("11.1", "A declared copy is PDF 1.4 or later.", failure="a note"),
    Rule("11.2", "The form of the copy (SAO Y, SAO LỤC, TRÍCH SAO) is named in a signature or in the metadata.",
         failure="a note"),
    Rule("11.3", "Every page is a colour picture of the prescribed resolution.", failure="a note"),
    # Secrecy
    Rule("12.1", "No file and no header bears a mark of a state secret.", Reason.E_SECRET),
    Rule("12.2a", "Every attachment that is no PDF can be searched for such marks.", Reason.E_ATT_ZIP),
    Rule("12.2b", "Every PDF can be searched for such marks.", Reason.E_PDF_LIMIT),
    Rule("12.2c", "The search of a PDF ends within its CPU time.", Reason.E_PDF_TIMEOUT),
)  # fmt: skip

RULES = {rule.number: rule for rule in _TABLE}
"""All rules by their number, in the order of the steps."""


ASKED_OF_TOKENS = frozenset({"8.3"})
"""Rules about the time stamps inside of a signature: one that breaks them is named beside the time stamp."""


def rules_of(steps: Collection[int], kind: SignatureKind | None = None) -> tuple[str, ...]:
    """Numbers of the rules of some steps that refuse where they do not hold. ``kind``: asked of such a signature."""
    return _rules_of(frozenset(steps), kind)


@cache
def _rules_of(steps: frozenset[int], kind: SignatureKind | None) -> tuple[str, ...]:
    return tuple(
        number
        for number, rule in RULES.items()
        if rule.reason
        and rule.step in steps
        and number not in ASKED_OF_TOKENS
        and (kind is None or rule.only in (None, kind))
    )
