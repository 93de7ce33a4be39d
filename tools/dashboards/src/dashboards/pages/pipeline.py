"""Page 2: the way through the five services, by rate, errors and duration."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Rules
from dashboards.page import page
from dashboards.panels import PER_SECOND, Panel, Query, Text, lines
from dashboards.sources import choice

MINE = '{service=~"$service"}'


def pipeline(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-pipeline",
        "2. Luồng xử lý",
        "Mỗi dịch vụ làm bao nhiêu, hỏng bao nhiêu, mất bao lâu. Chọn dịch vụ ở trên.",
        [
            ("Số lượng và lỗi", [*_rates(), _failing(rules), _in_hand()]),
            ("Thời gian", [*_durations()]),
            ("Gửi vào RabbitMQ", [*_publishing()]),
        ],
        variables=[
            choice(
                "service",
                "Dịch vụ",
                "Một hay nhiều dịch vụ của trục",
                'label_values(up{job="trunk"}, service)',
                several=True,
            )
        ],
    )


def _rates() -> list[Panel]:
    return [
        lines(
            Text(
                "Bản tin xử lý mỗi giây, theo kết quả",
                "Mỗi lần nhận bản tin kết thúc bằng: xong, sẽ thử lại, chưa tới lúc thử lại, làm lại do lỗi chương "
                "trình, bị giữ, hoặc bị cách ly. Chỉ hiện kết quả đang xảy ra.",
                "“Bị giữ”, “Bị cách ly” hoặc “Làm lại do lỗi” khác 0; “Sẽ thử lại” cao lâu.",
                "docs/runbooks/messages-failing.md và docs/runbooks/parked-messages.md.",
            ),
            Query(
                f"sum by (service, outcome) (rate(trunk_messages_total{MINE}[$__rate_interval])) > 0",
                "{{service}} · {{outcome}}",
            ),
            unit=PER_SECOND,
            words=words.joined(words.SERVICES, words.MESSAGES),
            many=True,
            size=(24, 9),
        ),
    ]


def _failing(rules: Rules) -> Panel:
    return lines(
        Text(
            "Tỷ lệ phải làm lại",
            "Phần bản tin không xong ở lần này: chờ lần thử sau, hoặc giao lại do lỗi.",
            "Trên vạch đỏ trong 10 phút.",
            "docs/runbooks/messages-failing.md.",
        ),
        Query(
            'sum by (service) (rate(trunk_messages_total{service=~"$service", '
            'outcome=~"retried|redelivered"}[$__rate_interval]))'
            ' / (sum by (service) (rate(trunk_messages_total{service=~"$service", outcome!="waiting"}'
            "[$__rate_interval])) > 0)",
            "{{service}}",
        ),
        unit="percentunit",
        levels=rules.bad_from("TrunkMessagesFailing"),
        words=words.SERVICES,
        many=True,
        nothing="Không có bản tin nào phải làm lại",
    )


def _in_hand() -> Panel:
    return lines(
        Text(
            "Bản tin đang làm",
            "Bao nhiêu bản tin các bản sao của dịch vụ đang xử lý cùng lúc. Mỗi làn của một bản sao nhận tối đa 8.",
            "Luôn ở mức tối đa mà hàng đợi vẫn dài: dịch vụ đã hết sức.",
            "Thêm bản sao (docs/operations), hoặc tìm bước chậm ở phần Thời gian.",
        ),
        Query(f"sum by (service) (trunk_messages_in_flight{MINE})", "{{service}}"),
        unit="short",
        words=words.SERVICES,
        many=True,
    )


def _durations() -> list[Panel]:
    buckets = f"sum by (le, service) (rate(trunk_message_processing_seconds_bucket{MINE}[$__rate_interval]))"
    return [
        lines(
            Text(
                "Thời gian xử lý một bản tin",
                "Một nửa, 95 % và 99 % bản tin xong nhanh hơn thời gian này, tính từ lúc nhận tới lúc xác nhận.",
                "Tăng gấp đôi so với hôm trước mà lượng văn bản như cũ.",
                "Xem kho đối tượng và cơ sở dữ liệu ở trang Nền tảng; tìm vết chậm ở trang Một văn bản.",
            ),
            *(
                Query(f"histogram_quantile({share}, {buckets})", f"{{{{service}}}} · {name}")
                for share, name in ((0.5, "một nửa"), (0.95, "95 %"), (0.99, "99 %"))
            ),
            unit="s",
            words=words.SERVICES,
            many=True,
        ),
        lines(
            Text(
                "Chờ trong hàng đợi: 95 % ngắn hơn",
                "Từ lúc bản tin được gửi vào hàng đợi tới lúc dịch vụ nhận lần đầu.",
                "Làn khẩn trên vài giây: hàng đợi khẩn không còn được ưu tiên đủ.",
                "docs/runbooks/delivery-slow.md: thêm bản sao, hoặc tìm nơi nghẽn.",
            ),
            Query(
                "histogram_quantile(0.95, sum by (le, service, urgency)"
                f" (rate(trunk_queue_wait_seconds_bucket{MINE}[$__rate_interval])))",
                "{{service}} · {{urgency}}",
            ),
            unit="s",
            words=words.joined(words.SERVICES, words.LANES),
            many=True,
        ),
        lines(
            Text(
                "Từ lúc nộp tới hết mỗi bước: 95 % nhanh hơn",
                "Cộng dồn từ lúc nộp: khoảng cách giữa hai đường là thời gian của một bước.",
                "Một đường nhảy lên còn đường dưới nó thì không: chính bước đó chậm.",
                "Chọn dịch vụ của bước đó ở trên và xem hai biểu đồ bên cạnh.",
            ),
            Query(
                "histogram_quantile(0.95, sum by (le, stage, urgency)"
                " (rate(trunk_document_stage_seconds_bucket[$__rate_interval])))",
                "{{stage}} · {{urgency}}",
            ),
            unit="s",
            words=words.joined(words.STAGES, words.LANES),
            many=True,
            size=(24, 8),
        ),
    ]


def _publishing() -> list[Panel]:
    return [
        lines(
            Text(
                "Trả lời của RabbitMQ cho mỗi lần gửi",
                "Mỗi lần dịch vụ gửi bản tin, RabbitMQ nhận, từ chối (hàng đợi đầy, không có quyền), trả lại (không có "
                "hàng đợi), hoặc kết nối mất trước khi trả lời. Chỉ hiện trả lời đang xảy ra.",
                "Bất cứ thứ gì ngoài “Đã nhận”; “Hàng đợi đầy” của bộ định tuyến là hộp đến của một đơn vị đầy.",
                "docs/runbooks/publish-unconfirmed.md; bản tin được giữ và gửi lại.",
            ),
            Query(
                f"sum by (service, outcome) (rate(trunk_publish_total{MINE}[$__rate_interval])) > 0",
                "{{service}} · {{outcome}}",
            ),
            unit=PER_SECOND,
            words=words.joined(words.SERVICES, words.PUBLISHES),
            many=True,
        ),
        lines(
            Text(
                "Chờ RabbitMQ xác nhận: 99 % nhanh hơn",
                "Thời gian từ lúc gửi tới lúc RabbitMQ cam kết đã ghi xuống đĩa của đa số nút.",
                "Trên 1 giây lâu: đĩa của RabbitMQ chậm, hoặc mạng giữa các nút kém.",
                "Xem trang Hàng đợi RabbitMQ và Nền tảng; docs/runbooks/broker-alarm.md.",
            ),
            Query(
                "histogram_quantile(0.99, sum by (le, service)"
                f" (rate(trunk_publish_confirm_seconds_bucket{MINE}[$__rate_interval])))",
                "{{service}}",
            ),
            unit="s",
            words=words.SERVICES,
            many=True,
        ),
    ]
