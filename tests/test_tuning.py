"""Tuning: a search that survives being stopped, cuts short what is hopeless, and a choice that can be explained."""

import logging
from types import SimpleNamespace

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.engine import Engine
from transformers import TrainerCallback

from sentiment_kit import data, models, training, tuning


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk():
    """SQLite need not survive a power cut here: that is most of what these tests would wait for."""

    def relax(connection, _):
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    yield
    event.remove(Engine, "connect", relax)


def score(learning_rate, batch_size, epochs):
    """A landscape with its top at the largest learning rate, small batches and two epochs."""
    return learning_rate * 1000 - batch_size / 100 + epochs / 10


class Recorder:
    """Stands for training once: notes its settings, and stops or diverges where it is told to."""

    def __init__(self, *, stop_at=None, diverges=lambda **settings: False):
        self.calls, self.stop_at, self.diverges = [], stop_at, diverges

    def __call__(self, *, callbacks, **settings):
        self.calls.append(settings)
        assert len(callbacks) == 1 and isinstance(callbacks[0], TrainerCallback)
        if len(self.calls) == self.stop_at:
            raise KeyboardInterrupt
        if self.diverges(**settings):
            raise FloatingPointError("the training loss is nan")
        return score(**settings)


def settings_of(table):
    return table[["learning_rate", "batch_size", "epochs"]].to_dict("records")


def states(storage):
    study = optuna.load_study(study_name="lesson_04", storage=f"sqlite:///{storage}")
    return [trial.state for trial in study.trials]


def test_a_stopped_search_goes_on_where_it_was(tmp_path):
    storage = tmp_path / "made" / "trials.db"
    first = Recorder(stop_at=4)
    with pytest.raises(KeyboardInterrupt):
        tuning.search(first, storage=storage, trials=6)
    assert len(tuning.trials_table(storage)) == 3

    second = Recorder()
    table = tuning.search(second, storage=storage, trials=6)
    assert len(second.calls) == 3  # three were finished, three were missing
    assert second.calls[0] == first.calls[3]  # what was under way comes first
    assert settings_of(table) == first.calls[:3] + second.calls
    assert len({tuple(one.values()) for one in settings_of(table)}) == 6  # none is repeated
    assert list(table["trial"]) == [1, 2, 3, 4, 5, 6]
    assert table["macro_f1"].tolist() == [score(**one) for one in settings_of(table)]
    assert set(table["state"]) == {"complete"}
    assert TrialState.RUNNING not in states(storage) and TrialState.WAITING not in states(storage)

    third = Recorder()
    pd.testing.assert_frame_equal(tuning.search(third, storage=storage, trials=6), table)
    assert third.calls == []
    assert len(tuning.search(third, storage=storage, trials=7)) == 7
    assert len(third.calls) == 1


def test_a_search_that_runs_nothing_says_so(tmp_path, caplog):
    storage = tmp_path / "trials.db"
    tuning.search(Recorder(), storage=storage, trials=2)
    assert caplog.messages == []
    wider = tuning.SPACE | {"epochs": optuna.distributions.IntDistribution(3, 4)}  # a learner expects new trials
    assert tuning.search(Recorder(), storage=storage, trials=2, space=wider)["epochs"].max() <= 2
    assert caplog.messages == [
        "trials.db holds 2 finished trials, so none was run: ask for more trials, or search with another file"
    ]


def test_a_trial_that_a_killed_process_left_running_is_tried_again(tmp_path):
    storage = tmp_path / "trials.db"
    study = optuna.create_study(study_name="lesson_04", storage=f"sqlite:///{storage}", direction="maximize")
    left = study.ask(dict(tuning.SPACE)).params  # and the process is gone: nobody tells how it ended
    assert states(storage) == [TrialState.RUNNING]
    recorder = Recorder()
    table = tuning.search(recorder, storage=storage, trials=2)
    assert recorder.calls[0] == left
    assert recorder.calls.count(left) == 1
    assert len(table) == 2
    assert sorted(states(storage)) == sorted([TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE])


def test_diverging_trials_are_failures_and_do_not_count(tmp_path, caplog):
    recorder = Recorder(diverges=lambda learning_rate, **_: learning_rate > 7e-5)
    table = tuning.search(recorder, storage=tmp_path / "trials.db", trials=5)
    diverged = [one for one in recorder.calls if one["learning_rate"] > 7e-5]
    assert diverged  # the seed draws some, or this would prove nothing
    assert len(table) == 5 and (table["learning_rate"] <= 7e-5).all()
    assert states(tmp_path / "trials.db").count(TrialState.FAIL) == len(diverged)
    assert len([line for line in caplog.messages if "the training loss is nan" in line]) == len(diverged)


