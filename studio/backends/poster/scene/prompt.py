"""Reads a prompt, in English or Chinese: the words that a scene model knows, what they ask for, and the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from studio.backends.poster.scene import drawings
from studio.backends.poster.scene.elements import MOST_THINGS, PARTS, Scene, faults, place_of
from studio.backends.poster.scene.words import (
    GRAPHIC,
    HOUR_WORDS,
    NUMBERS,
    PLACES,
    SIZES,
    THINGS,
    WEATHER_WORDS,
    asking,
    tokens,
)
from studio.errors import NOTHING, Message
from studio.models.vocabulary import listed

LONGEST = 32
"""Tokens that a model is told, at most."""

_SILENT = """a an the of with and in at near by on as some under during goes down above around below between front few
    poster picture travel illustration image scene painting drawing make create draw show please
    to from into over is are there it its this that which while where for my our very one"""
SILENT = frozenset(_SILENT.split())
"""Words that say nothing of what is shown."""

OTHERS = {
    **dict.fromkeys(("ship", "yacht", "sail", "ferry", "dinghy"), "boat"),
    **dict.fromkeys(("ships", "yachts", "sailboats"), "two boats"),
    **dict.fromkeys(("bird", "seagull", "seagulls", "gull", "gulls", "geese", "swallows"), "birds"),
    **dict.fromkeys(("aircraft", "jet", "airliner"), "plane"),
    **dict.fromkeys(("bonfire", "firepit"), "campfire"),
    **dict.fromkeys(("flower", "wildflowers", "tulips", "poppies", "blossoms"), "flowers"),
    **dict.fromkeys(("road", "track", "footpath", "way", "paths", "trails"), "path"),
    **dict.fromkeys(("cathedral", "steeple"), "church"),
    **dict.fromkeys(("hut", "lodge", "farmhouse", "home"), "house"),
    **dict.fromkeys(("dock", "wharf", "boardwalk"), "pier"),
    **dict.fromkeys(("cactuses", "saguaro"), "cactus"),
    **dict.fromkeys(("reindeer", "elk", "moose", "antelope", "gazelle", "doe"), "deer"),
    **dict.fromkeys(("mount", "peak", "summit", "alp"), "mountain"),
    **dict.fromkeys(("dune",), "dunes"),
    **dict.fromkeys(("skyscraper", "metropolis", "cityscape"), "skyscrapers"),
    **dict.fromkeys(("forests", "pines", "firs", "conifers", "wood", "tree"), "forest"),
    **dict.fromkeys(("lakeside", "pond"), "lake"),
    **dict.fromkeys(("seashore", "seacoast"), "coast"),
    **dict.fromkeys(("bay", "marina"), "harbour"),
    **dict.fromkeys(("field", "pasture", "prairie", "grassland", "farm"), "fields"),
    **dict.fromkeys(("moon", "moonlit", "stars", "starry", "nighttime", "nightfall"), "night"),
    **dict.fromkeys(("daytime", "sunlight"), "day"),
    **dict.fromkeys(("sunny", "cloudless", "sunshine", "summer"), "clear"),
    **dict.fromkeys(("twilight",), "sunset"),
    **dict.fromkeys(("foggy", "hazy", "haze"), "fog"),
    **dict.fromkeys(("stormy", "storm", "raining", "drizzle", "showers"), "rain"),
    **dict.fromkeys(("snowing", "snowfall", "wintry", "snowflakes", "blizzard"), "snow"),
    **dict.fromkeys(("cloud", "overcast"), "clouds"),
    **dict.fromkeys(("concerts", "gigs", "recital", "festivals", "theatre", "cabaret", "musical", "bands"), "concert"),
    **dict.fromkeys(("cafe", "restaurant", "bistro", "menu", "kitchen", "tables", "buffet", "feast", "pub"), "table"),
    **dict.fromkeys(("market", "food", "dining", "diner"), "table"),
    **dict.fromkeys(("cosmos", "galaxies", "outer"), "space"),
    **dict.fromkeys(("undersea", "seafloor", "reefs", "diving", "aquarium"), "underwater"),
}
"""Words that no model was taught, and one that it was."""

CHINESE = {
    **dict.fromkeys(("山脉", "高山", "雪山", "群山", "大山", "山峰", "山"), "mountains"),
    **dict.fromkeys(("海岸", "海边", "悬崖", "岸边"), "coast"),
    **dict.fromkeys(("大海", "海洋", "海"), "sea"),
    **dict.fromkeys(("沙漠", "沙丘"), "desert"),
    **dict.fromkeys(("城市", "都市", "摩天大楼", "高楼", "天际线"), "city"),
    **dict.fromkeys(("森林", "树林", "松林", "林间"), "forest"),
    **dict.fromkeys(("湖泊", "湖边", "湖畔", "湖"), "lake"),
    **dict.fromkeys(("村庄", "村落", "乡村", "小镇", "村子"), "village"),
    **dict.fromkeys(("港口", "海港", "港湾", "渔港", "港"), "harbour"),
    **dict.fromkeys(("岛屿", "小岛", "海岛", "岛"), "island"),
    **dict.fromkeys(("峡谷", "大峡谷"), "canyon"),
    **dict.fromkeys(("海滩", "沙滩", "海滨"), "beach"),
    **dict.fromkeys(("丘陵", "山丘", "田野", "草地", "草原", "田园"), "rolling hills"),
    **dict.fromkeys(("黎明", "清晨", "早晨", "日出", "拂晓", "早上"), "dawn"),
    **dict.fromkeys(("白天", "中午", "正午", "下午", "白昼"), "day"),
    **dict.fromkeys(("日落", "黄昏", "傍晚", "夕阳", "落日", "晚霞"), "sunset"),
    **dict.fromkeys(
        ("夜晚", "夜里", "夜间", "深夜", "午夜", "夜色", "星空", "月亮", "月光", "满月", "夜", "晚上"), "night"
    ),
    **dict.fromkeys(("晴朗", "晴天", "晴"), "clear"),
    **dict.fromkeys(("多云", "白云", "云朵", "云"), "clouds"),
    **dict.fromkeys(("薄雾", "雾气", "大雾", "雾"), "mist"),
    **dict.fromkeys(("下雨", "雨天", "雨中", "雨"), "rain"),
    **dict.fromkeys(("下雪", "雪天", "雪中", "冬天", "冬季", "雪"), "snow"),
    **dict.fromkeys(("帆船", "小船", "船只", "渔船", "船"), "boat"),
    **dict.fromkeys(("热气球", "气球"), "balloon"),
    **dict.fromkeys(("鸟群", "飞鸟", "海鸥", "小鸟", "鸟"), "birds"),
    **dict.fromkeys(("飞机",), "plane"),
    **dict.fromkeys(("风筝",), "kite"),
    **dict.fromkeys(("帐篷", "露营", "营地"), "tent"),
    **dict.fromkeys(("篝火", "营火"), "campfire"),
    **dict.fromkeys(("小鹿", "鹿"), "deer"),
    **dict.fromkeys(("风车",), "windmill"),
    **dict.fromkeys(("灯塔",), "lighthouse"),
    **dict.fromkeys(("码头", "栈桥"), "pier"),
    **dict.fromkeys(("鲜花", "野花", "花朵", "花"), "flowers"),
    **dict.fromkeys(("仙人掌",), "cactus"),
    **dict.fromkeys(("教堂",), "church"),
    **dict.fromkeys(("棕榈树", "椰子树", "椰树", "棕榈"), "palms"),
    **dict.fromkeys(("房子", "小屋", "木屋", "房屋"), "house"),
    **dict.fromkeys(("小路", "小径", "道路", "山路"), "path"),
    **dict.fromkeys(("竹林", "丛林", "雨林"), "forest"),
    **dict.fromkeys(("舞台", "音乐会", "演唱会", "音乐节", "演出", "乐队"), "concert"),
    **dict.fromkeys(("餐桌", "桌子", "桌上", "菜单", "餐厅", "咖啡馆", "咖啡店", "市场", "集市", "晚餐"), "table"),
    **dict.fromkeys(("太空", "宇宙", "银河"), "space"),
    **dict.fromkeys(("海底", "水下", "珊瑚礁"), "underwater"),
    **dict.fromkeys(("街道", "街头", "马路"), "downtown"),
}
_PARTICLES = """的 在 上 下 里 中 和 与 一 个 座 只 艘 条 片 有 着 了 是 旁 边 及 之 我 要 画 请 幅 张 海报 图
    插画 旅行 风景 天空 下面 上面 一个 一座 一只 一艘 一条 一片 一些
    时 时分 时候 以及 还有 并 顶 前 后 间 朵 群 那 这"""
PARTICLES = frozenset(_PARTICLES.split())
"""Of Chinese: what says nothing of what is shown."""
COUNTS = {"两": 2, "二": 2, "三": 3}
MEASURES = "只艘个座顶条头棵架"

_FIRST_CHINESE = "\u2e80"
_RUN = re.compile("[\u2e80-\u9fff\uf900-\uffef]+|[^\\W_\u2e80-\u9fff]+(?:'[a-z]+)?|[\U0001f000-\U0001ffff]|[,;.:!?]")
_STOPS = ",;.:!?"
_DRAWS = "<hero 1>"
"""A token that only models know which leave the drawing of things to the prompt."""
_LONGEST_NAME = 4
_DIGITS = {"2": "two", "3": "three"}

HEADS = {
    **dict.fromkeys(("boat", "sailboat"), "boat"),
    **{name: name for name in ("balloon", "birds", "kite", "tent", "campfire", "deer", "windmill", "lighthouse")},
    **{name: name for name in ("pier", "flowers", "cactus", "church", "house", "path", "plane")},
    **dict.fromkeys(("aeroplane", "airplane"), "plane"),
    **{"fire": "campfire", "camp": "tent", "stag": "deer", "mill": "windmill", "jetty": "pier", "chapel": "church"},
    **{"palm": "palm", "palms": "palm", "cabin": "house", "cottage": "house", "trail": "path"},
    **{f"{NUMBERS[n]} {t.many}": name for name, t in THINGS.items() if t.many for n in range(2, t.most + 1)},
}
"""Tokens that ask for a thing, and its kind."""
OWN = frozenset({"palm", "house", "church", "path", "pier", "flowers"})
"""Things that places have without being asked."""


SCATTERED = frozenset(
    [
        "music-note",
        "music-notes",
        "autumn-leaf",
        "maple-leaf",
        "heart",
        "snowflake",
        "cherry-blossom",
        "star-shape",
        "sparkles",
        "drop",
    ]
)
"""Drawings that stand for many small ones where their name is a plural and something else is asked for too."""


@dataclass(frozen=True)
class Noun:
    """A thing that a prompt names: what it calls it, its drawing, how many (2 for a plural), and whether the drawing is
    only the nearest there is."""

    shown: str
    drawing: str
    count: int = 1
    near: bool = False


@dataclass(frozen=True)
class ReadPrompt:
    """What a model is told of a prompt, and the phrases of it that were understood and were not."""

    told: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    things: dict[str, int] = field(default_factory=dict[str, int], hash=False)
    """The kinds asked for, and how many; 1 where they were not counted."""
    called: dict[str, str] = field(default_factory=dict[str, str], hash=False)
    """What the prompt calls them."""
    parts: dict[str, Noun] = field(default_factory=dict[str, Noun], hash=False)
    """The kinds of those that get a drawing, and which."""
    scattered: str = ""
    """The drawing of which there are many small ones."""
    place: str = ""
    """The graphic poster that is asked for; none where it is a landscape or left open."""

    def dressed(self, scene: Scene) -> Scene:
        """The scene with the drawings that the prompt asked for, whole on the sheet: how wide they are is known only
        now. What nobody asked for goes."""
        known = drawings.drawings() if self.parts else {}
        made = []
        for e in scene.elements:
            if e.kind in self.parts:
                one = known[self.parts[e.kind].drawing]
                nominal = 0.0 if self.place else SIZES[one.size]
                half = min(0.49, 0.5 * e.size * min(1.0, one.aspect) + 0.01)
                x = min(1 - half, max(half, e.x))
                made.append(replace(e, x=x, drawing=one.name, aspect=one.aspect, nominal=nominal))
            elif e.kind == "scatter":
                made.append(replace(e, drawing=self.scattered or "music-note"))
            elif e.kind not in PARTS:
                made.append(e)
        return replace(scene, elements=tuple(made))

    def remark(self, scene: Scene) -> Message:
        """Says what was understood, what was not, and what the scene does not show all the same; nothing where there is
        nothing to say.
        """
        said = self._near(self._said())
        missing = listed(tuple(dict.fromkeys(self.called[kind] for kind in self.missing(scene))))
        if not missing:
            return said
        return Message("{said} Not in this scene, another seed may show it: {missing}.", said=said, missing=missing)

    def missing(self, scene: Scene) -> list[str]:
        """The kinds asked for of which the scene has none, or fewer than were asked for."""
        count = Counter(e.kind for e in scene.elements)
        return [kind for kind, number in self.things.items() if count[kind] < number]

    def _near(self, said: Message) -> Message:
        """With the words that are shown by the drawing that comes nearest."""
        near = [noun for noun in self.parts.values() if noun.near]
        if not near:
            return said
        pairs = ", ".join(f"{noun.shown} – {drawings.drawings()[noun.drawing].english[0]}" for noun in near)
        return Message("{said} Shown by the nearest drawing: {pairs}.", said=said, pairs=pairs)

    def _said(self) -> Message:
        known, unknown = listed(self.understood), listed(self.unknown)
        if known and unknown:
            return Message("Understood: {known}. Not known: {unknown}.", known=known, unknown=unknown)
        if unknown:
            return Message("Nothing of the prompt is known, so chance chose the scene: {unknown}.", unknown=unknown)
        if known:
            return Message("Understood: {known}.", known=known)
        return NOTHING


def read(prompt: str, vocabulary: Collection[str]) -> ReadPrompt:
    """The prompt as a model with this vocabulary understands it. Every word is told, silent, or unknown."""
    known = vocabulary if isinstance(vocabulary, set | frozenset) else frozenset(vocabulary)
    told: list[str] = []
    phrases: dict[bool, list[list[str]]] = {True: [], False: []}
    called: dict[str, str] = {}
    nouns: list[Noun] = []
    before: bool | None = None
    for shown, words, named in _pieces(prompt, known):
        found = [token for word in words if (token := _token(word, known))]
        if not named and (not words or all(word in SILENT for word in words)):
            told += [token for token in found if len(found) == len(words)]
            before = None
            continue
        told += [token for token in found if token not in told]
        nouns += named
        called |= {HEADS[token]: shown for token in found if token in HEADS}
        understood = bool(found or named)
        if before is understood and shown < _FIRST_CHINESE:
            phrases[understood][-1].append(shown)
        else:
            phrases[understood].append([shown])
        before = understood if shown < _FIRST_CHINESE else None
    if len(told) > LONGEST:
        told = [token for token in dict.fromkeys(told) if token not in SILENT]
    understood, unknown = (tuple(dict.fromkeys(" ".join(words) for words in phrases[which])) for which in (True, False))
    things = dict(_things(told))
    place, parts, scattered, more = _parts(nouns, told, things)
    told = [*told[: LONGEST - len(more)], *more]
    for kind, noun in parts.items():
        things[kind], called[kind] = noun.count, noun.shown
    return ReadPrompt(tuple(told), understood, unknown, things, called, parts, scattered, place)


def _parts(nouns: list[Noun], told: list[str], things: dict[str, int]) -> tuple[str, dict[str, Noun], str, list[str]]:
    """The graphic poster that is asked for, what the things named are in it by their kinds, the one scattered, and the
    tokens that say so."""
    landscape = bool(things) or any(token in _LANDSCAPES for token in told)
    place = "" if landscape else next((_GRAPHIC[token] for token in told if token in _GRAPHIC), "")
    if not nouns:
        return place, {}, "", []
    known = drawings.drawings()
    different: dict[str, Noun] = {}
    scattered = ""
    for noun in nouns:
        if noun.drawing in SCATTERED and noun.shown.endswith("s") and len({n.drawing for n in nouns}) > 1:
            scattered = noun.drawing
        elif len(different) < MOST_THINGS or noun.drawing in different:
            before = different.get(noun.drawing, noun)
            different[noun.drawing] = before if before.count >= noun.count else noun
    chosen = list(different.values())
    categories = {known[noun.drawing].category for noun in chosen}
    more: list[str] = []
    if not landscape and not place:
        place = {frozenset({"food"}): "table", frozenset({"sea"}): "underwater"}.get(frozenset(categories), "plain")
        more = {"table": ["table"], "underwater": ["underwater"]}.get(place, ["plain", "background"])
    wet = any(token in _WATERS for token in told)
    parts: dict[str, Noun] = {}
    for slot, noun in enumerate(chosen, 1):
        one = known[noun.drawing]
        role = {"plain": "hero", "table": "stander"}.get(place, one.role)
        if place == "stage":
            role = "hero" if slot == 1 else "flyer" if one.role == "flyer" else "stander"
        elif place in ("space", "underwater"):
            role = "flyer" if one.role in ("flyer", "floater") else "stander"
        elif role == "floater" and landscape and not wet:
            role = "stander"
        parts[f"{role}-{slot}"] = noun
        more += asking(role, slot, one.size, noun.count)
    return place, parts, scattered, [*more, *(["<scatter>"] if scattered else [])]


def misses(scene: Scene, asked: ReadPrompt) -> float:
    """How far a scene is from what was asked: things that lack, hour and weather that are others, what nobody asked
    for, and its own faults.
    """
    count = Counter(e.kind for e in scene.elements)
    wrong = 0.0
    for kind, number in asked.things.items():
        exact = number > 1 or kind in PARTS
        wrong += 3 * (count[kind] == 0) + 2 * (count[kind] > 0 and exact and count[kind] != number)
    told = set(asked.told)
    for hour, words in _SIGNS_OF_HOURS.items():
        wrong += 3 * bool(words & told and not count[hour])
    for weather, words in _SIGNS_OF_WEATHER.items():
        kind = {"clouds": "cloud"}.get(weather, weather)
        if kind in ("rain", "snow", "mist", "cloud"):
            asked_for = bool(words & told)
            wrong += 3 * (asked_for and not count[kind]) + (kind != "cloud" and not asked_for and count[kind] > 0)
    extra = [kind for kind in THINGS if kind not in asked.things and kind not in OWN and count[kind]]
    shown, wanted = place_of(scene), {name for name, words in _SIGNS_OF_PLACES.items() if words & told}
    if asked.place or (shown in GRAPHIC and asked.told):
        wrong += 3 * (shown != asked.place)
    elif len(wanted) == 1:
        wrong += 3 * (shown not in wanted)
    return wrong + 0.5 * len(extra) + len(faults(scene))


def _signs(wordings: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """The tokens that stand for each, without those that stand for nothing or for several."""
    found = {
        name: {word for phrase in (name, *phrases) for word in tokens(phrase)} for name, phrases in wordings.items()
    }
    often = Counter(word for words in found.values() for word in words)
    dull = SILENT | {"light", "weather", "sky", "sun", "falling", "early"}
    return {name: frozenset(w for w in words if often[w] == 1 and w not in dull) for name, words in found.items()}


_SIGNS_OF_HOURS = _signs(HOUR_WORDS)
_SIGNS_OF_WEATHER = _signs(WEATHER_WORDS)
_SIGNS_OF_PLACES = _signs(PLACES)


def _words_of(wordings: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The tokens of each place's wordings, of several places the first; silent ones not."""
    found: dict[str, str] = {}
    for place, phrases in wordings.items():
        for word in (word for phrase in (place, *phrases) for word in tokens(phrase)):
            if word not in SILENT | _COMMON:
                found.setdefault(word, place)
    return found


