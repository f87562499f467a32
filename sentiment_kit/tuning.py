"""Tuning (lesson 04): a search space, trials that survive a restart, and choosing among them."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState
from tqdm.auto import tqdm

from sentiment_kit import profiles

SPACE: dict[str, optuna.distributions.BaseDistribution] = {
    "learning_rate": optuna.distributions.FloatDistribution(2e-5, 1.2e-4, log=True),
    "batch_size": optuna.distributions.CategoricalDistribution([8, 16, 32]),
    "epochs": optuna.distributions.IntDistribution(1, 2),
}
"""What lesson 04 searches: the learning rate on a logarithmic scale, the batch size, the epochs."""

_log = logging.getLogger(__name__)


def _open_study(storage: Path, seed: int) -> optuna.Study:
    """Opens the study, and puts trials that a killed run left half done back in the queue."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    where = f"sqlite:///{storage}"
    study = optuna.create_study(study_name="lesson_04", storage=where, direction="maximize", load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    # A sampler starts anew in each process: without the count it would draw the first settings again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=6)
    return study


def search(
    train_once: Callable[..., float],
    *,
    storage: str | Path,
    trials: int,
    space: Mapping[str, optuna.distributions.BaseDistribution] = SPACE,
    seed: int = profiles.SEED,
) -> pd.DataFrame:
    """Tries settings until there are enough finished trials. Called again, it goes on where it stopped.

    Args:
        train_once: Called with one value for each name in ``space``, as keywords; returns the score to make large.
        storage: The SQLite file that remembers the trials.
        trials: How many finished trials there shall be in all.
        space: Each hyperparameter's name and the values it may take.
        seed: Seed of the draws.

    Returns:
        The finished trials, as :func:`trials_table` gives them.

    Raises:
        RuntimeError: As many trials failed as were wanted.

    Source:
        Bergstra et al. (2011), https://papers.nips.cc/paper/4443 (the sampler, TPE).
    """
    study = _open_study(Path(storage), seed)
    failures = 0

    def finished() -> int:
        return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))

    with tqdm(total=trials, initial=min(finished(), trials), desc="trials", unit="trial") as progress:
        while finished() < trials:
            trial = study.ask(dict(space))
            try:
                study.tell(trial, train_once(**trial.params))
            except FloatingPointError as error:  # a setting may diverge; that is a finding, not the end
                study.tell(trial, state=TrialState.FAIL)
                failures += 1
                _log.warning("trial %d failed: %s", trial.number, error)
                if failures >= trials:
                    raise RuntimeError(f"{failures} trials failed: narrow the search space") from error
                continue
            progress.set_postfix(best=f"{study.best_value:.3f}")
            progress.update()
    return trials_table(storage)


def trials_table(storage: str | Path) -> pd.DataFrame:
    """The finished trials of a search, in the order in which they ran.

    Args:
        storage: The SQLite file of :func:`search`.

    Returns:
        One row for each trial: ``trial`` (from 1), the hyperparameters, ``macro_f1``, ``seconds``.
    """
    study = optuna.load_study(study_name="lesson_04", storage=f"sqlite:///{Path(storage)}")
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    rows = [trial.params | {"macro_f1": trial.value, "seconds": trial.duration.total_seconds()} for trial in finished]
    table = pd.DataFrame(rows)
    table.insert(0, "trial", range(1, len(table) + 1))
    return table


def choose(table: pd.DataFrame, *, tolerance: float = 0.0) -> dict[str, float]:
    """Picks the cheapest trial among those that cannot be told from the best.

    Args:
        table: As :func:`trials_table` gives it.
        tolerance: How far below the best score a trial may lie and still count as its equal: the seed noise.

    Returns:
        The chosen hyperparameters by name.

    Raises:
        ValueError: There are no trials.
    """
    if table.empty:
        raise ValueError("there are no finished trials to choose from: run the search first")
    good = table[table["macro_f1"] >= table["macro_f1"].max() - tolerance]
    row = good.sort_values(["seconds", "trial"]).iloc[0]
    chosen = row.drop(["trial", "macro_f1", "seconds"]).to_dict()
    return {name: int(value) if float(value).is_integer() else float(value) for name, value in chosen.items()}
