"""Wiring of the intake service."""

from functools import partial

from common.database import Database
from common.directory import DirectoryReader
from common.domain.names import Lane
from common.facts import DocumentRefused, MessageParked, OperatorActed, OperatorRequested, PackageFinished
from common.metrics import begin_counting_redrives, begin_counting_removals
from common.objects import Objects
from common.package_store import PackageStore
from common.service.consumer import Consumer
from common.service.newest_decisions import MongoNewestDecisions, following
from common.service.record_store import MongoRecords
from common.service.requests import FORGET_SECONDS, MongoRequestAnswers, Requests
from common.service.service import Service
from common.topology import PROGRESS
from intake.door import Door
from intake.ends import Ending, read_terms
from intake.handlers import Intake
from intake.open_packages import OpenPackages
from intake.packages import Packages
from intake.rates import MongoUsages, UnitRates, counted
from intake.redrive import Redrive
from intake.removal import ROUND_SECONDS, Removal
from intake.removals import Removals
from intake.settings import IntakeSettings
from intake.submission import measure_disabled, submit_queues
from intake.turns import Turns, UnitsLine
from intake.uploads import Uploads
from intake.waiting_store import WaitingPackages
from intake.waiting_sweep import WaitingSweep


def build() -> Service:
    """The service, ready to run."""
    settings = IntakeSettings()
    database, objects = Database(settings, "intake"), Objects(settings)
    service = Service("intake", settings, database, objects)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    waiting = WaitingPackages(database)
    packages = Packages(database, settings.redrive_budgets)
    redrive = Redrive(OpenPackages(database, settings.redrive_budgets), service, settings)
    turns = Turns(settings.under_way_bounds)
    intake = Intake(service, settings, objects, packages, waiting, directory, letting_in=turns.letting_in)
    sweep = WaitingSweep(waiting, intake.resume, directory)
    removal = Removal(
        Removals(database),
        PackageStore(objects),
        Uploads(objects),
        MongoRecords(database),
        directory,
        read_terms(settings.terms_table),
    )
    service.uses(directory)
    rates = UnitRates(MongoUsages(database), settings.rate_limits)
    consumers: list[Consumer] = []

    def look_again() -> None:
        for consumer in consumers:
            consumer.look_again()

    receive = counted(intake.receive, rates, look_again)
    service.refreshes("units over their rate", rates.measure)
    service.refreshes("disabled units", partial(measure_disabled, directory))
    service.hears(PROGRESS, turns.heard, turns.set_heard)
    service.refreshes("packages under way", turns.measure)
    for lane in service.lanes:
        queues = partial(submit_queues, directory, lane, rates.is_open)
        line = UnitsLine(turns, lane)
        consumer = service.on_queues(f"submissions {lane}", queues, "submit.", receive, line)
        consumers.append(consumer)
        door = Door(lane, consumer, service.depths, settings.door_closes_at, settings.door_opens_at)
        service.does(f"door {lane}", door.watch, lambda: settings.door_seconds)
    if Lane.NORMAL in service.lanes:
        service.does("sweep of waiting packages", sweep.run, lambda: settings.waiting_sweep_seconds)
        service.does("sweep of open packages", redrive.sweep, lambda: settings.redrive_sweep_seconds)
        service.does("removal of what has come to its end", removal.round, lambda: ROUND_SECONDS)
    begin_counting_redrives()
    begin_counting_removals(Ending)
    service.counts("packages waiting", sweep.measure)
    service.counts("packages that may be lost", redrive.measure)
    service.counts("what has come to its end", removal.measure)
    requests = Requests("intake", "redrive", redrive.carry_out, MongoRequestAnswers(database), service)
    service.does("old requests", requests.forget, lambda: FORGET_SECONDS)

    async def finish(fact: PackageFinished) -> None:
        await intake.release(fact)  # before redrive closes it, or it would pass for a package that was not refused
        await redrive.finish(fact)
        await intake.note_finished(fact)

    async def note_acted(fact: OperatorActed) -> None:
        await intake.note_acted(fact)
        await redrive.note_acted(fact)

    follow = following(MongoNewestDecisions(database), redrive.note_parked, note_acted)
    handlers = redrive.handlers | {PackageFinished: finish, MessageParked: follow, OperatorActed: follow}
    service.on_facts({DocumentRefused: intake.release, OperatorRequested: requests.act, **handlers})
    return service


def main() -> None:
    """Console entry point."""
    build().run()
