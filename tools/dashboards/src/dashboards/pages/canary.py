"""The canary's panels on page 10: how rounds ended, how long steps took, what was left over, how long it can sign."""

from dashboards import words
from dashboards.levels import Levels, Rules
from dashboards.panels import COUNT, DAYS, Panel, Query, Text, bars, figure, lines


def canary(rules: Rules) -> list[Panel]:
    """One row."""
    return [
        bars(
            Text(
                "Thư dò đường theo kết quả",
                "Mỗi lần dò trong khoảng thời gian đang xem kết thúc thế nào; 12 lần một giờ.",
                "Bất cứ thứ gì ngoài “Tới đủ” nhiều lần liền; “Tới sai” dù một lần.",
                "docs/runbooks/canary.md có bảng theo từng kết quả.",
            ),
            Query("sum by (outcome) (increase(trunk_canary_attempts_total[$__range]))", "{{outcome}}"),
            unit=COUNT,
            words=words.CANARY_OUTCOMES,
        ),
        lines(
            Text(
                "Thư dò đường: thời gian tới mỗi bước",
                "Trung bình 30 phút, từ lúc bắt đầu một lần dò. Khoảng cách giữa hai đường là thời gian của một bước.",
                "Thư tới hộp đến sau hơn 60 giây: làn khẩn chậm.",
                "docs/runbooks/delivery-slow.md.",
            ),
            Query(
                "sum by (step) (rate(trunk_canary_step_seconds_sum[30m]))"
                " / (sum by (step) (rate(trunk_canary_step_seconds_count[30m])) > 0)",
                "{{step}}",
            ),
            unit="s",
            words=words.CANARY_STEPS,
            many=True,
        ),
        figure(
            Text(
                "Thư cũ mà thư dò đường dọn",
                "Bản tin không thuộc lần dò nào đang chạy, lấy ra khỏi hộp đến của hai đơn vị thử trong 1 giờ qua.",
                "Tăng đều: thư tới sau khi hết 4 phút, hoặc hai tiến trình canary cùng chạy.",
                "docs/runbooks/canary.md.",
            ),
            Query("sum(increase(trunk_canary_leftovers_total[1h]))", "Bản tin"),
            unit=COUNT,
            size=(12, 5),
        ),
        figure(
            Text(
                "Chứng thư của thư dò đường còn",
                "Thời gian tới khi hai chứng thư mà canary dùng để ký hết hạn. Số âm rất lớn: không đọc được.",
                "Dưới 30 ngày.",
                "docs/runbooks/canary.md; xin chứng thư mới mất nhiều ngày.",
            ),
            Query(
                "(min by (role) (trunk_canary_certificate_not_after_timestamp_seconds) - time()) / 86400", "{{role}}"
            ),
            unit=DAYS,
            levels=Levels(rules.limit("TrunkCanaryCertificateExpiring") / 86_400, low_is_bad=True),
            words=words.CANARY_ROLES,
            size=(12, 5),
        ),
    ]