def test_a_space_in_which_everything_diverges_ends(tmp_path):
    recorder = Recorder(diverges=lambda **_: True)
    with pytest.raises(
        RuntimeError, match=r"3 trials led nowhere \(the training loss is nan\): narrow the search space"
    ):
        tuning.search(recorder, storage=tmp_path / "trials.db", trials=3)
    assert len(recorder.calls) == 3


def test_other_errors_are_not_swallowed(tmp_path):
    def broken(**settings):
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        tuning.search(broken, storage=tmp_path / "trials.db", trials=2)


def test_eight_trials_vary_each_setting_within_the_space(tmp_path):
    table = tuning.search(Recorder(), storage=tmp_path / "trials.db", trials=8)
    for name, distribution in tuning.SPACE.items():
        assert table[name].nunique() > 1, name
        for value in table[name]:
            assert distribution._contains(distribution.to_internal_repr(value)), name
    assert (table["seconds"] >= 0).all()


def test_the_seed_decides_the_draws(tmp_path):
    runs = []
    for number, seed in enumerate((1, 1, 2)):
        runs.append(Recorder())
        tuning.search(runs[-1], storage=tmp_path / f"{number}.db", trials=3, seed=seed)
    assert runs[0].calls == runs[1].calls
    assert runs[0].calls != runs[2].calls


def test_a_space_of_ones_own(tmp_path):
    space = {"warmup": optuna.distributions.FloatDistribution(0.0, 0.2)}
    table = tuning.search(lambda warmup, callbacks: 1 - warmup, storage=tmp_path / "trials.db", trials=2, space=space)
    assert list(table.columns) == ["trial", "warmup", "macro_f1", "seconds", "state"]
    assert table["macro_f1"].tolist() == (1 - table["warmup"]).tolist()


def test_more_can_be_searched_and_is_what_training_takes(tmp_path):
    space = tuning.SPACE | tuning.MORE
    assert len(space) == 5
    seen = []

    def train_once(*, callbacks, **settings):
        args = training.training_arguments(tmp_path, **settings)
        seen.append(settings)
        assert (args.warmup_steps, args.weight_decay) == (settings["warmup_steps"], settings["weight_decay"])
        return 0.5

    table = tuning.search(train_once, storage=tmp_path / "trials.db", trials=3, space=space)
    assert all(set(one) == set(space) for one in seen)
    assert table[list(space)].to_dict("records") == seen
    assert (table[list(tuning.MORE)].nunique() > 1).all()


# ---------------------------------------------------------------- cutting short

GOOD = [(0.5, 0.6, 0.7), (0.52, 0.6, 0.7), (0.48, 0.6, 0.7), (0.5, 0.6, 0.7)]  # as many as it takes to warm up


