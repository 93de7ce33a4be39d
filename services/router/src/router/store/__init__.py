"""The collections of the router's database, one module for each."""

from dataclasses import dataclass

from common.database import Database
from common.service.newest_decisions import MongoNewestDecisions, NewestDecisions
from router.store.acts import Acts, MongoActs
from router.store.answers import Answers, MongoAnswers
from router.store.decisions import Decisions, MongoDecisions
from router.store.deliveries import Deliveries, MongoDeliveries
from router.store.documents import Documents, MongoDocuments
from router.store.inboxes import Inboxes, MongoInboxes
from router.store.placings import MongoPlacings, Placings


@dataclass(frozen=True, slots=True)
class Store:
    """All collections of the router."""

    decisions: Decisions
    answers: Answers
    documents: Documents
    deliveries: Deliveries
    placings: Placings
    acts: Acts
    inboxes: Inboxes
    newest_decisions: NewestDecisions


def mongo_store(database: Database) -> Store:
    """The store in MongoDB."""
    return Store(
        decisions=MongoDecisions(database),
        answers=MongoAnswers(database),
        documents=MongoDocuments(database),
        deliveries=MongoDeliveries(database),
        placings=MongoPlacings(database),
        acts=MongoActs(database),
        inboxes=MongoInboxes(database),
        newest_decisions=MongoNewestDecisions(database),
    )
