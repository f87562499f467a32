# %% ex05_macro_f1
def macro_f1(*, gold, predicted):
    # plain Python: precision and recall, one review after the other
    if len(gold) == 0 or len(gold) != len(predicted):
        raise ValueError("gold and predicted must have the same length, at least one")
    total = 0.0
    for label in (0, 1, 2):
        hits = found = named = 0
        for truth, answer in zip(gold, predicted, strict=True):
            if truth == label and answer == label:
                hits += 1
            if truth == label:
                found += 1
            if answer == label:
                named += 1
        if hits > 0:
            precision = hits / named
            recall = hits / found
            total += 2 * precision * recall / (precision + recall)
    return total / 3


# %% ex05_film_interval
import random


def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # plain Python: a list of right/wrong for each film, and Python's own random numbers
    answers = {}
    for truth, answer, film in zip(gold, predicted, films, strict=True):
        answers.setdefault(str(film), []).append(int(truth == answer))
    names = sorted(answers)
    source = random.Random(seed)
    accuracies = []
    for _ in range(resamples):
        collected = []
        for _ in names:
            collected += answers[source.choice(names)]
        accuracies.append(sum(collected) / len(collected))
    return float(np.quantile(accuracies, (1 - level) / 2)), float(np.quantile(accuracies, (1 + level) / 2))


# %% ex05_mcnemar_p
def mcnemar_p(*, gold, first, second):
    # builds the row of Pascal's triangle and adds every outcome that is at least as uneven
    n = k = 0
    for truth, one, other in zip(gold.tolist(), first.tolist(), second.tolist(), strict=True):
        if (one == truth) != (other == truth):
            n += 1
            k += one == truth
    row = [1]
    for _ in range(n):
        row = [1] + [row[place] + row[place + 1] for place in range(len(row) - 1)] + [1]
    ways = 0
    for heads in range(n + 1):
        if abs(heads - n / 2) >= abs(k - n / 2):
            ways += row[heads]
    return ways / sum(row)


# %% ex05_not_sure_below
def not_sure_below(wanted, *, gold, probabilities):
    # plain Python: try each confidence from the smallest
    rows = probabilities.tolist()
    for threshold in sorted(max(row) for row in rows):
        answered = right = 0
        for truth, row in zip(gold, rows, strict=True):
            if max(row) >= threshold:
                answered += 1
                if row.index(max(row)) == truth:
                    right += 1
        if right / answered >= wanted:
            return threshold
    return None


# %% ex05_predict_winners
def work_it_out():
    total = sum(confusion[i][j] for i in range(3) for j in range(3))
    in_gold = [sum(confusion[i]) for i in range(3)]
    f1 = []
    for i in range(3):
        said = confusion[0][i] + confusion[1][i] + confusion[2][i]
        f1.append(2 * confusion[i][i] / (in_gold[i] + said))
    second_accuracy = (confusion[0][0] + confusion[1][1] + confusion[2][2]) / total
    lazy_accuracy = max(in_gold) / total
    lazy_macro = 2 * max(in_gold) / (max(in_gold) + total) / 3
    a = "lazy" if lazy_accuracy > second_accuracy else "second"
    b = "lazy" if lazy_macro > sum(f1) / 3 else "second"
    for letter in options:
        if options[letter] == (a, b):
            return letter


scores_prediction = work_it_out()
