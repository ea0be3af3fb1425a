"""Plots with a turn: trades, noises in the night, fallen stars, quarrels, storms, newcomers, wishes."""

from __future__ import annotations

from recipes.story import world
from recipes.story.grammar import Tale, opening
from recipes.story.plots import Told, titled


def noise(tale: Tale) -> Told:
    """Something is heard at night; brave steps in the dark; it is not what it seemed."""
    sound, guess, truth, end = tale.dice.choice(
        [
            (
                "knock, knock, knock",
                "a ghost",
                "a loose shutter that the wind was playing with",
                "tied it up with a piece of string",
            ),
            ("scratch, scratch", "a monster with long claws", "a hungry kitten at the door", "gave it a bowl of milk"),
            ("whoo, whoo", "a sad giant", "a baby owl that had fallen from its nest", "put it back among its sisters"),
            (
                "plink, plonk, plink",
                "a troll with a tin drum",
                "water dripping into the old bucket",
                "put a sponge under the drip",
            ),
            (
                "rumble, rumble",
                "a dragon with a stomach ache",
                "grandfather, who was snoring in his chair",
                "laid a blanket over his knees",
            ),
            ("tap, tap, tap", "a robber", "a moth at the lamp", "opened the window to let it out"),
            ("crunch, crunch", "a bear in the pantry", "a hedgehog in a paper bag", "led it out into the garden"),
            (
                "hum, hum, hum",
                "a machine from the moon",
                "a beetle asleep inside the flute",
                "carried it out on a leaf",
            ),
            (
                "splash, splosh",
                "a sea monster",
                "a family of ducks in the rain barrel",
                "put a board there so that they could climb out",
            ),
        ]
    )
    friend = tale.cast("f")
    tale.words |= {"noise": sound, "guess": guess, "truth": truth, "end": end, "friend": friend.noun}
    story = [
        opening(tale)
        + tale.say(
            " [One night|In the middle of the night|One dark night], {h} woke up. [Everything "
            "was still.|The moon was behind the clouds.|It was very dark.] And then {h.he} "
            "heard it: {noise}. {Noise}."
        ),
        tale.say(
            '"[What is that|Who is there]?" [whispered|asked] {h}. [Nobody answered.|There was no answer, only: '
            '{noise}.] "[It must be|Perhaps it is|What if it is] {guess}[!|?]" {h.he} thought, and pulled the '
            "blanket over {h.his} head. But under the blanket {h.he} could hear it too: {noise}."
        ),
        tale.say(
            '{F.intro}, who was [staying for the night|sleeping in the other bed], woke up as well. "Do you '
            'hear that?" asked {h}. "I think it is {guess}." "[Let us go and see|There is only one way to find '
            'out|I am not going alone]," said {f}. They [lit a candle|took the lamp|held on to each other] and '
            "tiptoed [down the stairs|through the dark|to the door]. {Noise}. It was louder now."
        ),
        tale.say(
            '{H} counted: "One, two, three!" and [pushed the door open|held up the light|looked round the '
            "corner]. And there it was: {truth}! {H} looked at {f}, and {f} looked at {h}, and they [began to "
            'laugh|laughed until they had to sit down|laughed very quietly]. "So much for {guess}," said {f}.'
        ),
        tale.say(
            "[Then|Carefully], {h} {end}. [After that, there was no sound but the wind.|After that, the night "
            'was quiet.|And the night was still again.] "[Good night|Sleep well], {f}," said {h}. "[Good night, '
            'brave {h}|Good night, {h}|And wake me if you hear {guess}]," said {f}. And [soon they were both '
            "asleep|they slept until the sun came up]."
        ),
    ]
    titles = [
        "A Noise in the Night",
        "{Noise}!",
        "Who Is There?",
        "{H} Hears a Noise",
        "The Night Visitor",
        "What Was That?",
    ]
    return titled(tale, titles, story)


