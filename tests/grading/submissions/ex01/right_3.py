# %% ex01_predict_pieces
# WordPiece by hand: again and again the longest piece of the vocabulary that fits.
def _count(word):
    vocabulary, start, count = tokenizer.get_vocab(), 0, 0
    while start < len(word):
        end = len(word)
        while ("##" if start else "") + word[start:end] not in vocabulary:
            end -= 1
        start, count = end, count + 1
    return count


pieces_prediction = sorted(candidates, key=lambda letter: _count(candidates[letter]))[-1]


# %% ex01_most_fragmented
# A small class of its own for the order.
from dataclasses import dataclass, field


@dataclass(order=True)
class Ranked:
    known: bool
    fewer: int
    word: str
    pieces: list = field(compare=False)


def most_fragmented(words, tokenize, unknown, top):
    ranked = []
    for word in dict.fromkeys(words):
        pieces = tokenize(word)
        ranked.append(Ranked(pieces.count(unknown) == 0, -len(pieces), word, pieces))
    return [(one.word, one.pieces) for one in sorted(ranked)][:top]


# %% ex01_masked_mean
# torch, as in the lesson.
def masked_mean(vectors, mask):
    hidden = torch.tensor(vectors)
    real = torch.tensor(mask).unsqueeze(-1)
    if (real.sum(dim=1) == 0).any():
        raise ValueError("no real token")
    return ((hidden * real).sum(dim=1) / real.sum(dim=1)).numpy()


# %% ex01_embedding_share
# Goes down the tree of parts itself.
def embedding_share(model):
    sizes, tables = {}, {}

    def visit(part):
        for weight in part.parameters(recurse=False):
            sizes[id(weight)] = weight.numel()
            if isinstance(part, torch.nn.Embedding):
                tables[id(weight)] = weight.numel()
        for inner in part.children():
            visit(inner)

    visit(model)
    try:
        return sum(tables.values()) / sum(sizes.values())
    except ZeroDivisionError:
        return 0.0


# %% ex01_choose_checkpoints
# One filter after the other, sorted twice: first by name, then, keeping that order, by size.
def choose_checkpoints(menu, kind, licenses, min_context, max_parameters):
    left = menu.sort_index().sort_values("parameters", kind="stable")
    left = left[left["kind"] == kind]
    left = left[left["context"].ge(min_context)]
    left = left[left["parameters"].le(max_parameters)]
    left = left[[str(one).lower() in [x.lower() for x in licenses] for one in left["license"]]]
    return list(left.index)
