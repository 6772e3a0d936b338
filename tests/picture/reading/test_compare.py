from __future__ import annotations

import pytest

from imagebuild.picture.reading.base import Look
from imagebuild.picture.reading.compare import Expected, compare


def looks(*texts, engine="tesseract"):
    return [Look(engine, str(number), text) for number, text in enumerate(texts)]


def verdict(expected, texts, tag="en-US", **more):
    return compare(Expected("headline", expected), looks(*texts), tag, **more).verdict


def test_one_look_letter_for_letter_is_enough():
    assert verdict("Steam rises", ["Stearn nses", "Steam rises"]) == "passed"


def test_the_same_other_letter_twice_is_a_mistake_in_the_picture():
    found = compare(Expected("headline", "Steam rises"), looks("Steam rizes", "Steam rizes", "Steam nzes"), "en-US")
    assert found.verdict == "failed"
    assert found.read == "Steam rizes"
    assert found.difference == (("=", "Steam "), ("-", "rises"), ("+", "rizes"))


def test_looks_that_disagree_prove_nothing():
    assert verdict("Steam rises", ["Steam rizes", "Stean rises"]) == "unverified"


def test_a_sign_read_otherwise_is_for_a_person():
    assert verdict("Terms apply.", ["Terms apply,", "Terms apply,"]) == "unverified"


@pytest.mark.parametrize(("read", "told"), [("90초 만에 끊습니다", "unverified"), ("Brewed in 90 seconds", "failed")])
def test_where_single_letters_are_misread_only_another_text_is_proof(read, told):
    assert verdict("90초 만에 끓습니다", [read, read], "ko-KR") == told


def test_characters_that_no_engine_reads_are_for_a_person():
    found = compare(Expected("cta", "جاهز في ٩٠ ثانية"), looks("جاهز في ٠١ ثانية", "جاهز في ٠١ ثانية"), "ar-EG")
    assert (found.verdict, found.reason) == ("unverified", "no engine here reads `٩٠`")


def test_latin_digits_for_the_locales_own_are_a_mistake():
    assert verdict("৯০ সেকেন্ডে তৈরি", ["90 সেকেন্ডে তৈরি"] * 2, "bn-BD") == "failed"


def test_nothing_read_is_no_proof_that_nothing_is_there():
    assert verdict("Steam rises", []) == "unverified"
    assert verdict("Steam rises", [], absent=True) == "failed"


def test_who_asks_for_less_than_every_letter_gets_it():
    read = ["Steam rises befor you do"] * 2
    assert verdict("Steam rises before you do", read, least=0.9) == "passed"
    assert verdict("Steam rises before you do", read, least=0.99) == "failed"


def test_an_engine_that_is_not_known_to_read_a_script_proves_nothing_in_it():
    found = compare(Expected("headline", "Чайник"), looks("Yaunuk", "Yaunuk", engine="rapidocr"), "ru-RU")
    assert found.verdict == "unverified"
