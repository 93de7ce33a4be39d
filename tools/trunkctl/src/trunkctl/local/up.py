"""``trunkctl up``: servers, city, stores, directory, topology, services; what runs already is left alone."""

from datetime import UTC, datetime
from pathlib import Path

from common.domain.directory import Directory
from common.objects import Objects
from common.store_access import Role
from devstack import servers
from devstack.addresses import Addresses
from devstack.errors import DevstackError
from devstack.progress import Progress
from trunkctl import migrate_job, topology_job, trunk_file
from trunkctl.command_error import CommandError
from trunkctl.local import cast, services
from trunkctl.local.log_key import log_key
from trunkctl.local.places import Places, places
from trunkctl.settings import ControlSettings
from trunkctl.trunk_file import TrunkFile
from trunkctl.units.announce import catch_up
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.directory_acts import Comparison, forced
from trunkctl.units.directory_file import read_strictly
from trunkctl.units.history import Decision


def up(state: Path, progress: Progress) -> TrunkFile:
    """Bring up everything below ``state`` and return where it is. Raises ``CommandError``."""
    place = places(state)
    try:
        addresses = servers.start(place.state, progress=progress)
    except DevstackError as error:
        raise CommandError(str(error)) from error
    trunk = _described(place, addresses)
    with progress.step("demo city, its certificates and revocation lists"):
        city = cast.have_city(place)
        cast.write_trust(city, place.trust)
        city.write_directory(place.directory)
    with progress.step("buckets, indexes, unit directory, queues, users and permissions"):
        _declare(place, trunk)
    with progress.step("five services and a mail sink"):
        trunk = services.start(place, trunk)
        trunk_file.save(place.state, trunk)
        services.wait_ready(place, trunk)
    return trunk


def has_servers(state: Path) -> bool:
    """Whether the servers run already."""
    return state.is_dir() and servers.running(state) is not None


def is_up(state: Path) -> bool:
    """Whether servers and services run already."""
    return has_servers(state) and all(services.alive(places(state)).values())


def _declare(place: Places, trunk: TrunkFile) -> None:
    migrate_job.apply(ControlSettings(**trunk.control(Role.MIGRATE)))
    settings = ControlSettings(**trunk.control())
    objects = Objects(settings)
    bucket = DirectoryBucket(objects)
    directory = _bring_directory(bucket, place.directory.read_bytes())
    topology_job.apply(settings, directory)
    catch_up(ControlSettings(**trunk.control()), bucket)  # with the operator's password, which was made just now


def _bring_directory(bucket: DirectoryBucket, data: bytes) -> Directory:
    """Put the city's directory into force unless it is."""
    directory = read_strictly(data)
    who = Decision(by="trunkctl up", why="the demo city of this machine", at=datetime.now(UTC))
    if bucket.head().state.in_force == directory.version:
        bucket.publish_state()
    else:
        bucket.keep_version(data)
        bucket.record(lambda head: forced(head, Comparison(bucket.directory(head.state.in_force), directory), who))
    return directory


def _described(place: Places, addresses: Addresses) -> TrunkFile:
    """Where everything is, before the services run; services that talk to servers at other addresses are stopped."""
    described = TrunkFile(
        **{name: getattr(addresses, name) for name in SERVER_FIELDS},
        users_file=place.users,
        city_dir=place.city,
        trust_dir=place.trust,
        directory_file=place.directory,
        mail_file=place.mail,
        log_public_keys=(str(log_key(place).verifier),),
    )
    earlier = trunk_file.load(place.state)
    if earlier and earlier.model_copy(update={"services": {}, "mail_port": 0}) == described:
        return earlier
    services.stop(place)
    return described


SERVER_FIELDS = (
    "amqp_host",
    "amqp_port",
    "rabbitmq_management_url",
    "rabbitmq_admin_user",
    "rabbitmq_admin_password",
    "mongo_uris",
    "s3_endpoint",
    "s3_keys",
)
