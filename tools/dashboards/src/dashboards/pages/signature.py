"""Page 5: what signatures were found to be, and what they are judged by."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import words
from dashboards.levels import Levels, Rules
from dashboards.page import page
from dashboards.panels import AGE, COUNT, DAYS, HOURS, PER_SECOND, Column, Panel, Query, Text, bars, figure, lines, rows


def signature(rules: Rules) -> Dashboard:
    """Build the page."""
    return page(
        "trunk-signature",
        "5. Chữ ký số",
        "Chữ ký hợp lệ hay không, vì sao, kiểm tra mất bao lâu; danh sách thu hồi và chứng thư còn mới không.",
        [
            ("Kết luận", [_undecided(rules), *_verdicts()]),
            ("Căn cứ để kết luận", [*_material(rules), _revocation()]),
        ],
    )


def _undecided(rules: Rules) -> Panel:
    return figure(
        Text(
            "Chưa kết luận được, 30 phút qua",
            "Phần lần kiểm tra không kết luận được, thường vì thiếu danh sách thu hồi còn hiệu lực.",
            "Trên 5 %: văn bản đang chờ lần thử sau.",
            "docs/runbooks/revocation.md.",
        ),
        Query(
            '(sum(rate(trunk_signature_verdicts_total{verdict="indeterminate"}[30m])) or vector(0))'
            " / (sum(rate(trunk_signature_verdicts_total[30m])) > 0)",
            "Chưa kết luận",
        ),
        unit="percentunit",
        levels=rules.bad_from("TrunkSignatureIndeterminate"),
        nothing="30 phút qua không kiểm tra chữ ký nào",
        size=(6, 8),
    )


def _verdicts() -> list[Panel]:
    return [
        lines(
            Text(
                "Chữ ký kiểm tra mỗi giây, theo kết luận",
                "Mỗi chữ ký trên văn bản được kết luận hợp lệ, không hợp lệ, hoặc chưa kết luận được (EN 319 102-1).",
                "“Không hợp lệ” tăng vọt: một đơn vị ký sai hàng loạt, hoặc có người giả mạo.",
                "Xem lý do ở biểu đồ bên cạnh; tìm văn bản ở trang Một văn bản.",
            ),
            Query("sum by (verdict) (rate(trunk_signature_verdicts_total[$__rate_interval]))", "{{verdict}}"),
            unit=PER_SECOND,
            words=words.VERDICTS,
            size=(9, 8),
        ),
        bars(
            Text(
                "Vì sao không hợp lệ hoặc chưa kết luận",
                "Mười nguyên nhân nhiều nhất trong khoảng đang xem, theo thuật ngữ EN 319 102-1 (docs/report.md).",
                "HASH_FAILURE, SIG_CRYPTO_FAILURE: nội dung bị đổi sau khi ký. TRY_LATER: thiếu danh sách thu hồi.",
                "docs/validity.md giải thích từng bước; docs/runbooks/revocation.md cho TRY_LATER.",
            ),
            Query(
                "topk(10, sum by (verdict, sub_indication) "
                '(increase(trunk_signature_verdicts_total{verdict!="valid"}[$__range])))',
                "{{verdict}} · {{sub_indication}}",
            ),
            unit=COUNT,
            words=words.VERDICTS,
            size=(9, 8),
            nothing="Không có chữ ký nào bị loại",
        ),
        lines(
            Text(
                "Thời gian kiểm tra một tệp PDF: 95 % nhanh hơn",
                "Gồm cả thời gian chờ tiến trình kiểm tra rảnh.",
                "Trên vài giây: thiếu tiến trình, hoặc văn bản rất lớn.",
                "Thêm bản sao validator; docs/performance.md cho số đo bình thường.",
            ),
            Query(
                "histogram_quantile(0.95, sum by (le, verdict) "
                "(rate(trunk_signature_validation_seconds_bucket[$__rate_interval])))",
                "{{verdict}}",
            ),
            unit="s",
            words=words.VERDICTS,
        ),
        bars(
            Text(
                "Bị từ chối ở từng bước",
                "Từ chối trong khoảng đang xem: cả gói tin (tiếp nhận), văn bản (kiểm tra), một nơi nhận "
                "hoặc trạng thái (định tuyến).",
                "Khác hẳn ngày thường.",
                "Trang Tổng quan cho lý do từng loại.",
            ),
            Query(
                "sum by (service, source) (increase(trunk_documents_rejected_total[$__range]))",
                "{{service}} · {{source}}",
            ),
            unit=COUNT,
            words=words.joined(words.SERVICES, words.SOURCES),
        ),
    ]


def _material(rules: Rules) -> list[Panel]:
    return [
        rows(
            Text(
                "Tuổi của dữ liệu tin cậy",
                "Danh sách thu hồi của cơ quan chứng thực phát hành khi nào; danh mục đơn vị và thư mục tin cậy "
                "được đọc lần cuối khi nào. Danh sách của chứng thư gốc ra thưa nên không ở đây: trunkctl trust list.",
                "Quá một ngày (màu đỏ).",
                "docs/runbooks/trust.md: trunkctl trust refresh.",
            ),
            [Query('time() - max by (source) (trunk_trust_last_update_timestamp_seconds{source!~"arl/.+"})')],
            [
                Column("source", "Nguồn", words.TRUST_SOURCES, patterns=words.LISTS_AMONG_OTHERS),
                Column("Value", "Tuổi", unit=AGE, levels=Levels(86_400, yellow=43_200), width=130),
            ],
            worst="Tuổi",
            size=(8, 8),
        ),
        rows(
            Text(
                "Chứng thư gốc và cơ quan chứng thực còn hiệu lực bao lâu",
                "Thời gian còn lại của mỗi chứng thư trong thư mục tin cậy.",
                "Dưới 30 ngày (màu đỏ).",
                "docs/runbooks/trust.md: nhận chứng thư mới, so dấu vân tay, trunkctl trust add.",
            ),
            [Query("(min by (subject) (trunk_trust_not_after_timestamp_seconds) - time()) / 86400")],
            [
                Column("subject", "Chứng thư"),
                Column("Value", "Còn hiệu lực", unit=DAYS, levels=_expiry(rules), width=130),
            ],
            worst="Còn hiệu lực",
            low_is_worst=True,
            size=(8, 8),
        ),
        rows(
            Text(
                "Danh sách thu hồi còn hiệu lực bao lâu",
                "Thời gian còn lại của danh sách mới nhất của mỗi cơ quan chứng thực; số âm: đã hết, hoặc không có.",
                "Gần 0 mà chưa có danh sách mới.",
                "docs/runbooks/trust.md: trunkctl trust refresh.",
            ),
            [Query("(max by (source) (trunk_trust_list_end_timestamp_seconds) - time()) / 3600")],
            [
                Column("source", "Cơ quan chứng thực", patterns=words.TRUST_LISTS),
                Column("Value", "Còn hiệu lực", unit=HOURS, width=130),
            ],
            worst="Còn hiệu lực",
            low_is_worst=True,
            size=(8, 8),
        ),
        rows(
            Text(
                "Thư mục tin cậy: đang dùng",
                "Số chứng thư gốc, cơ quan chứng thực, cấp dấu thời gian và danh sách thu hồi đang dùng.",
                "Ít hơn hôm qua mà không ai bỏ bớt.",
                "docs/runbooks/trust.md: trunkctl trust list.",
            ),
            [Query("min by (kind) (trunk_trust_items)")],
            [Column("kind", "Loại", words=words.TRUST_ITEMS), Column("Value", "Số lượng", unit=COUNT)],
            worst="Số lượng",
            low_is_worst=True,
            size=(8, 8),
        ),
        rows(
            Text(
                "Thư mục tin cậy: tệp bị bỏ qua",
                "Số tệp không dùng được, hoặc chỉ dùng được một phần, theo thư mục.",
                "Khác 0.",
                "docs/runbooks/trust.md: nhật ký validator nêu tên tệp và lý do.",
            ),
            [Query("max by (folder) (trunk_trust_files_left_out)")],
            [Column("folder", "Thư mục", words=words.TRUST_FOLDERS), Column("Value", "Số tệp", unit=COUNT)],
            worst="Số tệp",
            size=(8, 8),
        ),
    ]


def _expiry(rules: Rules) -> Levels:
    return Levels(rules.limit("TrunkCertificateExpiring") / 86_400, yellow=90, low_is_bad=True)


def _revocation() -> Panel:
    return lines(
        Text(
            "Tra cứu thu hồi mỗi giây",
            "Mỗi chứng thư được tra trong danh sách thu hồi, câu trả lời OCSP kèm văn bản, hoặc kết quả còn nhớ.",
            "“Không rõ” khác 0: thiếu danh sách. “Đã thu hồi” nhiều: một đơn vị ký bằng chứng thư đã mất.",
            "docs/runbooks/revocation.md.",
        ),
        Query(
            "sum by (method, outcome) (rate(trunk_revocation_checks_total[$__rate_interval]))",
            "{{method}} · {{outcome}}",
        ),
        unit=PER_SECOND,
        words=words.REVOCATION,
        size=(8, 8),
    )
