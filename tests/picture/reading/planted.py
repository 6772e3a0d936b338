"""Pictures whose text is known: clean ones, and ones with a planted mistake. Drawn by the package's own text layout.

`SAID` is what each picture should say, `FAULTS` what is said instead; backgrounds go from plain to photo-like.
"""

from __future__ import annotations

import io
from functools import cache
from typing import NamedTuple

from PIL import Image

from imagebuild.core.locale import Locale
from imagebuild.picture.block import draw_block, fit_text
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.proof.brush import gradient, grain, paste_color
from imagebuild.picture.proof.painter import ProofRequest, paint

SIZE = (1200, 900)
ROLES = ("headline", "cta", "legal")
BACKGROUNDS = ("plain", "dark", "gradient", "photo", "busy")

SAID: dict[str, tuple[str, str, str]] = {
    "en-US": ("Steam rises before you do", "Brewed in 90 seconds", "Offer ends 30 June 2026. Terms apply."),
    "de-DE": ("Früher Dampf für müde Köpfe", "In 90 Sekunden heiß", "Angebot gültig bis 30. Juni 2026. Größe: 1,5 l."),
    "fr-FR": ("L’eau prête dès l’aube", "Prêt en 90 secondes", "Offre valable jusqu’au 30 août 2026, été compris."),
    "ru-RU": ("Чайник, который будит", "Готов за 90 секунд", "Предложение до 30 июня 2026. Ещё есть условия."),
    "el-GR": ("Ο βραστήρας του πρωινού", "Έτοιμος σε 90 δευτερόλεπτα", "Προσφορά έως 30 Ιουνίου 2026. Ισχύουν όροι."),
    "zh-Hans-CN": ("清晨的第一壶热水", "九十秒烧开", "优惠截至2026年6月30日，数量有限。"),
    "zh-Hant-TW": ("清晨的第一壺熱水", "九十秒燒開", "優惠截至2026年6月30日，數量有限。"),
    "ja-JP": ("朝いちばんのお湯を", "90秒で沸くケトル", "2026年6月30日まで。数量に限りがあります。"),
    "ko-KR": ("아침을 깨우는 주전자", "90초 만에 끓습니다", "2026년 6월 30일까지. 수량이 한정되어 있습니다."),
    "hi-IN": ("सुबह की पहली भाप", "नब्बे सेकंड में तैयार", "यह छूट 30 जून 2026 तक है। शर्तें लागू।"),
    "bn-BD": ("ভোরের প্রথম বাষ্প", "৯০ সেকেন্ডে তৈরি", "এই ছাড় ৩০ জুন ২০২৬ পর্যন্ত। শর্ত প্রযোজ্য।"),
    "ar-EG": ("بخار الصباح الأول", "جاهز في ٩٠ ثانية", "العرض سارٍ حتى ٣٠ يونيو ٢٠٢٦. تطبق الشروط."),
    "he-IL": ("האדים הראשונים של הבוקר", "מוכן תוך 90 שניות", "המבצע בתוקף עד 30 ביוני 2026. בכפוף לתנאים."),
    "th-TH": ("ไอน้ำแรกของเช้าวันใหม่", "เดือดใน 90 วินาที", "ข้อเสนอถึงวันที่ 30 มิถุนายน 2026 มีเงื่อนไข"),
}


class Fault(NamedTuple):
    tag: str
    kind: str
    role: str
    drawn: str


