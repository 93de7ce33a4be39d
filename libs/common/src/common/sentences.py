"""One sentence per reason, in Vietnamese, for the people at the sending unit: what is wrong, and what to do."""

from common.domain.reason import Reason

SENTENCES: dict[Reason, str] = {
    Reason.E_XML: "Gói tin không phải XML hợp lệ; đề nghị xuất lại gói tin edXML và gửi lại.",
    Reason.E_NS: "Gói tin không theo định dạng edXML của QCVN 102:2016/BTTTT; đề nghị kiểm tra phần mềm và gửi lại.",
    Reason.E_SIZE: "Gói tin hoặc tệp đính kèm vượt quá dung lượng cho phép; đề nghị giảm dung lượng và gửi lại.",
    Reason.E_DEPTH: "Cấu trúc gói tin lồng quá sâu hoặc có quá nhiều phần tử; đề nghị tạo lại gói tin và gửi lại.",
    Reason.E_REFERENCE: "Không đọc được tệp đã tải lên mà bản tin dẫn tới, hoặc tệp đã bị đổi; đề nghị tải lên lại.",
    Reason.E_FROM: "Đơn vị gửi ghi trong gói tin không đúng với hệ thống đã gửi hoặc không còn hoạt động; "
    "đề nghị kiểm tra mã định danh nơi gửi.",
    Reason.E_TO: "Danh sách nơi nhận trống hoặc trùng lặp; đề nghị kiểm tra nơi nhận và gửi lại.",
    Reason.E_REQ: "Gói tin thiếu thông tin bắt buộc; đề nghị bổ sung và gửi lại.",
    Reason.E_LEN: "Một trường thông tin dài quá giới hạn; đề nghị rút gọn và gửi lại.",
    Reason.E_DATE: "Ngày tháng sai định dạng hoặc ở tương lai; đề nghị sửa và gửi lại.",
    Reason.E_ENUM: "Một trường mang mã không có trong danh mục; đề nghị dùng đúng mã và gửi lại.",
    Reason.E_REFDOC: "Văn bản được dẫn chiếu không có trên trục, đã bị từ chối hoặc không do đơn vị gửi ban hành; "
    "đề nghị kiểm tra mã định danh văn bản.",
    Reason.E_REFDOC_AWAITED: "Văn bản được dẫn chiếu chưa đến trục; trục giữ gói tin này và xử lý khi văn bản đến, "
    "quá hạn sẽ từ chối. Chưa cần gửi lại.",
    Reason.E_DUP: "Trục đã tiếp nhận một gói tin mang mã định danh văn bản này. Nếu là cùng một văn bản: "
    "không gửi lại và không cấp mã mới; nếu nội dung đã đổi: đề nghị gửi gói tin cập nhật hoặc thay thế.",
    Reason.E_SECRET: "Văn bản có dấu hiệu bí mật nhà nước, không được gửi qua trục; "
    "đề nghị chuyển theo quy định về bảo vệ bí mật nhà nước.",
    Reason.E_ATT_NONE: "Gói tin không có tệp văn bản đính kèm; đề nghị đính kèm và gửi lại.",
    Reason.E_ATT_LINK: "Danh mục tệp và các tệp đính kèm không khớp nhau; đề nghị tạo lại gói tin và gửi lại.",
    Reason.E_ATT_B64: "Tệp đính kèm rỗng hoặc mã hóa base64 sai; đề nghị tạo lại gói tin và gửi lại.",
    Reason.E_ATT_CORRUPT: "Tệp đính kèm bị hỏng; đề nghị đính kèm lại tệp gốc và gửi lại.",
    Reason.E_ATT_TYPE: "Loại tệp đính kèm không được phép hoặc không đúng với nội dung; đề nghị đổi tệp và gửi lại.",
    Reason.E_ATT_ZIP: "Tệp nén không an toàn hoặc không mở được; đề nghị đính kèm tệp không nén và gửi lại.",
    Reason.E_PDF_NONE: "Không có tệp PDF làm văn bản chính; đề nghị đính kèm văn bản PDF đã ký số và gửi lại.",
    Reason.E_PDF_FORMAT: "Không đọc được tệp PDF; đề nghị xuất lại PDF, ký số lại và gửi lại.",
    Reason.E_PDF_ENCRYPTED: "Tệp PDF đặt mật khẩu; đề nghị bỏ mật khẩu, ký số lại và gửi lại.",
    Reason.E_PDF_LIMIT: "Tệp PDF quá lớn hoặc quá phức tạp để kiểm tra; đề nghị giảm dung lượng, ký số lại và gửi lại.",
    Reason.E_PDF_TIMEOUT: "Việc kiểm tra tệp PDF vượt quá thời gian cho phép; đề nghị tạo lại PDF, ký số và gửi lại.",
    Reason.E_SIG_FORMAT: "Chữ ký số trên văn bản sai cấu trúc; đề nghị ký số lại và gửi lại.",
    Reason.E_SIG_COVERAGE: "Chữ ký số không bao trùm toàn bộ văn bản; đề nghị ký số lại và gửi lại.",
    Reason.E_SIG_CHANGED: "Văn bản đã bị thay đổi sau khi ký số; đề nghị ký số lại bản cuối cùng và gửi lại.",
    Reason.E_SIG_DIGEST: "Nội dung văn bản không khớp với chữ ký số; đề nghị gửi lại bản gốc đã ký số.",
    Reason.E_SIG_VALUE: "Giá trị chữ ký số không đúng; đề nghị ký số lại và gửi lại.",
    Reason.E_SIG_WEAK_ALG: "Chữ ký số dùng thuật toán không còn an toàn; đề nghị ký lại bằng thuật toán được phép.",
    Reason.E_SIG_KEY_USAGE: "Chứng thư số không được cấp cho mục đích ký số; đề nghị ký lại bằng chứng thư phù hợp.",
    Reason.E_SIG_UNTRUSTED_CA: "Chứng thư số không thuộc hệ thống chứng thực chuyên dùng công vụ; "
    "đề nghị ký lại bằng chứng thư do Ban Cơ yếu Chính phủ cấp.",
    Reason.E_SIG_CERT_FORMAT: "Chứng thư số có cấu trúc không đúng chuẩn nên không đọc được; "
    "đề nghị liên hệ nơi cấp chứng thư để được cấp lại, rồi ký số lại.",
    Reason.E_SIG_EXPIRED: "Chứng thư số đã hết hạn khi ký; đề nghị gia hạn chứng thư, ký số lại và gửi lại.",
    Reason.E_SIG_NOT_YET_VALID: "Chứng thư số chưa có hiệu lực khi ký; đề nghị kiểm tra giờ máy ký và ký số lại.",
    Reason.E_SIG_TIME: "Thời điểm ký số không đáng tin hoặc không hợp lý; đề nghị kiểm tra giờ máy ký và ký số lại.",
    Reason.E_SIG_REVOKED: "Chứng thư số đã bị thu hồi; đề nghị ký lại bằng chứng thư còn hiệu lực.",
    Reason.E_SIG_REVOCATION_UNKNOWN: "Chưa xác định được chứng thư số có bị thu hồi hay không; "
    "trục giữ gói tin và kiểm tra lại, chưa cần gửi lại.",
    Reason.E_SIG_ORG_MISSING: "Văn bản thiếu chữ ký số của cơ quan, tổ chức; đề nghị ký số cơ quan và gửi lại.",
    Reason.E_SIG_SIGNER_MISSING: "Văn bản thiếu chữ ký số của người có thẩm quyền và không phải bản quét có dấu đỏ; "
    "đề nghị ký số và gửi lại.",
    Reason.E_SIG_ORDER: "Cơ quan đã ký số trước người có thẩm quyền; đề nghị ký lại đúng thứ tự và gửi lại.",
    Reason.E_SIG_NOT_BOUND: "Chứng thư số cơ quan không phải của đơn vị gửi; "
    "đề nghị ký bằng chứng thư đã đăng ký với trục.",
    Reason.E_SIG_SIGNER_NOT_AUTHORISED: "Người ký chưa được đăng ký thẩm quyền ký của đơn vị vào ngày ký; "
    "đề nghị đăng ký người ký hoặc ký lại.",
    Reason.E_SIG_STRANGER: "Văn bản mang chữ ký số của người hoặc đơn vị lạ; "
    "đề nghị chỉ dùng chứng thư đã đăng ký, ký số lại và gửi lại.",
    Reason.E_TO_UNKNOWN: "Nơi nhận không có trong danh bạ của trục nên không nhận được văn bản; "
    "đề nghị kiểm tra mã định danh nơi nhận.",
    Reason.E_TO_CLOSED: "Nơi nhận đã ngừng hoạt động nên không nhận được văn bản; đề nghị gửi tới đơn vị kế thừa.",
    Reason.E_TO_SUCCEEDED: "Nơi nhận đã ngừng hoạt động; trục đã giao văn bản cho đơn vị kế thừa, không cần gửi lại.",
    Reason.E_STATUS_FORBIDDEN: "Đơn vị không có quyền báo trạng thái này hoặc không phải là nơi nhận của văn bản; "
    "đề nghị kiểm tra đơn vị và mã định danh văn bản.",
    Reason.E_RECALLED: "Nơi nhận đã trả lại văn bản này theo yêu cầu thu hồi nên không nhận bản cập nhật; "
    "đề nghị gửi văn bản mới nếu cần.",
    Reason.E_WITHDRAWN: "Văn bản được thu hồi khi chưa chuyển tới nơi nhận; trục đã rút lại, nơi nhận không nhận được.",
    Reason.E_SENDER_UNKNOWN: "Không xác định được đơn vị gửi; đề nghị liên hệ đơn vị vận hành trục để đăng ký.",
    Reason.E_FACT: "Bản tin nội bộ của trục bị lỗi; đề nghị liên hệ đơn vị vận hành trục.",
    Reason.E_OBJECT: "Kho lưu trữ của trục không còn đúng dữ liệu đã nhận; đề nghị liên hệ đơn vị vận hành trục.",
    Reason.E_ATTEMPTS: "Trục đã thử xử lý nhiều lần chưa được; đề nghị liên hệ đơn vị vận hành trục.",
    Reason.E_FORGED: "Bản tin do tài khoản không có quyền công bố; bị cách ly, đơn vị vận hành trục đã được báo.",
    Reason.E_RETURNED: "Hệ thống của nơi nhận đã trả lại bản tin; đề nghị liên hệ nơi nhận hoặc đơn vị vận hành trục.",
    Reason.E_DISCARDED: "Gói tin bị giữ lại trên trục và đơn vị vận hành đã quyết định không xử lý tiếp; "
    "đề nghị liên hệ đơn vị vận hành trục.",
    Reason.E_UNAVAILABLE: "Trục tạm thời chưa xử lý được; gói tin được giữ lại để xử lý, chưa cần gửi lại.",
}


def sentence(reason: Reason) -> str:
    """The sentence for people; the token itself stays beside it, for machines."""
    return SENTENCES[reason]
