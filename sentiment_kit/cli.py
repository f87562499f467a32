"""The command ``sentiment-kit``: parses, calls, prints. Bad input ends in one line and exit code 2."""

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path


def _positive(kind: type) -> object:
    def parse(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return value

    parse.__name__ = f"positive {kind.__name__}"
    return parse


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"the seed {text} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def _course(args: argparse.Namespace) -> None:
    from sentiment_kit import course

    if args.only:
        ran = course.run_lesson(args.only)
        print(f"{args.only}: {'done' if ran else 'nothing to do'}")
        return
    print_course_summary(course.run(fresh=args.fresh, tell=print))


def _load_classifier(folder: Path, **settings: float) -> object:
    import transformers

    from sentiment_kit.inference import SentimentClassifier

    transformers.logging.disable_progress_bar()  # loading takes a second
    return SentimentClassifier.from_folder(folder, **settings)


def print_course_summary(summary: dict) -> None:
    """Prints the closing table of ``sentiment-kit course``: times, scores, where the model lies, three predictions.

    Args:
        summary: What ``course.run`` returned.
    """
    from sentiment_kit import course

    print(f"\n{'lesson':<20}{'seconds':>9}{'peak MB':>9}")
    for lesson in summary["lessons"]:
        note = "  (skipped: measured earlier)" if lesson["skipped"] else ""
        print(f"{lesson['name']:<20}{lesson['seconds']:>9.1f}{lesson['peak_memory_mb']:>9}{note}")
    print(f"{'all lessons':<20}{sum(lesson['seconds'] for lesson in summary['lessons']):>9.1f}")
    print(f"\n{'':<20}{'validation':>22}{'hold-out':>22}")
    print(f"{'':<20}{'accuracy':>11}{'macro-F1':>11}{'accuracy':>11}{'macro-F1':>11}")
    for system in summary["scores"]["validation"]:
        row = [summary["scores"][split][system] for split in ("validation", "holdout")]
        print(f"{system:<20}" + "".join(f"{one[name]:>11.3f}" for one in row for name in ("accuracy", "macro_f1")))
    model_dir = course.run_folder() / summary["model_dir"]
    print(f"\nYour model: {model_dir}\nThree new reviews:")
    reviews = [
        "A funny, big-hearted film with not one dull scene.",
        "Two hours of people explaining the plot to each other.",
        "The first half is splendid and the second throws it all away.",
    ]
    for prediction in _load_classifier(model_dir).predict(reviews):
        print(f"  {prediction.label:<9} {prediction.probability:.2f}  {prediction.text}")
    print("\nNow open the lessons and work through them: make lab")


def _doctor(args: argparse.Namespace) -> int:
    try:
        from sentiment_kit import doctor
    except ModuleNotFoundError as error:
        print(f"NOT  packages   {error.name} is not installed\n     → run `pip install -r requirements.txt`")
        return 1

    checks = doctor.examine()
    for check in checks:
        print(f"{'ok ' if check.ok else 'NOT'}  {check.name:<11}{check.found}")
        if not check.ok:
            print(f"     → {check.remedy}")
    good = all(check.ok for check in checks)
    print("This machine can run the course." if good else "Mend the lines marked NOT, from the top, then try again.")
    return 0 if good else 1


def _read(args: argparse.Namespace, path: Path) -> object:
    from sentiment_kit import data

    return data.read_reviews(
        path, text_column=args.text_column, label_column=args.label_column, five_point=args.five_to_three
    )


def _train(args: argparse.Namespace) -> None:
    train, validation = _read(args, args.train), _read(args, args.validation)
    from sentiment_kit import training

    scores = training.train_from_files(
        train=train,
        validation=validation,
        output=args.output,
        checkpoint=args.checkpoint,
        epochs=args.epochs,
        learning_rate=args.learning_rate,
        batch_size=args.batch_size,
        seed=args.seed,
    )
    print(f"validation: accuracy {scores['accuracy']:.3f}, macro-F1 {scores['macro_f1']:.3f}")
    print(f"model: {args.output}")


def _evaluate(args: argparse.Namespace) -> None:
    reviews = _read(args, args.data)
    from sentiment_kit import evaluation, files

    classifier = _load_classifier(args.model)
    names = reviews.features["label"].names
    if sorted(names) != sorted(classifier.labels):
        raise ValueError(
            f"{args.model}: this model's labels are {', '.join(classifier.labels)}, not {', '.join(names)}"
        )
    best = classifier.probabilities(list(reviews["text"])).argmax(axis=1)
    predicted = [names.index(classifier.labels[index]) for index in best]
    report = evaluation.report(gold=list(reviews["label"]), predicted=predicted, labels=names)
    print(f"reviews   {report['reviews']}")
    print(f"accuracy  {report['accuracy']:.3f}")
    print(f"macro-F1  {report['macro_f1']:.3f}")
    for name, value in report["per_class_f1"].items():
        print(f"  F1 {name:<10}{value:.3f}")
    print("confusion matrix (gold in rows, predicted in columns)")
    print(f"{'':<12}" + "".join(f"{name:>10}" for name in report["labels"]))
    for name, row in zip(report["labels"], report["confusion_matrix"], strict=True):
        print(f"{name:<12}" + "".join(f"{count:>10}" for count in row))
    if args.json:
        files.write_json(args.json, report)


def _predict(args: argparse.Namespace) -> None:
    classifier = _load_classifier(args.model, threshold=args.threshold)
    if args.input:
        report = classifier.predict_file(args.input, args.output, text_column=args.text_column)
        print(f"{report.predicted} rows labeled: {args.output}")
        if report.rejected:
            print(f"{report.rejected} rows set aside: {report.rejected_path}")
        return
    for prediction in classifier.predict(args.text):
        shares = "  ".join(f"{name} {value:.3f}" for name, value in prediction.probabilities.items())
        print(f"{prediction.label}  ({shares})  {prediction.text}")


def _add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text-column", default="text", help="the column with the texts (default: text)")
    parser.add_argument("--label-column", default="label", help="the column with the labels (default: label)")
    parser.add_argument(
        "--five-to-three",
        action="store_true",
        help="the labels are ratings 0 (worst) to 4 (best): map to three",
    )


def _add_train(commands: "argparse._SubParsersAction") -> None:
    train = commands.add_parser("train", help="fine-tune on your own labeled reviews")
    train.add_argument("--train", type=Path, required=True, metavar="FILE", help=".csv, .jsonl or .parquet")
    train.add_argument("--validation", type=Path, required=True, metavar="FILE", help="reviews to evaluate on")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder for the model")
    train.add_argument("--checkpoint", help="folder or Hub name of the encoder (default: the profile's)")
    train.add_argument("--epochs", type=_positive(float), help="passes over the training reviews")
    train.add_argument("--learning-rate", type=_positive(float), help="the largest step size, such as 1e-4")
    train.add_argument("--batch-size", type=_positive(int), help="reviews in one step")
    train.add_argument("--seed", type=_seed, default=42, help="default: 42")
    _add_columns(train)
    train.set_defaults(run=_train)


def _add_evaluate(commands: "argparse._SubParsersAction") -> None:
    evaluate = commands.add_parser("evaluate", help="score a model on labeled reviews")
    evaluate.add_argument("--model", type=Path, required=True, metavar="DIR", help="a fine-tuned model")
    evaluate.add_argument("--data", type=Path, required=True, metavar="FILE", help=".csv, .jsonl or .parquet")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    _add_columns(evaluate)
    evaluate.set_defaults(run=_evaluate)


def _add_predict(commands: "argparse._SubParsersAction") -> None:
    predict = commands.add_parser("predict", help="label new texts")
    predict.add_argument("--model", type=Path, required=True, metavar="DIR", help="a fine-tuned model")
    predict.add_argument("text", nargs="*", help="one text or several, each in quotes")
    predict.add_argument("--input", type=Path, metavar="FILE", help="label every row of this file instead")
    predict.add_argument("--output", type=Path, metavar="FILE", help="where to (.csv or .jsonl), with --input")
    predict.add_argument("--text-column", default="text", help="the column with the texts (default: text)")
    predict.add_argument("--threshold", type=float, default=0.0, help="below this probability say 'not sure'")
    predict.set_defaults(run=_predict)


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of ``sentiment-kit``."""
    parser = argparse.ArgumentParser(
        prog="sentiment-kit",
        description="Adapt BERT to the sentiment of movie reviews, and use what comes out.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    course = commands.add_parser("course", help="run all lessons in order; finished ones are skipped")
    course.add_argument("--fresh", action="store_true", help="start over: throw the current run away")
    course.add_argument("--only", metavar="LESSON", help="run one lesson, such as 03_fine_tune")
    course.set_defaults(run=_course)

    doctor = commands.add_parser("doctor", help="can this machine run the course?")
    doctor.set_defaults(run=_doctor)

    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments; those of the process if left out.

    Returns:
        The exit code: 0, 1 (a lesson or a check failed), 2 (bad input), 130 (interrupted).
    """
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command == "predict" and bool(args.text) == bool(args.input):
        parser.error("predict: give one or more texts in quotes, or --input FILE")
    if args.command == "predict" and args.input and not args.output:
        parser.error("predict: --input needs --output FILE")
    if args.command == "predict" and args.output and not args.input:
        parser.error("predict: --output goes with --input FILE")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        return args.run(args) or 0
    except KeyboardInterrupt:
        hint = "; `sentiment-kit course` goes on where it was" if args.command == "course" else ""
        print(f"\nstopped{hint}", file=sys.stderr)
        return 130
    except (ValueError, FloatingPointError, OSError, RuntimeError) as error:
        message = str(error)
        if "\n" in message:  # ours are one line; anything else is a defect and shows its traceback
            raise
        print(f"sentiment-kit {args.command}: {message}", file=sys.stderr)
        return 1 if type(error).__name__ == "LessonError" else 2