def star(tale: Tale) -> Told:
    """A piece of the sky falls down; it must go home again, and leaves something behind."""
    what, shines, high, gift = tale.dice.choice(
        [
            (
                "star",
                "it was no bigger than a walnut, and it glowed",
                "the top of the highest hill",
                "one spark, in an old jam jar",
            ),
            (
                "cloud",
                "it was as soft as a lamb and a little damp",
                "the roof of the tower",
                "a small rain for the flowers",
            ),
            ("moonbeam", "it lay there like a silver ribbon", "the old bridge", "a silver thread in the curtain"),
            ("piece of rainbow", "it shone in seven colours", "the waterfall", "a dot of every colour on the wall"),
            (
                "snowflake",
                "it was as large as a plate and would not melt",
                "the icy peak",
                "a frost flower on the window",
            ),
            ("little wind", "it turned round and round and could not get out", "the open sea", "a tune in the chimney"),
        ]
    )
    elder = tale.elder()
    tale.words |= {"what": what, "shines": shines, "high": high, "gift": gift, "elder": elder.noun}
    story = [
        opening(tale)
        + tale.say(
            " [One evening|One night|Late one evening], {h} found {a.what} [behind the house|in "
            "the grass|at {spot}]. It had fallen from the sky. [{Shines}.|{H} could hardly "
            "believe it: {shines}.]"
        ),
        tale.say(
            '"[Please don\'t be afraid|Hello|Good evening]," said the {what} in a small voice. "[I fell down '
            'and cannot get back|I was dancing and I slipped|I looked down too far]." "[Does it hurt|Are you '
            'cold]?" asked {h}. "[No, but I miss my sisters|Only a little. But I want to go home|I am '
            'homesick]," said the {what}. {H} [put it in {h.his} hat|wrapped it in a scarf|carried it into the '
            "kitchen] and [gave it a cup of tea|sang it a song|sat with it all night]."
        ),
        tale.say(
            'In the morning, {h} asked {h.his} {elder}, "How does {a.what} get home?" {H.his} {elder} [thought '
            'about it for a long time|put down the newspaper|was not even surprised]. "[From a place that is '
            'close to the sky|It has to start from the right place]," {e.he} said. "[Try|Take it to|You must go '
            'to] {high}."'
        ),
        tale.say(
            "It was a long way to {high}. [{During}.|The road went up and up.|They rested at {spottwo}.] The "
            "{what} [told {h} stories about the sky|sang softly in the dark|was very light to carry]. When they "
            'arrived, {h} held it up with both hands. "[Goodbye, and don\'t slip again|Ready? Now|Go home]," '
            "said {h}. The {what} rose, slowly at first, and then [faster and faster|higher and higher], until "
            "it was back where it belonged."
        ),
        tale.say(
            '[{H} was a little sad and a little happy.|{H} waved for a long time.|"Goodbye!" called {h}, and '
            "the sky seemed to wink.] But at home, {h.he} found that the {what} had left something behind: "
            "{gift}. [And whenever {h} looked up at night, somebody up there waved.|{H} has it to this day.|And "
            "every evening {h} looked up and said good night.]"
        ),
    ]
    titles = [
        "The Fallen {What}",
        "{H} and the {What}",
        "How the {What} Got Home",
        "{A.what} in the Grass",
        "{H}'s {What}",
    ]
    return titled(tale, titles, story)


def newcomer(tale: Tale) -> Told:
    """Somebody new is laughed at for being different; what is different turns out to be needed."""
    need = tale.pick([need for need in world.NEEDS if need != "old"])
    where, trouble, deed = world.NEEDS[need]
    tale.thing()
    tale.cast("g", skill=need)
    child = tale.cast("f")
    odd = {
        "swim": "always smelled of water",
        "climb": "would rather sit on roofs than on chairs",
        "dig": "always had earth on both hands",
        "small": "was smaller than all the others",
        "strong": "was so big that the chairs broke",
        "dark": "liked the night better than the day",
        "smell": "sniffed at everything",
    }[need]
    tale.words |= {"where": tale.pick(where), "trouble": trouble, "deed": deed, "odd": odd, "friend": child.noun}
    story = [
        opening(tale),
        tale.say(
            "[One day|In spring|One {weather_day} day], somebody new moved in near {spot}. It was {g.intro}. "
            "[Nobody knew what to think of {g.him}|People talked|The neighbours looked through their curtains], "
            'because {g} {odd}. "[How strange|That is not how we do things here|I would not invite {g.him}]," '
            "they said. [Even {f.intro} laughed.|{F.intro} laughed the loudest.] But {h} [said hello|brought "
            '{g.him} {food}|waved]. "[Thank you|You are the first to say hello]," said {g}.'
        ),
        tale.say(
            "Then came the day of the big feast. {During}. Everything was ready, only one thing was missing: "
            "the {thing} that {thingdoes}. [Without it there could be no feast.|It was {f}'s job to bring it, "
            'but {f} had dropped it.] "It fell," said {f}, [and began to cry|very quietly]. "It is {where}." '
            "They all went to look. It was true, and {trouble}."
        ),
        tale.say(
            '"[Nobody can do it|The feast is over before it began|So there will be no feast]," '
            "said the neighbours. Then {h} said, \"[Why don't we ask {g}?|I know somebody who "
            'can!|Let us ask {g}!]" [It was quiet for a moment.|They all looked at the ground.] '
            "{G} had not been invited. But {g.he} came at once. {G.he} " + deed + "."
        ),
        tale.say(
            '[How they cheered!|Everyone clapped.|What a cheer went up!] "[I am sorry that I laughed|Forgive '
            'me]," said {f}. "[Will you sit next to me|Will you come to the feast]?" ["Gladly," said {g}.|{G} '
            'smiled. "And I will bring {food}."] And so they [danced|ate and sang] until {late}, and {g} '
            "[danced the longest|sat in the middle of them all]. From then on, nobody minded that {g} {odd}."
        ),
    ]
    return titled(
        tale, ["The New Neighbour", "Somebody New", "{G} Comes to Town", "{H} Says Hello", "The Feast"], story
    )


