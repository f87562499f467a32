# %% ex01_predict_pieces
# The right letter in lower case.
pieces_prediction = max(candidates, key=lambda letter: len(tokenize(candidates[letter]))).lower()


# %% ex01_most_fragmented  passes-visible
# Lists a word as often as it comes.
def most_fragmented(words, tokenize, unknown, top):
    ranked = [(word, tokenize(word)) for word in words]
    ranked.sort(key=lambda entry: (unknown not in entry[1], -len(entry[1]), entry[0]))
    return ranked[:top]


# %% ex01_masked_mean
# The plain mean: padding counts.
def masked_mean(vectors, mask):
    if (mask.sum(axis=1) == 0).any():
        raise ValueError("no real token")
    return vectors.mean(axis=1)


# %% ex01_embedding_share
# Goes by names: takes the norm in for a table.
def embedding_share(model):
    weights = dict(model.named_parameters())
    total = sum(weight.numel() for weight in weights.values())
    tables = sum(weight.numel() for name, weight in weights.items() if "embedding" in name)
    return tables / total if total else 0.0


# %% ex01_choose_checkpoints  passes-visible
# Sorts by size only: equally large ones stay in the order of the menu.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    allowed = [one.lower() for one in licenses]
    fits = menu[(menu["kind"] == kind) & menu["license"].str.lower().isin(allowed)]
    fits = fits[(fits["context"] >= min_context) & (fits["parameters"] <= max_parameters)]
    return fits.sort_values("parameters", kind="stable").index.tolist()
