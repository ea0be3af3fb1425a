"""Plots that stay near home: things lost and found, helpers, fears, gifts. Each gives a title and paragraphs."""

from __future__ import annotations

from recipes.story import world
from recipes.story.grammar import Tale, opening

Told = tuple[str, list[str]]

SAID = "[said|said|said|answered|replied]"
SAD = "[felt a lump in {h.his} throat|was very sad|could have cried|sat down and sighed]"
GLAD = "[laughed with joy|smiled from ear to ear|was so happy that {h.he} danced|clapped {h.his} hands|beamed]"
SLEEP = (
    "[That night|That evening|At the end of the day], {late}[. {H}|, and {h}] [slept soundly|fell asleep with a smile"
    "|fell asleep at once|lay in bed and thought of it all once more|was too happy to sleep]."
)


def lost(tale: Tale) -> Told:
    """Something dear is lost; one friend has a clue, another the skill to reach it."""
    _, need = tale.thing(), tale.pick(["swim", "climb", "dig", "small", "strong", "dark"])
    where, trouble, deed = world.NEEDS[need]
    friend, _, giver = tale.cast("f"), tale.cast("g", skill=need), tale.elder()
    tale.words |= {
        "where": tale.pick(where),
        "trouble": trouble,
        "deed": deed,
        "giver": giver.noun,
        "friend": friend.noun,
    }
    story = [
        opening(tale)
        + tale.say(
            " {H.he} had {a.thing} that {thingdoes}. [It was a gift from {h.his} "
            "{giver}|{H.his} {giver} had given it to {h.him}[ on {h.his} birthday|]|It had once "
            "belonged to {h.his} {giver}]."
        ),
        tale.say(
            "[One morning|One day|But one day|One {weather_day} day], [the {thing} was gone|{h} "
            "could not find the {thing}]. [{H} looked under the bed and behind the door, but it was "
            "not there.|{H.he} looked everywhere. No {thingnoun}.|{H} turned the whole house upside "
            'down, but there was no {thingnoun}.] "[Where can it be|Oh no! Where is my '
            '{thingnoun}|Who has seen my {thingnoun}]?" [said|cried|asked] {h}, and {h.he} ' + SAD + "."
        ),
        tale.say(
            "[At {spot}|Near {spot}|On the way to {spot}], {h} met "
            '{f.intro}. "[What is the matter|Why do you look so sad|What '
            'are you looking for]?" asked {f}. "[I have lost my '
            '{thing}|My {thing} is gone|I am looking for my {thing}]," '
            + SAID
            + ' {h}. "[Have you seen it|Did you see it]?" {F} thought [hard|for a moment]. "[No|Not today|I have '
            "not], [but I will help you look|but two can look better than one|but this morning {thingclue} near "
            '{spottwo}|but I heard something strange near {spottwo}]."'
        ),
        tale.say(
            "[So they {goes} to {spottwo} together|Together they {goes} to {spottwo}|They went to {spottwo}, "
            "side by side]. [{During}.|{Sound}.|The air smelled of {smell}.|] They [looked high and "
            "low|searched and searched|looked behind every stone]. [Then|Suddenly|All at once], {thingclue}. "
            '"[Look|There it is|I see it]!" [cried|shouted|called] {f}. The {thingnoun} [was] {where}, but '
            "{trouble}."
        ),
        tale.say(
            '["We need help," said {h}.|"What now?" asked {h}.|"I know who can help us," said '
            "{f}.] [They called {g.intro}|They fetched {g.intro}|Just then {g.intro} came by]. "
            '"[Leave it to me|That is easy for me|Let me try]," said {g}. {G.he} ' + deed + "."
        ),
        tale.say(
            "[{H} held the {thing} tight and "
            + GLAD
            + '.|{H} hugged the {thing}, and then {h.he} hugged {f} too.|"My {thingnoun}!" cried '
            "{h}, and {h.he} " + GLAD + '.] "[Thank '
            "you|Thank you "
            "both|I can never "
            'thank you enough]," '
            "said {h}. [They all "
            "ate {food} "
            "together.|{H} "
            "shared {h.his} "
            "{food} with {f} and "
            '{g}.|"That is what '
            'friends are for," '
            "said {f}.] " + "[" + SLEEP + "|From that day on, {h} took good care of the {thingnoun}.|The {thing} never "
            "got lost again, and if it did, there were friends to look for it.]"
        ),
    ]
    titles = [
        "The Lost {Thingnoun}",
        "{H} and the {Thing}",
        "Where Is the {Thingnoun}?",
        "The {Thing}",
        "{H} Loses a {Thingnoun}",
        "{H}, {F} and the {Thingnoun}",
    ]
    return tale.say(tale.pick(titles)), story


