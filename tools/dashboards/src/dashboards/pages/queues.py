"""Page 3: what lies in RabbitMQ, and whether it moves.

Longer than 250 lines: it is one page, panel by panel in the order in which they are read.
"""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from common.topology import INBOX_LENGTH
from dashboards import words
from dashboards.levels import Rules
from dashboards.page import page
from dashboards.panels import COUNT, PER_SECOND, Column, Panel, Query, Text, figure, lines, rows
from dashboards.ways import TO_SERVICE

WORK = 'queue=~"(facts|place|trunk[.]dead|broker)[.].+"'
STEP = "30s"


def queues(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-queues",
        "3. Hàng đợi RabbitMQ",
        "Hàng đợi giữa các dịch vụ: dài bao nhiêu, ai lấy, có vơi không; văn bản nộp, thử lại, hộp đến và báo động.",
        [
            ("Báo động", [*_alarms(rules)]),
            ("Hàng đợi công việc", [_table(), *_work()]),
            ("Ngoài luồng chính", [*_aside(rules)]),
        ],
    )


def _alarms(rules: Rules) -> list[Panel]:
    return [
        figure(
            Text(
                "Báo động bộ nhớ và đĩa",
                "RabbitMQ chặn mọi nơi gửi khi một nút chạm ngưỡng bộ nhớ hoặc đĩa.",
                "Có báo động: không đơn vị nào gửi được văn bản.",
                "docs/runbooks/broker-alarm.md, ngay lập tức.",
            ),
            Query("sum(rabbitmq_alarms_memory_used_watermark)", "Bộ nhớ"),
            Query("sum(rabbitmq_alarms_free_disk_space_watermark)", "Đĩa"),
            unit=COUNT,
            levels=rules.bad_from("TrunkBrokerAlarm"),
        ),
        figure(
            Text(
                "Bản tin bị bỏ",
                "Bản tin mất hẳn: không có hàng đợi nào nhận, hoặc hàng đợi không khai báo nơi nhận thư chết.",
                "Khác 0: có thể đã mất văn bản.",
                "docs/runbooks/message-lost.md và docs/runbooks/topology.md.",
            ),
            Query(
                "sum(increase(rabbitmq_global_messages_unroutable_dropped_total[$__range]))", "Không có hàng đợi nhận"
            ),
            *(
                Query(
                    f"sum(increase(rabbitmq_global_messages_dead_lettered_{cause}_total"
                    '{dead_letter_strategy="disabled"}[$__range]))',
                    f"Bỏ vì {word}",
                )
                for cause, word in words.BROKER_CAUSES.items()
            ),
            unit=COUNT,
            levels=rules.bad_from("TrunkDeadLetterDropped"),
            size=(12, 5),
        ),
        figure(
            Text(
                "Hàng đợi đầy nhất, so với sức chứa",
                "Hàng đợi nộp và hộp đến của mỗi đơn vị có giới hạn; đầy thì RabbitMQ từ chối riêng đơn vị đó.",
                "Trên 80 %.",
                "docs/runbooks/submit-queue-filling.md; hộp đến: docs/runbooks/inbox-not-read.md.",
            ),
            Query("max(trunk:submit_fullest:ratio)", "Hàng đợi nộp"),
            Query(f"max(trunk:inbox_messages) / {INBOX_LENGTH}", "Hộp đến"),
            unit="percentunit",
            levels=rules.bad_from("TrunkSubmitQueueFilling", yellow=0.5),
        ),
    ]


def _table() -> Panel:
    return rows(
        Text(
            "Mọi hàng đợi công việc",
            "Mỗi dịch vụ có hàng đợi sự kiện khẩn và thường, và một hàng đợi thư chết; bộ định tuyến có thêm hàng đợi "
            "đặt vào hộp đến, lưu trữ có thêm báo cáo của RabbitMQ.",
            "Dài mà không ai lấy, hoặc dài mà tốc độ bằng 0.",
            "docs/runbooks/no-consumers.md và docs/runbooks/not-draining.md.",
        ),
        [Query("trunk:queue_messages"), Query("trunk:queue_consumers"), Query("trunk:queue_acked:rate10m")],
        [
            Column("queue", "Hàng đợi"),
            Column("service", "Dịch vụ", words.SERVICES, link=TO_SERVICE),
            Column("urgency", "Làn", words.LANES),
            Column("Value #A", "Bản tin", unit=COUNT),
            Column("Value #B", "Số nơi lấy", unit=COUNT),
            Column("Value #C", "Xong mỗi giây", unit=PER_SECOND),
        ],
        worst="Bản tin",
        size=(24, 9),
    )


