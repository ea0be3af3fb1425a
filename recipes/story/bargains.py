"""Plots about giving and sharing: something made together, a chain of swaps, a quarrel over one thing."""

from __future__ import annotations

from recipes.story.grammar import Tale, opening
from recipes.story.plots import GLAD, SLEEP, Told, titled


def making(tale: Tale) -> Told:
    """Something is made together; one part is missing, and is found by giving something away."""
    made, steps, missing, owner, wish, use = tale.dice.choice(
        [
            (
                "kite",
                "cut the paper and tied the sticks",
                "a long string",
                "the fisherman",
                "a basket of worms",
                "it rose over the roofs and pulled like a small horse",
            ),
            (
                "soup",
                "peeled the carrots and washed the beans",
                "a pinch of salt",
                "the woman next door",
                "a bunch of flowers",
                "the whole street smelled of it, and everyone came with a spoon",
            ),
            (
                "raft",
                "rolled the logs to the water",
                "a strong rope",
                "the ferryman",
                "a loaf of bread",
                "it floated as lightly as a leaf",
            ),
            (
                "birthday cake",
                "beat the eggs and weighed the flour",
                "a cup of sugar",
                "the grocer",
                "a drawing of the shop",
                "it was a bit crooked, and it was the best cake in the world",
            ),
            (
                "tree house",
                "carried the boards and climbed the ladder",
                "a bag of nails",
                "the carpenter",
                "a song",
                "from the top they could see as far as the sea",
            ),
            (
                "lantern",
                "bent the wire and folded the paper",
                "a candle",
                "the beekeeper",
                "a hand with the hives",
                "it shone like a little moon",
            ),
            (
                "puppet theatre",
                "painted the walls and hung the curtain",
                "a piece of red cloth",
                "the tailor",
                "a jar of buttons",
                "the children laughed until their bellies hurt",
            ),
            (
                "snowman",
                "rolled three big balls of snow",
                "a carrot for the nose",
                "the gardener",
                "a cleared path",
                "it stood there and smiled at everyone who passed",
            ),
            (
                "garden",
                "dug the ground and pulled up the weeds",
                "a handful of seeds",
                "the old farmer",
                "a bucket of water",
                "the first green leaves came up in neat rows",
            ),
        ]
    )
    friend = tale.cast("f")
    tale.words |= {"made": made, "steps": steps, "missing": missing, "owner": owner, "wish": wish, "use": use}
    tale.words["friend"] = friend.noun
    story = [
        opening(tale)
        + tale.say(
            ' [One day|One morning|That day], {h.he} had an idea. "[I will make {a.made}|Let us '
            'make {a.made}|I want to make {a.made}]!" {h.he} said. {H.he} ran to {f.intro}, '
            '[who was always ready for an idea|who lived next door|{h.his} best friend]. "Will '
            'you help me?" "[Of course|With pleasure|Yes, let us start]," said {f}.'
        ),
        tale.say(
            "[They set to work at once.|They began at {spot}.|{Early}, and that was just right for work.] They "
            "{steps}. [{H} sang, and {f} whistled.|They worked until their arms were tired.|{F} knew how to do "
            "it, and {h} learned fast.] [But then they stopped|Then {h} looked up|But something was not right]. "
            '"[We have no more than half of what we need|We forgot something]," said {h}. "[We need '
            '{missing}.|Where do we get {missing}?|A {made} is nothing without {missing}.]"'
        ),
        tale.say(
            '"[I know who has that|Let us ask {owner}|{Owner} may have it]," said {f}. They {goes} to {owner}, '
            '[over by {spottwo}|who lived near {spottwo}]. "Please, may we have {missing}?" asked {h}. {Owner} '
            '[scratched one ear|smiled|thought about it]. "[Gladly. But I could use {wish}|If you bring me '
            '{wish}, it is yours|For {wish}, yes]," was the answer.'
        ),
        tale.say(
            '[That was fair.|"Nothing is easier," said {f}.|{H} and {f} looked at each other and nodded.] [It '
            "took them the whole morning, but then {owner} had {wish}|Soon {owner} had {wish}], and {h} and {f} "
            'had {missing}. [They ran all the way back.|"Fair is fair," said {owner}.|"Thank you!" they called.]'
        ),
        tale.say(
            "[In the afternoon|Before evening|When {during}], the {made} "
            'was ready. And {use}. ["We made that," said {h} proudly.|{H} '
            "and {f} " + "[laughed|cheered|hugged each other]" + '.|"What shall we make tomorrow?" asked '
            "{f}.]"
        ),
        tale.say(
            '[In the evening {owner} came by to see it, too.|Even {owner} came to look.] "[Nobody could '
            'have made that alone|You two are a good team|Now that is {a.made}]," said {owner}. ' + SLEEP
        ),
    ]
    titles = [
        "The {Made}",
        "{H} Makes {A.made}",
        "{H} and {F} Make {A.made}",
        "A {Made} for Everyone",
        "{H}'s Idea",
        "The Missing Piece",
    ]
    return titled(tale, titles, story)


