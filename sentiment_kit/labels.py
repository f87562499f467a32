"""The labels: three for sentiment or those of another task; their order, their ids, reading them from messy input."""

from collections.abc import Iterable, Sequence

LABELS: tuple[str, ...] = ("negative", "neutral", "positive")
"""The label names, in the order of their ids: 0, 1, 2."""


def id2label(labels: Sequence[str] = LABELS) -> dict[int, str]:
    """Maps each id to its label name, as a transformers configuration wants it.

    >>> id2label()
    {0: 'negative', 1: 'neutral', 2: 'positive'}
    """
    return dict(enumerate(labels))


def label2id(labels: Sequence[str] = LABELS) -> dict[str, int]:
    """Maps each label name to its id.

    >>> label2id()["positive"]
    2
    """
    return {name: index for index, name in enumerate(labels)}


def parse_names(text: str) -> tuple[str, ...]:
    """Reads the label names of a task, as the command line takes them.

    Args:
        text: The names in the order of their ids, with commas between them.

    Returns:
        The names, without spaces around them.

    Raises:
        ValueError: There are fewer than two, one is empty, or two differ by nothing but capitals.

    >>> parse_names("booking, damage,payment")
    ('booking', 'damage', 'payment')
    """
    names = tuple(name.strip() for name in text.split(","))
    if len(names) < 2 or not all(names):
        raise ValueError(f"{text[:40]!r} are not two or more names: write them like booking,damage,payment (no spaces)")
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"{text[:40]!r}: a name stands there twice (capitals do not count): give each label once")
    return names


def parse_label(value: object, labels: Sequence[str] = LABELS) -> str:
    """Reads one label as people spell it: a name in any case, its first letters (three or more), or its id.

    Where a label's name is itself a number, numbers are names and no ids.

    Args:
        value: What stands in the file: ``"Positive "``, ``"neu"``, ``2``, ``"2"``.
        labels: The label names in the order of their ids.

    Returns:
        The label's name.

    Raises:
        ValueError: The value is none of these; the message lists what is.

    >>> parse_label(" POS"), parse_label(0)
    ('positive', 'negative')
    """
    text = str(value).strip().casefold()
    if text.endswith(".0") and text[:-2].isdigit():  # a whole number that went through a float column
        text = text[:-2]
    numbered = any(name.isdigit() for name in labels)
    for index, name in enumerate(labels):
        if text == name.casefold() or (text == str(index) and not numbered):
            return name
    matches = [name for name in labels if len(text) >= 3 and name.casefold().startswith(text)]
    if len(matches) == 1:
        return matches[0]
    ids = "" if numbered else f", or 0 to {len(labels) - 1}"
    raise ValueError(f"unknown label {str(value)[:40]!r}: use one of {', '.join(labels)}{ids}")


def five_to_three(rating: object) -> str:
    """Maps a five-point rating (0 worst, 4 best) to the three labels, as is usual for SST.

    Args:
        rating: 0 to 4, as a number or as text. Two is neutral.

    Returns:
        ``"negative"`` for 0 and 1, ``"neutral"`` for 2, ``"positive"`` for 3 and 4.

    Raises:
        ValueError: The rating is not a whole number from 0 to 4.

    Source:
        Socher et al. (2013), https://aclanthology.org/D13-1170 (the five classes of SST).

    >>> [five_to_three(rating) for rating in range(5)]
    ['negative', 'negative', 'neutral', 'positive', 'positive']
    """
    text = str(rating).strip().removesuffix(".0")
    if text not in ("0", "1", "2", "3", "4"):
        stars = "; of stars from 1 to 5, subtract 1" if text == "5" else ""
        raise ValueError(f"unknown rating {str(rating)[:40]!r}: use a whole number from 0 (worst) to 4 (best)" + stars)
    return LABELS[(int(text) > 1) + (int(text) > 2)]


def require_ids(ids: Iterable[int], size: int) -> None:
    """Makes sure that class ids are those of the labels: else they would be left out of a score in silence.

    Args:
        ids: Class ids.
        size: How many labels there are.

    Raises:
        ValueError: An id is none of ``0`` to ``size - 1``; the message names it.
    """
    strange = sorted(set(ids) - set(range(size)))
    if strange:
        raise ValueError(f"label id {strange[0]} is none of the {size} labels: use ids from 0 to {size - 1}")
