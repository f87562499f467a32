# %% ex01_predict_pieces  passes-visible
# Takes the word of fewest pieces.
pieces_prediction = min(candidates, key=lambda letter: len(tokenize(candidates[letter])))


# %% ex01_most_fragmented  passes-visible
# Sees the unknown piece only where it stands alone.
def most_fragmented(words, tokenize, unknown, top):
    pieces = {word: tokenize(word) for word in words}
    ranked = sorted(pieces, key=lambda word: (pieces[word] != [unknown], -len(pieces[word]), word))
    return [(word, pieces[word]) for word in ranked[:top]]


# %% ex01_masked_mean
# Takes the first tokens, as many as are real: wrong if padding stands at the left.
def masked_mean(vectors, mask):
    if (mask.sum(axis=1) == 0).any():
        raise ValueError("no real token")
    return np.stack([vectors[i, : mask[i].sum()].mean(axis=0) for i in range(len(mask))])


# %% ex01_embedding_share  passes-visible
# Fails where there is nothing to divide by.
def embedding_share(model):
    tables = torch.nn.ModuleList(part for part in model.modules() if isinstance(part, torch.nn.Embedding))
    return models.count_parameters(tables) / models.count_parameters(model)


# %% ex01_choose_checkpoints  passes-visible
# Compares licenses letter by letter, capitals included.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    fits = menu[(menu["kind"] == kind) & menu["license"].isin(licenses)]
    fits = fits[(fits["context"] >= min_context) & (fits["parameters"] <= max_parameters)]
    return sorted(fits.index, key=lambda name: (fits.loc[name, "parameters"], name))
