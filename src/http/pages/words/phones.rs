//! The words of the page about phones and agents.

use super::Words;

/// What the page about phones, the form of an agent and the sheet for a phone say in one language.
#[derive(Debug)]
pub(in crate::http::pages) struct PhoneWords {
    pub(in crate::http::pages) title: &'static str,
    pub(in crate::http::pages) new_agent: &'static str,
    pub(in crate::http::pages) edit: &'static str,
    pub(in crate::http::pages) sheet: &'static str,
    pub(in crate::http::pages) state: &'static str,
    pub(in crate::http::pages) takes_break: &'static str,
    pub(in crate::http::pages) comes_back: &'static str,
    pub(in crate::http::pages) in_file: &'static str,
    pub(in crate::http::pages) made_here: &'static str,
    pub(in crate::http::pages) switched_off: &'static str,
    pub(in crate::http::pages) no_phone: &'static str,
    pub(in crate::http::pages) phones_more: &'static str,
    pub(in crate::http::pages) phone: &'static str,
    pub(in crate::http::pages) answers: &'static str,
    pub(in crate::http::pages) network: &'static str,
    pub(in crate::http::pages) expires: &'static str,
    pub(in crate::http::pages) not_asked: &'static str,
    pub(in crate::http::pages) reached: Reached,
    pub(in crate::http::pages) no_bans: &'static str,
    pub(in crate::http::pages) trouble: Trouble,
    pub(in crate::http::pages) form: Form,
    pub(in crate::http::pages) paper: Paper,
}

/// Whether a router stands between. `{inside}` is the address the phone names, `{outside}` where it is heard from.
#[derive(Debug)]
pub(in crate::http::pages) struct Reached {
    pub(in crate::http::pages) directly: &'static str,
    pub(in crate::http::pages) port: &'static str,
    pub(in crate::http::pages) router: &'static str,
    pub(in crate::http::pages) router_silent: &'static str,
    pub(in crate::http::pages) connection: &'static str,
}

/// Why an agent of the database is not there.
#[derive(Debug)]
pub(in crate::http::pages) struct Trouble {
    pub(in crate::http::pages) in_file: &'static str,
    pub(in crate::http::pages) extension_taken: &'static str,
    pub(in crate::http::pages) no_trunk: &'static str,
    pub(in crate::http::pages) no_password: &'static str,
}

/// The form of an agent.
#[derive(Debug)]
pub(in crate::http::pages) struct Form {
    pub(in crate::http::pages) id: &'static str,
    pub(in crate::http::pages) id_hint: &'static str,
    pub(in crate::http::pages) name: &'static str,
    pub(in crate::http::pages) extension: &'static str,
    pub(in crate::http::pages) place: &'static str,
    pub(in crate::http::pages) here: &'static str,
    pub(in crate::http::pages) behind_trunk: &'static str,
    pub(in crate::http::pages) at_address: &'static str,
    pub(in crate::http::pages) trunk: &'static str,
    pub(in crate::http::pages) number: &'static str,
    pub(in crate::http::pages) contact: &'static str,
    pub(in crate::http::pages) password: &'static str,
    pub(in crate::http::pages) password_made: &'static str,
    pub(in crate::http::pages) password_kept: &'static str,
    pub(in crate::http::pages) groups: &'static str,
    pub(in crate::http::pages) no_groups: &'static str,
    pub(in crate::http::pages) skills: &'static str,
    pub(in crate::http::pages) skills_hint: &'static str,
    pub(in crate::http::pages) voice: &'static str,
    pub(in crate::http::pages) usual: &'static str,
    pub(in crate::http::pages) off: &'static str,
    pub(in crate::http::pages) allowed: &'static str,
    pub(in crate::http::pages) required: &'static str,
    pub(in crate::http::pages) keys: &'static str,
    pub(in crate::http::pages) in_voice: &'static str,
    pub(in crate::http::pages) router: &'static str,
    pub(in crate::http::pages) yes: &'static str,
    pub(in crate::http::pages) no: &'static str,
    pub(in crate::http::pages) more: &'static str,
    pub(in crate::http::pages) enabled: &'static str,
    pub(in crate::http::pages) remove: &'static str,
    pub(in crate::http::pages) remove_sure: &'static str,
    pub(in crate::http::pages) of_file: &'static str,
}

