"""Random edits: of a campaign's text (`change`), and mishaps on disk (`Mishaps`), mirrored into the oracle."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

from tests.properties.worlds import CHAINS, Asset, Override, World, picture

__all__ = ["CHANGES", "change", "is_whole"]

QUALITIES = ["low", "medium", "high"]


def _string(world: World, choice: random.Random) -> None:
    texts = world.strings[choice.choice(sorted(world.strings))]
    texts[choice.choice(sorted(texts))] = f"Words {choice.randrange(60)}"


def _add_string(world: World, choice: random.Random) -> None:
    """Also a new file in the middle of a chain: es-419 comes before es."""
    tag = choice.choice(["de", "de-DE", "de-AT", "es", "es-419", "es-MX", "es-ES", "ja-JP"])
    world.strings.setdefault(tag, {})[choice.choice(["headline", "cta", "unused"])] = f"Added {choice.randrange(60)}"


def _remove_string(world: World, choice: random.Random) -> None:
    tag = choice.choice([each for each in sorted(world.strings) if each != "en-US"])
    world.strings[tag].pop(choice.choice(sorted(world.strings[tag])))
    if not world.strings[tag]:
        del world.strings[tag]


def _template(world: World, choice: random.Random) -> None:
    path = choice.choice(sorted(world.templates))
    world.templates[path] = world.templates[path].rstrip("\n") + f"\nDetail {choice.randrange(9)}.\n"


def _template_space(world: World, choice: random.Random) -> None:
    """White space that renders away: comments, blanks before a block and at the ends, another way to write a name."""
    path = choice.choice(sorted(world.templates))
    text = world.templates[path]
    number = choice.randrange(99)
    world.templates[path] = choice.choice(
        [
            f"{{# note {number} #}}\n{text}",
            f"\n\n{text}",
            f"{text}\n\n",
            text.replace("{% if", "   {% if"),
            text.replace("{{ ", "{{"),
            text.replace("{{product", "{{ product"),
            text.replace("\n{% endif %}", f"\n{{# {number} #}}\n{{% endif %}}"),
        ]
    )


def _inline(world: World, choice: random.Random) -> None:
    """A prompt moves between its file and the campaign."""
    asset = world.assets[choice.choice([name for name, each in sorted(world.assets.items()) if each.paid])]
    if asset.prompt_file is None:
        path = f"prompts/moved{choice.randrange(999)}.j2"
        world.templates[path], asset.prompt, asset.prompt_file = str(asset.prompt), None, path
    else:
        asset.prompt, asset.prompt_file = world.templates[asset.prompt_file], None


def _prompt(world: World, choice: random.Random) -> None:
    asset = world.assets[
        choice.choice([name for name, each in sorted(world.assets.items()) if each.prompt is not None])
    ]
    asset.prompt = f"{asset.prompt} Light {choice.randrange(5)}."


def _picture(world: World, choice: random.Random) -> None:
    world.pictures[choice.choice(sorted(world.pictures))] = picture(choice.randrange(8))


def _rename_picture(world: World, choice: random.Random) -> None:
    old = choice.choice(sorted(world.pictures))
    new = f"brand/renamed{choice.randrange(999)}.png"
    world.pictures[new] = world.pictures.pop(old)
    for asset in world.assets.values():
        asset.references = [("file", new) if each[:2] == ("file", old) else each for each in asset.references]


def _references(world: World, choice: random.Random) -> None:
    """A reference more, one less, or the other way round."""
    asset = world.assets[choice.choice([name for name, each in sorted(world.assets.items()) if each.paid])]
    files = [("file", path) for path in sorted(world.pictures)]
    way = choice.randrange(3)
    if way == 0:
        asset.references.append(choice.choice(files))
    elif way == 1 and asset.references:
        asset.references.pop()
    else:
        asset.references.reverse()


def _rename(world: World, choice: random.Random) -> None:
    old = choice.choice(sorted(world.assets))
    new = f"{old.split('_')[0]}_{choice.randrange(99)}"
    if new in world.assets:
        return
    world.assets = {new if name == old else name: each for name, each in world.assets.items()}
    for asset in world.assets.values():
        asset.source = new if asset.source == old else asset.source
        asset.references = [
            ("asset", new, each[2]) if each[:2] == ("asset", old) else each for each in asset.references
        ]


def _output(world: World, choice: random.Random) -> None:
    asset = world.assets[choice.choice([name for name, each in sorted(world.assets.items()) if each.output])]
    folder, _, rest = str(asset.output).partition("/")
    asset.output = f"{folder.split('_')[0]}_{choice.randrange(9)}/{rest}"


def _swap_outputs(world: World, choice: random.Random) -> None:
    same = [
        name
        for name, each in sorted(world.assets.items())
        if each.over == ["locale"] and str(each.output).endswith(".png")
    ]
    if len(same) > 1:
        one, two = choice.sample(same, 2)
        world.assets[one].output, world.assets[two].output = world.assets[two].output, world.assets[one].output


def _ending(world: World, choice: random.Random) -> None:
    """Only of what nothing is made from: WebP may draw two colours as one, and the oracle takes them for two."""
    used = {each.source for each in world.assets.values()} | {
        link[1] for each in world.assets.values() for link in each.references if link[0] == "asset"
    }
    free = [each for name, each in sorted(world.assets.items()) if each.output and name not in used]
    asset = choice.choice(free)
    asset.output = str(asset.output).rsplit(".", 1)[0] + choice.choice([".png", ".webp"])


def _no_output(world: World, choice: random.Random) -> None:
    """A delivered asset becomes an intermediate one, or the other way round."""
    asset = world.assets[
        choice.choice([name for name, each in sorted(world.assets.items()) if name[:5] in ("scene", "poste", "twin")])
    ]
    if asset.output is None:
        asset.output = f"more{choice.randrange(9)}/" + "-".join("{{ " + axis + " }}" for axis in asset.over) + ".png"
    else:
        asset.output = None


def _style(world: World, choice: random.Random) -> None:
    world.style = choice.randrange(1, 1000)


def _products_form(world: World, choice: random.Random) -> None:
    world.products_file = f"data/products.{choice.choice(['json', 'yaml', 'csv'])}"


def _axis_more(world: World, choice: random.Random) -> None:
    way = choice.randrange(3)
    if way == 0:
        world.targets.append(
            choice.choice([each for each in CHAINS if each not in (*world.targets, "en-US")] or ["de-DE"])
        )
    elif way == 1:
        world.ratios.append(choice.choice(["16:9", "9:16", "4:3"]))
    else:
        row = {
            "id": f"item{choice.randrange(3)}",
            "name": f"an item {choice.randrange(2)}",
            "color": "red",
            "sale": False,
            "stock": 1,
        }
        world.products.append(row)


def _axis_less(world: World, choice: random.Random) -> None:
    way = choice.choice([world.targets, world.ratios, world.products])
    if len(way) > 1:
        way.pop()


def _axis_order(world: World, choice: random.Random) -> None:
    for each in (world.targets, world.ratios, world.products):
        choice.shuffle(each)


def _product(world: World, choice: random.Random) -> None:
    row = choice.choice(world.products)
    name = choice.choice(["name", "color", "sale", "stock"])
    row[name] = {
        "name": f"a thing {choice.randrange(4)}",
        "color": choice.choice(["red", "blue"]),
        "sale": not row["sale"],
        "stock": choice.randrange(9),
    }[name]


def _variable(world: World, choice: random.Random) -> None:
    world.variables[choice.choice(["brand", "mood", "idle", "new"])] = f"value {choice.randrange(4)}"


def _setting(world: World, choice: random.Random) -> None:
    paid = [each for _, each in sorted(world.assets.items()) if each.paid]
    way = choice.randrange(4)
    if way == 0:
        world.quality = choice.choice(QUALITIES)
    elif way == 1:
        choice.choice(paid).quality = choice.choice([None, *QUALITIES])
    elif way == 2:
        choice.choice(paid).take = choice.choice([None, 1, 2])
    else:
        for each in paid:
            if each.size is not None and choice.random() < 0.5:
                each.size = choice.choice(["1024x640", "640x1024", "832x800"])


def _fit(world: World, choice: random.Random) -> None:
    local = [each for _, each in sorted(world.assets.items()) if not each.paid]
    choice.choice(local).fit = choice.choice([(64, 40), (32, 32), (16, 16), (40, 64)])


def _exclude(world: World, choice: random.Random) -> None:
    world.exclude = choice.choice(
        [
            [],
            [{"locale": "de-DE", "ratio": "og"}],
            [{"product": "mug", "ratio": "16:9"}],
            [{"locale": "es-MX", "ratio": "16:9"}],
        ]
    )


def _include(world: World, choice: random.Random) -> None:
    number = choice.randrange(3)
    world.include = choice.choice(
        [
            [],
            [Override({"locale": "de-DE"}, "high")],
            [Override({"locale": "es-MX"}, None, {"mood": f"gay {number}", "brand": "Sur"})],
            [Override({"product": "mug"}, "medium", {"mood": f"loud {number}"}), Override({"ratio": "og"}, "high")],
        ]
    )


def _added_cell(world: World, choice: random.Random) -> None:
    for _, asset in sorted(world.assets.items()):
        if asset.over == ["ratio"]:
            asset.added = [] if asset.added else [{"ratio": "4:3"}]


def _new_asset(world: World, choice: random.Random) -> None:
    """Another asset like one that is there: all of it is made already."""
    name = choice.choice(sorted(world.assets))
    asset = copy.deepcopy(world.assets[name])
    if asset.output and len(world.assets) < 12:
        asset.output = f"again{choice.randrange(999)}/{asset.output.rpartition('/')[2]}"
        if name.split("_")[0] in ("hero",):
            asset.output = asset.output.replace("{{ product.id }}", "{{ locale }}-{{ product.id }}")
        world.assets[f"again{choice.randrange(999)}"] = asset


def _drop_asset(world: World, choice: random.Random) -> None:
    used = {each.source for each in world.assets.values()} | {
        link[1] for each in world.assets.values() for link in each.references if link[0] == "asset"
    }
    free = [name for name in sorted(world.assets) if name not in used]
    if len(world.assets) > 6 and free:
        del world.assets[choice.choice(free)]


CHANGES: dict[str, tuple[Callable[[World, random.Random], None], int]] = {
    "a string": (_string, 6),
    "a string more": (_add_string, 4),
    "a string less": (_remove_string, 3),
    "a template": (_template, 4),
    "white space of a template": (_template_space, 6),
    "a prompt moved": (_inline, 3),
    "a prompt": (_prompt, 3),
    "a reference's bytes": (_picture, 4),
    "a reference renamed": (_rename_picture, 3),
    "references": (_references, 3),
    "an asset renamed": (_rename, 5),
    "an output moved": (_output, 4),
    "outputs swapped": (_swap_outputs, 4),
    "an ending": (_ending, 2),
    "an output more or less": (_no_output, 3),
    "the writing of the campaign": (_style, 6),
    "the form of the products": (_products_form, 3),
    "an axis longer": (_axis_more, 3),
    "an axis shorter": (_axis_less, 3),
    "the order of an axis": (_axis_order, 3),
    "a field of a product": (_product, 5),
    "a variable": (_variable, 5),
    "a setting": (_setting, 4),
    "a step": (_fit, 3),
    "exclude": (_exclude, 3),
    "include": (_include, 4),
    "an added cell": (_added_cell, 2),
    "an asset more": (_new_asset, 3),
    "an asset less": (_drop_asset, 3),
}


def change(world: World, choice: random.Random) -> tuple[str, World]:
    """One random edit that leaves a campaign without mistakes, and its name."""
    names = list(CHANGES)
    while True:
        name = choice.choices(names, [CHANGES[each][1] for each in names])[0]
        edited = copy.deepcopy(world)
        CHANGES[name][0](edited, choice)
        if is_whole(edited):
            return name, edited


def is_whole(world: World) -> bool:
    """Whether the campaign is one without mistakes."""
    ids = [row["id"] for row in world.products]
    axes = {"locale": ["en-US", *world.targets], "ratio": world.ratios, "product": ids}
    named = list(world.exclude) + [each.cell for each in world.include]
    if any(value not in axes[axis] for cell in named for axis, value in cell.items()):
        return False
    if any(len(set(each)) != len(each) for each in axes.values()) or "1:1" not in world.ratios:
        return False
    if any(
        each in asset.added for asset in world.assets.values() for each in [{"ratio": ratio} for ratio in world.ratios]
    ):
        return False
    over = [set(asset.over) for asset in world.assets.values()]
    if any(not any(set(cell) <= each for each in over) for cell in named):
        return False
    return _texts_are_there(world) and _links_are_there(world) and _files_are_there(world) and _outputs_differ(world)


def _texts_are_there(world: World) -> bool:
    return all(
        any("headline" in world.strings.get(tag, {}) for tag in CHAINS[locale]) for locale in ["en-US", *world.targets]
    ) and {"headline", "cta"} <= set(world.strings["en-US"])


def _links_are_there(world: World) -> bool:
    for asset in world.assets.values():
        for name, pins in [
            (asset.source, asset.pins),
            *((each[1], each[2]) for each in asset.references if each[0] == "asset"),
        ]:
            if name is not None and (
                name not in world.assets or not set(world.assets[name].over) <= {*asset.over, *pins}
            ):
                return False
    # an exclusion that a source has and what is made from it has not, as `{locale, ratio}` for heroes only
    return all("1:1" not in each.values() for each in world.exclude)


def _files_are_there(world: World) -> bool:
    return all(
        (asset.prompt_file is None or asset.prompt_file in world.templates)
        and all(each[0] == "asset" or each[1] in world.pictures for each in asset.references)
        for asset in world.assets.values()
    )


def _outputs_differ(world: World) -> bool:
    outputs = [asset.output for asset in world.assets.values() if asset.output]
    stems = [each.replace("locale.tag", "locale") for each in outputs]
    return len(set(stems)) == len(stems) and any(_has_work(asset) for asset in world.assets.values())


def _has_work(asset: Asset) -> bool:
    return asset.output is not None
