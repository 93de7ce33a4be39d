"""Wiring of the intake service."""

from common.database import Database
from common.directory import DirectoryReader
from common.objects import Objects
from common.service import Service
from intake.handlers import Intake
from intake.packages import Packages
from intake.settings import IntakeSettings


def build() -> Service:
    """The service, ready to run."""
    settings = IntakeSettings()
    service = Service("intake", settings)
    database, objects = Database(settings, "intake"), Objects(settings)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    intake = Intake(service, settings, objects, Packages(database), directory)
    service.needs("mongodb", database.ping)
    service.needs("object_store", objects.ping)
    service.needs("directory", directory.check)
    service.background(directory.start, directory.stop)
    service.on_submissions(intake.receive)
    service.on_facts(intake.release)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
