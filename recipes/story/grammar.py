"""A story grammar: short tales whose people, things and weather stay the same from the first line to the last.

A tale is a plot (plots.py, travels.py) told with one cast. Templates hold choices, `[one|another]`, and slots:
`{h}` is the hero's name, `{h.he}` the pronoun, `{H.he}` the same with a capital, `{a.thing}` a thing with its article.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from recipes.story import world

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
ENDS = re.compile(r'([.!?]")\.')
RUDE = ("shit", "fuck", "dick", "nigg", "cunt", "tit", "slut", "kak", "pis", "penu", "hell", "kill", "die")
FORMS = {
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}


@dataclass
class Person:
    """Somebody in a tale: a name (may be empty: "the baker"), what they are, and how one speaks of them."""

    name: str
    noun: str
    sex: str
    skill: str = ""
    kin: bool = False

    def form(self, which: str) -> str:
        if which in FORMS["f"]:
            return FORMS[self.sex][which]
        intro = f"{self.name} the {self.noun}" if self.name and self.noun not in ("girl", "boy") else self.name
        the = f"the {self.noun}"
        return {"noun": self.noun, "the": the, "a": article(self.noun), "intro": intro or the}[which]


@dataclass
class Tale:
    """One telling: its dice, its people and its words. `say` fills a template; the same dice tell the same tale."""

    dice: random.Random
    people: dict[str, Person] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    animals: bool = False
    wide: bool = False  # many names and made-up ones, instead of the inhabitants that world.CAST names

    def say(self, template: str) -> str:
        """The template with every choice made and every slot filled."""
        text = template
        while True:
            before = text
            text = CHOICE.sub(lambda m: self.dice.choice(m[1].split("|")), text)
            text = SLOT.sub(self._fill, text)
            if text == before:
                return ENDS.sub(r"\1", re.sub(r" +", " ", text))

    def _fill(self, match: re.Match[str]) -> str:
        key, form = match[1], match[2]
        low = key[0].lower() + key[1:]
        if low == "a" and form:
            value = article(self.words[form])
            return value.capitalize() if key == "A" else value
        if form is None:
            value = self.people[low].name or self.people[low].form("the") if low in self.people else self.words[low]
        else:
            value = self.people[low].form(form)
        return value[:1].upper() + value[1:] if key[0].isupper() else value

    def pick(self, options: list[str]) -> str:
        return self.dice.choice(options)

    def name(self, sex: str, *, animal: bool = False) -> str:
        """A name no other person of this tale has; every seventh is made up."""
        while True:
            if self.dice.random() < 0.15:
                name = self.pick(world.START) + self.pick(world.MIDDLE)
                if self.dice.random() < 0.8:
                    name += self.pick(world.JOIN) + self.pick(world.GIRL_END if sex == "f" else world.BOY_END)
                name = name.capitalize()
            else:
                name = self.pick(world.PETS if animal else world.GIRLS if sex == "f" else world.BOYS)
            taken = {person.name for person in self.people.values()}
            if len(name) > 1 and name not in taken and not any(rude in name.lower() for rude in RUDE):
                return name

    def cast(self, role: str, **fixed: str) -> Person:
        """Somebody new under the key `role`; most often of the other sex than the hero, so that "she" is clear."""
        hero = self.people.get("h")
        sex = fixed.get("sex") or self.pick(["f", "m"])
        if hero and "sex" not in fixed and self.dice.random() < 0.85:
            sex = "m" if hero.sex == "f" else "f"
        if self.animals:
            taken = {person.noun for person in self.people.values()}
            skill = fixed.get("skill")
            kinds = [kind for kind, facts in world.ANIMALS.items() if kind not in taken and skill in (None, facts[3])]
            kinds = kinds or [kind for kind, facts in world.ANIMALS.items() if skill in (None, facts[3])]
            noun = fixed.get("noun") or self.pick(kinds)
            person = self.inhabitant(noun, world.ANIMALS[noun][3])
        elif "skill" in fixed:
            noun = self.pick([noun for noun, (_, skill) in world.PEOPLE.items() if skill == fixed["skill"]])
            person = self.inhabitant(noun, fixed["skill"])
        elif "noun" in fixed:
            person = self.inhabitant(fixed["noun"], "")
        else:
            known = {person.name for person in self.people.values()}
            free = [name for name in world.CHILDREN[sex] if name not in known]
            name = self.name(sex) if self.wide else self.pick(free)
            person = Person(name, "girl" if sex == "f" else "boy", sex)
        self.people[role] = person
        return person

    def inhabitant(self, noun: str, skill: str) -> Person:
        """The one who is a fox, or a baker, in this small world."""
        name, sex = world.CAST[noun]
        return Person(self.name(sex, animal=self.animals) if self.wide else name, noun, sex, skill)

    def child(self) -> None:
        """Make sure that the hero is no grown-up."""
        if self.people["h"].noun in world.GROWN:
            del self.people["h"]
            self.cast("h")
            self.words["size"] = self.pick(["little", "small", "young", "quiet", "clever"])

    def elder(self, role: str = "e") -> Person:
        """A grown-up of the hero's family; "{e.noun}" is used with a possessive."""
        if self.people["h"].noun in world.GROWN:
            noun, sex = self.dice.choice(
                [
                    ("sister", "f"),
                    ("brother", "m"),
                    ("old neighbour", "f"),
                    ("old teacher", "m"),
                    ("father", "m"),
                    ("mother", "f"),
                ]
            )
        elif self.animals:
            noun, sex = self.pick(["grandmother", "mother", "aunt"]), "f"
            if self.dice.random() < 0.5:
                noun, sex = self.pick(["grandfather", "father", "uncle"]), "m"
        else:
            noun, sex = self.dice.choice(world.KIN)
        self.people[role] = Person("", noun, sex, kin=True)
        return self.people[role]

    def thing(self, key: str = "thing") -> str:
        """An object with an adjective under `key`; its clue and what it does under `key` + "clue" and "does"."""
        noun = self.pick(list(world.OBJECTS))
        adjectives, clue, does = world.OBJECTS[noun]
        self.words |= {key: f"{self.pick(adjectives) if self.wide else adjectives[0]} {noun}", f"{key}noun": noun}
        self.words |= {f"{key}clue": clue, f"{key}does": does}
        return self.words[key]


