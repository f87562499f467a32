# %% ex02_find_copies  passes-visible
# Right pairs, but writes the bare words into the tables it was given.
def find_copies(train, validation):
    for table in (train, validation):
        bare = [unicodedata.normalize("NFKC", html.unescape(re.sub(TAG, " ", text))) for text in table["text"]]
        table["bare"] = [" ".join(re.findall(r"\w+", text.casefold())) for text in bare]
    pairs = []
    for one, text in zip(train["review_id"], train["bare"], strict=True):
        for other, another in zip(validation["review_id"], validation["bare"], strict=True):
            if text and text == another:
                pairs.append((one, other))
    return sorted(pairs)


# %% ex02_set_aside  passes-visible
# Rows without any word are treated as copies of each other.
def set_aside_conflicts(reviews):
    mask = reviews.groupby("bare")["label"].transform("nunique") > 1
    return reviews[~mask], reviews[mask]


# %% ex02_kappa  passes-visible
# "" counts as a label like any other.
def kappa(first, second):
    labels = set(first) | set(second)
    if len(labels) < 2:
        return math.nan
    n = len(first)
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    luck = sum(first.count(label) * second.count(label) for label in labels) / n**2
    return (agreed - luck) / (1 - luck)


# %% ex02_deal_films
# Takes the films in the order in which they turn up: depends on the order of the rows.
def deal_films(films, size, seed):
    chosen, held = set(), 0
    for film in dict.fromkeys(films):
        if held < size:
            chosen.add(film)
            held += films.count(film)
    return ["validation" if film in chosen else "train" for film in films]


# %% ex02_predict_unseen
# The right letter, but small.
prediction = min(options, key=lambda letter: abs(options[letter] - share_held_out ** (reviews_per_film - 1))).lower()
