# %% ex02_find_copies
# Tags become nothing: words on both sides of a <br /> are glued together.
def find_copies(train, validation):
    def bare(text):
        text = unicodedata.normalize("NFKC", html.unescape(re.sub(TAG, "", text)))
        return " ".join(re.findall(r"\w+", text.casefold()))

    return sorted(
        (one, other)
        for one, text in zip(train["review_id"], train["text"], strict=True)
        for other, another in zip(validation["review_id"], validation["text"], strict=True)
        if bare(text) and bare(text) == bare(another)
    )


# %% ex02_set_aside  passes-visible
# Numbers the rows anew: the old index is lost.
def set_aside_conflicts(reviews):
    mask = (reviews.groupby("bare")["label"].transform("nunique") > 1) & (reviews["bare"] != "")
    return reviews[~mask].reset_index(drop=True), reviews[mask].reset_index(drop=True)


# %% ex02_kappa  passes-visible
# Full agreement on a single label is called 1.
def kappa(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    if not pairs:
        return math.nan
    n, (one, other) = len(pairs), zip(*pairs, strict=True)
    agreed = sum(a == b for a, b in pairs) / n
    luck = sum(one.count(label) * other.count(label) for label in set(one)) / n**2
    return 1.0 if luck == 1 else (agreed - luck) / (1 - luck)


# %% ex02_deal_films
# Counts rows, not films, so one film is torn apart.
def deal_films(films, size, seed):
    rows = sorted(range(len(films)), key=lambda row: lot(films[row], seed))
    chosen = set(rows[:size])
    return ["validation" if row in chosen else "train" for row in range(len(films))]


# %% ex02_predict_unseen
# The number instead of its letter.
prediction = min(options.values(), key=lambda value: abs(value - share_held_out ** (reviews_per_film - 1)))