def _all_faults() -> tuple[Fault, ...]:
    one_letter = {
        "en-US": ("Steam rises befor you do", "Brewed in 90 secnods", "Offer ends 30 June 2026. Terms aply."),
        "de-DE": (
            "Früher Damfp für müde Köpfe", "In 90 Sekuden heiß",
            "Angebot gültig bis 30. Juni 2026. Größte: 1,5 l.",
        ),
        "fr-FR": ("L’eau prête dès l’aude", "Prêt en 90 secodnes", "Offre valable jusqu’au 30 août 2026, été conpris."),
        "ru-RU": ("Чайник, которий будит", "Готов за 90 секнд", "Предложение до 30 июля 2026. Ещё есть условия."),
        "el-GR": (
            "Ο βραστίρας του πρωινού", "Έτοιμος σε 90 δευτερόλετα",
            "Προσφορά έως 30 Ιουλίου 2026. Ισχύουν όροι.",
        ),
        "zh-Hans-CN": ("清晨的第一壶热冰", "九十秒浇开", "优惠截至2026年6月30曰，数最有限。"),
        "zh-Hant-TW": ("清晨的第一壺熱冰", "九十秒澆開", "優惠截至2026年6月30日，數童有限。"),
        "ja-JP": ("朝いちぼんのお湯を", "90秒て沸くケトル", "2026年6月30日まで。数星に限りがあります。"),
        "ko-KR": ("아침을 깨우눈 주전자", "90초 만에 끌습니다", "2026년 6월 30일까지. 수랑이 한정되어 있습니다."),
        "hi-IN": ("सुबह की पहली भाव", "नब्बे सेकेंट में तैयार", "यह छूट 30 जून 2026 तक है। शर्ते लागु।"),
        "bn-BD": ("ভোরের প্রথম বাস্প", "৯০ সেকেণ্ডে তৈরি", "এই ছাড় ৩০ জুন ২০২৬ পর্যন্ত। শর্ত প্রযোয্য।"),
        "ar-EG": ("بخار الصياح الأول", "جاهز في ٩٠ ثاتية", "العرض سارٍ حتى ٣٠ يوليو ٢٠٢٦. تطبق الشروط."),
        "he-IL": ("האדים הראשונים של הבקור", "מוכן תוך 90 שניוח", "המבצע בתוקף עד 30 ביולי 2026. בכפוף לתנאים."),
        "th-TH": ("ไอน้ำแรกของเข้าวันใหม่", "เดือดใน 90 วินาท", "ข้อเสนอถึงวันที่ 30 มิถุนายม 2026 มีเงื่อนไข"),
    }  # fmt: skip
    no_mark = {
        "de-DE": (
            "Früher Dampf fur müde Köpfe", "In 90 Sekunden heiss",
            "Angebot gultig bis 30. Juni 2026. Größe: 1,5 l.",
        ),
        "fr-FR": ("L’eau prete dès l’aube", "Pret en 90 secondes", "Offre valable jusqu’au 30 août 2026, éte compris."),
        "ru-RU": (None, None, "Предложение до 30 июня 2026. Еще есть условия."),
        "el-GR": (
            "Ο βραστηρας του πρωινού", "Έτοιμος σε 90 δευτερολεπτα",
            "Προσφορα έως 30 Ιουνίου 2026. Ισχύουν όροι.",
        ),
        "ja-JP": ("朝いちはんのお湯を", None, "2026年6月30日まて。数量に限りがあります。"),
        "hi-IN": ("सुबह की पहली भाप", "नब्बे सेकड में तैयार", "यह छूट 30 जून 2026 तक है। शर्ते लागू।"),
        "bn-BD": (None, None, "এই ছাড ৩০ জুন ২০২৬ পর্যন্ত। শর্ত প্রযোজ্য।"),
        "ar-EG": ("بخار الصباح الاول", None, None),
        "th-TH": ("ไอน้ำแรกของเชาวันใหม่", None, "ข้อเสนอถึงวันที 30 มิถุนายน 2026 มีเงื่อนไข"),
    }  # fmt: skip
    latin_digits = {
        "bn-BD": (None, "90 সেকেন্ডে তৈরি", "এই ছাড় 30 জুন 2026 পর্যন্ত। শর্ত প্রযোজ্য।"),
        "ar-EG": (None, "جاهز في 90 ثانية", "العرض سارٍ حتى 30 يونيو 2026. تطبق الشروط."),
    }
    wrong_number = {
        "en-US": (None, "Brewed in 80 seconds", "Offer ends 30 June 2025. Terms apply."),
        "hi-IN": (None, None, "यह छूट 20 जून 2026 तक है। शर्तें लागू।"),
        "he-IL": (None, "מוכן תוך 60 שניות", "המבצע בתוקף עד 30 ביוני 2028. בכפוף לתנאים."),
        "ko-KR": (None, "80초 만에 끓습니다", None),
    }
    other = {tag: SAID["de-DE" if tag == "en-US" else "en-US"] for tag in SAID}
    kinds = {
        "misspelt": one_letter, "diacritic": no_mark, "digits": latin_digits, "number": wrong_number, "language": other,
    }  # fmt: skip
    return tuple(
        Fault(tag, kind, role, drawn)
        for kind, by_tag in kinds.items()
        for tag, texts in by_tag.items()
        for role, drawn, said in zip(ROLES, texts, SAID[tag], strict=True)
        if drawn is not None and drawn != said
    )


