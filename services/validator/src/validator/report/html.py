"""The report for people: a page in Vietnamese that can be printed and filed.

The template engine escapes everything that comes out of a document or a certificate. The page has no scripts and loads
nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from jinja2 import Environment

from common.edxml.dates import VIETNAM
from common.sentences import sentence
from validator.report.change_rules import CHANGE_RULES
from validator.report.model import Report, in_zone
from validator.report.vietnamese import INDICATIONS, INTEGRITY, KINDS, LABELS, NOTES, ROLES, STEPS, VERDICTS

TEMPLATE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Kết quả kiểm tra văn bản điện tử</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body{font:15px/1.5 "Times New Roman",serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111}
h1{font-size:1.4em} h2{font-size:1.15em;margin:1.6em 0 .3em} table{border-collapse:collapse;width:100%}
th,td{border:1px solid #999;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{width:14em;font-weight:normal;background:#f3f3f3} .valid{color:#060} .refused{color:#a00} .undecided{color:#850}
.verdict{font-size:1.2em;font-weight:bold} section{page-break-after:always}
</style></head><body>
{% macro said(status) %}{{ status.kind | upper }}
{{ status.number if status.number is not none }}, {{ local(status.this_update) }} – {{ local(status.next_update) }}
{{- ", kèm trong tệp" if status.embedded else ", " ~ status.kept if status.kept }}<br>
<small>{{ status.sha256 }}</small>{% endmacro %}
{% macro revoked(status) %}Chứng thư <small>{{ status.certificate_sha256 }}</small> theo {{ said(status) }}
{%- endmacro %}
{% for name, report in reports %}<section>
<h1>Kết quả kiểm tra văn bản điện tử</h1>
<p class="verdict {{ report.verdict }}">{{ headline(report) }}</p>
{% if report.reason %}<p>{{ sentence(report.reason) }}<br>
<small>{{ report.reason }}, bước {{ report.step or "–" }} ({{ steps.get(report.step, "–") }}){{
", quy tắc " ~ report.rule if report.rule }}: {{ report.detail }}</small>
</p>{% endif %}
<table>
<tr><th>Tệp</th><td>{{ name }}</td></tr>
<tr><th>SHA-256</th><td>{{ report.document_sha256 }} ({{ report.document_bytes }} byte)</td></tr>
<tr><th>Đơn vị gửi</th><td>{{ report.sender or "không hỏi" }}</td></tr>
<tr><th>Tính toàn vẹn</th><td>{{ integrity[report.integrity] }}</td></tr>
<tr><th>Kiểm tra lúc</th><td>{{ local(report.verified_at) }}</td></tr>
<tr><th>Các bước đạt</th><td>{% for step in report.checks %}({{ step }}) {{ steps[step] }}{{ ", " if not loop.last }}
{%- endfor %}</td></tr>
{% if report.rules %}<tr><th>Quy tắc đạt</th><td>{{ report.rules | join(", ") }}</td></tr>{% endif %}
</table>
{% for each in report.signatures %}
<h2>{{ kinds[each.kind] }} “{{ each.field }}”: {{ indications[each.indication] }}</h2>
<table>
{% if each.reason %}<tr><th>Lý do</th><td>{{ sentence(each.reason) }}<br>
<small>{{ each.indication }} {{ each.sub_indication or "" }} · {{ each.reason }}{{
", quy tắc " ~ each.rule if each.rule }}: {{ each.detail }}</small></td></tr>
{% endif %}
<tr><th>Chủ thể chứng thư</th><td>{{ each.subject }}</td></tr>
{% if each.part %}<tr><th>Tư cách</th><td>{{ roles[each.part] }}</td></tr>{% endif %}
<tr><th>Thời điểm ký</th><td>{{ local(each.signing_time) }}
{%- if each.proven_at %}; chứng minh có trước {{ local(each.proven_at) }}{% endif %}</td></tr>
<tr><th>Xét chứng thư tại</th><td>{{ local(each.judged_at) }}</td></tr>
<tr><th>Thuật toán</th><td>{{ each.signature_algorithm }}, {{ each.digest_algorithm }}</td></tr>
<tr><th>Bao trùm</th><td>{{ each.covers_bytes }} byte đầu của tệp</td></tr>
<tr><th>Đường dẫn chứng thư</th><td>{% for sha256 in each.chain %}
{{- each.chain_subjects[loop.index0] ~ " " if each.chain_subjects }}<small>{{ sha256 }}</small><br>
{%- endfor %}</td></tr>
{% if each.tried %}<tr><th>Đường dẫn đã xét, không hợp lệ</th><td>{% for sha256 in each.tried %}
{{- each.tried_subjects[loop.index0] ~ " " if each.tried_subjects }}<small>{{ sha256 }}</small><br>
{%- endfor %}</td></tr>
{% endif %}
<tr><th>Trạng thái thu hồi</th><td>{% for status in each.statuses %}{{ said(status) }}<br>{% endfor %}</td></tr>
{% if each.revoked_by %}<tr><th>Đã bị thu hồi</th><td>{{ revoked(each.revoked_by) }}</td></tr>{% endif %}
{% if each.rules %}<tr><th>Quy tắc đạt</th><td>{{ each.rules | join(", ") }}</td></tr>{% endif %}
{% for stamp in each.time_stamps %}<tr><th>Dấu thời gian</th><td>{{ local(stamp.at) }}, {{ stamp.subject }}
{%- if stamp.detail %}: không dùng được ({{ stamp.detail }}){% endif %}
{%- if stamp.revoked_by %}<br>{{ revoked(stamp.revoked_by) }}{% endif %}</td></tr>{% endfor %}
</table>{% endfor %}
{% if report.changes %}<h2>Thay đổi được phép sau khi ký</h2><ul>{% for each in report.changes %}
<li>Lần cập nhật {{ each.revision }} (so với {{ each.since }}): {{ changes[each.rule].vietnamese }};
{{ each.object_count }} đối tượng <small>({{ each.rule }}: {{ each.objects | join(", ") }}
{{- ", …" if each.object_count > each.objects | length }})</small></li>{% endfor %}</ul>{% endif %}
{% if report.notes %}<h2>Ghi chú</h2><ul>{% for note in report.notes %}
<li>{{ notes[note.code] }}{% if note.detail %}: {{ note.detail }}{% endif %}</li>{% endfor %}</ul>{% endif %}
<h2>Căn cứ để kiểm tra lại</h2>
<table>
<tr><th>Chính sách</th><td>{{ report.policy_version }}</td></tr>
<tr><th>Danh bạ đơn vị</th><td>{{ report.directory_version or "không dùng" }}</td></tr>
<tr><th>Chứng thư gốc</th><td>{% for root in report.roots %}{{ root }}<br>{% endfor %}</td></tr>
<tr><th>Tập tin cậy</th><td>{{ report.trust_version or "không dùng" }}</td></tr>
<tr><th>Tập danh sách thu hồi</th><td>{{ report.revocation_version }}</td></tr>
<tr><th>Công cụ</th><td>{{ report.schema }}, pyHanko {{ report.pyhanko_version }}</td></tr>
</table></section>{% endfor %}
</body></html>
"""

_ENVIRONMENT = Environment(autoescape=True, trim_blocks=True)


def page(reports: Iterable[tuple[str, Report]]) -> str:
    """One page for all of (file name, report)."""
    template = _ENVIRONMENT.from_string(TEMPLATE)
    return template.render(
        reports=list(reports), headline=_headline, sentence=sentence, local=_local, integrity=INTEGRITY,
        indications=INDICATIONS, roles=ROLES, kinds=KINDS, notes=NOTES, steps=STEPS, changes=CHANGE_RULES,
    )  # fmt: skip


def _headline(report: Report) -> str:
    return f"HỢP LỆ. {LABELS[report.label]}." if report.label else VERDICTS[report.verdict]


def _local(at: datetime | None) -> str:
    """The time in Ho Chi Minh City."""
    return in_zone(at, VIETNAM).isoformat(timespec="seconds") if at else "–"
