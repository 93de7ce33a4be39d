"""Who may do what at the object store and the database: the only place where such a right is given.

What enforces it is derived from these tables (``store_policies.py``): the identities and policies of the object store,
the roles of the database, the files of ``deploy/``, the page ``docs/operations/store-access.md``. What is not in a
table is refused by the store. Units have no keys; they use addresses that the operator or the router signs.

Longer than 250 lines: it is two tables, and a right at one store is read beside those at the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from common.facts.flows import SERVICES
from common.indexes import BACKUPS, CHECKS, MESSAGE_RECORDS, OPERATOR_REQUESTS, TIDIES, WAITING
from common.objects import ARCHIVE, BUCKETS, CONTENT, DIRECTORY, LOG, PACKAGES, PARKED, UPLOADS


class Role(StrEnum):
    """One key pair at the object store, and one user at the database if it needs any."""

    INTAKE = "intake"
    VALIDATOR = "validator"
    ROUTER = "router"
    ARCHIVE = "archive"
    NOTIFIER = "notifier"
    MIGRATE = "migrate"
    """The job that makes buckets and indexes."""
    TOPOLOGY = "topology"
    """The job that makes queues and broker users for the units of the directory."""
    OPERATOR = "operator"
    """A person with ``trunkctl`` who acts."""
    READER = "reader"
    """A person with ``trunkctl`` who looks; at the database that is the operator's user, which only reads."""
    BACKUP = "backup"
    """The jobs that copy databases and objects, and the check after a restore."""
    TIDY = "tidy"
    """The job that removes partial tiles of the log once a full one stands for them."""


class Right(StrEnum):
    """A right of a role to a bucket and its objects."""

    READ = "read"
    """Read an object, or one version of it, under a key that is known."""
    WRITE = "write"
    """Put an object, also in parts. In a bucket with versions the former versions stay."""
    LIST = "list"
    """See all keys and versions."""
    LOCK = "lock"
    """Put a version under retention, or prolong it. Nobody can shorten it, and nobody may bypass it."""
    DELETE = "delete"
    """Remove an object; where there are versions, hide it."""
    PRUNE = "prune"
    """Remove one version for good, unless it is locked."""
    INSPECT = "inspect"
    """See whether the bucket exists, keeps versions and is under object lock."""
    MAKE = "make"
    """Make the bucket, and turn versions on."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One row: the rights of a role to a bucket, and why it needs them."""

    bucket: str
    role: Role
    rights: frozenset[Right]
    reason: str


def _grant(bucket: str, role: Role, rights: str, reason: str) -> Grant:
    return Grant(bucket, role, frozenset(map(Right, rights.split())), reason)


_MAKES = "Makes what is missing; sees and changes no object."
_LOOKS = "`trunkctl stores check`."
_READS_UNITS = "Reads the unit directory in force."

GRANTS = (
    _grant(
        UPLOADS,
        Role.INTAKE,
        "read list delete prune",
        "Fetches the package that a unit refers to; removes a secret one, whatever versions it has, and what has "
        "come to its end.",
    ),
    _grant(UPLOADS, Role.OPERATOR, "write inspect", "Signs the address to which a unit may put one package."),
    _grant(UPLOADS, Role.MIGRATE, "make inspect", _MAKES),
    _grant(
        CONTENT,
        Role.INTAKE,
        "read write list delete prune",
        "Stores packages and their parts. The one service that deletes: it took the package in and knows its parts, "
        "so it removes all versions of a package that the validator found secret.",
    ),
    _grant(
        CONTENT,
        Role.VALIDATOR,
        "read write",
        "Reads packages; writes reports, the header that is left of a secret package, and files that another "
        "package's removal took along.",
    ),
    _grant(
        CONTENT,
        Role.ROUTER,
        "read",
        "Reads what it delivers; signs the address from which a receiver fetches one large package.",
    ),
    _grant(CONTENT, Role.ARCHIVE, "read", "Reads what it keeps."),
    _grant(CONTENT, Role.OPERATOR, "inspect", _LOOKS),
    _grant(CONTENT, Role.MIGRATE, "make inspect", _MAKES),
    _grant(
        PACKAGES,
        Role.INTAKE,
        "read write list delete prune",
        "Puts each package once, and reads one that has waited; removes all versions of a secret one, and of one that "
        "has come to its end.",
    ),
    _grant(PACKAGES, Role.VALIDATOR, "read", "Reads packages, and the files in them."),
    _grant(
        PACKAGES,
        Role.ROUTER,
        "read",
        "Reads what it delivers; signs the address from which a receiver fetches one large package.",
    ),
    _grant(
        PACKAGES,
        Role.ARCHIVE,
        "read lock",
        "Locks the version that intake has put, and looks whether it is locked; puts and removes nothing.",
    ),
    _grant(
        PACKAGES,
        Role.OPERATOR,
        "read list inspect",
        "`trunkctl archive check` compares packages with records; `trunkctl package extract` reads one.",
    ),
    _grant(PACKAGES, Role.MIGRATE, "make inspect", _MAKES),
    _grant(ARCHIVE, Role.ARCHIVE, "write lock", "Puts objects under lock, and needs to see none again."),
    _grant(
        ARCHIVE,
        Role.OPERATOR,
        "read list inspect",
        "`trunkctl archive check` compares objects with records; `trunkctl package extract` reads one package.",
    ),
    _grant(ARCHIVE, Role.MIGRATE, "make inspect", _MAKES),
    *(
        _grant(DIRECTORY, role, "read", _READS_UNITS)
        for role in (Role.INTAKE, Role.VALIDATOR, Role.ROUTER, Role.NOTIFIER, Role.TOPOLOGY)
    ),
    _grant(
        DIRECTORY,
        Role.OPERATOR,
        "read write list inspect",
        "`trunkctl units`: versions and their history; `trunkctl topology adopt`: which broker is the trunk's.",
    ),
    _grant(DIRECTORY, Role.MIGRATE, "make inspect", _MAKES),
    *(
        _grant(PARKED, Role(service), "read write", "Keeps large bodies of its own parked messages.")
        for service in SERVICES
    ),
    *(
        _grant(bucket, Role.READER, "inspect", "`trunkctl doctor` and `stores check`; reads no document.")
        for bucket in BUCKETS
        if bucket != DIRECTORY
    ),
    _grant(DIRECTORY, Role.READER, "read inspect", "The same, and `topology check`: which units there are."),
    _grant(PARKED, Role.OPERATOR, "inspect", _LOOKS),
    _grant(PARKED, Role.MIGRATE, "make inspect", _MAKES),
    _grant(
        LOG,
        Role.ARCHIVE,
        "read write list lock",
        "Appends to the ledger's log, reads the end of it, and looks whether anything is hidden there.",
    ),
    _grant(
        LOG,
        Role.TIDY,
        "read list prune",
        "Removes partial tiles once a full one stands for them. All else in this bucket is locked for a hundred years.",
    ),
    _grant(LOG, Role.OPERATOR, "read list inspect", "`trunkctl log` reads and verifies the log."),
    _grant(LOG, Role.MIGRATE, "make inspect", _MAKES),
    *(
        _grant(bucket, Role.BACKUP, "read list", "Copies objects to the second store; changes none.")
        for bucket in (CONTENT, PACKAGES, ARCHIVE, DIRECTORY, PARKED, LOG)
    ),
)
"""All rights at the object store."""