class Script:
    """Stands for training once: after each epoch it evaluates as ``Trainer`` does, and scores as it is told to.

    Args:
        trials: The scores after each epoch that is planned, in the order of the trials; or an error to raise.
        batch_sizes: How many reviews there are in a step of each trial; 8 if left out.
    """

    def __init__(self, *trials, batch_sizes=()):
        self.trials, self.batch_sizes = trials, [*batch_sizes, *[8] * len(trials)]
        self.epochs = []  # that were run, by trial

    def __call__(self, *, callbacks, **_):
        number = len(self.epochs)
        scores, batch_size = self.trials[number], self.batch_sizes[number]
        self.epochs.append(0)
        if isinstance(scores, Exception):
            raise scores
        for epoch, macro_f1 in enumerate(scores, start=1):
            self.epochs[number] = epoch
            for callback in callbacks:
                callback.on_evaluate(
                    SimpleNamespace(num_train_epochs=float(len(scores)), per_device_train_batch_size=batch_size),
                    SimpleNamespace(epoch=float(epoch), global_step=epoch * 96 // batch_size),
                    SimpleNamespace(),
                    metrics={"eval_loss": 1 - macro_f1, "eval_macro_f1": macro_f1, "epoch": float(epoch)},
                    model=None,
                )
        return scores[-1]


def run(script, folder, *, trials):
    return tuning.search(script, storage=folder / "trials.db", trials=trials)


def test_a_hopeless_trial_is_cut_after_its_first_epoch_and_does_not_count(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger=tuning.__name__)
    script = Script(*GOOD, (0.1, 0.9, 0.9), (0.6, 0.7, 0.8))
    table = run(script, tmp_path, trials=5)
    assert script.epochs == [3, 3, 3, 3, 1, 3]
    assert table["state"].tolist() == ["complete"] * 4 + ["pruned", "complete"]
    assert table["trial"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["macro_f1"].tolist() == [0.7, 0.7, 0.7, 0.7, 0.1, 0.8]
    assert (table["seconds"] >= 0).all()
    assert [(line.levelno, line.message) for line in caplog.records if line.name == tuning.__name__] == [
        (logging.INFO, "trial 4 stopped: below the median after 1 of 3 epochs")
    ]


def test_a_trial_can_be_cut_later_and_the_table_has_its_last_score(tmp_path):
    script = Script(*GOOD, (0.55, 0.57, 0.9), (0.6, 0.7, 0.8))
    table = run(script, tmp_path, trials=5)
    assert script.epochs == [3, 3, 3, 3, 2, 3]
    assert table.loc[4, ["state", "macro_f1"]].tolist() == ["pruned", 0.57]


def test_the_median_decides(tmp_path):
    begun = [(start, 0.6, 0.7) for start in (0.2, 0.3, 0.4, 0.5)]
    script = Script(*begun, (0.34, 0.6, 0.7), (0.36, 0.6, 0.7))  # below and above 0.35
    run(script, tmp_path, trials=5)
    assert script.epochs == [3, 3, 3, 3, 1, 3]


def test_trials_are_compared_with_those_of_as_many_epochs_only(tmp_path):
    script = Script(*GOOD, (0.2, 0.6), (0.1, 0.6), (0.14, 0.6), (0.3, 0.6))
    run(script, tmp_path, trials=7)
    # Among trials of three the first two would be hopeless; one is too few to compare the second with; then 0.15 counts
    assert script.epochs == [3, 3, 3, 3, 2, 2, 1, 2]


def test_an_epoch_is_compared_with_the_same_epoch_only(tmp_path):
    script = Script(*GOOD, (0.51, 0.61, 0.7))  # its first is below the others' second and third
    run(script, tmp_path, trials=5)
    assert script.epochs[-1] == 3


def test_batch_sizes_do_not_matter_for_who_is_compared(tmp_path):
    script = Script(*GOOD, (0.1, 0.6, 0.7), (0.6, 0.6, 0.7), batch_sizes=(8, 16, 8, 16, 32, 32))
    table = run(script, tmp_path, trials=5)
    assert script.epochs == [3, 3, 3, 3, 1, 3]
    assert table["state"].tolist()[4:] == ["pruned", "complete"]


def test_nothing_is_cut_before_enough_trials_have_finished(tmp_path):
    assert len(GOOD) == tuning.WARM_UP_TRIALS
    script = Script(*GOOD[1:], (0.1, 0.2, 0.3))
    table = run(script, tmp_path, trials=4)
    assert script.epochs == [3, 3, 3, 3] and set(table["state"]) == {"complete"}


def test_the_last_epoch_is_paid_for(tmp_path):
    ones = [(0.7,)] * 4
    script = Script(*GOOD, (0.5, 0.6, 0.0), *ones, (0.0,))
    table = run(script, tmp_path, trials=10)
    assert set(table["state"]) == {"complete"}
    assert table["macro_f1"].tolist() == [0.7] * 4 + [0.0] + [0.7] * 4 + [0.0]


def test_cut_trials_survive_a_restart_and_are_not_tried_again(tmp_path):
    first = run(Script(*GOOD, (0.1, 0.6, 0.7), (0.6, 0.7, 0.8)), tmp_path, trials=5)
    script = Script((0.2, 0.6, 0.7), (0.6, 0.7, 0.9))  # and the new process still knows who did how well
    second = run(script, tmp_path, trials=6)
    assert script.epochs == [1, 3]
    pd.testing.assert_frame_equal(second.head(6), first)
    assert second["state"].tolist() == ["complete"] * 4 + ["pruned", "complete", "pruned", "complete"]
    assert second["macro_f1"].tolist()[-2:] == [0.2, 0.9]


def test_a_search_that_leads_nowhere_any_more_ends(tmp_path):
    diverged = FloatingPointError("the training loss is nan")
    script = Script(*GOOD, diverged, (0.1, 0.2, 0.3), diverged, (0.2, 0.2, 0.3), (0.3, 0.2, 0.3), (0.9, 0.9, 0.9))
    advice = r"5 trials led nowhere \(below the median after 1 of 3 epochs\): narrow the search space"
    with pytest.raises(RuntimeError, match=advice):
        run(script, tmp_path, trials=5)
    assert script.epochs == [3, 3, 3, 3, 0, 1, 0, 1, 1]
    table = tuning.trials_table(tmp_path / "trials.db")
    assert table["state"].tolist() == ["complete"] * 4 + ["pruned"] * 3  # those that diverged have no score
    assert tuning.choose(table).keys() == tuning.SPACE.keys()


def test_the_trainer_itself_is_stopped(tmp_path, tiny_encoder, tokenizer, reviews):
    best = [(1.0, 1.0, 1.0)] * 4
    run(Script(*best), tmp_path, trials=4)
    scores = []

    class Listener(TrainerCallback):
        def on_evaluate(self, args, state, control, metrics, **_):
            scores.append(metrics["eval_macro_f1"])

    def train_once(*, callbacks, batch_size, **_):
        tokenized = data.tokenize(reviews, tokenizer=tokenizer)
        training.fine_tune(
            train=tokenized,
            validation=tokenized.select(range(9)),
            model=models.load_classifier(tiny_encoder, seed=1),
            tokenizer=tokenizer,
            args=training.training_arguments(tmp_path, learning_rate=0.0, batch_size=batch_size, epochs=len(best[0])),
            callbacks=[Listener(), *callbacks],
            quiet=True,
        )

    def first_real(**settings):
        return 1.0 if scores else train_once(**settings)

    table = run(first_real, tmp_path, trials=5)
    assert len(scores) == 1 and scores[0] < 1
    assert table["state"].tolist() == ["complete"] * 4 + ["pruned", "complete"]
    assert table["macro_f1"][4] == scores[0]


# ---------------------------------------------------------------- choosing

TRIALS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4],
        "learning_rate": [1e-4, 3e-4, 2e-4, 8e-4],
        "batch_size": [8, 16, 32, 8],
        "epochs": [2, 2, 1, 1],
        "macro_f1": [0.6875, 0.75, 0.6250, 0.5],
        "seconds": [30.0, 40.0, 12.0, 8.0],
        "state": "complete",
    }
)


