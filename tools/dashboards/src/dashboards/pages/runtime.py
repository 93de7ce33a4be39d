"""Page 10: processes, what they need, and the broker's machines."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Levels, Rules
from dashboards.page import page
from dashboards.pages.canary import canary
from dashboards.panels import COUNT, Column, Panel, Query, Text, lines, rows
from dashboards.ways import TO_SERVICE


def runtime(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-runtime",
        "10. Nền tảng",
        "Các tiến trình của trục, phiên bản, những gì chúng cần, và máy của RabbitMQ. "
        "CPU và bộ nhớ của container xem ở trang có sẵn của cụm Kubernetes.",
        [
            ("Dịch vụ", [*_services()]),
            ("Thư dò đường", [*canary(rules)]),
            ("RabbitMQ", [*_broker()]),
        ],
    )


def _services() -> list[Panel]:
    return [
        rows(
            Text(
                "Dịch vụ và những gì chúng cần",
                "Mỗi dịch vụ có liên lạc được với RabbitMQ, MongoDB, kho đối tượng và đọc được dữ liệu của mình không.",
                "Có dòng “Mất”.",
                "docs/runbooks/dependency-down.md; /readyz của dịch vụ nói rõ thiếu gì.",
            ),
            [Query("min by (service, dependency) (trunk_dependency_up)")],
            [
                Column("service", "Dịch vụ", words.SERVICES, link=TO_SERVICE),
                Column("dependency", "Cần", words.DEPENDENCIES),
                Column("Value", "Tình trạng", words.UP, levels=Levels(1.0, low_is_bad=True)),
            ],
            worst="Tình trạng",
            low_is_worst=True,
        ),
        rows(
            Text(
                "Phiên bản đang chạy",
                "Mỗi bản sao chạy phiên bản nào, và chờ cấu trúc dữ liệu phiên bản mấy.",
                "Một dịch vụ có hai phiên bản lâu hơn một lần nâng cấp.",
                "docs/operations: thứ tự nâng cấp và quay lui.",
            ),
            [
                Query("count by (service, version, revision) (trunk_build_info)"),
                Query("max by (service) (trunk_schema_version)"),
            ],
            [
                Column("service", "Dịch vụ", words.SERVICES, link=TO_SERVICE),
                Column("version", "Phiên bản"),
                Column("revision", "Mã nguồn"),
                Column("Value #A", "Bản sao", unit=COUNT, width=90),
                Column("Value #B", "Cấu trúc", unit=COUNT, width=90),
            ],
            worst="Dịch vụ",
        ),
        lines(
            Text(
                "Bản sao trả lời",
                "Số bản sao mỗi dịch vụ trả lời Prometheus.",
                "Răng cưa: bản sao chết đi sống lại.",
                "docs/runbooks/service-down.md.",
            ),
            Query('sum by (service) (up{job="trunk"})', "{{service}}"),
            unit="short",
            words=words.SERVICES,
            many=True,
        ),
        lines(
            Text(
                "Thời gian đọc số liệu",
                "Prometheus mất bao lâu để đọc /metrics của mỗi dịch vụ; tăng khi tiến trình nghẽn.",
                "Trên vài giây.",
                "Tiến trình không kịp trả lời: thiếu CPU, hoặc xử lý chặn vòng lặp.",
            ),
            Query('max by (service) (scrape_duration_seconds{job="trunk"})', "{{service}}"),
            unit="s",
            words=words.SERVICES,
            many=True,
        ),
    ]


def _broker() -> list[Panel]:
    return [
        lines(
            Text(
                "Bộ nhớ của RabbitMQ, so với ngưỡng",
                "Bộ nhớ mỗi nút đang dùng so với ngưỡng chặn nơi gửi.",
                "Trên 80 %; ở 100 % mọi nơi gửi bị chặn.",
                "docs/runbooks/broker-alarm.md.",
            ),
            Query("rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes", "{{instance}}"),
            unit="percentunit",
            levels=Levels(1.0, yellow=0.8),
        ),
        lines(
            Text(
                "Đĩa trống của RabbitMQ",
                "Dung lượng đĩa còn trống của mỗi nút, và ngưỡng mà dưới đó mọi nơi gửi bị chặn.",
                "Gần ngưỡng.",
                "docs/runbooks/broker-alarm.md.",
            ),
            Query("rabbitmq_disk_space_available_bytes", "{{instance}}"),
            Query("max(rabbitmq_disk_space_available_limit_bytes)", "Ngưỡng"),
            unit="bytes",
        ),
        lines(
            Text(
                "Kết nối và kênh",
                "Kết nối của dịch vụ và đơn vị, và số kênh trong đó.",
                "Tăng không ngừng: một phần mềm mở kết nối mà không đóng.",
                "rabbitmqctl list_connections user name; báo đơn vị.",
            ),
            Query("sum(rabbitmq_connections)", "Kết nối"),
            Query("sum(rabbitmq_channels)", "Kênh"),
            unit="short",
        ),
        lines(
            Text(
                "Tệp đang mở, so với giới hạn",
                "Mỗi kết nối và hàng đợi cần tệp; hết thì RabbitMQ không nhận thêm kết nối.",
                "Trên 80 %.",
                "Nâng giới hạn nofile của RabbitMQ; tìm phần mềm mở quá nhiều kết nối.",
            ),
            Query("rabbitmq_process_open_fds / rabbitmq_process_max_fds", "{{instance}}"),
            unit="percentunit",
            levels=Levels(0.9, yellow=0.8),
        ),
    ]