def fear(tale: Tale) -> Told:
    """The hero is afraid, fails, is helped in small steps, and can do it."""
    what, fears, first, then = tale.dice.choice(
        [
            ("swim", "the deep water", "put one foot into the water", "let go of the edge"),
            ("climb", "high places", "climbed up to the lowest branch", "climbed to the next branch"),
            ("sing for everyone", "all the faces", "sang one line with closed eyes", "sang the whole first verse"),
            ("sleep without a light", "the dark", "sat in the dark and counted to ten", "counted to a hundred"),
            (
                "ride a bicycle",
                "falling down",
                "rolled down a very small hill",
                "pushed the pedals once, twice, three times",
            ),
            ("cross the rope bridge", "the gap below", "put one foot on the first plank", "took three more steps"),
            (
                "talk to strangers",
                "the sound of a new voice",
                "said good morning to the postman",
                "asked the postman's name",
            ),
            ("jump over the stream", "the cold, quick water", "jumped over a puddle", "jumped over a ditch"),
        ]
    )
    tale.child()
    friend = tale.cast("f")
    tale.words |= {"what": what, "fears": fears, "first": first, "then": then, "friend": friend.noun}
    story = [
        opening(tale)
        + tale.say(
            " [There was only one thing that {h} could not do: {what}.|{H.he} could do many "
            "things, but {h.he} could not {what}.|All {h.his} friends could {what}, only {h} "
            "could not.] {H.he} was afraid of {fears}."
        ),
        tale.say(
            "[One day|One afternoon|On the first day of [spring|summer|autumn]], {f.intro} [came to visit|came "
            'along|stood at the door]. "[Come with me to {spot}|Let us go to {spot}]," said {f}. "[We can '
            '{what} there|Today we will {what}|Everyone is going to {what}]." {H} [shook {h.his} head|looked at '
            'the ground|went pale]. "[I can\'t|I don\'t dare|Not today]," {h.he} [whispered|said|murmured]. "I '
            'am afraid of {fears}."'
        ),
        tale.say(
            '{F} did not laugh. "[I was afraid too, once|Everyone is afraid of something|That is all right]," '
            'said {f}. "[Let us try only a little bit|One small step is enough for today|Just start with '
            'something small]. [I will stay right beside you|I will hold your hand|I will not go away]."'
        ),
        tale.say(
            "So {h} [took a deep breath|closed {h.his} eyes|counted to three] and {first}. [{H.his} heart went "
            "boom, boom, boom.|{H.his} knees shook like jelly.|It was terrible, and it was wonderful.] "
            '"[Good|Well done|You did it]!" called {f}. The next day {h} {then}. [It went wrong, and {h.he} '
            "wanted to give up.|It went wrong the first time, but the second time it went well.|That was not "
            'easy at all.] "[Once more|Try again|Don\'t give up]," said {f}.'
        ),
        tale.say(
            "[After a week|On the seventh day|At last], {h} stood at {spot} again. {During}. {H.he} thought of "
            "{fears}. [{H.he} was still a little afraid, but not too afraid.|{H.he} was afraid, and {h.he} did "
            "it all the same.|Then {h.he} thought of {f}, and the fear grew small.] And then {h} could {what}! "
            '["I can do it!" cried {h}.|"Look at me! I can {what}!" cried {h}.] {F} [cheered so loudly that the '
            "birds flew up|jumped up and down|was very proud]."
        ),
        tale.say(
            '["Were you not afraid?" asked {f}.|"How does it feel?" asked {f}.] "[A little|Yes, very|Oh '
            'yes]," said {h}. "[But being brave is being afraid and doing it anyway|But my friend was '
            'with me|But now the fear is smaller than I am]." ' + SLEEP
        ),
    ]
    titles = [
        "{H} Is Afraid",
        "{H} Learns to " + tale.say("{what}").title(),
        "Brave {H}",
        "A Brave Day for {H}",
        "Step by Step",
        "{H} and {F}",
    ]
    return tale.say(tale.pick(titles)), story


