# pandas: merge, groupby, crosstab, cumulated sums.
# %% ex02_find_copies
def find_copies(train, validation):
    def prepared(table, name):
        text = table["text"].astype(object).map(lambda text: html.unescape(re.sub(TAG, " ", text)))
        text = text.map(lambda text: " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())))
        bare = pd.DataFrame({name: table["review_id"].to_numpy(), "bare": text.to_numpy()}, dtype=object)
        return bare[bare["bare"] != ""]

    both = prepared(train, "train").merge(prepared(validation, "validation"), on="bare")
    return sorted(zip(both["train"].tolist(), both["validation"].tolist(), strict=True))


# %% ex02_set_aside
def set_aside_conflicts(reviews: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    distinct = reviews[["bare", "label"]].drop_duplicates()
    texts = distinct.loc[distinct["bare"].duplicated() & distinct["bare"].ne(""), "bare"]
    mask = reviews["bare"].isin(texts)
    return reviews.loc[~mask].copy(), reviews.loc[mask].copy()


# %% ex02_kappa
def kappa(first: list[str], second: list[str]) -> float:
    table = pd.DataFrame({"first": first, "second": second}, dtype=object)
    table = table[(table != "").all(axis=1)]
    if pd.unique(table.to_numpy().ravel()).size < 2:
        return np.nan
    agreed = (table["first"] == table["second"]).mean()
    shares = [table[column].value_counts(normalize=True) for column in table]
    luck = shares[0].mul(shares[1], fill_value=0).sum()
    return (agreed - luck) / (1 - luck)


# %% ex02_deal_films
def deal_films(films: list[str], size: int, seed: int) -> list[str]:
    rows = pd.Series(films, dtype=object)
    counts = rows.value_counts()
    counts = counts.loc[sorted(counts.index, key=lambda film: lot(film, seed))]
    before = counts.cumsum() - counts
    return rows.map((before < size).map({True: "validation", False: "train"})).tolist()


# %% ex02_predict_unseen
# Try it: shuffle the rows many times, as in the lesson.
def simulated(shuffles: int = 20) -> float:
    rng, shares = np.random.default_rng(123), []
    for _ in range(shuffles):
        rows = pd.DataFrame({"film": np.repeat(range(500), reviews_per_film)})
        rows = rows.sample(frac=1, random_state=int(rng.integers(10**6)))
        cut = int(len(rows) * share_held_out)
        shares.append(1 - rows["film"][:cut].isin(rows["film"][cut:]).mean())
    return float(np.mean(shares))


share = simulated()
prediction = min(options, key=lambda letter: abs(options[letter] - share))
