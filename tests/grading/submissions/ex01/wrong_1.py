# %% ex01_predict_pieces  passes-visible
# Takes the longest word: letters are not pieces.
pieces_prediction = max(candidates, key=lambda letter: len(candidates[letter]))


# %% ex01_most_fragmented  passes-visible
# Forgets ties: equal words stay in the order in which they came.
def most_fragmented(words, tokenize, unknown, top):
    pieces = {word: tokenize(word) for word in words}
    ranked = sorted(pieces, key=lambda word: (unknown not in pieces[word], -len(pieces[word])))
    return [(word, pieces[word]) for word in ranked[:top]]


# %% ex01_masked_mean  passes-visible
# Forgets the text without a real token: it gets NaN.
def masked_mean(vectors, mask):
    return (vectors * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]


# %% ex01_embedding_share  passes-visible
# Counts only what training would change.
def embedding_share(model):
    tables = torch.nn.ModuleList(part for part in model.modules() if isinstance(part, torch.nn.Embedding))
    total = models.count_parameters(model, trainable_only=True)
    return models.count_parameters(tables, trainable_only=True) / total if total else 0.0


# %% ex01_choose_checkpoints  passes-visible
# Off by one: exactly as much as asked is not enough.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    allowed = [one.lower() for one in licenses]
    fits = menu[(menu["kind"] == kind) & menu["license"].str.lower().isin(allowed)]
    fits = fits[(fits["context"] > min_context) & (fits["parameters"] < max_parameters)]
    return sorted(fits.index, key=lambda name: (fits.loc[name, "parameters"], name))
