"""Page 8: whether the month's promise holds."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Levels, Rules
from dashboards.page import page
from dashboards.panels import Panel, Query, Text, figure, lines

BURN = "trunk:delivery_slow:ratio_rate{window} / on (urgency) trunk:delivery_slow:budget"


def slo(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-slo",
        "8. Mục tiêu và ngân sách lỗi",
        "Mục tiêu 30 ngày: 99 % văn bản khẩn giao trong 60 giây, 95 % văn bản thường trong 15 phút. "
        "Ngân sách lỗi là phần được phép chậm; tốc độ đốt 1 là dùng vừa hết trong 30 ngày.",
        [
            ("30 ngày", [_left(), _month()]),
            ("Tốc độ đốt", [*_burning(rules)]),
            ("Văn bản", [_slow(), _delivered()]),
        ],
        hours=72,
    )


def _left() -> Panel:
    return figure(
        Text(
            "Ngân sách lỗi còn lại",
            "100 %: chưa chậm lần nào trong 30 ngày. Dưới 0: mục tiêu đã vỡ.",
            "Dưới 25 %.",
            "Hoãn thay đổi không cần thiết, xử lý nguyên nhân chậm trước; docs/runbooks/delivery-slow.md.",
        ),
        Query("trunk:delivery_slow:budget_left30d", "{{urgency}}"),
        unit="percentunit",
        levels=Levels(0.0, yellow=0.25, low_is_bad=True),
        words=words.LANES,
        size=(12, 6),
    )


def _month() -> Panel:
    return figure(
        Text(
            "Giao đúng hạn trong 30 ngày",
            "Tỷ lệ văn bản tới mọi nơi nhận trong thời hạn của làn.",
            "Khẩn dưới 99 %, thường dưới 95 %.",
            "docs/runbooks/delivery-slow.md.",
        ),
        Query("1 - trunk:delivery_slow:ratio_rate30d", "{{urgency}}"),
        unit="percentunit",
        words=words.LANES,
        size=(12, 6),
    )


def _burning(rules: Rules) -> list[Panel]:
    shown = (
        ("1h", "1 giờ", "TrunkDeliverySlowFastBurn", "gọi người trực ngay"),
        ("6h", "6 giờ", "TrunkDeliverySlowSlowBurn", "xử lý trong ngày"),
        ("3d", "3 ngày", "TrunkDeliveryBudgetLeak", "xử lý trong tuần"),
    )
    return [
        lines(
            Text(
                f"Tốc độ đốt trong {name}",
                f"Ngân sách lỗi bị dùng nhanh gấp mấy lần mức cho phép, tính trên {name}.",
                f"Trên vạch đỏ: {then}.",
                "docs/runbooks/delivery-slow.md.",
            ),
            Query(BURN.format(window=window), "{{urgency}}"),
            unit="short",
            levels=Levels(rules.limit(alert) if window != "3d" else 1.0),
            words=words.LANES,
            size=(8, 8),
        )
        for window, name, alert, then in shown
    ]


def _slow() -> Panel:
    return lines(
        Text(
            "Văn bản giao chậm trong 1 giờ",
            "Bao nhiêu văn bản của mỗi làn quá thời hạn: làn nào đang ăn vào ngân sách.",
            "Từ 3 văn bản trở lên thì cảnh báo mới tính đến.",
            "Tìm văn bản chậm bằng nhật ký ở trang Một văn bản.",
        ),
        Query("round(trunk:delivery_slow:increase1h)", "{{urgency}}"),
        unit="short",
        words=words.LANES,
    )


def _delivered() -> Panel:
    return lines(
        Text(
            "Văn bản giao trong 1 giờ",
            "Tổng số văn bản giao xong của mỗi làn: ít văn bản thì tỷ lệ nhảy mạnh.",
            "Bằng 0 trong giờ làm việc.",
            "docs/runbooks/ingest-silent.md.",
        ),
        Query("round(sum by (urgency) (increase(trunk_document_delivery_seconds_count[1h])))", "{{urgency}}"),
        unit="short",
        words=words.LANES,
    )
