# %% ex03_cross_entropy
# one review at a time, with math only
def cross_entropy(logits, gold):
    costs = []
    for row, label in zip(logits.tolist(), gold.tolist(), strict=True):
        largest = max(row)
        total = 0.0
        for value in row:
            total = total + math.exp(value - largest)
        costs.append(math.log(total) + largest - row[label])
    return sum(costs) / len(costs)


# %% ex03_train_head
# the encoder only reads, under no_grad; gradients are forgotten after the step
from torch.nn.functional import cross_entropy as torch_loss


def train_head(model, optimizer, batches):
    model.train()
    losses = []
    for input_ids, gold in batches:
        with torch.no_grad():
            vectors = model.encoder(input_ids)
        loss = torch_loss(model.head(model.dropout(vectors)), gold)
        losses.append(float(loss))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return losses


# %% ex03_predict_passes
# really runs the passes
def run(pair):
    model = TinyClassifier(dropout=pair["dropout"], width=256)
    results = []
    for mode, seed in zip(pair["modes"], pair["seeds"], strict=True):
        model.train(mode == "train")
        if seed is not None:
            torch.manual_seed(seed)
        results.append(model(torch.tensor([[1, 2, 3]])))
    return torch.equal(results[0], results[1])


same_twice = ""
for name in pairs:
    if run(pairs[name]):
        same_twice += name
if same_twice == "":
    same_twice = "none"


# %% ex03_learning_rate
# writes the whole table first
def learning_rate_at(step, steps, warmup, peak):
    rates = []
    for number in range(steps):
        if number < warmup:
            rates.append(peak * (number / warmup))
        else:
            left = steps - number
            rates.append(peak * (left / (steps - warmup)))
    if step < len(rates):
        return float(rates[step])
    return 0.0


# %% ex03_read_curves
# a beginner's loop
def read_curves(train_loss, validation_loss):
    broken = False
    best = None
    for i in range(len(train_loss)):
        if math.isnan(train_loss[i]) or math.isinf(train_loss[i]):
            broken = True
        if math.isnan(validation_loss[i]) or math.isinf(validation_loss[i]):
            broken = True
            continue
        if best is None:
            best = i + 1
        if validation_loss[i] < validation_loss[best - 1]:
            best = i + 1
    if broken:
        return ("diverging", best)
    if train_loss[-1] > train_loss[0] * 1.5:
        return ("diverging", best)
    if best == len(train_loss):
        return ("still learning", best)
    rises = validation_loss[-1] > validation_loss[best - 1]
    falls = train_loss[-1] < train_loss[best - 1]
    if rises and falls:
        return ("overfitting", best)
    return ("stuck", best)
