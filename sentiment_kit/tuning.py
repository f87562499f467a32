"""Tuning (lesson 04): a search space, trials that survive a restart and are cut short when hopeless, and choosing."""

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState
from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sentiment_kit import profiles

SPACE: dict[str, optuna.distributions.BaseDistribution] = {
    "learning_rate": optuna.distributions.FloatDistribution(2.3e-5, 2.1e-4, log=True),
    "batch_size": optuna.distributions.CategoricalDistribution([8, 16, 32]),
    "epochs": optuna.distributions.IntDistribution(1, 2),
}
"""What lesson 04 searches: the learning rate on a logarithmic scale, the batch size, the epochs."""

MORE: dict[str, optuna.distributions.BaseDistribution] = {
    "warmup_steps": optuna.distributions.FloatDistribution(0.0, 0.3),
    "weight_decay": optuna.distributions.FloatDistribution(0.0, 0.1),
}
"""For the curious: two more to search, after ``SPACE | MORE``. They matter less, and each needs more trials."""

_log = logging.getLogger(__name__)

WARM_UP_TRIALS = 4
"""As many finished trials there must be before one is cut short."""


class _Pruning(TrainerCallback):
    """Reports a trial's score after each epoch, and stops it if it is below the median of comparable trials.

    Comparable means: after as many epochs, of as many in all. Counting steps would compare batches of 8 with batches
    of 32, and half of a long training, still at a high learning rate, with the end of a short one.
    """

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **_: object,
    ) -> None:
        done, planned = round(state.epoch), round(args.num_train_epochs)
        if done >= planned:
            return  # it is paid for
        self.trial.report(metrics["eval_macro_f1"], step=1000 * planned + done)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"below the median after {done} of {planned} epochs")


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
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=WARM_UP_TRIALS, n_min_trials=2)
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
        train_once: Called by keyword with a value for each name in ``space``, and ``callbacks`` for the ``Trainer``;
            returns the score to make large. With ``eval_strategy="epoch"`` hopeless trials are cut short.
        storage: The SQLite file that remembers the trials.
        trials: How many trials there shall be in all that ran to their end.
        space: Each hyperparameter's name and the values it may take.
        seed: Seed of the draws.

    Returns:
        The trials, as :func:`trials_table` gives them.

    Raises:
        RuntimeError: As many trials failed or were cut short as were wanted.

    Source:
        Bergstra et al. (2011), https://papers.nips.cc/paper/4443 (the sampler, TPE); Golovin et al. (2017),
        https://doi.org/10.1145/3097983.3098043 (the median rule that cuts trials short).
    """
    study = _open_study(Path(storage), seed)
    unfinished = 0

    def finished() -> int:
        return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))

    if (there := finished()) >= trials:
        told = "%s holds %d finished trials, so none was run: ask for more trials, or search with another file"
        _log.warning(told, Path(storage).name, there)
    with tqdm(total=trials, initial=min(there, trials), desc="trials", unit="trial") as progress:
        while finished() < trials:
            trial = study.ask(dict(space))
            try:
                score = float(train_once(**trial.params, callbacks=[_Pruning(trial)]))
                if math.isnan(score):
                    raise FloatingPointError("the score is not a number")
                study.tell(trial, score)
            except (optuna.TrialPruned, FloatingPointError) as error:  # that it leads nowhere is a finding, not the end
                pruned = isinstance(error, optuna.TrialPruned)
                study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)
                unfinished += 1
                _log.log(logging.INFO if pruned else logging.WARNING, "trial %d stopped: %s", trial.number, error)
                if unfinished >= trials:
                    raise RuntimeError(f"{unfinished} trials led nowhere ({error}): narrow the search space") from error
                continue
            progress.set_postfix(best=f"{study.best_value:.3f}")
            progress.update()
    return trials_table(storage)


def trials_table(storage: str | Path) -> pd.DataFrame:
    """The trials of a search, in the order in which they ran.

    Args:
        storage: The SQLite file of :func:`search`.

    Returns:
        One row for each trial: ``trial`` (from 1), the hyperparameters, ``macro_f1`` (of one cut short: when it was),
        ``seconds`` (what it cost), ``state`` (``"complete"`` or ``"pruned"``).
    """
    study = optuna.load_study(study_name="lesson_04", storage=f"sqlite:///{Path(storage)}")
    shown = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    rows = [
        trial.params
        | {"macro_f1": trial.value if trial.value is not None else trial.intermediate_values[trial.last_step]}
        | {"seconds": trial.duration.total_seconds(), "state": trial.state.name.lower()}
        for trial in shown
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "trial", range(1, len(table) + 1))
    return table


def choose(table: pd.DataFrame, *, standard_error: float = 0.0) -> dict[str, float]:
    """Picks the cheapest trial among those that cannot be told from the best.

    Costs within a tenth of the lowest count as equal: a clock is no finer. Of these the gentlest is taken, the one with
    the lowest learning rate (if there is one): the others lie nearer to where training diverges.

    Args:
        table: As :func:`trials_table` gives it; trials that were cut short are not chosen.
        standard_error: How far a trial's score typically lies from what the setting is worth: the standard deviation
            over seeds, if each setting was tried once. Trials within one of it count as the best's equals.

    Returns:
        The chosen hyperparameters by name.

    Raises:
        ValueError: There are no finished trials.

    Source:
        Breiman et al. (1984), Classification and Regression Trees, section 3.4.3 (the rule of one standard error).
    """
    finished = table[table["state"] == "complete"] if len(table) else table
    if finished.empty:
        raise ValueError("there are no finished trials to choose from: run the search first")
    good = finished[finished["macro_f1"] >= finished["macro_f1"].max() - standard_error]
    cheap = good[good["seconds"] <= 1.1 * good["seconds"].min()]
    order = [column for column in ("learning_rate", "seconds", "trial") if column in cheap]
    row = cheap.sort_values(order).iloc[0]
    chosen = row.drop(["trial", "macro_f1", "seconds", "state"]).to_dict()
    return {name: int(value) if float(value).is_integer() else float(value) for name, value in chosen.items()}