class Action(StrEnum):
    """An action of a database user on the collections of one database, as MongoDB names it."""

    FIND = "find"
    INSERT = "insert"
    UPDATE = "update"
    CREATE_INDEX = "createIndex"
    LIST_INDEXES = "listIndexes"
    LIST_COLLECTIONS = "listCollections"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class DatabaseGrant:
    """One row: the actions that a role may take in some services' databases, and why it needs them."""

    role: Role
    services: tuple[str, ...]
    actions: tuple[Action, ...]
    reason: str
    removes_from: tuple[str, ...] = ()
    """The collections whose documents it may also remove."""
    writes_to: tuple[tuple[str, str], ...] = ()
    """Service and collection whose documents it may also insert and update."""


REMOVES = {
    "intake": {OPERATOR_REQUESTS: "old answers to operators", WAITING: "packages that have waited"},
    "router": {OPERATOR_REQUESTS: "old answers to operators"},
}
"""Collections, besides that of messages that failed, from which a service removes rows, and which rows."""

DATABASE_GRANTS = (
    *(
        DatabaseGrant(
            Role(service),
            (service,),
            (Action.FIND, Action.INSERT, Action.UPDATE),
            "Keeps its own records. It removes only what it noted about messages that failed"
            + "".join(f", and {what}" for what in REMOVES.get(service, {}).values())
            + ".",
            removes_from=(MESSAGE_RECORDS, *REMOVES.get(service, {})),
        )
        for service in SERVICES
    ),
    DatabaseGrant(
        Role.MIGRATE, SERVICES, (Action.CREATE_INDEX, Action.LIST_INDEXES), "Makes indexes; sees and changes no record."
    ),
    DatabaseGrant(
        Role.OPERATOR,
        SERVICES,
        (Action.FIND, Action.LIST_INDEXES),
        "`trunkctl track`, `archive check`, `package extract`, `notices` and `migrate --check`. It notes only what a"
        " check of the archive found, for the monitoring.",
        writes_to=(("archive", CHECKS),),
    ),
    DatabaseGrant(
        Role.BACKUP,
        SERVICES,
        (Action.FIND, Action.LIST_COLLECTIONS),
        "Copies all records. It notes only when a backup was complete, for the monitoring.",
        writes_to=(("archive", BACKUPS),),
    ),
    DatabaseGrant(
        Role.TIDY,
        (),
        (),
        "`trunkctl log tidy` reads no record. It notes only when it found nothing wrong, for the monitoring.",
        writes_to=(("archive", TIDIES),),
    ),
)
"""All rights at the database: one row a database user."""


def rights(role: Role, bucket: str) -> frozenset[Right]:
    """The rights of a role to a bucket; none if there is no row."""
    return next((grant.rights for grant in GRANTS if (grant.role, grant.bucket) == (role, bucket)), frozenset())


def grants(role: Role) -> Iterator[Grant]:
    """The rows of a role, by bucket."""
    return (grant for bucket in BUCKETS for grant in GRANTS if (grant.role, grant.bucket) == (role, bucket))