_COMMON = frozenset(
    [
        "high",
        "big",
        "small",
        "deep",
        "quiet",
        "old",
        "red",
        "wild",
        "front",
        "coloured",
        "bold",
        "wall",
        "music",
        "scene",
        "band",
        "life",
        "still",
    ]
)
_LANDSCAPES = _words_of(PLACES)
_GRAPHIC = {word: place for word, place in _words_of(GRAPHIC).items() if word not in _LANDSCAPES}
_WATERS = frozenset(
    word for word, place in _LANDSCAPES.items() if place in ("coast", "city", "lake", "harbour", "island", "beach")
)


def _things(told: list[str]) -> Iterator[tuple[str, int]]:
    for token in told:
        if token in HEADS:
            number = token.partition(" ")[0]
            yield HEADS[token], NUMBERS.index(number) if number in NUMBERS[2:] else 1


def _pieces(prompt: str, known: Collection[str]) -> Iterator[tuple[str, list[str], list[Noun]]]:
    """The words of a prompt as they are written, each with what it says in English (none for what says nothing), or
    the things that it names."""
    runs = re.findall(_RUN, prompt.lower())
    named = drawings.english() if _DRAWS in known else {}
    at = 0
    while at < len(runs):
        run, after = runs[at], runs[at + 1] if at + 1 < len(runs) else ""
        if run in _STOPS:
            at += 1
            yield run, [], []
            continue
        if run >= _FIRST_CHINESE and not run.isdigit():
            at += 1
            yield from _chinese(run, bool(named))
            continue
        number = _DIGITS.get(run, run)
        counted = f"{number} {OTHERS.get(after, f'two {after}').removeprefix('two ')}"
        if counted in HEADS:
            at += 2
            yield f"{run} {after}", [counted], []
            continue
        count = NUMBERS.index(number) if number in NUMBERS[2:] else 0
        size, nouns = _named(runs, at + (count > 0), named, known)
        if nouns:
            shown = " ".join(runs[at : at + size + (count > 0)])
            at += size + (count > 0)
            yield shown, [], [replace(noun, shown=shown, count=count or noun.count) for noun in nouns]
        else:
            at += 1
            yield run, [run], []


