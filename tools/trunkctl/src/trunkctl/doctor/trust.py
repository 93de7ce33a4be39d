"""The trust folder: whether signatures can be judged with it, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.doctor.sources import Sources
from trunkctl.trust_folder import unpinned

SOON = timedelta(hours=6)
"""A list that ends within this time is a matter for now: the alert TrunkRevocationListNearlyOver pages then."""
EXPIRING = timedelta(days=30)
"""As the alert TrunkCertificateExpiring counts."""
REFRESH = "Run `trunkctl trust refresh`; where the network is closed, bring the list as a file."


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that issues revocation lists, and its newest list."""

    name: str
    not_after: datetime
    is_root: bool = False
    issued_at: datetime | None = None
    """Of its newest list; None = the folder holds none."""
    ends_at: datetime | None = None
    """Until when its lists say "not revoked"; None = they name no end."""


@dataclass(frozen=True, slots=True)
class TrustSeen:
    """What the folder holds."""

    now: datetime
    folder: str = ""
    """Empty = this session has none."""
    problem: str = ""
    """Why nothing of it can be used."""
    authorities: tuple[Authority, ...] = ()
    left_out: tuple[str, ...] = ()
    """Files that are not used, and why."""
    unpinned: tuple[str, ...] = ()


def judge_trust(trust: TrustSeen) -> list[Finding]:
    """Unusable folder, lists that end, files that are left out, certificates that expire."""
    if not trust.folder:
        return skipped("no trust folder here", "Set TRUNK_TRUST_DIR, or look at the validator's `/readyz`.")
    if trust.problem:
        act = "No signature can be judged with it. Bring the roots and their pins with `trunkctl trust add`."
        return [Finding(Level.FAILED, f"{trust.folder} cannot be used: {trust.problem}", act)]
    findings = [finding for authority in trust.authorities for finding in _judge_authority(authority, trust.now)]
    act = "Remove a file that does not belong there; report a list or certificate of a CA that cannot be read."
    findings += [Finding(Level.WARNING, f"left out: {line}", act) for line in trust.left_out]
    act = "Compare its fingerprint with the CA's own publication, then `trunkctl trust add`, or remove it."
    findings += [Finding(Level.WARNING, f"root that nobody pinned: {name}", act) for name in trust.unpinned]
    return findings or ok(f"{len(trust.authorities)} authorities with a list in force")


def _judge_authority(authority: Authority, now: datetime) -> list[Finding]:
    if now > authority.not_after:
        return []  # it issues no lists any more, and counts for the past alone
    findings = []
    if authority.not_after - now < EXPIRING:
        act = "Bring the CA's next certificate in time, and keep this one."
        findings.append(Finding(Level.WARNING, f"{authority.name} expires {authority.not_after:%Y-%m-%d}", act))
    if authority.issued_at is None:
        level = Level.WARNING if authority.is_root else Level.FAILED
        findings.append(Finding(level, f"no revocation list of {authority.name}", REFRESH, "revocation"))
    elif authority.ends_at is None:
        says = f"the revocation list of {authority.name} names no end"
        findings.append(Finding(Level.WARNING, says, "Ask the CA for lists with nextUpdate.", "revocation"))
    elif authority.ends_at <= now:
        says = f"the revocation list of {authority.name} ended {authority.ends_at:%Y-%m-%d %H:%M} UTC"
        findings.append(Finding(Level.FAILED, says, REFRESH, "revocation"))
    elif authority.ends_at - now < min(SOON, (authority.ends_at - authority.issued_at) / 10):
        says = f"the revocation list of {authority.name} ends {authority.ends_at:%Y-%m-%d %H:%M} UTC"
        findings.append(Finding(Level.FAILED, says, REFRESH))
    return findings


def see_trust(sources: Sources) -> TrustSeen:
    """Reads the folder as the validator does."""
    folder = sources.settings.trust_dir
    return read(folder, sources.now) if folder else TrustSeen(sources.now)


def read(folder: Path, now: datetime) -> TrustSeen:
    """What lies in a trust folder."""
    from validator.pki.served import lists_about, served_until
    from validator.pki.trust_folder import load

    left_out: list[str] = []
    try:
        trust, revocation = load(folder, left_out=lambda each: left_out.append(str(each)))
        strangers = tuple(held.sha256 for held in unpinned(folder))
    except Exception as error:
        return TrustSeen(now, str(folder), problem=str(error) or type(error).__name__)
    authorities = []
    for authority in (*trust.roots, *trust.intermediates):
        lists, is_root = revocation.of(authority.subject), authority in trust.roots
        about = [crl for crl in lists_about(lists, now, authorities=is_root) if crl.is_relied_on]
        authorities.append(
            Authority(
                name=authority.subject.rfc4514_string(),
                not_after=authority.not_valid_after_utc,
                is_root=is_root,
                issued_at=about[0].this_update if about else None,
                ends_at=served_until(authority, lists, now, authorities=is_root),
            )
        )
    return TrustSeen(now, str(folder), "", tuple(authorities), tuple(left_out), strangers)
