"""What people read in place of the ASCII tokens that metrics carry."""

from collections.abc import Mapping

from common.domain.reason import Reason
from common.sentences import sentence

Words = Mapping[str, str]

SERVICES: Words = {
    "intake": "Tiếp nhận",
    "validator": "Kiểm tra chữ ký",
    "router": "Định tuyến",
    "archive": "Lưu trữ",
    "notifier": "Thông báo",
    "broker": "RabbitMQ",
    "trunk": "Toàn trục",
    "monitoring": "Giám sát",
}
LANES: Words = {"urgent": "Khẩn", "normal": "Thường"}
STAGES: Words = {
    "intake": "Tiếp nhận xong",
    "validated": "Kiểm tra xong",
    "delivered": "Giao xong",
    "archived": "Lưu trữ xong",
}
WAITING: Words = {"validation": "Chờ kiểm tra", "routing": "Chờ giao", "archiving": "Chờ lưu trữ"}
MESSAGES: Words = {"acked": "Xong", "retried": "Thử lại", "parked": "Vào bãi đỗ", "redelivered": "Làm lại do lỗi"}
PUBLISHES: Words = {
    "confirmed": "Đã nhận",
    "nacked": "Bị từ chối",
    "returned": "Không có hàng đợi",
    "timeout": "Không trả lời",
}
DELIVERIES: Words = {
    "delivered": "Đã giao",
    "acknowledged": "Đơn vị đã phản hồi",
    "refused": "Đơn vị từ chối",
    "failed": "Giao hỏng, sẽ giao lại",
}
VERDICTS: Words = {"valid": "Hợp lệ", "invalid": "Không hợp lệ", "indeterminate": "Chưa kết luận"}
REVOCATION: Words = {
    "crl": "Danh sách thu hồi",
    "ocsp": "OCSP kèm văn bản",
    "cache": "Kết quả còn nhớ",
    "good": "còn hiệu lực",
    "revoked": "đã thu hồi",
    "unknown": "không rõ",
}
WRITES: Words = {"written": "Đã ghi", "repeated": "Đã có sẵn", "failed": "Hỏng, sẽ thử lại"}
NOTIFICATIONS: Words = {
    "email": "Thư điện tử",
    "webhook": "Webhook",
    "sent": "đã gửi",
    "retried": "thử lại",
    "failed": "hỏng hẳn",
    "skipped": "kênh chưa bật",
}
DEPENDENCIES: Words = {
    "rabbitmq": "RabbitMQ",
    "mongodb": "MongoDB",
    "object_store": "Kho đối tượng",
    "directory": "Danh mục đơn vị",
    "trust": "Dữ liệu tin cậy",
}
SOURCES: Words = {"package": "Cả gói tin", "document": "Văn bản", "receiver": "Một nơi nhận", "notice": "Trạng thái"}
SEVERITIES: Words = {"critical": "Nghiêm trọng", "warning": "Cần xem"}
STATES: Words = {"firing": "Đang báo", "pending": "Sắp báo"}
UP: Words = {"1": "Tốt", "0": "Mất"}
ALARMS: Words = {"0": "Không", "1": "CÓ BÁO ĐỘNG"}
BROKER_CAUSES: Words = {"rejected": "bị từ chối", "delivery_limit": "quá số lần giao", "expired": "hết hạn"}

ALERTS: Words = {
    "TrunkDeliverySlowFastBurn": "Giao chậm hàng loạt",
    "TrunkDeliverySlowSlowBurn": "Giao chậm kéo dài",
    "TrunkDeliveryBudgetLeak": "Ngân sách lỗi cạn dần",
    "TrunkOldestDocumentTooOld": "Văn bản mắc kẹt",
    "TrunkDeadLetters": "Bãi đỗ có bản tin",
    "TrunkIngestStopped": "Không có văn bản vào",
    "TrunkBrokerDown": "Không thấy RabbitMQ",
    "TrunkBrokerAlarm": "RabbitMQ chặn nơi gửi",
    "TrunkQueueNoConsumers": "Hàng đợi không ai lấy",
    "TrunkQueueNotDraining": "Hàng đợi không vơi",
    "TrunkDeadLetterDropped": "RabbitMQ bỏ bản tin",
    "TrunkUnroutable": "Bản tin không có nơi nhận",
    "TrunkPublishUnconfirmed": "RabbitMQ không nhận bản tin",
    "TrunkServiceAbsent": "Dịch vụ không chạy",
    "TrunkDependencyDown": "Mất máy chủ cần dùng",
    "TrunkMessagesFailing": "Phải làm lại nhiều",
    "TrunkUnitDeliveryFailing": "Không giao được cho đơn vị",
    "TrunkInboxNotRead": "Đơn vị không lấy văn bản",
    "TrunkSignatureIndeterminate": "Chữ ký chưa kết luận được",
    "TrunkTrustMaterialStale": "Dữ liệu tin cậy cũ",
    "TrunkCertificateExpiring": "Chứng thư sắp hết hạn",
    "TrunkArchivingLate": "Lưu trữ chậm",
    "TrunkArchiveFailing": "Lưu trữ hỏng",
    "TrunkNotifierFailing": "Thông báo không gửi được",
    "TrunkDeadMansSwitch": "Đường cảnh báo còn sống",
}
"""Short names of all alerts."""


def joined(*tables: Words) -> Words:
    """Several tables as one."""
    return {token: word for table in tables for token, word in table.items()}


def reasons() -> Words:
    """What each reason says, up to its advice."""
    return {reason.value: sentence(reason).split(";")[0].rstrip(".") for reason in Reason}
