"""``trunkctl send``: submits a package as a unit; a large one is uploaded first and submitted by reference."""

from dataclasses import dataclass

from common import headers
from common.domain import ids
from common.domain.directory import Unit
from common.domain.names import Lane
from common.objects import Objects
from common.topology import SUBMIT
from trunkctl import broker, submission, uploads
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings


@dataclass(frozen=True, slots=True)
class Sent:
    """What to ask for later."""

    package_id: str
    size_bytes: int
    by_reference: bool


async def send(
    settings: ControlSettings, unit: Unit, package: bytes, lane: Lane, upload_url: str | None = None
) -> Sent:
    """Return when the broker has confirmed. ``upload_url``: where a large package goes; else one is made for it."""
    by_reference = len(package) > headers.SUBMIT_INLINE_LIMIT_BYTES or upload_url is not None
    if by_reference:
        address = upload_url or await _made_address(settings, unit)
        await uploads.upload(address, package)
        message = submission.by_reference(unit, uploads.key_of(address), package)
    else:
        message = submission.inline(unit, package)
    async with broker.session(settings.broker_url(unit.user)) as channel:
        await broker.publish(channel, SUBMIT, submission.routing_key(unit, lane), message)
    return Sent(ids.package_id(unit.code, submission.sha256_of(package)), len(package), by_reference)


async def _made_address(settings: ControlSettings, unit: Unit) -> str:
    if not settings.s3_access_key.get_secret_value():
        raise CommandError(
            f"More than {headers.SUBMIT_INLINE_LIMIT_BYTES} bytes do not go inside a message: ask the operator for an "
            "address (`trunkctl upload-url`) and give it with --upload-url."
        )
    return await uploads.put_address(Objects(settings), uploads.key_for(unit.code, "package.edxml"))