def _named(
    runs: list[str], at: int, named: dict[str, tuple[str, ...]], known: Collection[str]
) -> tuple[int, list[Noun]]:
    """How many words from `at` on name things, the most there are, and the things."""
    for size in range(min(_LONGEST_NAME, len(runs) - at) if named else 0, 0, -1):
        words = runs[at : at + size]
        if size == 1 and (_token(words[0], known) or words[0] in SILENT or words[0].isdigit()):
            break
        for last in _singulars(words[-1]):
            if found := named.get(" ".join([*words[:-1], last])):
                return size, [Noun("", name, 1 if last == words[-1] else 2) for name in found]
    if named and at < len(runs):
        word = runs[at]
        if len(word) > 2 and word not in SILENT and not _token(word, known):
            for one in _singulars(word):
                if name := drawings.near().get(one):
                    return 1, [Noun("", name, 1 if one == word else 2, near=True)]
    return 0, []


def _singulars(word: str) -> Iterator[str]:
    """The word, and what it may be the plural of."""
    yield word
    if word.endswith("'s"):
        yield word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
        for end, one in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", "")):
            if word.endswith(end):
                yield word.removesuffix(end) + one
    elif word.endswith("men"):
        yield word[:-3] + "man"


@cache
def _starts(draws: bool) -> dict[str, tuple[str, ...]]:
    """The Chinese words of the tables by their first letter, the longest first."""
    found: dict[str, list[str]] = {}
    for word in {*CHINESE, *PARTICLES, *(drawings.chinese() if draws else ())}:
        found.setdefault(word[0], []).append(word)
    return {letter: tuple(sorted(words, key=len, reverse=True)) for letter, words in found.items()}


