# %% ex01_predict_pieces
# Counts the ids that the tokenizer gives, with pandas.
pieces_prediction = pd.Series(
    {letter: len(tokenizer(word, add_special_tokens=False)["input_ids"]) for letter, word in candidates.items()}
).idxmax()


# %% ex01_most_fragmented
# Picks the top with a heap of sort keys.
import heapq


def most_fragmented(
    words: list[str], tokenize: Callable[[str], list[str]], unknown: str, top: int
) -> list[tuple[str, list[str]]]:
    keys = []
    for word in set(words):
        pieces = list(tokenize(word))
        keys.append((0 if unknown in pieces else 1, -len(pieces), word, pieces))
    return [(word, pieces) for _, _, word, pieces in heapq.nsmallest(top, keys)]


# %% ex01_masked_mean
# numpy without a product: np.where puts zeros in place of padding; einsum adds up.
def masked_mean(vectors: np.ndarray, mask: np.ndarray) -> np.ndarray:
    weights = np.asarray(mask, dtype=float)
    if not np.all(np.any(weights > 0, axis=1)):
        raise ValueError("each text needs a real token")
    weights = weights / weights.sum(axis=1, keepdims=True)
    return np.einsum("ij,ijk->ik", weights, np.where(mask[:, :, None] == 1, vectors, 0.0))


# %% ex01_embedding_share
# A set holds each weight once.
def embedding_share(model: torch.nn.Module) -> float:
    tables = {module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    everything = set(model.parameters())
    return sum(w.numel() for w in tables) / max(1, sum(w.numel() for w in everything))


# %% ex01_choose_checkpoints
# pandas: a query, then a sort by two keys.
def choose_checkpoints(
    menu: pd.DataFrame, kind: str, licenses: list[str], min_context: int, max_parameters: float
) -> list[str]:
    allowed = {one.casefold() for one in licenses}
    table = menu.dropna(subset=["license", "context", "parameters"]).rename_axis("name").reset_index()
    table["license"] = [one.casefold() for one in table["license"]]
    table = table.query("kind == @kind and context >= @min_context and parameters <= @max_parameters")
    table = table[table["license"].isin(allowed)]
    return table.sort_values(["parameters", "name"])["name"].tolist()