@pytest.mark.parametrize(
    ("standard_error", "trial"),
    [(0.0, 2), (0.06, 2), (0.0625, 1), (0.1, 1), (0.125, 3), (0.24, 3), (0.25, 4)],
)
def test_choose_takes_the_quickest_of_those_within_one_standard_error(standard_error, trial):
    expected = TRIALS.set_index("trial").loc[trial]
    chosen = tuning.choose(TRIALS.sample(frac=1, random_state=2), standard_error=standard_error)
    assert chosen == {name: expected[name] for name in ("learning_rate", "batch_size", "epochs")}


def test_choose_breaks_ties_by_the_earlier_trial_and_gives_whole_numbers_as_such():
    tied = TRIALS.assign(macro_f1=0.7, seconds=9.0).sample(frac=1, random_state=2)
    chosen = tuning.choose(tied)
    assert chosen == {"learning_rate": 1e-4, "batch_size": 8, "epochs": 2}
    assert type(chosen["batch_size"]) is int and type(chosen["epochs"]) is int
    assert type(chosen["learning_rate"]) is float


@pytest.mark.parametrize(("dearer", "expected"), [(1.09, 1e-4), (1.11, 2e-4)])
def test_of_equally_cheap_trials_the_gentlest_is_taken(dearer, expected):
    pair = TRIALS.head(2).assign(learning_rate=[2e-4, 1e-4], macro_f1=0.7, seconds=[10, 10 * dearer], state="complete")
    assert tuning.choose(pair)["learning_rate"] == expected


def test_choose_never_takes_a_trial_that_was_cut_short():
    cut = TRIALS.assign(state=["complete", "pruned", "pruned", "complete"])  # the best and the third were
    assert tuning.choose(cut)["learning_rate"] == 1e-4
    assert tuning.choose(cut, standard_error=0.1)["learning_rate"] == 1e-4  # though the third is quicker
    assert tuning.choose(cut, standard_error=0.1875)["learning_rate"] == 8e-4  # counted from the best that finished


@pytest.mark.parametrize("table", [TRIALS.head(0), TRIALS.assign(state="pruned"), pd.DataFrame({"trial": []})])
def test_choose_needs_a_finished_trial(table):
    with pytest.raises(ValueError, match="no finished trials to choose from: run the search first"):
        tuning.choose(table)
