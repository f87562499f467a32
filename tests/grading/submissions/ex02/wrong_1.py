# %% ex02_find_copies
# Lowers and looks at words, but lets Unicode be: a letter stored in two parts or full width is missed.
def find_copies(train, validation):
    def bare(text):
        return " ".join(re.findall(r"\w+", html.unescape(re.sub(TAG, " ", text)).casefold()))

    pairs = []
    for one, text in zip(train["review_id"], train["text"], strict=True):
        for other, another in zip(validation["review_id"], validation["text"], strict=True):
            if bare(text) and bare(text) == bare(another):
                pairs.append((one, other))
    return sorted(pairs)


# %% ex02_set_aside
# Keeps the first of a group and sets aside the others.
def set_aside_conflicts(reviews):
    many = reviews.groupby("bare")["label"].transform("nunique") > 1
    mask = many & (reviews["bare"] != "") & reviews["bare"].duplicated()
    return reviews[~mask], reviews[mask]


# %% ex02_kappa
# The agreement itself.
def kappa(first, second):
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else math.nan


# %% ex02_deal_films  passes-visible
# Goes on although validation has exactly what was asked for.
def deal_films(films, size, seed):
    chosen, held = set(), 0
    for film in sorted(set(films), key=lambda film: lot(film, seed)):
        if held > size or size == 0:
            break
        chosen.add(film)
        held += films.count(film)
    return ["validation" if film in chosen else "train" for film in films]


# %% ex02_predict_unseen  passes-visible
# Thinks that as many films are unseen as rows are held out.
prediction = min(options, key=lambda letter: abs(options[letter] - share_held_out))
