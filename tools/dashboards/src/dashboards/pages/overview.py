"""Page 1: is the city's trunk well? For the wall, and the first look.

Longer than 250 lines: it is one page, panel by panel in the order in which they are read.
"""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from common.facts.flows import SERVICES
from dashboards import words
from dashboards.levels import Levels, Rules
from dashboards.page import page
from dashboards.panels import (
    AGE,
    COUNT,
    PER_MINUTE,
    Column,
    Panel,
    Query,
    Text,
    bars,
    figure,
    lines,
    rows,
)
from dashboards.values import RED, YELLOW
from dashboards.ways import TO_QUEUES, TO_UNIT

OLDEST = "(time() - (trunk_oldest_unfinished_timestamp_seconds > 0)) or (0 * trunk_oldest_unfinished_timestamp_seconds)"
"""0 where nothing waits, nothing where nobody tells: the two must not look alike."""
ABSENT = " or ".join(f'label_replace(vector(0), "service", "{service}", "", "")' for service in SERVICES)
"""A service that Prometheus does not know at all has no replica; its tile must not vanish."""


def overview(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-overview",
        "1. Tổng quan trục liên thông",
        "Một cái nhìn: văn bản có vào không, có ra đúng hạn không, có gì mắc kẹt không. Bấm vào đơn vị để xem riêng.",
        [
            ("Tình hình bây giờ", _now(rules)),
            ("Cần xử lý", [_alerts(), _oldest(), _units()]),
            ("Diễn biến", [_speed(), _flow(), _refused()]),
        ],
    )


def _now(rules: Rules) -> list[Panel]:
    return [
        figure(
            Text(
                "Văn bản tiếp nhận trong 1 giờ",
                "Số gói tin các đơn vị gửi vào và đã qua bước tiếp nhận trong 60 phút qua, kể cả gói bị từ chối.",
                "Bằng 0 trong giờ làm việc.",
                "Xem cảnh báo “Không có văn bản vào” và docs/runbooks/ingest-silent.md.",
            ),
            Query('sum(increase(trunk_document_stage_seconds_count{stage="intake"}[1h]))', "Văn bản"),
            unit=COUNT,
        ),
        _in_time(rules, "urgent", "Văn bản khẩn giao đúng hạn (60 giây)"),
        _in_time(rules, "normal", "Văn bản thường giao đúng hạn (15 phút)"),
        _canary(rules),
        figure(
            Text(
                "Số bản sao đang chạy của mỗi dịch vụ",
                "Bao nhiêu bản sao của năm dịch vụ trả lời Prometheus lúc này.",
                "Bằng 0: bước đó của mọi văn bản đứng lại. Ít hơn bình thường: chạy được nhưng thiếu dự phòng.",
                "docs/runbooks/service-down.md; bản tin vẫn nằm trong hàng đợi.",
            ),
            Query(f'sum by (service) (up{{job="trunk"}}) or {ABSENT}', "{{service}}"),
            unit=COUNT,
            levels=Levels(1.0, low_is_bad=True),
            words=words.SERVICES,
            size=(12, 5),
        ),
        figure(
            Text(
                "Bản tin bị giữ",
                "Bản tin hệ thống không tự xử lý được nữa; văn bản trong đó chưa tới nơi nhận.",
                "Khác 0. “Cách ly” khác 0: một tài khoản có thể đã lộ.",
                "docs/runbooks/parked-messages.md: trunkctl park list, sửa nguyên nhân, trunkctl park replay. "
                "Cách ly: docs/runbooks/quarantine.md.",
            ),
            Query('sum(trunk:messages_held{quarantined="false"})', "Bị giữ"),
            Query('sum(trunk:messages_held{quarantined="true"})', "Cách ly"),
            unit=COUNT,
            levels=rules.bad_from("TrunkMessagesParked"),
        ),
        figure(
            Text(
                "Phần được giao chậm còn lại, 30 ngày",
                "Phần được phép giao chậm trong 30 ngày mà chưa dùng tới: 100 % là chưa chậm lần nào, dưới 0 "
                "là vỡ mục tiêu.",
                "Dưới 25 %, hoặc giảm nhanh.",
                "Mở trang Mục tiêu và ngân sách lỗi để xem làn nào và từ lúc nào; docs/runbooks/delivery-slow.md.",
            ),
            Query("trunk:delivery_slow:budget_left30d", "{{urgency}}"),
            unit="percentunit",
            levels=Levels(0.0, yellow=0.25, low_is_bad=True),
            words=words.LANES,
        ),
    ]


def _canary(rules: Rules) -> Panel:
    return figure(
        Text(
            "Thư dò đường gần nhất tới nơi",
            "Cứ 5 phút một thư khẩn đã ký đi qua toàn trục giữa hai đơn vị thử rồi được đọc lại. Đây là thời gian "
            "từ lần gần nhất mà thư, biên nhận và trạng thái đều tới đủ.",
            "Quá 15 phút, hoặc không có số: văn bản khẩn rất có thể cũng không tới.",
            "docs/runbooks/canary.md; từng bước và kết quả ở trang Nền tảng.",
        ),
        Query("max(trunk:canary_age_seconds)", "Cách đây"),
        unit=AGE,
        levels=rules.bad_from("TrunkCanaryFailing", yellow=660.0),
        nothing="1 giờ qua chưa lần nào",
    )


def _in_time(rules: Rules, lane: str, title: str) -> Panel:
    return figure(
        Text(
            title,
            "Tỷ lệ văn bản của làn này tới hộp đến của mọi nơi nhận trong thời hạn, tính trong 1 giờ qua.",
            "Dưới mục tiêu (màu đỏ). Văn bản chưa giao xong chưa được tính: xem thêm ô văn bản cũ nhất.",
            "docs/runbooks/delivery-slow.md.",
        ),
        Query(f'1 - trunk:delivery_slow:ratio_rate1h{{urgency="{lane}"}}', "Đúng hạn"),
        unit="percentunit",
        levels=Levels(1 - rules.budget(lane), low_is_bad=True),
        nothing="1 giờ qua không có văn bản",
    )


