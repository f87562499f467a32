# %% ex02_find_copies
# Only strips and lowers: punctuation and tags still make a difference.
def find_copies(train, validation):
    pairs = []
    for one, text in zip(train["review_id"], train["text"], strict=True):
        for other, another in zip(validation["review_id"], validation["text"], strict=True):
            if text.strip().lower() == another.strip().lower():
                pairs.append((one, other))
    return sorted(pairs)


# %% ex02_set_aside  passes-visible
# Compares exactly two rows of a text, the first and the last: a contradiction between them is missed.
def set_aside_conflicts(reviews):
    groups = reviews.groupby("bare")["label"]
    mask = (groups.transform("first") != groups.transform("last")) & (reviews["bare"] != "")
    return reviews[~mask], reviews[mask]


# %% ex02_kappa  passes-visible
# Cuts kappa off at 0, as if labelers could not agree less than by luck.
def kappa(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    if len({label for pair in pairs for label in pair}) < 2:
        return math.nan
    one, other = zip(*pairs, strict=True)
    return max(0.0, float(cohen_kappa_score(one, other)))


# %% ex02_deal_films
# Looks for the film that fits best next: passes over a film that would bring too many, and takes a later one.
def deal_films(films, size, seed):
    order = sorted(set(films), key=lambda film: lot(film, seed))
    chosen, held = [], 0
    for film in order:
        if held + films.count(film) <= size:
            chosen.append(film)
            held += films.count(film)
    for film in order:
        if held < size and film not in chosen:
            chosen.append(film)
            held += films.count(film)
    return ["validation" if film in chosen else "train" for film in films]


# %% ex02_predict_unseen
# All options, to be safe.
prediction = list(options)