def _work() -> list[Panel]:
    return [
        lines(
            Text(
                "Độ dài hàng đợi",
                "Bản tin nằm trong hàng đợi, kể cả đang chờ lần thử sau, theo hàng đợi.",
                "Tăng đều mà không giảm; hàng đợi khẩn khác 0 lâu.",
                "docs/runbooks/not-draining.md; thêm bản sao cho dịch vụ đó.",
            ),
            Query("trunk:queue_messages", "{{queue}}"),
            unit="short",
            many=True,
        ),
        lines(
            Text(
                "Chờ lấy và đang làm",
                "“Chờ lấy”: chưa dịch vụ nào nhận. “Đang làm”: đã nhận, chưa xác nhận.",
                "“Đang làm” đứng yên lâu: dịch vụ treo giữa chừng.",
                "docs/runbooks/not-draining.md.",
            ),
            Query(f"sum(rabbitmq_detailed_queue_messages_ready{{{WORK}}})", "Chờ lấy"),
            Query(f"sum(rabbitmq_detailed_queue_messages_unacked{{{WORK}}})", "Đang làm"),
            unit="short",
        ),
        lines(
            Text(
                "Bản tin xong mỗi giây",
                "Tốc độ các dịch vụ xác nhận xong bản tin của từng hàng đợi.",
                "Bằng 0 khi hàng đợi không rỗng.",
                "docs/runbooks/not-draining.md.",
            ),
            Query(
                f"sum by (queue) (rate(rabbitmq_detailed_queue_messages_acked_total{{{WORK}}}[$__rate_interval]))",
                "{{queue}}",
            ),
            unit=PER_SECOND,
            many=True,
            step=STEP,
        ),
        lines(
            Text(
                "Giao lại mỗi giây",
                "Bản tin RabbitMQ phải giao lần nữa vì lần trước không được xác nhận.",
                "Khác 0 lâu: dịch vụ chết giữa chừng hoặc có lỗi. Sau 20 lần hỏng bản tin bị giữ lại.",
                "docs/runbooks/messages-failing.md.",
            ),
            Query(
                f"sum by (queue) "
                f"(rate(rabbitmq_detailed_queue_messages_redelivered_total{{{WORK}}}[$__rate_interval]))",
                "{{queue}}",
            ),
            unit=PER_SECOND,
            many=True,
            step=STEP,
        ),
    ]


