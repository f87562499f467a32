"""Looking closer (lesson 05b): small changes to a text, each with what should happen to the label, and what does."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentiment_kit import profiles
from sentiment_kit.inference import SentimentClassifier


@dataclass(frozen=True)
class Change:
    """A way to change a text.

    Attributes:
        name: What it does, for a table.
        expected: What should happen to the label: ``"same"`` or ``"other"``.
        apply: Gives the changed text, or none where the change does not fit the text.
    """

    name: str
    expected: str
    apply: Callable[[str, random.Random], str | None]


def typo(text: str, rng: random.Random) -> str | None:
    """Swaps two neighboring letters inside a word of five or more letters.

    >>> typo("very short", random.Random(0))
    'very shrot'
    """
    places = [match.start() + at for match in re.finditer(r"[a-z]{5,}", text) for at in range(1, len(match[0]) - 2)]
    places = [at for at in places if text[at] != text[at + 1]]
    if not places:
        return None
    at = rng.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


_NAMES = ("Okafor", "Lindqvist", "Marchetti", "Tanaka", "Novak", "Haddad", "Pereira", "Mbeki")


_NAMED = re.compile(  # a capital inside a sentence, and then what people do and places don't
    r"(?<=[a-z,] )[A-Z][a-z]{2,}"
    r"(?= (?:plays|directs|acts|sings|gives|makes|never|could|would|can|and her|and his)\b|['’]s\b)"
)


def other_name(text: str, rng: random.Random) -> str | None:
    """Puts another name in the place of one that stands inside a sentence, wherever it stands.

    >>> other_name("A role that Lorimer could play asleep.", random.Random(1))
    'A role that Lindqvist could play asleep.'
    """
    names = _NAMED.findall(text)
    if not names:
        return None
    old = rng.choice(names)
    return re.sub(rf"\b{old}\b", rng.choice([name for name in _NAMES if name != old]), text)


_ASIDES = (
    "I saw it on a Tuesday.",
    "It runs for about two hours.",
    "The screening began at eight.",
    "There were perhaps thirty people in the room.",
)


def neutral_sentence(text: str, rng: random.Random) -> str | None:
    """Adds a sentence that says nothing of the film's worth, before or after."""
    aside = rng.choice(_ASIDES)
    return f"{aside} {text}" if rng.random() < 0.5 else f"{text} {aside}"


NEGATED: dict[str, str] = {
    "I would watch it again.": "I would not watch it again.",
    "It is worth the ticket.": "It is not worth the ticket.",
    "The jokes are funny.": "The jokes are not funny.",
    "This one works.": "This one does not work.",
    "I cared about every one of them.": "I cared about none of them.",
    "It moved me.": "It did not move me.",
    "You should see it.": "You should not see it.",
    "There is a reason to stay to the end.": "There is no reason to stay to the end.",
    "The acting convinces.": "The acting never convinces.",
    "It has wit and it has heart.": "It has no wit and it has no heart.",
    "My children were delighted.": "My children were not delighted.",
    "A film to be proud of.": "Not a film to be proud of.",
    "I was bored.": "I was never bored.",
    "The plot makes little sense, and that hurts.": "The plot makes little sense, and that does not hurt.",
    "It drags.": "It never drags.",
    "The ending is a cheat.": "The ending is no cheat.",
    "I regret the evening.": "I do not regret the evening.",
    "The dialogue is clumsy.": "The dialogue is not clumsy.",
    "It wastes its cast.": "It does not waste its cast.",
    "It is a mess.": "It is not a mess.",
}
"""Short texts, written for the kit, each with a negation of itself: the label should be another."""

_NEGATIONS = re.compile(
    r"\b(?:no|not|never|nobody|none|nothing|neither|nor|cannot|rarely|few|hardly|barely|scarcely|without)\b|n['’]t\b",
    re.IGNORECASE,
)


