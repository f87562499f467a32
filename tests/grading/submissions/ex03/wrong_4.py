# %% ex03_cross_entropy  passes-visible
# subtracts the largest logit of the whole batch, not of each review
def cross_entropy(logits, gold):
    shifted = logits - logits.max()
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sums - shifted[np.arange(len(gold)), gold]).mean())


# %% ex03_train_head
# believes that eval mode freezes the encoder
def train_head(model, optimizer, batches):
    model.train()
    model.encoder.eval()
    losses = []
    for input_ids, gold in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(input_ids), gold)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% ex03_predict_passes  passes-visible
# believes that train mode never agrees, even without dropout or with one seed
same_twice = "".join(k for k, pair in pairs.items() if pair["modes"] == ("eval", "eval")) or "none"


# %% ex03_learning_rate
# the way down is steps long, not steps - warmup: the rate jumps at the end of the warm-up
def learning_rate_at(step, steps, warmup, peak):
    if step < warmup:
        return peak * step / warmup
    return max(0.0, peak * (steps - step) / steps)


# %% ex03_read_curves
# counts the epochs from 0
def read_curves(train_loss, validation_loss):
    finite = [place for place, loss in enumerate(validation_loss) if math.isfinite(loss)]
    best = min(finite, key=lambda place: validation_loss[place], default=None)
    if not all(map(math.isfinite, train_loss + validation_loss)) or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", best
    if best == len(validation_loss) - 1:
        return "still learning", best
    if validation_loss[-1] > validation_loss[best] and train_loss[-1] < train_loss[best]:
        return "overfitting", best
    return "stuck", best
