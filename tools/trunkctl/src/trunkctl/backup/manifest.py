"""What a backup of the databases says of itself. It is written last: without it there is no backup."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from common.facts.flows import SERVICES
from common.indexes import database_name
from common.ledger import canonical_json
from trunkctl.command_error import CommandError

FORMAT = 1
FILE = "manifest.json"
DATABASES = frozenset(map(database_name, SERVICES))
NAME = re.compile(r"\d{8}T\d{6}Z")


def _of_a_service(database: str) -> str:
    if database not in DATABASES:
        raise ValueError("no database of a service")
    return database


def _no_system_collection(collection: str) -> str:
    if collection.startswith("system."):
        raise ValueError("a collection of the server's own")
    return collection


class CollectionFile(BaseModel):
    """One collection: a gzip file of BSON documents, one after the other, sorted by ``_id``."""

    model_config = ConfigDict(frozen=True)

    database: Annotated[str, AfterValidator(_of_a_service)]
    """An administrator restores it: a manifest must not name any other place."""
    collection: Annotated[str, AfterValidator(_no_system_collection)]
    rows: int
    size_bytes: int
    """Of the compressed file, as its digest."""
    sha256: str

    @property
    def file(self) -> str:
        """Below the backup's folder."""
        return f"{self.database}/{quote(self.collection, safe='')}.bson.gz"

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.database}.{self.collection}"


class Manifest(BaseModel):
    """A complete backup of the databases."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    name: str
    """Of the backup's folder: when it was begun."""
    schema_version: int
    """``common.indexes.SCHEMA_VERSION`` of the release that wrote it."""
    started_at: datetime
    finished_at: datetime
    files: tuple[CollectionFile, ...]
    digest: str = ""
    """SHA-256 of the canonical JSON of all other fields."""

    @property
    def rows(self) -> int:
        """Of all collections."""
        return sum(file.rows for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    def sealed(self) -> Self:
        """With its digest."""
        return self.model_copy(update={"digest": self._expected_digest()})

    def encoded(self) -> bytes:
        """As it is written."""
        return self.model_dump_json(indent=1).encode()

    def _expected_digest(self) -> str:
        said = canonical_json(self.model_dump(mode="json", exclude={"digest"}))
        return hashlib.sha256(said.encode()).hexdigest()


def read_manifest(name: str, data: bytes) -> Manifest:
    """The manifest of a backup. Raises ``CommandError`` if it is none, altered, or of a later release."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise CommandError(f"Backup {name} has no valid manifest: {error.error_count()} fields are wrong.") from error
    if manifest.format != FORMAT:
        raise CommandError(f"Backup {name} has format {manifest.format}; this trunkctl reads format {FORMAT}.")
    if manifest != manifest.sealed():
        raise CommandError(f"The manifest of backup {name} was altered: its digest is another one.")
    if manifest.name != name:
        raise CommandError(f"The manifest of backup {name} is that of backup {manifest.name}.")
    return manifest


def name_of(at: datetime) -> str:
    """Names sort like the times at which backups were begun."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def is_name(folder: str) -> bool:
    """Whether a folder is one of a backup; others may lie beside it."""
    return NAME.fullmatch(folder) is not None
