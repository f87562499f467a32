# %% ex03_cross_entropy  passes-visible
# adds a small number inside the logarithm: no cost can exceed 27.6
def cross_entropy(logits, gold):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return float(np.mean([-np.log(row[label] + 1e-12) for row, label in zip(probabilities, gold, strict=True)]))


# %% ex03_train_head  passes-visible
# trains in eval mode, "so that the losses are repeatable": no dropout
def train_head(model, optimizer, batches):
    for weights in model.encoder.parameters():
        weights.requires_grad = False
    model.eval()
    losses = []
    for input_ids, gold in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(input_ids), gold)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% ex03_predict_passes  passes-visible
# believes that any seed set anywhere makes passes repeatable
same_twice = (
    "".join(k for k, pair in pairs.items() if pair["modes"] == ("eval", "eval") or pair["seeds"][0] is not None)
    or "none"
)


# %% ex03_learning_rate  passes-visible
# asks for the warm-up first and counts its end in: divides by zero without one, ends at the peak with nothing else
def learning_rate_at(step, steps, warmup, peak):
    if step <= warmup:
        return peak * step / warmup
    return max(0.0, peak * (steps - step) / (steps - warmup)) if step < steps else 0.0


# %% ex03_read_curves  passes-visible
# takes the last of several equal losses
def read_curves(train_loss, validation_loss):
    best = None
    for place, loss in enumerate(validation_loss):
        if math.isfinite(loss) and (best is None or loss <= validation_loss[best]):
            best = place
    epoch = None if best is None else best + 1
    if not all(map(math.isfinite, train_loss + validation_loss)) or train_loss[-1] > 1.5 * train_loss[0]:
        return "diverging", epoch
    if epoch == len(validation_loss):
        return "still learning", epoch
    if validation_loss[-1] > validation_loss[best] and train_loss[-1] < train_loss[best]:
        return "overfitting", epoch
    return "stuck", epoch