/// The sheet that goes with a phone.
#[derive(Debug)]
pub(in crate::http::pages) struct Paper {
    pub(in crate::http::pages) title: &'static str,
    pub(in crate::http::pages) lead: &'static str,
    pub(in crate::http::pages) user: &'static str,
    pub(in crate::http::pages) server: &'static str,
    pub(in crate::http::pages) or: &'static str,
    pub(in crate::http::pages) encrypted: &'static str,
    pub(in crate::http::pages) browser: &'static str,
    pub(in crate::http::pages) shown_once: &'static str,
    pub(in crate::http::pages) not_shown: &'static str,
    pub(in crate::http::pages) new_password: &'static str,
    pub(in crate::http::pages) new_password_sure: &'static str,
    pub(in crate::http::pages) print: &'static str,
    pub(in crate::http::pages) linphone: &'static str,
    pub(in crate::http::pages) linphone_how: &'static str,
    pub(in crate::http::pages) address: &'static str,
    pub(in crate::http::pages) address_how: &'static str,
    pub(in crate::http::pages) by_hand: &'static str,
    pub(in crate::http::pages) not_here: &'static str,
    pub(in crate::http::pages) loopback: &'static str,
}

static ENGLISH: PhoneWords = PhoneWords {
    title: "Phones and agents",
    new_agent: "New agent",
    edit: "Edit",
    sheet: "Sheet for the phone",
    state: "State",
    takes_break: "Break",
    comes_back: "Back to work",
    in_file: "in the file",
    made_here: "made here",
    switched_off: "switched off",
    no_phone: "no phone registered",
    phones_more: "{who} and {n} more",
    phone: "Phone",
    answers: "Answers",
    network: "Network",
    expires: "Expires in",
    not_asked: "not asked yet",
    reached: Reached {
        directly: "Reached directly.",
        port: "A router changes its port. The box answers where the phone is heard from.",
        router: "Behind a router: it calls itself {inside} and is heard from {outside}. The box answers there.",
        router_silent: "Its router seems to have closed the way. Let the phone register every 60 seconds, or use TCP or TLS.",
        connection: "By a connection the phone opened; a router between does not matter.",
    },
    no_bans: "No address is shut out.",
    trouble: Trouble {
        in_file: "Left out: the configuration file names an agent of this identity too.",
        extension_taken: "Left out: {who} has this extension.",
        no_trunk: "Left out: its trunk is not in the configuration file any more.",
        no_password: "Left out: the password was made for another realm. Make a new one.",
    },
    form: Form {
        id: "Identity",
        id_hint: "Letters, digits, - and _. Records name the agent by it, so it stays.",
        name: "Name",
        extension: "Extension",
        place: "Where the phone is",
        here: "It registers here",
        behind_trunk: "It is a phone of the PBX",
        at_address: "It is always at one address",
        trunk: "Trunk",
        number: "Number there",
        contact: "SIP address",
        password: "Password",
        password_made: "Leave it empty, and one is made and shown once.",
        password_kept: "Leave it empty to keep the one there is. It is never shown.",
        groups: "Groups",
        no_groups: "There are no groups yet.",
        skills: "Skills",
        skills_hint: "From 1 to 10, such as",
        voice: "Encrypted voice",
        usual: "As usual here",
        off: "Never",
        allowed: "Where both can",
        required: "Always",
        keys: "Keys",
        in_voice: "as tones in the voice",
        router: "Behind a router that hides its voice",
        yes: "Yes",
        no: "No",
        more: "Voice, keys, network",
        enabled: "Can be rung and register",
        remove: "Remove",
        remove_sure: "Really remove?",
        of_file: "This agent stands in the configuration file and is changed there.",
    },
    paper: Paper {
        title: "The phone of {who}",
        lead: "Put this into the phone once. It then registers by itself.",
        user: "User name and authorization name",
        server: "Server, domain or registrar",
        or: "or",
        encrypted: "encrypted",
        browser: "for browsers",
        shown_once: "Shown once, here. Print this sheet or type it in now.",
        not_shown: "It is kept as a hash and cannot be shown.",
        new_password: "Make a new password",
        new_password_sure: "The phone in use stops. Sure?",
        print: "Print",
        linphone: "Linphone",
        linphone_how: "In the app choose “Scan a QR code”. It works once, within a day.",
        address: "SIP address",
        address_how: "For softphones that read an address; they ask for the password.",
        by_hand: "Typed by hand",
        not_here: "This phone does not register here; nothing has to be put into it.",
        loopback: "This page was opened by an address of the box itself, which phones cannot reach. Open it by the address the phones will use.",
    },
};

