# %% ex03_cross_entropy  passes-visible
# no overflow any more, but a gold label with a tiny probability gives log 0
def cross_entropy(logits, gold):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return float(-np.log(probabilities[np.arange(len(gold)), gold]).mean())


# %% ex03_train_head
# gradients of zero in place of none: weight decay still moves the encoder
def train_head(model, optimizer, batches):
    model.train()
    losses = []
    for input_ids, gold in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(input_ids), gold)
        loss.backward()
        for weights in model.encoder.parameters():
            weights.grad.zero_()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% ex03_predict_passes  passes-visible
# takes no_grad for eval mode
same_twice = "".join(letter for letter, pair in pairs.items() if "no_grad" in pair["gradients"]) or "none"


# %% ex03_learning_rate  passes-visible
# the argument warmup is not used: always a tenth, as in the example
def learning_rate_at(step, steps, warmup, peak):
    warmup = steps // 10
    if step >= steps:
        return 0.0
    if step < warmup:
        return peak * step / warmup
    return peak * (steps - step) / (steps - warmup)


# %% ex03_read_curves  passes-visible
# asks for 'still learning' before 'diverging'
def read_curves(train_loss, validation_loss):
    finite = [place for place, loss in enumerate(validation_loss) if math.isfinite(loss)]
    best = min(finite, key=lambda place: validation_loss[place], default=None)
    epoch = None if best is None else best + 1
    if epoch == len(validation_loss):
        return "still learning", epoch
    if not all(map(math.isfinite, train_loss + validation_loss)) or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", epoch
    if validation_loss[-1] > validation_loss[best] and train_loss[-1] < train_loss[best]:
        return "overfitting", epoch
    return "stuck", epoch