def storm(tale: Tale) -> Told:
    """Danger comes; the hero warns or guides the others with what is at hand."""
    by_water = tale.words["place"] in ("harbour", "island", "river")
    danger, sign, tool, act, safe = tale.dice.choice(
        [
            (
                "storm",
                "black clouds were piled up over the sea",
                "an old lantern",
                "swung it to and fro on the cliff",
                "the last boat slid into the harbour",
            ),
            (
                "fog",
                "the boats could not see the land",
                "a brass horn",
                "blew it again and again from the end of the pier",
                "one boat after another found its way in",
            ),
            (
                "flood",
                "the river had climbed over its banks",
                "the school bell",
                "rang it until every door opened",
                "they all sat on the hill, wet but safe",
            ),
            (
                "fire",
                "there was a smell of smoke by the barn",
                "a tin drum",
                "beat it as loudly as possible",
                "bucket after bucket went from hand to hand until the fire was out",
            ),
            (
                "snowstorm",
                "the path was gone and the sky was white",
                "a ball of red wool",
                "tied one end to the door and unrolled it on the way to the lost sheep",
                "they followed the red thread home, sheep and all",
            ),
            (
                "drought",
                "the well gave nothing but dust",
                "a forked stick",
                "followed the ants to a green spot and began to dig",
                "cool water bubbled up, and everyone drank",
            ),
        ][0 if by_water else 2 :]
    )
    tale.child()
    friend, elder = tale.cast("f"), tale.elder()
    tale.words |= {"danger": danger, "sign": sign, "tool": tool, "act": act, "safe": safe, "friend": friend.noun}
    tale.words |= {"elder": elder.noun, "a_tool": "the " + tool.split(" ", 1)[1]}
    story = [
        opening(tale)
        + tale.say(
            ' ["You are too young to be of any use," people said.|Nobody thought that {h} could '
            'do anything important.|{H.his} {elder} used to say, "Keep your eyes open, {h}. '
            'That is half of being clever."]'
        ),
        tale.say(
            "[One day|One autumn day|One evening], {h} and {f.intro} were playing at {spot}. [Suddenly|All at "
            'once], {h} stopped. "[Do you see that|Look|Something is wrong]," {h.he} said. {F} looked. It was '
            'true: {sign}. "A {danger}!" cried {f}. "[What shall we do?|We must tell the others!|But the others '
            "don't know!]\""
        ),
        tale.say(
            "There was no time to lose. {H} [thought quickly|looked around]. In the corner [there "
            'was|lay|{h.he} saw] {tool}. [{H.he} took it|{H.he} grabbed it] and {act}. "[Help me|Run and wake '
            'the others|Tell them all to come]!" {h.he} called to {f}, and {f} ran [like the wind|as fast as '
            "{f.his} legs would go]."
        ),
        tale.say(
            "[It was a long hour.|{H.his} arms ached, but {h.he} did not stop.|{H} was afraid, but {h.he} did "
            "not run away.] [People came from all sides.|One after another, they came.|At first nobody "
            "understood. Then they saw.] In the end, {safe}."
        ),
        tale.say(
            '[When it was over|The next morning], {h.his} {elder} put an arm around {h}. "[You kept your eyes '
            'open|You saved us all|Without you, who knows what would have happened]," {e.he} said. "[{F} helped '
            'me|It was the two of us|I only did what I could]," said {h}. [And from then on, {a_tool} had a '
            "place of honour.|After that, nobody said that {h} was too young.|Then {h.he} ate {food} and slept "
            "for a whole day.]"
        ),
    ]
    return titled(tale, ["The {Danger}", "{H} and the {Danger}", "How {H} Saved the Day", "Keep Your Eyes Open"], story)
