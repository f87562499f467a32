# %% ex03_cross_entropy
# the sum over the reviews, not the mean
def cross_entropy(logits, gold):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sums - shifted[np.arange(len(gold)), gold]).sum())


# %% ex03_train_head
# returns the losses after the steps
def train_head(model, optimizer, batches):
    for weights in model.encoder.parameters():
        weights.requires_grad = False
    model.train()
    losses = []
    for input_ids, gold in batches:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(input_ids), gold).backward()
        optimizer.step()
        losses.append(torch.nn.functional.cross_entropy(model(input_ids), gold).item())
    return losses


# %% ex03_predict_passes
# the right letters, in lower case
same_twice = "".join(
    letter.lower()
    for letter, pair in pairs.items()
    if pair["modes"] == ("eval", "eval")
    or pair["dropout"] == 0
    or (pair["modes"] == ("train", "train") and pair["seeds"] == (7, 7))
)


# %% ex03_learning_rate
# counts the step that is about to be made: one too many
def learning_rate_at(step, steps, warmup, peak):
    step = step + 1
    if step >= steps:
        return 0.0
    if step < warmup:
        return peak * step / warmup
    return peak * (steps - step) / (steps - warmup)


# %% ex03_read_curves  passes-visible
# calls every rise of the validation loss overfitting, whatever the training loss does
def read_curves(train_loss, validation_loss):
    finite = [place for place, loss in enumerate(validation_loss) if math.isfinite(loss)]
    best = min(finite, key=lambda place: validation_loss[place], default=None)
    epoch = None if best is None else best + 1
    if not all(map(math.isfinite, train_loss + validation_loss)) or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", epoch
    if epoch == len(validation_loss):
        return "still learning", epoch
    return ("overfitting" if validation_loss[-1] > validation_loss[best] else "stuck"), epoch
