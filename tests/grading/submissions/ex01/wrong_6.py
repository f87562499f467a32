# %% ex01_predict_pieces
# All options at once.
pieces_prediction = ["A", "B", "C", "D", "E"]


# %% ex01_most_fragmented
# Ranks by pieces only: an unknown word looks like a common one.
def most_fragmented(words, tokenize, unknown, top):
    pieces = {word: tokenize(word) for word in words}
    ranked = sorted(pieces, key=lambda word: (-len(pieces[word]), word))
    return [(word, pieces[word]) for word in ranked[:top]]


# %% ex01_masked_mean  passes-visible
# Raises only if no text of the batch has a real token.
def masked_mean(vectors, mask):
    if mask.sum() == 0:
        raise ValueError("no real token")
    return (vectors * mask[:, :, None]).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)[:, None]


# %% ex01_embedding_share
# Takes the largest table for the only one.
def embedding_share(model):
    tables = [part.weight.numel() for part in model.modules() if isinstance(part, torch.nn.Embedding)]
    return max(tables, default=0) / max(1, models.count_parameters(model))


# %% ex01_choose_checkpoints
# Starts with the largest.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    allowed = [one.lower() for one in licenses]
    fits = menu[(menu["kind"] == kind) & menu["license"].str.lower().isin(allowed)]
    fits = fits[(fits["context"] >= min_context) & (fits["parameters"] <= max_parameters)]
    return sorted(fits.index, key=lambda name: (-fits.loc[name, "parameters"], name))