def _aside(rules: Rules) -> list[Panel]:
    return [
        lines(
            Text(
                "Văn bản các đơn vị nộp, chưa tiếp nhận",
                "Tổng số bản tin trong hàng đợi nộp của mọi đơn vị, theo làn.",
                "Tăng đều: tiếp nhận không kịp, hoặc không lấy.",
                "docs/runbooks/no-consumers.md; thêm bản sao cho dịch vụ tiếp nhận.",
            ),
            Query("trunk:submit_messages", "{{urgency}}"),
            unit="short",
            words=words.LANES,
            step=STEP,
        ),
        lines(
            Text(
                "Chờ lần thử sau",
                "Bản tin chưa xử lý được ở lần trước; RabbitMQ giữ và giao lại sau 10 giây đến 10 phút "
                "(làn khẩn: 2 giây đến 1 phút).",
                "Tăng lâu: có thứ chưa kết luận được, thường vì thiếu danh sách thu hồi, hoặc một máy chủ vắng mặt.",
                "docs/runbooks/messages-failing.md và docs/runbooks/revocation.md.",
            ),
            Query("sum by (service, urgency) (trunk:queue_messages - trunk:queue_due)", "{{service}} · {{urgency}}"),
            Query("trunk:submit_messages - trunk:submit_due", "{{service}} · {{urgency}} · văn bản nộp"),
            unit="short",
            words=words.joined(words.SERVICES, words.LANES),
            step=STEP,
            many=True,
        ),
        lines(
            Text(
                "Chưa đặt được vào hộp đến, theo nguyên nhân",
                "Bản tin mà bộ định tuyến giữ vì hộp đến không nhận; thử lại thưa dần đến 10 phút một lần.",
                "“RabbitMQ không trả lời” khác 0; nguyên nhân khác kéo dài quá 15 phút.",
                "docs/runbooks/unit-endpoint.md; không trả lời: docs/runbooks/broker-down.md.",
            ),
            Query("max by (cause) (trunk_placings_waiting)", "{{cause}}"),
            unit="short",
            levels=rules.bad_from("TrunkPlacingsWaiting"),
            words=words.CAUSES,
            many=True,
        ),
        lines(
            Text(
                "Gói tin chờ văn bản được dẫn chiếu",
                "Thu hồi, cập nhật, trạng thái đến trước văn bản của nó; quá 24 giờ thì bị từ chối (E_REFDOC).",
                "Tăng mãi: một đơn vị dẫn chiếu sai mã định danh, hoặc văn bản của họ không đến được.",
                "trunkctl track với mã gói tin cho biết nó chờ văn bản nào.",
            ),
            Query("sum(max by (kind) (trunk_packages_waiting))", "Gói tin"),
            unit="short",
            words=words.KINDS,
        ),
        lines(
            Text(
                "Gói tin đang đi qua hệ thống",
                "Số gói tin đã tiếp nhận mà định tuyến chưa xong, theo làn, và số tối đa cùng lúc. Phần còn lại chờ "
                "trong hàng đợi của từng đơn vị và được lấy lần lượt.",
                "Tối đa bằng 0: dịch vụ tiếp nhận không nghe được luồng trunk.progress, nên một đơn vị gửi dồn làm "
                "chậm đơn vị khác. Nhiều gói hết hạn theo dõi: kiểm tra chữ ký hoặc định tuyến đang đứng.",
                "trunkctl topology check; nhật ký của dịch vụ tiếp nhận, kiểm tra chữ ký và định tuyến.",
            ),
            Query("sum by (urgency) (trunk_packages_under_way)", "{{urgency}}"),
            Query("sum(trunk_packages_under_way_limit)", "Tối đa cùng lúc"),
            Query("sum(increase(trunk_packages_under_way_lapsed_total[$__rate_interval]))", "Hết hạn theo dõi"),
            unit="short",
            words=words.LANES,
            many=True,
        ),
        lines(
            Text(
                "Đơn vị gửi quá mức mỗi phút",
                "Số đơn vị đã tới giới hạn của phút này, theo làn; và số phút vượt giới hạn của từng đơn vị. "
                "Phần vượt chờ trong hàng đợi của chính đơn vị đó.",
                "Một đơn vị vượt suốt nhiều phút: phần mềm của họ gửi lặp, hoặc đang gửi bù.",
                "trunkctl units rates; gọi đơn vị.",
            ),
            Query("max by (urgency) (trunk_units_over_rate)", "{{urgency}}"),
            Query(
                "topk(5, sum by (unit) (increase(trunk_unit_rate_exceeded_total[$__rate_interval])))"
                ' or label_replace(vector(0), "unit", "Đơn vị khác", "", "")',
                "{{unit}}",
            ),
            unit="short",
            words=words.LANES,
        ),
        lines(
            Text(
                "Gói tin có thể đã mất",
                "Gói tin quá hạn mà không dịch vụ nào cho biết đang ở đâu, và số gói được công bố lại mỗi giờ.",
                "Khác 0 quá 15 phút.",
                "docs/runbooks/packages-may-be-lost.md.",
            ),
            Query("sum(max by (urgency) (trunk_lost_suspects))", "Chưa rõ ở đâu"),
            Query("sum(increase(trunk_redriven_total[1h]))", "Công bố lại trong một giờ"),
            unit="short",
            levels=rules.bad_from("TrunkPackagesMayBeLost"),
        ),
        lines(
            Text(
                "Hộp đến của các đơn vị",
                "Tổng số bản tin chờ trong mọi hộp đến, và bao nhiêu hộp đến đang có bản tin.",
                "Tăng cả trong giờ làm việc.",
                "Trang Tổng quan có bảng từng đơn vị; docs/runbooks/inbox-not-read.md.",
            ),
            Query("sum(trunk:inbox_messages)", "Bản tin"),
            Query("count(trunk:inbox_messages > 0)", "Hộp đến có bản tin"),
            unit="short",
            step=STEP,
        ),
        lines(
            Text(
                "Thành thư chết",
                "Bản tin RabbitMQ chuyển sang hàng đợi thư chết vì bị từ chối hoặc hỏng quá số lần; "
                "dịch vụ giữ chúng lại cho người vận hành.",
                "“Quá số lần giao” khác 0: một bản tin làm dịch vụ hỏng 20 lần.",
                "docs/runbooks/parked-messages.md.",
            ),
            *(
                Query(
                    f"round(sum(increase(rabbitmq_global_messages_dead_lettered_{cause}_total"
                    '{dead_letter_strategy="at_least_once"}[$__rate_interval])))',
                    word.capitalize(),
                )
                for cause, word in words.BROKER_CAUSES.items()
            ),
            unit="short",
            size=(24, 8),
        ),
    ]
