# A novice: loops and lists.
# %% ex02_find_copies
import html
import re
import unicodedata


def find_copies(train, validation):
    def bare_words(text):
        text = re.sub(r"</?[a-zA-Z][^<>]*>", " ", text)
        text = html.unescape(text)
        text = unicodedata.normalize("NFKC", text)
        text = text.casefold()
        words = re.findall(r"\w+", text)
        return " ".join(words)

    pairs = []
    for i in range(len(train)):
        for j in range(len(validation)):
            one = bare_words(train["text"].iloc[i])
            other = bare_words(validation["text"].iloc[j])
            if one == other and one != "":
                pairs.append((train["review_id"].iloc[i], validation["review_id"].iloc[j]))
    pairs.sort()
    return pairs


# %% ex02_set_aside
def set_aside_conflicts(reviews):
    bare = list(reviews["bare"])
    labels = list(reviews["label"])
    keep = []
    aside = []
    for i in range(len(bare)):
        conflict = False
        for j in range(len(bare)):
            if bare[i] == bare[j] and labels[i] != labels[j]:
                conflict = True
        if bare[i] == "":
            conflict = False
        if conflict:
            aside.append(i)
        else:
            keep.append(i)
    return reviews.iloc[keep], reviews.iloc[aside]


# %% ex02_kappa
def kappa(first, second):
    n = 0
    same = 0
    count_first = {}
    count_second = {}
    for i in range(len(first)):
        a = first[i]
        b = second[i]
        if a == "" or b == "":
            continue
        n = n + 1
        if a == b:
            same = same + 1
        count_first[a] = count_first.get(a, 0) + 1
        count_second[b] = count_second.get(b, 0) + 1
    if n == 0:
        return float("nan")
    by_luck = 0
    for label in count_first:
        if label in count_second:
            by_luck = by_luck + count_first[label] * count_second[label]
    if by_luck == n * n:
        return float("nan")
    return (same / n - by_luck / n**2) / (1 - by_luck / n**2)


# %% ex02_deal_films
def deal_films(films, size, seed):
    different = []
    for film in films:
        if film not in different:
            different.append(film)
    different.sort(key=lambda film: lot(film, seed))
    chosen = []
    number = 0
    while number < size and len(different) > 0:
        film = different.pop(0)
        chosen.append(film)
        number += films.count(film)
    result = []
    for film in films:
        if film in chosen:
            result.append("validation")
        else:
            result.append("train")
    return result


# %% ex02_predict_unseen
# All other reviews of the film have to be held out too.
chance = 1.0
for _ in range(reviews_per_film - 1):
    chance = chance * share_held_out
prediction = sorted(options, key=lambda letter: abs(options[letter] - chance))[0]