def article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' and not noun.startswith(('uni', 'one')) else 'a'} {noun}"


def begin(dice: random.Random, *, wide: bool = False) -> Tale:
    """A tale with its hero, home, place and weather."""
    tale = Tale(dice, animals=dice.random() < 0.45, wide=wide)
    place = tale.pick(list(world.PLACES))
    living, features, sound, smell = world.PLACES[place]
    first, second, third = dice.sample(features, 3)
    warm = place in ("savanna", "desert", "island")
    weather = tale.pick([weather for weather in world.WEATHER if not (warm and weather in ("snow", "fog"))])
    early, during, late = world.WEATHER[weather]
    tale.words |= {"place": place, "living": living, "spot": first, "spottwo": second, "spotthree": third}
    tale.words |= {"sound": sound, "smell": smell, "weather": weather, "early": early, "during": during, "late": late}
    tale.words["weather_day"] = {
        "sun": "sunny",
        "rain": "rainy",
        "wind": "windy",
        "fog": "foggy",
        "snow": "snowy",
        "clouds": "cloudy",
    }[weather]
    grown = not tale.animals and dice.random() < 0.22
    hero = tale.cast("h", **({"noun": tale.pick(world.GROWN)} if grown else {}))
    tale.words["size"] = tale.pick(
        ["old", "young", "kind", "quiet"]
        if grown
        else ["little", "small", "young", "curious", "quiet", "brave", "shy", "cheerful", "clever"]
    )
    if tale.animals:
        home, food, goes, _ = world.ANIMALS[hero.noun]
        tale.words |= {"home": home, "food": food, "goes": goes}
    else:
        food = tale.pick(
            [
                "warm bread",
                "apple pie",
                "noodles",
                "pancakes",
                "vegetable soup",
                "honey cake",
                "rice pudding",
                "mango slices",
                "corn cakes",
                "cherry jam",
            ]
        )
        tale.words |= {"home": living, "food": food, "goes": tale.pick(["walked", "hurried", "ran", "went"])}
    return tale


def opening(tale: Tale) -> str:
    """The first sentences: who, where, and how the day is."""
    tale.words["kindof"] = f"{tale.words['size']} {tale.people['h'].noun}"
    return tale.say(
        "[[Once upon a time|Long ago|Not so long ago|Once], there was {a.kindof} [named|called] {h}. {H.he} lived "
        "{home}.|[There once lived|Once there lived] {a.kindof} [named|called] {h}, {home}.|{H} was {a.kindof} who "
        "lived {home}.|{H.intro} lived {home}.|[In the morning|One morning|Early one morning], {early}. {H}, "
        "{a.kindof}, [woke up|looked out of the window].|{A.kindof} [named|called] {h} lived {home}.][ [More than "
        "anything, {h.he} loved {food}|{H.he} loved {food}, and {h.he} loved quiet mornings|The air smelled of "
        "{smell}, and {sound}|Every morning {h.he} [had {food} for breakfast|went down to {spot} to say good "
        "morning]|Everybody in the neighbourhood knew {h.him}].|]"
    )
