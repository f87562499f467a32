# %% ex03_cross_entropy
# torch does it
def cross_entropy(logits: np.ndarray, gold: np.ndarray) -> float:
    return torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(gold)).item()


# %% ex03_train_head
# gradients for all, then those of the encoder are thrown away; the loss written out
def train_head(model, optimizer, batches):
    losses = []
    for input_ids, gold in batches:
        model.train()
        optimizer.zero_grad()
        probabilities = model(input_ids).softmax(dim=-1)
        loss = -probabilities[torch.arange(len(gold)), gold].log().mean()
        loss.backward()
        for weight in model.encoder.parameters():
            weight.grad = None
        optimizer.step()
        losses += [loss.detach().item()]
    return losses


# %% ex03_predict_passes
# each pass has a source of chance, or none
def chance(pair, place):
    if pair["modes"][place] == "eval" or pair["dropout"] == 0:
        return "no chance"
    seed = pair["seeds"][place]
    return f"pass {place}" if seed is None else f"seed {seed}"


same_twice = "".join(k for k, pair in pairs.items() if chance(pair, 0) == chance(pair, 1)) or "none"


# %% ex03_learning_rate
# the lower of two lines, never below zero
def learning_rate_at(step: int, steps: int, warmup: int, peak: float) -> float:
    climb = 1.0 if step >= warmup else step / warmup
    fall = (steps - step) / max(1, steps - warmup)
    return peak * max(0.0, min(climb, fall))


# %% ex03_read_curves
# numpy throughout
def read_curves(train_loss: list[float], validation_loss: list[float]) -> tuple[str, int | None]:
    train, validation = np.array(train_loss), np.array(validation_loss)
    safe = np.where(np.isfinite(validation), validation, np.inf)
    best = np.argmin(safe)
    epoch = best + 1 if np.isfinite(safe[best]) else None
    if not (np.isfinite(train).all() and np.isfinite(validation).all() and train[-1] <= 1.5 * train[0]):
        return "diverging", epoch
    if epoch == len(train):
        return "still learning", epoch
    apart = (validation[-1] > validation[best]) & (train[-1] < train[best])
    return ("overfitting" if apart else "stuck"), epoch