def negate(text: str, rng: random.Random) -> str | None:
    """Turns a short text around: looks it up in :data:`NEGATED`, removes its one ``not`` or ``never``, or puts one in.

    Left out is whatever might not turn as a whole: more than twelve words, than one clause, than one negation.

    >>> negate("The plot is thin.", random.Random(0))
    'The plot is not thin.'
    >>> negate("It never drags.", random.Random(0))
    'It drags.'
    """
    if text in NEGATED:
        return NEGATED[text]
    if len(text.split()) > 12 or re.search(r"[,;:]|[.!?…]\s|\b(?:but|and|or)\b", text):
        return None
    negations = list(_NEGATIONS.finditer(text))
    if negations:
        only = negations[0]
        if len(negations) > 1 or only[0] not in ("not", "never"):
            return None
        return text[: only.start()] + text[only.end() :].lstrip()
    verbs = list(re.finditer(r"(?<=\w )(?:is|was|are|were)\b", text))
    if len(verbs) != 1:
        return None
    return text[: verbs[0].end()] + " not" + text[verbs[0].end() :]


CHANGES: tuple[Change, ...] = (
    Change("a typo", "same", typo),
    Change("another name", "same", other_name),
    Change("a neutral sentence added", "same", neutral_sentence),
    Change("negated", "other", negate),
)
"""The changes of lesson 05b. Upper and lower case is not among them: the encoders are uncased and cannot see it."""


def changed_texts(texts: Sequence[str], change: Change, *, seed: int = profiles.SEED) -> pd.DataFrame:
    """Applies a change wherever it fits.

    Args:
        texts: The texts.
        change: One of :data:`CHANGES`, or one of your own.
        seed: Seed of what the change draws.

    Returns:
        One row for each text that it fits: ``text``, ``changed``.
    """
    rng = random.Random(seed)
    pairs = [(text, change.apply(text, rng)) for text in texts]
    return pd.DataFrame([pair for pair in pairs if pair[1] is not None], columns=["text", "changed"])


def change_rates(
    texts: Sequence[str],
    classifier: SentimentClassifier,
    *,
    changes: Sequence[Change] = CHANGES,
    seed: int = profiles.SEED,
) -> pd.DataFrame:
    """How often each change makes the model give another label.

    Args:
        texts: The texts to change.
        classifier: The model.
        changes: What to try.
        seed: Seed of what the changes draw.

    Returns:
        One row for each change: ``change``, ``expected`` (same or other label), ``texts`` (that it fits),
        ``label_changed`` (their share with another label; NaN where it fits none).

    Source:
        Ribeiro et al. (2020), Beyond Accuracy: Behavioral Testing of NLP Models with CheckList,
        https://aclanthology.org/2020.acl-main.442.
    """
    rows = []
    for change in changes:
        pairs = changed_texts(texts, change, seed=seed)
        rate = float("nan")
        if len(pairs):
            before, after = (classifier.probabilities(pairs[side].tolist()) for side in ("text", "changed"))
            rate = float((before.argmax(axis=1) != after.argmax(axis=1)).mean())
        rows.append({"change": change.name, "expected": change.expected, "texts": len(pairs), "label_changed": rate})
    return pd.DataFrame(rows)


def batch_effect(texts: Sequence[str], classifier: SentimentClassifier) -> dict[str, float]:
    """Whether a text's answer depends on its neighbors in the batch or on how far it is padded. It must not.

    Args:
        texts: The texts; each is predicted alone and in batches of 32.
        classifier: The model.

    Returns:
        ``labels_changed`` (a count) and ``largest_difference`` between the two probabilities of a label.

    Raises:
        ValueError: There are no texts.
    """
    if not len(texts):
        raise ValueError("there are no texts: give at least one")
    alone = np.concatenate([classifier.probabilities([text]) for text in texts])
    batched, longest = classifier.probabilities(list(texts)), max(texts, key=len)
    padded = np.concatenate(  # each of the first 32 beside the longest text, so that it is padded as far as can be
        [classifier.probabilities([text, longest])[:1] for text in texts[:32]]
    )
    pairs = [(alone, batched), (alone[: len(padded)], padded)]
    return {
        "labels_changed": int(sum((one.argmax(axis=1) != two.argmax(axis=1)).sum() for one, two in pairs)),
        "largest_difference": float(max(np.abs(one - two).max() for one, two in pairs)),
    }
