# %% ex02_find_copies  passes-visible
# A dictionary from words to one id: of several copies in train only the last is found.
def find_copies(train, validation):
    def bare(text):
        text = unicodedata.normalize("NFKC", html.unescape(re.sub(TAG, " ", text)))
        return " ".join(re.findall(r"\w+", text.casefold()))

    known = {bare(text): one for one, text in zip(train["review_id"], train["text"], strict=True) if bare(text)}
    found = [
        (known[bare(text)], other)
        for other, text in zip(validation["review_id"], validation["text"], strict=True)
        if bare(text) in known
    ]
    return sorted(found)


# %% ex02_set_aside
# Sets aside all copies, also those that agree.
def set_aside_conflicts(reviews):
    mask = reviews["bare"].duplicated(keep=False) & (reviews["bare"] != "")
    return reviews[~mask], reviews[mask]


# %% ex02_kappa
# Luck as one over the number of labels.
def kappa(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    labels = {label for pair in pairs for label in pair}
    if len(labels) < 2:
        return math.nan
    agreed, luck = sum(a == b for a, b in pairs) / len(pairs), 1 / len(labels)
    return (agreed - luck) / (1 - luck)


# %% ex02_deal_films  passes-visible
# Always draws the lots of seed 3, as in the example.
def deal_films(films, size, seed):
    chosen, held = set(), 0
    for film in sorted(set(films), key=lambda film: lot(film, 3)):
        if held < size:
            chosen.add(film)
            held += films.count(film)
    return ["validation" if film in chosen else "train" for film in films]


# %% ex02_predict_unseen  passes-visible
# Takes the share of train for the share of unseen films.
prediction = min(options, key=lambda letter: abs(options[letter] - (1 - share_held_out)))
