"""Plots on the road: postcards from real cities, a far journey to fetch something, a passenger who missed the stop."""

from __future__ import annotations

from recipes.story import world
from recipes.story.grammar import Tale, opening
from recipes.story.plots import GLAD, SLEEP, Told

BY_LAND = ["by night train", "by bus", "on a slow train", "by bicycle"]
BY_SEA = ["by ship", "on a small plane", "by ferry", "in a hot air balloon"]


def _cities(tale: Tale, count: int) -> list[str]:
    """The names of `count` cities, their facts under `city0`, `sight0`, `do0`, `eat0`, `buy0`, `hear0` and so on."""
    names = tale.dice.sample(list(world.CITIES), count)
    for n, name in enumerate(names):
        keys = ("country", "sight", "did", "eat", "buy", "hear")
        tale.words |= {f"{key}{n}": fact for key, fact in zip(keys, world.CITIES[name], strict=True)}
        tale.words |= {f"city{n}": name, f"by{n}": tale.pick(BY_LAND + BY_SEA)}
    return names


def postcards(tale: Tale) -> Told:
    """Postcards in the first person, signed; each knows the one before it."""
    tale.animals = False
    count = tale.dice.choice([1, 2, 3, 3])
    _cities(tale, count)
    writer = tale.cast("h")
    friend, elder = tale.cast("f"), tale.elder()
    family = {"grandmother": "Grandma", "grandfather": "Grandpa", "mother": "Mum", "father": "Dad"}
    dear = tale.pick([friend.name, friend.name, family.get(elder.noun, friend.name)])
    tale.words |= {
        "dear": dear,
        "friend": writer.noun,
        "luggage": tale.pick(["bag", "rucksack", "little suitcase", "camera"]),
    }
    cards: list[str] = []
    for n in range(count):
        text = (
            "[Dear {dear}|Hello {dear}|My dear {dear}|Dearest {dear}], "
            + (
                "[greetings from {city%d}!|here I am in {city%d}!|today I "
                "arrived in {city%d}, {by%d}.|I am in {city%d}, in "
                "{country%d}!]"
                if n == 0
                else "[now I am in {city%d}!|I came to {city%d} {by%d}.|from {last} I "
                "travelled to {city%d}, {by%d}.|{city%d} is quite different from "
                "{last}!]"
            )
            + " [The first thing I saw was {sight%d}.|From my window I see {sight%d}.|Imagine {sight%d}!|All around "
            "me I see {sight%d}.] [[Yesterday|This morning|Today] I {did%d}.|I {did%d}, and I wish you had been "
            "there.|You will not believe it: I {did%d}!] [For lunch I had {eat%d}.|I ate {eat%d}, twice.|Here one "
            "eats {eat%d}, and I could live on it.|I am writing this over {eat%d}.] [As I write, I can hear "
            "{hear%d}.|The sound of this place is {hear%d}.|At night I fall asleep to {hear%d}.|] [I bought "
            "{buy%d} for you.|In my {luggage} there is now {buy%d}. Guess who it is for!|I am bringing you "
            "{buy%d}.] [It {rains}, but I do not mind.|The sun is out, and so am I.|It is warm even at night.|I am "
            "tired and happy.|]"
        )
        tale.words["rains"] = tale.pick(["rains", "is windy", "is cold"])
        sign = "[Love|Yours|A hug|Your friend|See you soon]" if n == count - 1 else "[Love|Yours|A hug|More tomorrow]"
        cards.append(tale.say(text.replace("%d", str(n))) + tale.say(f" {sign}, {{h}}"))
        tale.words["last"] = tale.words[f"city{n}"]
    if count > 1 and tale.dice.random() < 0.7:
        cards.append(
            tale.say(
                "[At home, {dear} pinned the cards to the wall|{Dear} read the cards "
                "again and again|{Dear} put the cards on the kitchen table in a row]. "
                '["Next time I am coming too," {dear} said.|And when {h} came home at '
                "last, there was a great deal to tell.|There was still room on the wall "
                "for more.]"
            )
        )
    titles = ["A Postcard from {City0}", "Greetings from {City0}", "Dear {Dear}"]
    if count > 1:
        titles = ["Postcards from {H}", "{H} Around the World", "From {City0} to {Last}", "{H}'s Postcards"]
    return tale.say(tale.pick(titles)), cards


