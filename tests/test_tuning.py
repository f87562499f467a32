"""Tuning: a search that survives being stopped, counts what it must, and a choice that can be explained."""

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from sentiment_kit import tuning


def score(learning_rate, batch_size, epochs):
    """A landscape with its top at the largest learning rate, small batches and two epochs."""
    return learning_rate * 1000 - batch_size / 100 + epochs / 10


class Recorder:
    """Stands for training once: notes its settings, and stops or diverges where it is told to."""

    def __init__(self, *, stop_at=None, diverges=lambda **settings: False):
        self.calls, self.stop_at, self.diverges = [], stop_at, diverges

    def __call__(self, **settings):
        self.calls.append(settings)
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
    assert TrialState.RUNNING not in states(storage) and TrialState.WAITING not in states(storage)

    third = Recorder()
    pd.testing.assert_frame_equal(tuning.search(third, storage=storage, trials=6), table)
    assert third.calls == []
    assert len(tuning.search(third, storage=storage, trials=7)) == 7
    assert len(third.calls) == 1


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
    recorder = Recorder(diverges=lambda learning_rate, **_: learning_rate > 5e-5)
    table = tuning.search(recorder, storage=tmp_path / "trials.db", trials=5)
    diverged = [one for one in recorder.calls if one["learning_rate"] > 5e-5]
    assert diverged  # the seed draws some, or this would prove nothing
    assert len(table) == 5 and (table["learning_rate"] <= 5e-5).all()
    assert states(tmp_path / "trials.db").count(TrialState.FAIL) == len(diverged)
    assert len([line for line in caplog.messages if "the training loss is nan" in line]) == len(diverged)


def test_a_space_in_which_everything_diverges_ends(tmp_path):
    recorder = Recorder(diverges=lambda **_: True)
    with pytest.raises(RuntimeError, match="3 trials failed: narrow the search space"):
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
    table = tuning.search(lambda warmup: 1 - warmup, storage=tmp_path / "trials.db", trials=2, space=space)
    assert list(table.columns) == ["trial", "warmup", "macro_f1", "seconds"]
    assert table["macro_f1"].tolist() == (1 - table["warmup"]).tolist()


# ---------------------------------------------------------------- choosing

TRIALS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4],
        "learning_rate": [1e-4, 3e-4, 2e-4, 8e-4],
        "batch_size": [8, 16, 32, 8],
        "epochs": [2, 2, 1, 1],
        "macro_f1": [0.6875, 0.75, 0.6250, 0.5],
        "seconds": [30.0, 40.0, 12.0, 8.0],
    }
)


@pytest.mark.parametrize(
    ("tolerance", "trial"),
    [(0.0, 2), (0.06, 2), (0.0625, 1), (0.1, 1), (0.125, 3), (0.24, 3), (0.25, 4)],
)
def test_choose_takes_the_quickest_of_those_within_the_tolerance(tolerance, trial):
    expected = TRIALS.set_index("trial").loc[trial]
    chosen = tuning.choose(TRIALS.sample(frac=1, random_state=2), tolerance=tolerance)
    assert chosen == {name: expected[name] for name in ("learning_rate", "batch_size", "epochs")}


def test_choose_breaks_ties_by_the_earlier_trial_and_gives_whole_numbers_as_such():
    tied = TRIALS.assign(macro_f1=0.7, seconds=9.0).sample(frac=1, random_state=2)
    chosen = tuning.choose(tied)
    assert chosen == {"learning_rate": 1e-4, "batch_size": 8, "epochs": 2}
    assert type(chosen["batch_size"]) is int and type(chosen["epochs"]) is int
    assert type(chosen["learning_rate"]) is float


def test_choose_needs_a_trial():
    with pytest.raises(ValueError, match="no finished trials to choose from: run the search first"):
        tuning.choose(TRIALS.head(0))
