"""The words of a report in Vietnamese, for the page that people read."""

from common.domain.names import Label
from validator.report.rules import Step
from validator.report.vocabulary import Indication, Integrity, NoteCode, SignatureKind, SignerRole, Verdict

LABELS = {
    Label.ORIGINAL: "Bản gốc: có chữ ký số của người có thẩm quyền và của cơ quan, tổ chức",
    Label.CERTIFIED_COPY: "Bản sao y: bản quét có chữ ký số của cơ quan, tổ chức",
}
VERDICTS = {
    Verdict.VALID: "Mọi chữ ký số đều hợp lệ (không hỏi đơn vị và thẩm quyền).",
    Verdict.UNDECIDED: "CHƯA KẾT LUẬN ĐƯỢC.",
    Verdict.REFUSED: "KHÔNG HỢP LỆ.",
}
"""Of a document that has no label."""
INTEGRITY = {
    Integrity.INTACT: "toàn vẹn",
    Integrity.TAMPERED: "đã bị thay đổi sau khi ký, hoặc chữ ký không đúng",
    Integrity.UNKNOWN: "chưa biết: chữ ký dùng thuật toán hoặc khoá không hỗ trợ, hoặc thiếu chứng thư số",
    Integrity.UNSIGNED: "không có chữ ký số",
    Integrity.MALFORMED: "không đọc được như một tệp PDF",
}
INDICATIONS = {
    Indication.TOTAL_PASSED: "Hợp lệ",
    Indication.INDETERMINATE: "Chưa kết luận được",
    Indication.TOTAL_FAILED: "Không hợp lệ",
}
ROLES = {
    SignerRole.UNIT: "cơ quan, tổ chức gửi",
    SignerRole.SIGNER: "người có thẩm quyền",
    SignerRole.OTHER_UNIT: "đơn vị khác",
    SignerRole.LAPSED: "thẩm quyền không còn vào ngày ký",
    SignerRole.STRANGER: "không đăng ký",
}
KINDS = {SignatureKind.SIGNATURE: "Chữ ký số", SignatureKind.TIME_STAMP: "Dấu thời gian"}
NOTES = {
    NoteCode.CERTIFICATE_SHARED: "Một chứng thư số đăng ký cho nhiều đơn vị (sự kiện an toàn)",
    NoteCode.OTHER_UNIT_SIGNED: "Có chữ ký của đơn vị khác",
    NoteCode.TIME_AHEAD: "Giờ ký ghi lệch tới bảy giờ (giờ địa phương ghi như giờ UTC)",
    NoteCode.NO_SIGNING_TIME: "Không ghi giờ ký, hoặc giờ ký không đọc được",
    NoteCode.SIGNING_TIME_NOT_USED: "Giờ ký ghi trong tệp không thể đúng, không dùng để xét",
    NoteCode.ROLE_HELD_LATER: "Thẩm quyền không có vào ngày ký ghi trong tệp, nhưng có vào ngày nhận",
    NoteCode.SIGNING_TIMES_OUT_OF_ORDER: "Giờ ký ghi trong tệp trái với thứ tự ký",
    NoteCode.NO_SIGNING_CERTIFICATE_ATTRIBUTE: "Chữ ký không nêu chứng thư số đã dùng",
    NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE: "Ngày ký khác ngày ban hành",
    NoteCode.TIMESTAMP_NOT_USED: "Dấu thời gian không dùng được",
    NoteCode.JUDGED_AT_PROVEN_TIME: "Chứng thư số được xét tại thời điểm dấu thời gian chứng minh",
    NoteCode.SCAN_FORM: "Văn thư nơi nhận xem lại bản quét",
}
STEPS = {
    Step.GATE: "tệp",
    Step.PARSE: "đọc PDF",
    Step.STRUCTURE: "cấu trúc chữ ký",
    Step.DIFFERENCE: "thay đổi sau khi ký",
    Step.CRYPTOGRAPHY: "mật mã",
    Step.CHAIN: "đường dẫn chứng thư",
    Step.REVOCATION: "thu hồi",
    Step.TIME: "thời gian",
    Step.IDENTITY: "chủ thể và thẩm quyền",
    Step.ORDER: "thứ tự ký",
    Step.FORM: "thể thức",
    Step.SECRECY: "bí mật nhà nước",
}