def tour(tale: Tale) -> Told:
    """A journey through two or three cities for a reason, told by a narrator; the reason is kept to the end."""
    _cities(tale, 3)
    thing = tale.thing()
    friend, elder = tale.cast("f"), tale.elder()
    tale.words |= {"friend": friend.noun, "elder": elder.noun, "thing": thing}
    tale.words["learned"] = tale.pick(
        [
            "that home is where somebody waits for you",
            "that the world is large and full of kind people",
            "how to say thank you in three languages",
            "that getting lost is the best way to find things",
        ]
    )
    third = {"did": ["I ", "my ", "me "], "his": ["{h.he} ", "{h.his} ", "{h.him} "]}
    for n in range(3):
        told = f" {tale.words[f'did{n}']} "
        for mine, others in zip(third["did"], third["his"], strict=True):
            told = told.replace(f" {mine}", f" {others}")
        tale.words[f"did{n}"] = tale.say(told).strip()
    stop = (
        " [{H.he} saw {sight%d}.|Before {h.him} lay {sight%d}.|How {h.he} stared: {sight%d}!] {H.he} {did%d}[, and ate "
        "{eat%d}|, and then {h.he} ate {eat%d}]. [{H} could hear {hear%d}.|]"
    )
    ask = (
        ' ["Does anybody know whose {thingnoun} this is?" asked {h}. "[Not here|No], but try {city%d}," said '
        '{who%d}.|{H} showed the {thing} to {who%d}. "I have seen one like it in {city%d}, [long ago|many years ago]," '
        "{who%d} said.]"
    )
    for n in range(3):
        tale.words[f"who{n}"] = tale.pick(
            [
                "the old sailor",
                "the woman at the tea stall",
                "the boy with the drum",
                "the taxi driver",
                "the street musician",
                "the old bookseller",
                "the policeman on his horse",
            ]
        )
    story = [
        opening(tale)
        + tale.say(
            " [One day|One {weather_day} morning], {h} found {a.thing} [in a trunk in the "
            "attic|at the bottom of an old suitcase]. It {thingdoes}. On it was a little note: "
            '"[Please bring me home|Bring me back to where I come from]." "[I will find out '
            'where it belongs|I must bring it back|Somebody is missing this]," said {h}. '
            "{H.his} {elder} packed {food} for the journey, and {h} set off."
        ),
        tale.say("First {h} came to {city0}, {by0}." + (stop + ask.replace("{city%d}", "{city1}")).replace("%d", "0")),
        tale.say(
            "So {h} travelled to {city1}, {by1}." + (stop + ask.replace("{city%d}", "{city2}")).replace("%d", "1")
        ),
        tale.say(
            "At last {h} arrived in {city2}, {by2}."
            + stop.replace("%d", "2")
            + " In a small side street, {h} met {f.a} named {f}. {F} looked at the {thing} and [turned quite "
            "pale|could not say a word|gave a shout]. \"[That was my grandmother's|It belonged to my family|We lost "
            'it long ago]!" {f.he} said. "[Then it is home|Here, it is yours|I have brought it back]," said {h}.'
        ),
        tale.say(
            "{F} " + GLAD.replace("{h.", "{f.") + " and invited {h} to stay[ for a week| for supper| as long as "
            "{h.he} liked]. [On the way home|When {h} came home], {h.he} "
            "had no {thingnoun} any more. But {h.he} had a new friend, "
            "and {h.he} had learned {learned}."
        ),
    ]
    titles = [
        "The {Thing}",
        "{H} and the Long Way",
        "The {Thing} Goes Home",
        "From {City0} to {City2}",
        "{H}'s Journey",
        "{H} Goes to {City2}",
        "The Journey of the {Thing}",
    ]
    return tale.say(tale.pick(titles)), story