def _chinese(run: str, draws: bool) -> Iterator[tuple[str, list[str], list[Noun]]]:
    """The longest words of the tables first; letters that are in none, together."""
    named = drawings.chinese() if draws else {}
    starts = _starts(draws)
    at, lost = 0, ""

    def word_at(place: int) -> str:
        """The longest word of the tables that begins there."""
        begun = starts.get(run[place : place + 1], ())
        return next((word for word in begun if run.startswith(word, place)), "")

    while at < len(run):
        word = word_at(at)
        count = COUNTS.get(run[at], 0) if not word else 0
        if (word or count or not run[at].isalnum()) and lost:
            yield lost, [lost], []
            lost = ""
        if count:
            skipped = at + 1 + (at + 1 < len(run) and run[at + 1] in MEASURES)
            noun = word_at(skipped)
            shown = run[at : skipped + len(noun)]
            many = THINGS[CHINESE[noun]].many if noun in CHINESE and CHINESE[noun] in THINGS else ""
            if many:
                yield shown, [f"{NUMBERS[count]} {many}"], []
            elif noun in named and noun not in CHINESE:
                yield shown, [], [Noun(shown, name, count) for name in named[noun]]
            else:
                lost += run[at]
                at += 1
                continue
            at += len(shown)
            continue
        if word in CHINESE:
            yield word, CHINESE[word].split(), []
        elif word in named:
            yield word, [], [Noun(word, name) for name in named[word]]
        elif not word and run[at].isalnum():
            lost += run[at]
        at += max(1, len(word))
    if lost:
        yield lost, [lost], []


def _token(word: str, known: Collection[str]) -> str:
    """The token of a word, or of one that means the same; empty for a word that the model does not know."""
    for each in (word, OTHERS.get(word, ""), f"two {word}", OTHERS.get(word.removesuffix("s"), "")):
        if each in known:
            return each
    singular = word.removesuffix("s")
    return singular if singular in known else ""