FAULTS = _all_faults()
_AREAS = {"headline": (90, 110, 1110, 400), "cta": (90, 470, 1110, 570), "legal": (90, 700, 1110, 790)}
_SIZES = {"headline": 88.0, "cta": 46.0, "legal": 26.0}
_WEIGHTS = {"headline": 700, "cta": 500, "legal": 400}
_PROMPTS = ("a copper kettle at dawn", "a steel kettle on a table", "hills in the morning", "paper waves", "a stage")

Box = tuple[int, int, int, int]


def plate(background: str, number: int = 0, size: tuple[int, int] = SIZE) -> tuple[Image.Image, tuple[int, int, int]]:
    """A picture without text, and the ink that stands out on it."""
    if background == "plain":
        return Image.new("RGB", size, (246, 242, 234)), (24, 28, 40)
    if background == "dark":
        return Image.new("RGB", size, (12, 46, 84)), (255, 244, 214)
    if background == "gradient":
        return gradient(size, [(20, 60, 90), (120, 40, 80), (30, 30, 50)], across=bool(number % 2)), (250, 250, 250)
    scene = _scene(number % len(_PROMPTS), size)
    if background == "photo":  # as a scrim does: the copy stands out, the scene shows through
        paste_color(scene, (10, 14, 24), Image.new("L", size, 140), (0, 0))
        return scene, (255, 255, 255)
    paste_color(scene, (10, 14, 24), Image.new("L", size, 80), (0, 0))
    return grain(scene, b"busy", 10), (255, 255, 255)


@cache
def _painted(number: int, size: tuple[int, int]) -> Image.Image:
    asked = (-(-size[0] // 16) * 16, -(-(size[1] + 60) // 16) * 16)
    request = ProofRequest(operation="generate", prompt=f"{_PROMPTS[number]}. No text.", size=asked, take=1 + number)
    return Image.open(io.BytesIO(paint(request))).convert("RGB")


def _scene(number: int, size: tuple[int, int]) -> Image.Image:
    """A proof's scene without its caption, which is text."""
    return _painted(number, size).crop((0, 0, *size))


def draw(
    tag: str, texts: dict[str, str], background: str = "plain", number: int = 0
) -> tuple[Image.Image, dict[str, Box]]:
    """The texts by role on a background, and the box around each one's ink."""
    image, ink = plate(background, number)
    boxes: dict[str, Box] = {}
    rtl = Locale(tag).direction == "rtl"
    for role, text in texts.items():
        left, top, right, bottom = _AREAS[role]
        block = fit_text(
            text, width=right - left, height=bottom - top, largest=_SIZES[role], smallest=12, most_lines=3,
            language=tag, direction="rtl" if rtl else "ltr", weight=_WEIGHTS[role], fonts=bundled_fonts(),
        )  # fmt: skip
        assert block is not None
        draw_block(image, block, left, top, ink)
        inks = [
            (left + x + line.ink[0], top + y + line.ink[1], left + x + line.ink[2], top + y + line.ink[3])
            for line, (x, y) in zip(block.lines, block.places, strict=True)
        ]
        lefts, tops, rights, bottoms = zip(*inks, strict=True)
        boxes[role] = (int(min(lefts)), int(min(tops)), int(max(rights)) + 1, int(max(bottoms)) + 1)
    return image, boxes


def said(tag: str) -> dict[str, str]:
    return dict(zip(ROLES, SAID[tag], strict=True))