static ARABIC: PhoneWords = PhoneWords {
    title: "الهواتف والموظفون",
    new_agent: "موظف جديد",
    edit: "تعديل",
    sheet: "ورقة الهاتف",
    state: "الحالة",
    takes_break: "استراحة",
    comes_back: "عودة إلى العمل",
    in_file: "في الملف",
    made_here: "أُنشئ هنا",
    switched_off: "موقوف",
    no_phone: "لا يوجد هاتف مسجل",
    phones_more: "{who} و{n} غيره",
    phone: "الهاتف",
    answers: "يجيب",
    network: "الشبكة",
    expires: "ينتهي بعد",
    not_asked: "لم يُسأل بعد",
    reached: Reached {
        directly: "يمكن الوصول إليه مباشرة.",
        port: "يغيّر الموجّه منفذه. يجيبه الجهاز حيث يُسمع منه.",
        router: "خلف موجّه: يسمّي نفسه {inside} ويُسمع من {outside}. يجيبه الجهاز هناك.",
        router_silent: "يبدو أن الموجّه أغلق الطريق. اجعل الهاتف يسجّل كل 60 ثانية، أو استخدم TCP أو TLS.",
        connection: "عبر اتصال فتحه الهاتف؛ لا يهم وجود موجّه بينهما.",
    },
    no_bans: "لا يوجد عنوان محجوب.",
    trouble: Trouble {
        in_file: "مُستبعد: ملف الإعدادات يذكر موظفًا بالمعرّف نفسه.",
        extension_taken: "مُستبعد: هذا الرقم الداخلي لدى {who}.",
        no_trunk: "مُستبعد: خطه لم يعد في ملف الإعدادات.",
        no_password: "مُستبعد: كلمة المرور أُعدّت لنطاق آخر. أنشئ كلمة جديدة.",
    },
    form: Form {
        id: "المعرّف",
        id_hint: "حروف وأرقام و- و_. تذكره السجلات، لذلك لا يتغير.",
        name: "الاسم",
        extension: "الرقم الداخلي",
        place: "أين الهاتف",
        here: "يسجّل هنا",
        behind_trunk: "هو هاتف لدى المقسم",
        at_address: "له عنوان ثابت",
        trunk: "الخط",
        number: "الرقم هناك",
        contact: "عنوان SIP",
        password: "كلمة المرور",
        password_made: "اتركها فارغة فتُنشأ واحدة وتُعرض مرة واحدة.",
        password_kept: "اتركها فارغة لتبقى الحالية. لا تُعرض أبدًا.",
        groups: "المجموعات",
        no_groups: "لا توجد مجموعات بعد.",
        skills: "المهارات",
        skills_hint: "من 1 إلى 10، مثل",
        voice: "تشفير الصوت",
        usual: "كالمعتاد هنا",
        off: "أبدًا",
        allowed: "حيث يستطيع الطرفان",
        required: "دائمًا",
        keys: "المفاتيح",
        in_voice: "كنغمات في الصوت",
        router: "خلف موجّه يخفي صوته",
        yes: "نعم",
        no: "لا",
        more: "الصوت والمفاتيح والشبكة",
        enabled: "يمكن الاتصال به وتسجيله",
        remove: "إزالة",
        remove_sure: "إزالة فعلًا؟",
        of_file: "هذا الموظف في ملف الإعدادات ويُعدَّل هناك.",
    },
    paper: Paper {
        title: "هاتف {who}",
        lead: "أدخل هذا في الهاتف مرة واحدة، ثم يسجّل بنفسه.",
        user: "اسم المستخدم واسم التوثيق",
        server: "الخادم أو النطاق أو المسجِّل",
        or: "أو",
        encrypted: "مشفّر",
        browser: "للمتصفحات",
        shown_once: "تُعرض هنا مرة واحدة. اطبع هذه الورقة أو أدخلها الآن.",
        not_shown: "محفوظة كبصمة ولا يمكن عرضها.",
        new_password: "إنشاء كلمة مرور جديدة",
        new_password_sure: "سيتوقف الهاتف المستخدم. متأكد؟",
        print: "طباعة",
        linphone: "لينفون Linphone",
        linphone_how: "اختر في التطبيق مسح رمز QR. يعمل مرة واحدة خلال يوم.",
        address: "عنوان SIP",
        address_how: "لبرامج الهاتف التي تقرأ عنوانًا؛ تسأل عن كلمة المرور.",
        by_hand: "الإدخال يدويًا",
        not_here: "هذا الهاتف لا يسجّل هنا؛ لا يلزم إدخال شيء فيه.",
        loopback: "فُتحت هذه الصفحة بعنوان داخلي للجهاز لا تصل إليه الهواتف. افتحها بالعنوان الذي ستستخدمه الهواتف.",
    },
};

