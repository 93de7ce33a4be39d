"""Page 7: whether people are told."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Rules
from dashboards.page import page
from dashboards.panels import COUNT, PER_SECOND, Panel, Query, Text, bars, lines


def notify(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-notify",
        "7. Thông báo",
        "Thư điện tử và webhook báo cho người của đơn vị: gửi được không, trễ bao lâu. Văn bản vẫn tới hộp "
        "đến dù thông báo hỏng.",
        [("Kết quả và độ trễ", [_outcomes(), _totals(), _failed(rules), _late(), _waiting()])],
    )


def _outcomes() -> Panel:
    return lines(
        Text(
            "Thông báo mỗi giây, theo kênh và kết quả",
            "“Thử lại” là lần hỏng sẽ làm lại; “hỏng hẳn” là bỏ; “kênh chưa bật” là chưa cấu hình.",
            "“Hỏng hẳn” tăng.",
            "docs/runbooks/notifier.md.",
        ),
        Query(
            "sum by (channel, outcome) (rate(trunk_notifications_total[$__rate_interval]))", "{{channel}} · {{outcome}}"
        ),
        unit=PER_SECOND,
        words=words.NOTIFICATIONS,
        many=True,
    )


def _totals() -> Panel:
    return bars(
        Text(
            "Thông báo trong khoảng đang xem",
            "Tổng số theo kênh và kết quả.",
            "Nhiều “kênh chưa bật”: đơn vị có địa chỉ mà kênh chưa được cấu hình.",
            "Kiểm tra TRUNK_SMTP_HOST của notifier; docs/runbooks/notifier.md.",
        ),
        Query("sum by (channel, outcome) (increase(trunk_notifications_total[$__range]))", "{{channel}} · {{outcome}}"),
        unit=COUNT,
        words=words.NOTIFICATIONS,
    )


def _failed(rules: Rules) -> Panel:
    return lines(
        Text(
            "Tỷ lệ hỏng hẳn",
            "Phần thông báo của mỗi kênh không bao giờ tới được người nhận.",
            "Trên vạch đỏ trong 15 phút.",
            "docs/runbooks/notifier.md.",
        ),
        Query(
            '(sum by (channel) (rate(trunk_notifications_total{outcome="failed"}[$__rate_interval]))'
            " or 0 * sum by (channel) (rate(trunk_notifications_total[$__rate_interval])))"
            " / (sum by (channel) (rate(trunk_notifications_total[$__rate_interval])) > 0)",
            "{{channel}}",
        ),
        unit="percentunit",
        levels=rules.bad_from("TrunkNotifierFailing"),
        words=words.NOTIFICATIONS,
        nothing="Không có thông báo",
    )


def _late() -> Panel:
    return lines(
        Text(
            "Độ trễ: 95 % nhanh hơn",
            "Từ lúc sự kiện xảy ra tới lúc thông báo có kết quả.",
            "Trên 5 phút.",
            "docs/runbooks/notifier.md: máy chủ thư chậm, hoặc hàng đợi của notifier dài.",
        ),
        Query(
            "histogram_quantile(0.95, sum by (le, channel) "
            "(rate(trunk_notification_seconds_bucket[$__rate_interval])))",
            "{{channel}}",
        ),
        unit="s",
        words=words.NOTIFICATIONS,
    )


def _waiting() -> Panel:
    return lines(
        Text(
            "Thông báo đang chờ",
            "Số thông báo chưa gửi được, nằm trong cơ sở dữ liệu của notifier, theo kênh.",
            "Tăng mãi: có nơi nhận không trả lời.",
            "docs/runbooks/notifier.md.",
        ),
        Query("max by (channel) (trunk_notifications_waiting)", "{{channel}}"),
        unit="short",
        words=words.NOTIFICATIONS,
        size=(24, 8),
    )