def quest(tale: Tale) -> Told:
    """Someone at home is ill or sad; a cure is far away; three obstacles, three helpers with one thing each."""
    elder = tale.elder()
    ill, cure, far, result = tale.dice.choice(
        [
            ("could not sleep any more", "a handful of lavender", "the purple hill", "slept for a day and a night"),
            (
                "had a cough that would not stop",
                "the golden honey",
                "the bees on the high cliff",
                "never coughed again",
            ),
            (
                "had forgotten how to laugh",
                "a feather from the laughing bird",
                "the island in the lake",
                "laughed until the cups shook",
            ),
            ("was always cold", "a warm stone", "the sleeping volcano", "took off both scarves"),
            (
                "had lost all {e.his} songs",
                "water from the singing spring",
                "the far side of the mountain",
                "sang from morning to night",
            ),
        ]
    )
    gates = tale.dice.sample(
        [
            ("a wide river", "a boatman", "an oar", "rowed across"),
            ("a dark wood", "an old woman with a basket", "a lamp", "found the path by the light of the lamp"),
            ("a steep wall of rock", "a goatherd", "a rope", "climbed up, hand over hand"),
            ("a field of thorns", "a gardener", "a pair of thick gloves", "pushed the thorns aside"),
            (
                "a bridge with a grumpy troll",
                "a small girl",
                "a riddle",
                "asked the riddle, and while the troll was thinking, slipped past",
            ),
            ("a desert of hot sand", "a camel driver", "a bottle of water", "drank one sip at every hundredth step"),
        ],
        2,
    )
    tale.words |= {"elder": elder.noun, "ill": tale.say(ill), "cure": cure, "far": far, "result": result}
    for n, gate in enumerate(gates):
        tale.words |= {f"{key}{n}": value for key, value in zip(("bar", "helper", "gift", "over"), gate, strict=True)}
        tale.words[f"deed{n}"] = tale.pick(
            [
                "carried a heavy sack",
                "told a funny story",
                "shared the last piece of bread",
                "mended a torn sleeve",
                "listened to a long tale",
                "looked for a lost shoe",
            ]
        )
    meet = (
        '[On the first day|Soon|Not far from home|After a while], {h} met {helper0}. {H} {deed0}. "[You have a good '
        'heart|Thank you|That was kind]," said {helper0_the}. "Take {gift0}. [You never know|It may help you]." '
    )
    block = (
        "[Then|A little later|In the evening] {h} came to {bar0}. [{H} did not know what to do, until {h.he} thought of"
        " {gift0_the}.|How could anyone get past it? {H} remembered {gift0_the}.] {H.he} {over0}."
    )
    for n in range(2):
        tale.words[f"gift{n}_the"] = "the " + tale.words[f"gift{n}"].split(" ", 1)[1]
        tale.words[f"helper{n}_the"] = "the " + tale.words[f"helper{n}"].split(" ", 1)[1]
    story = [
        opening(tale)
        + tale.say(
            " {H.his} {elder} {ill}. [Nobody could help.|All the doctors shook their heads.|{H} "
            'was very worried.] "[They say that {cure} would help|There is only one thing that '
            'helps: {cure}]," said the neighbour. "[But it is a long way to {far}|You find it '
            'only at {far}]." "[Then I will go|I will bring it|I am not afraid of a long way]," '
            "said {h}."
        ),
        tale.say(meet + block),
        tale.say(
            (meet + block)
            .replace("0", "1")
            .replace("On the first day", "The next day")
            .replace("Not far from home", "Further on")
        ),
        tale.say(
            "[At last|On the third day|When {during}], {h} reached {far}. "
            "And there {h.he} found {cure}[, just as the neighbour had "
            "said|]. {H.he} " + GLAD + ". [The way back was shorter, as it always is.|Then {h.he} ran, and the way "
            "back seemed short.|{H.he} gave {gift1_the} back to {helper1_the} on the way "
            "home.]"
        ),
        tale.say(
            "{H.his} {elder} [tried it at once|could hardly believe it]. And what do you think? {E.he} "
            '{result}! "[How can I thank you|You went all that way for me]," {e.he} said to {h}. "[It '
            'was not so far|I was never alone]," said {h}. ' + SLEEP
        ),
    ]
    titles = [
        "{H} Goes to "
        + tale.words["far"]
        .title()
        .replace("The ", "the ")
        .replace(" On the ", " on the ")
        .replace(" Of the ", " of the "),
        "The Long Way",
        "{H} and the Cure",
        "{H}'s Quest",
        "For {H}'s " + tale.words["elder"].title(),
    ]
    return tale.say(tale.pick(titles)), story