def stranger(tale: Tale) -> Told:
    """The hero helps a small creature in trouble; later, in trouble, the hero is helped by it."""
    kind, trap, free, back = tale.dice.choice(
        [
            (
                "young bird",
                "with a wing caught in a thorn bush",
                "bent the thorns aside, one after another",
                "flew up above the trees and showed the way home",
            ),
            (
                "small fish",
                "in a puddle that was drying out",
                "carried it to the deep water in both hands",
                "pushed the floating bundle to the shore with its nose",
            ),
            (
                "lamb",
                "stuck between two rocks",
                "rolled the smaller rock away",
                "bleated until the shepherd came with a lamp",
            ),
            (
                "bee",
                "caught in a spider's web",
                "broke the threads of the web with a blade of grass",
                "came back with all her sisters to point the way",
            ),
            (
                "kitten",
                "high up on a garden wall",
                "piled up three boxes and lifted it down",
                "ran home and scratched at the door until help came",
            ),
            (
                "puppy",
                "shivering under a bench",
                "wrapped it in a warm coat",
                "ran ahead with its nose to the ground and led the way home",
            ),
            (
                "dragonfly",
                "with wet wings on a stone",
                "held a leaf over it until its wings were dry",
                "danced ahead like a small blue light",
            ),
            (
                "pony",
                "with its rope tangled in a fence",
                "untied the rope, knot by knot",
                "carried the tired traveller home",
            ),
        ]
    )
    elder = tale.elder()
    tale.words |= {"kind": kind, "trap": trap, "free": free, "back": back, "elder": elder.noun}
    carrying = tale.pick(
        ["a basket of eggs", "a letter", "a jar of honey", "a bundle of firewood", "a can of milk", "a cake"]
    )
    tale.words["carrying"] = carrying
    story = [
        opening(tale)
        + tale.say(
            ' [One day|One morning], {h.his} {elder} said, "[Take {carrying} to the people at '
            "{spot}|Please carry {carrying} to the house near {spot}]. [Don't be late|Be back "
            'before dark|And don\'t dawdle]!" "[I won\'t|I promise|Of course]," said {h}, and '
            "off {h.he} went."
        ),
        tale.say(
            "[Halfway|Near {spottwo}|At {spottwo}], {h} heard a [thin|tiny|weak] voice. It was a {kind}, "
            '{trap}. ["Poor thing," said {h}.|"Hold still," said {h}. "I will help you."|{H} wanted to hurry '
            "on, but {h.he} could not leave the {kind} alone.] {H.he} put down {h.his} load and {free}. [It "
            "took a long time.|It was not easy.|{During}, but {h} did not give up.]"
        ),
        tale.say(
            "The {kind} [looked at {h} with bright eyes|was so glad that it trembled|stayed for a moment, as if "
            'to say thank you]. Then it was gone. ["Good luck!" called {h}|"Take care!" called {h}|{H} waved], '
            "and [picked up {h.his} load and went on|hurried on] to {spot}. [The people there were glad, and "
            "gave {h.him} {food}.|There {h.he} was given {food} and a seat by the fire.]"
        ),
        tale.say(
            "On the way back, [it grew dark|night fell|a fog rolled in]. [The path split in two, and then in "
            "three.|{H} could not see the path any more.|Everything looked different.] {H.he} [turned left, and "
            'then right, and was lost|had lost the way|walked in a circle]. "[What shall I do|Is anybody '
            'there]?" [called|cried|asked] {h}. [Nobody answered.|{Sound}, and that was all.]'
        ),
        tale.say(
            "[Then|Suddenly|All at once], there was a [rustle|small sound|soft noise] close by. It was the "
            '{kind}! It {back}. [{H} followed as fast as {h.he} could.|"You remembered me," said {h}.|{H} could '
            "hardly believe it.] [Soon|Before long], {h} saw the lights of home."
        ),
        tale.say(
            '{H.his} {elder} [stood at the door with a lamp|came running|was waiting]. "[Where have you '
            'been|You are late]!" "[I helped somebody|A friend needed me]," said {h}, "and then [that somebody '
            'helped me|my friend helped me]." [{H.his} {elder} smiled. "Kindness knows the way back," {e.he} '
            'said.|{H.his} {elder} hugged {h.him} for a long time.|"Then you are not late at all," said {h.his} '
            "{elder}.]"
        ),
    ]
    titles = [
        "{H} and the {Kind}",
        "The {Kind}",
        "A Small Kindness",
        "The Grateful {Kind}",
        "The Way Home",
        "The Errand",
    ]
    return tale.say(tale.pick(titles)), story


def titled(tale: Tale, titles: list[str], story: list[str]) -> Told:
    return tale.say(tale.pick(titles)), story
