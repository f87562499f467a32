# %% ex02_find_copies  passes-visible
# Reviews without any word count as copies of each other.
def find_copies(train, validation):
    def bare(text):
        text = unicodedata.normalize("NFKC", html.unescape(re.sub(TAG, " ", text)))
        return re.findall(r"\w+", text.casefold())

    return sorted(
        (one, other)
        for one, text in zip(train["review_id"], train["text"], strict=True)
        for other, another in zip(validation["review_id"], validation["text"], strict=True)
        if bare(text) == bare(another)
    )


# %% ex02_set_aside  passes-visible
# Lets the majority decide: only the minority is set aside, and the whole group only on a tie.
def set_aside_conflicts(reviews):
    aside = []
    for bare, label in zip(reviews["bare"], reviews["label"], strict=True):
        counts = reviews.loc[reviews["bare"] == bare, "label"].value_counts()
        tie = (counts == counts.max()).sum() > 1
        aside.append(bare != "" and len(counts) > 1 and (tie or label != counts.idxmax()))
    mask = np.array(aside, dtype=bool)
    return reviews[~mask], reviews[mask]


# %% ex02_kappa  passes-visible
# Luck from the shares of both labelers thrown together (that is Scott's pi).
def kappa(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    labels = [label for pair in pairs for label in pair]
    if len(set(labels)) < 2:
        return math.nan
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    luck = sum((labels.count(label) / len(labels)) ** 2 for label in set(labels))
    return (agreed - luck) / (1 - luck)


# %% ex02_deal_films  passes-visible
# Puts the first film into validation before it asks whether any is wanted.
def deal_films(films, size, seed):
    order = sorted(set(films), key=lambda film: lot(film, seed))
    chosen, held = [], 0
    while order:
        chosen.append(order.pop(0))
        held += films.count(chosen[-1])
        if held >= size:
            break
    return ["validation" if film in chosen else "train" for film in films]


# %% ex02_predict_unseen  passes-visible
# Adds the chances of the reviews up instead of multiplying them.
prediction = min(options, key=lambda letter: abs(options[letter] - min(1, reviews_per_film * share_held_out)))
