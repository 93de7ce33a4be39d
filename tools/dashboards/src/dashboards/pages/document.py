"""Page 9: one document across all services, by its id; no metric knows it."""

from grafana_foundation_sdk.builders import dashboard as build

from dashboards.levels import Rules
from dashboards.logs import LINE, log_lines, trace_table
from dashboards.page import page
from dashboards.panels import Text
from dashboards.sources import LOGS, METRICS, TRACES

OURS = '{service_name=~"trunk-.+"}'
ASKED = r"!~ `^\Q$document_id\E`"
"""No line begins with an id, and every line with nothing: an empty box finds nothing, instead of everything. An id is
what a unit has made up, so nothing in it is taken for a part of the regular expression."""
FILTER = (
    "document_id=`$document_id` or document_key=`$document_id` or package_id=`$document_id` or trace_id=`$document_id`"
)

UNDONE = "level=~`warning|error|critical` or outcome=~`retried|redelivered|parked|quarantined`"
"""A line that says why an attempt failed is information: only the one with the traceback is a warning."""


def document(_rules: Rules) -> build.Dashboard:
    """Build the page."""
    return page(
        "trunk-document",
        "9. Một văn bản",
        "Điền DocumentId, khóa văn bản, mã gói tin hoặc mã vết vào ô trên: mọi dòng nhật ký của năm dịch vụ "
        "và các vết. "
        "Trạng thái tại từng nơi nhận: trunkctl track.",
        [
            (
                "Diễn biến",
                [
                    log_lines(
                        Text(
                            "Nhật ký của văn bản, từ đầu đến cuối",
                            "Từng bản tin của văn bản qua năm dịch vụ, theo thứ tự thời gian.",
                            "Dòng mức error, hoặc dừng lại giữa chừng: bước sau dòng cuối là bước đang giữ văn bản.",
                            "Bấm vào một dòng rồi “Xem vết” để thấy thời gian từng bước; "
                            "docs/runbooks/stuck-document.md.",
                        ),
                        f"{OURS} {ASKED} | json | {FILTER} {LINE}",
                        size=(24, 14),
                    ),
                    log_lines(
                        Text(
                            "Chỉ lỗi, cảnh báo và những lần phải làm lại",
                            "Những dòng của văn bản ở mức warning trở lên, và những lần phải thử lại, bị giữ hoặc "
                            "bị cách ly.",
                            "Có dòng nào.",
                            "Lý do (reason) nằm trong dòng; ý nghĩa ở docs/upstream.md.",
                        ),
                        f"{OURS} {ASKED} | json | {UNDONE} | {FILTER} {LINE}",
                        size=(24, 6),
                    ),
                ],
            ),
            (
                "Vết",
                [
                    trace_table(
                        Text(
                            "Vết của văn bản",
                            "Đường đi từ lúc nộp tới hộp đến và thư báo, qua cả các lần thử lại; tìm được "
                            "khi ô trên là mã gói tin.",
                            "Một bước dài bất thường.",
                            "Bấm vào vết để mở; từ vết bấm sang nhật ký của bước đó.",
                        ),
                        '{ span.messaging.message.conversation_id = "$document_id" }',
                    )
                ],
            ),
        ],
        variables=[
            build.TextBoxVariable("document_id")
            .label("DocumentId, khóa văn bản, mã gói tin hoặc mã vết")
            .description("Chép từ nhật ký, từ thư báo, hoặc từ đơn vị hỏi")
        ],
        sources=[METRICS.chooser(), LOGS.chooser(), TRACES.chooser()],
        hours=72,
    )
