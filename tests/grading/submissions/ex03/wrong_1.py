# %% ex03_cross_entropy  passes-visible
# subtracts in place: the caller's logits are changed
def cross_entropy(logits, gold):
    logits -= logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    return float((log_sums - logits[np.arange(len(gold)), gold]).mean())


# %% ex03_train_head  passes-visible
# forgets zero_grad: the gradients of all batches so far add up
def train_head(model, optimizer, batches):
    for weights in model.encoder.parameters():
        weights.requires_grad = False
    model.train()
    losses = []
    for input_ids, gold in batches:
        loss = torch.nn.functional.cross_entropy(model(input_ids), gold)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% ex03_predict_passes  passes-visible
# answers the opposite question: the pairs that differ
same_twice = (
    "".join(
        letter
        for letter, pair in pairs.items()
        if pair["dropout"] > 0
        and "train" in pair["modes"]
        and (pair["modes"] != ("train", "train") or pair["seeds"] != (7, 7))
    )
    or "none"
)


# %% ex03_learning_rate  passes-visible
# goes on falling below zero after the last step
def learning_rate_at(step, steps, warmup, peak):
    if step < warmup:
        return peak * step / warmup
    return peak * (steps - step) / max(1, steps - warmup)


# %% ex03_read_curves  passes-visible
# min and index go wrong when there is a nan in the list
def read_curves(train_loss, validation_loss):
    lowest = min(validation_loss)
    best = validation_loss.index(lowest) + 1
    if not all(math.isfinite(loss) for loss in train_loss + validation_loss) or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", best
    if best == len(train_loss):
        return "still learning", best
    if validation_loss[-1] > lowest and train_loss[-1] < train_loss[best - 1]:
        return "overfitting", best
    return "stuck", best
