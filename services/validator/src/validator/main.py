"""Wiring of the validator service."""

from common.database import Database
from common.directory import DirectoryReader
from common.objects import Objects
from common.service import Service
from validator.handlers import Validator
from validator.settings import ValidatorSettings
from validator.store import Verdicts
from validator.workers.service import Examiner


def build() -> Service:
    """The service, ready to run."""
    settings = ValidatorSettings()
    service = Service("validator", settings)
    database, objects = Database(settings, "validator"), Objects(settings)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    examiner = Examiner(settings, directory)
    service.needs("mongodb", database.ping)
    service.needs("object_store", objects.ping)
    service.needs("directory", directory.check)
    service.needs("trust", examiner.check)
    service.background(directory.start, directory.stop)
    service.background(examiner.start, examiner.stop)
    service.refreshes("trust material", examiner.measure)
    service.on_facts(Validator(service, objects, Verdicts(database), examiner).verify_document)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
