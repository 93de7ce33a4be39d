"""Every metric of the trunk, declared in one place by subject; callers say what happened and never build labels.

Names and labels are a contract with dashboards and alerts (docs/operations/metrics.md). No label carries a document, a
person or free text; the code of a unit of the directory is a label of ``trunk_deliveries_*`` and
``trunk_unit_*`` alone, never of a histogram.
"""

from common.metrics.deliveries import (
    record_delivery,
    record_delivery_ack,
    record_document_delivery,
    set_broker_data_lost,
    set_deliveries_pending,
    set_placings_waiting,
)
from common.metrics.documents import (
    begin_counting_redrives,
    record_rate_exceeded,
    record_redriven,
    record_rejection,
    record_stage,
    set_lost_suspects,
    set_oldest_unfinished,
    set_packages_waiting,
    set_units_over_rate,
)
from common.metrics.keeping import (
    record_archive_write,
    record_notification,
    set_backups,
    set_destinations_failing,
    set_log,
    set_log_refused,
    set_notifications_waiting,
)
from common.metrics.messages import (
    begin_counting,
    begin_counting_task,
    in_flight,
    record_message,
    record_publish,
    record_queue_wait,
    record_task_failure,
    record_under_way_lapsed,
    set_door,
    set_messages_held,
    set_under_way,
    set_under_way_limit,
)
from common.metrics.registry import REGISTRY
from common.metrics.running import set_build, set_dependency, set_schema_version, set_urgency_budget
from common.metrics.security import begin_counting_security, record_security_event
from common.metrics.signatures import (
    record_revocation_checks,
    record_signature_validation,
    record_signature_verdict,
    set_trust_content,
    set_trust_list_ends,
    set_trust_not_after,
    set_trust_updated,
)

__all__ = [
    "REGISTRY",
    "begin_counting",
    "begin_counting_redrives",
    "begin_counting_security",
    "begin_counting_task",
    "in_flight",
    "record_archive_write",
    "record_delivery",
    "record_delivery_ack",
    "record_document_delivery",
    "record_message",
    "record_notification",
    "record_publish",
    "record_queue_wait",
    "record_rate_exceeded",
    "record_redriven",
    "record_rejection",
    "record_revocation_checks",
    "record_security_event",
    "record_signature_validation",
    "record_signature_verdict",
    "record_stage",
    "record_task_failure",
    "record_under_way_lapsed",
    "set_backups",
    "set_broker_data_lost",
    "set_build",
    "set_deliveries_pending",
    "set_dependency",
    "set_destinations_failing",
    "set_door",
    "set_log",
    "set_log_refused",
    "set_lost_suspects",
    "set_messages_held",
    "set_notifications_waiting",
    "set_oldest_unfinished",
    "set_packages_waiting",
    "set_placings_waiting",
    "set_schema_version",
    "set_trust_content",
    "set_trust_list_ends",
    "set_trust_not_after",
    "set_trust_updated",
    "set_under_way",
    "set_under_way_limit",
    "set_units_over_rate",
    "set_urgency_budget",
]