static VIETNAMESE: PhoneWords = PhoneWords {
    title: "Điện thoại và nhân viên",
    new_agent: "Nhân viên mới",
    edit: "Sửa",
    sheet: "Phiếu cho điện thoại",
    state: "Trạng thái",
    takes_break: "Nghỉ",
    comes_back: "Làm việc lại",
    in_file: "trong tệp",
    made_here: "tạo tại đây",
    switched_off: "đã tắt",
    no_phone: "chưa có điện thoại đăng ký",
    phones_more: "{who} và {n} máy khác",
    phone: "Điện thoại",
    answers: "Trả lời",
    network: "Mạng",
    expires: "Hết hạn sau",
    not_asked: "chưa hỏi",
    reached: Reached {
        directly: "Kết nối trực tiếp.",
        port: "Bộ định tuyến đổi cổng của máy. Thiết bị trả lời về nơi nghe thấy máy.",
        router: "Sau bộ định tuyến: máy tự xưng là {inside} và được nghe từ {outside}. Thiết bị trả lời về đó.",
        router_silent: "Bộ định tuyến có lẽ đã đóng đường. Hãy cho máy đăng ký mỗi 60 giây, hoặc dùng TCP hay TLS.",
        connection: "Qua kết nối do máy mở; có bộ định tuyến ở giữa cũng không sao.",
    },
    no_bans: "Không có địa chỉ nào bị chặn.",
    trouble: Trouble {
        in_file: "Bị bỏ qua: tệp cấu hình cũng có nhân viên mang mã này.",
        extension_taken: "Bị bỏ qua: {who} đang dùng số máy lẻ này.",
        no_trunk: "Bị bỏ qua: trung kế của nhân viên không còn trong tệp cấu hình.",
        no_password: "Bị bỏ qua: mật khẩu được tạo cho realm khác. Hãy tạo mật khẩu mới.",
    },
    form: Form {
        id: "Mã",
        id_hint: "Chữ cái, chữ số, - và _. Bản ghi gọi nhân viên bằng mã này nên mã không đổi.",
        name: "Tên",
        extension: "Số máy lẻ",
        place: "Điện thoại ở đâu",
        here: "Máy đăng ký tại đây",
        behind_trunk: "Là máy của tổng đài",
        at_address: "Luôn ở một địa chỉ",
        trunk: "Trung kế",
        number: "Số ở đó",
        contact: "Địa chỉ SIP",
        password: "Mật khẩu",
        password_made: "Để trống thì mật khẩu được tạo và chỉ hiện một lần.",
        password_kept: "Để trống để giữ mật khẩu hiện có. Mật khẩu không bao giờ hiện ra.",
        groups: "Nhóm",
        no_groups: "Chưa có nhóm nào.",
        skills: "Kỹ năng",
        skills_hint: "Từ 1 đến 10, ví dụ",
        voice: "Mã hóa giọng nói",
        usual: "Như thường lệ ở đây",
        off: "Không bao giờ",
        allowed: "Khi cả hai bên làm được",
        required: "Luôn luôn",
        keys: "Phím bấm",
        in_voice: "bằng âm báo trong giọng nói",
        router: "Sau bộ định tuyến che giọng nói",
        yes: "Có",
        no: "Không",
        more: "Giọng nói, phím bấm, mạng",
        enabled: "Có thể đổ chuông và đăng ký",
        remove: "Xóa",
        remove_sure: "Xóa thật chứ?",
        of_file: "Nhân viên này nằm trong tệp cấu hình và được sửa ở đó.",
    },
    paper: Paper {
        title: "Điện thoại của {who}",
        lead: "Nhập những mục này vào điện thoại một lần. Sau đó máy tự đăng ký.",
        user: "Tên người dùng và tên xác thực",
        server: "Máy chủ, tên miền hoặc registrar",
        or: "hoặc",
        encrypted: "mã hóa",
        browser: "cho trình duyệt",
        shown_once: "Chỉ hiện một lần, tại đây. Hãy in phiếu này hoặc nhập ngay.",
        not_shown: "Được giữ dưới dạng băm và không thể hiện ra.",
        new_password: "Tạo mật khẩu mới",
        new_password_sure: "Máy đang dùng sẽ ngừng. Chắc chứ?",
        print: "In",
        linphone: "Ứng dụng Linphone",
        linphone_how: "Trong ứng dụng, chọn quét mã QR. Mã dùng được một lần, trong một ngày.",
        address: "Địa chỉ SIP",
        address_how: "Cho phần mềm điện thoại đọc được địa chỉ; chúng sẽ hỏi mật khẩu.",
        by_hand: "Nhập bằng tay",
        not_here: "Máy này không đăng ký tại đây; không cần nhập gì vào máy.",
        loopback: "Trang này được mở bằng địa chỉ nội bộ của thiết bị mà điện thoại không tới được. Hãy mở bằng địa chỉ mà điện thoại sẽ dùng.",
    },
};

impl Words {
    /// What the page about phones says.
    pub(in crate::http::pages) fn of_phones(&self) -> &'static PhoneWords {
        match self.lang {
            "ar" => &ARABIC,
            "vi" => &VIETNAMESE,
            _ => &ENGLISH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_said_in_every_language_with_the_same_places() {
        let lines = |words: &PhoneWords| -> Vec<String> {
            let shown = format!("{words:#?}");
            let said = shown.lines().filter(|line| line.contains(": \""));
            said.map(str::to_owned).collect()
        };
        let places = |line: &str| -> Vec<String> {
            // A letter that Debug writes by its number is no place.
            let line = line.replace("\\u{", "");
            let mut found: Vec<String> = line
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next().map(str::to_owned))
                .collect();
            found.sort();
            found
        };
        let english = lines(&ENGLISH);
        for words in [&ARABIC, &VIETNAMESE] {
            let own = lines(words);
            assert_eq!(own.len(), english.len());
            for (own, english) in own.iter().zip(&english) {
                assert!(own != english && !own.ends_with(": \"\","), "{own}");
                assert_eq!(places(own), places(english), "{own}");
            }
        }
    }
}
