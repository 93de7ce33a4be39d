"""Page 6: whether what was delivered is kept, too."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Rules
from dashboards.page import page
from dashboards.panels import AGE, COUNT, PER_SECOND, Panel, Query, Text, figure, lines

WAITING = 'trunk_oldest_unfinished_timestamp_seconds{stage="archiving"}'

TIDIED = 'trunk_log_tidy_last_success_timestamp_seconds{service="archive"}'
NEVER = {"-1": "Chưa lần nào"}


def since(moment: str) -> str:
    """PromQL: seconds since a moment; -1 where it never was, which the metric says by 0."""
    return f"(time() - ({moment} > 0)) or (({moment} == 0) - 1)"


def archive(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-archive",
        "6. Lưu trữ",
        "Văn bản hợp lệ đã nằm trong kho lưu trữ có khóa chưa, ghi mất bao lâu, hỏng bao nhiêu.",
        [("Bây giờ", [*_now(rules)]), ("Theo thời gian", [*_over_time()])],
    )


def _now(rules: Rules) -> list[Panel]:
    return [
        figure(
            Text(
                "Văn bản cũ nhất chưa lưu trữ",
                "Văn bản mà hồ sơ lưu chưa ghi xong đã chờ bao lâu; 0 là đã lưu trữ hết.",
                "Trên 15 phút. Việc giao không bị chậm, nhưng bằng chứng chưa được khóa.",
                "docs/runbooks/archive.md.",
            ),
            Query(
                f"max by (urgency) ((time() - ({WAITING} > 0)) or (0 * {WAITING}))",
                "{{urgency}}",
            ),
            unit=AGE,
            levels=rules.bad_from("TrunkArchivingLate", yellow=300),
            words=words.LANES,
            size=(8, 5),
        ),
        figure(
            Text(
                "Ghi hỏng trong 30 phút",
                "Lần ghi không xong vì kho đối tượng hoặc cơ sở dữ liệu; mỗi lần đều được thử lại.",
                "Trên 3.",
                "docs/runbooks/archive.md.",
            ),
            Query(
                '(sum(increase(trunk_archive_writes_total{outcome="failed"}[30m])) or vector(0))'
                " and on () (sum(trunk_archive_writes_total) >= 0)",
                "Ghi hỏng",
            ),
            unit=COUNT,
            levels=rules.bad_from("TrunkArchiveFailing", yellow=1),
            size=(8, 5),
        ),
        figure(
            Text(
                "Hồ sơ ghi trong khoảng đang xem",
                "Số gói tin đã nằm trong kho lưu trữ, hợp lệ cũng như bị từ chối.",
                "Khác xa số văn bản tiếp nhận.",
                "So với trang Tổng quan; trunkctl track cho một văn bản.",
            ),
            Query('sum(increase(trunk_archive_writes_total{outcome="written"}[$__range]))', "Hồ sơ"),
            unit=COUNT,
            size=(8, 5),
        ),
        figure(
            Text(
                "Bản sao lưu gần nhất",
                "Lần sao lưu trọn vẹn gần nhất bắt đầu cách đây bao lâu.",
                "Trên 13 giờ: hai lần liền không xong.",
                "docs/runbooks/backup-old.md.",
            ),
            Query(f"max by (of) ({since('trunk_backup_last_success_timestamp_seconds')})", "{{of}}"),
            unit=AGE,
            alarms=NEVER,
            levels=rules.bad_from("TrunkBackupOld", yellow=25_200),
            words=words.BACKED_UP,
            size=(16, 5),
        ),
        figure(
            Text(
                "Lần dọn nhật ký niêm phong gần nhất",
                "Lần dọn ô tạm trọn vẹn gần nhất bắt đầu cách đây bao lâu.",
                "Trên 3 ngày: ba đêm liền không xong.",
                "docs/runbooks/ledger-log.md.",
            ),
            Query(f"max({since(TIDIED)})", "Đã qua"),
            unit=AGE,
            alarms=NEVER,
            levels=rules.bad_from("TrunkLogTidyOld", yellow=180_000),
            size=(8, 5),
        ),
        figure(
            Text(
                "Mục cũ nhất chưa niêm phong",
                "Mục của sổ đã chờ bao lâu mà chưa nằm trong nhật ký niêm phong; 0 là không có mục nào chờ.",
                "Trên 60 giây.",
                "docs/runbooks/ledger-log.md.",
            ),
            Query(
                "max(time() - (trunk_log_unsealed_since_timestamp_seconds > 0))"
                " or max(trunk_log_unsealed_since_timestamp_seconds)",
                "Chờ",
            ),
            unit=AGE,
            levels=rules.bad_from("TrunkLogLate", yellow=20),
            size=(12, 5),
        ),
        figure(
            Text(
                "Số mục đã niêm phong",
                "Kích thước của nhật ký niêm phong; chỉ tăng, không bao giờ giảm.",
                "Giảm, hoặc đứng yên khi văn bản vẫn đến.",
                "docs/runbooks/ledger-log.md.",
            ),
            Query("max(trunk_log_size)", "Mục"),
            unit=COUNT,
            size=(12, 5),
        ),
        figure(
            Text(
                "Hết hạn lưu mà chưa xóa",
                "Gói tin không được giữ và tệp tải lên đã hết hạn; mỗi giờ xóa một lượt.",
                "Khác 0 hơn hai ngày.",
                "docs/runbooks/removal-late.md.",
            ),
            Query("max by (ending) (trunk_removal_due)", "{{ending}}"),
            unit=COUNT,
            words=words.ENDINGS,
            size=(12, 5),
        ),
        figure(
            Text(
                "Đã xóa vì hết hạn trong khoảng đang xem",
                "Gói tin không được giữ và tệp tải lên đã xóa theo bảng thời hạn.",
                "Nhiều hơn hẳn mọi khi.",
                "docs/runbooks/removal-late.md.",
            ),
            Query("sum by (ending) (increase(trunk_removed_total[$__range]))", "{{ending}}"),
            unit=COUNT,
            words=words.ENDINGS,
            size=(12, 5),
        ),
    ]


def _over_time() -> list[Panel]:
    return [
        lines(
            Text(
                "Lần ghi mỗi giây, theo kết quả",
                "“Đã có sẵn”: bản tin tới lần nữa, hồ sơ đã có.",
                "“Hỏng” khác 0.",
                "docs/runbooks/archive.md.",
            ),
            Query("sum by (outcome) (rate(trunk_archive_writes_total[$__rate_interval]))", "{{outcome}}"),
            unit=PER_SECOND,
            words=words.WRITES,
        ),
        lines(
            Text(
                "Thời gian ghi một hồ sơ: 99 % nhanh hơn",
                "Gồm mọi bản sao có khóa của gói tin, tệp đính kèm và báo cáo kiểm tra.",
                "Trên vài giây: kho đối tượng chậm.",
                "Xem kho đối tượng; docs/runbooks/archive.md.",
            ),
            Query(
                "histogram_quantile(0.99, sum by (le, outcome) "
                "(rate(trunk_archive_write_seconds_bucket[$__rate_interval])))",
                "{{outcome}}",
            ),
            unit="s",
            words=words.WRITES,
        ),
    ]