def _alerts() -> Panel:
    return rows(
        Text(
            "Cảnh báo đang mở",
            "Mọi cảnh báo đang báo hoặc sắp báo (đã thấy dấu hiệu, chưa đủ lâu).",
            "Có dòng nào mức Nghiêm trọng.",
            "Mở trang cẩm nang của cảnh báo trong docs/runbooks/.",
        ),
        [Query('max by (alertname, severity, alertstate, service, urgency, unit) (ALERTS{severity!="none"})')],
        [
            Column("alertname", "Cảnh báo", words.ALERTS),
            Column("alertstate", "Tình trạng", words.STATES),
            Column("severity", "Mức", words.SEVERITIES, colors={"critical": RED, "warning": YELLOW}),
            Column("service", "Dịch vụ", words.SERVICES),
            Column("urgency", "Làn", words.LANES),
            Column("unit", "Đơn vị", link=TO_UNIT),
        ],
        worst="Tình trạng",
        then="Mức",
        low_is_worst=True,  # in the alphabet: "firing" before "pending", "critical" before "warning"
        nothing="Không có cảnh báo nào",
        size=(24, 8),
    )


def _oldest() -> Panel:
    return rows(
        Text(
            "Văn bản chờ lâu nhất ở mỗi bước",
            "Văn bản cũ nhất chưa qua mỗi bước đã chờ bao lâu, và đó là bao nhiêu phần thời hạn của làn: 100 % là vừa "
            "hết hạn.",
            "Trên 100 % (màu đỏ): nơi nhận chưa có văn bản mà lẽ ra phải có.",
            "docs/runbooks/stuck-document.md: tìm văn bản bằng trunkctl track, xem bước nào giữ nó.",
        ),
        [
            Query(f"max by (stage, urgency) ({OLDEST})"),
            Query(
                f"max by (stage, urgency) ({OLDEST})"
                " / on (urgency) group_left () max by (urgency) (trunk_urgency_budget_seconds)"
            ),
        ],
        [
            Column("stage", "Bước", words.WAITING),
            Column("urgency", "Làn", words.LANES),
            Column("Value #A", "Đã chờ", unit=AGE),
            Column("Value #B", "So với thời hạn", unit="percentunit", levels=Levels(1.0, yellow=0.5)),
        ],
        worst="So với thời hạn",
    )


def _units() -> Panel:
    return rows(
        Text(
            "Đơn vị còn việc, nhiều nhất trước",
            "Hộp đến: bản tin đã giao mà phần mềm của đơn vị chưa lấy. Chờ phản hồi: văn bản đã giao mà đơn "
            "vị chưa tiếp nhận.",
            "Hộp đến không vơi trong giờ làm việc.",
            "Bấm vào mã đơn vị để xem riêng; docs/runbooks/inbox-not-read.md.",
        ),
        [
            Query("topk(20, max by (unit) (trunk:inbox_messages))"),
            Query("topk(20, sum by (unit) (max by (unit, urgency) (trunk_deliveries_pending)))"),
        ],
        [
            Column("unit", "Đơn vị", link=TO_UNIT),
            Column("Value #A", "Trong hộp đến", unit=COUNT),
            Column("Value #B", "Chờ phản hồi", unit=COUNT),
        ],
        worst="Trong hộp đến",
    )


def _speed() -> Panel:
    return lines(
        Text(
            "Từ lúc nộp đến lúc giao: 95 % văn bản nhanh hơn",
            "95 trong 100 văn bản của làn tới hộp đến của mọi nơi nhận trong thời gian này.",
            "Làn khẩn trên 60 giây, làn thường trên 15 phút.",
            "Trang Luồng xử lý chỉ ra bước nào chậm; docs/runbooks/delivery-slow.md.",
        ),
        Query(
            "histogram_quantile(0.95, sum by (le, urgency) "
            "(rate(trunk_document_delivery_seconds_bucket[$__rate_interval])))",
            "{{urgency}}",
        ),
        unit="s",
        words=words.LANES,
    )


def _flow() -> Panel:
    return lines(
        Text(
            "Văn bản qua từng bước",
            "Số văn bản mỗi phút xong từng bước: tiếp nhận, kiểm tra, giao, lưu trữ.",
            "Các đường tách xa nhau lâu: văn bản dồn lại trước bước thấp hơn.",
            f"Mở trang [Hàng đợi RabbitMQ]({TO_QUEUES}) xem hàng đợi nào dài.",
        ),
        Query("60 * sum by (stage) (rate(trunk_document_stage_seconds_count[$__rate_interval]))", "{{stage}}"),
        unit=PER_MINUTE,
        words=words.STAGES,
        many=True,
    )


def _refused() -> Panel:
    return bars(
        Text(
            "Bị từ chối theo lý do",
            "Gói tin, văn bản hoặc nơi nhận bị từ chối trong khoảng thời gian đang xem, theo lý do.",
            "Một lý do tăng vọt: thường là phần mềm của một đơn vị vừa đổi, hoặc chứng thư vừa hết hạn.",
            "Tìm văn bản ở trang Một văn bản, báo đơn vị gửi; ý nghĩa từng lý do ở docs/upstream.md.",
        ),
        Query("sum by (reason) (increase(trunk_documents_rejected_total[$__range]))", "{{reason}}"),
        unit=COUNT,
        words=words.reasons(),
        size=(24, 10),
    )
