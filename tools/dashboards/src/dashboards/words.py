"""What people read in place of the ASCII tokens that metrics carry.

Longer than 250 lines: it is tables of words and nothing else.
"""

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
MESSAGES: Words = {
    "acked": "Xong",
    "retried": "Sẽ thử lại",
    "waiting": "Chưa tới lúc thử lại",
    "redelivered": "Làm lại do lỗi",
    "parked": "Bị giữ",
    "quarantined": "Bị cách ly",
}
PUBLISHES: Words = {
    "confirmed": "Đã nhận",
    "nacked": "Hàng đợi đầy",
    "returned": "Không có hàng đợi",
    "forbidden": "Không có quyền",
    "failed": "Kênh bị đóng",
    "unknown": "Mất kết nối, không rõ",
}
CAUSES: Words = {
    "full": "Hộp đến đầy",
    "missing": "Chưa có hộp đến",
    "recall": "Chờ đơn vị trả lời thu hồi",
    "silent": "RabbitMQ không trả lời",
    "closed": "Đơn vị đã đóng",
    "returned": "Phần mềm đơn vị trả lại",
}
"""Why an inbox does not take a message."""
KINDS: Words = {
    "new": "Văn bản mới",
    "recall": "Thu hồi",
    "update": "Cập nhật",
    "replace": "Thay thế",
    "status": "Trạng thái",
}
SECURITY: Words = {
    "FROM_MISMATCH": "Gói tin ghi nơi gửi là đơn vị khác",
    "CLOSED_UNIT": "Đơn vị đã đóng vẫn gửi",
    "UNKNOWN_USER": "Tài khoản không thuộc đơn vị nào",
    "ANONYMOUS_MESSAGE": "Bản tin không có người gửi được xác nhận",
    "FORGED_FACT": "Sự kiện giả mạo",
    "FOREIGN_STATUS": "Trạng thái về văn bản của đơn vị khác",
    "FOREIGN_UPLOAD": "Dẫn tới tệp tải lên của đơn vị khác",
    "SECRET_CONTENT": "Văn bản có dấu hiệu bí mật nhà nước",
    "NOT_SEARCHED": "Tệp không dò được dấu hiệu bí mật",
    "CERTIFICATE_SHARED": "Một chứng thư đăng ký cho nhiều đơn vị",
    "LOGIN_FAILED": "Đăng nhập RabbitMQ thất bại",
    "ACCESS_REFUSED": "RabbitMQ từ chối thao tác",
    "RIGHTS_CHANGED": "Quyền ở RabbitMQ thay đổi",
    "DIRECTORY_CHANGED": "Danh mục đơn vị thay đổi",
    "UNIT_ACCESS_CHANGED": "Quyền truy cập của đơn vị thay đổi",
    "OPERATOR_ACTED": "Người vận hành quyết định về bản tin bị giữ, hoặc lấy tệp từ kho lưu trữ",
}
DELIVERIES: Words = {
    "delivered": "Đã giao",
    "acknowledged": "Đơn vị đã phản hồi",
    "refused": "Đơn vị từ chối",
    "failed": "Chưa đặt được, sẽ thử lại",
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
CANARY_OUTCOMES: Words = {
    "success": "Tới đủ",
    "wrong": "Tới sai",
    "refused": "Bị từ chối",
    "held": "Bị trục giữ lại",
    "late": "Quá 4 phút",
    "unconfirmed": "RabbitMQ không nhận",
    "unreachable": "Không đăng nhập được",
    "no_key": "Không ký được",
    "fault": "Chính thư dò đường lỗi",
}
CANARY_STEPS: Words = {
    "confirmed": "RabbitMQ nhận thư",
    "accepted": "Biên nhận cho nơi gửi",
    "delivered": "Thư tới hộp đến",
    "reported": "Biên nhận cho trạng thái",
    "answered": "Trạng thái về nơi gửi",
}
CANARY_ROLES: Words = {"signer": "Người ký", "unit": "Cơ quan"}
BACKED_UP: Words = {"database": "Cơ sở dữ liệu", "store": "Kho đối tượng"}
ENDINGS: Words = {
    "refused": "Tiếp nhận từ chối",
    "invalid": "Văn bản không hợp lệ",
    "given_up": "Người vận hành bỏ",
    "upload": "Tệp tải lên",
}
WRITES: Words = {"written": "Đã ghi", "repeated": "Đã có sẵn", "failed": "Hỏng, sẽ thử lại"}
NOTIFICATIONS: Words = {
    "email": "Thư điện tử",
    "webhook": "Webhook",
    "sent": "đã gửi",
    "retried": "thử lại",
    "failed": "hỏng hẳn",
    "skipped": "kênh chưa bật",
    "given_up": "bỏ vì chờ quá lâu",
}
DEPENDENCIES: Words = {
    "rabbitmq": "RabbitMQ",
    "mongodb": "MongoDB",
    "object_store": "Kho đối tượng",
    "tasks": "Việc nền",
    "directory": "Danh mục đơn vị",
    "trust": "Dữ liệu tin cậy",
}
SOURCES: Words = {"package": "Cả gói tin", "document": "Văn bản", "receiver": "Một nơi nhận", "notice": "Trạng thái"}
TRUST_ITEMS: Words = {
    "root": "Chứng thư gốc",
    "intermediate": "Cơ quan chứng thực",
    "tsa": "Cấp dấu thời gian",
    "crl": "Danh sách thu hồi",
}
TRUST_FOLDERS: Words = {
    "roots": "Chứng thư gốc",
    "intermediates": "Cơ quan chứng thực",
    "tsa": "Cấp dấu thời gian",
    "crls": "Danh sách thu hồi",
    "trust.json": "Dấu vân tay (trust.json)",
}
TRUST_SOURCES: Words = {"directory": "Danh mục đơn vị", "trust folder": "Thư mục tin cậy"}
TRUST_LISTS: Words = {"[ac]rl/(.*)": "$1"}
LISTS_AMONG_OTHERS: Words = {"crl/(.*)": "Danh sách của $1"}
"""Names of lists, without the kind of list in front; and where there are other things beside them."""
SEVERITIES: Words = {"critical": "Nghiêm trọng", "warning": "Cần xem", "morning": "Tin đầu giờ", "digest": "Tin 9 giờ"}
STATES: Words = {"firing": "Đang báo", "pending": "Sắp báo"}
UP: Words = {"1": "Tốt", "0": "Mất"}
BROKER_CAUSES: Words = {"rejected": "bị từ chối", "delivery_limit": "quá số lần giao", "expired": "hết hạn"}

ALERTS: Words = {
    "TrunkPackagesWaiting": "Nhiều gói tin chờ ở khâu tiếp nhận",
    "TrunkNotificationsGivenUp": "Thông báo đã bị bỏ",
    "TrunkNotificationDestinationSilent": "Nơi nhận thông báo không trả lời",
    "TrunkDeliverySlowFastBurn": "Giao chậm hàng loạt",
    "TrunkDeliverySlowSlowBurn": "Giao chậm kéo dài",
    "TrunkDeliveryBudgetLeak": "Ngân sách lỗi cạn dần",
    "TrunkOldestDocumentTooOld": "Văn bản mắc kẹt",
    "TrunkPackagesMayBeLost": "Gói tin có thể đã mất",
    "TrunkPackagesPublishedAgain": "Nhiều gói tin phải công bố lại",
    "TrunkBrokerDataLost": "RabbitMQ đã mất dữ liệu",
    "TrunkObjectAltered": "Tệp trong kho bị đổi hoặc mất",
    "TrunkMessagesParked": "Có bản tin mới bị giữ",
    "TrunkMessagesLeftParked": "Bản tin bị giữ quá lâu",
    "TrunkMessageQuarantined": "Có bản tin bị cách ly",
    "TrunkForgery": "Giả mạo hoặc không rõ người gửi",
    "TrunkSecurityEvent": "Sự kiện an ninh",
    "TrunkAccessChanged": "Quyền hoặc danh mục thay đổi",
    "TrunkLoginsFailing": "Đăng nhập thất bại nhiều lần",
    "TrunkCalendarEnds": "Chưa nhập lịch nghỉ năm sau",
    "TrunkHappenedWhileClosed": "Việc ngoài giờ",
    "TrunkBrokerNoMajority": "RabbitMQ mất đa số nút",
    "TrunkBrokerNodeDown": "Thiếu nút RabbitMQ",
    "TrunkBrokerForeignCluster": "Nhiều cụm RabbitMQ",
    "TrunkVolumeFilling": "Volume sắp đầy",
    "TrunkRevocationListNearlyOver": "Danh sách thu hồi gần hết hiệu lực",
    "TrunkServerCertificateExpiring": "Chứng thư máy chủ sắp hết hạn",
    "TrunkDoorNotAnswering": "Cửa của đơn vị không trả lời",
    "TrunkServerCertificateNearlyOver": "Chứng thư máy chủ hết hạn trong 3 ngày",
    "TrunkMostSubmissionsRefused": "Đa số gói tin bị từ chối",
    "TrunkRefusalsUnusual": "Từ chối nhiều bất thường",
    "TrunkRedriveStuck": "Công bố lại bị đứng",
    "TrunkJobFailed": "Job hỏng",
    "TrunkScalerFailing": "Bộ co giãn hỏng",
    "TrunkScaledToMaximum": "Đã ở số bản lớn nhất",
    "TrunkCanaryFailing": "Thư dò đường không tới",
    "TrunkCanarySilent": "Thư dò đường không chạy",
    "TrunkCanaryAltered": "Thư dò đường tới sai",
    "TrunkCanaryCertificateExpiring": "Chứng thư của thư dò đường sắp hết hạn",
    "TrunkIngestStopped": "Không có văn bản vào",
    "TrunkBrokerDown": "Không thấy RabbitMQ",
    "TrunkBrokerAlarm": "RabbitMQ chặn nơi gửi",
    "TrunkBrokerDiskFilling": "Đĩa của RabbitMQ sắp đầy",
    "TrunkMessageHeldByNobody": "Bản tin bị giữ mà không ai xử lý",
    "TrunkQueueNoConsumers": "Hàng đợi không ai lấy",
    "TrunkQueueNotDraining": "Hàng đợi không vơi",
    "TrunkSubmissionsNotTaken": "Tiếp nhận không lấy văn bản nộp",
    "TrunkSubmitQueueFilling": "Hàng đợi nộp sắp đầy",
    "TrunkDoorClosed": "Tiếp nhận tạm dừng lấy",
    "TrunkTurnsUnheard": "Cho vào không theo lượt",
    "TrunkTurnsLapsing": "Không nghe được gói tin đã tới đâu",
    "TrunkDeadLetterDropped": "RabbitMQ bỏ bản tin",
    "TrunkUnroutable": "Bản tin không có nơi nhận",
    "TrunkPublishUnanswered": "RabbitMQ không trả lời",
    "TrunkPublishUnconfirmed": "RabbitMQ không nhận bản tin",
    "TrunkPublishForbidden": "Dịch vụ thiếu quyền gửi",
    "TrunkServiceAbsent": "Dịch vụ không chạy",
    "TrunkDependencyDown": "Mất máy chủ cần dùng",
    "TrunkMessagesFailing": "Phải làm lại nhiều",
    "TrunkTaskFailing": "Việc nền hỏng",
    "TrunkTaskStands": "Việc nền đứng lại",
    "TrunkUnitDeliveryFailing": "Không giao được cho đơn vị",
    "TrunkPlacingsWaiting": "Chưa đặt được vào hộp đến",
    "TrunkInboxSilent": "Hộp đến mất nút chủ",
    "TrunkInboxNotRead": "Đơn vị không lấy văn bản",
    "TrunkSignatureIndeterminate": "Chữ ký chưa kết luận được",
    "TrunkTrustMaterialStale": "Dữ liệu tin cậy cũ",
    "TrunkCertificateExpiring": "Chứng thư sắp hết hạn",
    "TrunkTrustFilesLeftOut": "Tệp tin cậy bị bỏ qua",
    "TrunkTrustFolderUnread": "Không đọc được thư mục tin cậy",
    "TrunkRevocationListEnding": "Danh sách thu hồi sắp hết hạn",
    "TrunkArchivingLate": "Lưu trữ chậm",
    "TrunkArchiveFailing": "Lưu trữ hỏng",
    "TrunkArchiveCheckFoundFaults": "Đối chiếu thấy lỗi",
    "TrunkArchiveCheckOld": "Đối chiếu cũ",
    "TrunkLogTidyOld": "Chưa dọn nhật ký niêm phong",
    "TrunkBackupOld": "Sao lưu cũ",
    "TrunkRemovalLate": "Hết hạn chưa xóa",
    "TrunkLogLate": "Niêm phong chậm",
    "TrunkLogRefused": "Niêm phong bị từ chối",
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
