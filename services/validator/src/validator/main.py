"""Wiring of the validator service."""

from datetime import timedelta

from common.database import Database
from common.directory import DirectoryReader
from common.facts import PackageAccepted
from common.objects import Objects
from common.service.service import Service
from validator.evidence_keeper import EvidenceKeeper
from validator.handlers import Validator
from validator.settings import ValidatorSettings
from validator.store import Verdicts
from validator.waiting import WaitingNotices
from validator.workers.service import Examiner


def build() -> Service:
    """The service, ready to run."""
    settings = ValidatorSettings()
    database, objects = Database(settings, "validator"), Objects(settings)
    service = Service("validator", settings, database, objects)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    examiner = Examiner(settings, directory)
    service.uses(directory)
    service.needs("trust", examiner.check)
    service.does("trust material", examiner.refresh_material, examiner.pause_seconds)
    if settings.crl_refresh_seconds > 0:
        service.does("revocation lists", examiner.refresh_lists, lambda: settings.crl_refresh_seconds)
    service.refreshes("age of trust material", examiner.measure)
    service.at_end(examiner.stop)
    evidence = EvidenceKeeper(objects, examiner)
    waiting = WaitingNotices(timedelta(hours=settings.patience_hours))
    validator = Validator(
        service, objects, Verdicts(database), examiner, evidence, settings.package_wall_seconds, waiting
    )
    service.on_facts({PackageAccepted: validator.verify_document})
    return service


def main() -> None:
    """Console entry point."""
    build().run()
