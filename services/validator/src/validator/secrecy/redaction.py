"""What is left of a secret package: enough to tell its sender which one, and to prove what was done."""

from dataclasses import replace

from common.domain.envelope import Business, Envelope, Organization, OtherInfo, Signer


def redacted(envelope: Envelope) -> Envelope:
    """The header without any words of its writer: ids, codes, number and date stay."""
    return Envelope(
        sender=Organization(code=envelope.sender.code),
        receivers=tuple(Organization(code=unit.code) for unit in envelope.receivers),
        document_id=envelope.document_id,
        number=envelope.number,
        notation=envelope.notation,
        promulgation_date=envelope.promulgation_date,
        type=replace(envelope.type, name=""),
        subject="",
        signer=Signer(full_name=""),
        other=OtherInfo(priority=envelope.other.priority),
        business=Business(kind=envelope.kind, target=envelope.business.target),
    )
