"""Which script a character is of (ISO 15924), and which characters' scripts a locale is written in.

The ranges are Unicode's, kept here so that core needs no text library; a test holds them to HarfBuzz's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Final

__all__ = ["JOINT_SCRIPTS", "SCRIPTS", "script_of", "scripts_in"]

# What ISO 15924 names as one way of writing, and the scripts that its characters are of.
JOINT_SCRIPTS: Final = {
    "Hans": ("Hani",),
    "Hant": ("Bopo", "Hani"),
    "Hrkt": ("Hira", "Kana"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
}

_RANGES: Final = (
    "Latn 41-5a 61-7a aa ba c0-d6 d8-f6 f8-2b8 2e0-2e4 1d00-1d25 1d2c-1d5c 1d62-1d65 1d6b-1d77 1d79-1dbe 1e00-1eff "
    "2071 207f 2090-209f 212a-212b 2132 214e 2160-2188 2c60-2c7f a722-a787 a78b-a7ff ab30-ab5a ab5c-ab64 ab66-ab69 "
    "ab6c-ab6d fb00-fb06 ff21-ff3a ff41-ff5a 10780-107bf 1df00-1dff2 1dff5-1dfff; Bopo 2ea-2eb 3105-312f 31a0-31bf; "
    "Grek 370-373 375-37d 37f-384 386 388-3e1 3f0-3ff 1d26-1d2a 1d5d-1d61 1d66-1d6a 1dbf 1f00-1ffe 2126 ab65 "
    "10140-1018e 101a0 1d200-1d245 1dff3-1dff4; Copt 3e2-3ef 2c80-2cff; Cyrl 400-484 487-52f 1c80-1c8a 1d2b 1d78 "
    "2de0-2dff a640-a69f fe2e-fe2f 1e030-1e08f; Armn 531-58f fb13-fb17; Hebr 591-5f4 fb1d-fb4f; Arab 600-604 606-60b "
    "60d-61a 61c-61e 620-63f 641-64a 656-66f 671-6dc 6de-6ff 750-77f 870-8e1 8e3-8ff fb50-fd3d fd40-fdff fe70-fefc "
    "10e60-10e7e 10ec2-10eff 1ee00-1eef1; Syrc 700-74f 860-86a; Thaa 780-7b1; Nkoo 7c0-7ff; Samr 800-83e; Mand "
    "840-85e; Deva 900-950 955-963 966-97f a8e0-a8ff 11b00-11b0a; Beng 980-9fe 11df0-11df1; Guru a01-a76; Gujr "
    "a81-aff; Orya b01-b77; Taml b82-bfa 11fc0-11fff; Telu c00-c7f; Knda c80-cf3; Mlym d00-d7f; Sinh d81-df4 "
    "111e1-111f4; Thai e01-e3a e40-e5b; Laoo e81-edf; Tibt f00-fd4 fd9-fda; Mymr 1000-109f a9e0-a9fe aa60-aa7f "
    "116d0-116e3; Geor 10a0-10fa 10fc-10ff 1c90-1cbf 2d00-2d2d; Hang 1100-11ff 302e-302f 3131-318e 3200-321e "
    "3260-327e a960-a97c ac00-d7fb ffa0-ffdc; Ethi 1200-1399 2d80-2dde ab01-ab2e 1e7e0-1e7fe; Cher 13a0-13fd "
    "ab70-abbf; Cans 1400-167f 18b0-18f5 11ab0-11abf; Ogam 1680-169c; Runr 16a0-16ea 16ee-16f8; Tglg 1700-171f; Hano "
    "1720-1734; Buhd 1740-1753; Tagb 1760-1773; Khmr 1780-17f9 19e0-19ff; Mong 1800-1801 1804 1806-18aa 11660-1166c; "
    "Limb 1900-194f; Tale 1950-1974; Talu 1980-19df; Bugi 1a00-1a1f; Lana 1a20-1aad; Bali 1b00-1b7f; Sund 1b80-1bbf "
    "1cc0-1cc7; Batk 1bc0-1bff; Lepc 1c00-1c4f; Olck 1c50-1c7f; Brai 2800-28ff; Glag 2c00-2c5f 1e000-1e02a; Tfng "
    "2d30-2d7f; Hani 2e80-2fd5 3005 3007 3021-3029 3038-303b 3400-4dbf 4e00-9fff f900-fad9 16fe2-16fe3 16ff0-16ff6 "
    "20000-323af; Hira 3041-3096 309d-309f 1b001-1b11f 1b123 1b132-1b152 1f200; Kana 30a1-30fa 30fd-30ff 31f0-31ff "
    "32d0-32fe 3300-3357 ff66-ff6f ff71-ff9d 1aff0-1b000 1b120-1b122 1b124-1b128 1b155-1b168; Yiii a000-a4c6; Lisu "
    "a4d0-a4ff 11fb0; Vaii a500-a62b; Bamu a6a0-a6f7 16800-16a38; Sylo a800-a82c; Phag a840-a877; Saur a880-a8d9; "
    "Kali a900-a92d a92f; Rjng a930-a95f; Java a980-a9cd a9d0-a9df; Cham aa00-aa5f; Tavt aa80-aadf; Mtei aae0-aaf6 "
    "abc0-abf9; Linb 10000-100fa; Lyci 10280-1029c; Cari 102a0-102d0; Ital 10300-1032f; Goth 10330-1034a; Perm "
    "10350-1037a; Ugar 10380-1039f; Xpeo 103a0-103d5; Dsrt 10400-1044f; Shaw 10450-1047f; Osma 10480-104a9; Osge "
    "104b0-104fb; Elba 10500-10527; Aghb 10530-1056f; Vith 10570-105bc; Todr 105c0-105f3; Lina 10600-10767; Cprt "
    "10800-1083f; Armi 10840-1085f; Palm 10860-1087f; Nbat 10880-108af; Hatr 108e0-108ff; Phnx 10900-1091f; Lydi "
    "10920-1093f; Sidt 10940-10959; Mero 10980-1099f; Merc 109a0-109ff; Khar 10a00-10a58; Sarb 10a60-10a7f; Narb "
    "10a80-10a9f; Mani 10ac0-10af6; Avst 10b00-10b3f; Prti 10b40-10b5f; Phli 10b60-10b7f; Phlp 10b80-10baf; Orkh "
    "10c00-10c48; Hung 10c80-10cff; Rohg 10d00-10d39; Gara 10d40-10d8f; Yezi 10e80-10eb1; Sogo 10f00-10f27; Sogd "
    "10f30-10f59; Ougr 10f70-10f89; Chrs 10fb0-10fcb; Elym 10fe0-10ff6; Brah 11000-1107f; Kthi 11080-110cd; Sora "
    "110d0-110f9; Cakm 11100-11147; Mahj 11150-11176; Shrd 11180-111df 11b60-11b67; Khoj 11200-11241; Mult "
    "11280-112a9; Sind 112b0-112f9; Gran 11300-11339 1133c-11374; Tutg 11380-113e2; Newa 11400-11461; Tirh "
    "11480-114d9; Sidd 11580-115dd; Modi 11600-11659; Takr 11680-116c9; Ahom 11700-11746; Dogr 11800-1183b; Wara "
    "118a0-118ff; Diak 11900-11959; Nand 119a0-119e4; Zanb 11a00-11a47; Soyo 11a50-11aa2; Pauc 11ac0-11af8; Sunu "
    "11bc0-11bf9; Bhks 11c00-11c6c; Marc 11c70-11cb6; Gonm 11d00-11d59; Gong 11d60-11da9; Tols 11db0-11de9; Maka "
    "11ee0-11ef8; Kawi 11f00-11f5a; Xsux 12000-125a7 1264c-12686; Pcun 125a8-1264b; Cpmn 12f90-12ff2; Egyp "
    "13000-143fa; Hluw 14400-14646; Gukh 16100-16139; Mroo 16a40-16a6f; Tnsa 16a70-16ac9; Bass 16ad0-16af5; Hmng "
    "16b00-16b8f; Krai 16d40-16d79; Medf 16e40-16e9a; Berf 16ea0-16ed3; Plrd 16f00-16f9f; Tang 16fe0 17000-18aff "
    "18d00-18df2; Nshu 16fe1 1b170-1b2fb; Kits 16fe4 18b00-18cff; Jurc 18e00-191d2; Dupl 1bc00-1bc9f; Sgnw "
    "1d800-1daaf; Hmnp 1e100-1e14f; Toto 1e290-1e2ae; Wcho 1e2c0-1e2ff; Nagm 1e4d0-1e4f9; Onao 1e5d0-1e5ff; Tayo "
    "1e6c0-1e6ff; Mend 1e800-1e8d6; Adlm 1e900-1e95f"
)


def _parsed() -> Iterator[tuple[int, int, str]]:
    for of_script in _RANGES.split("; "):
        script, *ranges = of_script.split()
        for each in ranges:
            first, _, last = each.partition("-")
            yield int(first, 16), int(last or first, 16), script


@cache
def _table() -> tuple[list[int], list[tuple[int, str]]]:
    """Where each range begins; where it ends, and its script."""
    rows = sorted(_parsed())
    return [first for first, _, _ in rows], [(last, script) for _, last, script in rows]


SCRIPTS: Final = frozenset(each.split(" ", 1)[0] for each in _RANGES.split("; "))


@lru_cache(maxsize=8192)
def script_of(character: str) -> str:
    """The script of a character; empty for what several scripts share (digits, punctuation, marks)."""
    firsts, ends = _table()
    at = bisect_right(firsts, ord(character)) - 1
    return ends[at][1] if at >= 0 and ord(character) <= ends[at][0] else ""


def scripts_in(texts: Iterable[str]) -> frozenset[str]:
    """Every script that characters of these texts are of."""
    return frozenset(script_of(each) for each in set("".join(texts))) - {""}
