"""Page 4: one unit, the page that staff live in."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Rules
from dashboards.logs import LINE, log_lines
from dashboards.page import page
from dashboards.panels import COUNT, PER_MINUTE, Column, Panel, Query, Text, figure, lines, rows
from dashboards.sources import LOGS, METRICS, choice
from dashboards.ways import TO_UNIT

MINE = '{unit=~"$unit"}'
NAMED = LINE.replace("· {{.type}}", "· {{.document_id}} · {{.type}}")
OURS = f'{{service_name=~"trunk-.+"}} |~ "$unit" | json {NAMED}'


def unit(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-unit",
        "4. Đơn vị nhận",
        "Một đơn vị: văn bản đã tới hộp đến chưa, đơn vị đã lấy chưa, đã phản hồi chưa. Chọn đơn vị ở trên.",
        [
            ("Đơn vị đang chọn", [*_figures(rules)]),
            ("Theo thời gian", [*_over_time()]),
            ("Từng đơn vị, từng văn bản", [_table(), _documents()]),
        ],
        variables=[
            choice(
                "unit", "Đơn vị", "Mã đơn vị theo danh mục", "label_values(trunk:inbox_messages, unit)", several=True
            )
        ],
        sources=[METRICS.chooser(), LOGS.chooser()],
        hours=24,
    )


def _figures(rules: Rules) -> list[Panel]:
    return [
        figure(
            Text(
                "Trong hộp đến",
                "Bản tin trục đã giao vào hộp đến mà phần mềm của đơn vị chưa lấy.",
                "Khác 0 suốt một giờ và không có kết nối.",
                "Gọi đơn vị; docs/runbooks/inbox-not-read.md.",
            ),
            Query(f"sum(trunk:inbox_messages{MINE})", "Bản tin"),
            unit=COUNT,
        ),
        figure(
            Text(
                "Phần mềm của đơn vị đang kết nối",
                "Số kết nối đang lấy bản tin từ hộp đến của các đơn vị đang chọn.",
                "Bằng 0 lâu hơn nửa giờ trong giờ làm việc.",
                "Gọi đơn vị; docs/runbooks/inbox-not-read.md.",
            ),
            Query(f"sum(trunk:inbox_consumers{MINE})", "Kết nối"),
            unit=COUNT,
        ),
        figure(
            Text(
                "Chờ đơn vị phản hồi",
                "Văn bản đã giao mà đơn vị chưa tiếp nhận (03) cũng chưa từ chối (02).",
                "Tăng nhiều ngày liền.",
                "Nhắc đơn vị: thời hạn phản hồi là trách nhiệm của đơn vị, không tính vào mục tiêu của trục.",
            ),
            Query(f"sum by (urgency) (max by (unit, urgency) (trunk_deliveries_pending{MINE}))", "{{urgency}}"),
            unit=COUNT,
            words=words.LANES,
            nothing="Không có văn bản nào chờ",
        ),
        figure(
            Text(
                "Lượt giao hỏng",
                "Số lần đặt văn bản vào hộp đến không thành công trong khoảng đang xem; trục tự thử lại.",
                "Trên 3 mà không có lượt nào thành công.",
                "docs/runbooks/unit-endpoint.md.",
            ),
            Query(
                'sum(increase(trunk_deliveries_total{unit=~"$unit", outcome="failed"}[$__range]))'
                ' or (0 * sum(trunk_deliveries_total{unit=~"$unit"}))',
                "Lượt giao hỏng",
            ),
            unit=COUNT,
            levels=rules.bad_from("TrunkUnitDeliveryFailing", yellow=1),
        ),
    ]


def _over_time() -> list[Panel]:
    return [
        lines(
            Text(
                "Kết quả giao",
                "Lượt giao mỗi phút của các đơn vị đang chọn, theo kết quả.",
                "“Giao hỏng” có mà “Đã giao” không.",
                "docs/runbooks/unit-endpoint.md.",
            ),
            Query(f"60 * sum by (outcome) (rate(trunk_deliveries_total{MINE}[$__rate_interval]))", "{{outcome}}"),
            unit=PER_MINUTE,
            words=words.DELIVERIES,
        ),
        lines(
            Text(
                "Hộp đến theo thời gian",
                "Bản tin chờ trong hộp đến của các đơn vị đang chọn (20 hộp dài nhất).",
                "Tăng thành bậc thang: đơn vị không lấy.",
                "docs/runbooks/inbox-not-read.md.",
            ),
            Query(f"topk(20, trunk:inbox_messages{MINE})", "{{unit}}"),
            unit="short",
            many=True,
        ),
        lines(
            Text(
                "Thời gian các đơn vị phản hồi: 90 % nhanh hơn",
                "Từ lúc giao tới trạng thái đầu tiên, của mọi đơn vị (thời gian không ghi theo từng đơn vị).",
                "Làn khẩn quá vài giờ làm việc.",
                "Nhắc các đơn vị còn nhiều văn bản chờ phản hồi trong bảng dưới.",
            ),
            Query(
                "histogram_quantile(0.9, sum by (le, urgency) "
                "(rate(trunk_delivery_ack_seconds_bucket[$__rate_interval])))",
                "{{urgency}}",
            ),
            unit="s",
            words=words.LANES,
            size=(24, 7),
        ),
    ]


def _table() -> Panel:
    return rows(
        Text(
            "Từng đơn vị",
            "Hộp đến, văn bản chờ phản hồi, và kết quả giao trong khoảng đang xem.",
            "Hộp đến dài nhất ở trên cùng.",
            "Bấm vào mã để chỉ xem đơn vị đó.",
        ),
        [
            Query(f"trunk:inbox_messages{MINE}"),
            Query(f"sum by (unit) (max by (unit, urgency) (trunk_deliveries_pending{MINE}))"),
            Query('sum by (unit) (increase(trunk_deliveries_total{unit=~"$unit", outcome="delivered"}[$__range]))'),
            Query('sum by (unit) (increase(trunk_deliveries_total{unit=~"$unit", outcome="refused"}[$__range]))'),
        ],
        [
            Column("unit", "Đơn vị", link=TO_UNIT),
            Column("Value #A", "Trong hộp đến", unit=COUNT),
            Column("Value #B", "Chờ phản hồi", unit=COUNT),
            Column("Value #C", "Đã giao", unit=COUNT),
            Column("Value #D", "Đơn vị từ chối", unit=COUNT),
        ],
        worst="Trong hộp đến",
    )


def _documents() -> Panel:
    return log_lines(
        Text(
            "Văn bản của đơn vị trong nhật ký",
            "Mọi dòng nhật ký nhắc tới mã đơn vị: văn bản nộp, giao, thông báo. Mã văn bản chỉ có ở đây, "
            "không có trong số liệu.",
            "Có dòng mức error.",
            "Chép document_id sang trang Một văn bản, hoặc dùng trunkctl track.",
        ),
        OURS,
    )
