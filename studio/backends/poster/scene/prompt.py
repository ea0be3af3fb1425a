"""Reads a prompt, in English or Chinese: the words that a scene model knows, what they ask for, and the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from studio.backends.poster.scene.elements import Scene, faults
from studio.backends.poster.scene.words import HOUR_WORDS, NUMBERS, THINGS, WEATHER_WORDS, tokens
from studio.errors import NOTHING, Message

LONGEST = 32
"""Tokens that a model is told, at most."""
SAID = 12
"""Phrases of a prompt that a remark names, at most."""

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
    **dict.fromkeys(("reindeer", "elk", "moose"), "deer"),
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
    **dict.fromkeys(("sunny", "cloudless", "sunshine"), "clear"),
    **dict.fromkeys(("twilight",), "sunset"),
    **dict.fromkeys(("foggy", "hazy", "haze"), "fog"),
    **dict.fromkeys(("stormy", "storm", "raining", "drizzle", "showers"), "rain"),
    **dict.fromkeys(("snowing", "snowfall", "wintry", "snowflakes", "blizzard"), "snow"),
    **dict.fromkeys(("cloud", "overcast"), "clouds"),
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

    def remark(self, scene: Scene) -> Message:
        """Says what was understood, what was not, and what the scene does not show all the same; nothing where there is
        nothing to say.
        """
        said, missing = self._said(), _listed(tuple(dict.fromkeys(self.called[kind] for kind in self.missing(scene))))
        if not missing:
            return said
        return Message("{said} Not in this scene, another seed may show it: {missing}.", said=said, missing=missing)

    def missing(self, scene: Scene) -> list[str]:
        """The kinds asked for of which the scene has none, or fewer than were asked for."""
        count = Counter(e.kind for e in scene.elements)
        return [kind for kind, number in self.things.items() if count[kind] < number]

    def _said(self) -> Message:
        known, unknown = _listed(self.understood), _listed(self.unknown)
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
    before: bool | None = None
    for shown, words in _pieces(prompt):
        found = [token for word in words if (token := _token(word, known))]
        if not words or all(word in SILENT for word in words):
            told += [token for token in found if len(found) == len(words)]
            before = None
            continue
        told += [token for token in found if token not in told]
        called |= {HEADS[token]: shown for token in found if token in HEADS}
        understood = bool(found)
        if before is understood and shown < _FIRST_CHINESE:
            phrases[understood][-1].append(shown)
        else:
            phrases[understood].append([shown])
        before = understood if shown < _FIRST_CHINESE else None
    if len(told) > LONGEST:
        told = [token for token in dict.fromkeys(told) if token not in SILENT]
    understood, unknown = (tuple(dict.fromkeys(" ".join(words) for words in phrases[which])) for which in (True, False))
    told = told[:LONGEST]
    return ReadPrompt(tuple(told), understood, unknown, dict(_things(told)), called)


def misses(scene: Scene, asked: ReadPrompt) -> float:
    """How far a scene is from what was asked: things that lack, hour and weather that are others, what nobody asked
    for, and its own faults.
    """
    count = Counter(e.kind for e in scene.elements)
    wrong = 0.0
    for kind, number in asked.things.items():
        wrong += 3 * (count[kind] == 0) + 2 * (count[kind] > 0 and number > 1 and count[kind] != number)
    told = set(asked.told)
    for hour, words in _SIGNS_OF_HOURS.items():
        wrong += 3 * bool(words & told and not count[hour])
    for weather, words in _SIGNS_OF_WEATHER.items():
        kind = {"clouds": "cloud"}.get(weather, weather)
        if kind in ("rain", "snow", "mist", "cloud"):
            asked_for = bool(words & told)
            wrong += 3 * (asked_for and not count[kind]) + (kind != "cloud" and not asked_for and count[kind] > 0)
    extra = [kind for kind in THINGS if kind not in asked.things and kind not in OWN and count[kind]]
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


def _things(told: list[str]) -> Iterator[tuple[str, int]]:
    for token in told:
        if token in HEADS:
            number = token.partition(" ")[0]
            yield HEADS[token], NUMBERS.index(number) if number in NUMBERS[2:] else 1


def _listed(phrases: tuple[str, ...]) -> str:
    return ", ".join([*phrases[:SAID], *(["…"] if len(phrases) > SAID else [])])


def _pieces(prompt: str) -> Iterator[tuple[str, list[str]]]:
    """The words of a prompt as they are written, each with what it says in English; none for what says nothing."""
    runs = re.findall(_RUN, prompt.lower())
    at = 0
    while at < len(runs):
        run, after = runs[at], runs[at + 1] if at + 1 < len(runs) else ""
        at += 1
        if run in _STOPS:
            yield run, []
            continue
        if run >= _FIRST_CHINESE and not run.isdigit():
            yield from _chinese(run)
            continue
        many = OTHERS.get(after, f"two {after}").removeprefix("two ")
        counted = f"{_DIGITS.get(run, run)} {many}"
        if counted in HEADS:
            at += 1
            yield f"{run} {after}", [counted]
        else:
            yield run, [run]


def _chinese(run: str) -> Iterator[tuple[str, list[str]]]:
    """The longest words of the tables first; letters that are in none, together."""
    at, lost = 0, ""
    longest = max(map(len, CHINESE))
    while at < len(run):
        size = next(
            (n for n in range(longest, 0, -1) if run[at : at + n] in CHINESE or run[at : at + n] in PARTICLES), 0
        )
        word = run[at : at + max(size, 1)]
        count = COUNTS.get(word[0], 0) if size == 0 else 0
        if (size or count or not word.isalnum()) and lost:
            yield lost, [lost]
            lost = ""
        if count:
            rest = run[at + 1 :].lstrip(MEASURES)
            noun = next((rest[:n] for n in range(longest, 0, -1) if rest[:n] in CHINESE), "")
            many = THINGS[CHINESE[noun]].many if noun and CHINESE[noun] in THINGS else ""
            if many:
                shown = run[at : len(run) - len(rest) + len(noun)]
                yield shown, [f"{NUMBERS[count]} {many}"]
                at += len(shown)
                continue
            lost += word
        elif word in CHINESE:
            yield word, CHINESE[word].split()
        elif size == 0 and word.isalnum():
            lost += word
        at += len(word)
    if lost:
        yield lost, [lost]


def _token(word: str, known: Collection[str]) -> str:
    """The token of a word, or of one that means the same; empty for a word that the model does not know."""
    for each in (word, OTHERS.get(word, ""), f"two {word}", OTHERS.get(word.removesuffix("s"), "")):
        if each in known:
            return each
    singular = word.removesuffix("s")
    return singular if singular in known else ""
