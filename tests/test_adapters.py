"""LoRA on an encoder and on decoders, and prompting: on tiny random networks, held against the plainest arithmetic."""

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

from sentiment_kit import adapters, data, models, training
from sentiment_kit.inference import SentimentClassifier
from tests.samples import UNEVEN_TEXTS as TEXTS


@pytest.fixture(scope="session", params=["encoder", "gpt2", "qwen2"])
def checkpoint(request, tmp_path_factory):
    if request.param == "encoder":
        return request.getfixturevalue("tiny_encoder")
    from tests.conftest import save_decoder

    return save_decoder(tmp_path_factory.mktemp(request.param), kind=request.param)


def logits_of(model, tokenizer):
    ids = tokenizer(TEXTS, truncation=True)["input_ids"]
    return models.classify(ids, model=model, tokenizer=tokenizer)


def trained(checkpoint, reviews, folder, **settings):
    """A model after a few steps of LoRA at a rate that moves something, its tokenizer, and its weights from before."""
    tokenizer = models.load_tokenizer(checkpoint)
    model = adapters.add_lora(models.load_classifier(checkpoint), **settings)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    tokenized = data.tokenize(reviews, tokenizer=tokenizer)
    args = training.training_arguments(folder, learning_rate=0.01, epochs=2, use_cpu=True)
    trainer = training.fine_tune(
        train=tokenized, validation=tokenized, model=model, tokenizer=tokenizer, args=args, quiet=True
    )
    return trainer.model, tokenizer, before


# ---------------------------------------------------------------- LoRA


def test_an_adapter_changes_nothing_at_first(checkpoint):
    tokenizer = models.load_tokenizer(checkpoint)
    plain = logits_of(models.load_classifier(checkpoint), tokenizer)
    adapted = logits_of(adapters.add_lora(models.load_classifier(checkpoint)), tokenizer)
    np.testing.assert_allclose(adapted, plain, atol=1e-6)


def test_what_is_trained_can_be_counted_by_hand(tiny_encoder):
    # two layers, queries and values, two tables of 32 x rank each; then the head, pooler and classifier
    for rank in (1, 8):
        model = adapters.add_lora(models.load_classifier(tiny_encoder), rank=rank)
        assert models.count_parameters(model, trainable_only=True) == 2 * 2 * 2 * 32 * rank + (32 * 32 + 32) + (
            32 * 3 + 3
        )


def test_training_moves_the_tables_and_the_head_and_nothing_else(checkpoint, reviews, tmp_path):
    model, _, before = trained(checkpoint, reviews, tmp_path)
    after = dict(model.named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    wanted = {name for name in before if "lora_" in name or "modules_to_save" in name}
    assert moved == wanted == {name for name, value in after.items() if value.requires_grad}


def test_merged_weights_give_the_same_answers_from_a_plain_folder(checkpoint, reviews, tmp_path):
    adapted, tokenizer, _ = trained(checkpoint, reviews, tmp_path / "run")
    expected = logits_of(adapted, tokenizer)
    untrained = logits_of(models.load_classifier(checkpoint), tokenizer)
    assert np.abs(expected - untrained).max() > 0.01  # or the comparison would prove nothing
    merged = adapted.merge_and_unload()
    np.testing.assert_allclose(logits_of(merged, tokenizer), expected, atol=1e-4)

    folder = training.save_model(merged, tokenizer, tmp_path / "merged")
    assert not [path for path in folder.iterdir() if "adapter" in path.name]
    plain, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    np.testing.assert_allclose(logits_of(plain, models.load_tokenizer(folder)), expected, atol=1e-4)
    labels = [one.label for one in SentimentClassifier.from_folder(folder).predict(TEXTS)]
    assert labels == [plain.config.id2label[index] for index in expected.argmax(axis=1)]
    training.save_model(merged, tokenizer, folder)  # again: nothing in it is taken for somebody's file


def test_an_adapter_alone_is_saved_small_and_fits_its_checkpoint_again(checkpoint, reviews, tmp_path):
    adapted, tokenizer, _ = trained(checkpoint, reviews, tmp_path / "run")
    expected = logits_of(adapted, tokenizer)
    adapted.save_pretrained(tmp_path / "adapter")
    again = PeftModel.from_pretrained(models.load_classifier(checkpoint, seed=5), tmp_path / "adapter")
    np.testing.assert_allclose(logits_of(again, tokenizer), expected, atol=1e-5)  # the head came along


def test_the_same_seed_draws_the_same_tables(tiny_encoder):
    def drawn(seed):
        model = adapters.add_lora(models.load_classifier(tiny_encoder), seed=seed)
        return torch.cat([value.flatten() for name, value in model.named_parameters() if "lora_A" in name])

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))