def trade(tale: Tale) -> Told:
    """From a small thing to the one that was wished for, by a chain of fair swaps."""
    chain = tale.dice.sample(
        [
            ("a round pebble", "the hen", "who wanted something to sit on"),
            ("a feather", "the writer", "who needed a new pen"),
            ("an old pen", "the schoolboy", "who had broken his own"),
            ("a red apple", "the hungry pony", "who loved apples"),
            ("a ball of wool", "the weaver", "who had run out of wool"),
            ("a warm blanket", "the ferryman", "who was cold"),
            ("a fishing hook", "the old man on the pier", "who had lost his best hook"),
            ("a candle", "the night watchman", "who was tired of the dark"),
            ("a pot of jam", "the baker", "who had no jam for the buns"),
            ("a bag of nuts", "the squirrel", "who was thinking of winter"),
            ("a straw hat", "the scarecrow", "who was too hot in the sun"),
            ("a bunch of daisies", "the queen of the bees", "who was fond of daisies"),
        ],
        4,
    )
    thing = tale.thing()
    tale.words |= {f"{key}{n}": value for n, link in enumerate(chain) for key, value in zip("abc", link, strict=True)}
    swap = (
        '[Soon|Next|Then|A little later], {h} met {b%d}, {c%d}. "[What a fine thing you have there|I wish I had '
        '{a%d}|I could use {a%d}]," said {b%d}. "[I will give you {%s} for it|Take {%s} for it|If you give it to me, '
        'you get {%s}]." [{H} was glad to swap.|"Done," said {h}.|"That is fair," said {h}, and took {%s}.|So they '
        "swapped.]"
    )

    def one(n: int, gets: str) -> str:
        return tale.say(swap % (n, n, n, n, n, gets, gets, gets, gets))

    start = tale.words["a0"]
    tale.words |= {"start": start, "last": f"the {thing}"}
    story = [
        opening(tale)
        + tale.say(
            " [In the window of a shop|At the market|In the middle of the market], {h.he} saw "
            "{a.thing} that {thingdoes}. [{H.he} wished for it with all {h.his} heart.|How "
            "{h.he} wished to have it!] But {h} had no money. {H.he} had nothing but {start}."
        ),
        one(0, "a1") + " " + one(1, "a2"),
        one(2, "a3"),
        tale.say(
            "So {h} came back to the market with {a3}. The old trader with the {thing} [rubbed both "
            'hands|looked up|shook from head to foot]. "[I have been looking for {a3} all day|Is that {a3}? '
            'Just what I need|For {a3}, I would give anything in my shop]!" "[Anything|Even the {thing}]?" '
            'asked {h}. "[Even that|Gladly|Take it]," said the trader.'
        ),
        tale.say(
            "{H} carried the {thing} home in both arms and " + GLAD + ". [And to think that it had all begun with"
            ' {start}!|"And all for {start}!" {h.he} said.|"It began with {start}," {h.he} told everyone.] ' + SLEEP
        ),
    ]
    titles = ["{H}'s Swap", "{H} Wants the {Thing}", "From Hand to Hand", "The {Thing} in the Window", "A Fair Trade"]
    return titled(tale, titles, story)


def quarrel(tale: Tale) -> Told:
    """Two friends fall out over one thing; each is lonely; they find a way to share it."""
    _, friend = tale.thing(), tale.cast("f")
    tale.words["friend"] = friend.noun
    share = tale.dice.choice(
        [
            "On even days it is yours, and on odd days it is mine",
            "You have it in the morning, and I have it in the evening",
            "We will keep it in the hollow tree, where both of us can find it",
            "It is yours, and I may visit it",
            "We will only use it together",
            "Let us give it to someone who has nothing at all",
        ]
    )
    tale.words |= {
        "share": share,
        "sorry": tale.pick(["a bag of cherries", "a letter with a drawing", "half a cake", "a flower"]),
    }
    story = [
        opening(tale)
        + tale.say(
            " {H.his} best friend was {f.intro}. [They did everything together.|Every day they "
            "met at {spot}.|You never saw one without the other.]"
        ),
        tale.say(
            "[One day|One {weather_day} day|One afternoon], they found {a.thing} at {spot}. [It "
            '{thingdoes}.|{F} picked it up and said that it {thingdoes}.] "[I saw it first|It is mine]," said '
            '{h}. "[No, I did|No, it is mine]," said {f}. "[Give it to me|Let go]!" [They pulled and pulled, '
            "and {h} fell into the mud.|They shouted until the birds flew away.|{H} pulled at one end, and {f} "
            'at the other.] "[You are not my friend any more|I never want to see you again]," cried {h}, and '
            "[ran home|stamped away|went off without a word]."
        ),
        tale.say(
            "{F} had the {thing} now, but [it was no fun alone|there was nobody to show it to|it only made "
            "{f.him} sad]. {H} sat at the window. {During}. [{H.he} tried to play alone, but all {h.his} games "
            "were for two.|{H.he} had {food}, but it tasted of nothing.|{H.he} thought of all the good days.] "
            '"[A {thingnoun} is only a {thingnoun}|What is {a.thing} without a friend|I miss {f}]," said {h}.'
        ),
        tale.say(
            "So {h} took {sorry} and {goes} to {f}'s house. Halfway, at {spottwo}, {h.he} saw somebody coming. "
            'It was {f}, with the {thing}! "[I am sorry|I was wrong|Forgive me]," said {h}. "[I am sorry too|So '
            'was I|No, it was my fault]," said {f}. "[Here, take the {thing}|You can have the {thingnoun}]." '
            '"[No, you take it|No, you keep it]," said {h}. And then they both [laughed|had to laugh].'
        ),
        tale.say(
            'They [sat down|thought about it] together. "[I know|I have an idea]," said {h}. "{Share}." "[That '
            'is a good plan|Agreed|Yes]," said {f}. [They shook hands on it|They shared {food}|And so they '
            "did], and they [never fought about the {thingnoun} again|were friends as before|stayed friends for "
            "ever]."
        ),
    ]
    return titled(
        tale,
        [
            "{H} and {F}",
            "The Quarrel",
            "Mine!",
            "Who Gets the {Thingnoun}?",
            "Friends Again",
            "{H}, {F} and the {Thing}",
        ],
        story,
    )
