"""Page 11: who did what they may not do, and what was given up: for those who guard and operate the trunk."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Rules
from dashboards.page import page
from dashboards.panels import COUNT, Panel, Query, Text, bars, figure, lines

STEP = "30s"
GRAVE = 'kind=~"FORGED_FACT|ANONYMOUS_MESSAGE"'


def security(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-security",
        "11. An ninh và bản tin bị giữ",
        "Sự kiện an ninh theo loại, bản tin bị cách ly, và bản tin bị giữ theo lý do.",
        [
            ("Bây giờ", [_quarantined(rules), _grave(rules), _parked_now(rules), _logins(rules)]),
            ("Sự kiện an ninh", [_by_kind(), _over_time()]),
            ("Bản tin bị giữ", [_parked(rules), _given_up()]),
        ],
        hours=24,
    )


def _quarantined(rules: Rules) -> Panel:
    return figure(
        Text(
            "Đang bị cách ly",
            "Bản tin mà người gửi không có quyền công bố; không bao giờ được xử lý.",
            "Khác 0: một tài khoản có thể đã lộ.",
            "docs/runbooks/quarantine.md, ngay lập tức.",
        ),
        Query('sum(trunk:messages_held{quarantined="true"})', "Bản tin"),
        unit=COUNT,
        levels=rules.bad_from("TrunkMessageQuarantined"),
    )


def _grave(rules: Rules) -> Panel:
    return figure(
        Text(
            "Giả mạo hoặc không rõ người gửi, 1 giờ qua",
            "Sự kiện giả mạo và bản tin không có người gửi được RabbitMQ xác nhận.",
            "Khác 0.",
            "docs/runbooks/quarantine.md.",
        ),
        Query(f"sum(increase(trunk_security_events_total{{{GRAVE}}}[1h]))", "Lần"),
        unit=COUNT,
        levels=rules.bad_from("TrunkForgery"),
    )


def _parked_now(rules: Rules) -> Panel:
    return figure(
        Text(
            "Đang bị giữ",
            "Bản tin hệ thống không tự xử lý được nữa, chờ người vận hành quyết định.",
            "Khác 0; mỗi bản tin có thể là một văn bản chưa tới nơi nhận.",
            "docs/runbooks/parked-messages.md: trunkctl park list.",
        ),
        Query('sum(trunk:messages_held{quarantined="false"})', "Bản tin"),
        unit=COUNT,
        levels=rules.bad_from("TrunkMessagesParked"),
    )


def _logins(rules: Rules) -> Panel:
    return figure(
        Text(
            "Đăng nhập thất bại mỗi 10 phút",
            "Số lần RabbitMQ từ chối đăng nhập, trung bình mỗi 10 phút của 30 phút qua.",
            "Trên 20: phần mềm dùng mật khẩu cũ, hoặc có người dò mật khẩu.",
            "docs/runbooks/security-event.md.",
        ),
        Query('sum(increase(trunk_security_events_total{kind="LOGIN_FAILED"}[30m])) / 3', "Lần"),
        unit=COUNT,
        levels=rules.bad_from("TrunkLoginsFailing"),
    )


def _by_kind() -> Panel:
    return bars(
        Text(
            "Sự kiện an ninh theo loại",
            "Số sự kiện an ninh đã ghi vào sổ trong khoảng đang xem, theo loại.",
            "Loại chưa từng thấy, hoặc một loại tăng vọt.",
            "docs/runbooks/security-event.md; ý nghĩa từng loại ở docs/security.md.",
        ),
        Query("sum by (kind) (increase(trunk_security_events_total[$__range])) > 0", "{{kind}}"),
        unit=COUNT,
        words=words.SECURITY,
        size=(10, 9),
        nothing="Không có sự kiện an ninh nào",
    )


def _over_time() -> Panel:
    return lines(
        Text(
            "Sự kiện an ninh theo thời gian",
            "Mỗi đường là một loại; chỉ hiện loại có sự kiện.",
            "Tăng đều hoặc lặp lại theo giờ.",
            "docs/runbooks/security-event.md.",
        ),
        Query("round(sum by (kind) (increase(trunk_security_events_total[$__rate_interval])) > 0)", "{{kind}}"),
        unit="short",
        words=words.SECURITY,
        many=True,
        size=(14, 9),
        nothing="Không có sự kiện an ninh nào",
    )


def _parked(rules: Rules) -> Panel:
    return lines(
        Text(
            "Bản tin bị giữ, theo dịch vụ và lý do",
            "Số bản tin mỗi dịch vụ đang giữ cho người vận hành, theo lý do.",
            "Tăng: lý do đó đang lặp lại.",
            "docs/runbooks/parked-messages.md: sửa nguyên nhân, rồi trunkctl park replay.",
        ),
        Query('sum by (service, reason) (trunk:messages_held{quarantined="false"}) > 0', "{{service}} · {{reason}}"),
        unit="short",
        levels=rules.bad_from("TrunkMessagesParked"),
        words=words.joined(words.SERVICES, words.reasons()),
        nothing="Không có bản tin nào bị giữ",
        step=STEP,
        many=True,
    )


def _given_up() -> Panel:
    return lines(
        Text(
            "Bản tin mới bị giữ hoặc cách ly",
            "Số bản tin mỗi dịch vụ thôi xử lý, theo thời gian.",
            "Khác 0.",
            "docs/runbooks/parked-messages.md và docs/runbooks/quarantine.md.",
        ),
        Query(
            'round(sum by (service, outcome) (increase(trunk_messages_total{outcome=~"parked|quarantined"}'
            "[$__rate_interval])))",
            "{{service}} · {{outcome}}",
        ),
        unit="short",
        words=words.joined(words.SERVICES, words.MESSAGES),
        many=True,
    )
