# %% ex01_predict_pieces
# A loop, as a beginner writes it.
most = 0
for letter in candidates:
    number = len(tokenizer.tokenize(candidates[letter]))
    if number > most:
        most = number
        pieces_prediction = letter


# %% ex01_most_fragmented
# Two lists by hand, sorted three times: Python's sort keeps the order of equals.
def most_fragmented(words, tokenize, unknown, top):
    different = []
    for word in words:
        if word not in different:
            different.append(word)
    entries = []
    for word in different:
        entries.append((word, tokenize(word)))
    entries.sort()
    entries.sort(key=lambda entry: len(entry[1]), reverse=True)
    lost = []
    fine = []
    for entry in entries:
        if unknown in entry[1]:
            lost.append(entry)
        else:
            fine.append(entry)
    result = []
    for entry in lost + fine:
        if len(result) < top:
            result.append(entry)
    return result


# %% ex01_masked_mean
# Everything in loops over lists.
def masked_mean(vectors, mask):
    result = []
    for i in range(len(vectors)):
        total = [0.0] * vectors.shape[2]
        count = 0
        for j in range(vectors.shape[1]):
            if mask[i][j] == 1:
                count = count + 1
                for k in range(vectors.shape[2]):
                    total[k] = total[k] + float(vectors[i][j][k])
        if count == 0:
            raise ValueError("a text has no real token")
        result.append([number / count for number in total])
    return np.array(result)


# %% ex01_embedding_share
# Remembers which weights it has seen.
def embedding_share(model):
    in_tables = []
    total = 0
    embedded = 0
    for part in model.modules():
        if isinstance(part, torch.nn.Embedding):
            in_tables.append(id(part.weight))
    for weight in model.parameters():
        total += weight.numel()
        if id(weight) in in_tables:
            embedded += weight.numel()
    if total == 0:
        return 0.0
    return embedded / total


# %% ex01_choose_checkpoints
# A loop over the rows, with pairs to sort.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    allowed = []
    for one in licenses:
        allowed.append(one.lower())
    pairs = []
    for name, row in menu.iterrows():
        if row["kind"] != kind:
            continue
        if pd.isna(row["license"]) or pd.isna(row["context"]) or pd.isna(row["parameters"]):
            continue
        if row["license"].lower() not in allowed:
            continue
        if row["context"] < min_context or row["parameters"] > max_parameters:
            continue
        pairs.append((row["parameters"], name))
    pairs.sort()
    return [name for number, name in pairs]
