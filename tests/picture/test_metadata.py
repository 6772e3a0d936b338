"""What a file says of itself: what is written, and what of a master's is taken over and what never is."""

from __future__ import annotations

import pytest
from defusedxml import ElementTree
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from imagebuild.core.steps.encode import default_encode
from imagebuild.picture.decode import decode
from imagebuild.picture.encode import encode
from imagebuild.picture.metadata import kept_of, metadata_of, xmp_packet
from imagebuild.picture.steps import run_steps
from tests.picture.files import opened, saved, scene

WORDS = {"title": "Wärme & <Licht>", "creator": "Northwind", "copyright": "© 2026", "description": "العربية"}
SAID = {name: (text,) for name, text in WORDS.items()}

FOREIGN = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
  xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
  xmlns:dcterms="http://purl.org/dc/terms/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
  photoshop:Credit="Agency" tiff:Orientation="6" dcterms:provenance="self#jumbf=c2pa"
  Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">
  <dc:title><rdf:Alt><rdf:li xml:lang="de">Wasser</rdf:li>
  <rdf:li xml:lang="x-default">Water</rdf:li></rdf:Alt></dc:title>
  <dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Ben</rdf:li></rdf:Seq></dc:creator>
  <dc:subject><rdf:Bag><rdf:li>kettle</rdf:li><rdf:li>tea</rdf:li></rdf:Bag></dc:subject>
  <exif:GPSLatitude>47,22N</exif:GPSLatitude>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
KEPT = {
    "title": ("Water",),
    "creator": ("Ann", "Ben"),
    "keywords": ("kettle", "tea"),
    "credit": ("Agency",),
    "source_type": ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",),
}


def test_what_is_written_is_read_back_as_it_was():
    assert dict(kept_of({"xmp": xmp_packet(SAID)})) == SAID
    assert dict(kept_of({"xmp": xmp_packet(KEPT)})) == KEPT


def test_a_packet_is_sound_xml_whatever_the_words_are():
    packet = xmp_packet({"title": ('a\x00b\x08 "<&>" ]]> \ud800',)})
    root = ElementTree.fromstring(packet.decode("utf-8"))
    assert kept_of({"xmp": packet})["title"] == ('a b  "<&>" ]]>',)
    assert root.tag == "{adobe:ns:meta/}xmpmeta"


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif"])
def test_words_of_the_campaign_are_in_the_file_of_every_format_that_has_room(form):
    data = encode(scene(), {**default_encode(form), "metadata": WORDS})
    assert dict(kept_of(opened(data).info)) == SAID
    assert encode(scene(), {**default_encode(form), "metadata": WORDS}) == data
    assert decode(data, source="x").tobytes() == decode(encode(scene(), default_encode(form)), source="x").tobytes()


def test_a_pdf_has_them_in_its_own_way():
    data = encode(scene(), {**default_encode("pdf"), "metadata": WORDS})
    assert "Wärme".encode("utf-16-be") in data
    assert b"Date" not in data


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif"])
def test_a_profile_is_in_the_file_when_it_is_asked_for(form):
    with_profile = opened(encode(scene(), {**default_encode(form), "profile": "srgb"}))
    assert b"acsp" in with_profile.info["icc_profile"]
    assert not opened(encode(scene(), default_encode(form))).info.get("icc_profile")


def master(form):
    """A picture whose file says more than anybody should know."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298], exif[0x0110] = "A kettle", "Camera owner", "Northwind", "Camera 7"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = (
        "N",
        (TiffImagePlugin.IFDRational(47), TiffImagePlugin.IFDRational(22), TiffImagePlugin.IFDRational(5)),
    )
    settings = {"exif": exif}
    if form == "PNG":
        settings["pnginfo"] = info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", FOREIGN)
        info.add_text("Author", "of the chunk")
        info.add_text("Comment", "secret")
    else:
        settings["xmp"] = FOREIGN.encode()
    return saved(scene(), form, **settings)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_what_is_harmless_of_a_master_is_taken_over_when_asked_for_and_nothing_else(form):
    asked = [
        ("fit", {"cover": [30, 20], "anchor": "center"}),
        ("encode", {"format": "png", "metadata": {"keep": True}}),
    ]
    data = run_steps(master(form), asked, source="hero", read={}.__getitem__).data
    assert dict(kept_of(opened(data).info)) == {**KEPT, "description": ("A kettle",), "copyright": ("Northwind",)}
    for secret in (b"GPS", b"47", b"Orientation", b"c2pa", b"Camera", b"secret"):
        assert secret not in data


def test_without_being_asked_nothing_is_taken_over():
    plain = [("encode", {"format": "png"})]
    data = run_steps(master("JPEG"), plain, source="hero", read={}.__getitem__).data
    assert data == encode(decode(master("JPEG"), source="hero"), {"format": "png"})
    assert not opened(data).info
    assert b"Agency" not in data


def test_words_of_the_campaign_win_over_the_masters():
    found = metadata_of({"keep": True, "title": "Ours"}, {"xmp": FOREIGN.encode()})
    assert (found["title"], found["credit"]) == (("Ours",), ("Agency",))
    assert dict(metadata_of({"title": "Ours"}, {"xmp": FOREIGN.encode()})) == {"title": ("Ours",)}


@pytest.mark.parametrize(
    "info",
    [
        {"xmp": b"<not xml"},
        {"xmp": b'<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'},
        {"xmp": b""},
        {"exif": b"Exif\0\0nonsense"},
        {"exif": b""},
        {"Title": None},
    ],
)
def test_what_cannot_be_read_is_left(info):
    assert kept_of(info) == {}


def test_metadata_counts_for_the_number_of_bytes():
    asked = {**default_encode("jpeg"), "metadata": {"description": "word " * 400}}
    free = encode(scene((300, 200)), asked)
    tight = encode(scene((300, 200)), {**asked, "max_bytes": len(free) - 1})
    assert len(tight) < len(free)
    assert b"word word" in tight
