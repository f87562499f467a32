"""Attribution: the scores are integrated gradients, they add up, and they stand beside the words of the text."""

import pytest
import torch

from sentiment_kit import attribution
from sentiment_kit.inference import SentimentClassifier

TEXT = "A great zebra, but the plot is dull!"  # zebra is no word of the vocabulary: it comes in pieces
WORDS = ("A", "great", "zebra", ",", "but", "the", "plot", "is", "dull", "!")


@pytest.fixture(scope="module")
def classifier(tiny_bert):
    return SentimentClassifier.from_folder(tiny_bert)


@pytest.fixture(scope="module")
def explained(classifier):
    return attribution.explain(TEXT, classifier)


def logits_of(classifier, ids):
    with torch.no_grad():
        return classifier.model(input_ids=torch.tensor([ids], device=classifier.model.device)).logits[0].tolist()


def ids_and_masked(classifier, text):
    """The ids of a text, and the same with all masked that was not added around it."""
    tokenizer = classifier.tokenizer
    ids = tokenizer(text)["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    return ids, [ids[0], *[tokenizer.mask_token_id] * (len(ids) - 2), ids[-1]]


def plain_integrated_gradients(classifier, text, label, *, steps=300):
    """One score for each piece, by the formula: the mean gradient on the straight way, times the way."""
    model, (ids, masked) = classifier.model, ids_and_masked(classifier, text)
    layer = model.bert.embeddings
    inputs = torch.tensor([ids], device=model.device)
    with torch.no_grad():
        start, end = layer(torch.tensor([masked], device=model.device)), layer(inputs)
    gradients = torch.zeros_like(end)
    for step in range(steps):
        point = (start + (step + 0.5) / steps * (end - start)).requires_grad_()
        hook = layer.register_forward_hook(lambda *_, point=point: point)
        logit = model(input_ids=inputs).logits[0, classifier.labels.index(label)]
        hook.remove()
        gradients += torch.autograd.grad(logit, point)[0] / steps
    return (gradients * (end - start)).sum(dim=-1)[0].tolist()


def test_scores_are_integrated_gradients_summed_over_the_pieces_of_each_word(classifier, explained):
    pieces = plain_integrated_gradients(classifier, TEXT, explained.label)
    letters = [len(word) if word == "zebra" else 1 for word in WORDS]  # every other word is one piece
    assert pieces[0] == pieces[-1] == 0.0 and len(pieces) == sum(letters) + 2
    expected, at = [], 1
    for count in letters:
        expected.append(sum(pieces[at : at + count]))
        at += count
    assert max(map(abs, expected)) > 0.05 and min(expected) < 0 < max(expected)
    assert list(explained.scores) == pytest.approx(expected, abs=1e-4)


def test_scores_add_up_to_what_the_logit_gained(explained):
    assert abs(explained.end - explained.start) > 0.01
    assert sum(explained.scores) == pytest.approx(explained.end - explained.start, abs=1e-5)
    assert explained.error == abs(sum(explained.scores) - (explained.end - explained.start))


def test_more_steps_come_closer(classifier, explained):
    few = [attribution.explain(TEXT, classifier, steps=steps).error for steps in (1, 3)]
    assert few[0] > few[1] > 10 * explained.error
    assert few[0] > 1e-3


def test_start_and_end_are_the_logits_of_the_masked_text_and_the_text(classifier, explained):
    ids, masked = ids_and_masked(classifier, TEXT)
    index = classifier.labels.index(explained.label)
    assert explained.end == pytest.approx(logits_of(classifier, ids)[index], abs=1e-5)
    assert explained.start == pytest.approx(logits_of(classifier, masked)[index], abs=1e-5)


def test_words_are_spelled_as_in_the_text(explained):
    assert explained.words == WORDS
    assert len(explained.scores) == len(WORDS)


def test_a_sign_that_the_vocabulary_lacks_is_masked_like_any_word(classifier):
    text = "great 7 fun"
    ids, masked = ids_and_masked(classifier, text)
    assert classifier.tokenizer.unk_token_id in ids
    found = attribution.explain(text, classifier)
    assert found.words == ("great", "7", "fun")
    assert found.start == pytest.approx(logits_of(classifier, masked)[classifier.labels.index(found.label)], abs=1e-5)
    assert abs(found.scores[1]) > 1e-4


def test_the_predicted_label_is_explained_if_none_is_named(classifier, explained):
    (predicted,) = classifier.predict([TEXT])
    assert explained.label == predicted.label


@pytest.mark.parametrize("label", ["negative", "neutral", "positive"])
def test_any_label_can_be_explained(classifier, label):
    found = attribution.explain("what a mess", classifier, label=label)
    ids, _ = ids_and_masked(classifier, "what a mess")
    assert found.label == label
    assert found.end == pytest.approx(logits_of(classifier, ids)[classifier.labels.index(label)], abs=1e-5)
    assert found.error < 1e-5


def test_an_unknown_label_is_refused_with_those_that_there_are(classifier):
    with pytest.raises(ValueError, match="there is no label 'good': use one of negative, neutral, positive"):
        attribution.explain("what a mess", classifier, label="good")


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(classifier, text):
    with pytest.raises(ValueError, match="is empty: give a review of at least one word"):
        attribution.explain(text, classifier)


def test_a_long_text_is_explained_as_far_as_the_model_reads(classifier):
    found = attribution.explain("dull " * 1000, classifier, steps=2)
    assert found.words == ("dull",) * (classifier.tokenizer.model_max_length - 2)


def test_explaining_leaves_the_model_as_it_was(classifier):
    before = classifier.probabilities([TEXT])
    attribution.explain(TEXT, classifier, steps=4)
    assert not any(module.training for module in classifier.model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in classifier.model.modules())
    parameters = list(classifier.model.parameters())
    assert all(weights.grad is None and weights.requires_grad for weights in parameters)
    assert (classifier.probabilities([TEXT]) == before).all()