@pytest.mark.parametrize("rank", [1, 8])
def test_the_tables_product_counts_twice_whatever_the_rank(tiny_encoder, rank):
    plain, model = (
        models.load_classifier(tiny_encoder),
        adapters.add_lora(models.load_classifier(tiny_encoder), rank=rank),
    )
    layer = model.base_model.model.bert.encoder.layer[0].attention.self.query
    narrow, wide = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.nn.init.normal_(wide)
    expected = plain.bert.encoder.layer[0].attention.self.query.weight + 2 * wide @ narrow
    merged = model.merge_and_unload().bert.encoder.layer[0].attention.self.query.weight
    torch.testing.assert_close(merged, expected)


def test_the_layers_can_be_named(tiny_encoder):
    model = adapters.add_lora(models.load_classifier(tiny_encoder), target_modules=["key"])
    adapted = {name.split(".lora_")[0].split(".")[-1] for name, _ in model.named_parameters() if ".lora_" in name}
    assert adapted == {"key"}


def test_what_lora_cannot_do_is_said(tiny_encoder):
    with pytest.raises(ValueError, match="rank is 0: use 1 or more"):
        adapters.add_lora(models.load_classifier(tiny_encoder), rank=0)
    with pytest.raises(ValueError, match=r"nothing to adapt in this bert: name its layers with target_modules"):
        adapters.add_lora(models.load_classifier(tiny_encoder), target_modules=["c_attn"])
    with pytest.raises(ValueError, match="has an adapter already"):
        adapters.add_lora(adapters.add_lora(models.load_classifier(tiny_encoder)))


# ---------------------------------------------------------------- prompting


def by_hand(decoder, texts, labels, prompt, tokenizer):
    """Log-likelihoods the plainest way: one token after another, each given all before it."""
    rows = np.zeros((len(texts), len(labels)))
    for row, text in enumerate(texts):
        for column, label in enumerate(labels):
            ids = tokenizer(prompt.replace("{text}", text))["input_ids"]
            for token in tokenizer(f" {label}")["input_ids"]:
                with torch.no_grad():
                    guesses = decoder(input_ids=torch.tensor([ids])).logits[0, -1]
                rows[row, column] += float(guesses.log_softmax(dim=-1)[token])
                ids = [*ids, token]
    return rows


@pytest.fixture
def asked(tiny_decoder):
    return {
        "model": models.load_decoder(tiny_decoder),
        "tokenizer": models.load_tokenizer(tiny_decoder, max_length=256),
        "prompt": "Text:\n{text}\nIt is",
    }


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_a_labels_likelihood_is_that_of_its_tokens_one_after_another(asked, batch_size):
    texts, labels = ["fine", "what a mess , awful", "", "great"], ("bad", "so-so", "good")
    scores = adapters.label_likelihoods(texts, labels=labels, batch_size=batch_size, **asked)
    expected = by_hand(asked["model"], texts, labels, asked["prompt"], asked["tokenizer"])
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    assert scores.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
    assert np.ptp(expected, axis=0).min() > 0.01  # texts differ, or their order would prove nothing


def test_a_decoder_that_was_taught_a_label_says_it(asked):
    model, tokenizer = asked["model"], asked["tokenizer"]
    ids = torch.tensor([tokenizer("Text:\nfine\nIt is good")["input_ids"]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(20):
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    scores = adapters.label_likelihoods(["fine"], labels=("bad", "so-so", "good"), **asked)
    assert scores.argmax() == 2 and scores[0, 2] > -2


def test_a_long_text_is_cut_and_the_prompt_is_not(asked):
    tokenizer, prompt = asked["tokenizer"], asked["prompt"]
    room = 256 - len(prompt.replace("{text}", "")) - len(" neutral")
    long = adapters.label_likelihoods(["dull " * 100], labels=("neutral",), **asked)
    cut = adapters.label_likelihoods([("dull " * 100)[:room]], labels=("neutral",), **asked)
    np.testing.assert_allclose(long, cut, atol=1e-5)
    expected = by_hand(asked["model"], [("dull " * 100)[:room]], ("neutral",), prompt, tokenizer)
    np.testing.assert_allclose(long, expected, atol=1e-3)


def test_no_texts_give_no_rows(asked):
    assert adapters.label_likelihoods([], **asked).shape == (0, 3)


def test_a_prompt_that_cannot_work_is_refused(asked):
    for prompt in ("It is", "{text} or {text}, it is", "This is {text}"):
        with pytest.raises(ValueError, match=r"write \{text\} once, and after it"):
            adapters.label_likelihoods(["fine"], **asked | {"prompt": prompt})
    with pytest.raises(ValueError, match="no room for a text in 256 tokens: shorten it"):
        adapters.label_likelihoods(["fine"], **asked | {"prompt": "{text}" + " and so on" * 30})
    asked["tokenizer"].padding_side = "left"
    with pytest.raises(ValueError, match=r"load it with models\.load_tokenizer"):
        adapters.label_likelihoods(["fine"], **asked)
