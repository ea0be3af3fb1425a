"""The things a tale of ours can be about: names, creatures, people, objects, places, weather, cities. Only tables."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


GIRLS = _words(
    "Mina Lena Ada Zuri Amara Noor Aiko Mei Sofia Ines Freya Nia Leila Rosa Tilda Wren Ivy Hana Yara Elsa Kaya "
    "Priya Anouk Maya Dalia Olive Pearl Juno Thandi Nandi Asha Lulu Marta Greta Sana Ling Rina Vera Clara Esme "
    "Fatima Luz Tara Bea Sita Malaika Akello Ruth Salma Iris June Mabel Nell Dora Hazel Zola Suki Petra Alma Cleo "
    "Ana Kirra Sol Ama Emma Lily Alice Anna Sara Lucy Mia Ella Zoe Eva Nora Luna "
)
BOYS = _words(
    "Tomas Kofi Ben Arlo Ravi Luca Omar Jun Kenji Mateo Felix Hugo Emil Sami Theo Dan Otto Pablo Idris Kwame Nico "
    "Oskar Tariq Bao Leo Finn Jonas Abel Musa Dev Rafi Anton Ivo Tunde Baraka Juma Simba Pedro Marco Hamid Yusuf "
    "Niko Elias Ravi Samir Wei Chen Bruno Diego Milo Jack Tom Sam Max Oliver Peter Paul Henry Noah Adam David Amos "
    "Remy Gus Piet Sven Lars Taro Hiro Enzo Ali Kai Rowan Jasper "
)
PETS = _words(
    "Pip Bramble Moss Tuft Nettle Pebble Biscuit Thistle Button Clover Fern Acorn Dusty Pepper Hop Whisker Puddle "
    "Ginger Barley Tansy Sorrel Bracken Poppy Snowy Rusty Maple Juniper Mallow Sage Sunny Twig Bean Muffin Cricket "
    "Toffee Nutmeg Dot Patch Ember Willow Basil Plum Pickle Rowan Quill Rosie Bo Tiki Momo Coco Gogo Toto Kiki "
    "Fudge Oats Inky Hazel Berry Marigold Olly Dash Bubbles Skip Minnow Tumble "
)
START = _words("B D F G H J K L M N P R S T V W Y Z Br Dr Fl Gr Kl Pr St Th Sh Ch Tr")
MIDDLE = _words("a e i o u a e i o ee oo ai")
JOIN = _words("b d l m n r s t v z k ll nn rr nd rt lm")
GIRL_END = ["a", "ie", "ia", "elle", "ina", "y"]
BOY_END = ["o", "in", "us", "en", "ek", "ard"]

# noun: home, favourite food, how it goes, what it is good at (see NEEDS)
ANIMALS: dict[str, tuple[str, str, str, str]] = {
    "fox": ("in a den under an old oak", "blackberries", "trotted", "smell"),
    "mouse": ("in a hole behind the mill", "crumbs of cheese", "scurried", "small"),
    "hedgehog": ("under a heap of dry leaves", "ripe apples", "shuffled", "smell"),
    "rabbit": ("in a burrow on the green hill", "sweet carrots", "hopped", "dig"),
    "squirrel": ("high up in a beech tree", "hazelnuts", "scampered", "climb"),
    "owl": ("in a hollow elm", "poppy-seed cake", "flew", "dark"),
    "otter": ("on the bank of a quick little river", "watercress soup", "slid", "swim"),
    "badger": ("in a deep, tidy den", "mushroom pie", "plodded", "dig"),
    "beaver": ("in a lodge of sticks on the lake", "willow buns", "waddled", "swim"),
    "frog": ("beside a lily pond", "pond-weed pancakes", "hopped", "swim"),
    "duck": ("among the reeds", "barley bread", "waddled", "swim"),
    "crow": ("at the top of the church tower", "cherry stones", "flew", "climb"),
    "sparrow": ("under the roof of the baker's shop", "sunflower seeds", "flew", "small"),
    "tortoise": ("at the foot of a warm stone wall", "lettuce", "plodded", "old"),
    "bear": ("in a cave behind the waterfall", "honey", "padded", "strong"),
    "mole": ("under the vegetable garden", "potato cakes", "shuffled", "dig"),
    "goat": ("on a steep green mountain", "clover", "skipped", "strong"),
    "cat": ("above the harbour cafe", "warm milk", "padded", "climb"),
    "dog": ("at the end of the village", "oat biscuits", "trotted", "smell"),
    "donkey": ("in a stable with a blue door", "thistles", "trotted", "strong"),
    "elephant": ("near the water hole", "ripe mangoes", "walked", "strong"),
    "monkey": ("in a fig tree", "bananas", "swung along", "climb"),
    "firefly": ("in a jasmine bush", "drops of dew", "flew", "dark"),
    "penguin": ("on a white, windy shore", "seaweed stew", "waddled", "swim"),
    "hare": ("in the long grass", "dandelions", "ran", "old"),
    "bat": ("in the attic of the mill", "moonflower tea", "flew", "dark"),
}
# noun: sex ("m", "f" or "x" for either), what they carry and are good at
PEOPLE: dict[str, tuple[str, str]] = {
    "baker": ("x", "strong"), "postman": ("m", "old"), "lighthouse keeper": ("x", "dark"), "gardener": ("x", "dig"),
    "fisherman": ("m", "swim"), "clockmaker": ("x", "small"), "carpenter": ("x", "climb"), "shepherd": ("x", "smell"),
    "ferry captain": ("x", "swim"), "blacksmith": ("x", "strong"), "miner": ("x", "dark"), "tailor": ("x", "small"),
    "window cleaner": ("x", "climb"), "farmer": ("x", "dig"), "teacher": ("x", "old"), "night watchman": ("m", "dark"),
    "librarian": ("x", "old"), "sailor": ("x", "climb"), "cook": ("x", "smell"), "diver": ("x", "swim"),
}  # fmt: skip
GROWN = ["baker", "clockmaker", "lighthouse keeper", "gardener", "painter", "librarian", "toymaker", "tailor",
         "ferry captain", "shepherd", "beekeeper", "cook", "mapmaker", "puppet maker"]  # fmt: skip
KIN = [("grandmother", "f"), ("grandfather", "m"), ("aunt", "f"), ("uncle", "m"), ("mother", "f"), ("father", "m"),
       ("big sister", "f"), ("big brother", "m")]  # fmt: skip

# The inhabitants of this small world: whoever is a fox is Pip. A small model learns who is who before it learns to
# carry a name that it never met through a story.
CAST: dict[str, tuple[str, str]] = {
    "fox": ("Pip", "m"), "mouse": ("Dot", "f"), "hedgehog": ("Moss", "m"), "rabbit": ("Clover", "f"),
    "squirrel": ("Tuft", "m"), "owl": ("Willow", "f"), "otter": ("Puddle", "f"), "badger": ("Bramble", "m"),
    "beaver": ("Twig", "m"), "frog": ("Hop", "m"), "duck": ("Poppy", "f"), "crow": ("Inky", "m"),
    "sparrow": ("Fern", "f"), "tortoise": ("Basil", "m"), "bear": ("Maple", "f"), "mole": ("Dusty", "m"),
    "goat": ("Tansy", "f"), "cat": ("Ginger", "f"), "dog": ("Biscuit", "m"), "donkey": ("Barley", "m"),
    "elephant": ("Momo", "f"), "monkey": ("Coco", "m"), "firefly": ("Ember", "f"), "penguin": ("Minnow", "f"),
    "hare": ("Dash", "m"), "bat": ("Quill", "f"),
    "baker": ("Rosa", "f"), "postman": ("Hugo", "m"), "lighthouse keeper": ("Jonas", "m"), "gardener": ("Olive", "f"),
    "fisherman": ("Omar", "m"), "clockmaker": ("Felix", "m"), "carpenter": ("Tilda", "f"), "shepherd": ("Ivo", "m"),
    "ferry captain": ("Marta", "f"), "blacksmith": ("Freya", "f"), "miner": ("Bruno", "m"), "tailor": ("Enzo", "m"),
    "window cleaner": ("Samir", "m"), "farmer": ("Nell", "f"), "teacher": ("Clara", "f"),
    "night watchman": ("Otto", "m"), "librarian": ("Vera", "f"), "sailor": ("Nico", "m"), "cook": ("Abel", "m"),
    "diver": ("Luz", "f"), "painter": ("Iris", "f"), "toymaker": ("Emil", "m"), "beekeeper": ("Alma", "f"),
    "mapmaker": ("Theo", "m"), "puppet maker": ("Greta", "f"),
}  # fmt: skip
CHILDREN = {"f": ["Mina", "Zuri", "Ada"], "m": ["Ben", "Kofi", "Tomas"]}

# noun: adjectives, what gives it away, what it does
OBJECTS: dict[str, tuple[list[str], str, str]] = {
    "compass": (["brass", "old", "little"], "something shone in the light", "always pointed north"),
    "bell": (["silver", "tiny", "copper"], "something rang, very softly", "rang as clear as water"),
    "scarf": (["blue", "striped", "woollen"], "a thread of wool hung on a thorn", "kept out every wind"),
    "whistle": (["wooden", "tin", "green"], "the wind blew a thin note", "could be heard across the valley"),
    "kite": (["red", "paper", "yellow"], "a long tail fluttered in the wind", "flew higher than the trees"),
    "marble": (["glass", "green", "blue"], "something round caught the sun", "had a whole sky inside"),
    "music box": (["painted", "tiny", "old"], "a few slow notes played", "played a song about the sea"),
    "key": (["iron", "golden", "rusty"], "something clinked on stone", "opened the garden gate"),
    "lantern": (["paper", "copper", "round"], "a warm spot of light shone", "glowed all night long"),
    "map": (["folded", "torn", "secret"], "a corner of paper stuck out", "showed every path in the land"),
    "button": (["pearl", "red", "wooden"], "something small and round gleamed", "came from a sailor's coat"),
    "shell": (["pink", "white", "spiral"], "there was a sound like the sea", "sang when you held it to your ear"),
    "drum": (["little", "painted", "round"], "there was a hollow tap, tap, tap", "made everyone want to dance"),
    "book": (["blue", "thick", "dusty"], "some pages rustled", "was full of stories"),
    "teapot": (["blue", "cracked", "tin"], "a lid rattled", "made the best tea in town"),
    "watch": (["pocket", "silver", "slow"], "something went tick, tick, tick", "had never been late"),
    "hat": (["straw", "green", "tall"], "a ribbon waved in the air", "kept off sun and rain"),
    "boat": (["toy", "paper", "wooden"], "a small white sail stood up", "could sail against the wind"),
    "ring": (["silver", "thin", "golden"], "something glittered", "had belonged to the family for ages"),
    "umbrella": (["yellow", "red", "spotted"], "a bright edge showed", "was big enough for three"),
    "paintbrush": (["long", "soft", "red"], "there was a trail of tiny blue drops", "could paint any colour"),
    "flute": (["silver", "reed", "short"], "a breath of music floated by", "made the birds sing along"),
    "telescope": (["brass", "long", "old"], "a round glass winked in the sun", "brought the stars close"),
    "doll": (["rag", "wooden", "little"], "a small painted face looked up", "had listened to many secrets"),
}
# what a hidden place needs: how the place is said, what is wrong there, what the right helper does
NEEDS: dict[str, tuple[list[str], str, str]] = {
    "swim": (["at the bottom of the pond", "on a rock in the middle of the river", "under the old jetty"],
             "the water was much too deep", "dived in and [came up with it|brought it back, dripping wet]"),
    "climb": (["in the highest branch of the pine", "on the roof of the mill", "on top of the old wall"],
              "it was far too high to reach", "climbed up[, branch by branch,| carefully| quickly] and brought it "
                  "down"),
    "dig": (["under a heap of earth", "in a hole full of sand", "under the roots of the big tree"],
            "the earth was hard and heavy", "dug and dug until the earth flew, and there it was"),
    "small": (["in a crack between two stones", "behind the pipe in the wall", "inside the hollow log"],
              "the gap was far too narrow", "reached into the narrow gap and pulled it out"),
    "strong": (["under a fallen tree", "behind the great stone", "under the broken cart"],
               "nobody could move such a weight", "pushed with all {g.his} strength until there was room"),
    "dark": (["deep in the dark cave", "in the cellar under the tower", "at the end of the long tunnel"],
             "it was so dark that nobody could see a thing", "went ahead into the dark and showed the way"),
    "smell": (["somewhere in the tall grass", "among a hundred baskets at the market", "under the autumn leaves"],
              "it could be anywhere", "sniffed here and sniffed there, and stopped: \"It smells of home. Here!\""),
    "old": (["in a place that everyone had forgotten", "in the old well house", "behind the locked gate"],
            "nobody knew the way", "remembered the old path and led them straight to it"),
}  # fmt: skip

# place: how one lives there, features, a sound, a smell
PLACES: dict[str, tuple[str, list[str], str, str]] = {
    "harbour": ("in a small town by the sea", ["the harbour wall", "the fish market", "the white lighthouse"],
                "the gulls cried", "salt and tar"),
    "valley": ("in a green valley between two hills", ["the stone bridge", "the water mill", "the apple orchard"],
               "the river murmured", "wet grass"),
    "mountain": ("in a village high in the mountains", ["the chapel", "the goat path", "the frozen lake"],
                 "the wind hummed in the pines", "wood smoke and snow"),
    "forest": ("at the edge of a deep forest", ["the mossy clearing", "the fallen oak", "the brook"],
               "the leaves whispered", "moss and mushrooms"),
    "island": ("on a tiny island with one hill", ["the long beach", "the palm grove", "the blue lagoon"],
               "the waves rolled in and out", "warm sand"),
    "city": ("in a narrow street in the middle of a big city", ["the tram stop", "the park", "the corner shop"],
             "the trams rang their bells", "fresh bread"),
    "desert": ("in a village of clay houses near the desert", ["the well", "the date palms", "the market square"],
               "the sand sang in the wind", "mint and dust"),
    "farm": ("on a farm with a crooked red barn", ["the duck pond", "the barn", "the wheat field"],
             "the hens clucked", "hay"),
    "river": ("in a wooden house beside a wide river", ["the ferry landing", "the reeds", "the long footbridge"],
              "the water slapped against the boats", "mud and mint"),
    "savanna": ("in a village under a great baobab tree", ["the water hole", "the red road", "the maize field"],
                "the crickets sang", "dry grass"),
}  # fmt: skip
# weather: in the morning, while things happen, at the end
WEATHER: dict[str, tuple[str, str, str]] = {
    "sun": ("the sun shone in a clear blue sky", "the day grew warm", "the sun went down behind the hills"),
    "rain": (
        "rain drummed on the roof",
        "the rain ran down in silver strings",
        "the rain stopped and the stars came out",
    ),
    "wind": ("the wind shook the windows", "the wind pushed and pulled", "the wind lay down to sleep"),
    "fog": ("a thick white fog lay over everything", "the fog hid even the nearest tree", "the fog lifted at last"),
    "snow": ("the world was white with snow", "snowflakes danced in the air", "the moon shone on the snow"),
    "clouds": ("grey clouds hung low", "the clouds hurried by", "the clouds opened and the evening sky turned pink"),
}
# city: country, first sight, what one does, food, small thing bought, sound
CITIES: dict[str, tuple[str, str, str, str, str, str]] = {
    "Kyoto": ("Japan", "wooden temples among red maple trees", "walked through a thousand orange gates",
              "a bowl of hot noodles", "a paper fan", "a temple bell"),
    "Paris": ("France", "grey roofs and a tall iron tower", "climbed the tower until the people looked like ants",
              "a warm pancake with sugar", "a box of pencils", "an accordion"),
    "Lisbon": ("Portugal", "white houses and steep, shining streets", "rode a yellow tram up the hill",
               "a small custard tart", "a blue tile", "a sad, sweet song"),
    "Venice": ("Italy", "palaces standing in green water", "crossed a hundred little bridges",
               "lemon ice", "a painted mask", "water lapping at the doors"),
    "Marrakesh": ("Morocco", "red walls and palm trees", "got lost in the market and found the way by the smell of "
        "mint",
                  "sweet mint tea", "a pair of yellow slippers", "drums in the square"),
    "Cairo": ("Egypt", "the pyramids, golden in the dust", "rode a grumpy camel around the pyramids",
              "bread with beans", "a tiny glass bottle", "car horns and laughter"),
    "Reykjavik": ("Iceland", "bright roofs under a pale sky", "bathed in hot water while snow fell",
                  "fish soup", "a thick wool hat", "the wind"),
    "Cusco": ("Peru", "stone walls without a single gap", "met a llama who did not want to move",
              "potato soup with corn", "a striped belt", "a bamboo flute"),
    "New York": ("America", "towers so high that they tickled the clouds", "took the ferry past the green statue",
                 "a pretzel with salt", "a snow globe", "a saxophone in the subway"),
    "Rio": ("Brazil", "green hills, blue water and white sand", "danced with strangers on the beach",
            "fresh coconut", "a red kite", "samba drums"),
    "Istanbul": ("Turkey", "domes and minarets above the water", "crossed from one continent to another by ferry",
                 "a sesame ring", "a blue glass eye", "gulls and ferry horns"),
    "Jaipur": ("India", "pink palaces and honeycomb windows", "watched an elephant being painted with flowers",
               "spicy bread and yogurt", "a string of bells", "a peacock"),
    "Beijing": ("China", "red gates and golden roofs", "walked along the great wall until my legs shook",
                "steamed dumplings", "a silk lantern", "pigeon whistles high in the air"),
    "London": ("England", "a brown river and red buses", "sat in the front of a bus, on the upper floor",
               "toast with beans", "a tin soldier", "a great clock striking"),
    "Prague": ("Czechia", "a castle on a hill and a hundred towers", "fed the swans under the old bridge",
               "a sweet roll from the fire", "a wooden puppet", "a clock with little marching figures"),
    "Athens": ("Greece", "white columns on a rock", "counted cats among the old stones",
               "olives and cheese", "a clay owl", "cicadas"),
    "Nairobi": ("Kenya", "tall trees and giraffes behind the city", "fed a giraffe with a very long, blue tongue",
                "sweet bananas", "a basket of straw", "crickets in the grass"),
    "Sydney": ("Australia", "a roof like white sails beside the water", "learned to stand on a surfboard, for one "
        "second",
               "a meat pie", "a boomerang", "laughing birds"),
    "Bangkok": ("Thailand", "golden roofs and long green boats", "bought fruit from a boat on the river",
                "rice with mango", "a silk elephant", "frogs after the rain"),
    "Havana": ("Cuba", "old cars in pink and turquoise", "drove along the sea in a car without a roof",
               "black beans and rice", "a straw hat", "a trumpet at every corner"),
    "Amsterdam": ("the Netherlands", "narrow houses and a thousand bicycles", "cycled along the canals",
                  "a warm waffle", "a bunch of tulips", "bicycle bells"),
    "Oslo": ("Norway", "a blue fjord and dark forests", "went up the ski jump and did not dare to look down",
             "a cinnamon bun", "a pair of mittens", "a ship's horn"),
    "Zanzibar": ("Tanzania", "a white beach and carved doors", "sailed in a boat with one crooked sail",
                 "coconut rice", "a bag of cloves", "children singing"),
    "Vienna": ("Austria", "white palaces and green parks", "turned slowly in the sky on a giant wheel",
               "chocolate cake", "a little violin of sugar", "a waltz"),
    "Hanoi": ("Vietnam", "a quiet lake and noisy streets", "crossed a road with a million scooters",
              "noodle soup for breakfast", "a round straw hat", "scooters and cockerels"),
    "Mexico City": ("Mexico", "a huge square and flowers everywhere", "floated through gardens on a painted boat",
                    "corn cakes with cheese", "a paper skeleton that smiled", "a guitar"),
}  # fmt: skip
