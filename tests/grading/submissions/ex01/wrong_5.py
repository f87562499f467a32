# %% ex01_predict_pieces
# The word in place of its letter.
pieces_prediction = max(candidates.values(), key=lambda word: len(tokenize(word)))


# %% ex01_most_fragmented  passes-visible
# Sorts the list that it was given.
def most_fragmented(words, tokenize, unknown, top):
    words.sort()
    pieces = {word: tokenize(word) for word in words}
    ranked = sorted(pieces, key=lambda word: (unknown not in pieces[word], -len(pieces[word])))
    return [(word, pieces[word]) for word in ranked[:top]]


# %% ex01_masked_mean
# Adds up the real tokens, but divides by the length of the batch.
def masked_mean(vectors, mask):
    if (mask.sum(axis=1) == 0).any():
        raise ValueError("no real token")
    return (vectors * mask[:, :, None]).mean(axis=1)


# %% ex01_embedding_share
# state_dict lists a tied weight under each of its names.
def embedding_share(model):
    total = sum(weight.numel() for weight in model.state_dict().values())
    tables = torch.nn.ModuleList(part for part in model.modules() if isinstance(part, torch.nn.Embedding))
    return models.count_parameters(tables) / total if total else 0.0


# %% ex01_choose_checkpoints  passes-visible
# Lowers the licenses in the menu that it was given.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    menu["license"] = menu["license"].str.lower()
    fits = menu[(menu["kind"] == kind) & menu["license"].isin([one.lower() for one in licenses])]
    fits = fits[(fits["context"] >= min_context) & (fits["parameters"] <= max_parameters)]
    return sorted(fits.index, key=lambda name: (fits.loc[name, "parameters"], name))
