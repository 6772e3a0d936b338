"""Typeset steps for tests: campaign copy in fourteen languages, and short ways to say what a test is about."""

from __future__ import annotations

import io

from PIL import Image

from imagebuild.core.layouts.canonical import Area, Button, FontChoice, Group, Scrim, TextItem, Typeset

HEADLINES = {
    "en": "Boils in ninety seconds. Whispers while it does.",
    "de": "Kocht in neunzig Sekunden. Und flüstert dabei.",
    "fr": "Bout en quatre-vingt-dix secondes. Sans un bruit !",
    "ru": "Кипит за девяносто секунд. И почти без звука.",
    "el": "Βράζει σε ενενήντα δευτερόλεπτα. Αθόρυβα.",
    "zh-Hans": "九十秒沸腾，安静得像没开。",
    "zh-Hant": "九十秒沸騰，安靜得像沒開。",
    "ja": "九十秒で沸く。それでいて、とても静か。",
    "ko": "90초면 끓습니다. 그것도 아주 조용하게.",
    "hi": "नब्बे सेकंड में उबाल। वह भी बिना शोर।",
    "bn": "নব্বই সেকেন্ডে ফোটে। তাও প্রায় নিঃশব্দে।",
    "ar": "يغلي في تسعين ثانية. وبهدوء تام.",
    "he": "רותח בתשעים שניות. ובשקט מופתי.",
    "th": "เดือดในเก้าสิบวินาที แถมเงียบสนิท",
}
CTAS = {
    "en": "Shop the kettle", "de": "Wasserkocher entdecken", "fr": "Découvrir la bouilloire", "ru": "Выбрать чайник",
    "el": "Δείτε τον βραστήρα", "zh-Hans": "立即选购", "zh-Hant": "立即選購", "ja": "ケトルを見る",
    "ko": "제품 보러 가기",
    "hi": "केतली देखें", "bn": "কেটলি দেখুন", "ar": "تسوّق الغلاية", "he": "לצפייה בקומקום", "th": "ดูกาต้มน้ำ",
}  # fmt: skip
RIGHT_TO_LEFT = ("ar", "he")
WHITE, NAVY, CORAL = "#ffffff", "#0b2233", "#ff6b4a"
BUTTON = Button(CORAL, (1.1, 0.6), 9.0)
WHOLE = (0.0, 0.0, 0.0, 0.0)


def text(role="headline", words="Boils in ninety seconds", **given):
    values = {
        "sizes": (0.05, 0.12), "lines": 3, "weight": 700, "family": "", "align": "start", "inks": (WHITE, NAVY),
        "contrast": 4.5, "leading": 1.0, "button": None,
    }  # fmt: skip
    return TextItem(role=role, text=words, **{**values, **given})


def group(*items, box=(0.06, 0.1, 0.5, 0.8), frame="safe", valign="top", gap=0.03, scrim=None):
    return Group(box, frame, valign, gap, items, scrim)


def typeset_of(*groups, language="en", mirrored=None, safe=WHOLE, fonts=None, areas=()):
    rtl = language in RIGHT_TO_LEFT
    direction = "rtl" if rtl else "ltr"
    return Typeset(language, direction, rtl if mirrored is None else mirrored, safe, fonts or {}, areas, groups)


def campaign(language):
    """A headline, a body and a button, as an advertisement has them."""
    items = (
        text("headline", HEADLINES[language], sizes=(0.05, 0.12), lines=4),
        text("body", HEADLINES[language] + " " + HEADLINES[language], sizes=(0.025, 0.045), lines=6, weight=400),
        text("cta", CTAS[language], sizes=(0.025, 0.045), lines=1, weight=600, inks=(NAVY, WHITE), button=BUTTON),
    )
    return typeset_of(group(*items, valign="middle", scrim=Scrim()), language=language)


def png(size, color=(255, 107, 74, 255)):
    file = io.BytesIO()
    Image.new("RGBA", size, color).save(file, "PNG")
    return file.getvalue()


def nothing(digest):
    raise AssertionError(f"asked for {digest}")


__all__ = ["Area", "FontChoice", "Group", "Scrim", "Typeset"]
