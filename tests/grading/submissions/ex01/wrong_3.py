# %% ex01_predict_pieces  passes-visible
# One letter too far.
right = max(candidates, key=lambda letter: len(tokenize(candidates[letter])))
pieces_prediction = "ABCDE"[("ABCDE".index(right) + 1) % 5]


# %% ex01_most_fragmented  passes-visible
# Looks for BERT's own unknown piece, whatever the tokenizer's is.
def most_fragmented(words, tokenize, unknown, top):
    pieces = {word: tokenize(word) for word in words}
    ranked = sorted(pieces, key=lambda word: ("[UNK]" not in pieces[word], -len(pieces[word]), word))
    return [(word, pieces[word]) for word in ranked[:top]]


# %% ex01_masked_mean  passes-visible
# Sets padding to zero in the array that it was given.
def masked_mean(vectors, mask):
    if (mask.sum(axis=1) == 0).any():
        raise ValueError("no real token")
    vectors[mask == 0] = 0
    return vectors.sum(axis=1) / mask.sum(axis=1)[:, None]


# %% ex01_embedding_share  passes-visible
# Adds up the tables one by one: two that share a weight count twice.
def embedding_share(model):
    tables = sum(part.weight.numel() for part in model.modules() if isinstance(part, torch.nn.Embedding))
    total = sum(weight.numel() for weight in model.parameters())
    return tables / total if total else 0.0


# %% ex01_choose_checkpoints  passes-visible
# Crosses out what is known not to fit: what a card leaves out slips through.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    allowed = [one.lower() for one in licenses]
    fits = menu[(menu["kind"] == kind) & menu["license"].str.lower().isin(allowed)]
    fits = fits[~(fits["context"] < min_context) & ~(fits["parameters"] > max_parameters)]
    return sorted(fits.index, key=lambda name: (fits.loc[name, "parameters"], name))
