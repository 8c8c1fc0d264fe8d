use crate::verdict::Code;

/// Sentence and cure.
pub(super) fn of(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::NoAck => (
            "{who} không xác nhận câu trả lời: đã gửi 200 OK tới {where} {times} lần mà không có ACK. Phía kia sẽ ngắt sau 32 giây.",
            "Contact của chúng ta là {contact}: từ đó có tới được không? Tắt SIP ALG trên bộ định tuyến.",
        ),
        Code::NoResponse => (
            "{who} không trả lời tại {where}: đã gửi INVITE {times} lần mà không nhận được gì.",
            "Máy có đang bật và còn ở địa chỉ đó không? Có tường lửa ở giữa không?",
        ),
        Code::LargeDatagram => (
            "INVITE tới {who} dài {bytes} byte, đã gửi tới {where} {times} lần qua UDP mà không có hồi âm: có lẽ các mảnh bị mất trên đường.",
            "Dùng TCP hoặc TLS cho nó, hoặc đề nghị ít bộ mã hóa hơn.",
        ),
        Code::ByeUnanswered => (
            "{who} đã rời đi mà không báo: BYE gửi tới {where} không được trả lời.",
            "Không cần làm gì, trừ khi xảy ra thường xuyên: khi đó hãy xem mạng và nguồn điện của máy.",
        ),
        Code::NoPrack => (
            "{who} muốn đổ chuông tin cậy (100rel) nhưng không xác nhận bằng PRACK.",
            "Tắt 100rel ở phía đó, hoặc tìm xem cái gì làm mất PRACK.",
        ),
        Code::AlgRewrote => (
            "Một bộ định tuyến giữa thiết bị và {who} sửa SIP: gửi đi `{sent}`, nhận về `{back}`.",
            "Tắt SIP ALG (còn gọi là SIP helper) trên bộ định tuyến đó, hoặc dùng TLS.",
        ),
        Code::PrivateContact => (
            "{who} khai địa chỉ {contact}, nhưng thông điệp đến từ {where}.",
            "Đánh dấu là ở sau NAT (`nat = true`), hoặc cho nó một máy chủ STUN.",
        ),
        Code::NoCodec => (
            "{refuser} không dùng được bộ mã hóa nào được đề nghị ({offered}): {said}.",
            "Cho phép một bộ mã hóa chung ở cả hai phía: `[media] codecs`, hoặc `codecs` của trung kế.",
        ),
        Code::SrtpWanted => (
            "Thoại mã hóa và không mã hóa không khớp với {who}: {said}.",
            "Đặt `srtp` của trung kế hoặc nhân viên đó theo phía kia: `off`, `allowed` hoặc `required`.",
        ),
        Code::SrtpRejected => (
            "Không mở được {count} gói của {who} bằng khóa đã thỏa thuận.",
            "Khởi động lại máy đó; nếu vẫn còn, đặt `srtp` thành `off`.",
        ),
        Code::GlareRepeats => (
            "Cả hai phía cùng lúc đổi cuộc gọi {count} lần.",
            "Tắt làm mới phiên bằng re-INVITE ở một phía.",
        ),
        Code::NothingHeard => (
            "{listener} không nghe thấy gì: không có tiếng từ {who}, máy khai {media}.",
            "Mở UDP `[media] rtp_ports` giữa thiết bị và máy đó, và tìm tường lửa ở đó.",
        ),
        Code::PrivateMedia => (
            "{listener} không nghe thấy gì: {who} khai tiếng đến từ {media}, một địa chỉ nội bộ, nhưng máy ở {where}.",
            "Đánh dấu là ở sau NAT (`nat = true`), hoặc bật STUN trên máy đó.",
        ),
        Code::NobodyHeard => (
            "Không ai nghe thấy gì: không có tiếng từ phía nào.",
            "Mở UDP `[media] rtp_ports` tới thiết bị trên tường lửa.",
        ),
        Code::Lossy => ("{percent} % lời của {who} bị mất trên đường tới đây.", LINE),
        Code::LossyThere => (
            "{who} mất {percent} % những gì lẽ ra nghe được, theo máy báo.",
            LINE,
        ),
        Code::Jittery => ("Lời của {who} đến không đều, lệch {millis} ms.", LINE),
        Code::LongWay => (
            "{who} ở xa: {millis} ms đi và về, nên mọi người nói chồng lên nhau.",
            "Ở đây không cần làm gì: chọn trung kế gần hơn, hoặc đường ngắn hơn giữa các điểm.",
        ),
        Code::Hole => ("Mất liền {millis} ms lời của {who}.", LINE),
        Code::DeadLine => (
            "Cuộc gọi bị kết thúc vì không còn tiếng từ {who}.",
            "Nếu vẫn có người ở đó thì tiếng bị chặn: mở UDP `[media] rtp_ports`.",
        ),
        Code::NoKeys => (
            "{who} không gửi được phím dưới dạng telephone-event, và không nghe thấy phím nào trong tiếng.",
            "Bật RFC 2833/4733 (telephone-event) ở trung kế hoặc máy đó, hoặc đặt `dtmf` của nó.",
        ),
        Code::TrunkForbids => (
            "{where} từ chối cuộc gọi tới {who}: {status} {said}.",
            "Hỏi nhà cung cấp xem có được gọi số đó và hiện số gọi không.",
        ),
        Code::TrunkPassword => (
            "{where} không nhận mật khẩu của chúng ta cho cuộc gọi tới {who}: {status} {said}.",
            "Kiểm tra `username` và `password` của trung kế đó.",
        ),
        Code::NoSuchNumber => (
            "{where} không biết {who}: {status} {said}.",
            "Kiểm tra số và `number_form` của trung kế.",
        ),
        Code::TrunkFull => (
            "{where} không còn đường cho {who}, hoặc ngừng phục vụ: {status} {said}.",
            "Chờ, thêm đường, hoặc đặt trung kế thứ hai trong tuyến.",
        ),
        Code::TrunkBroken => (
            "{where} gặp lỗi khi gọi tới {who}: {status} {said}.",
            "Hỏi nhà cung cấp; đặt trung kế thứ hai trong tuyến.",
        ),
        Code::TimedOut => (
            "{where} thôi chờ {who}: {status} {said}.",
            "Ở đây không cần làm gì: máy hoặc mạng phía kia không trả lời.",
        ),
        Code::Declined => ("{who} từ chối.", ""),
        Code::Busy => ("{who} đang bận.", ""),
        Code::NotAvailable => (
            "{who} không sẵn sàng: {status} {said}.",
            "Máy có đăng nhập ở đó không?",
        ),
        Code::NobodyFree => (
            "Không đổ chuông được ai: không máy nào của nhóm đã đăng ký và rảnh.",
            "Trang đầu cho thấy ai đã đăng ký, đang nghỉ hoặc đang trong cuộc gọi khác.",
        ),
        Code::SessionExpired => (
            "Phía kia ngừng làm mới phiên nên được coi là đã mất.",
            "Nó mất điện hoặc mất mạng giữa cuộc gọi.",
        ),
        Code::ConnectionLost => (
            "Kết nối của phía kia bị đứt và không trở lại trong 32 giây.",
            "Xem bộ chuyển mạch, Wi-Fi hoặc bộ định tuyến của nó.",
        ),
        Code::NoPorts => ("Thiết bị không còn cổng cho thoại.", "Tăng `[media] rtp_ports`."),
        Code::Interrupted => (
            "Thiết bị bị dừng hoặc mất điện giữa cuộc gọi.",
            "Xem nhật ký trước lúc đó, và nguồn điện.",
        ),
        Code::AnswerCrossed => (
            "{who} nghe máy đúng lúc người khác đã nghe; cuộc gọi được ngắt ngay.",
            "",
        ),
        Code::GaveUp => ("Người gọi bỏ cuộc sau {seconds} giây đổ chuông.", ""),
        Code::CallerHungUp => ("Người gọi gác máy sau {seconds} giây đàm thoại.", ""),
        Code::CalleeHungUp => ("Bên được gọi gác máy sau {seconds} giây đàm thoại.", ""),
    }
}

const LINE: &str = "Xem Wi-Fi, cổng chuyển mạch và đường truyền của phía đó; ưu tiên thoại ở đó (DSCP EF).";
