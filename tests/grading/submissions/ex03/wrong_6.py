# %% ex03_cross_entropy
# softmax as in the book: overflows at 1,000
def cross_entropy(logits, gold):
    with np.errstate(all="ignore"):
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float(-np.log(probabilities[np.arange(len(gold)), gold]).mean())


# %% ex03_train_head  passes-visible
# makes an optimizer of its own for the head
def train_head(model, optimizer, batches):
    own = torch.optim.SGD(model.head.parameters(), lr=optimizer.param_groups[0]["lr"])
    model.train()
    losses = []
    for input_ids, gold in batches:
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(input_ids), gold)
        loss.backward()
        own.step()
        losses.append(loss.item())
    return losses


# %% ex03_predict_passes
# the right letters, as a list
same_twice = [
    letter
    for letter, pair in pairs.items()
    if pair["modes"] == ("eval", "eval")
    or pair["dropout"] == 0
    or (pair["modes"] == ("train", "train") and pair["seeds"] == (7, 7))
]


# %% ex03_learning_rate  passes-visible
# rounds, which is much for rates this small
def learning_rate_at(step, steps, warmup, peak):
    if step >= steps:
        return 0.0
    if step < warmup:
        return round(peak * step / warmup, 5)
    return round(peak * (steps - step) / (steps - warmup), 5)


# %% ex03_read_curves  passes-visible
# writes inf over the nan of the caller's list
def read_curves(train_loss, validation_loss):
    broken = not all(map(math.isfinite, train_loss + validation_loss))
    for place, loss in enumerate(validation_loss):
        if not math.isfinite(loss):
            validation_loss[place] = float("inf")
    lowest = min(validation_loss)
    best = validation_loss.index(lowest)
    epoch = best + 1 if math.isfinite(lowest) else None
    if broken or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", epoch
    if epoch == len(validation_loss):
        return "still learning", epoch
    if validation_loss[-1] > lowest and train_loss[-1] < train_loss[best]:
        return "overfitting", epoch
    return "stuck", epoch
