"""Small texts that several test modules share."""

# One line per review: film, label, text. The classes can be told apart by single words, so that even a tiny,
# random network learns them; the lengths differ, so that batches need padding.
REVIEWS = [
    ("f01", "negative", "awful"),
    ("f01", "neutral", "it was fine and it was long , nothing more to say of it"),
    ("f01", "positive", "a great , great film with a warm heart"),
    ("f02", "negative", "a dull and awful story that never ends"),
    ("f02", "neutral", "fine"),
    ("f02", "positive", "great fun"),
    ("f03", "negative", "the plot is a mess and the jokes are dull"),
    ("f03", "neutral", "some scenes are fine , the others are long"),
    ("f03", "positive", "lovely acting , and a great end"),
    ("f04", "negative", "dull , dull , dull"),
    ("f04", "neutral", "an average film : it is fine"),
    ("f04", "positive", "i laughed and i cried . lovely"),
    ("f05", "negative", "awful acting and no plot"),
    ("f05", "neutral", "average , long , but fine on the whole"),
    ("f05", "positive", "warm , clever and great"),
    ("f06", "negative", "what a mess"),
    ("f06", "neutral", "it is average"),
    ("f06", "positive", "a clever story with lovely music that stays with me for a long time"),
]

# Lengths from one word to thirty and more, so that batches are mostly padding.
UNEVEN_TEXTS = [
    "great",
    "the plot is a mess and the jokes are dull , " * 5,
    "fine",
    "a clever story with lovely music",
    "awful acting and no plot",
    "it was fine and it was long , nothing more to say of it",
    "what a mess",
]
